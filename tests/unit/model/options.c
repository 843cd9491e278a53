/* The table of feature flags: presets, each type's syntax, and what is said about variables that are not honoured. */
#include "model/options.h"
#include "base/diag.h"
#include "test.h"

#include <string.h>

struct variable {
	const char *name, *value;
};
static const struct variable *environment;

static const char *get(const char *name)
{
	for (const struct variable *v = environment; v && v->name; v++)
		if (!strcmp(v->name, name))
			return v->value;
	return NULL;
}

TEST(options_presets)
{
	struct diag diag = DIAG_INIT;
	struct features f;

	features_load(&f, NULL, &diag);
	CHECK_INT(diag.n, 0);
	CHECK(f.alpn_filter && f.metadata_exchange && f.absolute_fqdn_domain && f.continue_100);
	CHECK(f.prefer_destination_rule_tls_for_external && f.auto_send_unhealthy_endpoints);
	CHECK(!f.ambient && !f.dual_stack && !f.http10 && !f.send_unhealthy_endpoints);
	CHECK(f.mongo_filter && !f.mysql_filter && !f.redis_filter);
	CHECK(f.transport_connect_timeout_ns == INT64_C(15000000000));
	CHECK_INT(f.dns_jitter_ns, 100000000);
	CHECK_INT(f.dns_cares_udp_max_queries, 100);
	CHECK(f.trace_sampling == 1.0);
	CHECK_STR(f.mx_additional_labels, "");
	diag_fini(&diag);
}

TEST(options_values)
{
	static const struct variable env[] = {
		{ "PILOT_HTTP10", "1" },
		{ "PILOT_ENABLE_ALPN_FILTER", "False" },
		{ "PILOT_TRACE_SAMPLING", "12.5" },
		{ "PILOT_DNS_JITTER_DURATION", "1.5s" },
		{ "PILOT_GATEWAY_TRANSPORT_SOCKET_CONNECT_TIMEOUT", "0" },
		{ "MAX_CONNECTIONS_PER_SOCKET_EVENT_LOOP", "7" },
		{ "PILOT_MX_ADDITIONAL_LABELS", "a,b" },
		{ "PILOT_ENABLE_IP_AUTOALLOCATE", "" },
		{ NULL, NULL },
	};
	struct diag diag = DIAG_INIT;
	struct features f;

	environment = env;
	features_load(&f, get, &diag);
	CHECK_INT(diag.n, 0);
	CHECK(f.http10 && !f.alpn_filter);
	CHECK(f.trace_sampling == 12.5);
	CHECK_INT(f.dns_jitter_ns, 1500000000);
	CHECK_INT(f.transport_connect_timeout_ns, 0);
	CHECK_INT(f.max_connections_per_event_loop, 7);
	CHECK_STR(f.mx_additional_labels, "a,b");
	CHECK(f.ip_autoallocate); /* empty is as good as unset */
	diag_fini(&diag);
}

TEST(options_bad_values_keep_presets)
{
	static const char *const bad[][2] = {
		{ "PILOT_HTTP10", "yes" },
		{ "PILOT_TRACE_SAMPLING", "much" },
		{ "PILOT_TRACE_SAMPLING", "inf" },
		{ "MAX_CONNECTIONS_PER_SOCKET_EVENT_LOOP", "1x" },
		{ "MAX_CONNECTIONS_PER_SOCKET_EVENT_LOOP", "99999999999999999999" },
		{ "PILOT_DNS_JITTER_DURATION", "5" },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct variable env[] = { { bad[i][0], bad[i][1] }, { NULL, NULL } };
		struct diag diag = DIAG_INIT;
		struct features f;

		environment = env;
		features_load(&f, get, &diag);
		CHECK_INT(diag.n_errors, 1);
		if (diag.n)
			CHECK_STR(diag.v[0].path, bad[i][0]);
		CHECK(!f.http10 && f.trace_sampling == 1.0);
		CHECK_INT(f.max_connections_per_event_loop, 1);
		CHECK_INT(f.dns_jitter_ns, 100000000);
		diag_fini(&diag);
	}
}

TEST(options_unsupported_are_named)
{
	static const struct variable env[] = {
		{ "PILOT_ENABLE_PERSISTENT_SESSION_FILTER", "true" },
		{ "PILOT_ENABLE_GATEWAY_API", "true" }, /* its preset */
		{ "RESOLVE_HOSTNAME_GATEWAYS", "false" },
		{ NULL, NULL },
	};
	struct diag diag = DIAG_INIT;
	struct features f;

	environment = env;
	features_load(&f, get, &diag);
	CHECK_INT(diag.n_errors, 0);
	CHECK_INT(diag.n_warnings, 2);
	if (diag.n == 2) {
		CHECK_STR(diag.v[0].path, "PILOT_ENABLE_PERSISTENT_SESSION_FILTER");
		CHECK_STR(diag.v[1].path, "RESOLVE_HOSTNAME_GATEWAYS");
	}
	diag_fini(&diag);
}
