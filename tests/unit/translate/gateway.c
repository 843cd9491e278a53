/* Routers: listeners, TLS, routes and clusters by Gateways, how much of them an edit makes anew, and what they are from. */
#include "base/buf.h"
#include "kit.h"
#include "schema/object.h"
#include "test.h"
#include "translate/queries.h"
#include <string.h>

#define META(name) "metadata: {name: " name ", namespace: app}\n"
#define GATEWAY(name, servers) \
	"apiVersion: networking.istio.io/v1\nkind: Gateway\n" META( \
		name) "spec: {selector: {istio: in}, servers: [" servers "]}\n---\n"
#define ROUTES(name, hosts, spec) \
	"apiVersion: networking.istio.io/v1\nkind: VirtualService\n" META( \
		name) "spec: {hosts: " hosts ", gateways: [gw], " spec "}\n---\n"
#define TO(host) "http: [{route: [{destination: {host: " host ", port: {number: 80}}}]}]"
#define SERVICE(name, ip) \
	"apiVersion: v1\nkind: Service\n" META(name) "spec: {clusterIP: " ip \
						     ", ports: [{name: http, port: 80}]}\n---\n"
#define HTTP(number, hosts) \
	"{port: {number: " #number ", name: h" #number ", protocol: HTTP}, hosts: " hosts "}"
#define HTTPS(hosts, tls) \
	"{port: {number: 443, name: s, protocol: HTTPS}, hosts: " hosts ", tls: {" tls "}}"

static const struct kit_proxy in = { .type = "router", .labels = "{\"istio\":\"in\"}" };

struct scene {
	struct kit kit;
	struct engine_proxy *proxy;
};

static void begin(struct scene *s, const char *const *env, const struct kit_proxy *p,
		  const char *objects)
{
	kit_init(&s->kit, env);
	kit_put(&s->kit, objects);
	s->proxy = kit_join(&s->kit, p);
}

static const char *json(struct scene *s, enum xds_type type, const char *name)
{
	return kit_json(&s->kit, s->proxy, type, name);
}

static void check_part(const char *text, const char *want, bool is_there, int line)
{
	if (!!strstr(text, want) != is_there)
		test_check_str(text, want, __FILE__, line, is_there ? "has" : "has not");
}
#define HAS(text, want) check_part(text, want, true, __LINE__)
#define LACKS(text, want) check_part(text, want, false, __LINE__)

/* ---- listeners ---- */

TEST(gateway_listener_http)
{
	struct scene s;
	const char *l;

	begin(&s, NULL, &in, GATEWAY("gw", HTTP(80, "['*']") ", " HTTP(8080, "['*']")));
	l = json(&s, XDS_LDS, "0.0.0.0_8080");
	HAS(l, "\"statPrefix\":\"outbound_0.0.0.0_8080;\"");
	HAS(l, "\"routeConfigName\":\"http.8080\"");
	HAS(l, "\"useRemoteAddress\":true");
	HAS(l, "\"forwardClientCertDetails\":\"SANITIZE_SET\"");
	HAS(l, "\"serverName\":\"istio-envoy\"");
	LACKS(l, "\"xffNumTrustedHops\"");
	LACKS(l, "tls_inspector");
	CHECK(*json(&s, XDS_LDS, "0.0.0.0_80"));
	CHECK_STR(json(&s, XDS_LDS, "virtualOutbound"), "");
	CHECK_STR(json(&s, XDS_LDS, "virtualInbound"), "");
	CHECK(*json(&s, XDS_CDS, "BlackHoleCluster"));
	CHECK_STR(json(&s, XDS_CDS, "PassthroughCluster"), "");
	kit_fini(&s.kit);
}

/* Without privileges it cannot listen below 1024. */
TEST(gateway_unprivileged)
{
	struct kit_proxy p = in;
	struct scene s;

	p.metadata = "\"UNPRIVILEGED_POD\":\"true\"";
	begin(&s, NULL, &p, GATEWAY("gw", HTTP(80, "['*']") ", " HTTP(8080, "['*']")));
	CHECK_STR(json(&s, XDS_LDS, "0.0.0.0_80"), "");
	CHECK(*json(&s, XDS_LDS, "0.0.0.0_8080"));
	kit_fini(&s.kit);
}

TEST(gateway_topology)
{
	struct kit_proxy p = in;
	struct scene s;
	const char *l;

	p.metadata = "\"PROXY_CONFIG\":{\"gatewayTopology\":{\"numTrustedProxies\":2,"
		     "\"forwardClientCertDetails\":\"ALWAYS_FORWARD_ONLY\",\"proxyProtocol\":{}}}";
	begin(&s, NULL, &p, GATEWAY("gw", HTTP(80, "['*']")));
	l = json(&s, XDS_LDS, "0.0.0.0_80");
	HAS(l, "\"listenerFilters\":[{\"name\":\"envoy.filters.listener.proxy_protocol\"");
	HAS(l, "\"xffNumTrustedHops\":2");
	HAS(l, "\"forwardClientCertDetails\":\"ALWAYS_FORWARD_ONLY\"");
	kit_fini(&s.kit);
}

TEST(gateway_tls_modes)
{
	static const struct {
		const char *tls, *want, *never;
	} rows[] = {
		{ "mode: SIMPLE, credentialName: c",
		  "\"tlsCertificateSdsSecretConfigs\":[{\"name\":\"kubernetes://c\",",
		  "validationContext" },
		{ "mode: SIMPLE, credentialName: c", "\"alpnProtocols\":[\"h2\",\"http/1.1\"]",
		  "istio-peer-exchange" },
		{ "mode: SIMPLE, credentialName: c", "\"requireClientCertificate\":false",
		  "ROOTCA" },
		{ "mode: SIMPLE, credentialNames: [c, d]", "{\"name\":\"kubernetes://d\",",
		  "ROOTCA" },
		{ "mode: MUTUAL, credentialName: c",
		  "\"validationContextSdsSecretConfig\":{\"name\":\"kubernetes://c-cacert\",",
		  "ROOTCA" },
		{ "mode: MUTUAL, credentialName: c, caCertCredentialName: ca",
		  "\"validationContextSdsSecretConfig\":{\"name\":\"kubernetes://ca\",",
		  "c-cacert" },
		{ "mode: MUTUAL, credentialName: c", "\"requireClientCertificate\":true",
		  "ROOTCA" },
		{ "mode: MUTUAL, credentialName: c, subjectAltNames: [a.b]", "\"exact\":\"a.b\"",
		  "ROOTCA" },
		{ "mode: MUTUAL, credentialName: c, insecureSkipVerify: true",
		  "\"trustChainVerification\":\"ACCEPT_UNTRUSTED\"", "ROOTCA" },
		{ "mode: OPTIONAL_MUTUAL, credentialName: c",
		  "\"validationContextSdsSecretConfig\":{\"name\":\"kubernetes://c-cacert\",",
		  "\"requireClientCertificate\":true" },
		{ "mode: SIMPLE, serverCertificate: /c, privateKey: /k",
		  "\"name\":\"file-cert:/c~/k\"", "kubernetes://" },
		{ "mode: MUTUAL, serverCertificate: /c, privateKey: /k, caCertificates: /ca",
		  "\"name\":\"file-root:/ca\"", "kubernetes://" },
		{ "mode: ISTIO_MUTUAL",
		  "\"validationContextSdsSecretConfig\":{\"name\":\"ROOTCA\",", "kubernetes://" },
		{ "mode: ISTIO_MUTUAL", "\"requireClientCertificate\":true", "kubernetes://" },
		{ "mode: SIMPLE, credentialName: c, minProtocolVersion: TLSV1_2, "
		  "maxProtocolVersion: "
		  "TLSV1_3, cipherSuites: [ECDHE-RSA-AES256-GCM-SHA384]",
		  "\"tlsParams\":{\"tlsMinimumProtocolVersion\":\"TLSv1_2\","
		  "\"tlsMaximumProtocolVersion\":\"TLSv1_3\",\"cipherSuites\":"
		  "[\"ECDHE-RSA-AES256-GCM-SHA384\"]}",
		  "ROOTCA" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scene s;
		const char *l;

		kit_init(&s.kit, NULL);
		kit_put(&s.kit, arena_printf(&s.kit.arena, GATEWAY("gw", HTTPS("[a.x, b.x]", "%s")),
					     rows[i].tls));
		s.proxy = kit_join(&s.kit, &in);
		l = json(&s, XDS_LDS, "0.0.0.0_443");
		HAS(l, rows[i].want);
		LACKS(l, rows[i].never);
		HAS(l, "\"serverNames\":[\"a.x\",\"b.x\"]");
		HAS(l, "envoy.filters.listener.tls_inspector");
		HAS(l, "\"routeConfigName\":\"https.443.s.gw.app\"");
		kit_fini(&s.kit);
	}
}

#define PASS "{port: {number: 443, name: t, protocol: TLS}, hosts: ['*'], tls: {mode: PASSTHROUGH}}"
#define SNI(host, to) \
	"{match: [{sniHosts: [" host "]}], route: [{destination: {host: " to \
	", port: {number: 80}}}]}"

TEST(gateway_passthrough)
{
	struct scene s;
	const char *l;

	begin(&s, NULL, &in,
	      GATEWAY("gw", PASS) SERVICE("a", "10.0.0.1") SERVICE("b", "10.0.0.2")
		      ROUTES("one", "[a.x]", "tls: [" SNI("a.x", "a") "]")
			      ROUTES("two", "[a.x, b.x]",
				     "tls: [" SNI("a.x", "b") ", " SNI("b.x", "b") "]"));
	l = json(&s, XDS_LDS, "0.0.0.0_443");
	HAS(l, "{\"serverNames\":[\"a.x\"]},\"filters\":[{\"name\":\"envoy.filters.network.tcp_"
	       "proxy\"");
	HAS(l, "\"cluster\":\"outbound|80||a.app.svc.cluster.local\"");
	HAS(l, "{\"serverNames\":[\"b.x\"]}");
	LACKS(l, "transportSocket\":");
	HAS(kit_problems(&s.kit),
	    "a match is left out: another one of the port has one of its sniHosts");
	/* Without a route there is nowhere to pass it to, and no listener. */
	kit_put(&s.kit, ROUTES("one", "[a.x]", TO("a")) ROUTES("two", "[b.x]", TO("a")));
	CHECK_STR(json(&s, XDS_LDS, "0.0.0.0_443"), "");
	kit_fini(&s.kit);
}

TEST(gateway_tcp)
{
	struct scene s;
	const char *l;

	begin(&s, NULL, &in,
	      GATEWAY("gw", "{port: {number: 9000, name: t, protocol: TCP}, hosts: ['*']}, {port: "
			    "{number: "
			    "9001, name: u, protocol: TLS}, hosts: [c.x], tls: {mode: SIMPLE, "
			    "credentialName: "
			    "c}}") SERVICE("a", "10.0.0.1") SERVICE("b", "10.0.0.2")
		      ROUTES("one", "['*']",
			     "tcp: [{match: [{port: 9001}], route: [{destination: {host: b, port: "
			     "{number: "
			     "80}}}]}, {route: [{destination: {host: a, port: {number: 80}}, "
			     "weight: 1}, "
			     "{destination: {host: b, port: {number: 80}}, weight: 3}]}]"));
	l = json(&s, XDS_LDS, "0.0.0.0_9000");
	HAS(l, "\"weightedClusters\":{\"clusters\":[{\"name\":\"outbound|80||a.app.svc.cluster."
	       "local\","
	       "\"weight\":1}");
	LACKS(l, "tls_inspector");
	l = json(&s, XDS_LDS, "0.0.0.0_9001");
	HAS(l, "\"serverNames\":[\"c.x\"]");
	HAS(l, "\"cluster\":\"outbound|80||b.app.svc.cluster.local\"");
	HAS(l, "kubernetes://c");
	kit_fini(&s.kit);
}

#define AUTO \
	"{port: {number: 15443, name: t, protocol: TLS}, hosts: ['*.local'], tls: {mode: " \
	"AUTO_PASSTHROUGH}}"

TEST(gateway_auto_passthrough)
{
	static const char sni[] = "outbound_.80_._.a.app.svc.cluster.local";
	struct scene s;
	const char *l;

	begin(&s, NULL, &in, GATEWAY("gw", HTTP(80, "['*']")) SERVICE("a", "10.0.0.1"));
	CHECK_STR(json(&s, XDS_CDS, sni), "");
	CHECK_STR(json(&s, XDS_EDS, sni), "");
	kit_put(&s.kit, GATEWAY("gw", AUTO));
	HAS(json(&s, XDS_CDS, sni), "\"type\":\"EDS\"");
	LACKS(json(&s, XDS_CDS, sni), "transportSocket");
	CHECK(*json(&s, XDS_EDS, sni));
	CHECK(*json(&s, XDS_CDS, "outbound|80||a.app.svc.cluster.local"));
	l = json(&s, XDS_LDS, "0.0.0.0_15443");
	HAS(l, "\"serverNames\":[\"outbound_.80_._.a.app.svc.cluster.local\"]");
	HAS(l, "\"applicationProtocols\":[\"istio\",\"istio-peer-exchange\",\"istio-http/1.0\","
	       "\"istio-http/1.1\",\"istio-h2\"]");
	HAS(l, "\"cluster\":\"outbound_.80_._.a.app.svc.cluster.local\"");
	/* Hosts that the server does not name. */
	kit_put(&s.kit,
		"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n" META(
			"e") "spec: {hosts: [e.x], location: MESH_INTERNAL, resolution: STATIC, "
			     "ports: "
			     "[{number: 80, name: http, protocol: HTTP}], endpoints: [{address: "
			     "1.1.1.1}]}\n");
	LACKS(json(&s, XDS_LDS, "0.0.0.0_15443"), "e.x");
	kit_fini(&s.kit);
}

TEST(gateway_http3)
{
	static const char *const env[] = { "PILOT_ENABLE_QUIC_LISTENERS", "true", NULL };
	struct kit_proxy p = in;
	struct scene s;

	p.name = "gw-1";
	p.ns = "app";
	begin(&s, env, &p,
	      "apiVersion: v1\nkind: Pod\nmetadata: {namespace: app, name: gw-1, labels: {istio: "
	      "in}}\n"
	      "spec: {containers: [{name: c}]}\nstatus: {podIP: 10.1.0.1, podIPs: [{ip: "
	      "10.1.0.1}]}\n---\n"
	      "apiVersion: v1\nkind: Service\nmetadata: {namespace: app, name: gw}\nspec: "
	      "{clusterIP: "
	      "10.0.0.9, selector: {istio: in}, ports: [{name: https, port: 443, targetPort: "
	      "8443}, {name: "
	      "quic, port: 443, targetPort: 8443, protocol: UDP}]}\n---\n" SERVICE("a", "10.0.0.1")
		      GATEWAY("gw", HTTPS("[a.x]", "mode: SIMPLE, credentialName: c"))
			      ROUTES("one", "[a.x]", TO("a")));
	CHECK(*json(&s, XDS_LDS, "0.0.0.0_8443"));
	HAS(json(&s, XDS_LDS, "udp_0.0.0.0_8443"), "\"codecType\":\"HTTP3\"");
	HAS(json(&s, XDS_LDS, "udp_0.0.0.0_8443"), "\"name\":\"envoy.transport_sockets.quic\"");
	HAS(json(&s, XDS_LDS, "udp_0.0.0.0_8443"), "\"alpnProtocols\":[\"h3\"]");
	HAS(json(&s, XDS_RDS, "https.443.s.gw.app"),
	    "{\"key\":\"alt-svc\",\"value\":\"h3=\\\":443\\\"; ma=86400\"}");
	kit_fini(&s.kit);
}

/* ---- routes ---- */

TEST(gateway_routes)
{
	struct scene s;
	const char *rc;

	begin(&s, NULL, &in,
	      GATEWAY("gw", HTTP(80, "['*.x', zoo/z.y, ./own.y]")) SERVICE("a", "10.0.0.1")
		      ROUTES("one", "[a.x, z.y, own.y, '*.y']", TO("a")));
	rc = json(&s, XDS_RDS, "http.80");
	HAS(rc, "\"domains\":[\"own.y\",\"a.x\"]");
	HAS(rc, "\"name\":\"own.y:80\"");
	LACKS(rc, "z.y");
	HAS(rc, "\"cluster\":\"outbound|80||a.app.svc.cluster.local\"");
	HAS(rc, "\"ignorePortInHostMatching\":true");
	kit_fini(&s.kit);
}

TEST(gateway_blackhole)
{
	struct scene s;

	begin(&s, NULL, &in, GATEWAY("gw", HTTP(80, "['*']")));
	HAS(json(&s, XDS_RDS, "http.80"),
	    "\"virtualHosts\":[{\"name\":\"blackhole:80\",\"domains\":[\"*\"]}]");
	kit_fini(&s.kit);
}

TEST(gateway_redirect)
{
	struct scene s;
	const char *rc;

	begin(&s, NULL, &in,
	      GATEWAY("gw", "{port: {number: 80, name: h, protocol: HTTP}, hosts: [a.x, b.x], tls: "
			    "{httpsRedirect: true}}") SERVICE("a", "10.0.0.1")
		      ROUTES("one", "[a.x]", TO("a")));
	rc = json(&s, XDS_RDS, "http.80");
	HAS(rc, "{\"name\":\"b.x:80\",\"domains\":[\"b.x\"],\"requireTls\":\"ALL\"");
	HAS(rc, "\"cluster\":\"outbound|80||a.app.svc.cluster.local\"");
	kit_fini(&s.kit);
}

TEST(gateway_collapse)
{
	static const char *const off[] = { "PILOT_ENABLE_ROUTE_COLLAPSE_OPTIMIZATION", "false",
					   NULL };
	static const char *objects = GATEWAY("gw", HTTP(80, "['*']")) SERVICE("a", "10.0.0.1")
		ROUTES("one", "[a.x, longer.x, '*.y']", TO("a"));
	struct scene s;

	begin(&s, NULL, &in, objects);
	HAS(json(&s, XDS_RDS, "http.80"),
	    "\"name\":\"longer.x:80\",\"domains\":[\"*.y\",\"longer.x\",\"a.x\"],");
	LACKS(json(&s, XDS_RDS, "http.80"), "\"name\":\"a.x:80\"");
	kit_fini(&s.kit);
	begin(&s, off, &in, objects);
	HAS(json(&s, XDS_RDS, "http.80"), "\"name\":\"longer.x:80\",\"domains\":[\"longer.x\"],");
	HAS(json(&s, XDS_RDS, "http.80"), "\"name\":\"a.x:80\",\"domains\":[\"a.x\"],");
	kit_fini(&s.kit);
}

/* ---- clusters ---- */

TEST(gateway_filters_clusters)
{
	static const char *const on[] = { "PILOT_FILTER_GATEWAY_CLUSTER_CONFIG", "true", NULL };
	static const char *objects =
		GATEWAY("gw", HTTP(80, "['*']")) SERVICE("a", "10.0.0.1") SERVICE("b", "10.0.0.2")
			SERVICE("mirror", "10.0.0.3") "apiVersion: v1\nkind: Service\n" META(
				"other") "spec: {type: ExternalName, "
					 "externalName: b.app.svc.cluster.local, ports: [{name: "
					 "http, port: 80}]}\n"
					 "---\n" ROUTES("one", "[a.x]",
							"http: [{route: [{destination: {host: a, "
							"port: {number: 80}}}], "
							"mirror: {host: mirror}}]");
	struct kit_proxy sidecar = { .name = "s", .ip = "10.1.0.2" };
	struct scene s;

	begin(&s, on, &in, objects);
	CHECK(*json(&s, XDS_CDS, "outbound|80||a.app.svc.cluster.local"));
	CHECK(*json(&s, XDS_EDS, "outbound|80||mirror.app.svc.cluster.local"));
	CHECK(*json(&s, XDS_CDS, "BlackHoleCluster"));
	CHECK_STR(json(&s, XDS_CDS, "outbound|80||b.app.svc.cluster.local"), "");
	CHECK_STR(json(&s, XDS_EDS, "outbound|80||b.app.svc.cluster.local"), "");
	CHECK(*kit_json(&s.kit, kit_join(&s.kit, &sidecar), XDS_CDS,
			"outbound|80||b.app.svc.cluster.local"));
	/* By another name of it. */
	kit_put(&s.kit, ROUTES("one", "[a.x]", TO("other")));
	CHECK_STR(json(&s, XDS_CDS, "outbound|80||a.app.svc.cluster.local"), "");
	CHECK(*json(&s, XDS_CDS, "outbound|80||b.app.svc.cluster.local"));
	HAS(json(&s, XDS_RDS, "http.80"), "\"cluster\":\"outbound|80||b.app.svc.cluster.local\"");
	kit_fini(&s.kit);
	begin(&s, NULL, &in, objects);
	CHECK(*json(&s, XDS_CDS, "outbound|80||b.app.svc.cluster.local"));
	kit_fini(&s.kit);
}

/* ---- how much is made anew ---- */

struct cost {
	uint64_t chains, vhosts, listeners, merges;
};

static struct cost cost(struct kit *k)
{
	return (struct cost){ kit_runs(k, Q_GW_CHAIN), kit_runs(k, Q_GW_VHOST),
			      kit_runs(k, Q_GW_LISTENER), kit_runs(k, Q_GATEWAYS) };
}

static void check_edit(struct kit *k, const char *objects, struct cost want, int line)
{
	struct cost before = cost(k), after;

	kit_put(k, objects);
	after = cost(k);
#define SAME(what) \
	test_check_int((long long)(after.what - before.what), (long long)want.what, __FILE__, \
		       line, #what)
	SAME(chains);
	SAME(vhosts);
	SAME(listeners);
	SAME(merges);
#undef SAME
}
#define EDIT(k, objects, ...) check_edit(k, objects, (struct cost){ __VA_ARGS__ }, __LINE__)

TEST(gateway_edits_are_local)
{
	struct scene s;

	begin(&s, NULL, &in,
	      GATEWAY("gw", HTTP(80, "['*']") ", " HTTPS("[s.x]", "mode: SIMPLE, credentialName: "
								  "c"))
		      GATEWAY("gw2", "{port: {number: 443, name: u, protocol: HTTPS}, hosts: "
				     "[t.x], tls: {mode: "
				     "SIMPLE, credentialName: d}}") SERVICE("a", "10.0.0.1")
			      SERVICE("b", "10.0.0.2") ROUTES("one", "[a.x]", TO("a"))
				      ROUTES("two", "[b.x]", TO("b"))
					      ROUTES("three", "[s.x]", TO("b")));
	/* What a rule does: its virtual hosts, on each route configuration. */
	EDIT(&s.kit, ROUTES("one", "[a.x]", TO("b")), .vhosts = 1);
	EDIT(&s.kit, ROUTES("three", "[s.x]", TO("a")), .vhosts = 2);
	EDIT(&s.kit, ROUTES("two", "[c.x]", TO("b")), .vhosts = 1);
	/* What a server does: its chain, not those of others. */
	EDIT(&s.kit,
	     GATEWAY("gw2",
		     "{port: {number: 443, name: u, protocol: HTTPS}, hosts: [t.x], tls: {mode: "
		     "SIMPLE, credentialName: e}}"),
	     .chains = 1);
	/* Another Gateway's selector is one more question to routers; what listeners are made of stays. */
	EDIT(&s.kit,
	     "apiVersion: networking.istio.io/v1\nkind: Gateway\n" META(
		     "foreign") "spec: {selector: {no: one}, "
				"servers: [" HTTP(81, "['*']") "]}\n",
	     .listeners = 2, .merges = 1);
	/* Endpoints reach none of it. */
	EDIT(&s.kit,
	     "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {namespace: app, "
	     "name: a-s, "
	     "labels: {kubernetes.io/service-name: a}}\naddressType: IPv4\nendpoints: [{addresses: "
	     "[10.2.0.1]}]\nports: [{name: http, port: 80}]\n",
	     0);
	kit_fini(&s.kit);
}

/* Routers with the same Gateways and nothing of their own share everything. */
TEST(gateway_routers_share)
{
	struct kit_proxy second = in;
	struct engine_proxy *other;
	uint32_t chains, vhosts;
	struct scene s;

	begin(&s, NULL, &in,
	      GATEWAY("gw", HTTP(80, "['*']")) SERVICE("a", "10.0.0.1")
		      ROUTES("one", "[a.x]", TO("a")));
	second.name = "second";
	second.ip = "10.1.0.2";
	chains = kit_memos(&s.kit, Q_GW_CHAIN);
	vhosts = kit_memos(&s.kit, Q_GW_VHOST);
	other = kit_join(&s.kit, &second);
	CHECK_INT(kit_memos(&s.kit, Q_GW_CHAIN), chains);
	CHECK_INT(kit_memos(&s.kit, Q_GW_VHOST), vhosts);
	CHECK_STR(kit_json(&s.kit, other, XDS_RDS, "http.80"), json(&s, XDS_RDS, "http.80"));
	kit_fini(&s.kit);
}

/* ---- where it comes from ---- */

static void add_title(void *ctx, const struct object *o)
{
	char title[OBJECT_TITLE];

	buf_printf(ctx, "%s; ", object_title(o, title));
}

static void check_sources(struct scene *s, enum xds_type type, const char *name, const char *want,
			  int line)
{
	struct buf b = BUF_INIT;

	engine_explain(s->kit.engine, s->proxy, type, name, add_title, &b);
	test_check_str(buf_str(&b), want, __FILE__, line, "sources");
	buf_fini(&b);
}
#define SOURCES(type, name, want) check_sources(&s, type, name, want, __LINE__)

TEST(gateway_sources_are_named)
{
	struct scene s;

	begin(&s, NULL, &in,
	      GATEWAY("gw",
		      HTTP(80, "['*']") ", " HTTPS("[s.x]", "mode: SIMPLE, credentialName: c"))
		      GATEWAY("gw2",
			      "{port: {number: 80, name: r, protocol: HTTP}, hosts: [r.x], tls: "
			      "{httpsRedirect: true}}") SERVICE("a", "10.0.0.1")
			      ROUTES("one", "[a.x]", TO("a")) ROUTES("two", "[s.x]", TO("a")));
	SOURCES(XDS_LDS, "0.0.0.0_443", "Gateway app/gw; ");
	SOURCES(XDS_RDS, "https.443.s.gw.app",
		"Gateway app/gw; Service app/a; VirtualService app/two; ");
	/* gw2 only redirects. */
	SOURCES(XDS_RDS, "http.80",
		"Gateway app/gw; Gateway app/gw2; Service app/a; VirtualService app/one; "
		"VirtualService app/two; ");
	kit_fini(&s.kit);
}

TEST(gateway_sources_of_ingress)
{
	struct kit_proxy p = in;
	struct scene s;

	p.labels = "{\"istio\":\"ingressgateway\"}";
	begin(&s, NULL, &p,
	      SERVICE("a", "10.0.0.1") "apiVersion: networking.k8s.io/v1\nkind: Ingress\n" META(
		      "i") "spec: {rules: [{host: a.x, http: {paths: [{path: /, pathType: Prefix, "
			   "backend: "
			   "{service: {name: a, port: {number: 80}}}}]}}]}\n");
	kit_mesh(&s.kit, "ingressControllerMode: DEFAULT");
	SOURCES(XDS_LDS, "0.0.0.0_80", "Ingress app/i; ");
	SOURCES(XDS_RDS, "http.80", "Ingress app/i; Service app/a; ");
	kit_fini(&s.kit);
}
