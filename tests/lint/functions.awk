# Functions of more than 80 lines, by the house layout: "{" and "}" alone in the first column.
FNR == 1 { start = 0 }
/^\{/ { start = FNR }
/^\}/ {
	if (start && FNR - start - 1 > 80) {
		print FILENAME ":" start ": function of " FNR - start - 1 " lines (80 is the limit)"
		bad = 1
	}
	start = 0
}
END { exit bad }
