/* schema/rules.h
 * The CEL rules of crd-schemas/, each written by hand in C. CEL itself is not run: the generator looks a rule up by its
 * text (any white space being one blank) and stops the build when it is not here, so no rule is dropped in silence.
 */
#pragma once
#include "base/lang.h"

struct node;

/* One use of a rule. Tables of them end with a NULL `holds`. */
struct schema_rule {
	bool (*holds)(const struct node *self); /* self is there and of the schema's type */
	const char *message;
};

#define SCHEMA_RULES(RULE) \
	RULE(one_target, "(has(self.selector) ? 1 : 0) + (has(self.targetRef) ? 1 : 0) + " \
			 "(has(self.targetRefs) ? 1 : 0) <= 1") \
	RULE(one_selector, "(has(self.selector) ? 1 : 0) + (has(self.targetRefs) ? 1 : 0) <= 1") \
	RULE(one_workload_selector, \
	     "(has(self.workloadSelector) ? 1 : 0) + (has(self.targetRefs) ? 1 : 0) <= 1") \
	RULE(one_endpoints, \
	     "(has(self.workloadSelector) ? 1 : 0) + (has(self.endpoints) ? 1 : 0) <= 1") \
	RULE(one_tls_files, \
	     "(has(self.tlsCertificates) ? 1 : 0) + (has(self.credentialNames) ? 1 : 0) <= 1") \
	RULE(one_credential, \
	     "(has(self.credentialName) ? 1 : 0) + (has(self.credentialNames) ? 1 : 0) <= 1") \
	RULE(one_tls_secrets, \
	     "(has(self.credentialNames) ? 1 : 0) + (has(self.tlsCertificates) ? 1 : 0) <= 1") \
	RULE(one_jwks, "(has(self.jwksUri) ? 1 : 0) + (has(self.jwks_uri) ? 1 : 0) + " \
		       "(has(self.jwks) ? 1 : 0) <= 1") \
	RULE(wasm_or_lua, "has(self.wasm) != has(self.lua)") \
	RULE(address_or_network, "has(self.address) || has(self.network)") \
	RULE(key_no_wildcard, "self.all(key, !key.contains(\"*\"))") \
	RULE(key_not_empty, "self.all(key, key.size() != 0)") \
	RULE(key_is_port, "self.all(key, 0 < int(key) && int(key) <= 65535)") \
	RULE(key_is_port_name, "self.all(key, size(key) < 63 && " \
			       "key.matches(\"^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$\"))") \
	RULE(no_wildcard, "!self.contains(\"*\")") \
	RULE(not_wildcard, "self != \"*\"") \
	RULE(is_empty, "self.size() == 0") \
	RULE(is_port, "0 < self && self <= 65535") \
	RULE(is_probe_scheme, "self in [\"\", \"HTTP\", \"HTTPS\"]") \
	RULE(duration_1ms, "duration(self) >= duration('1ms')") \
	RULE(accounts_alone, \
	     "(has(self.serviceAccounts) || has(self.notServiceAccounts)) ? " \
	     "(!has(self.principals) && !has(self.notPrincipals) && !has(self.namespaces) && " \
	     "!has(self.notNamespaces)) : true") \
	RULE(waypoint_context, \
	     "has(self.context) ? ((self.context == \"WAYPOINT\") ? has(self.waypoint) : " \
	     "!has(self.waypoint)) : !has(self.waypoint)") \
	RULE(port_mtls_selects, "has(self.portLevelMtls) ? (((has(self.selector) && " \
				"has(self.selector.matchLabels)) ? " \
				"self.selector.matchLabels : {}).size() > 0) : true") \
	RULE(http_url, "url(self).getScheme() in [\"http\", \"https\"]") \
	RULE(wasm_url, "isURL(self) ? (url(self).getScheme() in [\"\", \"http\", \"https\", " \
		       "\"oci\", \"file\"]) : " \
		       "(isURL(\"http://\" + self) && url(\"http://\" + self).getScheme() in " \
		       "[\"\", \"http\", \"https\", \"oci\", \"file\"])") \
	RULE(wasm_url_, "isURL(self) ? (url(self).getScheme() in [\"\", \"http\", \"https\", " \
			"\"file\", \"oci\"]) : " \
			"(isURL(\"http://\" + self) && url(\"http://\" + self).getScheme() in " \
			"[\"\", \"http\", \"https\", \"file\", \"oci\"])") \
	RULE(cidr_static, \
	     "!((has(self.addresses) ? self.addresses : []).exists(k, k.contains(\"/\")) && " \
	     "!((has(self.resolution) ? self.resolution : \"NONE\") in [\"STATIC\", \"NONE\"]))") \
	RULE(none_no_endpoints, \
	     "((has(self.resolution) ? self.resolution : \"NONE\") == \"NONE\") ? " \
	     "!has(self.endpoints) : true") \
	RULE(round_robin_one_endpoint, \
	     "((has(self.resolution) ? self.resolution : \"\") == \"DNS_ROUND_ROBIN\") ? " \
	     "((has(self.endpoints) ? self.endpoints : []).size() <= 1) : true") \
	RULE(unique_port_numbers, "self.all(l1, self.exists_one(l2, l1.number == l2.number))") \
	RULE(unix_no_ports, "(has(self.address) ? self.address : \"\").startsWith(\"unix://\") ? " \
			    "!has(self.ports) : true") \
	RULE(unix_absolute, \
	     "self.startsWith(\"unix://\") ? " \
	     "(self.substring(7, 8) == \"/\" || self.substring(7, 8) == \"@\") : true") \
	RULE(unix_not_dir, "self.startsWith(\"unix://\") ? !self.endsWith(\"/\") : true") \
	RULE(upsert_has_value, "((has(self.operation) ? self.operation : \"\") == \"UPSERT\") ? " \
			       "(self.value != \"\") : true") \
	RULE(remove_no_value, "((has(self.operation) ? self.operation : \"\") == \"REMOVE\") ? " \
			      "!has(self.value) : true") \
	RULE(host_env_no_value, \
	     "(has(self.valueFrom) ? self.valueFrom : \"\") != \"HOST\" || !has(self.value)")

#define SCHEMA_RULE_DECLARE(name, text) bool rule_##name(const struct node *self);
SCHEMA_RULES(SCHEMA_RULE_DECLARE)
#undef SCHEMA_RULE_DECLARE
