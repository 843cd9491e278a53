/* Where a rule sends requests: clusters, weights, mirrors, retries, hashing and header operations (translation.md
 * 5.6.4-5.8).
 */
#include "base/diag.h"
#include "model/export.h"
#include "model/mesh.h"
#include "model/options.h"
#include "model/proxy.h"
#include "model/scope.h"
#include "translate/names.h"
#include "translate/route.h"
#include "types.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const struct service *route_service(const struct route_context *c, const char *host)
{
	uint32_t key, ns;
	const struct service *s;

	if (c->memo && c->memo->host == host)
		return c->memo->service;
	key = run_key(c->run, host);
	ns = scope_host_ns(c->run, key);
	s = ns ? service_read(c->run, ns, key) : NULL;
	if (c->memo)
		*c->memo = (struct route_memo){ host, s };
	return s;
}

/* Of the VirtualService's own namespace, whoever else has the host. */
static const struct service *own_service(const struct route_context *c, const char *host)
{
	const struct service *s =
		service_read(c->run, run_key(c->run, c->own_ns), run_key(c->run, host));

	return s && export_seen_by_proxy(c->run, service_export_key(c->run, s)) ? s : NULL;
}

static const struct service *destination_service(const struct route_context *c, const char *host)
{
	const struct service *s = c->own_ns ? own_service(c, host) : NULL;

	return s ? s : route_service(c, host);
}

const char *route_cluster(const struct route_context *c, const struct destination *d)
{
	const struct service *s;
	uint16_t port;

	if (!d || str_empty(d->host))
		return "UnknownService";
	s = destination_service(c, d->host);
	if (d->port && d->port->number.set)
		port = (uint16_t)d->port->number.v;
	else if ((!c->listener_port || c->own_ns) && s && s->n_ports == 1)
		port = s->ports[0].number;
	else
		port = c->listener_port;
	return cluster_name(c->a, port, d->subset,
			    s && s->resolution == RESOLUTION_ALIAS ? s->alias_of : d->host);
}

/* ---- headers ---- */

static bool is_host_header(const char *name)
{
	return name[0] == ':' || !strcasecmp(name, "host");
}

static void add_headers(struct arena *a, const struct str_map *m,
			Core__HeaderValueOption__HeaderAppendAction action,
			Core__HeaderValueOption ***v, size_t *n)
{
	for (uint32_t i = 0; i < m->n; i++) {
		if (is_host_header(m->v[i].key))
			continue;
		*v = pb_grow(a, *v, *n, sizeof **v);
		(*v)[(*n)++] = PB_NEW(a, Core__HeaderValueOption,
				      .header = PB_NEW(a, Core__HeaderValue, .key = m->v[i].key,
						       .value = m->v[i].value),
				      .append_action = action);
	}
}

static void add_operations(struct arena *a, const struct header_operations *o,
			   Core__HeaderValueOption ***add, size_t *n_add, const char ***remove,
			   size_t *n_remove)
{
	if (!o)
		return;
	add_headers(a, &o->set,
		    CORE__HEADER_VALUE_OPTION__HEADER_APPEND_ACTION__OVERWRITE_IF_EXISTS_OR_ADD,
		    add, n_add);
	add_headers(a, &o->add,
		    CORE__HEADER_VALUE_OPTION__HEADER_APPEND_ACTION__APPEND_IF_EXISTS_OR_ADD, add,
		    n_add);
	for (uint32_t i = 0; i < o->remove.n; i++) {
		if (is_host_header(o->remove.v[i]))
			continue;
		*remove = pb_grow(a, *remove, *n_remove, sizeof **remove);
		(*remove)[(*n_remove)++] = o->remove.v[i];
	}
}

void route_headers(struct arena *a, const struct headers *h, struct header_lists *l)
{
	if (!h)
		return;
	add_operations(a, h->request, l->request_add, l->n_request_add, l->request_remove,
		       l->n_request_remove);
	add_operations(a, h->response, l->response_add, l->n_response_add, l->response_remove,
		       l->n_response_remove);
}

static const char *host_of_map(const struct str_map *m)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (!strcasecmp(m->v[i].key, "host") || str_eq(m->v[i].key, ":authority"))
			return m->v[i].value;
	return NULL;
}

/* The authority that header operations set, or NULL. */
static const char *host_of_headers(const struct headers *h)
{
	const char *host = h && h->request ? host_of_map(&h->request->set) : NULL;

	return host ? host : h && h->request ? host_of_map(&h->request->add) : NULL;
}

/* ---- percentages ---- */

Type__FractionalPercent *route_fraction(struct arena *a, double percent)
{
	return PB_NEW(a, Type__FractionalPercent, .numerator = (uint32_t)(percent * 10000),
		      .denominator = TYPE__FRACTIONAL_PERCENT__DENOMINATOR_TYPE__MILLION);
}

Core__RuntimeFractionalPercent *route_percent(struct arena *a, const struct percent *p,
					      const struct opt_int *whole)
{
	Type__FractionalPercent *f;

	if (p)
		f = route_fraction(a, p->value.v);
	else
		f = PB_NEW(a, Type__FractionalPercent,
			   .numerator = whole && whole->set ? (uint32_t)whole->v : 100);
	return PB_NEW(a, Core__RuntimeFractionalPercent, .default_value = f);
}

/* ---- hashing ---- */

Route__RouteAction__HashPolicy *route_hash_policy(struct arena *a,
						  const struct consistent_hash_lb *h)
{
	Route__RouteAction__HashPolicy *out;

	if (!h)
		return NULL;
	out = PB_NEW(a, Route__RouteAction__HashPolicy);
	if (h->http_header_name) {
		out->policy_specifier_case =
			ROUTE__ROUTE_ACTION__HASH_POLICY__POLICY_SPECIFIER_HEADER;
		out->header = PB_NEW(a, Route__RouteAction__HashPolicy__Header,
				     .header_name = h->http_header_name);
	} else if (h->http_cookie) {
		const struct http_cookie *c = h->http_cookie;

		out->policy_specifier_case =
			ROUTE__ROUTE_ACTION__HASH_POLICY__POLICY_SPECIFIER_COOKIE;
		out->cookie = PB_NEW(a, Route__RouteAction__HashPolicy__Cookie, .name = c->name,
				     .path = c->path,
				     .ttl = c->ttl.set ? pb_duration(a, c->ttl.v) : NULL);
		for (uint32_t i = 0; i < c->attributes.n; i++)
			PB_PUSH(a, out->cookie, attributes,
				PB_NEW(a, Route__RouteAction__HashPolicy__CookieAttribute,
				       .name = c->attributes.v[i].name,
				       .value = c->attributes.v[i].value));
	} else if (h->use_source_ip.set) {
		out->policy_specifier_case =
			ROUTE__ROUTE_ACTION__HASH_POLICY__POLICY_SPECIFIER_CONNECTION_PROPERTIES;
		out->connection_properties =
			PB_NEW(a, Route__RouteAction__HashPolicy__ConnectionProperties,
			       .source_ip = h->use_source_ip.v);
	} else if (h->http_query_parameter_name) {
		out->policy_specifier_case =
			ROUTE__ROUTE_ACTION__HASH_POLICY__POLICY_SPECIFIER_QUERY_PARAMETER;
		out->query_parameter = PB_NEW(a, Route__RouteAction__HashPolicy__QueryParameter,
					      .name = h->http_query_parameter_name);
	} else {
		return NULL;
	}
	return out;
}

static const struct consistent_hash_lb *hash_of(const struct load_balancer_settings *lb)
{
	return lb ? lb->consistent_hash : NULL;
}

static const struct load_balancer_settings *port_level_lb(const struct traffic_policy *p,
							  uint16_t port)
{
	for (uint32_t i = 0; p && port && i < p->port_level_settings.n; i++) {
		const struct port_traffic_policy *l = &p->port_level_settings.v[i];

		if (l->port && l->port->number.set && l->port->number.v == port)
			return l->load_balancer;
	}
	return NULL;
}

/* A cluster that is not there answers 503: that is what istiod does, but nobody should have to search for the reason. */
static void check_destination(const struct route_context *c, const struct route_source *src,
			      const struct destination *d)
{
	const struct service *s = d && !str_empty(d->host) ? destination_service(c, d->host) : NULL;
	const struct applied_rule *rule;

	if (!d || str_empty(d->host))
		return;
	if (!s) {
		diag_warn(run_diag(c->run), src->object->place, "spec.http",
			  "destination %s is no service that this proxy sees: requests get 503",
			  d->host);
		return;
	}
	if (str_empty(d->subset))
		return;
	rule = destination_rule_for(c->run, s, true);
	if (!rule || !subset_find(rule, d->subset))
		diag_warn(run_diag(c->run), src->object->place, "spec.http",
			  "subset %s of %s is defined by no DestinationRule: requests get 503",
			  d->subset, d->host);
}

/* 5.8: subset port level, subset, rule port level, rule; port levels only when the destination names its port. */
static const struct consistent_hash_lb *hash_of_destination(const struct route_context *c,
							    const struct destination *d)
{
	const struct service *s = d && d->host ? route_service(c, d->host) : NULL;
	const struct applied_rule *rule = s ? destination_rule_for(c->run, s, true) : NULL;
	uint16_t port = d && d->port && d->port->number.set ? (uint16_t)d->port->number.v : 0;
	const struct subset *subset =
		rule && !str_empty(d->subset) ? subset_find(rule, d->subset) : NULL;
	const struct load_balancer_settings *lb = NULL;

	if (!rule)
		return NULL;
	if (subset && subset->traffic_policy) {
		lb = port_level_lb(subset->traffic_policy, port);
		lb = lb ? lb : subset->traffic_policy->load_balancer;
	}
	if (!lb)
		lb = port_level_lb(rule->policy, port);
	if (!lb && rule->policy)
		lb = rule->policy->load_balancer;
	return hash_of(lb);
}

/* ---- retries ---- */

static void add_previous_hosts(struct arena *a, Route__RetryPolicy *p)
{
	Route__RetryPolicy__RetryHostPredicate *h =
		PB_NEW(a, Route__RetryPolicy__RetryHostPredicate,
		       .name = "envoy.retry_host_predicates.previous_hosts");

	h->config_type_case = ROUTE__RETRY_POLICY__RETRY_HOST_PREDICATE__CONFIG_TYPE_TYPED_CONFIG;
	h->typed_config = PB_ANY(a, PB_NEW(a, RetryPreviousHosts__PreviousHostsPredicate));
	PB_PUSH(a, p, retry_host_predicate, h);
}

#define DEFAULT_RETRY_ON \
	"connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes"

/* Is it a number that HTTP gives a meaning? */
static bool status_code(const char *s, uint32_t *ret)
{
	static const struct {
		uint16_t from, to;
	} known[] = { { 100, 103 }, { 200, 208 }, { 226, 226 }, { 300, 305 },
		      { 307, 308 }, { 400, 418 }, { 421, 426 }, { 428, 429 },
		      { 431, 431 }, { 451, 451 }, { 500, 508 }, { 510, 511 } };
	char *end;
	long v = strtol(s, &end, 10);

	if (end == s || *end)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (v >= known[i].from && v <= known[i].to) {
			*ret = (uint32_t)v;
			return true;
		}
	return false;
}

static void set_retry_on(struct arena *a, const char *text, Route__RetryPolicy *p)
{
	char *copy = arena_strdup(a, text), *save = NULL;
	const char *out = "";

	for (char *t = strtok_r(copy, ",", &save); t; t = strtok_r(NULL, ",", &save)) {
		uint32_t code;
		char *end = t + strlen(t);

		while (*t == ' ')
			t++;
		while (end > t && end[-1] == ' ')
			*--end = 0;
		if (status_code(t, &code))
			PB_PUSH(a, p, retriable_status_codes, code);
		else if (*t)
			out = *out ? arena_printf(a, "%s,%s", out, t) : t;
	}
	if (p->n_retriable_status_codes && !strstr(out, "retriable-status-codes"))
		out = arena_printf(a, "%s,retriable-status-codes", out);
	p->retry_on = out;
}

Route__RetryPolicy *route_retry(const struct route_context *c, const struct http_retry *in,
				bool dest_hash)
{
	struct arena *a = c->a;
	Route__RetryPolicy *p;
	bool previous = !dest_hash;

	if (!in)
		in = mesh_get(c->run, default_http_retry_policy);
	if (in && !(in->attempts.set && in->attempts.v > 0))
		return NULL;
	p = PB_NEW(a, Route__RetryPolicy, .retry_on = DEFAULT_RETRY_ON, .num_retries = pb_u32(a, 2),
		   .host_selection_retry_max_attempts = 5);
	if (in) {
		p->num_retries = pb_u32(a, (uint32_t)in->attempts.v);
		if (!str_empty(in->retry_on))
			set_retry_on(a, in->retry_on, p);
		if (in->per_try_timeout.set)
			p->per_try_timeout = pb_duration(a, in->per_try_timeout.v);
		if (in->backoff.set)
			p->retry_back_off = PB_NEW(a, Route__RetryPolicy__RetryBackOff,
						   .base_interval = pb_duration(a, in->backoff.v));
		if (in->retry_ignore_previous_hosts.set)
			previous = in->retry_ignore_previous_hosts.v;
		if (in->retry_remote_localities.set && in->retry_remote_localities.v) {
			p->retry_priority = PB_NEW(
				a, Route__RetryPolicy__RetryPriority,
				.name = "envoy.retry_priorities.previous_priorities",
				.config_type_case =
					ROUTE__RETRY_POLICY__RETRY_PRIORITY__CONFIG_TYPE_TYPED_CONFIG,
				.typed_config = PB_ANY(
					a,
					PB_NEW(a, RetryPreviousPriorities__PreviousPrioritiesConfig,
					       .update_frequency = 2)));
		}
	}
	if (previous)
		add_previous_hosts(a, p);
	return p;
}

/* ---- the action ---- */

static void set_cluster(const struct route_context *c, const struct http_route_destination *d,
			Route__RouteAction *out)
{
	out->cluster_specifier_case = ROUTE__ROUTE_ACTION__CLUSTER_SPECIFIER_CLUSTER;
	out->cluster = route_cluster(c, d->destination);
}

static void set_weighted(const struct route_context *c, const struct http_route *rule,
			 Route__RouteAction *out)
{
	Route__WeightedCluster *w = PB_NEW(c->a, Route__WeightedCluster);

	out->cluster_specifier_case = ROUTE__ROUTE_ACTION__CLUSTER_SPECIFIER_WEIGHTED_CLUSTERS;
	out->weighted_clusters = w;
	for (uint32_t i = 0; i < rule->route.n; i++) {
		const struct http_route_destination *d = &rule->route.v[i];
		Route__WeightedCluster__ClusterWeight *cw;
		const char *host = host_of_headers(d->headers);

		if (!d->weight.set || !d->weight.v)
			continue;
		cw = PB_NEW(c->a, Route__WeightedCluster__ClusterWeight,
			    .name = route_cluster(c, d->destination),
			    .weight = pb_u32(c->a, (uint32_t)d->weight.v));
		route_headers(c->a, d->headers,
			      &(struct header_lists){
				      &cw->request_headers_to_add, &cw->response_headers_to_add,
				      &cw->n_request_headers_to_add, &cw->n_response_headers_to_add,
				      &cw->request_headers_to_remove,
				      &cw->response_headers_to_remove,
				      &cw->n_request_headers_to_remove,
				      &cw->n_response_headers_to_remove });
		if (host) {
			cw->host_rewrite_specifier_case =
				ROUTE__WEIGHTED_CLUSTER__CLUSTER_WEIGHT__HOST_REWRITE_SPECIFIER_HOST_REWRITE_LITERAL;
			cw->host_rewrite_literal = host;
		}
		PB_PUSH(c->a, w, clusters, cw);
	}
}

static void set_rewrite(const struct route_context *c, const struct route_source *src,
			const struct http_route *rule, Route__RouteAction *out)
{
	const struct http_rewrite *w = rule->rewrite;
	const struct proxy_headers *h;
	const char *host =
		w && !str_empty(w->authority) ? w->authority : host_of_headers(rule->headers);

	if (!host && rule->route.n == 1)
		host = host_of_headers(rule->route.v[0].headers);
	if (host) {
		out->host_rewrite_specifier_case =
			ROUTE__ROUTE_ACTION__HOST_REWRITE_SPECIFIER_HOST_REWRITE_LITERAL;
		out->host_rewrite_literal = host;
	}
	if (!w)
		return;
	if (w->uri_regex_rewrite)
		out->regex_rewrite = PB_NEW(c->a, Matcher__RegexMatchAndSubstitute,
					    .pattern = PB_NEW(c->a, Matcher__RegexMatcher,
							      .regex = w->uri_regex_rewrite->match),
					    .substitution = w->uri_regex_rewrite->rewrite);
	else
		out->prefix_rewrite = w->uri;
	h = proxy_config_of(c->run)->proxy_headers;
	out->append_x_forwarded_host = h && h->x_forwarded_host &&
				       h->x_forwarded_host->enabled.set &&
				       h->x_forwarded_host->enabled.v;
}

static void add_mirror(const struct route_context *c, const struct destination *d,
		       Core__RuntimeFractionalPercent *fraction, Route__RouteAction *out)
{
	if (!fraction->default_value->numerator)
		return;
	PB_PUSH(c->a, out, request_mirror_policies,
		PB_NEW(c->a, Route__RouteAction__RequestMirrorPolicy,
		       .cluster = route_cluster(c, d), .runtime_fraction = fraction,
		       .trace_sampled = pb_bool(c->a, false),
		       .disable_shadow_host_suffix_append = FEATURE(disable_shadow_host_suffix)));
}

Route__RouteAction *route_forward(const struct route_context *c, const struct route_source *src,
				  const struct http_route *rule)
{
	Route__RouteAction *out = PB_NEW(c->a, Route__RouteAction);
	const struct consistent_hash_lb *hash = NULL;

	out->timeout = pb_duration(c->a, rule->timeout.set ? rule->timeout.v : 0);
	out->max_grpc_timeout = pb_duration(c->a, rule->timeout.set ? rule->timeout.v : 0);
	if (rule->route.n == 1)
		set_cluster(c, &rule->route.v[0], out);
	else
		set_weighted(c, rule, out);
	set_rewrite(c, src, rule, out);
	if (rule->mirror)
		add_mirror(c, rule->mirror,
			   route_percent(c->a, rule->mirror_percentage, &rule->mirror_percent),
			   out);
	for (uint32_t i = 0; i < rule->mirrors.n; i++)
		add_mirror(c, rule->mirrors.v[i].destination,
			   route_percent(c->a, rule->mirrors.v[i].percentage, NULL), out);
	for (uint32_t i = 0; i < rule->route.n; i++) {
		Route__RouteAction__HashPolicy *p;

		check_destination(c, src, rule->route.v[i].destination);
		hash = hash_of_destination(c, rule->route.v[i].destination);
		if ((p = route_hash_policy(c->a, hash)))
			PB_PUSH(c->a, out, hash_policy, p);
	}
	out->retry_policy = route_retry(c, rule->retries, rule->route.n == 1 && hash);
	return out;
}
