/* DestinationRules of the same host and namespace become one rule where their visibility and selectors allow it: the
 * oldest gives the policy, all give subsets, and a rule made from a Gateway API policy only fills what the user's
 * leaves open (translation.md 2.8).
 */
#include "model/rule_merge.h"

#include <stdlib.h>
#include <string.h>

struct rule_view rule_view_of(const struct object *obj)
{
	static const char *const own[] = { "." };
	static const struct destination_rule_spec none;
	const struct destination_rule *rule = obj->body;
	struct rule_view v = {
		.object = obj,
		.spec = rule->spec ? rule->spec : &none,
		.is_backend_policy = obj->meta && str_map_get(&obj->meta->annotations,
							      "internal.istio.io/parents"),
	};

	v.export_to = v.spec->export_to;
	if (v.spec->workload_selector) {
		v.selector = &v.spec->workload_selector->match_labels;
		v.export_to = (struct str_list){ own, 1, true };
	}
	return v;
}

static bool list_holds(const struct str_list *list, const char *s)
{
	for (uint32_t i = 0; i < list->n; i++)
		if (!strcmp(list->v[i], s))
			return true;
	return false;
}

bool rule_exports(const struct rule_view *v, const char *to)
{
	return list_holds(&v->export_to, to);
}

void rule_list_add(struct arena *a, struct rule_list *list, const struct rule_view *v)
{
	*ARENA_PUSH(a, list->v, list->n, list->cap) = *v;
}

static bool is_superset(const struct str_list *of, const struct str_list *list)
{
	for (uint32_t i = 0; i < list->n; i++)
		if (!list_holds(of, list->v[i]))
			return false;
	return true;
}

static bool selectors_equal(const struct str_map *a, const struct str_map *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i].key, b->v[i].key) || !str_eq(a->v[i].value, b->v[i].value))
			return false;
	return true;
}

static void merge_subsets(struct arena *a, struct merged_rule *to,
			  const struct destination_rule_spec *spec)
{
	const struct subset **v =
		arena_array(a, const struct subset *, to->n_subsets + spec->subsets.n);
	uint32_t n = to->n_subsets;

	if (n)
		memcpy(v, to->subsets, n * sizeof(struct subset *));
	for (uint32_t i = 0; i < spec->subsets.n; i++) {
		const struct subset *s = &spec->subsets.v[i];
		uint32_t j = 0;

		while (j < n && !str_eq(v[j]->name, s->name))
			j++;
		if (j == n)
			v[n++] = s;
	}
	to->subsets = v;
	to->n_subsets = n;
}

#define FILL(to, from, field) ((to)->field = (to)->field ? (to)->field : (from)->field)

static void fill_ports(struct arena *a, struct traffic_policy *to,
		       const struct traffic_policy *from)
{
	struct port_traffic_policy *v =
		arena_array(a, struct port_traffic_policy,
			    to->port_level_settings.n + from->port_level_settings.n);
	uint32_t n = to->port_level_settings.n;

	if (n)
		memcpy(v, to->port_level_settings.v, n * sizeof *v);
	for (uint32_t i = 0; i < from->port_level_settings.n; i++) {
		const struct port_traffic_policy *p = &from->port_level_settings.v[i];
		uint32_t j = 0;

		while (j < n && !(p->port && v[j].port && p->port->number.v == v[j].port->number.v))
			j++;
		if (j == n) {
			v[n++] = *p;
			continue;
		}
		FILL(&v[j], p, connection_pool);
		FILL(&v[j], p, outlier_detection);
		FILL(&v[j], p, load_balancer);
		FILL(&v[j], p, tls);
	}
	to->port_level_settings.v = v;
	to->port_level_settings.n = n;
}

/* The user's policy with its gaps filled from the other. */
static const struct traffic_policy *fill(struct arena *a, const struct traffic_policy *user,
					 const struct traffic_policy *from)
{
	struct traffic_policy *to;

	if (!user || !from)
		return user ? user : from;
	to = arena_dup(a, user, sizeof *user);
	FILL(to, from, connection_pool);
	FILL(to, from, outlier_detection);
	FILL(to, from, load_balancer);
	FILL(to, from, tls);
	FILL(to, from, tunnel);
	FILL(to, from, proxy_protocol);
	FILL(to, from, retry_budget);
	if (from->port_level_settings.n)
		fill_ports(a, to, from);
	return to;
}

static void merge(struct arena *a, struct merged_rule *to, const struct rule_view *v)
{
	const struct traffic_policy *policy = v->spec->traffic_policy;

	*ARENA_PUSH(a, to->from, to->n_from, to->c_from) = v->object;
	merge_subsets(a, to, v->spec);
	if (to->is_backend_policy != v->is_backend_policy) {
		to->policy = to->is_backend_policy ? fill(a, policy, to->policy)
						   : fill(a, to->policy, policy);
		to->is_backend_policy = false;
	} else if (!to->policy) {
		to->policy = policy;
	}
}

/* Merges the rule into those that it fits; true: it is an entry of its own as well. The last comparison decides. */
static bool merge_into(struct arena *a, struct merged_rules *out, const struct rule_view *v)
{
	bool separate = true;

	for (uint32_t i = 0; i < out->n; i++) {
		struct merged_rule *m = &out->v[i];
		bool narrower = is_superset(&v->export_to, &m->export_to);
		bool equal = narrower && is_superset(&m->export_to, &v->export_to);

		separate = !equal;
		if (!equal && !(m->export_to.n && narrower))
			continue;
		if (m->selector && v->selector && !selectors_equal(m->selector, v->selector)) {
			separate = true;
			continue;
		}
		if (m->selector && !v->selector)
			separate = true;
		else if (!m->selector == !v->selector)
			separate = false;
		merge(a, m, v);
	}
	return separate;
}

static int by_precedence(const void *a, const void *b)
{
	const struct rule_view *x = a, *y = b;
	int c;

	if (!x->selector != !y->selector)
		return x->selector ? -1 : 1;
	if (x->object->created_s != y->object->created_s)
		return x->object->created_s < y->object->created_s ? -1 : 1;
	c = strcmp(x->object->name, y->object->name);
	return c ? c : strcmp(x->object->ns, y->object->ns);
}

struct merged_rules rules_merge(struct arena *a, struct rule_list *list)
{
	struct merged_rules out = { arena_array(a, struct merged_rule, list->n), 0 };

	if (list->n)
		qsort(list->v, list->n, sizeof *list->v, by_precedence);
	for (uint32_t i = 0; i < list->n; i++) {
		const struct rule_view *v = &list->v[i];
		struct merged_rule *m;

		if (!merge_into(a, &out, v))
			continue;
		m = &out.v[out.n++];
		*m = (struct merged_rule){
			.first = v->object,
			.export_to = v->export_to,
			.selector = v->selector,
			.policy = v->spec->traffic_policy,
			.is_backend_policy = v->is_backend_policy,
		};
		*ARENA_PUSH(a, m->from, m->n_from, m->c_from) = v->object;
		merge_subsets(a, m, v->spec);
	}
	return out;
}
