/* Printing: the whole document again, in the order of the schema; decoding it gives an equal object. */
#include "doc/read.h"
#include "help.h"

#include <string.h>

TEST(print_whole_objects)
{
	static const struct row {
		const char *yaml, *json;
	} rows[] = {
		{ "kind: Service\napiVersion: v1\nmetadata: {namespace: m, name: s, labels: {b: "
		  "'2', a: "
		  "'1'}}\nspec: {type: ExternalName, ports: [{targetPort: 80, port: 80}]}\n",
		  "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"labels\":{\"a\":"
		  "\"1\","
		  "\"b\":\"2\"},\"name\":\"s\",\"namespace\":\"m\"},\"spec\":{\"ports\":[{\"port\":"
		  "80,"
		  "\"targetPort\":80}],\"type\":\"ExternalName\"}}" },
		{ "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: d, "
		  "creationTimestamp: '2024-01-01T02:00:00+02:00'}\nspec:\n  host: h\n  "
		  "trafficPolicy:\n"
		  "    outlierDetection: {interval: 1m, baseEjectionTime: 100ms}\n    tls: {mode: "
		  "SIMPLE, "
		  "insecureSkipVerify: false}\n  subsets: []\n",
		  "{\"apiVersion\":\"networking.istio.io/"
		  "v1\",\"kind\":\"DestinationRule\",\"metadata\":"
		  "{\"creationTimestamp\":\"2024-01-01T00:00:00Z\",\"name\":\"d\",\"namespace\":"
		  "\"default\"},\"spec\":{\"host\":\"h\",\"subsets\":[],\"trafficPolicy\":{"
		  "\"outlierDetection\":{\"baseEjectionTime\":\"0.100s\",\"interval\":\"60s\"},"
		  "\"tls\":{"
		  "\"insecureSkipVerify\":false,\"mode\":\"SIMPLE\"}}}}" },
		{ "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {k: AAEC}\n",
		  "{\"apiVersion\":\"v1\",\"data\":{\"k\":\"AAEC\"},\"kind\":\"Secret\"}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows) - 1; i++) {
		const struct object *o = help_object(rows[i].yaml);
		cleanup(xfree_p) char *json = NULL;

		if (o) {
			json = help_print(o);
			CHECK_STR(json, rows[i].json);
		}
		object_unref(o);
	}
}

/* decode(print(x)) equals x, for one object of each shape of field. */
TEST(print_decodes_again)
{
	static const char *const yamls[] = {
		"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {k: AAEC, e: ''}\n",
		"apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: {name: w}\n"
		"spec: {address: a, ports: {http: 80, x: 1}, weight: 0, labels: {}}\n",
		"apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: d}\n"
		"spec: {host: h, trafficPolicy: {outlierDetection: "
		"{outlierDetectionHttpErrorCodes: "
		"[500, 503]}, loadBalancer: {warmup: {duration: 1h, aggression: 1.25}}}}\n",
		"apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: f}\n"
		"spec: {configPatches: [{applyTo: CLUSTER, patch: {operation: MERGE, value: {b: "
		"[1.0, "
		"-0.0, -00., 1e300, 18446744073709551616, \"\\u2028\"], a: {x: ~, w: {}}}}}]}\n",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: p, deletionTimestamp: "
		"'2024-01-01T00:00:00.25Z', ownerReferences: [{kind: X, controller: true}]}\n"
		"status: {podIPs: [{ip: 10.0.0.1}], startTime: '1960-02-29T12:00:00Z'}\n",
		"apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: {name: t}\n"
		"spec: {tracing: [{customTags: {b: {literal: {value: v}}, a: {header: {name: "
		"h}}}}]}\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(yamls); i++) {
		struct diag diag = DIAG_INIT;
		const struct object *o = NULL, *again = NULL;
		cleanup(xfree_p) char *json = NULL, *json2 = NULL;

		if (help_decode(yamls[i], NULL, &o, &diag) == DECODE_OK) {
			json = help_print(o);
			CHECK_INT(help_decode(json, NULL, &again, &diag), DECODE_OK);
		}
		if (again) {
			json2 = help_print(again);
			CHECK_STR(json2, json);
			CHECK(object_equal(o, again));
		} else {
			cleanup(xfree_p) char *problems = help_problems(&diag);

			CHECK_STR(problems, "");
			CHECK(again);
		}
		object_unref(o);
		object_unref(again);
		diag_fini(&diag);
	}
}

TEST(print_pretty)
{
	const struct object *o =
		help_object("{apiVersion: v1, kind: Namespace, metadata: {name: a}}");
	struct buf b = BUF_INIT;

	if (o)
		object_print(o, &b, true);
	CHECK_STR(buf_str(&b), "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"Namespace\",\n"
			       "  \"metadata\": {\n    \"name\": \"a\"\n  }\n}");
	buf_fini(&b);
	object_unref(o);
}
