/* Which DestinationRule applies to a service for a proxy (translation.md 2.8): one of the proxy's namespace, else one
 * exported by the service's, else one exported by the root namespace; in each the most specific host.
 *
 * All rules that could matter are the entries of the host and of the wildcards above it. The proxy is asked only
 * whether it is in the namespace of a rule that would change the outcome: rules next to their service, which is where
 * they mostly are, ask nothing.
 */
#include "model/destination_rule.h"

#include "model/export.h"
#include "model/heads.h"
#include "model/mesh.h"
#include "model/proxy.h"
#include "model/queries.h"
#include "model/rule_merge.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

/* The rules of one host, exact or wildcard; the most specific level first. */
struct level {
	const struct entry *entry;
};
struct lookup {
	struct run *r;
	const struct service *service;
	const char *root;
	bool default_private; /* the mesh's default exportTo is "." */
	struct level *levels;
	uint32_t n_levels;
	size_t cap;
};

static void add_level(struct lookup *l, uint32_t host)
{
	const struct entry *e = read_entry(l->r, CELL_DR_HOST, host);

	if (e->n)
		*ARENA_PUSH(run_arena(l->r), l->levels, l->n_levels, l->cap) = (struct level){ e };
}

static void find_levels(struct lookup *l)
{
	const char *at = l->service->host;

	add_level(l, run_key(l->r, at));
	for (;;) {
		const char *parent = host_parent(run_arena(l->r), at);
		uint32_t found = parent ? wildcard_above(l->r, Q_WILDCARD_DR, parent) : 0;

		if (!found)
			return;
		add_level(l, found);
		at = run_text(l->r, found);
	}
}

static bool mesh_is_private(struct run *r)
{
	const struct str_list *list = &mesh_get(r, default_destination_rule_export_to);

	for (uint32_t i = 0; i < list->n; i++)
		if (!strcmp(list->v[i], "."))
			return true;
	return false;
}

/* ---- the two indexes of a namespace, as istiod builds them ---- */
static bool in_local_index(const struct lookup *l, const struct rule_view *v)
{
	return !v->export_to.n || rule_exports(v, "*") || rule_exports(v, ".") ||
	       rule_exports(v, v->object->ns);
}

static bool is_private(const struct lookup *l, const struct rule_view *v)
{
	if (!v->export_to.n)
		return l->default_private;
	return v->export_to.n == 1 && (rule_exports(v, ".") || rule_exports(v, v->object->ns));
}

/* Exported to all and seen at home as well: it is the same in both indexes and for every proxy. */
static bool is_public(const struct lookup *l, const struct rule_view *v)
{
	return v->export_to.n ? rule_exports(v, "*") : !l->default_private;
}

enum which { LOCAL, EXPORTED, ROOT_LOCAL };

static bool belongs(const struct lookup *l, const struct rule_view *v, enum which which)
{
	switch (which) {
	case LOCAL: return in_local_index(l, v);
	case EXPORTED: return !is_private(l, v);
	default: return is_private(l, v);
	}
}

/* The merged rules of the most specific host that the index has; none: no hit. */
static struct merged_rules rules_in(const struct lookup *l, const char *ns, enum which which)
{
	for (uint32_t i = 0; i < l->n_levels; i++) {
		const struct entry *e = l->levels[i].entry;
		struct rule_list list = { 0 };

		for (uint32_t j = 0; j < e->n; j++) {
			struct rule_view v;

			if (strcmp(e->v[j]->ns, ns))
				continue;
			v = rule_view_of(e->v[j]);
			if (belongs(l, &v, which))
				rule_list_add(run_arena(l->r), &list, &v);
		}
		if (list.n)
			return rules_merge(run_arena(l->r), &list);
	}
	return (struct merged_rules){ 0 };
}

/* Only rules that the proxy's namespace is exported to count. */
static void filter_exported(const struct lookup *l, struct merged_rules *rules)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < rules->n; i++) {
		struct merged_rule *m = &rules->v[i];

		if (export_seen_by_proxy(l->r, export_key(l->r, &m->export_to,
							  &(struct str_list){ 0 }, m->first->ns)))
			rules->v[n++] = *m;
	}
	rules->n = n;
}

/* ---- which namespaces have to be asked about ---- */
struct namespace_rules {
	const char *ns;
	bool all_public, any_local, any_private;
};

static int by_ns(const void *a, const void *b)
{
	return strcmp(((const struct namespace_rules *)a)->ns,
		      ((const struct namespace_rules *)b)->ns);
}

static struct namespace_rules *namespaces_of(const struct lookup *l, uint32_t *ret_n)
{
	struct namespace_rules *v = NULL;
	uint32_t n = 0;
	size_t cap = 0;

	for (uint32_t i = 0; i < l->n_levels; i++)
		for (uint32_t j = 0; j < l->levels[i].entry->n; j++) {
			struct rule_view view = rule_view_of(l->levels[i].entry->v[j]);
			uint32_t k = 0;

			while (k < n && strcmp(v[k].ns, view.object->ns))
				k++;
			if (k == n)
				*ARENA_PUSH(run_arena(l->r), v, n, cap) = (struct namespace_rules){
					.ns = view.object->ns,
					.all_public = true,
				};
			v[k].all_public = v[k].all_public && is_public(l, &view);
			v[k].any_local = v[k].any_local || in_local_index(l, &view);
			v[k].any_private = v[k].any_private || is_private(l, &view);
		}
	if (n)
		qsort(v, n, sizeof *v, by_ns);
	*ret_n = n;
	return v;
}

/* Would a proxy of this namespace get something else than others do? */
static bool must_ask(const struct lookup *l, const struct namespace_rules *n)
{
	if (!strcmp(n->ns, l->root))
		return n->any_private;
	if (!strcmp(n->ns, l->service->ns))
		return n->any_local && !n->all_public;
	return n->any_local;
}

static struct merged_rules find(struct lookup *l)
{
	uint32_t n;
	const struct namespace_rules *v = namespaces_of(l, &n);
	struct merged_rules rules;

	for (uint32_t i = 0; i < n; i++)
		if (must_ask(l, &v[i]) && ask_is(l->r, ASK_NS_IS, run_key(l->r, v[i].ns))) {
			rules = rules_in(l, v[i].ns, strcmp(v[i].ns, l->root) ? LOCAL : ROOT_LOCAL);
			if (rules.n)
				return rules;
			break;
		}
	rules = rules_in(l, l->service->ns, EXPORTED);
	filter_exported(l, &rules);
	if (rules.n || !strcmp(l->service->ns, l->root))
		return rules;
	rules = rules_in(l, l->root, EXPORTED);
	filter_exported(l, &rules);
	return rules;
}

/* The first with a selector that fits, else the last without one. */
static const struct merged_rule *pick(struct lookup *l, const struct merged_rules *rules,
				      bool outbound)
{
	for (uint32_t i = 0; i < rules->n && outbound; i++) {
		const struct merged_rule *m = &rules->v[i];

		if (m->selector && ask_is(l->r, ASK_NS_IS, run_key(l->r, m->first->ns)) &&
		    ask_labels_match(l->r, m->selector))
			return m;
	}
	for (uint32_t i = rules->n; i-- > 0;)
		if (!rules->v[i].selector)
			return &rules->v[i];
	return NULL;
}

const struct applied_rule *destination_rule_for(struct run *r, const struct service *s,
						bool outbound)
{
	struct lookup l = { .r = r, .service = s };
	struct applied_rule *applied;
	const struct merged_rule *found;
	struct merged_rules rules;

	find_levels(&l);
	if (!l.n_levels)
		return NULL;
	l.root = mesh_root_namespace(r);
	l.default_private = mesh_is_private(r);
	rules = find(&l);
	found = pick(&l, &rules, outbound);
	if (!found)
		return NULL;
	for (uint32_t i = 0; i < found->n_from; i++)
		cite_object(r, found->from[i]);
	applied = arena_new(run_arena(r), struct applied_rule);
	*applied = (struct applied_rule){
		.first = found->first,
		.policy = found->policy,
		.subsets = found->subsets,
		.n_subsets = found->n_subsets,
	};
	return applied;
}

/* ---- what the rule says for a port ---- */
static const struct port_traffic_policy *port_level(const struct traffic_policy *p, uint16_t port)
{
	for (uint32_t i = 0; p && i < p->port_level_settings.n; i++) {
		const struct port_traffic_policy *v = &p->port_level_settings.v[i];

		if (v->port && v->port->number.v == port)
			return v;
	}
	return NULL;
}

static void take_port_level(struct port_policy *to, const struct port_traffic_policy *p)
{
	to->load_balancer = p->load_balancer;
	to->connection_pool = p->connection_pool;
	to->outlier_detection = p->outlier_detection;
	to->tls = p->tls;
}

#define OVERLAY(to, from, field) ((to)->field = (from)->field ? (from)->field : (to)->field)

static void overlay(struct port_policy *to, const struct traffic_policy *p)
{
	OVERLAY(to, p, load_balancer);
	OVERLAY(to, p, connection_pool);
	OVERLAY(to, p, outlier_detection);
	OVERLAY(to, p, tls);
	OVERLAY(to, p, tunnel);
	OVERLAY(to, p, proxy_protocol);
	OVERLAY(to, p, retry_budget);
}

struct port_policy port_policy_of(const struct applied_rule *rule, uint16_t port,
				  const struct subset *subset)
{
	struct port_policy policy = { 0 };
	const struct port_traffic_policy *level;
	const struct traffic_policy *top = rule ? rule->policy : NULL;

	level = port_level(top, port);
	if (level)
		take_port_level(&policy, level);
	else if (top)
		overlay(&policy, top);
	if (!subset || !subset->traffic_policy)
		return policy;
	level = port_level(subset->traffic_policy, port);
	if (level)
		take_port_level(&policy, level);
	else
		overlay(&policy, subset->traffic_policy);
	return policy;
}

const struct subset *subset_find(const struct applied_rule *rule, const char *name)
{
	for (uint32_t i = 0; rule && name && i < rule->n_subsets; i++)
		if (str_eq(rule->subsets[i]->name, name))
			return rule->subsets[i];
	return NULL;
}

static const struct client_tls_settings *tls_in(const struct traffic_policy *p, uint16_t port)
{
	const struct port_traffic_policy *level = port_level(p, port);

	if (level && level->tls)
		return level->tls;
	return p ? p->tls : NULL;
}

const struct client_tls_settings *endpoint_tls_of(const struct applied_rule *rule, uint16_t port,
						  const struct subset *subset)
{
	const struct client_tls_settings *tls =
		subset ? tls_in(subset->traffic_policy, port) : NULL;

	return tls || !rule ? tls : tls_in(rule->policy, port);
}
