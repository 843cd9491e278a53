/* What one Gateway says, and the VirtualServices bound to it. Whatever is made from Gateways reaches their servers through
 * a key of three parts: namespace, name, and the place in the list with the kind of the object in its last bit.
 */
#include "model/gateway.h"
#include "model/export.h"
#include "model/gateway_impl.h"
#include "model/ingress.h"
#include "model/mesh.h"
#include "model/queries.h"
#include "model/route_source.h"
#include "types.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

enum { FROM_INGRESS = 1 };

uint32_t gateway_server_key(struct run *r, uint32_t id, bool is_ingress, uint32_t index)
{
	return run_pair(r, id, KEY_NUMBER | index << 1 | (is_ingress ? FROM_INGRESS : 0));
}

/* ---- hosts ---- */

struct str_list gateway_server_hosts(const struct server *s, const char *ns, struct arena *a)
{
	struct str_list list = s->hosts;
	const char **copy = NULL;

	for (uint32_t i = 0; i < list.n; i++) {
		const char *host = list.v[i], *slash = strchr(host, '/'), *tail = slash + 1;
		size_t n = slash ? strcspn(tail, "/") : 0;

		if (!slash || slash != host + 1 || (*host != '.' && *host != '*'))
			continue;
		if (*host == '*' && n == 1 && *tail == '*') {
			static const char *const all[] = { "*" };

			return (struct str_list){ all, 1, true };
		}
		if (!copy)
			copy = arena_dup(a, list.v, list.n * sizeof *list.v);
		copy[i] = *host == '.' ? arena_printf(a, "%s/%.*s", ns, (int)n, tail)
				       : arena_strndup(a, tail, n);
	}
	if (copy)
		list.v = copy;
	return list;
}

/* The host behind "ns/". */
static const char *bare(const char *host)
{
	const char *slash = strchr(host, '/');

	return slash ? slash + 1 : host;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct str_list gateway_server_names(const struct gateway_server *s, struct arena *a)
{
	const char **v = arena_array(a, const char *, s->hosts.n);
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->hosts.n; i++)
		v[i] = bare(s->hosts.v[i]);
	if (s->hosts.n)
		qsort(v, s->hosts.n, sizeof *v, by_text);
	for (uint32_t i = 0; i < s->hosts.n; i++)
		if (!i || strcmp(v[i], v[n - 1]))
			v[n++] = v[i];
	return (struct str_list){ v, n, true };
}

struct str_list gateway_hosts_for(const struct gateway_server *s, const char *ns, struct arena *a)
{
	const char **v = NULL;
	uint32_t n = 0, i = 0;

	while (i < s->hosts.n && !strchr(s->hosts.v[i], '/'))
		i++;
	if (i == s->hosts.n)
		return s->hosts;
	v = arena_array(a, const char *, s->hosts.n);
	for (i = 0; i < s->hosts.n; i++) {
		const char *host = s->hosts.v[i], *slash = strchr(host, '/');
		size_t len = slash ? (size_t)(slash - host) : 0;

		if (!slash || (strlen(ns) == len && !memcmp(ns, host, len)))
			v[n++] = bare(host);
	}
	return (struct str_list){ v, n, true };
}

/* ---- servers ---- */

bool gateway_server_is_https(const struct gateway_server *s)
{
	return s->protocol == PROTOCOL_HTTPS && s->server->tls && !gateway_server_passes_tls(s);
}

bool gateway_server_passes_tls(const struct gateway_server *s)
{
	return server_passes_tls(s->server);
}

bool gateway_server_read(struct run *r, uint32_t key, struct gateway_server *ret)
{
	struct keys *k = run_keys(r);
	struct arena *a = run_arena(r);
	uint32_t id = key_first(k, key), at = key_second(k, key);
	const struct object *origin =
		read_object(r, at & FROM_INGRESS ? KIND_INGRESS : KIND_GATEWAY, key_first(k, id),
			    key_second(k, id));
	const struct object *o = origin && at & FROM_INGRESS ? ingress_gateway(r, origin) : origin;
	const struct gateway_spec *spec = o ? ((const struct gateway *)o->body)->spec : NULL;
	const struct server *s;

	at = (at & ~KEY_NUMBER) >> 1;
	if (!spec || at >= spec->servers.n || !spec->servers.v[at].port)
		return false;
	s = &spec->servers.v[at];
	*ret = (struct gateway_server){
		.ns = o->ns,
		.name = o->name,
		.gateway = arena_printf(a, "%s/%s", o->ns, o->name),
		.server = s,
		.hosts = gateway_server_hosts(s, o->ns, a),
		.protocol = protocol_parse(s->port->protocol),
		.port = (uint16_t)s->port->number.v,
		.origin = origin,
	};
	return true;
}

void gateway_server_cite(struct run *r, uint32_t key)
{
	struct keys *k = run_keys(r);

	cite_cell(r, key_second(k, key) & FROM_INGRESS ? KIND_INGRESS : KIND_GATEWAY,
		  key_first(k, key));
}

/* ---- VirtualServices ---- */

struct row {
	struct gateway_source source;
	const char *name;
	int64_t created_s;
	uint32_t rank;
};
struct rows {
	struct run *r;
	struct row *v;
	uint32_t n;
	size_t cap;
};

static void rows_add(struct rows *rows, const struct row *row, uint32_t export_to,
		     bool gateway_style)
{
	struct run *r = rows->r;
	struct row *to;

	if (!export_seen_by_proxy(r, export_to))
		return;
	to = ARENA_PUSH(run_arena(r), rows->v, rows->n, rows->cap);
	*to = *row;
	to->rank = vs_rank(r, export_to, run_key(r, row->source.ns), gateway_style);
}

static void rows_add_object(struct rows *rows, const struct object *vs)
{
	struct run *r = rows->r;
	struct row row = {
		.source = { run_pair(r, run_key(r, vs->ns), run_key(r, vs->name)), vs->ns,
			    virtual_service_hosts(vs, run_arena(r)) },
		.name = vs->name,
		.created_s = vs->created_s,
	};

	rows_add(rows, &row, virtual_service_export(r, vs), virtual_service_is_gateway_style(vs));
}

/* Those that the Ingress stands for. */
static void rows_add_made(struct rows *rows, const struct object *ingress)
{
	static const struct str_list nobody_said;
	struct run *r = rows->r;
	struct arena *a = run_arena(r);
	struct str_list hosts = ingress_hosts(ingress, a), defaults;

	defaults = mesh_get(r, default_virtual_service_export_to);
	for (uint32_t i = 0; i < hosts.n; i++) {
		uint32_t host = run_key(r, hosts.v[i]);
		struct row row = {
			.source = { run_pair(r, host, KEY_EMPTY),
				    ingress->ns,
				    { arena_dup(a, &hosts.v[i], sizeof hosts.v[i]), 1, true } },
			.name = ingress_source_name(a, hosts.v[i], ingress),
		};

		if (ingress_is_first(r, ingress, host))
			rows_add(rows, &row, export_key(r, &nobody_said, &defaults, ingress->ns),
				 false);
	}
}

static int by_precedence(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int c;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->created_s != y->created_s)
		return x->created_s < y->created_s ? -1 : 1;
	c = strcmp(x->name, y->name);
	return c ? c : strcmp(x->source.ns, y->source.ns);
}

const struct gateway_source *gateway_sources(struct run *r, const struct gateway_server *s,
					     uint32_t *ret_n)
{
	struct rows rows = { .r = r };
	const struct entry *e = read_entry(r, CELL_VS_GATEWAY, run_key(r, s->gateway));
	struct gateway_source *v;

	for (uint32_t i = 0; i < e->n; i++)
		rows_add_object(&rows, e->v[i]);
	if (s->origin->kind == KIND_INGRESS)
		rows_add_made(&rows, s->origin);
	if (rows.n)
		qsort(rows.v, rows.n, sizeof *rows.v, by_precedence);
	v = arena_array(run_arena(r), struct gateway_source, rows.n);
	for (uint32_t i = 0; i < rows.n; i++)
		v[i] = rows.v[i].source;
	*ret_n = rows.n;
	return v;
}

const struct route_source *gateway_source_read(struct run *r, uint32_t key)
{
	uint32_t first = key_first(run_keys(r), key), second = key_second(run_keys(r), key);
	const struct object *vs;
	struct route_source *source;

	if (second != KEY_EMPTY)
		return route_source_of(r, first, second);
	vs = ingress_virtual_service(r, first);
	if (!vs)
		return NULL;
	source = arena_new(run_arena(r), struct route_source);
	*source = route_source_build(r, vs);
	return source;
}
