/* translate/filters/filter.h
 * What makes one Envoy filter, one file each; the order of filters on a chain is a table in hcm.c (translation.md 4.11).
 */
#pragma once
#include "model/proxy.h"
#include "model/service.h"
#include "pb/pb.h"

enum chain_kind { CHAIN_OUTBOUND, CHAIN_INBOUND, CHAIN_GATEWAY };

/* What an HTTP connection manager or TCP chain is for. */
struct chain_context {
	enum chain_kind kind;
	const struct service *service; /* NULL: none in particular */
	enum protocol protocol;        /* of the (first) port */
	uint16_t port;                 /* inbound: target port; outbound: listener port */
	const char *stat_prefix;       /* with its delimiter */
	const char *listener;          /* name of the listener */
};
