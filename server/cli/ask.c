/* Pages of a daemon for commands. */
#include "cli/ask.h"
#include "base/clock.h"
#include "cli/command.h"
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

static void put_encoded(struct buf *url, const char *text)
{
	for (const char *p = text; *p; p++)
		if (is_unreserved(*p))
			buf_putc(url, *p);
		else
			buf_printf(url, "%%%02X", (unsigned char)*p);
}

static void put_url(const struct ask *a, struct buf *url)
{
	char separator = '?';

	if (!strstr(a->address, "://"))
		buf_puts(url, "http://");
	buf_puts(url, a->address);
	while (url->len && url->p[url->len - 1] == '/')
		url->p[--url->len] = '\0';
	buf_puts(url, a->page);
	for (uint32_t i = 0; i < a->n_parameters; i++) {
		if (!a->parameters[i].value)
			continue;
		buf_printf(url, "%c%s=", separator, a->parameters[i].name);
		put_encoded(url, a->parameters[i].value);
		separator = '&';
	}
	if (a->json)
		buf_printf(url, "%cpretty", separator);
}

static const char *status_of(const struct fetch_response *r)
{
	return fetch_header(r, "mainsheet-status");
}

static bool refused(const struct ask *a, const struct fetch_response *r, const char *url,
		    struct err *e)
{
	if (r->status == 401 || r->status == 403)
		return err(e, "%s: the daemon lets only its own host ask (status %u)", url,
			   r->status);
	if (!status_of(r) || (r->status != 404 && r->status != 400))
		return err(e, "%s: status %u", url, r->status);
	if (r->status == 404 && a->not_found)
		return err(e, "%s", a->not_found);
	return err(e, "%.*s", (int)strcspn(buf_str(&r->body), "\n"), buf_str(&r->body));
}

/* False: there is nothing to print. */
static bool get(const struct ask *a, const char *url, struct fetch_response *ret, struct err *e)
{
	const char *const headers[] = { a->json ? "Accept: application/json" : "Accept: text/plain",
					NULL };
	struct fetch_options o = { .url = url,
				   .headers = headers,
				   .timeout_ns = TIMEOUT_S * NS_PER_S,
				   .max_body = PAGE_MAX };

	if (!fetch_get(&o, ret, e))
		return false;
	if (ret->status != 200)
		return refused(a, ret, url, e);
	return status_of(ret) || err(e, "%s: this is no Mainsheet daemon", url);
}

int ask_daemon(const struct ask *a)
{
	struct buf url = BUF_INIT;
	struct fetch_response r = { 0 };
	struct err e = ERR_INIT;
	int code = EXIT_CODE_PROBLEMS;

	put_url(a, &url);
	if (get(a, buf_str(&url), &r, &e)) {
		fwrite(buf_str(&r.body), 1, r.body.len, stdout);
		if (a->json && r.body.len && r.body.p[r.body.len - 1] != '\n')
			putchar('\n');
		if (str_eq(status_of(&r), a->good))
			code = EXIT_CODE_OK;
	} else {
		fprintf(stderr, "mainsheet %s: %s\n", a->command, e.text);
		if (r.status == 400 && status_of(&r))
			code = EXIT_CODE_USAGE;
	}
	fetch_response_fini(&r);
	buf_fini(&url);
	return code;
}
