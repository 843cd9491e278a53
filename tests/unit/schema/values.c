/* What decoding makes of right documents: each kind of field. */
#include "base/clock.h"
#include "doc/read.h"
#include "help.h"

#include <string.h>

TEST(values_of_a_virtual_service)
{
	const struct object *o =
		help_object("apiVersion: networking.istio.io/v1beta1\n"
			    "kind: VirtualService\n"
			    "metadata:\n"
			    "  name: reviews\n"
			    "  namespace: shop\n"
			    "  labels: {z: '1', a: '2'}\n"
			    "  creationTimestamp: '2024-01-31T10:20:30Z'\n"
			    "spec:\n"
			    "  hosts: [reviews, '*.com']\n"
			    "  http:\n"
			    "  - name: first\n"
			    "    match:\n"
			    "    - headers: {x-z: {regex: a.*}, x-a: {exact: b}}\n"
			    "      ignoreUriCase: true\n"
			    "    mirrorPercentage: {value: 12.5}\n"
			    "    route:\n"
			    "    - destination: {host: reviews, port: {number: 8080.0}}\n"
			    "      weight: 90\n"
			    "    timeout: 1m30s\n"
			    "    directResponse: {status: 1e2, body: {bytes: AAE=}}\n");
	const struct virtual_service *vs;
	const struct http_route *r;

	if (!CHECK(o))
		return;
	vs = o->body;
	CHECK_INT(o->kind, KIND_VIRTUAL_SERVICE);
	CHECK_STR(o->api_version, "networking.istio.io/v1beta1");
	CHECK_STR(o->ns, "shop");
	CHECK_STR(o->name, "reviews");
	CHECK(o->name == o->meta->name);
	CHECK_STR(o->cluster, "");
	CHECK_INT(o->created_s, 1706696430);
	CHECK_STR(o->place.file, "t");
	CHECK_INT(o->place.line, 1);
	CHECK_INT(o->meta->labels.n, 2);
	CHECK_STR(o->meta->labels.v[0].key, "a");
	CHECK_STR(str_map_get(&o->meta->labels, "z"), "1");
	CHECK(!str_map_get(&o->meta->labels, "b"));
	CHECK_INT(vs->spec->hosts.n, 2);
	CHECK_STR(vs->spec->hosts.v[1], "*.com");
	CHECK(!vs->spec->gateways.set);
	CHECK(!vs->status);
	r = vs->spec->http.v;
	CHECK_STR(r->name, "first");
	CHECK_STR(r->match.v[0].headers.v[0].key, "x-a");
	CHECK_STR(r->match.v[0].headers.v[0].value.exact, "b");
	CHECK_STR(r->match.v[0].headers.v[1].value.regex, "a.*");
	CHECK(r->match.v[0].ignore_uri_case.v);
	CHECK(r->mirror_percentage->value.v == 12.5);
	CHECK_INT(r->route.v[0].destination->port->number.v, 8080);
	CHECK_INT(r->route.v[0].weight.v, 90);
	CHECK_INT(r->timeout.v, 90 * NS_PER_S);
	CHECK_INT(r->direct_response->status.v, 100);
	CHECK_INT(r->direct_response->body->bytes.n, 2);
	CHECK_INT(r->direct_response->body->bytes.v[1], 1);
	CHECK(!r->fault);
	object_unref(o);
}

TEST(values_of_core_kinds)
{
	const struct object *svc = help_object(
		"apiVersion: v1\nkind: Service\nmetadata: {name: s, annotations: {a: }}\n"
		"spec: {ports: [{port: 80, targetPort: http}, {port: 81, targetPort: 8081}], "
		"clusterIPs: []}\n");
	const struct object *eps = help_object(
		"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: e}\n"
		"addressType: IPv4\nendpoints: [{addresses: [10.0.0.1], conditions: {ready: "
		"false}}]\n"
		"ports: [{name: p, port: 80}]\n");
	const struct object *secret =
		help_object("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"
			    "data: {tls.key: a2V5, ca.crt: Y2E=}\n");
	const struct object *dr = help_object(
		"apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: d}\n"
		"spec: {host: h, trafficPolicy: {loadBalancer: {simple: LEAST_REQUEST, "
		"localityLbSetting: {distribute: [{from: a, to: {z: 30, x: 70}}]}}}}\n");

	if (CHECK(svc)) {
		const struct kube_service *s = svc->body;

		CHECK(s->spec->ports.v[0].target_port.is_str);
		CHECK_STR(s->spec->ports.v[0].target_port.s, "http");
		CHECK_INT(s->spec->ports.v[1].target_port.i, 8081);
		CHECK(s->spec->cluster_ips.set && !s->spec->cluster_ips.n);
		CHECK_STR(str_map_get(&svc->meta->annotations, "a"), "");
	}
	if (CHECK(eps)) {
		const struct endpoint_slice *e = eps->body;

		CHECK_STR(e->endpoints.v[0].addresses.v[0], "10.0.0.1");
		CHECK(e->endpoints.v[0].conditions->ready.set);
		CHECK(!e->endpoints.v[0].conditions->ready.v);
		CHECK_INT(e->ports.v[0].port.v, 80);
	}
	if (CHECK(secret)) {
		const struct secret *s = secret->body;

		CHECK_STR(s->data.v[0].key, "ca.crt");
		CHECK_INT(s->data.v[1].value.n, 3);
		CHECK(!memcmp(s->data.v[1].value.v, "key", 3));
	}
	if (CHECK(dr)) {
		const struct load_balancer_settings *lb =
			((const struct destination_rule *)dr->body)
				->spec->traffic_policy->load_balancer;
		const struct locality_lb_distribute *d = lb->locality_lb_setting->distribute.v;

		CHECK_INT(lb->simple, LOAD_BALANCER_SETTINGS_SIMPLE_LEAST_REQUEST);
		CHECK_STR(d->to.v[0].key, "x");
		CHECK_INT(d->to.v[0].value, 70);
		CHECK_INT(d->to.v[1].value, 30);
	}
	object_unref(svc);
	object_unref(eps);
	object_unref(secret);
	object_unref(dr);
}

TEST(values_free_form)
{
	const struct object *o = help_object(
		"apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: f}\n"
		"spec: {configPatches: [{applyTo: CLUSTER, patch: {operation: MERGE, value: {b: "
		"[1, "
		"2.50, 'x'], a: ~}}}]}\n");

	if (CHECK(o)) {
		const struct envoy_filter *f = o->body;
		const struct node *v = f->spec->config_patches.v[0].patch->value;
		cleanup(xfree_p) char *json = help_print(o);

		CHECK_INT(node_get(v, "b")->seq[0]->i, 1);
		CHECK_STR(node_get(v, "b")->seq[2]->s, "x");
		CHECK_STR(v->place.file, "t");
		CHECK(v->place.file == o->place.file);
		CHECK(strstr(json, "\"value\":{\"b\":[1,2.50,\"x\"],\"a\":null}"));
	}
	object_unref(o);
}

/* Structs that are no objects live in the caller's arena and outlive document and file name. */
TEST(values_of_mesh_config)
{
	char text[] = "defaultConfig: {drainDuration: 45s, proxyMetadata: {A: b}, concurrency: 2}\n"
		      "rootNamespace: istio-system\n"
		      "extensionProviders: [{name: p, zipkin: {service: z, port: 9411}}]\n"
		      "newThing: 3\n";
	struct arena doc = ARENA_INIT, mine = ARENA_INIT;
	struct docs docs = { 0 };
	struct diag diag = DIAG_INIT;
	const struct mesh_config *m;
	char *problems;

	CHECK(yaml_read(text, strlen(text), "mesh", &doc, &docs, &diag));
	m = struct_decode(&mesh_config_type, docs.v[0], &mine, "mesh", false, &diag);
	CHECK(struct_decode(&mesh_config_type, docs.v[0], &mine, "", true, &diag));
	arena_fini(&doc);
	memset(text, 'x', sizeof text - 1);
	problems = help_problems(&diag);
	CHECK_STR(problems, "mesh:4:1: warning: mesh.newThing: unknown field\n");
	if (CHECK(m)) {
		struct buf b = BUF_INIT;

		CHECK_INT(m->default_config->drain_duration.v, 45 * NS_PER_S);
		CHECK_STR(str_map_get(&m->default_config->proxy_metadata, "A"), "b");
		CHECK_STR(m->root_namespace, "istio-system");
		struct_print(&mesh_config_type, m, &b, false);
		CHECK_STR(
			buf_str(&b),
			"{\"defaultConfig\":{\"concurrency\":2,\"drainDuration\":\"45s\","
			"\"proxyMetadata\":{\"A\":\"b\"}},\"extensionProviders\":[{\"name\":\"p\","
			"\"zipkin\":{\"port\":9411,\"service\":\"z\"}}],\"rootNamespace\":"
			"\"istio-system\"}");
		buf_fini(&b);
	}
	xfree(problems);
	diag_fini(&diag);
	arena_fini(&mine);
}

TEST(values_struct_errors)
{
	const char *text = "{defaultConfig: {drainDuration: 45, concurrency: x}}";
	struct arena a = ARENA_INIT;
	struct docs docs = { 0 };
	struct diag diag = DIAG_INIT;
	char *problems;

	CHECK(yaml_read(text, strlen(text), "m", &a, &docs, &diag));
	CHECK(!struct_decode(&mesh_config_type, docs.v[0], &a, "", false, &diag));
	problems = help_problems(&diag);
	CHECK_STR(problems,
		  "m:1:33: error: defaultConfig.drainDuration: must be a duration such as "
		  "1.5s or 1h30m, not integer 45\n"
		  "m:1:50: error: defaultConfig.concurrency: must be an integer, not string "
		  "x\n");
	xfree(problems);
	diag_fini(&diag);
	arena_fini(&a);
}
