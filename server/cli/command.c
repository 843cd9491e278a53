/* What all commands say alike: usage and help; and the smallest of them. */
#include "cli/command.h"
#include "cli/flags.h"
#include <stdio.h>

int command_usage(const struct command *c, const char *why)
{
	fprintf(stderr, "mainsheet %s: %s\nSee mainsheet %s --help.\n", c->name, why, c->name);
	return EXIT_CODE_USAGE;
}

int command_help(const struct command *c, const struct flag *flags, size_t n)
{
	struct buf out = BUF_INIT;

	buf_printf(&out, "%s\n\nUsage:\n  mainsheet %s %s\n\n%s%sFlags:\n", c->summary, c->name,
		   c->arguments, str_or(c->details, ""), c->details ? "\n\n" : "");
	flags_help(flags, n, &out);
	fputs(buf_str(&out), stdout);
	buf_fini(&out);
	return EXIT_CODE_OK;
}

static int run_version(const struct command *c, int argc, char **argv)
{
	bool json = false, help = false;
	const char *output = NULL;
	int first;
	struct err e = ERR_INIT;
	const struct flag flags[] = {
		{ "output", 'o', FLAG_STRING, &output, "json", "print JSON" },
		{ "help", 'h', FLAG_BOOL, &help, NULL, "this text" },
	};

	if (!flags_parse(flags, ARRAY_LEN(flags), argc, argv, &first, &e))
		return command_usage(c, e.text);
	if (help)
		return command_help(c, flags, ARRAY_LEN(flags));
	json = str_eq(output, "json");
	if (output && !json)
		return command_usage(c, "-o takes json");
	if (json)
		printf("{\"version\":\"%s\",\"istio\":\"%s\"}\n", MAINSHEET_VERSION,
		       MAINSHEET_ISTIO_VERSION);
	else
		printf("mainsheet %s (behaves as istiod %s)\n", MAINSHEET_VERSION,
		       MAINSHEET_ISTIO_VERSION);
	return EXIT_CODE_OK;
}

const struct command command_version = {
	.name = "version",
	.arguments = "[-o json]",
	.summary = "Prints the version.",
	.run = run_version,
};
