/* Delegation: a root VirtualService's rule that names another VirtualService is replaced by that one's rules, each
 * narrowed by the root's matches and completed by what the root's rule says besides (translation.md 5.11).
 *
 * A delegate's match is kept once for each of the root's matches that it is compatible with.
 */
#include "model/export.h"
#include "model/queries.h"
#include "model/route_source.h"
#include "world/world.h"
#include <string.h>

enum { MAX_MATCHES = 4096 }; /* of one merged rule: both lists come from users and multiply */

static bool is_set(const struct string_match *m)
{
	return m && (m->exact || m->prefix || m->regex);
}

static bool string_conflicts(const struct string_match *root, const struct string_match *leaf)
{
	if (!is_set(root) || !is_set(leaf))
		return false;
	if (root->regex || leaf->regex)
		return true;
	if (root->exact)
		return !str_eq(root->exact, leaf->exact);
	return !str_starts(leaf->exact ? leaf->exact : leaf->prefix, root->prefix);
}

/* Entries are sorted by key on both sides. */
#define MAPS_CONFLICT(root, leaf) maps_conflict((root).v, (root).n, (leaf).v, (leaf).n)
static bool maps_conflict(const struct string_match_entry *root, uint32_t n_root,
			  const struct string_match_entry *leaf, uint32_t n_leaf)
{
	for (uint32_t i = 0, j = 0; i < n_root && j < n_leaf;) {
		int c = strcmp(root[i].key, leaf[j].key);

		if (!c && string_conflicts(&root[i].value, &leaf[j].value))
			return true;
		i += c <= 0;
		j += c >= 0;
	}
	return false;
}

static bool labels_conflict(const struct str_map *root, const struct str_map *leaf)
{
	for (uint32_t i = 0; i < root->n; i++) {
		const char *v = str_map_get(leaf, root->v[i].key);

		if (v && strcmp(v, root->v[i].value))
			return true;
	}
	return false;
}

static bool list_holds(const struct str_list *list, const char *s)
{
	for (uint32_t i = 0; i < list->n; i++)
		if (!strcmp(list->v[i], s))
			return true;
	return false;
}

static bool gateways_conflict(const struct str_list *root, const struct str_list *leaf)
{
	for (uint32_t i = 0; root->n && i < leaf->n; i++)
		if (!list_holds(root, leaf->v[i]))
			return true;
	return false;
}

static bool conflicts(const struct http_match_request *root, const struct http_match_request *leaf)
{
	if (string_conflicts(root->uri, leaf->uri) ||
	    string_conflicts(root->scheme, leaf->scheme) ||
	    string_conflicts(root->method, leaf->method) ||
	    string_conflicts(root->authority, leaf->authority))
		return true;
	if (MAPS_CONFLICT(root->headers, leaf->headers) ||
	    MAPS_CONFLICT(root->without_headers, leaf->without_headers) ||
	    MAPS_CONFLICT(root->query_params, leaf->query_params))
		return true;
	if (root->ignore_uri_case.v != leaf->ignore_uri_case.v)
		return true;
	if (root->port.v && leaf->port.v && root->port.v != leaf->port.v)
		return true;
	if (!str_empty(root->source_namespace) &&
	    !str_eq(root->source_namespace, str_or(leaf->source_namespace, "")))
		return true;
	return labels_conflict(&root->source_labels, &leaf->source_labels) ||
	       gateways_conflict(&root->gateways, &leaf->gateways);
}

/* Both sorted by key; the leaf's value wins. */
static const struct string_match_entry *merge_maps(struct arena *a,
						   const struct string_match_entry *root,
						   uint32_t n_root,
						   const struct string_match_entry *leaf,
						   uint32_t n_leaf, uint32_t *ret_n)
{
	struct string_match_entry *v = arena_array(a, struct string_match_entry, n_root + n_leaf);
	uint32_t n = 0;

	for (uint32_t i = 0, j = 0; i < n_root || j < n_leaf;) {
		int c = i == n_root ? 1 : j == n_leaf ? -1 : strcmp(root[i].key, leaf[j].key);

		v[n++] = c < 0 ? root[i] : leaf[j];
		i += c <= 0;
		j += c >= 0;
	}
	*ret_n = n;
	return v;
}
#define MERGE_MAPS(a, to, root) \
	do { \
		if ((root).n) \
			(to).v = merge_maps((a), (root).v, (root).n, (to).v, (to).n, &(to).n); \
	} while (0)

static void merge_labels(struct arena *a, struct str_map *to, const struct str_map *root)
{
	struct str_pair *v = arena_array(a, struct str_pair, to->n + root->n);
	uint32_t n = 0;

	for (uint32_t i = 0, j = 0; i < root->n || j < to->n;) {
		int c = i == root->n ? 1 : j == to->n ? -1 : strcmp(root->v[i].key, to->v[j].key);

		v[n++] = c < 0 ? root->v[i] : to->v[j];
		i += c <= 0;
		j += c >= 0;
	}
	to->v = v;
	to->n = n;
}

static const char *join_names(struct arena *a, const char *root, const char *leaf)
{
	if (str_empty(root) || str_empty(leaf))
		return str_empty(leaf) ? root : leaf;
	return arena_printf(a, "%s-%s", root, leaf);
}

static struct http_match_request merge_match(struct arena *a, const struct http_match_request *root,
					     const struct http_match_request *leaf)
{
	struct http_match_request m = *leaf;

	m.name = join_names(a, root->name, leaf->name);
	m.uri = is_set(m.uri) ? m.uri : root->uri;
	m.scheme = is_set(m.scheme) ? m.scheme : root->scheme;
	m.method = is_set(m.method) ? m.method : root->method;
	m.authority = is_set(m.authority) ? m.authority : root->authority;
	m.port = m.port.v ? m.port : root->port;
	m.gateways = m.gateways.n ? m.gateways : root->gateways;
	if (str_empty(m.source_namespace))
		m.source_namespace = root->source_namespace;
	if (str_empty(m.stat_prefix))
		m.stat_prefix = root->stat_prefix;
	MERGE_MAPS(a, m.headers, root->headers);
	MERGE_MAPS(a, m.without_headers, root->without_headers);
	MERGE_MAPS(a, m.query_params, root->query_params);
	if (root->source_labels.n)
		merge_labels(a, &m.source_labels, &root->source_labels);
	return m;
}

/* False: the rule is dropped, since one of its matches fits none of the root's. */
static bool merge_matches(struct arena *a, const struct http_route *root, struct http_route *rule)
{
	struct http_match_request *v = NULL;
	uint32_t n = 0;
	size_t cap = 0;

	if (!root->match.n)
		return true;
	if (!rule->match.n) {
		rule->match = root->match;
		return true;
	}
	for (uint32_t i = 0; i < rule->match.n; i++) {
		uint32_t before = n;

		for (uint32_t j = 0; j < root->match.n && n < MAX_MATCHES; j++)
			if (!conflicts(&root->match.v[j], &rule->match.v[i]))
				*ARENA_PUSH(a, v, n, cap) =
					merge_match(a, &root->match.v[j], &rule->match.v[i]);
		if (n == before)
			return false;
	}
	rule->match.v = v;
	rule->match.n = n;
	return true;
}

#define FILL(rule, root, field) ((rule)->field = (rule)->field ? (rule)->field : (root)->field)

static void merge_rule(struct arena *a, const struct http_route *root, struct http_route *rule)
{
	rule->name = join_names(a, root->name, rule->name);
	rule->delegate = NULL;
	FILL(rule, root, rewrite);
	FILL(rule, root, direct_response);
	FILL(rule, root, retries);
	FILL(rule, root, fault);
	FILL(rule, root, mirror);
	FILL(rule, root, mirror_percentage);
	FILL(rule, root, cors_policy);
	FILL(rule, root, headers);
	if (!rule->timeout.set)
		rule->timeout = root->timeout;
	if (!rule->mirror_percent.set)
		rule->mirror_percent = root->mirror_percent;
	if (!rule->mirrors.n)
		rule->mirrors = root->mirrors;
}

struct http_rules delegate_merge(struct run *r, const struct object *root,
				 const struct http_route *root_rule)
{
	struct arena *a = run_arena(r);
	const struct delegate *d = root_rule->delegate;
	const char *ns = str_empty(d->namespace) ? root->ns : d->namespace;
	const struct object *obj = read_object(r, KIND_VIRTUAL_SERVICE, run_key(r, ns),
					       run_key(r, str_or(d->name, "")));
	struct http_rules rules, out = { 0 };
	struct http_route *v;

	if (!obj || virtual_service_hosts(obj, a).n ||
	    !export_has(r, virtual_service_export(r, obj), root->ns))
		return out;
	rules = http_rules_resolved(obj, a);
	v = arena_array(a, struct http_route, rules.n);
	for (uint32_t i = 0; i < rules.n; i++) {
		v[out.n] = rules.v[i];
		if (!merge_matches(a, root_rule, &v[out.n]))
			continue;
		merge_rule(a, root_rule, &v[out.n]);
		out.n++;
	}
	out.v = v;
	return out;
}
