/* What decoding says of wrong documents: every problem, with its place and path. */
#include "help.h"

#include <string.h>

/* A document and all its problems, in order. */
struct row {
	const char *yaml, *problems;
};

static void expect(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct diag diag = DIAG_INIT;
		const struct object *o = NULL;
		enum decode_result r = help_decode(rows[i].yaml, NULL, &o, &diag);
		cleanup(xfree_p) char *problems = help_problems(&diag);

		CHECK_STR(problems, rows[i].problems);
		CHECK_INT(r, diag.n_errors ? DECODE_BAD : DECODE_OK);
		CHECK((r == DECODE_OK) == (o != NULL));
		object_unref(o);
		diag_fini(&diag);
	}
}

#define VS(spec) \
	"apiVersion: networking.istio.io/v1\n" \
	"kind: VirtualService\n" \
	"metadata: {name: r, namespace: m}\n" \
	"spec:\n" spec
#define IN "VirtualService m/r spec."

TEST(decode_types)
{
	static const struct row rows[] = {
		{ VS("  hosts: a\n"),
		  "t:5:10: error: " IN "hosts: must be a list, not string a\n" },
		{ VS("  hosts: [1, true, null, {a: b}]\n"),
		  "t:5:11: error: " IN "hosts[0]: must be a string, not integer 1 (quote it?)\n"
		  "t:5:14: error: " IN "hosts[1]: must be a string, not boolean true (quote it?)\n"
		  "t:5:20: error: " IN "hosts[2]: must be a string, not null\n"
		  "t:5:26: error: " IN "hosts[3]: must be a string, not map\n" },
		{ VS("  http:\n  - timeout: 5\n    retries: {attempts: '3'}\n"),
		  "t:6:14: error: " IN "http[0].timeout: must be a duration such as 1.5s or 1h30m, "
		  "not integer 5\n"
		  "t:7:25: error: " IN
		  "http[0].retries.attempts: must be an integer, not string 3\n" },
		{ VS("  http:\n  - retries: {attempts: 1.5}\n"),
		  "t:6:25: error: " IN "http[0].retries.attempts: must be an integer, not number "
		  "1.5\n" },
		{ VS("  http: [7]\n  tls: {}\n"),
		  "t:5:10: error: " IN "http[0]: must be a map, not integer 7\n"
		  "t:6:8: error: " IN "tls: must be a list, not map\n" },
		{ VS("  http:\n  - match: [{headers: [a]}]\n"),
		  "t:6:23: error: " IN "http[0].match[0].headers: must be a map, not list\n" },
		{ VS("  http:\n  - corsPolicy: {allowCredentials: 'yes'}\n"),
		  "t:6:36: error: " IN
		  "http[0].corsPolicy.allowCredentials: must be a boolean, not "
		  "string yes\n" },
		{ VS("  http:\n  - mirrorPercentage: {value: .inf}\n"),
		  "t:6:31: error: " IN
		  "http[0].mirrorPercentage.value: must be a finite number, not "
		  "number .inf\n" },
		{ VS("  http:\n  - directResponse: {status: 200, body: {bytes: '*'}}\n"),
		  "t:6:49: error: " IN
		  "http[0].directResponse.body.bytes: must be bytes in base64, "
		  "not string *\n" },
	};

	expect(rows, ARRAY_LEN(rows));
}

TEST(decode_unknown_fields)
{
	static const struct row rows[] = {
		{ VS("  host: [a]\n"),
		  "t:5:3: warning: " IN "host: unknown field (did you mean hosts?)\n" },
		{ VS("  hosts: [a]\n  zebra: 1\n"),
		  "t:6:3: warning: " IN "zebra: unknown field\n" },
		{ VS("  http:\n  - route:\n    - destination: {host: a}\n      wieght: 3\n"),
		  "t:8:7: warning: " IN "http[0].route[0].wieght: unknown field (did you mean "
		  "weight?)\n" },
		{ VS("  export_to: ['*']\n"),
		  "t:5:3: warning: " IN "export_to: unknown field (did you mean exportTo?)\n" },
		/* Of core types only a part is read; the rest is no news. */
		{ "apiVersion: v1\nkind: Service\nmetadata: {name: s, finalizers: [x]}\n"
		  "spec: {healthCheckNodePort: 3}\n",
		  "" },
	};

	expect(rows, ARRAY_LEN(rows));
}

TEST(decode_limits)
{
	static const struct row rows[] = {
		{ "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 0}, "
		  "{port: "
		  "70000}]}\n",
		  "t:4:23: error: Service default/s spec.ports[0].port: must be at least 1, not 0\n"
		  "t:4:34: error: Service default/s spec.ports[1].port: must be at most 65535, not "
		  "70000\n" },
		{ "apiVersion: networking.istio.io/v1\nkind: WasmPlugin\nmetadata: {name: "
		  "s}\nspec: {}\n",
		  NULL },
		{ VS("  http:\n  - route: [{destination: {host: a}, weight: 2147483648}]\n"),
		  "t:6:46: error: " IN "http[0].route[0].weight: must be at most 2147483647, not "
		  "2147483648\n" },
		{ "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, "
		  "namespace: m}\n"
		  "spec: {servers: [{hosts: [a], port: {number: 1, name: a, protocol: TLS}, tls: "
		  "{credentialNames: [a, b, c]}}]}\n",
		  "t:4:97: error: Gateway m/g spec.servers[0].tls.credentialNames: must have at "
		  "most 2 "
		  "items, not 3\n" },
		{ "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: g, "
		  "namespace: m}\nspec: {portLevelMtls: {}, selector: {matchLabels: {a: b}}}\n",
		  "t:4:23: error: PeerAuthentication m/g spec.portLevelMtls: must have at least 1 "
		  "entry, "
		  "not 0\n" },
		{ "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: "
		  "g, "
		  "namespace: m}\nspec: {targetRef: {kind: Serv_ice, name: ''}}\n",
		  "t:4:26: error: RequestAuthentication m/g spec.targetRef.kind: Serv_ice does not "
		  "match "
		  "^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$\n"
		  "t:4:42: error: RequestAuthentication m/g spec.targetRef.name: must not be "
		  "empty\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].problems)
			expect(&rows[i], 1);
}

/* maxLength counts characters, as Kubernetes does, not bytes. */
TEST(decode_counts_characters)
{
	struct buf label = BUF_INIT, wanted = BUF_INIT;

	for (int i = 0; i < 63; i++)
		buf_puts(&label, "\xc3\xa4");
	for (int more = 0; more < 2; more++) {
		cleanup(xfree_p) char *yaml =
			xasprintf("apiVersion: networking.istio.io/v1\nkind: DestinationRule\n"
				  "metadata: {name: d, namespace: m}\n"
				  "spec: {host: h, workloadSelector: {matchLabels: {a: '%s'}}}\n",
				  buf_str(&label));
		struct row row = { yaml,
				   more ? "t:4:53: error: DestinationRule m/d "
					  "spec.workloadSelector.matchLabels[a]: must have at "
					  "most 63 characters, not 64\n"
					: "" };

		expect(&row, 1);
		buf_puts(&label, "\xc3\xa4");
	}
	buf_fini(&label);
	buf_fini(&wanted);
}

TEST(decode_enums)
{
	static const struct row rows[] = {
		{ "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: s}\n"
		  "spec: {hosts: [a], location: MESH_INSIDE, resolution: 1}\n",
		  "t:4:30: error: ServiceEntry default/s spec.location: MESH_INSIDE is none of "
		  "MESH_EXTERNAL, MESH_INTERNAL\n"
		  "t:4:55: error: ServiceEntry default/s spec.resolution: must be a string, not "
		  "integer 1 (quote it?)\n" },
	};

	expect(rows, ARRAY_LEN(rows));
}

TEST(decode_required)
{
	static const struct row rows[] = {
		{ VS("  http:\n  - route: [{weight: 3}]\n    delegate: {}\n"),
		  "t:6:13: error: " IN "http[0].route[0].destination: required, but not there\n" },
		{ VS("  http:\n  - route: [{destination: {host: null}}]\n"),
		  "t:6:27: error: " IN
		  "http[0].route[0].destination.host: required, but not there\n" },
		{ "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: s}\n",
		  "t:1:1: error: ServiceEntry default/s spec: required, but not there\n" },
	};

	expect(rows, ARRAY_LEN(rows));
}

TEST(decode_null_is_absent)
{
	static const struct row rows[] = {
		{ VS("  hosts: null\n  gateways: ~\n  http:\n  - timeout:\n    route:\n"), "" },
	};
	const struct object *o;

	expect(rows, ARRAY_LEN(rows));
	o = help_object(rows[0].yaml);
	if (o) {
		const struct virtual_service *vs = o->body;

		CHECK(!vs->spec->hosts.set);
		CHECK_INT(vs->spec->http.n, 1);
		CHECK(!vs->spec->http.v[0].timeout.set);
	}
	object_unref(o);
}

TEST(decode_conditions)
{
	static const struct row rows[] = {
		{ VS("  http:\n  - match: [{uri: {exact: a, prefix: b}}]\n"),
		  "t:6:19: error: " IN
		  "http[0].match[0].uri: only one of exact, prefix and regex may be "
		  "set, not exact and prefix\n" },
		{ VS("  http:\n  - match: [{uri: {}}]\n"), "" },
		{ VS("  http:\n  - match: [{uri: {exact: a, prefix: null}}]\n"), "" },
		{ VS("  http:\n  - fault: {abort: {httpStatus: 500, grpcStatus: X}}\n"),
		  "t:6:20: error: " IN
		  "http[0].fault.abort: only one of httpStatus, grpcStatus and "
		  "http2Error may be set, not httpStatus and grpcStatus\n" },
		{ "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: d, "
		  "namespace: m}\nspec: {host: h, trafficPolicy: {loadBalancer: {consistentHash: "
		  "{useSourceIp: true, httpHeaderName: x, maglev: {}, ringHash: {}}}}}\n",
		  "t:4:64: error: DestinationRule m/d "
		  "spec.trafficPolicy.loadBalancer.consistentHash: "
		  "only one of httpHeaderName, httpCookie, useSourceIp and httpQueryParameterName "
		  "may "
		  "be set, not httpHeaderName and useSourceIp\n"
		  "t:4:64: error: DestinationRule m/d "
		  "spec.trafficPolicy.loadBalancer.consistentHash: "
		  "only one of ringHash and maglev may be set, not ringHash and maglev\n" },
	};

	expect(rows, ARRAY_LEN(rows));
}

TEST(decode_aliases)
{
	const struct object *o =
		help_object("apiVersion: security.istio.io/v1\nkind: RequestAuthentication\n"
			    "metadata: {name: a}\nspec: {jwtRules: [{issuer: i, jwks_uri: "
			    "'https://k'}]}\n");
	static const struct row rows[] = {
		{ VS("  http:\n  - {mirror_percent: 3, mirrorPercent: 4}\n"),
		  "t:6:40: error: " IN
		  "http[0]: mirrorPercent and mirror_percent are one field\n" },
	};

	if (o) {
		const struct request_authentication *ra = o->body;
		cleanup(xfree_p) char *json = help_print(o);

		CHECK_STR(ra->spec->jwt_rules.v[0].jwks_uri, "https://k");
		CHECK(strstr(json, "\"jwksUri\":\"https://k\""));
		CHECK(!strstr(json, "jwks_uri"));
	}
	object_unref(o);
	expect(rows, ARRAY_LEN(rows));
}

TEST(decode_unique_items)
{
	static const struct row rows[] = {
		{ "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: s}\n"
		  "spec:\n  hosts: [a]\n  ports:\n  - {name: x, number: 1}\n  - {name: x, number: "
		  "2}\n",
		  "t:8:5: error: ServiceEntry default/s spec.ports[1]: a second item of the same "
		  "name: "
		  "x\n" },
	};

	expect(rows, ARRAY_LEN(rows));
}

/* A hostile document costs bounded text: beyond the cap problems are only counted. */
TEST(decode_caps_problems)
{
	struct buf yaml = BUF_INIT;
	struct diag diag = DIAG_INIT;
	const struct object *o = NULL;

	buf_puts(&yaml, VS("  hosts:\n"));
	for (int i = 0; i < 3000; i++)
		buf_puts(&yaml, "  - 1\n");
	for (int i = 0; i < 3000; i++)
		buf_printf(&yaml, "  x%d: 1\n", i);
	CHECK_INT(help_decode(buf_str(&yaml), NULL, &o, &diag), DECODE_BAD);
	CHECK(!o);
	CHECK_INT(diag.n, DIAG_MAX);
	CHECK_INT(diag.n_errors, 3000);
	CHECK_INT(diag.n_warnings, 3000);
	diag_fini(&diag);
	buf_fini(&yaml);
}
