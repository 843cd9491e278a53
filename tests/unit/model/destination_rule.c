/* DestinationRules: which one applies to whom, merging, and what it says for a port. */
#include "model/destination_rule.h"
#include "base/buf.h"
#include "harness.h"
#include <string.h>

#define SVC(name, ns) \
	"---\napiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: " ns \
	"}\nspec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]}\n"
/* The rule is told by its maxConnections. */
#define DR(name, ns, host, max, more) \
	"---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: " name \
	", namespace: " ns "}\nspec: {host: '" host \
	"', trafficPolicy: {connectionPool: {tcp: {maxConnections: " max "}}}" more "}\n"

struct view {
	const char *ns, *host;
	bool inbound;
	struct buf out;
};

static void show(struct run *r, void *ctx)
{
	struct view *v = ctx;
	const struct service *s = service_read(r, run_key(r, v->ns), run_key(r, v->host));
	const struct applied_rule *rule = destination_rule_for(r, s, !v->inbound);

	buf_reset(&v->out);
	if (!rule) {
		buf_puts(&v->out, "-");
		return;
	}
	buf_printf(&v->out, "%s/%s", rule->first->ns, rule->first->name);
	if (rule->policy && rule->policy->connection_pool)
		buf_printf(&v->out, " %d",
			   (int)rule->policy->connection_pool->tcp->max_connections.v);
	for (uint32_t i = 0; i < rule->n_subsets; i++)
		buf_printf(&v->out, " %s", rule->subsets[i]->name);
}

static void check_rule(struct harness *h, uint32_t proxy, const char *want)
{
	struct view v = { "app", "pay.app.svc.cluster.local", false, BUF_INIT };

	harness_run(h, proxy, show, &v);
	CHECK_STR(buf_str(&v.out), want);
	buf_fini(&v.out);
}

TEST(rule_namespace_precedence)
{
	struct harness *h = harness_new(SVC("pay", "app"), NULL);
	uint32_t near = harness_sidecar(h, "a", "cli", "10.1.0.1");
	uint32_t far = harness_sidecar(h, "b", "zoo", "10.1.0.2");
	uint32_t local = harness_sidecar(h, "c", "app", "10.1.0.3");
	uint32_t root = harness_sidecar(h, "d", "istio-system", "10.1.0.4");

	check_rule(h, near, "-");
	harness_put(h, DR("root", "istio-system", "pay.app.svc.cluster.local", "3", ""));
	check_rule(h, near, "istio-system/root 3");
	check_rule(h, root, "istio-system/root 3");
	harness_put(h, DR("service", "app", "pay", "2", ""));
	check_rule(h, far, "app/service 2");
	check_rule(h, root, "app/service 2");
	harness_put(h, DR("client", "cli", "pay.app.svc.cluster.local", "1", ""));
	check_rule(h, near, "cli/client 1");
	check_rule(h, far, "app/service 2");
	check_rule(h, local, "app/service 2");
	harness_free(h);
}

TEST(rule_export_to)
{
	struct harness *h = harness_new(SVC("pay", "app"), NULL);
	uint32_t in = harness_sidecar(h, "a", "app", "10.1.0.1");
	uint32_t out = harness_sidecar(h, "b", "zoo", "10.1.0.2");
	uint32_t root = harness_sidecar(h, "c", "istio-system", "10.1.0.3");

	harness_put(h, DR("own", "app", "pay", "1", ", exportTo: ['.']"));
	check_rule(h, in, "app/own 1");
	check_rule(h, out, "-");
	/* Exported to one namespace only; not in the index of its own. */
	harness_put(h, DR("own", "app", "pay", "1", ", exportTo: [zoo]"));
	check_rule(h, out, "app/own 1");
	check_rule(h, in, "-");
	check_rule(h, root, "-");
	/* Private rules of the root namespace are for its own proxies. */
	harness_put(h, DR("own", "app", "pay", "1", "")
			       DR("r", "istio-system", "pay.app.svc.cluster.local", "9",
				  ", exportTo: ['.']"));
	check_rule(h, root, "istio-system/r 9");
	check_rule(h, out, "app/own 1");
	harness_free(h);
}

TEST(rule_mesh_default_private)
{
	struct harness *h = harness_new(SVC("pay", "app") DR("own", "app", "pay", "1", ""),
					"defaultDestinationRuleExportTo: ['.']\n");

	check_rule(h, harness_sidecar(h, "a", "app", "10.1.0.1"), "app/own 1");
	check_rule(h, harness_sidecar(h, "b", "zoo", "10.1.0.2"), "-");
	harness_free(h);
}

TEST(rule_most_specific_host)
{
	struct harness *h = harness_new(SVC("pay", "app"), NULL);
	uint32_t c = harness_sidecar(h, "a", "zoo", "10.1.0.1");

	harness_put(h, DR("all", "app", "*", "1", ""));
	check_rule(h, c, "app/all 1");
	harness_put(h, DR("local", "app", "*.local", "2", ""));
	check_rule(h, c, "app/local 2");
	harness_put(h, DR("ns", "app", "*.app.svc.cluster.local", "3", ""));
	check_rule(h, c, "app/ns 3");
	harness_put(h, DR("one", "app", "PAY.app.svc.cluster.local", "4", ""));
	check_rule(h, c, "app/one 4");
	harness_delete(h, KIND_DESTINATION_RULE, "app", "ns");
	harness_delete(h, KIND_DESTINATION_RULE, "app", "one");
	check_rule(h, c, "app/local 2");
	/* The namespace decides before the host does. */
	harness_put(h, DR("mine", "zoo", "*", "5", ""));
	check_rule(h, c, "zoo/mine 5");
	harness_free(h);
}

TEST(rule_workload_selector)
{
	struct harness *h = harness_new(
		SVC("pay", "app") DR("general", "app", "pay", "1", ", subsets: [{name: v1}]")
			DR("gold", "app", "pay", "2",
			   ", workloadSelector: {matchLabels: {tier: gold}}"),
		NULL);
	uint32_t plain = harness_sidecar(h, "a", "app", "10.1.0.1");
	uint32_t gold =
		harness_proxy(h, "{\"id\": \"sidecar~10.1.0.2~g.app~app.svc.cluster.local\", "
				 "\"metadata\": {\"NAMESPACE\": \"app\", \"LABELS\": {\"tier\": "
				 "\"gold\"}}}");
	uint32_t foreign =
		harness_proxy(h, "{\"id\": \"sidecar~10.1.0.3~g.zoo~zoo.svc.cluster.local\", "
				 "\"metadata\": {\"NAMESPACE\": \"zoo\", \"LABELS\": "
				 "{\"tier\": \"gold\"}}}");
	struct view v = { "app", "pay.app.svc.cluster.local", true, BUF_INIT };

	check_rule(h, plain, "app/general 1 v1");
	check_rule(h, gold, "app/gold 2");
	check_rule(h, foreign, "app/general 1 v1");
	harness_run(h, gold, show, &v);
	CHECK_STR(buf_str(&v.out), "app/general 1 v1"); /* inbound: selectors do not count */
	buf_fini(&v.out);
	harness_delete(h, KIND_DESTINATION_RULE, "app", "general");
	check_rule(h, plain, "-");
	harness_free(h);
}

#define AGED(name, ns, year, spec) \
	"---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: " name \
	", namespace: " ns ", creationTimestamp: '" year "-01-01T00:00:00Z'}\nspec: " spec "\n"

TEST(rule_merge)
{
	struct harness *h = harness_new(SVC("pay", "app"), NULL);
	uint32_t c = harness_sidecar(h, "a", "zoo", "10.1.0.1");
	uint32_t in = harness_sidecar(h, "b", "app", "10.1.0.2");

	/* The oldest gives the policy, all give subsets, the first of a name stays. */
	harness_put(
		h,
		AGED("b", "app", "2020", "{host: pay, subsets: [{name: v1, labels: {a: b}}]}") AGED(
			"a", "app", "2021",
			"{host: pay, trafficPolicy: {connectionPool: {tcp: {maxConnections: 7}}}, "
			"subsets: [{name: v2}, {name: v1}]}")
			AGED("c", "app", "2022",
			     "{host: pay, trafficPolicy: {connectionPool: {tcp: "
			     "{maxConnections: 8}}}, subsets: [{name: v3}]}"));
	check_rule(h, c, "app/b 7 v1 v2 v3");
	/* Different exportTo: a rule of its own; the last one counts. */
	harness_put(h, AGED("d", "app", "2023",
			    "{host: pay, exportTo: [zoo], trafficPolicy: {connectionPool: {tcp: "
			    "{maxConnections: 9}}}}"));
	check_rule(h, c, "app/d 9");
	check_rule(h, in, "app/b 7 v1 v2 v3");
	harness_free(h);
}

TEST(rule_gateway_policy_fills_gaps)
{
	struct harness *h = harness_new(SVC("pay", "app"), NULL);
	uint32_t c = harness_sidecar(h, "a", "zoo", "10.1.0.1");

	harness_put(h, "apiVersion: networking.istio.io/v1\n"
		       "kind: DestinationRule\n"
		       "metadata:\n"
		       "  name: gw\n"
		       "  namespace: app\n"
		       "  creationTimestamp: '2019-01-01T00:00:00Z'\n"
		       "  annotations: {internal.istio.io/parents: x}\n"
		       "spec: {host: pay, trafficPolicy: {connectionPool: {tcp: {maxConnections: "
		       "1}}, tls: {mode: "
		       "SIMPLE}}}\n" AGED("user", "app", "2020",
					  "{host: pay, trafficPolicy: {connectionPool: {tcp: "
					  "{maxConnections: 5}}}}"));
	check_rule(h, c, "app/gw 5");
	harness_free(h);
}

static void show_policies(struct run *r, void *ctx)
{
	struct view *v = ctx;
	const struct service *s = service_read(r, run_key(r, v->ns), run_key(r, v->host));
	const struct applied_rule *rule = destination_rule_for(r, s, true);
	static const char *const subsets[] = { NULL, "plain", "own", "ports" };
	static const uint16_t ports[] = { 80, 90 };

	for (size_t i = 0; i < ARRAY_LEN(subsets); i++)
		for (size_t j = 0; j < ARRAY_LEN(ports); j++) {
			const struct subset *sub = subset_find(rule, subsets[i]);
			struct port_policy p = port_policy_of(rule, ports[j], sub);
			const struct client_tls_settings *tls =
				endpoint_tls_of(rule, ports[j], sub);

			buf_printf(&v->out,
				   "%s:%u pool=%d lb=%d outlier=%d tls=%d tunnel=%d etls=%d\n",
				   str_or(subsets[i], "-"), ports[j],
				   p.connection_pool
					   ? (int)p.connection_pool->tcp->max_connections.v
					   : 0,
				   p.load_balancer ? (int)p.load_balancer->simple : 0,
				   p.outlier_detection != NULL, p.tls ? (int)p.tls->mode : 0,
				   p.tunnel != NULL, tls ? (int)tls->mode : 0);
		}
}

TEST(rule_policy_of_port)
{
	struct harness *h = harness_new(
		SVC("pay", "app") AGED(
			"r", "app", "2020",
			"{host: pay, trafficPolicy: {connectionPool: {tcp: {maxConnections: 1}}, "
			"outlierDetection: {}, tls: {mode: SIMPLE}, tunnel: {targetHost: t.x, "
			"targetPort: 1}, "
			"portLevelSettings: [{port: {number: 90}, connectionPool: {tcp: "
			"{maxConnections: "
			"2}}}]}, subsets: [{name: plain}, {name: own, trafficPolicy: "
			"{connectionPool: {tcp: "
			"{maxConnections: 3}}}}, {name: ports, trafficPolicy: {connectionPool: "
			"{tcp: "
			"{maxConnections: 4}}, portLevelSettings: [{port: {number: 80}, "
			"loadBalancer: "
			"{simple: RANDOM}}]}}]}"),
		NULL);
	struct view v = { "app", "pay.app.svc.cluster.local", false, BUF_INIT };
	static const char want[] = "-:80 pool=1 lb=0 outlier=1 tls=2 tunnel=1 etls=2\n"
				   "-:90 pool=2 lb=0 outlier=0 tls=0 tunnel=0 etls=2\n"
				   "plain:80 pool=1 lb=0 outlier=1 tls=2 tunnel=1 etls=2\n"
				   "plain:90 pool=2 lb=0 outlier=0 tls=0 tunnel=0 etls=2\n"
				   "own:80 pool=3 lb=0 outlier=1 tls=2 tunnel=1 etls=2\n"
				   "own:90 pool=3 lb=0 outlier=0 tls=0 tunnel=0 etls=2\n"
				   "ports:80 pool=0 lb=3 outlier=0 tls=0 tunnel=1 etls=2\n"
				   "ports:90 pool=4 lb=0 outlier=0 tls=0 tunnel=0 etls=2\n";

	harness_run(h, harness_sidecar(h, "a", "zoo", "10.1.0.1"), show_policies, &v);
	CHECK_STR(buf_str(&v.out), want);
	buf_fini(&v.out);
	harness_free(h);
}

/* A public rule next to its service splits nothing; a rule of a client's namespace splits that one off. */
TEST(rule_questions)
{
	struct harness *h = harness_new(SVC("pay", "app") DR("r", "app", "pay", "1", ""), NULL);
	struct view v[3];
	struct graph_stats before, after;

	for (unsigned i = 0; i < 3; i++)
		v[i] = (struct view){ "app", "pay.app.svc.cluster.local", false, BUF_INIT };
	harness_commit(h);
	graph_stats(world_graph(harness_world(h)), &before);
	harness_watch(h, harness_sidecar(h, "a", "cli", "10.1.0.1"), show, &v[0]);
	harness_watch(h, harness_sidecar(h, "b", "app", "10.1.0.2"), show, &v[1]);
	harness_watch(h, harness_sidecar(h, "c", "zoo", "10.1.0.3"), show, &v[2]);
	graph_stats(world_graph(harness_world(h)), &after);
	CHECK_INT(after.n_paths, before.n_paths);
	/* An edit of the rule is seen by all three. */
	harness_put(h, DR("r", "app", "pay", "2", ""));
	CHECK_INT(harness_commit(h), 3);
	harness_put(h, DR("r", "cli", "pay.app.svc.cluster.local", "3", ""));
	harness_commit(h);
	CHECK_STR(buf_str(&v[0].out), "cli/r 3");
	CHECK_STR(buf_str(&v[1].out), "app/r 2");
	CHECK_STR(buf_str(&v[2].out), "app/r 2");
	for (unsigned i = 0; i < 3; i++)
		buf_fini(&v[i].out);
	harness_free(h);
}
