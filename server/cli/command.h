/* cli/command.h
 * The commands of the binary. Each takes its own arguments (argv[0] is the command's name), prints to stdout, says on
 * stderr what is wrong with a call, and returns the process' exit code.
 */
#pragma once
#include "base/lang.h"

enum exit_code {
	EXIT_CODE_OK = 0,
	EXIT_CODE_PROBLEMS = 1, /* what was asked about is not in order, or could not be had */
	EXIT_CODE_USAGE = 2,
};
struct flag;
struct command {
	const char *name;
	const char *arguments; /* "-f FILE_OR_DIR --node NODE.json" */
	const char *summary;
	const char *details; /* exit codes, what it prints */
	int (*run)(const struct command *, int argc, char **argv);
};
extern const struct command command_render, command_validate, command_proxy_status, command_explain,
	command_impact, command_version;

/* Prints "error" and how to get help to stderr; returns EXIT_CODE_USAGE. */
int command_usage(const struct command *, const char *why);
int command_help(const struct command *, const struct flag *, size_t n_flags);

#define MAINSHEET_VERSION "0.1.0"
#define MAINSHEET_ISTIO_VERSION "1.32.0" /* whose behaviour is copied */
