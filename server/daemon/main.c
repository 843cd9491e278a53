/* The binary: one table of commands. */
#include "cli/command.h"
#include "daemon/discovery.h"
#include <stdio.h>

static const struct command *const commands[] = {
	&command_discovery,    &command_render,  &command_validate,
	&command_proxy_status, &command_version,
};

static int help(FILE *fp)
{
	fputs("Mainsheet: a service-mesh control plane.\n\nUsage:\n  mainsheet COMMAND "
	      "[flags]\n\nCommands:\n",
	      fp);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(fp, "  %-14s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\nmainsheet COMMAND --help says more about each.\n", fp);
	return fp == stdout ? EXIT_CODE_OK : EXIT_CODE_USAGE;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return help(stderr);
	if (str_eq(argv[1], "--help") || str_eq(argv[1], "-h") || str_eq(argv[1], "help"))
		return help(stdout);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (str_eq(argv[1], commands[i]->name))
			return commands[i]->run(commands[i], argc - 1, argv + 1);
	fprintf(stderr, "mainsheet: no such command: %s\n\n", argv[1]);
	return help(stderr);
}
