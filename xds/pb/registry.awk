# Reads the generated *.pb-c.c and writes, into the directory `out`, what protoc-c does not give us:
#   ev_all.h    includes every message, and names each one's descriptor and type URL after its C type (see pb/ev.h)
#   registry.c  the table of all messages in order of full name (see pb_types)
# A message descriptor starts with these lines; field and enum descriptors look different in the first two:
#   const ProtobufCMessageDescriptor core__address__descriptor =
#   {
#     PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
#     "envoy.config.core.v3.Address",
#     "Address",
#     "Core__Address",

/^const ProtobufCMessageDescriptor / { desc = $3; at = NR }
desc && NR == at + 3 { split($0, q, "\""); full = q[2] }
desc && NR == at + 5 {
	split($0, q, "\"")
	print full, desc, q[2] | ("LC_ALL=C sort >" out "/types.list")
	desc = ""
}

END {
	close("LC_ALL=C sort >" out "/types.list")
	h = out "/ev_all.h"
	c = out "/registry.c"
	print "#pragma once" > h
	for (i = 1; i < ARGC; i++) {
		if (ARGV[i] !~ /\.pb-c\.c$/)
			continue
		n = split(ARGV[i], path, "/")
		sub(/\.c$/, ".h", path[n])
		printf "#include \"%s\"\n", path[n] > h
	}
	print "#include \"pb/pb.h\"\n#include \"pb/registry.h\"\nconst struct pb_type pb_registry[] = {" > c
	while ((getline line < (out "/types.list")) > 0) {
		split(line, w, " ")
		printf "#define %s__DESC %s\n#define %s__URL \"type.googleapis.com/%s\"\n", w[3], w[2], w[3], w[1] > h
		printf "\t{ &%s, \"type.googleapis.com/%s\" },\n", w[2], w[1] > c
	}
	print "};\nconst size_t pb_registry_n = sizeof pb_registry / sizeof *pb_registry;" > c
}
