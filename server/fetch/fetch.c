/* One transfer, driven to its end by the calling thread. */
#include "fetch/fetch.h"
#include "fetch/transfer.h"

bool fetch_get(const struct fetch_options *o, struct fetch_response *ret, struct err *e)
{
	struct transfer t;
	bool ok = transfer_init(&t, o, e);

	if (ok)
		ok = transfer_finish(&t, curl_easy_perform(t.curl), o->url, ret, e);
	else
		err_wrap(e, "GET %s", o->url);
	transfer_fini(&t);
	return ok;
}

const char *fetch_header(const struct fetch_response *r, const char *name)
{
	for (uint32_t i = 0; i < r->n_headers; i++)
		if (str_eq(r->headers[i].name, name))
			return r->headers[i].value;
	return NULL;
}
