/* The binary: one table of commands. */
#include "cli/command.h"
#include "daemon/discovery.h"
#include <stdio.h>

static const struct command *const commands[] = {
	&command_discovery, &command_render, &command_validate, &command_proxy_status,
	&command_explain,   &command_impact, &command_version,
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

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (str_eq(name, commands[i]->name))
			return commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	char word[] = "help", flag[] = "--help", *dash_help[] = { word, flag, NULL };
	const struct command *c;
	const char *name;
	bool asks_help;

	if (argc < 2)
		return help(stderr);
	asks_help = str_eq(argv[1], "help");
	if (str_eq(argv[1], "--help") || str_eq(argv[1], "-h") || (asks_help && argc == 2))
		return help(stdout);
	name = argv[asks_help ? 2 : 1];
	c = find(name);
	if (c && asks_help)
		return c->run(c, ARRAY_LEN(dash_help) - 1, dash_help);
	if (c)
		return c->run(c, argc - 1, argv + 1);
	fprintf(stderr, "mainsheet: no such command: %s\n\n", name);
	return help(stderr);
}
