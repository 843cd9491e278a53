/* tests/bench/request.h
 * Discovery requests of either protocol, written field by field: wire bytes, without generated code.
 */
#pragma once
#include "tests/bench/reader.h"

struct request {
	struct buf b;
	bool is_sotw;
};
/* A sidecar of Istio 1.32 as its agent describes it. */
struct node {
	const char *name, *ns, *ip, *app;
};
void request_begin(struct request *, bool is_sotw, enum ads_kind);
void request_node(struct request *, const struct node *);
void request_nonce(struct request *, const char *nonce);
void request_version(struct request *, const char *version); /* SotW */
void request_subscribe(struct request *, const char *name);  /* SotW: one of all names */
/* Delta. */
void request_unsubscribe(struct request *, const char *name);
void request_held(struct request *, const char *name, const char *version);
