/* The rules written by hand: for each, documents that keep it and that break it. */
#include "schema/rules.h"
#include "doc/read.h"
#include "help.h"

#include <string.h>

#define NAMED(rule) #rule, rule_##rule

TEST(rules_hold_or_not)
{
	static const struct row {
		const char *name;
		bool (*holds)(const struct node *);
		const char *good[6], *bad[6]; /* NULL-terminated */
	} rows[] = {
		{ NAMED(one_target),
		  { "{}", "{selector: {}}", "{selector: ~, targetRefs: []}" },
		  { "{selector: {}, targetRef: {}}", "{targetRef: {}, targetRefs: []}" } },
		{ NAMED(one_selector), { "{selector: {}}" }, { "{selector: {}, targetRefs: []}" } },
		{ NAMED(one_workload_selector),
		  { "{targetRefs: []}" },
		  { "{workloadSelector: {}, targetRefs: []}" } },
		{ NAMED(one_endpoints),
		  { "{endpoints: []}" },
		  { "{workloadSelector: {}, endpoints: []}" } },
		{ NAMED(one_tls_files),
		  { "{credentialNames: []}" },
		  { "{credentialNames: [], tlsCertificates: []}" } },
		{ NAMED(one_tls_secrets),
		  { "{credentialNames: []}" },
		  { "{credentialNames: [], tlsCertificates: []}" } },
		{ NAMED(one_credential),
		  { "{credentialName: a}" },
		  { "{credentialName: a, credentialNames: [a]}" } },
		{ NAMED(one_jwks), { "{jwks: a}" }, { "{jwks: a, jwks_uri: b}" } },
		{ NAMED(wasm_or_lua),
		  { "{wasm: {}}", "{lua: {}}" },
		  { "{}", "{wasm: {}, lua: {}}" } },
		{ NAMED(address_or_network), { "{network: a}", "{address: a}" }, { "{}" } },
		{ NAMED(key_no_wildcard), { "{}", "{a: '*'}" }, { "{a: b, c*: d}" } },
		{ NAMED(key_not_empty), { "{}", "{a: b}" }, { "{'': b}" } },
		{ NAMED(key_is_port),
		  { "{'1': {}, '65535': {}}" },
		  { "{'0': {}}", "{'65536': {}}", "{'1a': {}}", "{'-1': {}}" } },
		{ NAMED(key_is_port_name),
		  { "{http: 1, a-B-9: 2}",
		    "{a23456789012345678901234567890123456789012345678901234567890ab: 1}" },
		  { "{-a: 1}", "{a-: 1}", "{a_b: 1}",
		    "{a23456789012345678901234567890123456789012345678901234567890abc: 1}" } },
		{ NAMED(no_wildcard), { "a" }, { "'a*b'" } },
		{ NAMED(not_wildcard), { "a", "'*.b'" }, { "'*'" } },
		{ NAMED(is_empty), { "''" }, { "a" } },
		{ NAMED(is_port), { "1", "65535" }, { "0", "65536", "-3" } },
		{ NAMED(is_probe_scheme), { "''", "HTTP", "HTTPS" }, { "http" } },
		{ NAMED(duration_1ms), { "1ms", "1h" }, { "0s", "999us", "-1s", "x" } },
		{ NAMED(accounts_alone),
		  { "{principals: [a]}", "{serviceAccounts: [a], ipBlocks: [b]}" },
		  { "{serviceAccounts: [a], principals: [b]}",
		    "{notServiceAccounts: [a], notNamespaces: [b]}" } },
		{ NAMED(waypoint_context),
		  { "{}", "{context: WAYPOINT, waypoint: {}}", "{context: ANY}" },
		  { "{waypoint: {}}", "{context: WAYPOINT}", "{context: ANY, waypoint: {}}" } },
		{ NAMED(port_mtls_selects),
		  { "{}", "{portLevelMtls: {}, selector: {matchLabels: {a: b}}}" },
		  { "{portLevelMtls: {}}", "{portLevelMtls: {}, selector: {matchLabels: {}}}" } },
		{ NAMED(http_url),
		  { "http://a", "https://a/b" },
		  { "ftp://a", "a.b/c", "/a", "''" } },
		{ NAMED(wasm_url),
		  { "oci://a/b", "a.io/b:1", "file:///x", "/x", "https://a" },
		  { "ftp://a", "'a%zz'", "foo://bar" } },
		{ NAMED(wasm_url_), { "oci://a/b" }, { "ftp://a" } },
		{ NAMED(cidr_static),
		  { "{addresses: [10.0.0.0/8]}", "{addresses: [10.0.0.0/8], resolution: STATIC}",
		    "{addresses: [10.0.0.1], resolution: DNS}" },
		  { "{addresses: [10.0.0.1, 10.0.0.0/8], resolution: DNS}" } },
		{ NAMED(none_no_endpoints),
		  { "{}", "{endpoints: [], resolution: DNS}" },
		  { "{endpoints: []}", "{endpoints: [], resolution: NONE}" } },
		{ NAMED(round_robin_one_endpoint),
		  { "{endpoints: [{}, {}]}", "{endpoints: [{}], resolution: DNS_ROUND_ROBIN}" },
		  { "{endpoints: [{}, {}], resolution: DNS_ROUND_ROBIN}" } },
		{ NAMED(unique_port_numbers),
		  { "[{number: 1}, {number: 2}]", "[{}, {}]" },
		  { "[{number: 1}, {number: 2}, {number: 1}]" } },
		{ NAMED(unix_no_ports),
		  { "{address: unix:///a}", "{address: a, ports: {}}" },
		  { "{address: unix:///a, ports: {}}" } },
		{ NAMED(unix_absolute),
		  { "unix:///a", "unix://@a", "a" },
		  { "unix://a", "unix://" } },
		{ NAMED(unix_not_dir), { "unix:///a", "/a/" }, { "unix:///a/" } },
		{ NAMED(upsert_has_value),
		  { "{operation: UPSERT, value: a}", "{operation: REMOVE}", "{}" },
		  { "{operation: UPSERT}", "{operation: UPSERT, value: ''}" } },
		{ NAMED(remove_no_value),
		  { "{operation: REMOVE}", "{operation: UPSERT, value: a}" },
		  { "{operation: REMOVE, value: a}" } },
		{ NAMED(host_env_no_value),
		  { "{value: a}", "{valueFrom: HOST}" },
		  { "{valueFrom: HOST, value: a}" } },
	};
	static const char *const all[] = {
#define ROW(name, text) #name,
		SCHEMA_RULES(ROW)
#undef ROW
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];

		for (int bad = 0; bad < 2; bad++) {
			for (const char *const *y = bad ? r->bad : r->good; *y; y++) {
				struct arena a = ARENA_INIT;
				struct docs docs = { 0 };
				struct diag diag = DIAG_INIT;

				CHECK(yaml_read(*y, strlen(*y), "t", &a, &docs, &diag));
				if (docs.n != 1 || !CHECK_INT(r->holds(docs.v[0]), !bad))
					CHECK_STR(*y, r->name);
				diag_fini(&diag);
				arena_fini(&a);
			}
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		bool found = false;

		for (size_t j = 0; j < ARRAY_LEN(rows); j++)
			found = found || !strcmp(all[i], rows[j].name);
		if (!CHECK(found))
			CHECK_STR(all[i], "a rule without a test");
	}
}
