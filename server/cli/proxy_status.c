/* `mainsheet proxy-status`: asks a daemon for its page of that name and prints it. The page says in a header whether all is
 * in order, so that table and exit code come from one look. */
#include "base/clock.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "fetch/fetch.h"
#include <stdio.h>
#include <string.h>

enum { TIMEOUT_S = 30 };
#define PAGE_MAX ((size_t)512 << 20)

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

/* Where the page is; heap string. */
static char *page_url(const char *address, const char *proxy, bool json)
{
	struct buf url = BUF_INIT;
	char *text;

	if (!strstr(address, "://"))
		buf_puts(&url, "http://");
	buf_puts(&url, address);
	while (url.len && url.p[url.len - 1] == '/')
		url.p[--url.len] = '\0';
	buf_puts(&url, "/proxy-status");
	if (proxy)
		buf_puts(&url, "?proxyID=");
	for (const char *p = str_or(proxy, ""); *p; p++)
		if (is_unreserved(*p))
			buf_putc(&url, *p);
		else
			buf_printf(&url, "%%%02X", (unsigned char)*p);
	if (json)
		buf_printf(&url, "%cpretty", proxy ? '&' : '?');
	text = buf_take(&url);
	return text;
}

static bool refused(const struct fetch_response *r, const char *url, struct err *e)
{
	if (r->status == 401 || r->status == 403)
		return err(e, "%s: the daemon lets only its own host ask (status %u)", url,
			   r->status);
	if (r->status == 404 && fetch_header(r, "mainsheet-status"))
		return err(e, "no such proxy is connected to this daemon");
	return err(e, "%s: status %u", url, r->status);
}

/* False: there is nothing to print. */
static bool ask(const char *url, bool json, struct fetch_response *ret, struct err *e)
{
	const char *const headers[] = { json ? "Accept: application/json" : "Accept: text/plain",
					NULL };
	struct fetch_options o = { .url = url,
				   .headers = headers,
				   .timeout_ns = TIMEOUT_S * NS_PER_S,
				   .max_body = PAGE_MAX };

	if (!fetch_get(&o, ret, e))
		return false;
	if (ret->status != 200)
		refused(ret, url, e);
	else if (!fetch_header(ret, "mainsheet-status"))
		err(e, "%s: this is no Mainsheet daemon", url);
	else
		return true;
	fetch_response_fini(ret);
	return false;
}

static int show(const char *address, const char *proxy, bool json)
{
	char *url = page_url(address, proxy, json);
	struct fetch_response r = { 0 };
	struct err e = ERR_INIT;
	int code = EXIT_CODE_PROBLEMS;

	if (ask(url, json, &r, &e)) {
		fwrite(buf_str(&r.body), 1, r.body.len, stdout);
		if (json)
			putchar('\n');
		if (str_eq(fetch_header(&r, "mainsheet-status"), "in-order"))
			code = EXIT_CODE_OK;
	} else {
		fprintf(stderr, "mainsheet proxy-status: %s\n", e.text);
	}
	fetch_response_fini(&r);
	xfree(url);
	return code;
}

static int run(const struct command *c, int argc, char **argv)
{
	const char *address = "http://127.0.0.1:15014", *output = NULL;
	bool help = false;
	int first;
	struct err e = ERR_INIT;
	const struct flag flags[] = {
		{ "address", 0, FLAG_STRING, &address, "URL",
		  "of the daemon (http://127.0.0.1:15014)" },
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
	return show(address, first < argc ? argv[first] : NULL, output != NULL);
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
