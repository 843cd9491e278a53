/* Dynamic forward proxies on listeners: whose filter it is where several services share a port, and what mesh policy adds. */
#include "kit.h"
#include "test.h"
#include <string.h>

#define ENTRY(name, day, host, resolution, ports, more) \
	"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n" \
	"metadata: {name: " name ", namespace: default, creationTimestamp: '2024-01-0" day \
	"T00:00:00Z'}\n" \
	"spec: {hosts: [\"" host "\"], location: MESH_EXTERNAL, resolution: " resolution \
	", ports: [" ports "]" more "}\n---\n"
#define HTTP "{number: 80, name: http, protocol: HTTP}"
#define TLS "{number: 443, name: tls, protocol: TLS}"
#define FIXED(day) \
	ENTRY("fixed", day, "fixed.test", "STATIC", HTTP, ", endpoints: [{address: 1.2.3.4}]")
#define WILD(day) ENTRY("wild", day, "*.wild.test", "DYNAMIC_DNS", HTTP ", " TLS, "")
#define HTTP_FILTER "envoy.filters.http.dynamic_forward_proxy"
#define SNI_FILTER "envoy.extensions.filters.network.sni_dynamic_forward_proxy"

/* How often `what` is in the listener. */
static unsigned occurs(const char *mesh, const char *objects, const char *metadata,
		       const char *name, const char *what)
{
	struct kit k;
	struct kit_proxy proxy = { .name = "p", .metadata = metadata };
	const char *json;
	unsigned n = 0;

	kit_init(&k, NULL);
	if (mesh)
		kit_mesh(&k, mesh);
	kit_put(&k, objects);
	json = kit_json(&k, kit_join(&k, &proxy), XDS_LDS, name);
	CHECK(*json);
	for (const char *p = json; (p = strstr(p, what)); p++)
		n++;
	kit_fini(&k);
	return n;
}

TEST(forward_proxy_of_the_first_service)
{
	CHECK_INT(occurs(NULL, WILD("1") FIXED("2"), NULL, "0.0.0.0_80", HTTP_FILTER), 1);
	CHECK_INT(occurs(NULL, FIXED("1") WILD("2"), NULL, "0.0.0.0_80", HTTP_FILTER), 0);
	CHECK_INT(occurs(NULL, WILD("1"), NULL, "0.0.0.0_80", "*.wild.test_dfp_dns_cache"), 1);
}

TEST(forward_proxy_any_host)
{
	const char *any = "outboundTrafficPolicy: {mode: ALLOW_ANY_DYNAMIC_DNS}";

	CHECK_INT(occurs(any, FIXED("1"), NULL, "0.0.0.0_80", HTTP_FILTER), 1);
	CHECK_INT(occurs(any, WILD("1"), NULL, "0.0.0.0_80", HTTP_FILTER), 2);
	CHECK_INT(occurs(any, FIXED("1"), NULL, "virtualOutbound", "catchall-tcp-http"), 1);
	CHECK_INT(occurs(NULL, FIXED("1"), NULL, "virtualOutbound", "catchall-tcp-http"), 0);
	CHECK_INT(occurs(any, FIXED("1"), NULL, "virtualInbound", HTTP_FILTER), 0);
}

TEST(forward_proxy_by_server_name)
{
	const char *vs =
		WILD("1") "apiVersion: networking.istio.io/v1\nkind: VirtualService\n"
			  "metadata: {name: v, namespace: default}\nspec:\n"
			  "  hosts: ['*.wild.test']\n"
			  "  tls: [{match: [{port: 443, sniHosts: [a.wild.test]}], route: "
			  "[{destination: {host: '*.wild.test', port: {number: 443}}}]}]\n";

	CHECK_INT(occurs(NULL, WILD("1"), NULL, "0.0.0.0_443", SNI_FILTER "\""), 1);
	CHECK_INT(occurs(NULL, vs, NULL, "0.0.0.0_443", SNI_FILTER "\""), 1);
	/* With an address of its own the listener serves nothing but names under the wildcard, all the same. */
	CHECK_INT(occurs(NULL,
			 ENTRY("wild", "1", "*.wild.test", "DYNAMIC_DNS", TLS,
			       ", addresses: [240.0.0.9]"),
			 NULL, "240.0.0.9_443", "\"serverNames\":[\"*.wild.test\"]"),
		  1);
}
