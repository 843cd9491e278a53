/* What the engine tells about what it made: objects behind a resource, problems that bear on a proxy, endpoints. */
#include "base/buf.h"
#include "base/err.h"
#include "kit.h"
#include "test.h"
#include <stdio.h>
#include <string.h>

#define SERVICE(name) \
	"apiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: shop}\n" \
	"spec: {clusterIP: 10.96.0.1, selector: {app: " name \
	"}, ports: [{name: http, port: 80}]}\n---\n"
#define SLICE(name, ip) \
	"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n" \
	"metadata: {name: " name "-s, namespace: shop, labels: {kubernetes.io/service-name: " name \
	"}}\n" \
	"addressType: IPv4\nports: [{name: http, port: 8080}]\n" \
	"endpoints: [{addresses: [" ip "]}]\n---\n"
#define ROUTE(name, ns, subset) \
	"apiVersion: networking.istio.io/v1\nkind: VirtualService\n" \
	"metadata: {name: " name ", namespace: " ns "}\n" \
	"spec: {exportTo: [\".\"], hosts: [" name \
	".shop.svc.cluster.local], http: [{route: [{destination: " \
	"{host: " name ".shop.svc.cluster.local, subset: " subset "}}]}]}\n---\n"
#define RULE(name) \
	"apiVersion: networking.istio.io/v1\nkind: DestinationRule\n" \
	"metadata: {name: " name ", namespace: shop}\n" \
	"spec: {host: " name ", subsets: [{name: v1, labels: {version: v1}}]}\n---\n"

static void on_object(void *ctx, const struct object *o)
{
	char title[OBJECT_TITLE];

	buf_printf(ctx, "%s; ", object_title(o, title));
}

static void check_explain(struct kit *k, const struct engine_proxy *p, enum xds_type type,
			  const char *resource, const char *expected)
{
	struct buf b = BUF_INIT;
	bool there = engine_explain(k->engine, p, type, resource, on_object, &b);

	CHECK_INT(there, expected != NULL);
	CHECK_STR(buf_str(&b), str_or(expected, ""));
	buf_fini(&b);
}

/* Objects of the resource itself, not those of its neighbours, nor what the lists around it were made from. */
TEST(explain)
{
	struct kit k;
	struct engine_proxy *p;

	kit_init(&k, NULL);
	kit_put(&k, SERVICE("a") SLICE("a", "10.0.0.1") SERVICE("b") SLICE("b", "10.0.0.2")
			    RULE("a") ROUTE("a", "default", "v1"));
	p = kit_join(&k, &(struct kit_proxy){ .name = "me" });
	/* Clusters are made from endpoints for their service accounts. */
	check_explain(&k, p, XDS_CDS, "outbound|80||a.shop.svc.cluster.local",
		      "DestinationRule shop/a; EndpointSlice shop/a-s; Service shop/a; ");
	check_explain(&k, p, XDS_CDS, "outbound|80|v1|a.shop.svc.cluster.local",
		      "DestinationRule shop/a; EndpointSlice shop/a-s; Service shop/a; ");
	check_explain(&k, p, XDS_CDS, "outbound|80||b.shop.svc.cluster.local",
		      "EndpointSlice shop/b-s; Service shop/b; ");
	check_explain(&k, p, XDS_CDS, "BlackHoleCluster", "");
	check_explain(&k, p, XDS_EDS, "outbound|80||b.shop.svc.cluster.local",
		      "EndpointSlice shop/b-s; Service shop/b; ");
	check_explain(&k, p, XDS_RDS, "80",
		      "DestinationRule shop/a; Service shop/a; Service shop/b; "
		      "VirtualService default/a; ");
	check_explain(&k, p, XDS_CDS, "no such cluster", NULL);
	check_explain(&k, p, XDS_SDS, "default", NULL);
	kit_fini(&k);
}

/* Two classes with one content share their snapshot, but each has a tree of its own. */
TEST(explain_shared_snapshot)
{
	struct kit k;
	struct engine_proxy *p[2];

	kit_init(&k, NULL);
	kit_put(&k, SERVICE("a") RULE("a"));
	p[0] = kit_join(&k, &(struct kit_proxy){ .name = "one", .ns = "n1" });
	p[1] = kit_join(&k, &(struct kit_proxy){ .name = "two", .ns = "n2" });
	for (unsigned i = 0; i < 2; i++)
		check_explain(&k, p[i], XDS_CDS, "outbound|80||a.shop.svc.cluster.local",
			      "DestinationRule shop/a; Service shop/a; ");
	kit_fini(&k);
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
