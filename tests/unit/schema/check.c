/* What the validating webhook would refuse: a case of each kind, with path and place; the long list is Istio's own
 * (make conformance). */
#include "schema/check.h"
#include "doc/read.h"
#include "test.h"
#include <stdio.h>
#include <string.h>

static const struct {
	const char *kind, *spec, *problem; /* NULL: none */
} rows[] = {
	{ "VirtualService", "hosts: [a.b]\n  http: [{route: [{destination: {host: a.b}}]}]", NULL },
	{ "VirtualService", "hosts: [a.b]",
	  "t:5:3: error: VirtualService m/r spec: http, tcp or tls is needed" },
	{ "VirtualService", "hosts: [a.b]\n  http: [{}]",
	  "t:6:10: error: VirtualService m/r spec.http[0]: route, redirect, directResponse or "
	  "delegate is needed" },
	{ "VirtualService",
	  "hosts: [a.b]\n  http: [{timeout: 0s, route: [{destination: {host: a.b}}]}]",
	  "t:6:20: error: VirtualService m/r spec.http[0].timeout: a duration of 1ms or more is "
	  "needed" },
	{ "DestinationRule", "host: a.b\n  subsets: [{name: x}, {name: x}]",
	  "t:6:31: error: DestinationRule m/r spec.subsets[1].name: \"x\" is there twice" },
	{ "ServiceEntry", "hosts: [a.b]\n  resolution: STATIC\n  endpoints: [{address: no.ip}]",
	  "t:7:25: error: ServiceEntry m/r spec.endpoints[0].address: \"no.ip\" is no IP address, "
	  "which STATIC needs" },
	{ "Sidecar", "egress: [{hosts: [nothing]}]",
	  "t:5:21: error: Sidecar m/r spec.egress[0].hosts[0]: \"nothing\" is not "
	  "\"namespace/host\"" },
	{ "Gateway", "servers: [{port: {number: 80, name: h, protocol: HTTP}, hosts: ['x/y/z']}]",
	  "t:5:67: error: Gateway m/r spec.servers[0].hosts[0]: \"y/z\" is no host" },
};

TEST(check_kinds)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena a = ARENA_INIT;
		struct diag d = DIAG_INIT;
		struct docs docs = { 0 };
		const struct object *o = NULL;
		struct decode_opts opts = { .admit = true };
		char line[1024] = "";
		char *text = arena_printf(
			&a,
			"apiVersion: networking.istio.io/v1\nkind: %s\nmetadata: {name: r, "
			"namespace: m}\nspec:\n  %s\n",
			rows[i].kind, rows[i].spec);

		diag_init(&d);
		CHECK(yaml_read(text, strlen(text), "t", &a, &docs, &d));
		enum decode_result r = object_decode(docs.v[0], &opts, &o, &d);
		if (d.n)
			diag_print(&d.v[0], line, sizeof line);
		CHECK_INT(r, rows[i].problem ? DECODE_BAD : DECODE_OK);
		CHECK_STR(line, str_or(rows[i].problem, ""));
		object_unref(o);
		diag_fini(&d);
		arena_fini(&a);
	}
}
