/* Which VirtualServices matter for a host, in which order (translation.md 1.6, 5.4, 5.5). Everything starts from the
 * exact host's entry; wildcards hang on a chain of queries that all hosts below them share, so a host without
 * VirtualServices costs two reads and no question.
 */
#include "model/virtual_service.h"

#include "model/export.h"
#include "model/heads.h"
#include "model/mesh.h"
#include "model/queries.h"
#include "model/questions.h"
#include "model/route_source.h"
#include "model/scope.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

const char *host_parent(struct arena *a, const char *host)
{
	const char *tail = host_is_wildcard(host) ? host + 1 : host, *dot;

	if (host_is_wildcard(host) && !*tail)
		return NULL;
	dot = strchr(tail + (*tail == '.'), '.');
	return dot ? arena_printf(a, "*%s", dot) : "*";
}

/* The key's own entry, else what the wildcard above it finds. */
static void chain_run(struct run *r, unsigned cell, unsigned query, uint32_t key)
{
	const char *parent;

	if (read_entry(r, cell, key)->n) {
		run_emit(r, &key, sizeof key);
		return;
	}
	parent = host_parent(run_arena(r), run_text(r, key));
	if (parent) {
		uint32_t found = wildcard_above(r, query, parent);

		if (found)
			run_emit(r, &found, sizeof found);
	}
}

void wildcard_dr_run(struct run *r, uint32_t key)
{
	chain_run(r, CELL_DR_HOST, Q_WILDCARD_DR, key);
}

void wildcard_vs_run(struct run *r, uint32_t key)
{
	chain_run(r, CELL_VS_AT, Q_WILDCARD_VS, key);
}

uint32_t wildcard_above(struct run *r, unsigned query, const char *host)
{
	const struct result *found = call_query(r, query, run_key(r, host));
	uint32_t key = 0;

	if (found->n >= sizeof key)
		memcpy(&key, found->bytes, sizeof key);
	return key;
}

/* A visible VirtualService and its place in the order. */
struct row {
	const struct object *object;
	uint32_t export_to, rank;
};
struct rows {
	struct row *v;
	uint32_t n;
	size_t cap;
};

uint32_t vs_rank(struct run *r, uint32_t export_to, uint32_t ns, bool gateway_style)
{
	uint32_t group = !export_to ? 2 : ask_is(r, ASK_NS_IS, ns) ? 0 : 1;
	/* The proxy's namespace has the first word where a Gateway API route made the VirtualService. */
	bool first = gateway_style && ask_is(r, ASK_NS_IS, ns);

	return 2 * group + !first;
}

static int by_precedence(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int c;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->object->created_s != y->object->created_s)
		return x->object->created_s < y->object->created_s ? -1 : 1;
	c = strcmp(x->object->name, y->object->name);
	return c ? c : strcmp(x->object->ns, y->object->ns);
}

static bool rows_hold(const struct rows *rows, const struct object *obj)
{
	for (uint32_t i = 0; i < rows->n; i++)
		if (rows->v[i].object == obj)
			return true;
	return false;
}

/* Adds those of one host, exact or wildcard, that the wrapper sees. */
static void rows_add(struct run *r, struct rows *rows, uint32_t host, uint32_t index)
{
	const struct entry *e = read_entry(r, CELL_VS_HOST, host);

	for (uint32_t i = 0; i < e->n; i++) {
		const struct object *obj = e->v[i];
		uint32_t key;

		if (rows_hold(rows, obj))
			continue;
		key = virtual_service_export(r, obj);
		if (export_seen_by_proxy(r, key) && scope_imports_vs(r, obj, index))
			*ARENA_PUSH(run_arena(r), rows->v, rows->n, rows->cap) =
				(struct row){ obj, key, 0 };
	}
}

static void rows_sort(struct run *r, struct rows *rows)
{
	if (rows->n < 2)
		return;
	for (uint32_t i = 0; i < rows->n; i++) {
		struct row *row = &rows->v[i];

		row->rank = vs_rank(r, row->export_to, run_key(r, row->object->ns),
				    virtual_service_is_gateway_style(row->object));
	}
	qsort(rows->v, rows->n, sizeof *rows->v, by_precedence);
}

static const struct route_source *sources(struct run *r, struct rows *rows, uint32_t *ret_n)
{
	struct route_source *v = arena_array(run_arena(r), struct route_source, rows->n);

	rows_sort(r, rows);
	for (uint32_t i = 0; i < rows->n; i++)
		v[i] = route_source_build(r, rows->v[i].object);
	*ret_n = rows->n;
	return v;
}

const struct route_source *virtual_services_of_host(struct run *r, uint32_t host, uint32_t index,
						    uint32_t *ret_n)
{
	struct rows rows = { 0 };

	rows_add(r, &rows, host, index);
	return sources(r, &rows, ret_n);
}

/* The next wildcard with VirtualServices above a host or wildcard; 0: none. */
static uint32_t next_wildcard(struct run *r, const char *host)
{
	const char *parent = host_parent(run_arena(r), host);

	return parent ? wildcard_above(r, Q_WILDCARD_VS, parent) : 0;
}

const struct route_source *virtual_service_of_wildcard(struct run *r, uint32_t host, uint32_t index)
{
	struct rows rows = { 0 };
	struct route_source *source;

	rows_add(r, &rows, host, index);
	if (rows.n)
		return NULL; /* an exact host is more specific, whatever it yields */
	for (uint32_t at = host; (at = next_wildcard(r, run_text(r, at))) && !rows.n;)
		rows_add(r, &rows, at, index);
	if (!rows.n)
		return NULL;
	rows_sort(r, &rows);
	source = arena_new(run_arena(r), struct route_source);
	*source = route_source_build(r, rows.v[0].object);
	return source;
}

const struct route_source *virtual_services_for(struct run *r, uint32_t host, uint32_t index,
						uint32_t *ret_n)
{
	const char *text = run_text(r, host);
	struct rows rows = { 0 };

	rows_add(r, &rows, host, index);
	for (uint32_t at = host; (at = next_wildcard(r, run_text(r, at)));)
		rows_add(r, &rows, at, index);
	if (host_is_wildcard(text)) {
		const struct keyset *all = read_keyset(r, CELL_VS_HOST);

		for (uint32_t i = 0; i < all->n; i++)
			if (host_subset_of(run_text(r, all->v[i]), text))
				rows_add(r, &rows, all->v[i], index);
	}
	return sources(r, &rows, ret_n);
}

const struct route_source *route_source_of(struct run *r, uint32_t vs_ns, uint32_t vs_name)
{
	const struct object *obj = read_object(r, KIND_VIRTUAL_SERVICE, vs_ns, vs_name);
	struct route_source *source;

	if (!obj)
		return NULL;
	source = arena_new(run_arena(r), struct route_source);
	*source = route_source_build(r, obj);
	return source;
}
