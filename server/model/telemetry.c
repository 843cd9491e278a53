/* Telemetry objects: which apply, and how what they say is laid over one another. From the root namespace the oldest
 * without a selector, then the same of the proxy's namespace, then all of that namespace that select the proxy; each later
 * one counts for more. Lists of providers are replaced, overrides of metrics are merged.
 */
#include "model/telemetry.h"

#include "model/attach.h"
#include "model/cells.h"
#include "model/mesh.h"
#include "model/provider.h"
#include "model/proxy.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

/* Objects are bounded, but not what they come to together. */
enum { MAX_LEVELS = 256, MAX_PROVIDERS = 64, MAX_CHANGES = 512, MAX_TAGS = 256 };

/* ---- which apply ---- */

struct levels {
	const struct telemetry_spec *v[MAX_LEVELS];
	uint32_t n;
};

static const struct telemetry_spec *spec_of(const struct object *o)
{
	static const struct telemetry_spec none;
	const struct telemetry *t = o->body;

	return t->spec ? t->spec : &none;
}

static struct attachment attachment_in(const struct telemetry_spec *s)
{
	return attachment_of(s->selector, s->target_ref, s->target_refs.v, s->target_refs.n);
}

static void add_level(struct run *r, struct levels *l, const struct object *o)
{
	cite_object(r, o);
	l->v[l->n++] = spec_of(o);
}

static void add_of_namespace(struct run *r, struct levels *l, const struct entry *e)
{
	for (uint32_t i = 0; i < e->n; i++) {
		struct attachment a = attachment_in(spec_of(e->v[i]));

		if (attachment_is_empty(&a)) {
			add_level(r, l, e->v[i]);
			return;
		}
	}
}

static struct levels levels_of(struct run *r)
{
	struct levels l = { .n = 0 };
	const struct entry *e;
	uint32_t root, ns;

	/* Without any Telemetry in the mesh nothing is asked. */
	if (!read_keyset(r, CELL_TELEMETRY_NS)->n)
		return l;
	root = run_key(r, mesh_root_namespace(r));
	ns = ask(r, ASK_NS, 0);
	e = read_entry(r, CELL_TELEMETRY_NS, root);
	add_of_namespace(r, &l, e);
	if (ns != root) {
		e = read_entry(r, CELL_TELEMETRY_NS, ns);
		add_of_namespace(r, &l, e);
	}
	for (uint32_t i = 0; i < e->n && l.n < MAX_LEVELS; i++) {
		struct attachment a = attachment_in(spec_of(e->v[i]));

		if (!attachment_is_empty(&a) && attachment_holds(r, &a))
			add_level(r, &l, e->v[i]);
	}
	return l;
}

/* ---- lists of provider names ---- */

struct names {
	const char *v[MAX_PROVIDERS];
	uint32_t n;
};

static bool names_have(const struct names *s, const char *name)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (str_eq(s->v[i], name))
			return true;
	return false;
}

static void names_add(struct names *s, const char *name)
{
	if (s->n < MAX_PROVIDERS && !names_have(s, name))
		s->v[s->n++] = name;
}

static struct names names_of_list(const struct str_list *list)
{
	struct names s = { .n = 0 };

	for (uint32_t i = 0; i < list->n; i++)
		names_add(&s, list->v[i]);
	return s;
}

static struct names names_of_refs(const struct provider_ref *v, uint32_t n)
{
	struct names s = { .n = 0 };

	for (uint32_t i = 0; i < n; i++)
		names_add(&s, str_or(v[i].name, ""));
	return s;
}

static const struct default_providers *defaults_of(struct run *r)
{
	static const struct default_providers none;
	const struct default_providers *p = mesh_get(r, default_providers);

	return p ? p : &none;
}

/* ---- metrics ---- */

static const char *const standard_metrics[] = {
	[METRIC_SELECTOR_METRIC_REQUEST_COUNT] = "REQUEST_COUNT",
	[METRIC_SELECTOR_METRIC_REQUEST_DURATION] = "REQUEST_DURATION",
	[METRIC_SELECTOR_METRIC_REQUEST_SIZE] = "REQUEST_SIZE",
	[METRIC_SELECTOR_METRIC_RESPONSE_SIZE] = "RESPONSE_SIZE",
	[METRIC_SELECTOR_METRIC_TCP_OPENED_CONNECTIONS] = "TCP_OPENED_CONNECTIONS",
	[METRIC_SELECTOR_METRIC_TCP_CLOSED_CONNECTIONS] = "TCP_CLOSED_CONNECTIONS",
	[METRIC_SELECTOR_METRIC_TCP_SENT_BYTES] = "TCP_SENT_BYTES",
	[METRIC_SELECTOR_METRIC_TCP_RECEIVED_BYTES] = "TCP_RECEIVED_BYTES",
	[METRIC_SELECTOR_METRIC_GRPC_REQUEST_MESSAGES] = "GRPC_REQUEST_MESSAGES",
	[METRIC_SELECTOR_METRIC_GRPC_RESPONSE_MESSAGES] = "GRPC_RESPONSE_MESSAGES",
};

/* The metrics of one provider in the making. */
struct collected {
	const char *name;
	bool off;
	struct provider_metrics m;
};
struct collection {
	struct run *r;
	enum telemetry_side side;
	struct collected v[MAX_PROVIDERS];
	uint32_t n;
};

static struct collected *collected_of(struct collection *c, const char *name)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (str_eq(c->v[i].name, name))
			return &c->v[i];
	c->v[c->n] = (struct collected){ .name = name };
	return &c->v[c->n++];
}

/* Of one metric; NULL: there are too many. */
static struct metric_change *change_of(struct run *r, struct provider_metrics *m, const char *name)
{
	uint32_t at = 0;
	struct metric_change *c;

	while (at < m->n_changes && strcmp(m->changes[at].name, name) < 0)
		at++;
	if (at < m->n_changes && str_eq(m->changes[at].name, name))
		return &m->changes[at];
	if (m->n_changes == MAX_CHANGES)
		return NULL;
	c = ARENA_PUSH(run_arena(r), m->changes, m->n_changes, m->c_changes);
	memmove(&m->changes[at + 1], &m->changes[at], (size_t)(c - &m->changes[at]) * sizeof *c);
	m->changes[at] = (struct metric_change){ .name = name };
	return &m->changes[at];
}

static void set_tag(struct run *r, struct metric_change *c, const char *name,
		    const struct tag_override *t)
{
	uint32_t at = 0;
	struct metric_tag tag = { name, t->operation == TAG_OVERRIDE_OPERATION_REMOVE
						? NULL
						: str_or(t->value, "") };

	while (at < c->n_tags && strcmp(c->tags[at].name, name) < 0)
		at++;
	if (at == c->n_tags || !str_eq(c->tags[at].name, name)) {
		struct metric_tag *last;

		if (c->n_tags == MAX_TAGS)
			return;
		last = ARENA_PUSH(run_arena(r), c->tags, c->n_tags, c->c_tags);
		memmove(&c->tags[at + 1], &c->tags[at],
			(size_t)(last - &c->tags[at]) * sizeof *last);
	}
	c->tags[at] = tag;
}

static void change_metric(struct collection *c, struct collected *to, const char *name,
			  const struct metrics_overrides *o)
{
	struct metric_change *change = change_of(c->r, &to->m, name);

	if (!change)
		return;
	if (o->disabled.set)
		change->drop = o->disabled.v;
	for (uint32_t i = 0; i < o->tag_overrides.n; i++)
		set_tag(c->r, change, o->tag_overrides.v[i].key, &o->tag_overrides.v[i].value);
}

static bool is_of_side(const struct metric_selector *s, enum telemetry_side side)
{
	switch (s ? s->mode : 0) {
	case METRIC_SELECTOR_MODE_CLIENT: return side == TELEMETRY_CLIENT;
	case METRIC_SELECTOR_MODE_SERVER: return side == TELEMETRY_SERVER;
	default: return true;
	}
}

/* All metrics off takes the provider away; any later override brings it back. */
static void apply_override(struct collection *c, struct collected *to,
			   const struct metrics_overrides *o)
{
	const struct metric_selector *s = o->match;
	const char *custom = s && !str_empty(s->custom_metric) ? s->custom_metric : NULL;
	bool all = !custom && (!s || s->metric <= METRIC_SELECTOR_METRIC_ALL_METRICS);

	if (!is_of_side(s, c->side))
		return;
	to->off = all && o->disabled.set && o->disabled.v;
	if (to->off)
		return;
	if (!all) {
		change_metric(c, to, custom ? custom : standard_metrics[s->metric], o);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(standard_metrics); i++)
		if (standard_metrics[i])
			change_metric(c, to, standard_metrics[i], o);
}

static void apply_metrics(struct collection *c, const struct metrics *m,
			  const struct names *providers, const struct names *in_scope)
{
	for (uint32_t i = 0; i < providers->n; i++) {
		struct collected *to;

		if (!names_have(in_scope, providers->v[i]))
			continue;
		to = collected_of(c, providers->v[i]);
		if (m->reporting_interval.set)
			to->m.interval = m->reporting_interval;
		for (uint32_t j = 0; j < m->overrides.n; j++)
			apply_override(c, to, &m->overrides.v[j]);
	}
}

static int by_name(const void *a, const void *b)
{
	const struct collected *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void collect(struct collection *c, const struct levels *l, const struct names *defaults)
{
	struct names in_scope = *defaults, last = *defaults;
	bool any = false;

	for (uint32_t i = 0; i < l->n; i++)
		for (uint32_t j = 0; j < l->v[i]->metrics.n; j++) {
			const struct metrics *m = &l->v[i]->metrics.v[j];

			any = true;
			if (m->providers.n)
				in_scope = names_of_refs(m->providers.v, m->providers.n);
		}
	for (uint32_t i = 0; i < l->n; i++)
		for (uint32_t j = 0; j < l->v[i]->metrics.n; j++) {
			const struct metrics *m = &l->v[i]->metrics.v[j];

			if (m->providers.n)
				last = names_of_refs(m->providers.v, m->providers.n);
			apply_metrics(c, m, &last, &in_scope);
		}
	for (uint32_t i = 0; !any && i < defaults->n; i++)
		collected_of(c, defaults->v[i]);
}

const struct provider_metrics *telemetry_metrics(struct run *r, enum telemetry_side side,
						 uint32_t *ret_n)
{
	struct levels l = levels_of(r);
	struct names defaults = names_of_list(&defaults_of(r)->metrics);
	struct collection c = { .r = r, .side = side };
	struct provider_metrics *v;
	uint32_t n = 0;

	collect(&c, &l, &defaults);
	v = arena_array(run_arena(r), struct provider_metrics, c.n);
	qsort(c.v, c.n, sizeof *c.v, by_name);
	for (uint32_t i = 0; i < c.n; i++) {
		c.v[i].m.provider = provider_find(r, c.v[i].name);
		if (c.v[i].m.provider && !c.v[i].off)
			v[n++] = c.v[i].m;
	}
	*ret_n = n;
	return v;
}

/* ---- access logs ---- */

static bool log_fits(const struct access_logging *a, enum telemetry_side side)
{
	switch (a->match ? a->match->mode : 0) {
	case MODE_SELECTOR_MODE_CLIENT: return side == TELEMETRY_CLIENT;
	case MODE_SELECTOR_MODE_SERVER: return side == TELEMETRY_SERVER;
	default: return true;
	}
}

struct logs {
	struct names names;
	struct provider_log v[MAX_PROVIDERS];
};

static struct provider_log *log_of(struct logs *logs, const char *name)
{
	names_add(&logs->names, name);
	for (uint32_t i = 0; i < logs->names.n; i++)
		if (str_eq(logs->names.v[i], name))
			return &logs->v[i];
	return NULL;
}

static const char *filter_of(const struct access_logging *a)
{
	return a->filter ? str_or(a->filter->expression, "") : NULL;
}

/* The filter of the last entry that names the provider. */
static const char *last_filter(const struct levels *l, enum telemetry_side side, const char *name)
{
	for (uint32_t i = l->n; i-- > 0;)
		for (uint32_t j = l->v[i]->access_logging.n; j-- > 0;) {
			const struct access_logging *a = &l->v[i]->access_logging.v[j];

			for (uint32_t k = 0; log_fits(a, side) && k < a->providers.n; k++)
				if (str_eq(str_or(a->providers.v[k].name, ""), name))
					return filter_of(a);
		}
	return NULL;
}

/* The providers that the last level with any names. */
static struct names log_scope(const struct levels *l, enum telemetry_side side,
			      const struct names *defaults)
{
	for (uint32_t i = l->n; i-- > 0;) {
		struct names s = { .n = 0 };

		for (uint32_t j = 0; j < l->v[i]->access_logging.n; j++) {
			const struct access_logging *a = &l->v[i]->access_logging.v[j];

			for (uint32_t k = 0; log_fits(a, side) && k < a->providers.n; k++)
				names_add(&s, str_or(a->providers.v[k].name, ""));
		}
		if (s.n)
			return s;
	}
	return *defaults;
}

static void apply_log(struct logs *logs, const struct access_logging *a,
		      const struct names *providers, const struct names *in_scope)
{
	for (uint32_t i = 0; i < providers->n; i++) {
		const char *name = providers->v[i];
		struct provider_log *log = names_have(in_scope, name) ? log_of(logs, name) : NULL;

		if (log)
			log->disabled = a->disabled.set && a->disabled.v;
	}
}

static int by_provider(const void *a, const void *b)
{
	const struct provider_log *x = a, *y = b;

	return strcmp(x->provider->name, y->provider->name);
}

const struct provider_log *telemetry_logs(struct run *r, enum telemetry_side side, uint32_t *ret_n)
{
	struct levels l = levels_of(r);
	struct names defaults = names_of_list(&defaults_of(r)->access_logging);
	struct names in_scope = log_scope(&l, side, &defaults), last = defaults;
	struct logs logs = { .names.n = 0 };
	struct provider_log *v;
	uint32_t n = 0;
	bool any = false;

	for (uint32_t i = 0; i < l.n; i++)
		for (uint32_t j = 0; j < l.v[i]->access_logging.n; j++) {
			const struct access_logging *a = &l.v[i]->access_logging.v[j];

			any = true;
			if (a->providers.n)
				last = names_of_refs(a->providers.v, a->providers.n);
			if (log_fits(a, side))
				apply_log(&logs, a, &last, &in_scope);
		}
	for (uint32_t i = 0; !any && i < defaults.n; i++)
		log_of(&logs, defaults.v[i]);
	v = arena_array(run_arena(r), struct provider_log, logs.names.n);
	for (uint32_t i = 0; i < logs.names.n; i++) {
		struct provider_log *log = &logs.v[i];

		log->provider = provider_find(r, logs.names.v[i]);
		log->filter = log->disabled ? NULL : last_filter(&l, side, logs.names.v[i]);
		if (log->provider)
			v[n++] = *log;
	}
	if (n)
		qsort(v, n, sizeof *v, by_provider);
	*ret_n = n;
	return v;
}

/* ---- tracing ---- */

static bool trace_fits(const struct tracing *t, enum telemetry_side side)
{
	switch (t->match ? t->match->mode : 0) {
	case MODE_SELECTOR_MODE_CLIENT: return side == TELEMETRY_CLIENT;
	case MODE_SELECTOR_MODE_SERVER: return side == TELEMETRY_SERVER;
	default: return true;
	}
}

static void lay_over(struct run *r, struct trace_policy *p, bool *off, const struct tracing *t)
{
	if (t->providers.n)
		p->provider = provider_find(r, t->providers.v[0].name);
	if (t->disable_span_reporting.set)
		*off = t->disable_span_reporting.v;
	if (t->custom_tags.set) {
		p->tags = t->custom_tags.v;
		p->n_tags = t->custom_tags.n;
	}
	if (t->random_sampling_percentage.set)
		p->sampling = t->random_sampling_percentage;
	if (t->use_request_id_for_trace_sampling.set)
		p->request_id = t->use_request_id_for_trace_sampling.v;
	if (t->enable_istio_tags.set)
		p->istio_tags = t->enable_istio_tags.v;
	if (t->disable_context_propagation.set)
		p->no_propagation = t->disable_context_propagation.v;
}

enum trace_outcome telemetry_tracing(struct run *r, enum telemetry_side side,
				     struct trace_policy *ret)
{
	const struct str_list *defaults = &defaults_of(r)->tracing;
	struct levels l = levels_of(r);
	struct trace_policy p = { .request_id = true, .istio_tags = true };
	bool any = defaults->n > 0, off = false;

	if (defaults->n)
		p.provider = provider_find(r, defaults->v[0]);
	for (uint32_t i = 0; i < l.n; i++)
		for (uint32_t j = 0; j < l.v[i]->tracing.n; j++) {
			any = true;
			if (trace_fits(&l.v[i]->tracing.v[j], side))
				lay_over(r, &p, &off, &l.v[i]->tracing.v[j]);
		}
	if (!any)
		return TRACE_LEGACY;
	if (off || !p.provider)
		return TRACE_OFF;
	*ret = p;
	return TRACE_ON;
}
