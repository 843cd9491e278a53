/* Priorities and weights by locality (translation.md 3.7). Everything is relative to where the proxy is, so this is what
 * makes assignments differ from zone to zone: the proxy is asked only where several groups, a distribution or labels make
 * a difference.
 */
#include "model/proxy.h"
#include "model/workload.h"
#include "translate/assignment.h"
#include "types.h"
#include <stdlib.h>
#include <string.h>

enum { PRIORITY_MAX = 128 }; /* Envoy's */

static struct locality proxy_locality(struct run *r)
{
	return locality_split(run_arena(r), run_text(r, ask(r, ASK_LOCALITY, 0)));
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Closes the gaps: 0, 1, 2... */
static void compact(struct run *r, struct locality_groups *g)
{
	uint32_t *v = arena_array(run_arena(r), uint32_t, g->n), n = 0;

	for (uint32_t i = 0; i < g->n; i++)
		v[i] = g->v[i].priority;
	qsort(v, g->n, sizeof *v, by_number);
	for (uint32_t i = 0; i < g->n; i++)
		if (!n || v[n - 1] != v[i])
			v[n++] = v[i];
	for (uint32_t i = 0; i < g->n; i++) {
		const uint32_t *at = bsearch(&g->v[i].priority, v, n, sizeof *v, by_number);

		g->v[i].priority = MIN((uint32_t)(at - v), PRIORITY_MAX);
	}
}

/* ---- distribution ---- */

static bool part_matches(const char *rule, const char *part, bool may_be_empty)
{
	return str_eq(rule, "*") || str_eq(rule, part) || (may_be_empty && !*rule);
}

static bool locality_matches(struct arena *a, const struct locality *l, const char *text)
{
	struct locality rule = locality_split(a, str_or(text, ""));

	return part_matches(rule.region, l->region, false) &&
	       part_matches(rule.zone, l->zone, true) &&
	       part_matches(rule.sub_zone, l->sub_zone, true);
}

/* Gives the groups of one target their share of its weight. */
static void share(struct run *r, struct locality_groups *g, bool *done, const struct int_pair *to)
{
	bool *here = arena_array(run_arena(r), bool, g->n);
	uint64_t total = 0;

	for (uint32_t i = 0; i < g->n; i++) {
		struct locality l = locality_split(run_arena(r), g->v[i].locality);

		if (done[i] || !locality_matches(run_arena(r), &l, to->key))
			continue;
		here[i] = done[i] = true;
		total += g->v[i].weight;
	}
	for (uint32_t i = 0; i < g->n; i++) {
		unsigned __int128 w;

		/* Groups of which nothing can be reached weigh nothing together. */
		if (!here[i] || to->value <= 0 || !total)
			continue;
		w = ((unsigned __int128)g->v[i].weight * (uint64_t)to->value + total - 1) / total;
		g->v[i].weight = w > UINT32_MAX ? UINT32_MAX : (uint32_t)w;
	}
}

static void distribute(struct run *r, const struct locality_load_balancer_setting *s,
		       struct locality_groups *g)
{
	struct locality own = proxy_locality(r);

	for (uint32_t i = 0; i < s->distribute.n; i++) {
		const struct locality_lb_distribute *d = &s->distribute.v[i];
		bool *done;

		if (!locality_matches(run_arena(r), &own, d->from))
			continue;
		done = arena_array(run_arena(r), bool, g->n);
		for (uint32_t j = 0; j < d->to.n; j++)
			share(r, g, done, &d->to.v[j]);
		/* What gets no share gets no traffic; the group itself stays. */
		for (uint32_t j = 0; j < g->n; j++)
			if (!done[j])
				g->v[j].n = 0;
		return;
	}
}

/* ---- failover by region ---- */

static const char *failover_to(const struct locality_lb_failover *v, uint32_t n, const char *region)
{
	for (uint32_t i = 0; i < n; i++)
		if (str_eq(str_or(v[i].from, ""), region))
			return str_or(v[i].to, "");
	return NULL;
}

/* 0 to 4, smaller is nearer. */
static uint32_t distance(const struct locality *own, const struct locality *l, const char *to)
{
	if (!str_eq(own->region, l->region))
		return to && !str_eq(l->region, to) ? 4 : 3;
	if (!str_eq(own->zone, l->zone))
		return 2;
	return str_eq(own->sub_zone, l->sub_zone) ? 0 : 1;
}

static void fail_over(struct run *r, const struct locality_lb_failover *v, uint32_t n,
		      struct locality_groups *g)
{
	struct locality own = proxy_locality(r);
	const char *to = failover_to(v, n, own.region);

	for (uint32_t i = 0; i < g->n; i++) {
		struct locality l = locality_split(run_arena(r), g->v[i].locality);

		g->v[i].priority = g->v[i].priority * 5 + distance(&own, &l, to);
	}
	compact(r, g);
}

static void be_zone_aware(struct run *r, const struct zone_aware_lb_setting *s,
			  struct locality_groups *g)
{
	struct locality own = proxy_locality(r);
	const char *to = failover_to(s->failover.v, s->failover.n, own.region);

	for (uint32_t i = 0; i < g->n; i++) {
		struct locality l = locality_split(run_arena(r), g->v[i].locality);
		uint32_t bucket = str_eq(l.region, own.region) ? 0
				  : to && str_eq(l.region, to) ? 1
							       : 2;

		g->v[i].priority = g->v[i].priority * 3 + bucket;
	}
	compact(r, g);
}

/* ---- failover by labels ---- */

struct wanted_label {
	const char *name, *value; /* value NULL: the proxy has no such label */
};

static struct wanted_label *wanted_labels(struct run *r, const struct str_list *list)
{
	struct arena *a = run_arena(r);
	struct wanted_label *v = arena_array(a, struct wanted_label, list->n);

	for (uint32_t i = 0; i < list->n; i++) {
		const char *eq = strchr(list->v[i], '=');
		uint32_t key;

		v[i].name =
			eq ? arena_strndup(a, list->v[i], (size_t)(eq - list->v[i])) : list->v[i];
		v[i].value = eq ? eq + 1 : NULL;
		key = eq ? 0 : ask(r, ASK_LABEL, run_key(r, v[i].name));
		if (key)
			v[i].value = run_text(r, key);
	}
	return v;
}

/* The first label that differs decides; another network is worse than any label within the own one. */
static uint32_t label_priority(const struct wanted_label *v, uint32_t n,
			       const struct endpoint_model *e)
{
	uint32_t away = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (str_eq(str_or(v[i].value, ""), str_or(str_map_get(e->labels, v[i].name), "")))
			continue;
		if (!i && str_eq(v[i].name, LABEL_NETWORK)) {
			away = n;
			continue;
		}
		return away + n - i;
	}
	return away;
}

/* Splits each group by the priority of its endpoints. */
static void prefer_labels(struct run *r, const struct str_list *list, struct locality_groups *g)
{
	struct arena *a = run_arena(r);
	struct locality_groups out = { 0 };
	const struct wanted_label *wanted;

	if (!ask_is(r, ASK_LABELS, 0))
		return;
	wanted = wanted_labels(r, list);
	for (uint32_t i = 0; i < g->n; i++) {
		uint32_t from = out.n;

		for (uint32_t j = 0; j < g->v[i].n; j++) {
			uint32_t p = label_priority(wanted, list->n, g->v[i].v[j].e), k = from;
			struct locality_group *to;

			while (k < out.n && out.v[k].priority < p)
				k++;
			if (k == out.n || out.v[k].priority != p) {
				ARENA_PUSH(a, out.v, out.n, out.cap);
				memmove(&out.v[k + 1], &out.v[k], (out.n - 1 - k) * sizeof *out.v);
				out.v[k] = (struct locality_group){ .locality = g->v[i].locality,
								    .priority = p };
			}
			to = &out.v[k];
			*ARENA_PUSH(a, to->v, to->n, to->cap) = g->v[i].v[j];
		}
		for (uint32_t k = from; k < out.n; k++)
			out.v[k].weight = weight_sum(out.v[k].v, out.v[k].n);
	}
	*g = out;
	compact(r, g);
}

void priorities_apply(struct run *r, const struct locality_policy *l, const struct port_policy *p,
		      struct locality_groups *g)
{
	if (l->kind == LOCALITY_OFF)
		return;
	if (l->lb && l->lb->distribute.n) {
		distribute(r, l->lb, g);
		return;
	}
	if (!locality_fails_over(l, p) ||
	    (l->kind == LOCALITY_ZONE_AWARE && l->zone->enabled.set && !l->zone->enabled.v))
		return;
	if (l->failover_priority.n)
		prefer_labels(r, &l->failover_priority, g);
	/* One group is always the first. */
	if (g->n < 2)
		return;
	if (l->kind == LOCALITY_ZONE_AWARE)
		be_zone_aware(r, l->zone, g);
	else if (!l->failover_priority.n || (l->lb && l->lb->failover.n))
		fail_over(r, l->lb ? l->lb->failover.v : NULL, l->lb ? l->lb->failover.n : 0, g);
}
