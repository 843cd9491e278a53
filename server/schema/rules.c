/* The rules of rules.h, one function each. They look at nodes of the document, as CEL would: has(self.x) is presence,
 * and a rule whose evaluation would fail counts as broken.
 */
#include "schema/rules.h"

#include "doc/node.h"
#include "schema/interpret.h"
#include "schema/url.h"

#include <stdlib.h>
#include <string.h>

static bool has(const struct node *self, const char *field)
{
	const struct node *v = node_get(self, field);

	return v && v->type != NODE_NULL;
}

static const char *text_or(const struct node *self, const char *field, const char *otherwise)
{
	return str_or(node_str(self, field), otherwise);
}

static const char *text(const struct node *self)
{
	return self->type == NODE_STRING ? self->s : "";
}

static bool at_most_one(const struct node *self, const char *a, const char *b, const char *c)
{
	return has(self, a) + has(self, b) + (c && has(self, c)) <= 1;
}

bool rule_one_target(const struct node *self)
{
	return at_most_one(self, "selector", "targetRef", "targetRefs");
}

bool rule_one_selector(const struct node *self)
{
	return at_most_one(self, "selector", "targetRefs", NULL);
}

bool rule_one_workload_selector(const struct node *self)
{
	return at_most_one(self, "workloadSelector", "targetRefs", NULL);
}

bool rule_one_endpoints(const struct node *self)
{
	return at_most_one(self, "workloadSelector", "endpoints", NULL);
}

bool rule_one_tls_files(const struct node *self)
{
	return at_most_one(self, "tlsCertificates", "credentialNames", NULL);
}

bool rule_one_tls_secrets(const struct node *self)
{
	return rule_one_tls_files(self);
}

bool rule_one_credential(const struct node *self)
{
	return at_most_one(self, "credentialName", "credentialNames", NULL);
}

bool rule_one_jwks(const struct node *self)
{
	return at_most_one(self, "jwksUri", "jwks_uri", "jwks");
}

bool rule_wasm_or_lua(const struct node *self)
{
	return has(self, "wasm") != has(self, "lua");
}

bool rule_address_or_network(const struct node *self)
{
	return has(self, "address") || has(self, "network");
}

/* ---- keys of maps ---- */

static bool all_keys(const struct node *self, bool (*holds)(const char *key))
{
	for (uint32_t i = 0; i < self->n; i++)
		if (!holds(self->map[i].key))
			return false;
	return true;
}

static bool without_wildcard(const char *s)
{
	return !strchr(s, '*');
}

static bool not_empty(const char *s)
{
	return *s;
}

static bool port_number(const char *s)
{
	char *end;
	long v = strtol(s, &end, 10);

	return *s && !*end && strspn(s, "0123456789") == strlen(s) && v > 0 && v <= 65535;
}

static bool port_name(const char *s)
{
	size_t n = strlen(s);

	if (!n || n >= 63 || s[0] == '-' || s[n - 1] == '-')
		return false;
	return strspn(s, "-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == n;
}

bool rule_key_no_wildcard(const struct node *self)
{
	return all_keys(self, without_wildcard);
}

bool rule_key_not_empty(const struct node *self)
{
	return all_keys(self, not_empty);
}

bool rule_key_is_port(const struct node *self)
{
	return all_keys(self, port_number);
}

bool rule_key_is_port_name(const struct node *self)
{
	return all_keys(self, port_name);
}

/* ---- scalars ---- */

bool rule_no_wildcard(const struct node *self)
{
	return without_wildcard(text(self));
}

bool rule_not_wildcard(const struct node *self)
{
	return strcmp(text(self), "*");
}

bool rule_is_empty(const struct node *self)
{
	return self->type == NODE_STRING && !*self->s;
}

bool rule_is_port(const struct node *self)
{
	double v = self->type == NODE_INT     ? (double)self->i
		   : self->type == NODE_FLOAT ? self->f
					      : 0;

	return v > 0 && v <= 65535;
}

bool rule_is_probe_scheme(const struct node *self)
{
	return !*text(self) || !strcmp(text(self), "HTTP") || !strcmp(text(self), "HTTPS");
}

bool rule_duration_1ms(const struct node *self)
{
	int64_t ns;

	return duration_parse(text(self), &ns) && ns >= 1000000;
}

static bool scheme_is_one_of(const char *url, const char *const *schemes)
{
	char scheme[URL_SCHEME];

	if (!url_scheme(url, scheme))
		return false;
	for (; *schemes; schemes++)
		if (!strcmp(*schemes, scheme))
			return true;
	return false;
}

bool rule_http_url(const struct node *self)
{
	static const char *const schemes[] = { "http", "https", NULL };

	return scheme_is_one_of(text(self), schemes);
}

bool rule_wasm_url(const struct node *self)
{
	static const char *const schemes[] = { "", "http", "https", "oci", "file", NULL };
	cleanup(xfree_p) char *with_scheme = NULL;
	char scheme[URL_SCHEME];

	if (url_scheme(text(self), scheme))
		return scheme_is_one_of(text(self), schemes);
	with_scheme = xasprintf("http://%s", text(self));
	return scheme_is_one_of(with_scheme, schemes);
}

bool rule_wasm_url_(const struct node *self)
{
	return rule_wasm_url(self);
}

static bool is_unix(const char *s)
{
	return str_starts(s, "unix://");
}

bool rule_unix_absolute(const struct node *self)
{
	const char *s = text(self);

	return !is_unix(s) || s[7] == '/' || s[7] == '@';
}

bool rule_unix_not_dir(const struct node *self)
{
	return !is_unix(text(self)) || !str_ends(text(self), "/");
}

/* ---- fields that depend on each other ---- */

bool rule_unix_no_ports(const struct node *self)
{
	return !is_unix(text_or(self, "address", "")) || !has(self, "ports");
}

bool rule_accounts_alone(const struct node *self)
{
	if (!has(self, "serviceAccounts") && !has(self, "notServiceAccounts"))
		return true;
	return !has(self, "principals") && !has(self, "notPrincipals") &&
	       !has(self, "namespaces") && !has(self, "notNamespaces");
}

bool rule_waypoint_context(const struct node *self)
{
	return has(self, "waypoint") == !strcmp(text_or(self, "context", ""), "WAYPOINT");
}

bool rule_port_mtls_selects(const struct node *self)
{
	const struct node *labels = node_get(node_get(self, "selector"), "matchLabels");

	return !has(self, "portLevelMtls") || (labels && labels->type == NODE_MAP && labels->n);
}

bool rule_cidr_static(const struct node *self)
{
	const struct node *addresses = node_get(self, "addresses");
	const char *resolution = text_or(self, "resolution", "NONE");

	if (!strcmp(resolution, "STATIC") || !strcmp(resolution, "NONE"))
		return true;
	for (uint32_t i = 0; addresses && addresses->type == NODE_SEQ && i < addresses->n; i++)
		if (strchr(text(addresses->seq[i]), '/'))
			return false;
	return true;
}

bool rule_none_no_endpoints(const struct node *self)
{
	return strcmp(text_or(self, "resolution", "NONE"), "NONE") || !has(self, "endpoints");
}

bool rule_round_robin_one_endpoint(const struct node *self)
{
	const struct node *endpoints = node_get(self, "endpoints");

	return strcmp(text_or(self, "resolution", ""), "DNS_ROUND_ROBIN") || !endpoints ||
	       endpoints->type != NODE_SEQ || endpoints->n <= 1;
}

/* Ports are capped by the schema's maxItems, but a rule also sees lists that are too long. */
enum { UNIQUE_PORTS_MAX = 1024 };

bool rule_unique_port_numbers(const struct node *self)
{
	for (uint32_t i = 0; i < MIN(self->n, UNIQUE_PORTS_MAX); i++) {
		const struct node *a = node_get(self->seq[i], "number");

		for (uint32_t j = 0; a && j < i; j++) {
			const struct node *b = node_get(self->seq[j], "number");

			if (b && a->type == NODE_INT && b->type == NODE_INT && a->i == b->i)
				return false;
		}
	}
	return true;
}

bool rule_upsert_has_value(const struct node *self)
{
	return strcmp(text_or(self, "operation", ""), "UPSERT") || *text_or(self, "value", "");
}

bool rule_remove_no_value(const struct node *self)
{
	return strcmp(text_or(self, "operation", ""), "REMOVE") || !has(self, "value");
}

bool rule_host_env_no_value(const struct node *self)
{
	return strcmp(text_or(self, "valueFrom", ""), "HOST") || !has(self, "value");
}
