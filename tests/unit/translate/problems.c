/* Problems that bear on a proxy, endpoints, names of objects. */
#include "base/buf.h"
#include "base/err.h"
#include "explain_objects.h"
#include "kit.h"
#include "snapshot/snapshot.h"
#include "test.h"
#include "translate/explain.h"
#include "translate/impact.h"
#include "world/world.h"
#include <stdio.h>
#include <string.h>

TEST(object_names)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "KIND/NAMESPACE/NAME" },
		{ "Service", "KIND/NAMESPACE/NAME" },
		{ "Servic/shop/a", "Servic: no such kind" },
		{ "Service/a", "NAMESPACE/NAME expected" },
		{ "Service//a", "NAMESPACE/NAME expected" },
		{ "Service/shop/", "no name" },
		{ "Service/shop/a/b", "no name" },
		{ "Namespace/x/shop", "Namespace/NAME expected" },
	};
	struct arena a = ARENA_INIT;
	struct object_name o;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		e = ERR_INIT;
		CHECK(!object_name_parse(bad[i].text, &a, &o, &e));
		if (!CHECK(strstr(e.text, bad[i].why)))
			printf("%s: %s\n", bad[i].text, e.text);
	}
	CHECK(object_name_parse("NAMESPACE/shop", &a, &o, &e));
	CHECK_STR(o.ns, "");
	CHECK_STR(o.name, "shop");
	CHECK(object_name_parse("service/shop/a", &a, &o, &e));
	CHECK_STR(o.ns, "shop");
	CHECK_STR(o.name, "a");
	arena_fini(&a);
}

static void on_problem(void *ctx, unsigned query, uint32_t key, const struct diag *d)
{
	for (uint32_t i = 0; i < d->n; i++)
		if (!strstr(buf_str(ctx), d->v[i].object))
			buf_printf(ctx, "%s; ", d->v[i].object);
}

static void check_problems(struct kit *k, const struct engine_proxy *p, const char *expected)
{
	struct buf b = BUF_INIT;

	engine_problems(k->engine, p, on_problem, &b);
	CHECK_STR(buf_str(&b), expected);
	buf_fini(&b);
}

/* Each namespace has a route of its own for the same host; only one of them is in order. */
TEST(problems_of_a_proxy)
{
	struct kit k;
	struct engine_proxy *good, *bad, *other;

	kit_init(&k, NULL);
	kit_put(&k, SERVICE("a") RULE("a") ROUTE("a", "good", "v1") ROUTE("a", "bad", "nosuch"));
	good = kit_join(&k, &(struct kit_proxy){ .name = "g", .ns = "good" });
	bad = kit_join(&k, &(struct kit_proxy){ .name = "b", .ns = "bad" });
	other = kit_join(&k, &(struct kit_proxy){ .name = "b2", .ns = "bad" });
	CHECK(engine_class_of(bad) == engine_class_of(other));
	CHECK(engine_class_of(bad) != engine_class_of(good));
	check_problems(&k, good, "");
	check_problems(&k, bad, "VirtualService bad/a; ");
	kit_put(&k, ROUTE("a", "bad", "v1"));
	check_problems(&k, bad, "");
	kit_fini(&k);
}

static void on_shard(void *ctx, const char *host, const char *json, size_t len)
{
	CHECK_INT(strlen(json), len);
	buf_printf(ctx, "%s %s\n", host, json);
}

static void check_shards(struct kit *k, const char *ns, const char *expected)
{
	struct buf b = BUF_INIT;

	engine_shards(k->engine, ns, on_shard, &b);
	CHECK_STR(buf_str(&b), expected);
	buf_fini(&b);
}

TEST(shards)
{
	struct kit k;

	kit_init(&k, NULL);
	kit_put(&k,
		SERVICE("b") SLICE("b", "10.0.0.2") SERVICE("a") SLICE("a", "10.0.0.1")
			SERVICE("none") "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"
					"metadata: {name: e, namespace: out}\n"
					"spec: {hosts: [e.example.com], resolution: STATIC, ports: "
					"[{number: 443, name: tls, "
					"protocol: TLS}], endpoints: [{address: 192.0.2.1, weight: "
					"3, labels: {k: \"\\\"\"}}]}\n");
#define ENDPOINT(labels, ip, port_name, port, weight, ns, workload, health) \
	"{\"Labels\":{" labels \
	"\"topology.istio.io/cluster\":\"Kubernetes\"},\"Addresses\":[\"" ip \
	"\"],\"ServicePortName\":\"" port_name "\",\"ServiceAccount\":\"\",\"Network\":\"\"," \
	"\"Locality\":{\"Label\":\"\",\"ClusterID\":\"Kubernetes\"},\"EndpointPort\":" port \
	",\"LbWeight\":" weight ",\"TLSMode\":\"disabled\",\"Namespace\":\"" ns \
	"\",\"WorkloadName\":\"" workload "\",\"HostName\":\"\",\"SubDomain\":\"\"," \
	"\"HealthStatus\":" health ",\"NodeName\":\"\"}"
	check_shards(&k, "shop",
		     "a.shop.svc.cluster.local {\"Shards\":{\"Kubernetes/Kubernetes\":[" ENDPOINT(
			     "", "10.0.0.1", "http", "8080", "0", "", "",
			     "1") "]},"
				  "\"ServiceAccounts\":{}}\n"
				  "b.shop.svc.cluster.local "
				  "{\"Shards\":{\"Kubernetes/Kubernetes\":[" ENDPOINT(
					  "", "10.0.0.2", "http", "8080", "0", "", "",
					  "1") "]},"
					       "\"ServiceAccounts\":{}}\n");
	check_shards(&k, "out",
		     "e.example.com {\"Shards\":{\"External/Kubernetes\":[" ENDPOINT(
			     "\"k\":\"\\\"\",", "192.0.2.1", "tls", "443", "3", "out", "e-0",
			     "0") "]},\"ServiceAccounts\":{}}\n");
	check_shards(&k, "nowhere", "");
	CHECK(engine_commit(k.engine, 0, NULL, NULL));
	struct err e = ERR_INIT;
	CHECK(engine_verify(k.engine, &e));
	kit_fini(&k);
}
