# Holds the include graph against the layers of the design (section 6): a room includes only rooms below its own level.
# Input: lines "FILE:#include "ROOM/...", as grep prints them.
BEGIN {
	FS = ":"
	n = split("base 0 doc 1 fetch 1 schema 2 world 3 certs 3 model 4 source 4 pb 4 snapshot 5 kube 5 inject 5 " \
		  "analyze 5 translate 6 ads 7 rpc 7 http 8 agent 8 cli 8 daemon 9", w, " ")
	for (i = 1; i < n; i += 2)
		level[w[i]] = w[i + 1]
}
{
	split($1, p, "/")
	from = p[2]
	if (p[1] == "certs")
		from = "certs"
	if (!match($0, /"[^"]+"/))
		next
	inc = substr($0, RSTART + 1, RLENGTH - 2)
	split(inc, q, "/")
	to = q[1]
	if (inc == "types.h")
		to = "schema"
	if (inc == "ev_all.h")
		to = "pb"
	if (inc !~ /\//) {
		if (inc != "types.h" && inc != "ev_all.h") {
			print $1 ": include not rooted: " inc
			bad = 1
		}
		if (to !~ /^(schema|pb)$/)
			next
	}
	if (to == from)
		next
	if (!(to in level)) {
		print $1 ": no such room: " inc
		bad = 1
	} else if (!(from in level)) {
		print $1 ": not in a room of the design"
		bad = 1
	} else if (level[to] >= level[from]) {
		print $1 " (" from ", L" level[from] ") includes " inc " (L" level[to] ")"
		bad = 1
	}
}
END { exit bad }
