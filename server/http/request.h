/* http/request.h
 * Private to this room: one request and its response on their way through the server.
 */
#pragma once
#include "http/http.h"

struct MHD_Connection;

struct parameter {
	const char *name, *value;
};
struct exchange {
	struct http_request request;
	struct http_response response;
	struct MHD_Connection *connection;
	const struct http_path *row;
	char *target; /* path and parameters lie in it, decoded in place */
	struct parameter parameters[HTTP_PARAMETERS_MAX];
	uint32_t n_parameters;
	uint32_t
		refused; /* the status that the request is answered with without being looked at; 0: none */
	struct buf body;
	bool begun, answered;
	struct exchange *next; /* among those that wait for a worker */
};

/* Splits and decodes the request target in place. False: it is malformed. */
bool exchange_parse_target(struct exchange *) must_check;
/* Quality of a media type in an Accept header, as http_accept. */
uint32_t accept_quality(const char *accept, const char *media_type);
