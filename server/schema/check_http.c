/* What the webhook demands of one HTTP route. */
#include "schema/check_impl.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_token(const char *s)
{
	if (str_empty(s))
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("!#$%&'*+-.^_`|~", *s))
			return false;
	return true;
}

/* Percent signs are Envoy's: doubled, or around an operator such as %REQ(x)%. */
static bool is_header_value(const char *s)
{
	while (*s) {
		if (*s != '%') {
			s++;
			continue;
		}
		if (s[1] == '%') {
			s += 2;
			continue;
		}
		s++;
		while (isupper((unsigned char)*s) || isdigit((unsigned char)*s) || *s == '_')
			s++;
		if (*s == '(') {
			s = strchr(s, ')');
			if (!s)
				return false;
			s++;
		}
		if (*s != '%')
			return false;
		s++;
	}
	return true;
}

/* ---- headers ---- */

static void check_map(struct check *c, const char *path, const struct str_map *m, bool request,
		      bool *sets_authority)
{
	for (uint32_t i = 0; i < m->n; i++) {
		const char *name = m->v[i].key;
		bool host = !strcasecmp(name, "host") || str_eq(name, ":authority");

		if (host && request)
			*sets_authority = true;
		else if (name[0] == ':' || (host && !request) || !is_token(name))
			bad(c, path, "\"%s\" is no header to set", name);
		if (!is_header_value(str_or(m->v[i].value, "")))
			bad(c, path, "\"%s\" has a percent sign that is no operator of Envoy's",
			    m->v[i].value);
	}
}

static void check_operations(struct check *c, const char *path, const struct header_operations *o,
			     bool request, bool *sets_authority)
{
	if (!o)
		return;
	check_map(c, sub(c, path, "set"), &o->set, request, sets_authority);
	check_map(c, sub(c, path, "add"), &o->add, request, sets_authority);
	for (uint32_t i = 0; i < o->remove.n; i++)
		if (!is_token(o->remove.v[i]) || !strcasecmp(o->remove.v[i], "host"))
			bad(c, sub(c, path, "remove[%u]", i), "\"%s\" is no header to remove",
			    o->remove.v[i]);
}

void check_headers(struct check *c, const char *path, const struct headers *h,
		   bool *ret_sets_authority)
{
	if (!h)
		return;
	check_operations(c, sub(c, path, "request"), h->request, true, ret_sets_authority);
	check_operations(c, sub(c, path, "response"), h->response, false, ret_sets_authority);
}

/* ---- matches ---- */

static void check_match(struct check *c, const char *path, const struct string_match *m)
{
	if (!m)
		return;
	if (m->prefix && !*m->prefix)
		bad(c, sub(c, path, "prefix"), "must not be empty");
	if (m->regex && !*m->regex)
		bad(c, sub(c, path, "regex"), "must not be empty");
	else if (m->regex && !str_eq(m->regex, "*"))
		check_regex(c, sub(c, path, "regex"), m->regex);
}

static void check_header_matches(struct check *c, const char *path,
				 const struct string_match_entry *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (v[i].key[0] != '@' && v[i].key[0] != ':' && !is_token(v[i].key))
			bad(c, path, "\"%s\" is no header name", v[i].key);
		check_match(c, sub(c, path, "%s", v[i].key), &v[i].value);
	}
}

static void check_request(struct check *c, const char *path, const struct http_match_request *m)
{
	check_header_matches(c, sub(c, path, "headers"), m->headers.v, m->headers.n);
	check_header_matches(c, sub(c, path, "withoutHeaders"), m->without_headers.v,
			     m->without_headers.n);
	check_match(c, sub(c, path, "uri"), m->uri);
	check_match(c, sub(c, path, "scheme"), m->scheme);
	check_match(c, sub(c, path, "method"), m->method);
	check_match(c, sub(c, path, "authority"), m->authority);
	for (uint32_t i = 0; i < m->query_params.n; i++)
		check_match(c, sub(c, path, "queryParams.%s", m->query_params.v[i].key),
			    &m->query_params.v[i].value);
	if (m->port.v && !is_port(&m->port))
		bad(c, sub(c, path, "port"), "a port is 1 to 65535");
	if (!str_empty(m->source_namespace) && !is_dns_label(m->source_namespace))
		bad(c, sub(c, path, "sourceNamespace"), "\"%s\" is no namespace",
		    m->source_namespace);
	for (uint32_t i = 0; i < m->gateways.n; i++)
		if (!str_eq(m->gateways.v[i], "mesh"))
			check_gateway_name(c, sub(c, path, "gateways[%u]", i), m->gateways.v[i]);
}

/* ---- actions ---- */

static void check_cors(struct check *c, const char *path, const struct cors_policy *p)
{
	static const char *const methods[] = { "GET",    "HEAD",    "POST",    "PUT",
					       "DELETE", "CONNECT", "OPTIONS", "TRACE",
					       "PATCH",  "PURGE",   "*" };

	if (!p)
		return;
	for (uint32_t i = 0; i < p->allow_origins.n; i++) {
		const struct string_match *m = &p->allow_origins.v[i];

		if (!m->exact && !m->prefix && !m->regex)
			bad(c, sub(c, path, "allowOrigins[%u]", i),
			    "exact, prefix or regex is needed");
		check_match(c, sub(c, path, "allowOrigins[%u]", i), m);
	}
	for (uint32_t i = 0; i < p->allow_methods.n; i++) {
		bool known = false;

		for (size_t j = 0; j < ARRAY_LEN(methods); j++)
			known |= str_eq(methods[j], p->allow_methods.v[i]);
		if (!known)
			bad(c, sub(c, path, "allowMethods[%u]", i), "\"%s\" is no method",
			    p->allow_methods.v[i]);
	}
	for (uint32_t i = 0; i < p->allow_headers.n; i++)
		if (!is_token(p->allow_headers.v[i]))
			bad(c, sub(c, path, "allowHeaders[%u]", i), "\"%s\" is no header",
			    p->allow_headers.v[i]);
	for (uint32_t i = 0; i < p->expose_headers.n; i++)
		if (!is_token(p->expose_headers.v[i]))
			bad(c, sub(c, path, "exposeHeaders[%u]", i), "\"%s\" is no header",
			    p->expose_headers.v[i]);
	if (p->max_age.set && (p->max_age.v < 0 || p->max_age.v % 1000000000))
		bad(c, sub(c, path, "maxAge"), "must be whole seconds");
}

static void check_fault(struct check *c, const char *path, const struct http_fault_injection *f)
{
	const struct http_fault_injection_abort *a = f ? f->abort : NULL;
	const struct http_fault_injection_delay *d = f ? f->delay : NULL;

	if (!f)
		return;
	if (!a && !d)
		bad(c, path, "abort or delay is needed");
	if (a) {
		check_percent(c, sub(c, path, "abort.percentage"), a->percentage);
		if (a->http_status.set && (a->http_status.v < 200 || a->http_status.v > 600))
			bad(c, sub(c, path, "abort.httpStatus"), "must be 200 to 600");
		if (a->http2_error)
			bad(c, sub(c, path, "abort.http2Error"), "is not supported");
	}
	if (d) {
		check_percent(c, sub(c, path, "delay.percentage"), d->percentage);
		if (d->percent.set && (d->percent.v < 0 || d->percent.v > 100))
			bad(c, sub(c, path, "delay.percent"), "must be 0 to 100");
		check_min_1ms(c, sub(c, path, "delay.fixedDelay"), &d->fixed_delay);
		if (d->exponential_delay.set)
			bad(c, sub(c, path, "delay.exponentialDelay"), "is not supported");
	}
}

static bool is_retry_on(const char *s, size_t n)
{
	static const char *const known[] = {
		"5xx",
		"gateway-error",
		"reset",
		"reset-before-request",
		"connect-failure",
		"retriable-4xx",
		"refused-stream",
		"retriable-status-codes",
		"retriable-headers",
		"envoy-ratelimited",
		"http3-post-connect-failure",
		"cancelled",
		"deadline-exceeded",
		"internal",
		"resource-exhausted",
		"unavailable",
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strlen(known[i]) == n && !memcmp(known[i], s, n))
			return true;
	return n == 3 && s[0] >= '1' && s[0] <= '5' && isdigit((unsigned char)s[1]) &&
	       isdigit((unsigned char)s[2]);
}

static void check_retries(struct check *c, const char *path, const struct http_retry *r)
{
	if (!r)
		return;
	check_not_negative(c, sub(c, path, "attempts"), &r->attempts);
	check_min_1ms(c, sub(c, path, "perTryTimeout"), &r->per_try_timeout);
	check_min_1ms(c, sub(c, path, "backoff"), &r->backoff);
	if (!r->attempts.v &&
	    (r->per_try_timeout.set || !str_empty(r->retry_on) || r->retry_remote_localities.set))
		bad(c, sub(c, path, "attempts"), "0 excludes the other fields");
	for (const char *s = str_or(r->retry_on, ""); *s;) {
		size_t n = strcspn(s, ","), skip = strspn(s, " ");

		if (n > skip && !is_retry_on(s + skip, n - skip))
			bad(c, sub(c, path, "retryOn"), "\"%.*s\" is no condition", (int)(n - skip),
			    s + skip);
		s += n + (s[n] == ',');
	}
}

static void check_rewrite(struct check *c, const char *path, const struct http_rewrite *w)
{
	const struct regex_rewrite *r = w ? w->uri_regex_rewrite : NULL;

	if (!w)
		return;
	if (r && !str_empty(w->uri))
		bad(c, path, "uri excludes uriRegexRewrite");
	if (!r && str_empty(w->uri) && str_empty(w->authority))
		bad(c, path, "uri, uriRegexRewrite or authority is needed");
	if (r && (str_empty(r->match) || str_empty(r->rewrite)))
		bad(c, sub(c, path, "uriRegexRewrite"), "match and rewrite are needed");
	else if (r)
		check_regex(c, sub(c, path, "uriRegexRewrite.match"), r->match);
}

static void check_redirect(struct check *c, const char *path, const struct http_route *r)
{
	const struct http_redirect *d = r->redirect;

	if (r->route.n)
		bad(c, path, "redirect excludes route");
	if (r->fault)
		bad(c, path, "redirect excludes fault");
	if (r->rewrite)
		bad(c, path, "redirect excludes rewrite");
	if (r->direct_response)
		bad(c, path, "redirect excludes directResponse");
	path = sub(c, path, "redirect");
	if (str_empty(d->uri) && str_empty(d->authority) && !d->port.set && !d->derive_port &&
	    str_empty(d->scheme) && str_empty(d->prefix_rewrite))
		bad(c, path, "says nothing");
	if (!str_empty(d->uri) && !str_empty(d->prefix_rewrite))
		bad(c, path, "uri excludes prefixRewrite");
	if (d->redirect_code.v && (d->redirect_code.v < 300 || d->redirect_code.v > 399))
		bad(c, sub(c, path, "redirectCode"), "must be 300 to 399");
	if (!str_empty(d->scheme) && !str_eq(d->scheme, "http") && !str_eq(d->scheme, "https"))
		bad(c, sub(c, path, "scheme"), "is http or https");
	for (uint32_t i = 0; !str_empty(d->prefix_rewrite) && i < r->match.n; i++)
		if (r->match.v[i].uri && !r->match.v[i].uri->prefix)
			bad(c, sub(c, path, "prefixRewrite"), "needs matches by prefix");
}

static void check_direct_response(struct check *c, const char *path, const struct http_route *r)
{
	const struct http_direct_response *d = r->direct_response;

	if (r->route.n)
		bad(c, path, "directResponse excludes route");
	if (r->fault)
		bad(c, path, "directResponse excludes fault");
	if (r->rewrite)
		bad(c, path, "directResponse excludes rewrite");
	path = sub(c, path, "directResponse");
	if (d->status.v < 200 || d->status.v > 599)
		bad(c, sub(c, path, "status"), "must be 200 to 599");
	if (d->body &&
	    (d->body->bytes.n > 1 << 20 || strlen(str_or(d->body->string, "")) > 1 << 20))
		bad(c, sub(c, path, "body"), "must not be larger than 1 MB");
}

static void check_destinations(struct check *c, const char *path, const struct http_route *r,
			       bool *sets_authority)
{
	int64_t sum = 0;

	for (uint32_t i = 0; i < r->route.n; i++) {
		const struct http_route_destination *d = &r->route.v[i];
		const char *at = sub(c, path, "route[%u]", i);

		check_destination(c, sub(c, at, "destination"), d->destination, false);
		check_not_negative(c, sub(c, at, "weight"), &d->weight);
		check_headers(c, sub(c, at, "headers"), d->headers, sets_authority);
		sum += d->weight.v;
	}
	if (r->route.n > 1 && sum <= 0)
		bad(c, sub(c, path, "route"), "weights must not sum up to 0");
	if (r->mirror && r->mirrors.n)
		bad(c, sub(c, path, "mirrors"), "mirror excludes mirrors");
	if (r->mirror)
		check_destination(c, sub(c, path, "mirror"), r->mirror, false);
	if (r->mirror_percent.set && (r->mirror_percent.v < 0 || r->mirror_percent.v > 100))
		bad(c, sub(c, path, "mirrorPercent"), "must be 0 to 100");
	if (r->mirror_percentage &&
	    (r->mirror_percentage->value.v < 0 || r->mirror_percentage->value.v > 100))
		bad(c, sub(c, path, "mirrorPercentage"), "must be 0 to 100");
	for (uint32_t i = 0; i < r->mirrors.n; i++) {
		const struct http_mirror_policy *m = &r->mirrors.v[i];

		check_destination(c, sub(c, path, "mirrors[%u].destination", i), m->destination,
				  false);
		if (m->percentage && (m->percentage->value.v < 0 || m->percentage->value.v > 100))
			bad(c, sub(c, path, "mirrors[%u].percentage", i), "must be 0 to 100");
	}
}

void check_http_route(struct check *c, const char *path, const struct http_route *r)
{
	bool sets_authority = false;

	if (r->delegate) {
		if (r->route.n || r->redirect || r->direct_response)
			bad(c, sub(c, path, "delegate"),
			    "excludes route, redirect and directResponse");
	} else if (r->redirect) {
		check_redirect(c, path, r);
	} else if (r->direct_response) {
		check_direct_response(c, path, r);
	} else if (!r->route.n) {
		bad(c, path, "route, redirect, directResponse or delegate is needed");
	}
	for (uint32_t i = 0; i < r->match.n; i++)
		check_request(c, sub(c, path, "match[%u]", i), &r->match.v[i]);
	check_headers(c, sub(c, path, "headers"), r->headers, &sets_authority);
	check_destinations(c, path, r, &sets_authority);
	if (sets_authority && r->rewrite && !str_empty(r->rewrite->authority))
		bad(c, sub(c, path, "rewrite.authority"), "is set by headers too");
	check_cors(c, sub(c, path, "corsPolicy"), r->cors_policy);
	check_fault(c, sub(c, path, "fault"), r->fault);
	check_retries(c, sub(c, path, "retries"), r->retries);
	check_rewrite(c, sub(c, path, "rewrite"), r->rewrite);
	check_min_1ms(c, sub(c, path, "timeout"), &r->timeout);
}
