/* What a VirtualService's rule matches, as Envoy's RouteMatch; redirects and direct responses (translation.md 5.6.1-5.6.3).
 */
#include "base/diag.h"
#include "base/regex.h"
#include "model/proxy.h"
#include "translate/route.h"
#include "types.h"
#include <stdlib.h>
#include <string.h>

/* A regex of the user's, if RE2 takes it. */
static Matcher__RegexMatcher *regex_matcher(struct run *r, const char *regex)
{
	struct err e = ERR_INIT;

	if (!regex_check(regex, &e)) {
		diag_error(run_diag(r), (struct place){ 0 }, "", "regex \"%s\": %s", regex, e.text);
		return NULL;
	}
	return PB_NEW(run_arena(r), Matcher__RegexMatcher, .regex = regex);
}

Matcher__StringMatcher *string_matcher(struct run *r, const struct string_match *m)
{
	struct arena *a = run_arena(r);
	Matcher__RegexMatcher *regex;

	if (m->exact)
		return PB_NEW(a, Matcher__StringMatcher,
			      .match_pattern_case = MATCHER__STRING_MATCHER__MATCH_PATTERN_EXACT,
			      .exact = m->exact);
	if (m->prefix)
		return PB_NEW(a, Matcher__StringMatcher,
			      .match_pattern_case = MATCHER__STRING_MATCHER__MATCH_PATTERN_PREFIX,
			      .prefix = m->prefix);
	if (!m->regex || !(regex = regex_matcher(r, m->regex)))
		return NULL;
	return PB_NEW(a, Matcher__StringMatcher,
		      .match_pattern_case = MATCHER__STRING_MATCHER__MATCH_PATTERN_SAFE_REGEX,
		      .safe_regex = regex);
}

static bool matches_presence(const struct string_match *m)
{
	return !m || (!m->exact && !m->prefix && (!m->regex || str_eq(m->regex, "*")));
}

static bool add_header(struct run *r, Route__RouteMatch *out, const char *name,
		       const struct string_match *m, bool invert)
{
	struct arena *a = run_arena(r);
	Route__HeaderMatcher *h =
		PB_NEW(a, Route__HeaderMatcher, .name = name, .invert_match = invert);

	if (matches_presence(m)) {
		h->header_match_specifier_case =
			ROUTE__HEADER_MATCHER__HEADER_MATCH_SPECIFIER_PRESENT_MATCH;
		h->present_match = true;
	} else {
		h->header_match_specifier_case =
			ROUTE__HEADER_MATCHER__HEADER_MATCH_SPECIFIER_STRING_MATCH;
		if (!(h->string_match = string_matcher(r, m)))
			return false;
		h->treat_missing_header_as_empty = invert;
	}
	PB_PUSH(a, out, headers, h);
	return true;
}

#define CLAIMS "@request.auth.claims"

/* "@request.auth.claims.a.b" or "@request.auth.claims[a][b]": the path below the token's payload. */
static bool add_claim(struct run *r, Route__RouteMatch *out, const char *name,
		      const struct string_match *m, bool invert)
{
	struct arena *a = run_arena(r);
	Matcher__MetadataMatcher *md =
		PB_NEW(a, Matcher__MetadataMatcher, .filter = "envoy.filters.http.jwt_authn",
		       .invert = invert);
	char *p = arena_strdup(a, name + strlen(CLAIMS)), *save = NULL;
	const char *separators = *p == '[' ? "[]" : ".";
	Matcher__StringMatcher *s = string_matcher(r, m);

	if (!s)
		return false;
	PB_PUSH(a, md, path,
		PB_NEW(a, Matcher__MetadataMatcher__PathSegment,
		       .segment_case = MATCHER__METADATA_MATCHER__PATH_SEGMENT__SEGMENT_KEY,
		       .key = "payload"));
	for (char *k = strtok_r(p, separators, &save); k; k = strtok_r(NULL, separators, &save))
		PB_PUSH(a, md, path,
			PB_NEW(a, Matcher__MetadataMatcher__PathSegment,
			       .segment_case = MATCHER__METADATA_MATCHER__PATH_SEGMENT__SEGMENT_KEY,
			       .key = k));

	Matcher__ValueMatcher *one =
		PB_NEW(a, Matcher__ValueMatcher,
		       .match_pattern_case = MATCHER__VALUE_MATCHER__MATCH_PATTERN_STRING_MATCH,
		       .string_match = s);
	Matcher__ValueMatcher *list =
		PB_NEW(a, Matcher__ValueMatcher,
		       .match_pattern_case = MATCHER__VALUE_MATCHER__MATCH_PATTERN_LIST_MATCH,
		       .list_match = PB_NEW(a, Matcher__ListMatcher,
					    .match_pattern_case =
						    MATCHER__LIST_MATCHER__MATCH_PATTERN_ONE_OF,
					    .one_of = one));
	Matcher__OrMatcher *either = PB_NEW(a, Matcher__OrMatcher);

	PB_PUSH(a, either, value_matchers, list);
	PB_PUSH(a, either, value_matchers, one);
	md->value = PB_NEW(a, Matcher__ValueMatcher,
			   .match_pattern_case = MATCHER__VALUE_MATCHER__MATCH_PATTERN_OR_MATCH,
			   .or_match = either);
	PB_PUSH(a, out, dynamic_metadata, md);
	return true;
}

static bool add_named_header(struct run *r, Route__RouteMatch *out, const char *name,
			     const struct string_match *m, bool invert)
{
	if (!strncasecmp(name, CLAIMS, strlen(CLAIMS)))
		return add_claim(r, out, name, m, invert);
	return add_header(r, out, name, m, invert);
}

static int by_header_name(const void *a, const void *b)
{
	const Route__HeaderMatcher *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* Can the match hold for requests of this proxy at all? (5.6, "skipped statically") */
static bool applies(const struct route_context *c, const struct http_match_request *m)
{
	if (m->port.set && m->port.v && m->port.v != c->listener_port)
		return false;
	if (m->gateways.n) {
		for (uint32_t i = 0; i < m->gateways.n; i++)
			if (str_eq(m->gateways.v[i], c->gateway))
				return true;
		return false;
	}
	if (m->source_labels.n && !ask_labels_match(c->run, &m->source_labels))
		return false;
	return str_empty(m->source_namespace) ||
	       ask_is(c->run, ASK_NS_IS, run_key(c->run, m->source_namespace));
}

static bool set_path(const struct route_context *c, const struct route_source *src,
		     const struct string_match *uri, Route__RouteMatch *out)
{
	const char *semantics =
		str_map_get(&src->object->meta->annotations, "internal.istio.io/route-semantics");

	if (uri && uri->exact) {
		out->path_specifier_case = ROUTE__ROUTE_MATCH__PATH_SPECIFIER_PATH;
		out->path = uri->exact;
	} else if (uri && uri->regex) {
		out->path_specifier_case = ROUTE__ROUTE_MATCH__PATH_SPECIFIER_SAFE_REGEX;
		out->safe_regex = regex_matcher(c->run, uri->regex);
		return out->safe_regex != NULL;
	} else if (uri && uri->prefix && !str_eq(uri->prefix, "/") && semantics) {
		size_t n = strlen(uri->prefix);

		out->path_specifier_case = ROUTE__ROUTE_MATCH__PATH_SPECIFIER_PATH_SEPARATED_PREFIX;
		if (n && uri->prefix[n - 1] == '/')
			n--;
		out->path_separated_prefix = arena_strndup(c->a, uri->prefix, n);
	} else {
		out->path_specifier_case = ROUTE__ROUTE_MATCH__PATH_SPECIFIER_PREFIX;
		out->prefix = uri && uri->prefix ? uri->prefix : "/";
	}
	return true;
}

bool route_match(const struct route_context *c, const struct route_source *src,
		 const struct http_match_request *m, Route__RouteMatch **ret)
{
	struct run *r = c->run;
	Route__RouteMatch *out = PB_NEW(c->a, Route__RouteMatch);
	bool ok = true;

	if (!m) {
		out->path_specifier_case = ROUTE__ROUTE_MATCH__PATH_SPECIFIER_PREFIX;
		out->prefix = "/";
		*ret = out;
		return true;
	}
	if (!applies(c, m) || !set_path(c, src, m->uri, out))
		return false;
	out->case_sensitive = pb_bool(c->a, !(m->ignore_uri_case.set && m->ignore_uri_case.v));
	for (uint32_t i = 0; i < m->headers.n; i++)
		ok &= add_named_header(r, out, m->headers.v[i].key, &m->headers.v[i].value, false);
	for (uint32_t i = 0; i < m->without_headers.n; i++)
		ok &= add_named_header(r, out, m->without_headers.v[i].key,
				       &m->without_headers.v[i].value, true);
	if (out->n_headers)
		qsort(out->headers, out->n_headers, sizeof *out->headers, by_header_name);
	if (m->method)
		ok &= add_header(r, out, ":method", m->method, false);
	if (m->authority)
		ok &= add_header(r, out, ":authority", m->authority, false);
	if (m->scheme)
		ok &= add_header(r, out, ":scheme", m->scheme, false);
	for (uint32_t i = 0; i < m->query_params.n; i++) {
		const struct string_match *v = &m->query_params.v[i].value;
		Route__QueryParameterMatcher *q = PB_NEW(c->a, Route__QueryParameterMatcher,
							 .name = m->query_params.v[i].key);

		if (matches_presence(v)) {
			q->query_parameter_match_specifier_case =
				ROUTE__QUERY_PARAMETER_MATCHER__QUERY_PARAMETER_MATCH_SPECIFIER_PRESENT_MATCH;
			q->present_match = true;
		} else {
			q->query_parameter_match_specifier_case =
				ROUTE__QUERY_PARAMETER_MATCHER__QUERY_PARAMETER_MATCH_SPECIFIER_STRING_MATCH;
			q->string_match = string_matcher(r, v);
			ok &= q->string_match != NULL;
		}
		PB_PUSH(c->a, out, query_parameters, q);
	}
	if (ok)
		*ret = out;
	return ok;
}

bool route_match_is_catch_all(const Route__RouteMatch *m)
{
	if (m->n_headers || m->n_query_parameters || m->n_dynamic_metadata)
		return false;
	switch (m->path_specifier_case) {
	case ROUTE__ROUTE_MATCH__PATH_SPECIFIER_PREFIX: return str_eq(m->prefix, "/");
	case ROUTE__ROUTE_MATCH__PATH_SPECIFIER_PATH_SEPARATED_PREFIX:
		return str_eq(m->path_separated_prefix, "/");
	case ROUTE__ROUTE_MATCH__PATH_SPECIFIER_SAFE_REGEX:
		return str_eq(m->safe_regex->regex, ".*");
	default: return false;
	}
}

static const struct {
	int64_t code;
	Route__RedirectAction__RedirectResponseCode value;
} redirect_codes[] = {
	{ 0, ROUTE__REDIRECT_ACTION__REDIRECT_RESPONSE_CODE__MOVED_PERMANENTLY },
	{ 301, ROUTE__REDIRECT_ACTION__REDIRECT_RESPONSE_CODE__MOVED_PERMANENTLY },
	{ 302, ROUTE__REDIRECT_ACTION__REDIRECT_RESPONSE_CODE__FOUND },
	{ 303, ROUTE__REDIRECT_ACTION__REDIRECT_RESPONSE_CODE__SEE_OTHER },
	{ 307, ROUTE__REDIRECT_ACTION__REDIRECT_RESPONSE_CODE__TEMPORARY_REDIRECT },
	{ 308, ROUTE__REDIRECT_ACTION__REDIRECT_RESPONSE_CODE__PERMANENT_REDIRECT },
};

static uint32_t redirect_port(const struct route_context *c, const struct http_redirect *in)
{
	const char *scheme = str_empty(in->scheme) ? (c->tls ? "https" : "http") : in->scheme;
	int64_t port = in->port.set ? in->port.v : 0;

	if (in->derive_port == HTTP_REDIRECT_DERIVE_PORT_FROM_REQUEST_PORT)
		port = c->listener_port;
	if ((port == 80 && str_eq(scheme, "http")) || (port == 443 && str_eq(scheme, "https")))
		return 0;
	return (uint32_t)port;
}

Route__RedirectAction *route_redirect(const struct route_context *c, const struct http_redirect *in)
{
	Route__RedirectAction *out =
		PB_NEW(c->a, Route__RedirectAction, .host_redirect = in->authority,
		       .port_redirect = redirect_port(c, in));
	bool known = false;

	if (!str_empty(in->prefix_rewrite)) {
		out->path_rewrite_specifier_case =
			ROUTE__REDIRECT_ACTION__PATH_REWRITE_SPECIFIER_PREFIX_REWRITE;
		out->prefix_rewrite = in->prefix_rewrite;
	} else {
		out->path_rewrite_specifier_case =
			ROUTE__REDIRECT_ACTION__PATH_REWRITE_SPECIFIER_PATH_REDIRECT;
		out->path_redirect = str_or(in->uri, "");
	}
	if (!str_empty(in->scheme)) {
		out->scheme_rewrite_specifier_case =
			ROUTE__REDIRECT_ACTION__SCHEME_REWRITE_SPECIFIER_SCHEME_REDIRECT;
		out->scheme_redirect = in->scheme;
	}
	for (size_t i = 0; i < ARRAY_LEN(redirect_codes); i++)
		if (redirect_codes[i].code == (in->redirect_code.set ? in->redirect_code.v : 0)) {
			out->response_code = redirect_codes[i].value;
			known = true;
		}
	return known ? out : NULL;
}

Route__DirectResponseAction *route_direct_response(struct arena *a,
						   const struct http_direct_response *in)
{
	Route__DirectResponseAction *out =
		PB_NEW(a, Route__DirectResponseAction, .status = (uint32_t)in->status.v);

	if (!in->body)
		return out;
	out->body = PB_NEW(a, Core__DataSource);
	if (in->body->bytes.set) {
		out->body->specifier_case = CORE__DATA_SOURCE__SPECIFIER_INLINE_BYTES;
		out->body->inline_bytes =
			(ProtobufCBinaryData){ in->body->bytes.n,
					       arena_dup(a, in->body->bytes.v, in->body->bytes.n) };
	} else {
		out->body->specifier_case = CORE__DATA_SOURCE__SPECIFIER_INLINE_STRING;
		out->body->inline_string = str_or(in->body->string, "");
	}
	return out;
}
