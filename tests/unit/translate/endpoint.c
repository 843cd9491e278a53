/* Endpoints: which ones a proxy gets, and in which order of preference. */
#include "kit.h"
#include "test.h"
#include "translate/queries.h"
#include <stdio.h>
#include <string.h>

#define NAME "outbound|80||a.default.svc.cluster.local"
#define POD(name, ip, more, node) \
	"apiVersion: v1\nkind: Pod\nmetadata: {name: " name \
	", namespace: default, labels: {app: a, " \
	"security.istio.io/tlsMode: istio" more "}}\n" \
	"spec: {serviceAccountName: a, nodeName: " node ", containers: [{name: c}]}\n" \
	"status: {podIP: " ip ", podIPs: [{ip: " ip \
	"}], conditions: [{type: Ready, status: \"True\"}]}\n---\n"
#define AT(name, ip, more) \
	"- {addresses: [" ip "], targetRef: {kind: Pod, name: " name ", namespace: default}" more \
	"}\n"
#define SERVICE(more) \
	"apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: default}\n" \
	"spec: {clusterIP: 10.96.0.1, selector: {app: a}, ports: [{name: http, port: 80}]" more \
	"}\n---\n"
#define SLICE \
	"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n" \
	"metadata: {name: a-s, namespace: default, labels: {kubernetes.io/service-name: a}}\n" \
	"addressType: IPv4\nports: [{name: http, port: 8080}]\nendpoints:\n"
/* One in r1/z1, one in r1/z2, one in r2/z1, one in r3/z1. */
#define FOUR \
	POD("p1", "10.0.0.1", ", topology.istio.io/locality: r1.z1, version: v1", "n1") \
	POD("p2", "10.0.0.2", ", topology.istio.io/locality: r1.z2, version: v2", "n2") \
	POD("p3", "10.0.0.3", ", topology.istio.io/locality: r2.z1, version: v1", "n3") \
	POD("p4", "10.0.0.4", ", topology.istio.io/locality: r3.z1, version: v2", "n4") \
	SLICE AT("p1", "10.0.0.1", "") AT("p2", "10.0.0.2", "") AT("p3", "10.0.0.3", "") \
		AT("p4", "10.0.0.4", "")
#define RULE(policy) \
	"---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\n" \
	"metadata: {name: a, namespace: default}\nspec:\n  host: a\n  trafficPolicy: " policy "\n"
#define OUTLIER "outlierDetection: {consecutive5xxErrors: 3}"

/* The groups of an assignment in short: "r1/z1:1=10.0.0.1,10.0.0.2 ..." with weight, and "@n" for a priority. */
static const char *brief(struct kit *k, const char *json)
{
	const char *out = "", *p = json;

	while ((p = strstr(p, "{\"locality\":"))) {
		const char *end = strstr(p + 1, "{\"locality\":"), *q;
		const char *group = end ? arena_strndup(&k->arena, p, (size_t)(end - p))
					: arena_strdup(&k->arena, p);
		char region[16] = "", zone[16] = "";
		unsigned weight = 0, priority = 0;

		if ((q = strstr(group, "\"region\":\"")))
			sscanf(q, "\"region\":\"%15[^\"]", region);
		if ((q = strstr(group, "\"zone\":\"")))
			sscanf(q, "\"zone\":\"%15[^\"]", zone);
		if ((q = strstr(group, "}],\"loadBalancingWeight\":")))
			sscanf(q, "}],\"loadBalancingWeight\":%u", &weight);
		if ((q = strstr(group, "\"priority\":")))
			sscanf(q, "\"priority\":%u", &priority);
		if (!strstr(group, "lbEndpoints") &&
		    (q = strstr(group, "\"loadBalancingWeight\":")))
			sscanf(q, "\"loadBalancingWeight\":%u", &weight);
		out = arena_printf(&k->arena, "%s%s%s/%s:%u@%u=", out, *out ? " " : "", region,
				   zone, weight, priority);
		for (q = group; (q = strstr(q, "\"address\":\"")); q++) {
			char address[32];

			sscanf(q, "\"address\":\"%31[^\"]", address);
			out = arena_printf(&k->arena, "%s%s,", out, address);
		}
		p++;
	}
	return out;
}

static const struct {
	const char *what, *yaml, *mesh;
	struct kit_proxy proxy;
	const char *brief;
} cases[] = {
	{ "without outlier detection nothing is preferred",
	  SERVICE("") FOUR,
	  NULL,
	  { .locality = "r1/z1" },
	  "r1/z1:1@0=10.0.0.1, r1/z2:1@0=10.0.0.2, r2/z1:1@0=10.0.0.3, r3/z1:1@0=10.0.0.4," },
	{ "failover by distance",
	  SERVICE("") FOUR RULE("{" OUTLIER "}"),
	  NULL,
	  { .locality = "r1/z1" },
	  "r1/z1:1@0=10.0.0.1, r1/z2:1@1=10.0.0.2, r2/z1:1@2=10.0.0.3, r3/z1:1@2=10.0.0.4," },
	{ "gaps are closed",
	  SERVICE("") FOUR RULE("{" OUTLIER "}"),
	  NULL,
	  { .locality = "r4/z1" },
	  "r1/z1:1@0=10.0.0.1, r1/z2:1@0=10.0.0.2, r2/z1:1@0=10.0.0.3, r3/z1:1@0=10.0.0.4," },
	{ "failover to a region",
	  SERVICE("") FOUR RULE("{" OUTLIER ", loadBalancer: {localityLbSetting: {failover: "
				"[{from: r1, to: r3}]}}}"),
	  NULL,
	  { .locality = "r1/z1" },
	  "r1/z1:1@0=10.0.0.1, r1/z2:1@1=10.0.0.2, r2/z1:1@3=10.0.0.3, r3/z1:1@2=10.0.0.4," },
	{ "localities turned off by the mesh",
	  SERVICE("") FOUR RULE("{" OUTLIER "}"),
	  "localityLbSetting: {enabled: false}\n",
	  { .locality = "r1/z1" },
	  "r1/z1:1@0=10.0.0.1, r1/z2:1@0=10.0.0.2, r2/z1:1@0=10.0.0.3, r3/z1:1@0=10.0.0.4," },
	{ "distribution; what gets nothing is emptied and stays",
	  SERVICE("")
		  FOUR RULE("{loadBalancer: {localityLbSetting: {distribute: [{from: \"r1/*\", to: "
			    "{\"r1/*\": 80, r2/z1: 20}}]}}}"),
	  NULL,
	  { .locality = "r1/z1" },
	  "r1/z1:40@0=10.0.0.1, r1/z2:40@0=10.0.0.2, r2/z1:20@0=10.0.0.3, r3/z1:1@0=" },
	{ "distribution from elsewhere does not count",
	  SERVICE("")
		  FOUR RULE("{loadBalancer: {localityLbSetting: {distribute: [{from: \"r2/*\", to: "
			    "{\"r1/*\": 100}}]}}}"),
	  NULL,
	  { .locality = "r1/z1" },
	  "r1/z1:1@0=10.0.0.1, r1/z2:1@0=10.0.0.2, r2/z1:1@0=10.0.0.3, r3/z1:1@0=10.0.0.4," },
	{ "failover by labels splits groups",
	  SERVICE("")
		  FOUR RULE("{" OUTLIER ", loadBalancer: {localityLbSetting: {failoverPriority: "
			    "[topology.kubernetes.io/region, version=v2]}}}"),
	  NULL,
	  { .locality = "r1/z1" },
	  "r1/z1:1@1=10.0.0.1, r1/z2:1@0=10.0.0.2, r2/z1:1@2=10.0.0.3, r3/z1:1@2=10.0.0.4," },
	{ "traffic distribution of the service",
	  SERVICE(", trafficDistribution: PreferClose") FOUR,
	  NULL,
	  { .locality = "r1/z1" },
	  "r1/z1:1@0=10.0.0.1, r1/z2:1@1=10.0.0.2, r2/z1:1@2=10.0.0.3, r3/z1:1@2=10.0.0.4," },
	{ "zones: the own region first",
	  SERVICE("") FOUR RULE("{loadBalancer: {zoneAwareLbSetting: {enabled: true, failover: "
				"[{from: r1, to: r3}]}}}"),
	  NULL,
	  { .locality = "r1/z1" },
	  "r1/z1:1@0=10.0.0.1, r1/z2:1@0=10.0.0.2, r2/z1:1@2=10.0.0.3, r3/z1:1@1=10.0.0.4," },
	{ "internal traffic stays on the node",
	  SERVICE(", internalTrafficPolicy: Local") FOUR,
	  NULL,
	  { .metadata = "\"NODE_NAME\":\"n3\"" },
	  "r2/z1:1@0=10.0.0.3," },
	{ "unready ones are sent, ending ones are not",
	  SERVICE("") POD("p1", "10.0.0.1", "", "n1") POD("p2", "10.0.0.2", "", "n1")
		  SLICE AT("p1", "10.0.0.1", ", conditions: {ready: false, terminating: false}")
			  AT("p2", "10.0.0.2", ", conditions: {ready: false, terminating: true}"),
	  NULL,
	  { 0 },
	  "/:1@0=10.0.0.1," },
	{ "unready ones are not sent where a share must be healthy",
	  SERVICE("") POD("p1", "10.0.0.1", "", "n1")
		  SLICE AT("p1", "10.0.0.1", ", conditions: {ready: false, terminating: false}")
			  RULE("{outlierDetection: {minHealthPercent: 30}}"),
	  NULL,
	  { 0 },
	  "" },
};

TEST(endpoint_choice)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct kit k;
		const char *json;

		kit_init(&k, NULL);
		if (cases[i].mesh)
			kit_mesh(&k, cases[i].mesh);
		kit_put(&k, cases[i].yaml);
		json = kit_json(&k, kit_join(&k, &cases[i].proxy), XDS_EDS, NAME);
		CHECK(*json);
		if (!CHECK_STR(brief(&k, json), cases[i].brief))
			printf("%s: %s\n", cases[i].what, json);
		kit_fini(&k);
	}
}

TEST(endpoint_questions_are_few)
{
	struct kit k;
	struct kit_proxy near = { .name = "n", .locality = "r1/z1" },
			 far = { .name = "f", .locality = "r9/z9" };

	/* Localities split the assignments only where they count. */
	kit_init(&k, NULL);
	kit_put(&k, SERVICE("") FOUR);
	kit_join(&k, &near);
	kit_join(&k, &far);
	CHECK_INT(kit_memos(&k, Q_EDS_SERVICE), 1);
	kit_put(&k, &RULE("{" OUTLIER "}")[4]);
	CHECK_INT(kit_memos(&k, Q_EDS_SERVICE), 2);
	kit_fini(&k);
}

TEST(endpoint_mtls)
{
	struct kit k;
	struct engine_proxy *p;
	const char *json;

	kit_init(&k, NULL);
	kit_put(&k, SERVICE("") FOUR
		"---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\n"
		"metadata: {name: w, namespace: default}\n"
		"spec: {selector: {matchLabels: {version: v1}}, mtls: {mode: STRICT}, "
		"portLevelMtls: {8080: {mode: DISABLE}}}\n");
	p = kit_join(&k, &(struct kit_proxy){ 0 });
	json = kit_json(&k, p, XDS_EDS, NAME);
	/* Two of the four serve plain text on that port. */
	CHECK((json = strstr(json, "\"tlsMode\"")) && (json = strstr(json + 1, "\"tlsMode\"")) &&
	      !strstr(json + 1, "\"tlsMode\""));
	kit_put(&k, &RULE("{tls: {mode: ISTIO_MUTUAL}}")[4]);
	json = kit_json(&k, p, XDS_EDS, NAME);
	for (int i = 0; i < 4; i++)
		CHECK(json && (json = strstr(json + 1, "\"tlsMode\"")));
	kit_put(&k, &RULE("{tls: {mode: DISABLE}}")[4]);
	CHECK(!strstr(kit_json(&k, p, XDS_EDS, NAME), "tlsMode"));
	kit_fini(&k);
}

TEST(endpoint_subset)
{
	struct kit k;
	struct engine_proxy *p;

	kit_init(&k, NULL);
	kit_put(&k, SERVICE("") FOUR
		"---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\n"
		"metadata: {name: a, namespace: default}\nspec:\n  host: a\n  subsets:\n"
		"  - {name: v2, labels: {version: v2}}\n  - {name: none, labels: {version: v9}}\n");
	p = kit_join(&k, &(struct kit_proxy){ 0 });
	CHECK_STR(brief(&k, kit_json(&k, p, XDS_EDS, "outbound|80|v2|a.default.svc.cluster.local")),
		  "r1/z2:1@0=10.0.0.2, r3/z1:1@0=10.0.0.4,");
	/* Who asks for a cluster without endpoints is answered. */
	CHECK_STR(kit_json(&k, p, XDS_EDS, "outbound|80|none|a.default.svc.cluster.local"),
		  "{\"clusterName\":\"outbound|80|none|a.default.svc.cluster.local\"}");
	kit_fini(&k);
}

TEST(endpoint_split_horizon)
{
	struct kit k;
	struct engine_proxy *p;

	kit_init(&k, NULL);
	kit_networks(&k, "networks:\n  far:\n    endpoints: [{fromCidr: 10.0.0.2/31}]\n"
			 "    gateways: [{address: 192.0.2.1, port: 15443}, {address: 192.0.2.2, "
			 "port: 443}]\n");
	kit_put(&k, SERVICE("") POD("p1", "10.0.0.1", "", "n1") POD("p2", "10.0.0.2", "", "n1")
			    POD("p3", "10.0.0.3", "", "n1") SLICE AT("p1", "10.0.0.1", "")
				    AT("p2", "10.0.0.2", "") AT("p3", "10.0.0.3", ""));
	/* Two endpoints over there, two gateways to them: each stands for one, as all weights are doubled. */
	p = kit_join(&k, &(struct kit_proxy){ 0 });
	CHECK_STR(brief(&k, kit_json(&k, p, XDS_EDS, NAME)), "/:6@0=10.0.0.1,192.0.2.1,192.0.2.2,");
	p = kit_join(&k, &(struct kit_proxy){ .name = "x",
					      .ip = "10.0.0.9",
					      .metadata = "\"NETWORK\":\"far\"" });
	CHECK_STR(brief(&k, kit_json(&k, p, XDS_EDS, NAME)), "/:6@0=10.0.0.1,10.0.0.2,10.0.0.3,");
	kit_fini(&k);
}
