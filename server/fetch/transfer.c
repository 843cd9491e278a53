/* A curl handle set up with suspicion: two schemes, a deadline, caps on what comes back, no proxy and no credentials that
 * the caller has not given. */
#include "fetch/transfer.h"
#include "base/clock.h"
#include <ctype.h>
#include <pthread.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void set_up(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	n *= size;
	if (n > t->max_body - t->response.body.len) {
		t->too_big = true;
		return 0;
	}
	buf_append(&t->response.body, p, n);
	return n;
}

static void forget_headers(struct fetch_response *r)
{
	for (uint32_t i = 0; i < r->n_headers; i++) {
		xfree(r->headers[i].name);
		xfree(r->headers[i].value);
	}
	r->n_headers = 0;
}

static char *trimmed(const char *p, const char *end)
{
	while (p < end && isspace((unsigned char)*p))
		p++;
	while (end > p && isspace((unsigned char)end[-1]))
		end--;
	return xasprintf("%.*s", (int)(end - p), p);
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	struct fetch_response *r = &t->response;
	const char *end = p + n * size, *colon;

	/* What came before a status line belongs to a redirect or an interim answer. */
	if (n * size >= 5 && !memcmp(p, "HTTP/", 5)) {
		forget_headers(r);
		return n * size;
	}
	colon = memchr(p, ':', n * size);
	if (!colon || n * size > FETCH_HEADER_LEN || r->n_headers == FETCH_HEADERS_MAX)
		return n * size;
	VEC_ROOM(r->headers, r->n_headers, r->c_headers);
	r->headers[r->n_headers] =
		(struct fetch_header){ trimmed(p, colon), trimmed(colon + 1, end) };
	for (char *c = r->headers[r->n_headers].name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	r->n_headers++;
	return n * size;
}

static bool add_headers(struct transfer *t, const char *const *headers, struct err *e)
{
	for (; headers && *headers; headers++) {
		struct curl_slist *longer;

		if (strpbrk(*headers, "\r\n"))
			return err(e, "a header may not hold a line break");
		longer = curl_slist_append(t->headers, *headers);
		if (!longer)
			return err(e, "out of memory in libcurl");
		t->headers = longer;
	}
	curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers);
	return true;
}

bool transfer_init(struct transfer *t, const struct fetch_options *o, struct err *e)
{
	int64_t timeout = o->timeout_ns ? o->timeout_ns : FETCH_TIMEOUT_NS;
	CURL *c;

	pthread_once(&once, set_up);
	*t = (struct transfer){ .curl = curl_easy_init(),
				.max_body = o->max_body ? o->max_body : FETCH_BODY_MAX };
	t->response.body.max = t->max_body + 1;
	c = t->curl;
	if (!c)
		return err(e, "libcurl cannot be set up");
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->reason);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, o->max_redirects ? 1L : 0L);
	curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)o->max_redirects);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)MAX(timeout / NS_PER_MS, 1));
	curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->max_body);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "mainsheet");
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
	if (o->ca_file)
		curl_easy_setopt(c, CURLOPT_CAINFO, o->ca_file);
	if (curl_easy_setopt(c, CURLOPT_URL, o->url) != CURLE_OK)
		return err(e, "not a URL");
	return add_headers(t, o->headers, e);
}

bool transfer_finish(struct transfer *t, CURLcode code, const char *url, struct fetch_response *ret,
		     struct err *e)
{
	long status = 0;

	if (t->too_big || code == CURLE_FILESIZE_EXCEEDED)
		return err(e, "GET %s: the answer is longer than %zu bytes", url, t->max_body);
	if (code != CURLE_OK)
		return err(e, "GET %s: %s", url,
			   t->reason[0] ? t->reason : curl_easy_strerror(code));
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	t->response.status = (uint32_t)status;
	*ret = t->response;
	t->response = (struct fetch_response){ 0 };
	return true;
}

void transfer_fini(struct transfer *t)
{
	curl_easy_cleanup(t->curl);
	curl_slist_free_all(t->headers);
	fetch_response_fini(&t->response);
	*t = (struct transfer){ 0 };
}

void fetch_response_fini(struct fetch_response *r)
{
	forget_headers(r);
	xfree(r->headers);
	buf_fini(&r->body);
	*r = (struct fetch_response){ 0 };
}
