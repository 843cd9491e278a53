/* daemon/pages_impl.h
 * What the files of the pages share. Each page is a row of the table in pages.c; the files gather what pages show, as
 * plain values, and server/http writes them.
 *
 * Handlers of rows that are not quick run on HTTP workers and may wait for the model thread.
 */
#pragma once
#include "base/lock.h"
#include "daemon/pages.h"
#include "doc/write.h"
#include "http/client.h"
#include "http/http.h"

struct arena;
struct connection;

struct pages {
	struct http_server *server;
	struct model_thread *model;
	struct connections *connections;
	bool authenticated;        /* others than loopback are refused (surface.md 3.5) */
	bool metrics_on_host_only; /* METRICS_LOCALHOST_ACCESS_ONLY */
	char *istiod;              /* name of this replica */
	struct http_path *paths;
	struct page_row *rows; /* behind them */

	struct lock lock; /* LOCK_STATUS, of the rest */
	bool verifying;
};
typedef void page_fn(struct pages *, const struct http_request *, struct http_response *);

/* pages_clients.c: connections */
page_fn page_syncz, page_connections, page_adsz, page_proxy_status;
/* The connection that `proxyID` means, with a reference for the caller; NULL: *out says why. */
struct connection *pages_find(struct pages *, const struct http_request *,
			      struct http_response *out);

/* pages_dump.c: what one proxy is sent */
page_fn page_config_dump, page_edsz, page_ndsz, page_ecdsz;

/* pages_explain.c: provenance */
page_fn page_explain, page_impact;

/* pages_world.c: objects, mesh, services, endpoints */
page_fn page_configz, page_mesh, page_registryz, page_shards, page_verify, page_push_status;

/* pages_problems.c: what is not in order, of sources and of the graph, each once, sorted by place. False: the model thread
 * has stopped. */
struct problems {
	struct client_problem *v;
	uint32_t n;
	size_t cap;
	struct arena *arena;
};
enum { PAGE_PROBLEMS_MAX = 10000 };
bool pages_problems(struct pages *, struct arena *, struct problems *ret) must_check;
struct diag;
void problems_add(struct problems *, const struct diag *);
void problems_sort(struct problems *);

/* A JSON page: indented when the query has `pretty`. */
void page_json(const struct http_request *, struct http_response *, struct json *ret);
/* A value that is JSON already. */
void page_put_raw(struct json *, const char *text, size_t len);
/* The model thread has stopped: the daemon is ending. */
void page_stopping(struct http_response *);
