/* The queries of the toy mesh. They write bytes in a shape of their own, strings with their NUL and words: what matters
 * is only what these are made from. */
#include "toy_impl.h"
#include <stdio.h>
#include <string.h>

uint32_t toy_fill_cluster, toy_fill_endpoints, toy_fill_route;
enum { BUCKETS = 32 };

static void puts_(struct run *r, const char *s)
{
	run_emit(r, s, strlen(s) + 1);
}

static void putn(struct run *r, uint32_t n)
{
	run_emit(r, &n, sizeof n);
}

static void fill(struct run *r, uint32_t have, uint32_t size)
{
	static const char *const words[] = { "envoy.transport_sockets.tls", "type.example/x",
					     "outbound|http|", "circuit_breakers" };

	for (uint32_t i = 0; have < size; i++) {
		putn(r, i);
		puts_(r, words[i & 3]);
		have += 5 + (uint32_t)strlen(words[i & 3]);
	}
}

static bool capable(struct run *r, uint32_t which)
{
	return ask_is(r, A_CAPABILITY, which);
}

static uint32_t mesh(struct run *r, unsigned which)
{
	size_t len;
	const uint32_t *v = read_value(r, V_MESH, which + 1, &len);

	return v ? *v : 0;
}

/* Without facts there is no namespace either. */
static uint32_t own_ns(struct run *r)
{
	uint32_t ns = ask(r, A_NS, 0);

	return ns ? ns : KEY_EMPTY;
}

static void q_facts(struct run *r, uint32_t key)
{
	size_t len;
	const struct toy_proxy *p = read_value(r, V_PROXY, key, &len);
	struct toy_facts facts = { 0 };

	if (p) {
		const struct object *ns =
			read_object(r, TOY_NAMESPACE, KEY_EMPTY, run_key(r, p->ns));

		facts = (struct toy_facts){ run_key(r, p->ns), p->zone, p->label, p->capability };
		if (ns)
			facts.zone = (facts.zone + body(ns)->v) % 3;
	}
	run_emit(r, &facts, sizeof facts);
}

static void q_mtls(struct run *r, uint32_t key)
{
	(void)key;
	putn(r, mesh(r, TOY_MTLS));
}

static void q_wildcard(struct run *r, uint32_t key)
{
	char buf[300];
	const char *above;
	const struct result *found;

	if (read_entry(r, C_RULE_HOST, key)->n) {
		putn(r, key);
		return;
	}
	above = toy_parent(run_text(r, key), buf);
	if (!above)
		return;
	found = call_query(r, Q_WILDCARD, run_key(r, above));
	run_emit(r, found->bytes, found->n);
}

static void q_sidecar(struct run *r, uint32_t key)
{
	uint32_t ns = own_ns(r);
	const struct entry *e = read_entry(r, C_SIDECAR_NS, ns);
	const struct object *found = NULL;

	(void)key;
	/* One with a selector goes before one without. */
	for (uint32_t i = 0; i < e->n; i++) {
		const struct toy *t = body(e->v[i]);

		if (!t->selector)
			found = found ? found : e->v[i];
		else if (ask_is(r, A_LABEL_IS, t->selector)) {
			found = e->v[i];
			break;
		}
	}
	if (found)
		putn(r, run_pair(r, run_key(r, found->ns), run_key(r, found->name)));
}

static const struct toy *sidecar(struct run *r)
{
	const struct result *which = ask_query(r, Q_SIDECAR, 0);
	const struct object *o;
	uint32_t key;

	if (!which->n)
		return NULL;
	memcpy(&key, which->bytes, sizeof key);
	o = read_object(r, TOY_SIDECAR, key_first(run_keys(r), key), key_second(run_keys(r), key));
	return o ? body(o) : NULL;
}

static void q_policies(struct run *r, uint32_t key)
{
	const struct entry *e = read_entry(r, C_POLICY_NS, own_ns(r));
	const struct toy *side;

	(void)key;
	for (uint32_t i = 0; i < e->n; i++) {
		if (!body(e->v[i])->selector || ask_is(r, A_LABEL_IS, body(e->v[i])->selector))
			putn(r, run_pair(r, run_key(r, e->v[i]->ns), run_key(r, e->v[i]->name)));
	}
	/* A toy's rule, so that one derived question stands on another: an odd sidecar is marked. */
	side = e->n ? sidecar(r) : NULL;
	if (side && side->v % 2)
		putn(r, KEY_EMPTY);
}

static bool imported(struct run *r, const struct toy *side, const struct object *service)
{
	for (uint32_t i = 0; i < side->n; i++) {
		const char *host = side->egress[i].host;
		const struct entry *e;

		if (side->egress[i].ns && !str_eq(side->egress[i].ns, service->ns))
			continue;
		if (!host || str_eq(host, body(service)->host))
			return true;
		if (host[0] != '*')
			continue;
		e = read_entry(r, C_UNDER, run_key(r, host));
		/* A toy's rule, so that the entry says more than the service itself: not if it is too broad. */
		for (uint32_t j = 0; e->n <= 5 && j < e->n; j++) {
			if (e->v[j] == service)
				return true;
		}
	}
	return false;
}

static void q_visible(struct run *r, uint32_t ns)
{
	const struct entry *all = read_entry(r, C_SVC_NS, ns),
			   *hidden = read_entry(r, C_PRIVATE_NS, ns);
	const struct toy *side = all->n ? sidecar(r) : NULL;
	bool own = hidden->n && ask_is(r, A_NS_IS, ns);

	for (uint32_t i = 0; i < all->n; i++) {
		const struct object *o;
		bool is_hidden = false;

		for (uint32_t j = 0; j < hidden->n && !own; j++)
			is_hidden |= hidden->v[j] == all->v[i];
		if (is_hidden)
			continue;
		/* The entry is shallow: it may be asked for names only. */
		o = read_object(r, TOY_SERVICE, ns, run_key(r, all->v[i]->name));
		if (!side || imported(r, side, o))
			putn(r, run_key(r, body(o)->host));
	}
}

/* The oldest rule for the host, or for the most specific wildcard. */
static const struct toy *rule_for(struct run *r, uint32_t host)
{
	const struct entry *e = read_entry(r, C_RULE_HOST, host);
	char buf[300];
	const char *above = toy_parent(run_text(r, host), buf);

	if (!e->n && above) {
		const struct result *found = call_query(r, Q_WILDCARD, run_key(r, above));

		if (found->n) {
			memcpy(&host, found->bytes, sizeof host);
			e = read_entry(r, C_RULE_HOST, host);
		}
	}
	for (uint32_t i = 0; i < e->n; i++) {
		if (!body(e->v[i])->private || ask_is(r, A_NS_IS, run_key(r, e->v[i]->ns)))
			return body(e->v[i]);
	}
	return NULL;
}

static void q_cluster(struct run *r, uint32_t host)
{
	const struct entry *e = read_entry(r, C_SVC_HOST, host);
	const struct toy *rule = rule_for(r, host);
	const struct object *o = NULL;

	puts_(r, run_text(r, host));
	for (uint32_t i = 0; i < e->n; i++) {
		o = read_object(r, TOY_SERVICE, run_key(r, e->v[i]->ns), run_key(r, e->v[i]->name));
		puts_(r, o->ns);
		putn(r, body(o)->v);
	}
	putn(r, rule ? rule->v : 0);
	run_emit(r, call_query(r, Q_MTLS, 0)->bytes, sizeof(uint32_t));
	fill(r, 60, toy_fill_cluster);
	if (!o)
		diag_warn(run_diag(r), (struct place){ 0 }, "", "no service has host %s",
			  run_text(r, host));
}

static void q_endpoints(struct run *r, uint32_t host)
{
	const struct entry *e = read_entry(r, C_SLICE_HOST, host);
	const struct toy *rule = rule_for(r, host);
	uint32_t zone = rule && rule->locality ? ask(r, A_ZONE, 0) : ~0u;

	puts_(r, run_text(r, host));
	for (uint32_t i = 0; i < e->n; i++) {
		const struct toy *t = body(e->v[i]);

		for (uint32_t j = 0; j < t->n; j++) {
			if (!t->ep[j].healthy)
				continue;
			putn(r, t->ep[j].ip);
			putn(r, t->ep[j].zone == zone);
		}
	}
	fill(r, 140, toy_fill_endpoints);
}

static void q_route(struct run *r, uint32_t host)
{
	const struct entry *e = read_entry(r, C_ROUTE_HOST, host);

	puts_(r, run_text(r, host));
	for (uint32_t i = 0; i < e->n; i++) {
		const struct toy *t = body(e->v[i]);

		if (t->only_ns && !ask_is(r, A_NS_IS, run_key(r, t->only_ns)))
			continue;
		puts_(r, e->v[i]->name);
		putn(r, t->v);
	}
	fill(r, 50, toy_fill_route);
}

static void of_namespace(struct run *r, uint32_t ns, unsigned leaf)
{
	const struct result *hosts = call_query(r, Q_VISIBLE, ns);

	for (uint32_t i = 0; i < hosts->n; i += sizeof(uint32_t)) {
		uint32_t host;

		memcpy(&host, hosts->bytes + i, sizeof host);
		list_add(r, leaf, host);
	}
}

static void q_cds_ns(struct run *r, uint32_t ns)
{
	of_namespace(r, ns, Q_CLUSTER);
}

static void q_eds_ns(struct run *r, uint32_t ns)
{
	of_namespace(r, ns, Q_ENDPOINTS);
}

static void q_rds_ns(struct run *r, uint32_t ns)
{
	of_namespace(r, ns, Q_ROUTE);
}

static void of_bucket(struct run *r, uint32_t bucket, unsigned of_ns)
{
	const struct keyset *s = read_keyset(r, C_SVC_NS);

	for (uint32_t i = 0; i < s->n; i++) {
		if (hash_str(run_text(r, s->v[i])) % BUCKETS == bucket - 1)
			list_add(r, of_ns, s->v[i]);
	}
}

static void q_cds_bucket(struct run *r, uint32_t bucket)
{
	of_bucket(r, bucket, Q_CDS_NS);
}

static void q_eds_bucket(struct run *r, uint32_t bucket)
{
	of_bucket(r, bucket, Q_EDS_NS);
}

static void q_rds_bucket(struct run *r, uint32_t bucket)
{
	of_bucket(r, bucket, Q_RDS_NS);
}

static bool names_namespaces(const struct toy *side)
{
	for (uint32_t i = 0; side && i < side->n; i++) {
		if (!side->egress[i].ns)
			return false;
	}
	return side;
}

/* A sidecar that names its namespaces needs few of them; else there are too many for one flat list. */
static void all_of(struct run *r, unsigned of_one, unsigned of_ns)
{
	const struct toy *side = sidecar(r);

	if (names_namespaces(side)) {
		for (uint32_t i = 0; i < side->n; i++)
			list_add(r, of_ns, run_key(r, side->egress[i].ns));
		return;
	}
	for (uint32_t i = 1; i <= BUCKETS; i++)
		list_add(r, of_one, i);
}

static void q_cds(struct run *r, uint32_t key)
{
	(void)key;
	all_of(r, Q_CDS_BUCKET, Q_CDS_NS);
}

static void q_eds(struct run *r, uint32_t key)
{
	(void)key;
	all_of(r, Q_EDS_BUCKET, Q_EDS_NS);
}

static void q_rds(struct run *r, uint32_t key)
{
	(void)key;
	puts_(r, capable(r, 0) ? "vhds" : "routes");
	all_of(r, Q_RDS_BUCKET, Q_RDS_NS);
}

static void q_lds(struct run *r, uint32_t key)
{
	const struct result *which = ask_query(r, Q_POLICIES, 0);
	struct keys *keys = run_keys(r);
	const struct object *ns;

	(void)key;
	putn(r, mesh(r, TOY_LOG));
	for (uint32_t i = 0; i < which->n; i += sizeof(uint32_t)) {
		const struct object *o;
		uint32_t pair;

		memcpy(&pair, which->bytes + i, sizeof pair);
		if (pair == KEY_EMPTY) {
			puts_(r, "odd");
			continue;
		}
		o = read_object(r, TOY_POLICY, key_first(keys, pair), key_second(keys, pair));
		puts_(r, o->name);
		putn(r, body(o)->v);
	}
	if (capable(r, 1))
		puts_(r, "http3");
	ns = read_object(r, TOY_NAMESPACE, KEY_EMPTY, own_ns(r));
	putn(r, ns ? body(ns)->v : 0);
}

static void q_names_ns(struct run *r, uint32_t ns)
{
	const struct entry *e = read_entry(r, C_SVC_NS, ns),
			   *attached = read_entry(r, C_ATTACHED_NS, ns);

	for (uint32_t i = 0; i < e->n; i++)
		puts_(r, e->v[i]->name);
	for (uint32_t i = 0; i < attached->n; i++)
		puts_(r, attached->v[i]->name);
}

static void q_nds(struct run *r, uint32_t key)
{
	const struct keyset *s = read_keyset(r, C_SVC_NS), *objects = read_keyset(r, TOY_NAMESPACE);

	(void)key;
	for (uint32_t i = 0; i < s->n; i++) {
		const struct result *names = call_query(r, Q_NAMES_NS, s->v[i]);

		run_emit(r, names->bytes, names->n);
	}
	putn(r, objects->n);
	putn(r, read_entry(r, C_UNDER, run_key(r, "*.a.com"))->n);
}

#define ROW(id, shape, level, recursive, fn) \
	[id] = &(const struct query) \
	{ \
#id, shape, level, recursive, fn, false \
	}
const struct query *const toy_queries[Q_COUNT] = {
	ROW(Q_FACTS, RESULT_BYTES, 0, false, q_facts),
	ROW(Q_MTLS, RESULT_BYTES, 0, false, q_mtls),
	ROW(Q_WILDCARD, RESULT_BYTES, 0, true, q_wildcard),
	ROW(Q_SIDECAR, RESULT_BYTES, 0, false, q_sidecar),
	ROW(Q_POLICIES, RESULT_BYTES, 1, false, q_policies),
	ROW(Q_VISIBLE, RESULT_BYTES, 1, false, q_visible),
	ROW(Q_CLUSTER, RESULT_BYTES, 2, false, q_cluster),
	ROW(Q_ENDPOINTS, RESULT_BYTES, 2, false, q_endpoints),
	ROW(Q_ROUTE, RESULT_BYTES, 2, false, q_route),
	ROW(Q_NAMES_NS, RESULT_BYTES, 2, false, q_names_ns),
	ROW(Q_CDS_NS, RESULT_LIST, 3, false, q_cds_ns),
	ROW(Q_EDS_NS, RESULT_LIST, 3, false, q_eds_ns),
	ROW(Q_RDS_NS, RESULT_LIST, 3, false, q_rds_ns),
	ROW(Q_CDS_BUCKET, RESULT_LIST, 4, false, q_cds_bucket),
	ROW(Q_EDS_BUCKET, RESULT_LIST, 4, false, q_eds_bucket),
	ROW(Q_RDS_BUCKET, RESULT_LIST, 4, false, q_rds_bucket),
	ROW(Q_CDS, RESULT_LIST, 5, false, q_cds),
	ROW(Q_EDS, RESULT_LIST, 5, false, q_eds),
	ROW(Q_RDS, RESULT_CONCAT, 5, false, q_rds),
	ROW(Q_LDS, RESULT_BYTES, 5, false, q_lds),
	ROW(Q_NDS, RESULT_BYTES, 5, false, q_nds),
};
