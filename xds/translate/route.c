/* Rules of VirtualServices to routes, in order, until one takes everything (translation.md 5.6, 5.9, 5.10). */
#include "translate/route.h"
#include "model/proxy.h"
#include "model/scope.h"
#include "translate/names.h"
#include "types.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

static const char *join(struct arena *a, const struct str_list *l)
{
	const char *out = "";

	for (uint32_t i = 0; i < l->n; i++)
		out = i ? arena_printf(a, "%s,%s", out, l->v[i]) : l->v[i];
	return out;
}

Google__Any *route_cors(struct arena *a, const struct cors_policy *in)
{
	HttpCors__CorsPolicy *out = PB_NEW(a, HttpCors__CorsPolicy);

	out->forward_not_matching_preflights =
		pb_bool(a, in->unmatched_preflights != CORS_POLICY_UNMATCHED_PREFLIGHTS_IGNORE);
	for (uint32_t i = 0; i < in->allow_origins.n; i++) {
		const struct string_match *m = &in->allow_origins.v[i];
		Matcher__StringMatcher *s = PB_NEW(a, Matcher__StringMatcher);

		if (m->exact) {
			s->match_pattern_case = MATCHER__STRING_MATCHER__MATCH_PATTERN_EXACT;
			s->exact = m->exact;
		} else if (m->prefix) {
			s->match_pattern_case = MATCHER__STRING_MATCHER__MATCH_PATTERN_PREFIX;
			s->prefix = m->prefix;
		} else {
			s->match_pattern_case = MATCHER__STRING_MATCHER__MATCH_PATTERN_SAFE_REGEX;
			s->safe_regex = PB_NEW(a, Matcher__RegexMatcher, .regex = m->regex);
		}
		PB_PUSH(a, out, allow_origin_string_match, s);
	}
	for (uint32_t i = 0; !in->allow_origins.n && i < in->allow_origin.n; i++)
		PB_PUSH(a, out, allow_origin_string_match,
			PB_NEW(a, Matcher__StringMatcher,
			       .match_pattern_case = MATCHER__STRING_MATCHER__MATCH_PATTERN_EXACT,
			       .exact = in->allow_origin.v[i]));
	out->filter_enabled = route_percent(a, NULL, NULL);
	if (in->allow_credentials.set)
		out->allow_credentials = pb_bool(a, in->allow_credentials.v);
	out->allow_headers = join(a, &in->allow_headers);
	out->allow_methods = join(a, &in->allow_methods);
	out->expose_headers = join(a, &in->expose_headers);
	if (in->max_age.set)
		out->max_age = arena_printf(a, "%lld", (long long)(in->max_age.v / 1000000000));
	return PB_ANY(a, out);
}

static const char *const grpc_codes[] = {
	"OK",
	"CANCELLED",
	"UNKNOWN",
	"INVALID_ARGUMENT",
	"DEADLINE_EXCEEDED",
	"NOT_FOUND",
	"ALREADY_EXISTS",
	"PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED",
	"FAILED_PRECONDITION",
	"ABORTED",
	"OUT_OF_RANGE",
	"UNIMPLEMENTED",
	"INTERNAL",
	"UNAVAILABLE",
	"DATA_LOSS",
	"UNAUTHENTICATED",
};

Google__Any *route_fault(struct arena *a, const struct http_fault_injection *in)
{
	HttpFault__HTTPFault *out = PB_NEW(a, HttpFault__HTTPFault);
	const struct http_fault_injection_delay *d = in->delay;
	const struct http_fault_injection_abort *b = in->abort;

	if (d && d->fixed_delay.set)
		out->delay = PB_NEW(
			a, CommonFault__FaultDelay,
			.percentage = d->percentage
					      ? route_fraction(a, d->percentage->value.v)
					      : PB_NEW(a, Type__FractionalPercent,
						       .numerator = d->percent.set
									    ? (uint32_t)d->percent.v
									    : 0),
			.fault_delay_secifier_case =
				COMMON_FAULT__FAULT_DELAY__FAULT_DELAY_SECIFIER_FIXED_DELAY,
			.fixed_delay = pb_duration(a, d->fixed_delay.v));
	if (b && (b->http_status.set || b->grpc_status)) {
		out->abort = PB_NEW(
			a, HttpFault__FaultAbort,
			.percentage =
				b->percentage ? route_fraction(a, b->percentage->value.v) : NULL);
		if (b->http_status.set) {
			out->abort->error_type_case =
				HTTP_FAULT__FAULT_ABORT__ERROR_TYPE_HTTP_STATUS;
			out->abort->http_status = (uint32_t)b->http_status.v;
		} else {
			out->abort->error_type_case =
				HTTP_FAULT__FAULT_ABORT__ERROR_TYPE_GRPC_STATUS;
			for (uint32_t i = 0; i < ARRAY_LEN(grpc_codes); i++)
				if (str_eq(grpc_codes[i], b->grpc_status))
					out->abort->grpc_status = i;
		}
	}
	return PB_ANY(a, out);
}

/* "host:port" of an outbound cluster's name, or NULL. */
static const char *operation_host(struct arena *a, const char *cluster)
{
	const char *port = cluster + strlen("outbound|");

	if (!str_starts(cluster, "outbound|"))
		return NULL;
	return arena_printf(a, "%s:%.*s", strrchr(cluster, '|') + 1, (int)strcspn(port, "|"), port);
}

static const char *operation_path(struct arena *a, const Route__RouteMatch *m)
{
	switch (m->path_specifier_case) {
	case ROUTE__ROUTE_MATCH__PATH_SPECIFIER_PATH: return m->path;
	case ROUTE__ROUTE_MATCH__PATH_SPECIFIER_PREFIX: return arena_printf(a, "%s*", m->prefix);
	case ROUTE__ROUTE_MATCH__PATH_SPECIFIER_SAFE_REGEX: return m->safe_regex->regex;
	default: return "/*";
	}
}

static void set_decorator(const struct route_context *c, const struct route_source *src,
			  Route__Route *out)
{
	const char *host = NULL;

	if (out->action_case == ROUTE__ROUTE__ACTION_ROUTE &&
	    out->route->cluster_specifier_case == ROUTE__ROUTE_ACTION__CLUSTER_SPECIFIER_CLUSTER)
		host = operation_host(c->a, out->route->cluster);
	if (!host)
		host = arena_printf(c->a, "%s:%u", src->object->name, c->listener_port);
	out->decorator = PB_NEW(
		c->a, Route__Decorator,
		.operation = arena_printf(c->a, "%s%s", host, operation_path(c->a, out->match)));
}

static void add_filter_config(struct arena *a, Route__Route *out, const char *filter,
			      Google__Any *config)
{
	PB_PUSH(a, out, typed_per_filter_config,
		PB_NEW(a, Route__Route__TypedPerFilterConfigEntry, .key = filter, .value = config));
}

/* NULL: the rule has no action that can be sent. */
static Route__Route *make_route(const struct route_context *c, const struct route_source *src,
				const struct http_route *rule, const struct http_match_request *m,
				Route__RouteMatch *match)
{
	struct arena *a = c->a;
	Route__Route *out = PB_NEW(a, Route__Route, .match = match);
	Google__Struct *md = pb_filter_metadata(a, &out->metadata, "istio");
	struct header_lists lists = {
		&out->request_headers_to_add,      &out->response_headers_to_add,
		&out->n_request_headers_to_add,    &out->n_response_headers_to_add,
		&out->request_headers_to_remove,   &out->response_headers_to_remove,
		&out->n_request_headers_to_remove, &out->n_response_headers_to_remove,
	};

	out->name = m && !str_empty(m->name)
			    ? arena_printf(a, "%s.%s", str_or(rule->name, ""), m->name)
			    : rule->name;
	out->stat_prefix = m ? m->stat_prefix : NULL;
	pb_struct_set_str(a, md, "config", config_path(a, src->object));
	route_headers(a, rule->headers, &lists);
	if (rule->redirect) {
		out->redirect = route_redirect(c, rule->redirect);
		out->action_case = out->redirect ? ROUTE__ROUTE__ACTION_REDIRECT
						 : ROUTE__ROUTE__ACTION__NOT_SET;
	} else if (rule->direct_response) {
		out->action_case = ROUTE__ROUTE__ACTION_DIRECT_RESPONSE;
		out->direct_response = route_direct_response(a, rule->direct_response);
	} else {
		if (rule->route.n == 1)
			route_headers(a, rule->route.v[0].headers, &lists);
		out->action_case = ROUTE__ROUTE__ACTION_ROUTE;
		out->route = route_forward(c, src, rule);
	}
	set_decorator(c, src, out);
	if (rule->cors_policy)
		add_filter_config(a, out, "envoy.filters.http.cors",
				  route_cors(a, rule->cors_policy));
	if (rule->fault)
		add_filter_config(a, out, "envoy.filters.http.fault", route_fault(a, rule->fault));
	return out;
}

/* What Envoy demands of a route beyond its types; false, with a diagnostic, if it would refuse it. */
static bool acceptable(const struct route_context *c, const struct route_source *src,
		       const Route__Route *r)
{
	const char *why = NULL;
	struct diag *d = run_diag(c->run);

	if (r->action_case == ROUTE__ROUTE__ACTION__NOT_SET)
		why = "the route has no action that Envoy knows";
	else if (r->action_case == ROUTE__ROUTE__ACTION_ROUTE &&
		 r->route->cluster_specifier_case ==
			 ROUTE__ROUTE_ACTION__CLUSTER_SPECIFIER_WEIGHTED_CLUSTERS &&
		 !r->route->weighted_clusters->n_clusters)
		why = "no destination has a weight";
	else if (r->action_case == ROUTE__ROUTE__ACTION_DIRECT_RESPONSE &&
		 (r->direct_response->status < 200 || r->direct_response->status > 599))
		why = "the status of a direct response is 200 to 599";
	if (!why)
		return true;
	diag_error(d, src->object->place, "spec.http", "route \"%s\" is left out: %s",
		   str_or(r->name, ""), why);
	return false;
}

/* One rule for one of its matches (NULL: it has none). True: nothing after it can be reached. */
static bool add_rule(const struct route_context *c, const struct route_source *src,
		     const struct http_route *rule, const struct http_match_request *m,
		     Route__VirtualHost *out)
{
	Route__RouteMatch *match;
	Route__Route *route;

	if (!route_match(c, src, m, &match))
		return false;
	route = make_route(c, src, rule, m, match);
	if (!acceptable(c, src, route))
		return false;
	PB_PUSH(c->a, out, routes, route);
	return route_match_is_catch_all(match);
}

void routes_of_source(const struct route_context *context, const struct route_source *src,
		      Route__VirtualHost *out)
{
	struct route_memo memo = { NULL, NULL };
	struct route_context with_memo = *context;
	const struct route_context *c = &with_memo;
	char title[OBJECT_TITLE];
	struct diag *d = run_diag(c->run);
	size_t before = out->n_routes;
	bool done = false;

	with_memo.memo = &memo;
	d->object = object_title(src->object, title);
	d->place = src->object->place;
	for (uint32_t i = 0; i < src->spec->http.n && !done; i++) {
		const struct http_route *rule = &src->spec->http.v[i];

		if (!rule->match.n)
			add_rule(c, src, rule, NULL, out);
		done = !rule->match.n;
		for (uint32_t j = 0; j < rule->match.n && !done; j++)
			done = add_rule(c, src, rule, &rule->match.v[j], out);
	}
	if (out->n_routes > before)
		cite_object(c->run, src->object);
	d->object = NULL;
}

Route__Route *route_default(const struct route_context *c, const struct service *s,
			    const struct service_port_model *p)
{
	struct arena *a = c->a;
	const struct applied_rule *rule = destination_rule_for(c->run, s, true);
	struct port_policy policy = port_policy_of(rule, p->number, NULL);
	const struct load_balancer_settings *lb = policy.load_balancer ? policy.load_balancer
						  : rule && rule->policy
							  ? rule->policy->load_balancer
							  : NULL;
	Route__RouteAction__HashPolicy *hash =
		lb ? route_hash_policy(a, lb->consistent_hash) : NULL;
	Route__RouteAction *action = PB_NEW(a, Route__RouteAction, .timeout = pb_duration(a, 0),
					    .max_grpc_timeout = pb_duration(a, 0),
					    .retry_policy = route_retry(c, NULL, false));

	action->cluster_specifier_case = ROUTE__ROUTE_ACTION__CLUSTER_SPECIFIER_CLUSTER;
	action->cluster = cluster_name(a, p->number, "", s->host);
	if (hash)
		PB_PUSH(a, action, hash_policy, hash);
	return PB_NEW(
		a, Route__Route, .name = "default",
		.match = PB_NEW(a, Route__RouteMatch,
				.path_specifier_case = ROUTE__ROUTE_MATCH__PATH_SPECIFIER_PREFIX,
				.prefix = "/"),
		.action_case = ROUTE__ROUTE__ACTION_ROUTE, .route = action,
		.decorator = PB_NEW(a, Route__Decorator,
				    .operation = arena_printf(a, "%s:%u/*", s->host, p->number)));
}

/* ---- the catch-all ---- */

static Route__RouteAction *pass_on(const struct route_context *c, const char *cluster)
{
	const struct proxy_headers *h = proxy_config_of(c->run)->proxy_headers;

	return PB_NEW(c->a, Route__RouteAction,
		      .cluster_specifier_case = ROUTE__ROUTE_ACTION__CLUSTER_SPECIFIER_CLUSTER,
		      .cluster = cluster, .timeout = pb_duration(c->a, 0),
		      .max_grpc_timeout = pb_duration(c->a, 0),
		      .append_x_forwarded_host = h && h->x_forwarded_host &&
						 h->x_forwarded_host->enabled.set &&
						 h->x_forwarded_host->enabled.v);
}

Route__VirtualHost *route_catch_all(const struct route_context *c)
{
	struct outbound_policy policy = scope_outbound_policy(c->run);
	Route__VirtualHost *out = PB_NEW(c->a, Route__VirtualHost);
	Route__Route *route = PB_NEW(c->a, Route__Route);

	route->match = PB_NEW(c->a, Route__RouteMatch,
			      .path_specifier_case = ROUTE__ROUTE_MATCH__PATH_SPECIFIER_PREFIX,
			      .prefix = "/");
	route->action_case = ROUTE__ROUTE__ACTION_ROUTE;
	switch (policy.mode) {
	case POLICY_REGISTRY_ONLY:
		out->name = "block_all";
		route->action_case = ROUTE__ROUTE__ACTION_DIRECT_RESPONSE;
		route->direct_response = PB_NEW(c->a, Route__DirectResponseAction, .status = 502);
		break;
	case POLICY_ALLOW_ANY_DYNAMIC_DNS:
		out->name = "allow_any_dynamic_dns";
		route->route = pass_on(c, ALLOW_ANY_DYNAMIC_DNS_CLUSTER);
		break;
	case POLICY_ALLOW_ANY:
		out->name = "allow_any";
		route->route =
			pass_on(c, policy.egress_proxy ? route_cluster(c, policy.egress_proxy)
						       : PASSTHROUGH_CLUSTER);
		break;
	}
	route->name = out->name;
	PB_PUSH(c->a, out, domains, "*");
	PB_PUSH(c->a, out, routes, route);
	return out;
}
