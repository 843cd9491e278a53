/* Split horizon: one list of gateways for the mesh, and the groups of an assignment as seen from one network. All weights
 * are first multiplied by the least common multiple of the numbers of gateways, so that an endpoint's weight can be
 * divided among its gateways without a remainder.
 */
#include "translate/network_gateway.h"
#include "base/ip.h"
#include "model/cells.h"
#include "model/mesh.h"
#include "model/proxy.h"
#include "model/workload.h"
#include "translate/queries.h"
#include "types.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_PORT = 15443, GATEWAYS_MAX = 4096 };

/* ---- which gateways there are ---- */

struct gateway_list {
	struct run *r;
	struct network_gateway *v;
	uint32_t n, cap;
};

static void add(struct gateway_list *l, const char *network, const char *cluster,
		const char *address, int64_t port)
{
	if (str_empty(address) || str_empty(network) || port <= 0 || port > UINT16_MAX ||
	    strpbrk(address, "\t\n") || strpbrk(network, "\t\n") || l->n == GATEWAYS_MAX)
		return;
	*ARENA_PUSH(run_arena(l->r), l->v, l->n, l->cap) =
		(struct network_gateway){ network, cluster, address, (uint16_t)port };
}

static bool has_port(const struct service_spec *s, int64_t port)
{
	for (uint32_t i = 0; i < s->ports.n; i++)
		if (s->ports.v[i].port.v == port)
			return true;
	return false;
}

/* The addresses of a Service that the world outside of its cluster knows. */
static void add_service(struct gateway_list *l, const struct object *obj, const char *network,
			int64_t port)
{
	const struct kube_service *k = obj->body;
	const struct load_balancer_status *lb = k->status ? k->status->load_balancer : NULL;
	const char *cluster = object_cluster(obj);

	if (!k->spec || !has_port(k->spec, port))
		return;
	if (str_map_get(&obj->meta->annotations, "traffic.istio.io/nodeSelector"))
		policy_warn(l->r, obj, "metadata.annotations.traffic.istio.io/nodeSelector",
			    "node ports as gateways of a network are not supported");
	for (uint32_t i = 0; str_eq(k->spec->type, "LoadBalancer") && lb && i < lb->ingress.n; i++)
		add(l, network, cluster,
		    str_empty(lb->ingress.v[i].ip) ? lb->ingress.v[i].hostname
						   : lb->ingress.v[i].ip,
		    port);
	for (uint32_t i = 0; i < k->spec->external_ips.n; i++)
		add(l, network, cluster, k->spec->external_ips.v[i], port);
}

static void add_labelled(struct gateway_list *l)
{
	const struct entry *e = read_entry(l->r, CELL_SVC_NETWORK_GATEWAY, KEY_EMPTY);

	for (uint32_t i = 0; i < e->n; i++) {
		const struct str_map *labels = &e->v[i]->meta->labels;
		const char *port = str_map_get(labels, "networking.istio.io/gatewayPort");

		add_service(l, e->v[i], str_map_get(labels, LABEL_NETWORK),
			    str_empty(port) ? DEFAULT_PORT : strtol(port, NULL, 10));
	}
}

static bool from_cluster(const struct network *n, const char *cluster)
{
	for (uint32_t i = 0; i < n->endpoints.n; i++)
		if (str_eq(n->endpoints.v[i].from_registry, cluster))
			return true;
	return false;
}

/* A gateway given by the name of a Service in the network's clusters. */
static void add_registered(struct gateway_list *l, const char *name, const struct network *n,
			   const struct istio_network_gateway *g)
{
	const char *host = host_lower(run_arena(l->r), g->registry_service_name);
	const struct entry *e = read_entry(l->r, CELL_SVC_HOST, run_key(l->r, host));

	for (uint32_t i = 0; i < e->n; i++) {
		const struct object *o =
			e->v[i]->kind == KIND_SERVICE
				? read_object(l->r, KIND_SERVICE, run_key(l->r, e->v[i]->ns),
					      run_key(l->r, e->v[i]->name))
				: NULL;

		if (o && from_cluster(n, object_cluster(o)) &&
		    str_empty(str_map_get(&o->meta->labels, LABEL_NETWORK)))
			add_service(l, o, name, g->port.set ? g->port.v : DEFAULT_PORT);
	}
}

static int by_address(const void *x, const void *y)
{
	const struct network_gateway *a = x, *b = y;
	int c = strcmp(a->address, b->address);

	if (!c)
		c = (int)a->port - (int)b->port;
	if (!c)
		c = strcmp(a->network, b->network);
	return c ? c : strcmp(a->cluster, b->cluster);
}

/* [0] lines "network TAB cluster TAB address TAB port" */
void network_gateways_run(struct run *r, uint32_t key)
{
	const struct mesh_networks *m = mesh_networks_read(r);
	struct gateway_list l = { .r = r };

	for (uint32_t i = 0; m && i < m->networks.n; i++) {
		const struct network *n = &m->networks.v[i].value;

		for (uint32_t j = 0; j < n->gateways.n; j++) {
			const struct istio_network_gateway *g = &n->gateways.v[j];

			add(&l, m->networks.v[i].key, "", g->address,
			    g->port.set ? g->port.v : DEFAULT_PORT);
			if (!str_empty(g->registry_service_name))
				add_registered(&l, m->networks.v[i].key, n, g);
		}
	}
	add_labelled(&l);
	if (l.n)
		qsort(l.v, l.n, sizeof *l.v, by_address);
	for (uint32_t i = 0; i < l.n; i++) {
		const struct network_gateway *g = &l.v[i];
		const char *line;

		if (i && !by_address(g, g - 1))
			continue;
		if (!ip_is_valid(g->address))
			policy_warn(r, NULL, "networks.gateways",
				    "%s is a name: only clusters that resolve names can use it",
				    g->address);
		line = arena_printf(run_arena(r), "%s\t%s\t%s\t%u\n", g->network, g->cluster,
				    g->address, g->port);
		run_emit(r, line, strlen(line));
	}
}

static const char *field(struct arena *a, const char **p)
{
	size_t n = strcspn(*p, "\t\n");
	const char *v = arena_strndup(a, *p, n);

	*p += n + ((*p)[n] != '\0');
	return v;
}

const struct network_gateway *network_gateways(struct run *r, uint32_t *ret_n)
{
	const struct result *result = call_query(r, Q_NETWORK_GATEWAYS, 0);
	struct gateway_list l = { .r = r };
	const char *p;

	*ret_n = 0;
	if (!result->n)
		return NULL;
	for (p = arena_strndup(run_arena(r), (const char *)result->bytes, result->n); *p;) {
		struct network_gateway *g = ARENA_PUSH(run_arena(r), l.v, l.n, l.cap);

		g->network = field(run_arena(r), &p);
		g->cluster = field(run_arena(r), &p);
		g->address = field(run_arena(r), &p);
		g->port = (uint16_t)strtoul(field(run_arena(r), &p), NULL, 10);
	}
	*ret_n = l.n;
	return l.v;
}

/* ---- an assignment from one network's point of view ---- */

struct horizon {
	struct run *r;
	bool host_names;
	const struct network_gateway *v;
	uint32_t n;
	const char *own; /* the proxy's network; NULL: not asked yet */
	uint64_t *share; /* per gateway: what a group sends through it */
};

static uint64_t gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t t = a % b;

		a = b;
		b = t;
	}
	return a;
}

/* How many gateways lead to the network, or to one cluster of it. */
static uint32_t count(const struct horizon *h, const char *network, const char *cluster)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < h->n; i++)
		n += str_eq(h->v[i].network, network) &&
		     (!cluster || str_eq(h->v[i].cluster, cluster));
	return n;
}

static uint64_t common_multiple(const struct horizon *h)
{
	uint64_t l = 1;

	for (uint32_t i = 0; i < h->n; i++) {
		uint32_t by[] = { count(h, h->v[i].network, NULL),
				  count(h, h->v[i].network, h->v[i].cluster) };

		for (size_t j = 0; j < ARRAY_LEN(by) && l < UINT32_MAX; j++)
			l = l / gcd(l, by[j]) * by[j];
	}
	return MIN(l, UINT32_MAX);
}

static bool is_direct(struct horizon *h, const struct endpoint_model *e)
{
	if (str_empty(e->network) || !count(h, e->network, NULL))
		return true;
	if (!h->own)
		h->own = run_text(h->r, ask(h->r, ASK_NETWORK, 0));
	return str_eq(h->own, e->network);
}

static bool can_use(struct horizon *h, const struct network_gateway *g)
{
	if (!ip_is_valid(g->address))
		return h->host_names;
	return ask_is(h->r, ip_is_v6(g->address) ? ASK_HAS_V6 : ASK_HAS_V4, 0);
}

/* Divides an endpoint's weight among the gateways to its cluster, or else to its network. */
static void send_through(struct horizon *h, const struct placed *p)
{
	const char *cluster = count(h, p->e->network, p->e->cluster) ? p->e->cluster : NULL;
	uint32_t n = 0;

	/* A gateway routes by the SNI of mutual TLS. */
	if (!p->mtls || !str_eq(p->e->tls_mode, "istio"))
		return;
	for (int pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < h->n; i++) {
			const struct network_gateway *g = &h->v[i];

			if (!str_eq(g->network, p->e->network) ||
			    (cluster && !str_eq(g->cluster, cluster)) || !can_use(h, g))
				continue;
			if (pass)
				h->share[i] += p->weight / n;
			else
				n++;
		}
}

static void add_gateway(struct horizon *h, const struct network_gateway *g, uint64_t weight,
			const char *locality, struct locality_group *to)
{
	struct arena *a = run_arena(h->r);
	struct endpoint_model *e = arena_new(a, struct endpoint_model);
	struct str_map labels = labels_augment(
		a, NULL, &(struct topology_labels){ .cluster = g->cluster, .network = g->network });

	*e = (struct endpoint_model){ .address = g->address,
				      .port = g->port,
				      .port_name = "",
				      .labels = arena_dup(a, &labels, sizeof labels),
				      .tls_mode = "istio",
				      .ns = "",
				      .workload_name = "",
				      .locality = locality,
				      .network = g->network,
				      .cluster = g->cluster,
				      .node_name = "" };
	*ARENA_PUSH(a, to->v, to->n, to->cap) =
		(struct placed){ e, true, (uint32_t)MIN(MAX(weight, 1), UINT32_MAX) };
}

static void split_group(struct horizon *h, struct locality_group *g, uint64_t scale)
{
	struct locality_group out = { .locality = g->locality };

	memset(h->share, 0, h->n * sizeof *h->share);
	for (uint32_t i = 0; i < g->n; i++) {
		struct placed p = g->v[i];

		p.weight = (uint32_t)MIN(p.weight * scale, UINT32_MAX);
		if (is_direct(h, p.e))
			*ARENA_PUSH(run_arena(h->r), out.v, out.n, out.cap) = p;
		else
			send_through(h, &p);
	}
	for (uint32_t i = 0; i < h->n; i++)
		if (h->share[i])
			add_gateway(h, &h->v[i], h->share[i], g->locality, &out);
	out.weight = weight_sum(out.v, out.n);
	*g = out;
}

void split_horizon(struct run *r, struct locality_groups *g, bool host_names)
{
	struct horizon h = { .r = r, .host_names = host_names };
	uint64_t scale;

	h.v = network_gateways(r, &h.n);
	if (!h.n)
		return;
	h.share = arena_array(run_arena(r), uint64_t, h.n);
	scale = common_multiple(&h);
	for (uint32_t i = 0; i < g->n; i++)
		split_group(&h, &g->v[i], scale);
}
