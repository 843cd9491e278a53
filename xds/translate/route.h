/* translate/route.h
 * HTTP routes of VirtualServices (translation.md 5.6-5.10), virtual hosts (5.2-5.5), and the parts that route
 * configurations of sidecars and gateways share.
 */
#pragma once
#include "model/destination_rule.h"
#include "model/virtual_service.h"
#include "pb/pb.h"

struct http_retry;

/* The service last looked up: a rule asks for its destination more than once. */
struct route_memo {
	const char *host;
	const struct service *service;
};

/* For which route configuration routes are made. */
struct route_context {
	struct run *run;
	struct arena *a;
	uint32_t wrapper;        /* whose services and VirtualServices count */
	uint16_t listener_port;  /* 0: an HTTP proxy or a Unix socket */
	const char *gateway;     /* "mesh" or "ns/name" */
	bool tls;                /* the listener terminates TLS */
	struct route_memo *memo; /* NULL: none */
	const char *
		own_ns; /* gateways: whose services come first as destinations; NULL: the scope's */
};

/* Appends the routes of one VirtualService; none when no rule applies here. What Envoy would not take is left out and
 * named in the query's diagnostics. */
void routes_of_source(const struct route_context *, const struct route_source *,
		      Route__VirtualHost *);
/* The route of a service that no VirtualService claims (5.10). */
Route__Route *route_default(const struct route_context *, const struct service *,
			    const struct service_port_model *);
/* The catch-all virtual host of the scope's outbound policy (5.3). */
Route__VirtualHost *route_catch_all(const struct route_context *);

/* ---- parts ---- */
/* False: the match holds for no request of this proxy, or Envoy would refuse it (then there is a diagnostic). */
bool route_match(const struct route_context *, const struct route_source *,
		 const struct http_match_request *, Route__RouteMatch **ret) must_check;
bool route_match_is_catch_all(const Route__RouteMatch *);
Route__RedirectAction *route_redirect(const struct route_context *, const struct http_redirect *);
Route__DirectResponseAction *route_direct_response(struct arena *,
						   const struct http_direct_response *);
Route__RouteAction *route_forward(const struct route_context *, const struct route_source *,
				  const struct http_route *);
/* NULL: no retries. dest_hash: the single destination has consistent hashing. */
Route__RetryPolicy *route_retry(const struct route_context *, const struct http_retry *own,
				bool dest_hash);
/* The cluster of a destination (5.6.4). */
const char *route_cluster(const struct route_context *, const struct destination *);
/* The service of a destination as this wrapper sees it; NULL: unknown. */
const struct service *route_service(const struct route_context *, const char *host);
/* Header operations appended to the four lists of a route or a weighted cluster. */
struct header_lists {
	Core__HeaderValueOption ***request_add, ***response_add;
	size_t *n_request_add, *n_response_add;
	const char ***request_remove, ***response_remove;
	size_t *n_request_remove, *n_response_remove;
};
void route_headers(struct arena *, const struct headers *, struct header_lists *);
/* NULL: none. */
Route__RouteAction__HashPolicy *route_hash_policy(struct arena *,
						  const struct consistent_hash_lb *);
Google__Any *route_cors(struct arena *, const struct cors_policy *);
Google__Any *route_fault(struct arena *, const struct http_fault_injection *);
Core__RuntimeFractionalPercent *route_percent(struct arena *, const struct percent *,
					      const struct opt_int *whole);
Type__FractionalPercent *route_fraction(struct arena *, double percent);
/* NULL, with a diagnostic, when the regex is not RE2's. */
Matcher__StringMatcher *string_matcher(struct run *, const struct string_match *);
