/* PeerAuthentication: precedence of mesh, namespace, workload and port, for known workloads and for the asking proxy. */
#include "model/security.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

#define PA(name, ns, day, spec) \
	"---\n" \
	"apiVersion: security.istio.io/v1\n" \
	"kind: PeerAuthentication\n" \
	"metadata: {name: " name ", namespace: " ns ", creationTimestamp: '2024-01-0" day \
	"T00:00:00Z'}\n" \
	"spec: " spec "\n"

struct ask_mode {
	const char *ns;
	const char *app; /* label of the workload */
	uint16_t port;
	enum mtls_mode of_namespace, of_workload, of_proxy;
	uint32_t n_ports;
	uint16_t ports[4];
};

static void read_modes(struct run *run, void *ctx)
{
	struct ask_mode *m = ctx;
	struct str_pair pair = { "app", m->app };
	struct str_map labels = { &pair, 1, true };
	uint32_t ns = run_key(run, m->ns);
	const uint16_t *ports;

	m->of_namespace = mtls_of_namespace(run, ns);
	m->of_workload = mtls_of_workload(run, ns, &labels, m->port);
	m->of_proxy = mtls_of_proxy(run, m->port);
	ports = mtls_ports_of_proxy(run, &m->n_ports);
	memcpy(m->ports, ports, MIN(m->n_ports, 4) * sizeof *ports);
}

static uint32_t proxy(struct harness *h, const char *ns, const char *app)
{
	char json[400];

	snprintf(json, sizeof json,
		 "{\"id\": \"sidecar~10.0.0.1~p.%s~%s.svc.cluster.local\", \"metadata\": "
		 "{\"NAMESPACE\": \"%s\", \"LABELS\": {\"app\": \"%s\"}}}",
		 ns, ns, ns, app);
	return harness_proxy(h, json);
}

static void check(const char *objects, const char *ns, const char *app, uint16_t port,
		  enum mtls_mode of_namespace, enum mtls_mode of_workload, int line)
{
	struct harness *h = harness_new(objects, NULL);
	struct ask_mode m = { .ns = ns, .app = app, .port = port };

	harness_run(h, proxy(h, ns, app), read_modes, &m);
	test_check_int(m.of_namespace, of_namespace, __FILE__, line, "mode of the namespace");
	test_check_int(m.of_workload, of_workload, __FILE__, line, "mode of the workload");
	test_check_int(m.of_proxy, of_workload, __FILE__, line, "mode of the proxy");
	harness_free(h);
}
#define MODES(objects, ns, app, port, a, b) \
	check(objects, ns, app, port, MTLS_##a, MTLS_##b, __LINE__)

TEST(security_mesh_and_namespace)
{
	MODES(NULL, "shop", "x", 0, UNKNOWN, PERMISSIVE);
	MODES(PA("d", "istio-system", "1", "{mtls: {mode: STRICT}}"), "shop", "x", 0, STRICT,
	      STRICT);
	MODES(PA("d", "istio-system", "1", "{}"), "shop", "x", 0, PERMISSIVE, PERMISSIVE);
	MODES(PA("d", "shop", "1", "{mtls: {mode: UNSET}}"), "shop", "x", 0, PERMISSIVE,
	      PERMISSIVE);
	MODES(PA("d", "shop", "1", "{mtls: {mode: DISABLE}}")
		      PA("m", "istio-system", "1", "{mtls: {mode: STRICT}}"),
	      "shop", "x", 0, DISABLE, DISABLE);
	MODES(PA("d", "shop", "1", "{mtls: {mode: UNSET}}")
		      PA("m", "istio-system", "1", "{mtls: {mode: STRICT}}"),
	      "shop", "x", 0, STRICT, STRICT);
	MODES(PA("d", "other", "1", "{mtls: {mode: DISABLE}}"), "shop", "x", 0, UNKNOWN,
	      PERMISSIVE);
}

TEST(security_oldest_wins)
{
	MODES(PA("a", "shop", "2", "{mtls: {mode: DISABLE}}")
		      PA("b", "shop", "1", "{mtls: {mode: STRICT}}"),
	      "shop", "x", 0, STRICT, STRICT);
	MODES(PA("a", "shop", "2", "{selector: {matchLabels: {app: x}}, mtls: {mode: DISABLE}}")
		      PA("b", "shop", "1",
			 "{selector: {matchLabels: {app: x}}, mtls: {mode: STRICT}}"),
	      "shop", "x", 0, UNKNOWN, STRICT);
	/* an empty selector is none */
	MODES(PA("a", "shop", "1", "{selector: {matchLabels: {}}, mtls: {mode: DISABLE}}"), "shop",
	      "x", 0, DISABLE, DISABLE);
}

TEST(security_workload)
{
	static const char two[] = PA("ns", "shop", "1", "{mtls: {mode: STRICT}}")
		PA("w", "shop", "2",
		   "{selector: {matchLabels: {app: x}}, mtls: {mode: DISABLE}, "
		   "portLevelMtls: {8080: {mode: PERMISSIVE}, 9090: {mode: UNSET}}}");

	MODES(two, "shop", "x", 0, STRICT, DISABLE);
	MODES(two, "shop", "x", 8080, STRICT, PERMISSIVE);
	MODES(two, "shop", "x", 9090, STRICT, DISABLE);
	MODES(two, "shop", "y", 8080, STRICT, STRICT);
	/* selectors do not reach into the namespaces from the root */
	MODES(PA("w", "istio-system", "1",
		 "{selector: {matchLabels: {app: x}}, mtls: {mode: DISABLE}}"),
	      "shop", "x", 0, UNKNOWN, PERMISSIVE);
	MODES(PA("w", "istio-system", "1",
		 "{selector: {matchLabels: {app: x}}, mtls: {mode: DISABLE}}"),
	      "istio-system", "x", 0, UNKNOWN, PERMISSIVE);
}

TEST(security_ports_of_proxy)
{
	struct harness *h = harness_new(
		PA("w", "shop", "2",
		   "{selector: {matchLabels: {app: x}}, mtls: {mode: STRICT}, "
		   "portLevelMtls: {9090: {mode: DISABLE}, 800: {mode: UNSET}, 8080: {mode: "
		   "PERMISSIVE}}}"),
		NULL);
	struct ask_mode m = { .ns = "shop", .app = "x" };
	uint32_t key = proxy(h, "shop", "x");

	harness_watch(h, key, read_modes, &m);
	if (CHECK_INT(m.n_ports, 3)) {
		CHECK_INT(m.ports[0], 800);
		CHECK_INT(m.ports[1], 8080);
		CHECK_INT(m.ports[2], 9090);
	}
	harness_put(h, PA("other", "elsewhere", "1", "{mtls: {mode: STRICT}}"));
	CHECK_INT(harness_commit(h), 0);
	harness_delete(h, KIND_PEER_AUTHENTICATION, "shop", "w");
	CHECK_INT(harness_commit(h), 1);
	CHECK_INT(m.n_ports, 0);
	CHECK_INT(m.of_proxy, MTLS_PERMISSIVE);
	harness_free(h);
}
