/* cli/flags.h
 * Command line flags as a table: one row declares a flag, where its value lands, and its help. Flags are written as
 * pflag, istiod's library, takes them: --name value, --name=value, -f value, --bool, --bool=false.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"

enum flag_type {
	FLAG_BOOL,     /* bool */
	FLAG_STRING,   /* const char * */
	FLAG_LIST,     /* struct flag_list, appended; commas separate too if `commas` */
	FLAG_INT,      /* int64_t */
	FLAG_DURATION, /* int64_t, ns */
};
struct flag_list {
	const char **v;
	uint32_t n, cap;
};
struct flag {
	const char *name;
	char letter; /* 0: none */
	enum flag_type type;
	void *value;
	const char *
		argument; /* what stands for the value in help: "FILE"; NULL: the flag is accepted without effect
				 * and not listed */
	const char *help;
};

/* Sets the values; returns in *ret_first the index of the first argument that is no flag (flags may follow it).
 * False: the text says which flag and why. */
bool flags_parse(const struct flag *, size_t n, int argc, char **argv, int *ret_first,
		 struct err *) must_check;
void flags_help(const struct flag *, size_t n, struct buf *out);
