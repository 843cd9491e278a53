/* The table of pages, who may see them, and on which address each is served. */
#include "daemon/pages.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/stats.h"
#include "cli/command.h"
#include "daemon/model_thread.h"
#include "daemon/pages_impl.h"
#include "doc/read.h"
#include "http/index.h"
#include "model/options.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Listeners, as bits. Without an address for monitoring all is served on the other one (surface.md 1.2). */
enum { ON_HTTP = 1, ON_MONITORING = 2, ON_BOTH = 3 };

static page_fn page_ready, page_version, page_metrics, page_index, page_list;

enum {
	OPEN = 1,  /* to everybody */
	QUICK = 2, /* waits for nothing */
	PROBE = 4, /* takes any method */
};

static const struct page {
	const char *path;
	const char *help; /* NULL: not in the index */
	page_fn *fn;
	uint8_t on, flags;
} pages[] = {
	{ "/ready", NULL, page_ready, ON_HTTP, OPEN | QUICK | PROBE },
	{ "/version", NULL, page_version, ON_BOTH, OPEN | QUICK },
	{ "/metrics", NULL, page_metrics, ON_MONITORING, OPEN | QUICK },
	{ "/proxy-status", "Connected proxies: are they in sync, and if not, why",
	  page_proxy_status, ON_BOTH, 0 },
	{ "/debug", NULL, page_index, ON_BOTH, OPEN | QUICK },
	{ "/debug/", NULL, page_index, ON_BOTH, OPEN | QUICK },
	{ "/debug/adsz", "Connected proxies with their subscriptions", page_adsz, ON_BOTH, 0 },
	{ "/debug/config_dump",
	  "What a proxy is sent, as Envoy's config dump: ?proxyID=, types=, include_eds",
	  page_config_dump, ON_BOTH, 0 },
	{ "/debug/configz", "Objects as they were read; ?problems: what is not in order",
	  page_configz, ON_BOTH, 0 },
	{ "/debug/connections", "Connected proxies", page_connections, ON_BOTH, 0 },
	{ "/debug/ecdsz", "Extension configurations of a proxy: ?proxyID=", page_ecdsz, ON_BOTH,
	  0 },
	{ "/debug/edsz", "Endpoints that a proxy asks for: ?proxyID=", page_edsz, ON_BOTH, 0 },
	{ "/debug/endpointShardz", "Endpoints of all services", page_shards, ON_BOTH, 0 },
	{ "/debug/endpointz", "The same by its old name", page_shards, ON_BOTH, 0 },
	{ "/debug/explain", "What a resource was made from: ?proxyID=, resource=cluster/NAME ...",
	  page_explain, ON_BOTH, 0 },
	{ "/debug/impact", "What an object reaches: ?object=KIND/NS/NAME, proxyID=", page_impact,
	  ON_BOTH, 0 },
	{ "/debug/list", "Names of these pages", page_list, ON_BOTH, QUICK },
	{ "/debug/mesh", "The mesh config in force", page_mesh, ON_BOTH, 0 },
	{ "/debug/ndsz", "The name table of a proxy: ?proxyID=", page_ndsz, ON_BOTH, 0 },
	{ "/debug/push_status", "Problems met while configuration was made", page_push_status,
	  ON_BOTH, 0 },
	{ "/debug/registryz", "Services", page_registryz, ON_BOTH, 0 },
	{ "/debug/syncz", "What each proxy was sent and has acknowledged", page_syncz, ON_BOTH, 0 },
	{ "/debug/verify", "Compares what is in force with a rebuild from nothing", page_verify,
	  ON_BOTH, 0 },
};

struct page_row {
	struct pages *pages;
	const struct page *page;
};

/* ---- what pages have in common ---- */

void page_json(const struct http_request *r, struct http_response *out, struct json *ret)
{
	out->type = HTTP_JSON;
	json_init(ret, &out->body, http_query(r, "pretty") != NULL);
}

void page_put_raw(struct json *j, const char *text, size_t len)
{
	struct arena arena = ARENA_INIT;
	struct diag diag = DIAG_INIT;
	const struct node *n = NULL;

	if (j->pretty) {
		diag_init(&diag);
		n = json_read(text, len, "", &arena, &diag);
		diag_fini(&diag);
	}
	if (n)
		json_node(j, n);
	else
		json_raw(j, text, len);
	arena_fini(&arena);
}

void page_stopping(struct http_response *out)
{
	http_respond(out, 503, "the daemon is ending\n");
}

static void serve(void *ctx, const struct http_request *r, struct http_response *out)
{
	const struct page_row *x = ctx;

	if (!(x->page->flags & OPEN) && x->pages->authenticated && !ip_is_loopback(&r->peer))
		out->status = 401;
	else
		x->page->fn(x->pages, r, out);
}

/* ---- the small pages ---- */

static void page_ready(struct pages *p, const struct http_request *r, struct http_response *out)
{
	out->status = model_is_synced(p->model) ? 200 : 503;
}

/* version-revision-status, as istioctl splits it; with its version it knows what to expect of us. */
static void page_version(struct pages *p, const struct http_request *r, struct http_response *out)
{
	out->type = HTTP_TEXT;
	buf_puts(&out->body, MAINSHEET_ISTIO_VERSION "-mainsheet." MAINSHEET_VERSION "-Clean");
}

static void page_metrics(struct pages *p, const struct http_request *r, struct http_response *out)
{
	if (p->metrics_on_host_only && !ip_is_loopback(&r->peer)) {
		out->status = 403;
		return;
	}
	out->type = "text/plain; version=0.0.4; charset=utf-8";
	stats_print(&out->body);
}

static uint32_t index_pages(struct index_page ret[ARRAY_LEN(pages)])
{
	uint32_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		if (pages[i].help)
			ret[n++] = (struct index_page){ pages[i].path, pages[i].help,
							!str_eq(pages[i].path, "/debug/list") };
	return n;
}

static void page_index(struct pages *p, const struct http_request *r, struct http_response *out)
{
	struct index_page v[ARRAY_LEN(pages)];
	uint32_t n = index_pages(v);

	out->type = HTTP_HTML;
	index_html(&out->body, "Mainsheet", v, n);
}

static void page_list(struct pages *p, const struct http_request *r, struct http_response *out)
{
	struct index_page v[ARRAY_LEN(pages)];
	uint32_t n = index_pages(v);
	struct json j;

	page_json(r, out, &j);
	index_list(&j, v, n);
}

/* ---- life ---- */

static bool env_bool(const char *name, bool otherwise)
{
	const char *text = getenv(name);
	bool v;

	if (str_empty(text))
		return otherwise;
	if (option_parse_bool(text, &v))
		return v;
	log_warn("environment variable is neither true nor false", "name", name, "value", text);
	return otherwise;
}

static char *own_name(void)
{
	const char *pod = getenv("POD_NAME");
	char host[256] = "";

	if (!str_empty(pod))
		return xstrdup(pod);
	if (gethostname(host, sizeof host - 1))
		return xstrdup("");
	return xstrdup(host);
}

static uint32_t make_paths(struct pages *p, bool has_monitoring)
{
	bool debug = env_bool("ENABLE_DEBUG_ON_HTTP", true);
	uint32_t n = 0;

	p->paths = xcalloc(ARRAY_LEN(pages), sizeof *p->paths);
	p->rows = xcalloc(ARRAY_LEN(pages), sizeof *p->rows);
	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		const struct page *page = &pages[i];

		if (!debug && str_starts(page->path, "/debug"))
			continue;
		p->rows[n] = (struct page_row){ p, page };
		p->paths[n] = (struct http_path){
			.path = page->path,
			.methods = page->flags & PROBE
					   ? HTTP_GET | HTTP_POST | HTTP_PUT | HTTP_DELETE
					   : HTTP_GET,
			.slow = !(page->flags & QUICK),
			.listeners = has_monitoring ? page->on : ON_HTTP,
			.handler = serve,
			.ctx = &p->rows[n],
		};
		n++;
	}
	return n;
}

bool pages_start(const struct pages_options *o, struct model_thread *m, struct connections *c,
		 struct pages **ret, struct err *e)
{
	struct pages *p = xcalloc(1, sizeof *p);
	struct http_options http = { .listeners = { o->http_addr, o->monitoring_addr },
				     .n_listeners = 2 };

	lock_init(&p->lock, LOCK_STATUS);
	p->model = m;
	p->connections = c;
	p->authenticated = env_bool("ENABLE_DEBUG_ENDPOINT_AUTH", true);
	p->metrics_on_host_only = env_bool("METRICS_LOCALHOST_ACCESS_ONLY", false);
	p->istiod = own_name();
	http.n_paths = make_paths(p, !str_empty(o->monitoring_addr));
	http.paths = p->paths;
	if (!http_server_start(&http, &p->server, e)) {
		pages_stop(p);
		return false;
	}
	log_info("serving HTTP", "port", LOG_FMT("%u", http_server_port(p->server, 0)),
		 "monitoring_port", LOG_FMT("%u", http_server_port(p->server, 1)));
	*ret = p;
	return true;
}

uint16_t pages_port(const struct pages *p, uint32_t address)
{
	return http_server_port(p->server, address);
}

void pages_stop(struct pages *p)
{
	if (!p)
		return;
	http_server_stop(p->server);
	xfree(p->paths);
	xfree(p->rows);
	xfree(p->istiod);
	lock_fini(&p->lock);
	xfree(p);
}
