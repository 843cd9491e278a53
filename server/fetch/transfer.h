/* fetch/transfer.h
 * Private to this room: one request as a curl handle, and the answer that it collects. Whoever drives the handle, a
 * blocking call or a multi handle, begins and ends a transfer with the same two calls.
 */
#pragma once
#include "fetch/fetch.h"
#include <curl/curl.h>

struct transfer {
	CURL *curl;
	struct curl_slist *headers;
	struct fetch_response response;
	size_t max_body;
	bool too_big;
	char reason[CURL_ERROR_SIZE];
};

/* The options' strings may go afterwards. */
bool transfer_init(struct transfer *, const struct fetch_options *, struct err *) must_check;
/* After curl is done with the handle: hands the response over, or says why there is none. */
bool transfer_finish(struct transfer *, CURLcode, const char *url, struct fetch_response *ret,
		     struct err *) must_check;
void transfer_fini(struct transfer *);
