/* The objects of the toy mesh, its indexes, and what is asked of proxies. */
#include "base/buf.h"
#include "toy_impl.h"
#include <stdio.h>
#include <string.h>

/* ---- objects ---- */
static struct hash128 add_text(struct hash128 h, const char *s)
{
	return hash128_fold(h, s ? hash128(s, strlen(s)) : HASH128_INIT);
}

static struct hash128 toy_hash(const struct toy *t)
{
	const uint32_t numbers[] = { t->private, t->locality, t->selector, t->v, t->n };
	struct hash128 h = hash128(numbers, sizeof numbers);

	h = add_text(add_text(h, t->host), t->only_ns);
	for (uint32_t i = 0; i < TOY_ENDPOINTS; i++) {
		const uint32_t ep[] = { t->ep[i].ip, t->ep[i].zone, t->ep[i].healthy };

		h = hash128_fold(h, hash128(ep, sizeof ep));
	}
	for (uint32_t i = 0; i < TOY_EGRESS; i++)
		h = add_text(add_text(h, t->egress[i].ns), t->egress[i].host);
	return h;
}

const struct object *toy_object(enum toy_kind kind, const char *ns, const char *name,
				int64_t created_s, const struct toy *t)
{
	struct object *o = xcalloc(1, sizeof *o);
	struct toy *body = arena_new(&o->arena, struct toy);

	ref_init(&o->ref);
	o->kind = (uint16_t)kind;
	o->ns = arena_strdup(&o->arena, ns);
	o->name = arena_strdup(&o->arena, name);
	o->created_s = created_s;
	o->cluster = "";
	*body = *t;
	body->host = arena_strdup(&o->arena, t->host);
	if (kind == TOY_SERVICE && !t->host)
		body->host = arena_printf(&o->arena, "%s.%s.local", name, ns);
	body->only_ns = arena_strdup(&o->arena, t->only_ns);
	for (size_t i = 0; i < TOY_EGRESS; i++) {
		body->egress[i].ns = arena_strdup(&o->arena, t->egress[i].ns);
		body->egress[i].host = arena_strdup(&o->arena, t->egress[i].host);
	}
	o->body = body;
	o->hash = toy_hash(body);
	return o;
}

/* ---- indexes ---- */
static void by_ns(const struct object *o, struct index_out *out)
{
	index_add(out, key_str(index_keys(out), o->ns));
}

static void by_host(const struct object *o, struct index_out *out)
{
	index_add(out, key_str(index_keys(out), body(o)->host));
}

static void private_by_ns(const struct object *o, struct index_out *out)
{
	if (body(o)->private)
		by_ns(o, out);
}

const char *toy_parent(const char *host, char buf[300])
{
	const char *dot = strchr(host[0] == '*' ? host + 2 : host, '.');

	if (!dot)
		return NULL;
	snprintf(buf, 300, "*%s", dot);
	return buf;
}

static void by_suffix(const struct object *o, struct index_out *out)
{
	char buf[300];

	for (const char *p = toy_parent(body(o)->host, buf); p;) {
		char last[300];

		index_add(out, key_find(index_keys(out), p));
		snprintf(last, sizeof last, "%s", p);
		p = toy_parent(last, buf);
	}
}

static const struct index indexes[] = {
	{ "svc_ns", C_SVC_NS, TOY_SERVICE, false, false, by_ns, NULL },
	{ "svc_host", C_SVC_HOST, TOY_SERVICE, false, false, by_host, NULL },
	{ "private_ns", C_PRIVATE_NS, TOY_SERVICE, false, false, private_by_ns, NULL },
	{ "under", C_UNDER, TOY_SERVICE, false, true, by_suffix, NULL },
	{ "slice_host", C_SLICE_HOST, TOY_SLICE, true, false, by_host, NULL },
	{ "route_host", C_ROUTE_HOST, TOY_ROUTE, true, false, by_host, NULL },
	{ "rule_host", C_RULE_HOST, TOY_RULE, true, false, by_host, NULL },
	{ "sidecar_ns", C_SIDECAR_NS, TOY_SIDECAR, true, false, by_ns, NULL },
	{ "policy_ns", C_POLICY_NS, TOY_POLICY, true, false, by_ns, NULL },
	{ "attached_ns", C_ATTACHED_NS, TOY_ROUTE, false, false, by_ns, NULL },
	{ "attached_ns", C_ATTACHED_NS, TOY_RULE, false, false, by_ns, NULL },
};

/* ---- the proxy ---- */
static uint32_t answer(const struct keys *keys, const void *facts, unsigned question, uint32_t arg)
{
	const struct toy_facts *f = facts;

	(void)keys;
	switch (question) {
	case A_NS: return f->ns;
	case A_NS_IS: return f->ns == arg;
	case A_ZONE: return f->zone;
	case A_LABEL_IS: return f->label == arg;
	case A_CAPABILITY: return f->capability >> arg & 1;
	}
	return 0;
}

static void value_title(const struct keys *keys, unsigned kind, uint32_t key, struct buf *out)
{
	static const char *const names[TOY_VALUES] = { "mtls", "log" };

	if (kind == V_MESH)
		buf_printf(out, "mesh %s", names[key - 1]);
	else
		buf_printf(out, "proxy %s", key_text(keys, key));
}

const struct world_tables toy_tables = {
	.indexes = indexes,
	.n_indexes = ARRAY_LEN(indexes),
	.n_cell_kinds = C_COUNT,
	.queries = toy_queries,
	.n_queries = Q_COUNT,
	.answer = answer,
	.value_title = value_title,
};

void toy_set_value(struct world *w, unsigned which, uint32_t v)
{
	world_set_value(w, V_MESH, which + 1, &v, sizeof v);
}

unsigned toy_root_query(enum toy_root root)
{
	static const unsigned query[TOY_ROOTS] = { Q_CDS, Q_EDS, Q_RDS, Q_LDS, Q_NDS };

	return query[root];
}

void toy_set_proxy(struct world *w, const char *name, const struct toy_proxy *p)
{
	world_set_value(w, V_PROXY, key_str(world_keys(w), name), p, sizeof *p);
}

uint32_t toy_bind_facts(struct world *w, const char *name)
{
	struct scope *s = graph_scope(world_graph(w), NULL, 0);
	uint32_t b = graph_bind(world_graph(w), s, Q_FACTS, key_str(world_keys(w), name), NULL);

	scope_unref(world_graph(w), s);
	return b;
}

void toy_bind(struct world *w, const struct toy_facts *facts, void *owner, uint32_t ret[TOY_ROOTS])
{
	struct graph *g = world_graph(w);
	struct scope *s = graph_scope(g, facts, facts ? sizeof *facts : 0);

	for (unsigned i = 0; i < TOY_ROOTS; i++)
		ret[i] = graph_bind(g, s, toy_root_query(i), 0, owner);
	scope_unref(g, s);
}
