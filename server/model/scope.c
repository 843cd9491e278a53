/* Which Sidecar applies to the proxy, its egress listeners, and what it says of unknown traffic (translation.md 1.6).
 *
 * All of it is asked as derived questions, by value: a leaf that wants to know whether there is a Sidecar at all gets
 * yes or no, and shares its result among all proxies that have one.
 */
#include "model/scope.h"

#include "model/heads.h"
#include "model/mesh.h"
#include "model/proxy.h"
#include "model/queries.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

static const struct sidecar_spec *spec_of(const struct object *sidecar)
{
	static const struct sidecar_spec none;
	const struct sidecar *s = sidecar->body;

	return s->spec ? s->spec : &none;
}

static const struct str_map *selector_of(const struct object *sidecar)
{
	const struct workload_selector *w = spec_of(sidecar)->workload_selector;

	return w && w->labels.n ? &w->labels : NULL;
}

/* With a selector first, then without; the entry is oldest first. */
static const struct object *pick(struct run *r, const struct entry *e)
{
	for (uint32_t i = 0; i < e->n; i++) {
		const struct str_map *selector = selector_of(e->v[i]);

		if (selector && ask_labels_match(r, selector))
			return e->v[i];
	}
	for (uint32_t i = 0; i < e->n; i++)
		if (!selector_of(e->v[i]))
			return e->v[i];
	return NULL;
}

static const struct object *pick_root(struct run *r)
{
	const struct entry *e = read_entry(r, CELL_SIDECAR_NS, run_key(r, mesh_root_namespace(r)));

	for (uint32_t i = 0; i < e->n; i++)
		if (!selector_of(e->v[i]))
			return e->v[i];
	return NULL;
}

void sidecar_run(struct run *r, uint32_t key)
{
	const struct object *found;
	uint32_t value;

	/* Without any Sidecar in the mesh nothing is asked. */
	if (!read_keyset(r, CELL_SIDECAR_NS)->n || ask_is(r, ASK_IS_ROUTER, 0))
		return;
	found = pick(r, read_entry(r, CELL_SIDECAR_NS, ask(r, ASK_NS, 0)));
	if (!found)
		found = pick_root(r);
	if (!found)
		return;
	value = run_pair(r, run_key(r, found->ns), run_key(r, found->name));
	run_emit(r, &value, sizeof value);
}

/* A value of one number; 0 when the result is empty. */
static uint32_t number_in(const struct result *result)
{
	uint32_t v = 0;

	if (result->n >= sizeof v)
		memcpy(&v, result->bytes, sizeof v);
	return v;
}

const struct object *scope_sidecar(struct run *r)
{
	uint32_t key = number_in(ask_query(r, Q_SIDECAR, 0));

	return key ? read_object(r, KIND_SIDECAR, key_first(run_keys(r), key),
				 key_second(run_keys(r), key))
		   : NULL;
}

void scope_default_run(struct run *r, uint32_t key)
{
	uint32_t yes = 1;

	if (!number_in(ask_query(r, Q_SIDECAR, 0)))
		run_emit(r, &yes, sizeof yes);
}

bool scope_is_default(struct run *r)
{
	return number_in(ask_query(r, Q_SCOPE_DEFAULT, 0)) != 0;
}

uint32_t scope_own_ns(struct run *r, const struct object *sidecar)
{
	if (!strcmp(sidecar->ns, mesh_root_namespace(r)))
		return ask(r, ASK_NS, 0);
	return run_key(r, sidecar->ns);
}

static struct wrapper wrapper_of(const struct istio_egress_listener *l, uint32_t index)
{
	return (struct wrapper){
		.index = index,
		.listener = l,
		.port = l->port ? (uint16_t)l->port->number.v : 0,
		.protocol = l->port ? protocol_parse(l->port->protocol) : PROTOCOL_AUTO,
		.bind = str_empty(l->bind) ? NULL : l->bind,
		.capture_none = l->capture_mode == ISTIO_EGRESS_LISTENER_CAPTURE_MODE_NONE,
	};
}

const struct wrapper *scope_wrappers(struct run *r, uint32_t *ret_n)
{
	static const struct wrapper whole = { .index = 1 };
	const struct object *sidecar = scope_sidecar(r);
	const struct sidecar_spec *spec = sidecar ? spec_of(sidecar) : NULL;
	struct wrapper *v;

	*ret_n = 1;
	if (!spec || !spec->egress.n)
		return &whole;
	v = arena_array(run_arena(r), struct wrapper, spec->egress.n);
	for (uint32_t i = 0; i < spec->egress.n; i++)
		v[i] = wrapper_of(&spec->egress.v[i], i + 1);
	*ret_n = spec->egress.n;
	return v;
}

/* ---- outbound traffic policy: mode, and the Sidecar only where its egress proxy is needed ---- */
struct policy_value {
	uint32_t mode, sidecar;
};

static uint32_t mesh_mode(struct run *r)
{
	const struct mesh_outbound_traffic_policy *p = mesh_get(r, outbound_traffic_policy);

	if (!p)
		return POLICY_ALLOW_ANY;
	switch (p->mode) {
	case MESH_OUTBOUND_TRAFFIC_POLICY_MODE_ALLOW_ANY: return POLICY_ALLOW_ANY;
	case MESH_OUTBOUND_TRAFFIC_POLICY_MODE_ALLOW_ANY_DYNAMIC_DNS:
		return POLICY_ALLOW_ANY_DYNAMIC_DNS;
	default: return POLICY_REGISTRY_ONLY; /* the zero of the API's enum */
	}
}

static const struct outbound_traffic_policy *sidecar_policy(const struct object *sidecar)
{
	return sidecar ? spec_of(sidecar)->outbound_traffic_policy : NULL;
}

void outbound_policy_run(struct run *r, uint32_t key)
{
	const struct object *sidecar = scope_sidecar(r);
	const struct outbound_traffic_policy *p = sidecar_policy(sidecar);
	struct policy_value v = { 0 };

	if (!p) {
		v.mode = mesh_mode(r);
	} else {
		v.mode = p->mode == OUTBOUND_TRAFFIC_POLICY_MODE_ALLOW_ANY ? POLICY_ALLOW_ANY
									   : POLICY_REGISTRY_ONLY;
		if (p->egress_proxy)
			v.sidecar = run_pair(r, run_key(r, sidecar->ns), run_key(r, sidecar->name));
	}
	run_emit(r, &v, sizeof v);
}

struct outbound_policy scope_outbound_policy(struct run *r)
{
	const struct result *result = ask_query(r, Q_OUTBOUND_POLICY, 0);
	struct outbound_policy policy = { POLICY_ALLOW_ANY, NULL };
	struct policy_value v;

	if (result->n < sizeof v)
		return policy;
	memcpy(&v, result->bytes, sizeof v);
	policy.mode = v.mode;
	if (v.sidecar) {
		const struct object *sidecar =
			read_object(r, KIND_SIDECAR, key_first(run_keys(r), v.sidecar),
				    key_second(run_keys(r), v.sidecar));
		const struct outbound_traffic_policy *p = sidecar_policy(sidecar);

		policy.egress_proxy = p ? p->egress_proxy : NULL;
	}
	return policy;
}

/* ---- which namespaces may hold something visible ---- */
struct namespaces {
	struct run *r;
	uint32_t *v;
	uint32_t n;
	size_t cap;
	bool all;
};

static void namespaces_add(struct namespaces *s, uint32_t ns)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (s->v[i] == ns)
			return;
	*ARENA_PUSH(run_arena(s->r), s->v, s->n, s->cap) = ns;
}

static void namespaces_of_host(struct namespaces *s, const char *pattern)
{
	const struct entry *e;

	if (!strcmp(pattern, "*")) {
		s->all = true;
		return;
	}
	e = read_entry(s->r, host_is_wildcard(pattern) ? CELL_SVC_SUFFIX : CELL_SVC_HOST,
		       run_key(s->r, pattern));
	for (uint32_t i = 0; i < e->n; i++)
		namespaces_add(s, run_key(s->r, e->v[i]->ns));
}

static void namespaces_of_listener(struct namespaces *s, const struct istio_egress_listener *l,
				   const struct object *sidecar)
{
	for (uint32_t i = 0; i < l->hosts.n && !s->all; i++) {
		struct egress_host h;

		if (!egress_host_parse(run_arena(s->r), l->hosts.v[i], &h) || h.drop)
			continue;
		if (!strcmp(h.ns, "*"))
			namespaces_of_host(s, h.host);
		else if (!strcmp(h.ns, "."))
			namespaces_add(s, scope_own_ns(s->r, sidecar));
		else
			namespaces_add(s, run_key(s->r, h.ns));
	}
}

static int by_key_text(const void *a, const void *b, void *keys)
{
	return key_compare(keys, *(const uint32_t *)a, *(const uint32_t *)b);
}

void scope_namespaces_run(struct run *r, uint32_t key)
{
	const struct object *sidecar = scope_sidecar(r);
	const struct sidecar_spec *spec = sidecar ? spec_of(sidecar) : NULL;
	struct namespaces s = { .r = r, .all = !spec || !spec->egress.n };
	uint32_t all = 0;

	for (uint32_t i = 0; spec && i < spec->egress.n && !s.all; i++)
		namespaces_of_listener(&s, &spec->egress.v[i], sidecar);
	if (!s.all) {
		const struct result *extra = call_query(r, Q_SCOPE_EXTRA, 0);
		const struct extra_service *v = (const void *)extra->bytes;

		for (uint32_t i = 0; i < extra->n / sizeof *v; i++)
			namespaces_add(&s, v[i].ns);
	}
	if (s.all) {
		run_emit(r, &all, sizeof all); /* no namespace has the key 0 */
		return;
	}
	if (s.n)
		qsort_r(s.v, s.n, sizeof *s.v, by_key_text, run_keys(r));
	run_emit(r, s.v, s.n * sizeof *s.v);
}

const uint32_t *scope_namespaces(struct run *r, uint32_t *ret_n, bool *ret_all)
{
	const struct result *result = ask_query(r, Q_SCOPE_NAMESPACES, 0);
	const uint32_t *v = (const void *)result->bytes;

	*ret_n = result->n / sizeof *v;
	*ret_all = *ret_n == 1 && !v[0];
	if (*ret_all)
		*ret_n = 0;
	return v;
}
