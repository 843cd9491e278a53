/* What the webhook demands of VirtualServices; the rules of one HTTP route are in check_http.c. */
#include "base/ip.h"
#include "schema/check_impl.h"
#include <string.h>

static bool has_gateway(const struct virtual_service_spec *s, bool other_than_mesh)
{
	if (!s->gateways.n)
		return !other_than_mesh;
	for (uint32_t i = 0; i < s->gateways.n; i++)
		if (str_eq(s->gateways.v[i], "mesh") != other_than_mesh)
			return true;
	return false;
}

static bool covers(const char *wide, const char *host)
{
	if (str_eq(wide, host))
		return true;
	return wide[0] == '*' && str_ends(host, wide + 1);
}

static void check_hosts(struct check *c, const struct virtual_service_spec *s)
{
	for (uint32_t i = 0; i < s->hosts.n; i++) {
		const char *path = sub(c, "spec.hosts", "[%u]", i), *h = s->hosts.v[i];

		check_host(c, path, h, true);
		if (str_eq(h, "*") && has_gateway(s, false))
			bad(c, path, "\"*\" is for gateways only");
		for (uint32_t j = 0; j < i; j++)
			if (str_eq(h, s->hosts.v[j]) ||
			    (has_gateway(s, false) &&
			     (covers(h, s->hosts.v[j]) || covers(s->hosts.v[j], h))))
				bad(c, path, "\"%s\" overlaps \"%s\"", h, s->hosts.v[j]);
	}
}

static void check_routes(struct check *c, const char *path, const struct route_destination *v,
			 uint32_t n)
{
	int64_t sum = 0;

	if (!n)
		bad(c, path, "a route is needed");
	for (uint32_t i = 0; i < n; i++) {
		check_destination(c, sub(c, path, "route[%u].destination", i), v[i].destination,
				  false);
		check_not_negative(c, sub(c, path, "route[%u].weight", i), &v[i].weight);
		sum += v[i].weight.v;
	}
	if (n > 1 && sum <= 0)
		bad(c, path, "weights must not sum up to 0");
}

static void check_subnets(struct check *c, const char *path, const struct str_list *l)
{
	struct ip ip;

	for (uint32_t i = 0; i < l->n; i++)
		if (!cidr_parse(l->v[i], &ip))
			bad(c, sub(c, path, "destinationSubnets[%u]", i), "\"%s\" is no range",
			    l->v[i]);
}

static void check_l4(struct check *c, const char *path, const struct str_list *subnets,
		     const struct opt_int *port, const struct str_list *gateways)
{
	check_subnets(c, path, subnets);
	if (port->v && !is_port(port))
		bad(c, sub(c, path, "port"), "a port is 1 to 65535");
	for (uint32_t i = 0; i < gateways->n; i++)
		if (!str_eq(gateways->v[i], "mesh"))
			check_gateway_name(c, sub(c, path, "gateways[%u]", i), gateways->v[i]);
}

static void check_sni(struct check *c, const char *path, const struct virtual_service_spec *s,
		      const char *sni)
{
	bool covered = false;

	check_host(c, path, sni, true);
	for (uint32_t i = 0; i < s->hosts.n; i++)
		covered |= covers(s->hosts.v[i], sni);
	if (!covered)
		bad(c, path, "\"%s\" is not among the hosts", sni);
}

static void check_tls_route(struct check *c, const char *path, const struct virtual_service_spec *s,
			    const struct tls_route *t)
{
	if (!t->match.n)
		bad(c, path, "a match is needed");
	for (uint32_t i = 0; i < t->match.n; i++) {
		const struct tls_match_attributes *m = &t->match.v[i];
		const char *at = sub(c, path, "match[%u]", i);

		if (!m->sni_hosts.n)
			bad(c, sub(c, at, "sniHosts"), "is needed");
		for (uint32_t j = 0; j < m->sni_hosts.n; j++)
			check_sni(c, sub(c, at, "sniHosts[%u]", j), s, m->sni_hosts.v[j]);
		check_l4(c, at, &m->destination_subnets, &m->port, &m->gateways);
	}
	check_routes(c, path, t->route.v, t->route.n);
}

static void check_tcp_route(struct check *c, const char *path, const struct tcp_route *t)
{
	for (uint32_t i = 0; i < t->match.n; i++)
		check_l4(c, sub(c, path, "match[%u]", i), &t->match.v[i].destination_subnets,
			 &t->match.v[i].port, &t->match.v[i].gateways);
	check_routes(c, path, t->route.v, t->route.n);
}

/* Claims are known where tokens are checked: at gateways. */
static void check_claims(struct check *c, const struct virtual_service_spec *s)
{
	if (has_gateway(s, true))
		return;
	for (uint32_t i = 0; i < s->http.n; i++)
		for (uint32_t j = 0; j < s->http.v[i].match.n; j++) {
			const struct http_match_request *m = &s->http.v[i].match.v[j];

			for (uint32_t k = 0; k < m->headers.n; k++)
				if (!strncasecmp(m->headers.v[k].key, "@request.auth.claims", 20))
					bad(c, sub(c, "spec.http", "[%u].match[%u].headers", i, j),
					    "claims can be matched at gateways only");
		}
}

static void check_delegate(struct check *c, const struct virtual_service_spec *s)
{
	if (s->gateways.n)
		bad(c, "spec.gateways", "a delegate (without hosts) has none");
	if (s->tls.n || s->tcp.n)
		bad(c, s->tls.n ? "spec.tls" : "spec.tcp",
		    "a delegate (without hosts) has HTTP routes only");
	for (uint32_t i = 0; i < s->http.n; i++)
		if (s->http.v[i].delegate)
			bad(c, sub(c, "spec.http", "[%u].delegate", i),
			    "a delegate does not delegate");
}

void check_virtual_service(struct check *c)
{
	const struct virtual_service_spec *s =
		((const struct virtual_service *)c->object->body)->spec;

	if (!s)
		return;
	if (!s->hosts.n)
		check_delegate(c, s);
	for (uint32_t i = 0; i < s->gateways.n; i++)
		if (!str_eq(s->gateways.v[i], "mesh"))
			check_gateway_name(c, sub(c, "spec.gateways", "[%u]", i), s->gateways.v[i]);
	check_hosts(c, s);
	if (!s->http.n && !s->tls.n && !s->tcp.n)
		bad(c, "spec", "http, tcp or tls is needed");
	for (uint32_t i = 0; i < s->http.n; i++)
		check_http_route(c, sub(c, "spec.http", "[%u]", i), &s->http.v[i]);
	for (uint32_t i = 0; i < s->tls.n; i++)
		check_tls_route(c, sub(c, "spec.tls", "[%u]", i), s, &s->tls.v[i]);
	for (uint32_t i = 0; i < s->tcp.n; i++)
		check_tcp_route(c, sub(c, "spec.tcp", "[%u]", i), &s->tcp.v[i]);
	check_claims(c, s);
	check_export_to(c, &s->export_to, false, false);
}
