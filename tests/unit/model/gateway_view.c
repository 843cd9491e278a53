#include "gateway_view.h"
#include "base/buf.h"
#include "model/gateway.h"
#include <string.h>

static unsigned day; /* the later put, the younger */

void put_object(struct harness *h, const char *kind, const char *name, const char *meta,
		const char *spec)
{
	cleanup(buf_fini) struct buf b = BUF_INIT;
	const char *slash = strchr(name, '/');

	day++;
	buf_printf(&b,
		   "kind: %s\nmetadata: {namespace: %.*s, name: %s, creationTimestamp: "
		   "'2024-%02u-%02uT00:00:00Z', %s}\nspec: {%s}\n",
		   kind, (int)(slash - name), name, slash + 1, day / 28 % 12 + 1, day % 28 + 1,
		   meta, spec);
	if (str_eq(kind, "Gateway") || str_eq(kind, "VirtualService"))
		buf_puts(&b, "apiVersion: networking.istio.io/v1\n");
	else if (str_eq(kind, "Ingress"))
		buf_puts(&b, "apiVersion: networking.k8s.io/v1\n");
	else
		buf_puts(&b, "apiVersion: v1\n");
	harness_put(h, buf_str(&b));
}

void put_gateway(struct harness *h, const char *name, const char *spec)
{
	put_object(h, "Gateway", name, "", spec);
}

void put_gateway_service(struct harness *h, const char *name, const char *meta, const char *ports)
{
	struct arena a = ARENA_INIT;

	put_object(
		h, "Service", name, meta,
		arena_printf(&a,
			     "clusterIP: 10.0.0.1, selector: {istio: ingressgateway}, ports: [%s]",
			     ports));
	arena_fini(&a);
}

uint32_t router(struct harness *h, const char *ns, const char *labels)
{
	cleanup(buf_fini) struct buf b = BUF_INIT;

	buf_printf(&b,
		   "{\"id\":\"router~10.1.0.9~gw-1.%s~%s.svc.cluster.local\",\"metadata\":"
		   "{\"NAMESPACE\":\"%s\",\"CLUSTER_ID\":\"Kubernetes\",\"LABELS\":%s}}",
		   ns, ns, ns, labels);
	return harness_proxy(h, buf_str(&b));
}

uint32_t ingress_router(struct harness *h)
{
	return router(h, "istio-system", "{\"istio\":\"ingressgateway\"}");
}

static const char *text(struct run *r, uint32_t key)
{
	return key ? run_text(r, key) : "";
}

void show_table(struct run *r, void *ctx)
{
	static const struct {
		uint16_t flag;
		const char *text;
	} flags[] = { { PLACE_HTTP3, "+h3" }, { PLACE_SNI, "+sni" }, { PLACE_HTTPS, "+https" } };
	struct buf *b = ctx;
	struct gateway_table t = gateways_of_proxy(r);

	buf_reset(b);
	for (uint32_t i = 0; i < t.n_entries; i++) {
		const struct gateway_entry *e = &t.entries[i];

		buf_printf(b, "%s%s:%u %s %s:", i ? "; " : "", run_text(r, e->bind), e->port,
			   protocol_name((enum protocol)e->protocol), text(r, e->route));
		for (uint32_t j = 0; j < t.n_places; j++) {
			const struct gateway_place *p = &t.places[j];
			struct gateway_server s;

			if (p->entry != i || !CHECK(gateway_server_read(r, p->server, &s)))
				continue;
			buf_printf(b, " %s.%s", s.name, str_or(s.server->port->name, ""));
			for (size_t k = 0; k < ARRAY_LEN(flags); k++)
				if (p->flags & flags[k].flag)
					buf_puts(b, flags[k].text);
			if (p->route != e->route)
				buf_printf(b, "(%s)", text(r, p->route));
		}
	}
}

void check_table(struct harness *h, uint32_t proxy, const char *want, int line)
{
	cleanup(buf_fini) struct buf b = BUF_INIT;

	harness_run(h, proxy, show_table, &b);
	test_check_str(buf_str(&b), want, __FILE__, line, "merged gateways");
}
