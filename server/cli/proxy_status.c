/* `mainsheet proxy-status`: asks a daemon for its page of that name and prints it. The page says in a header whether all is
 * in order, so that table and exit code come from one look. */
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/flags.h"

static int run(const struct command *c, int argc, char **argv)
{
	const char *address = ASK_ADDRESS, *output = NULL;
	bool help = false;
	int first;
	struct err e = ERR_INIT;
	const struct flag flags[] = {
		{ "address", 0, FLAG_STRING, &address, "URL", "of the daemon (" ASK_ADDRESS ")" },
		{ "output", 'o', FLAG_STRING, &output, "json", "print JSON" },
		{ "help", 'h', FLAG_BOOL, &help, NULL, "this text" },
	};

	if (!flags_parse(flags, ARRAY_LEN(flags), argc, argv, &first, &e))
		return command_usage(c, e.text);
	if (help)
		return command_help(c, flags, ARRAY_LEN(flags));
	if (argc - first > 1)
		return command_usage(c, "one proxy at most");
	if (output && !str_eq(output, "json"))
		return command_usage(c, "-o takes json");
	if (str_empty(address))
		return command_usage(c, "--address takes a URL");
	struct ask_parameter proxy = { "proxyID", first < argc ? argv[first] : NULL };

	return ask_daemon(
		&(struct ask){ .command = c->name,
			       .address = address,
			       .page = "/proxy-status",
			       .parameters = &proxy,
			       .n_parameters = 1,
			       .json = output != NULL,
			       .good = "in-order",
			       .not_found = "no such proxy is connected to this daemon" });
}

const struct command command_proxy_status = {
	.name = "proxy-status",
	.arguments = "[--address URL] [-o json] [PROXY]",
	.summary = "Shows whether connected proxies are in sync, and if not, why.",
	.details = "PROXY is POD.NAMESPACE or a part of it; without it all proxies are shown.\n"
		   "A line for each proxy; then what was rejected, with the objects behind it, and "
		   "problems of\nobjects.\n\n"
		   "Exit codes: 0 all in sync; 1 something is stale or rejected, or the daemon "
		   "cannot be asked; 2 usage.",
	.run = run,
};
