/* From objects to services: a Kubernetes Service is one, each host of a ServiceEntry is one (translation.md 1.4, 9.6).
 *
 * Several objects of a namespace may declare one host. The oldest counts, a Kubernetes Service before any
 * ServiceEntry; the rest still gives endpoints, and routes prefer the last one. All is built in an arena, anew each
 * time: it is a few pointers into the objects.
 */
#include "base/ip.h"
#include "model/auto_vip.h"
#include "model/options.h"
#include "model/queries.h"
#include "model/same.h"
#include "model/service.h"
#include "types.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_ALIASES = 1000 };

const char *const *service_hosts(const struct object *obj, struct arena *a, uint32_t *ret_n)
{
	const struct service_entry *se = obj->body;
	const char **v;
	uint32_t n = 0;

	*ret_n = 0;
	if (obj->kind == KIND_SERVICE) {
		v = arena_new(a, const char *);
		*v = service_fqdn(a, obj->name, obj->ns);
		*ret_n = 1;
		return v;
	}
	if (obj->kind != KIND_SERVICE_ENTRY || !se->spec)
		return NULL;
	v = arena_array(a, const char *, se->spec->hosts.n);
	for (uint32_t i = 0; i < se->spec->hosts.n; i++) {
		const char *host = host_lower(a, se->spec->hosts.v[i]);
		uint32_t j = 0;

		while (j < n && strcmp(v[j], host))
			j++;
		if (j == n && *host)
			v[n++] = host;
	}
	*ret_n = n;
	return v;
}

static const char *annotation(const struct object *obj, const char *key)
{
	return obj->meta ? str_map_get(&obj->meta->annotations, key) : NULL;
}

/* The annotation's key is compared without regard to case. */
const char *distribution_annotation(const struct object *obj)
{
	const struct str_map *m = obj->meta ? &obj->meta->annotations : NULL;

	for (uint32_t i = 0; m && i < m->n; i++)
		if (!strcasecmp(m->v[i].key, "networking.istio.io/traffic-distribution"))
			return m->v[i].value;
	return NULL;
}

enum traffic_distribution distribution_parse(const char *text)
{
	if (!strcasecmp(text, "PreferClose") || !strcasecmp(text, "PreferSameZone"))
		return DISTRIBUTION_SAME_ZONE;
	return strcasecmp(text, "PreferSameNode") ? DISTRIBUTION_ANY : DISTRIBUTION_SAME_NODE;
}

static void set_distribution(struct service *s, const char *spec)
{
	const char *text = spec ? spec : distribution_annotation(s->object);

	s->has_distribution = text != NULL;
	s->distribution = text ? distribution_parse(text) : DISTRIBUTION_ANY;
}

static struct str_list split_commas(struct arena *a, const char *text)
{
	struct str_list list = { .set = true };
	const char **v = NULL;
	size_t cap = 0;

	for (const char *p = text; *p;) {
		size_t n = strcspn(p, ","), skip = strspn(p, " \t");

		if (skip < n) {
			size_t len = n - skip;

			while (p[skip + len - 1] == ' ' || p[skip + len - 1] == '\t')
				len--;
			*ARENA_PUSH(a, v, list.n, cap) = arena_strndup(a, p + skip, len);
		}
		p += n + (p[n] == ',');
	}
	list.v = v;
	return list;
}

static void kube_ports(const struct service_spec *spec, struct arena *a, struct service *s)
{
	struct service_port_model *v = arena_array(a, struct service_port_model, spec->ports.n);

	for (uint32_t i = 0; i < spec->ports.n; i++) {
		const struct service_port *p = &spec->ports.v[i];
		uint16_t number = (uint16_t)p->port.v, target = number;

		if (p->target_port.set)
			target = p->target_port.is_str ? 0 : (uint16_t)p->target_port.i;
		v[i] = (struct service_port_model){
			.name = str_or(p->name, ""),
			.number = number,
			.target_port = target,
			.target_name = p->target_port.is_str ? p->target_port.s : NULL,
			.protocol = protocol_of_port(p->protocol, p->name, p->app_protocol, number),
		};
	}
	s->ports = v;
	s->n_ports = spec->ports.n;
}

static void kube_addresses(const struct service_spec *spec, struct arena *a, struct service *s)
{
	const char **v = arena_array(a, const char *, spec->cluster_ips.n + 1);
	uint32_t n = 0;

	for (uint32_t i = 0; i < spec->cluster_ips.n; i++)
		if (ip_is_valid(spec->cluster_ips.v[i]))
			v[n++] = spec->cluster_ips.v[i];
	if (!n && !str_empty(spec->cluster_ip) && ip_is_valid(spec->cluster_ip))
		v[n++] = spec->cluster_ip;
	s->addresses = v;
	s->n_addresses = n;
}

static void from_kube(const struct object *obj, struct arena *a, struct service *s)
{
	static const struct service_spec none;
	const struct kube_service *kube = obj->body;
	const struct service_spec *spec = kube->spec ? kube->spec : &none;
	const char *text;

	s->name = obj->name;
	s->is_kubernetes = true;
	kube_ports(spec, a, s);
	if (str_eq(spec->type, "ExternalName") && !str_empty(spec->external_name)) {
		const char *target = host_lower(a, spec->external_name);

		s->alias_of = str_ends(target, ".") ? arena_strndup(a, target, strlen(target) - 1)
						    : target;
		s->resolution = RESOLUTION_ALIAS;
		s->mesh_external = true;
	} else if (str_eq(spec->cluster_ip, "None")) {
		s->resolution = RESOLUTION_PASSTHROUGH;
		s->headless = true;
	} else {
		kube_addresses(spec, a, s);
	}
	s->node_local = str_eq(spec->internal_traffic_policy, "Local");
	s->publish_not_ready = spec->publish_not_ready_addresses.v;
	s->selector = &spec->selector;
	set_distribution(s, spec->traffic_distribution);
	text = annotation(obj, "networking.istio.io/exportTo");
	if (text)
		s->export_to = split_commas(a, text);
}

static enum resolution resolution_of(enum service_entry_spec_resolution r)
{
	switch (r) {
	case SERVICE_ENTRY_SPEC_RESOLUTION_STATIC: return RESOLUTION_CLIENT_SIDE_LB;
	case SERVICE_ENTRY_SPEC_RESOLUTION_DNS: return RESOLUTION_DNS_LB;
	case SERVICE_ENTRY_SPEC_RESOLUTION_DNS_ROUND_ROBIN: return RESOLUTION_DNS_ROUND_ROBIN_LB;
	case SERVICE_ENTRY_SPEC_RESOLUTION_DYNAMIC_DNS: return RESOLUTION_DYNAMIC_DNS;
	default: return RESOLUTION_PASSTHROUGH;
	}
}

static void entry_ports(const struct service_entry_spec *spec, struct arena *a, struct service *s)
{
	struct service_port_model *v = arena_array(a, struct service_port_model, spec->ports.n);

	for (uint32_t i = 0; i < spec->ports.n; i++) {
		const struct se_port *p = &spec->ports.v[i];

		v[i] = (struct service_port_model){
			.name = str_or(p->name, ""),
			.number = (uint16_t)p->number.v,
			.target_port = (uint16_t)p->target_port.v,
			.protocol = protocol_parse(p->protocol),
		};
	}
	s->ports = v;
	s->n_ports = spec->ports.n;
}

static void entry_addresses(const struct service_entry_spec *spec, struct arena *a,
			    struct service *s)
{
	const char **v = arena_array(a, const char *, spec->addresses.n);
	uint32_t n = 0;

	for (uint32_t i = 0; i < spec->addresses.n; i++) {
		struct ip ip;
		const char *text = spec->addresses.v[i];

		if (!cidr_parse(text, &ip) || !strcmp(text, "0.0.0.0"))
			continue;
		if (strchr(text, '/') && ip.prefix == (ip.family == 4 ? 32 : 128))
			text = arena_strndup(a, text, strcspn(text, "/"));
		v[n++] = text;
	}
	s->addresses = v;
	s->n_addresses = n;
}

/* Which hosts get an allocated address, and what the status says (9.7). */
static void entry_auto(const struct object *obj, struct service *s)
{
	const struct service_entry *se = obj->body;
	const char *label = obj->meta ? str_map_get(&obj->meta->labels,
						    "networking.istio.io/enable-autoallocate-ip")
				      : NULL;

	if (se->spec->addresses.n || s->resolution == RESOLUTION_PASSTHROUGH ||
	    (label && !strcasecmp(label, "false")))
		return;
	if (host_is_wildcard(s->host) && s->resolution != RESOLUTION_DYNAMIC_DNS)
		return;
	s->auto_allocate = true;
	for (uint32_t i = 0; se->status && i < se->status->addresses.n; i++) {
		const struct service_entry_address *at = &se->status->addresses.v[i];

		if (!at->host || !at->value || strcasecmp(at->host, s->host))
			continue;
		if (!s->auto_v4 && ip_is_v4(at->value))
			s->auto_v4 = at->value;
		else if (!s->auto_v6 && ip_is_v6(at->value))
			s->auto_v6 = at->value;
	}
}

static void from_entry(const struct object *obj, struct arena *a, struct service *s)
{
	static const struct service_entry_spec none;
	const struct service_entry *se = obj->body;
	const struct service_entry_spec *spec = se->spec ? se->spec : &none;

	s->name = s->host;
	s->mesh_external = spec->location != SERVICE_ENTRY_SPEC_LOCATION_MESH_INTERNAL;
	s->resolution = resolution_of(spec->resolution);
	entry_ports(spec, a, s);
	entry_addresses(spec, a, s);
	if (se->spec)
		entry_auto(obj, s);
	s->selector = spec->workload_selector ? &spec->workload_selector->labels : NULL;
	s->export_to = spec->export_to;
	s->subject_alt_names = spec->subject_alt_names;
	set_distribution(s, NULL);
}

void service_from_object(const struct object *obj, const char *host, struct arena *a,
			 struct service *ret)
{
	static const struct str_map none;
	const char *strategy = annotation(obj, "istio.io/connect-strategy");

	*ret = (struct service){
		.host = host,
		.ns = obj->ns,
		.created_s = obj->created_s,
		.labels = obj->meta ? &obj->meta->labels : &none,
		.annotations = obj->meta ? &obj->meta->annotations : &none,
		.race_first_tcp_connect =
			strategy && !strcasecmp(strategy, "RACE_FIRST_TCP_CONNECT"),
		.object = obj,
	};
	if (obj->kind == KIND_SERVICE)
		from_kube(obj, a, ret);
	else
		from_entry(obj, a, ret);
}

/* The member that counts; entries are oldest first. */
static uint32_t principal(const struct entry *e)
{
	for (uint32_t i = 0; i < e->n; i++)
		if (e->v[i]->kind == KIND_SERVICE)
			return i;
	return 0;
}

void service_merge_ports(struct service *s, const struct service *from, struct arena *a)
{
	struct service_port_model *v;

	if (s->is_kubernetes || !same_service(s, from))
		return;
	v = arena_array(a, struct service_port_model, s->n_ports + from->n_ports);
	if (s->n_ports)
		memcpy(v, s->ports, s->n_ports * sizeof *v);
	s->ports = v;
	for (uint32_t i = 0; i < from->n_ports; i++)
		if (!service_port_of(s, from->ports[i].number))
			v[s->n_ports++] = from->ports[i];
}

const struct service *service_read(struct run *r, uint32_t ns, uint32_t host)
{
	const struct entry *e = read_entry(r, CELL_SVC_NS_HOST, run_pair(r, ns, host));
	const struct object **others;
	struct service *s, other;
	uint32_t first;

	if (!e->n)
		return NULL;
	first = principal(e);
	s = arena_new(run_arena(r), struct service);
	service_from_object(e->v[first], run_text(r, host), run_arena(r), s);
	if (e->n == 1)
		return s;
	others = arena_array(run_arena(r), const struct object *, e->n);
	for (uint32_t i = 0; i < e->n; i++)
		if (i != first && e->v[i]->kind == KIND_SERVICE_ENTRY) {
			others[s->n_others++] = e->v[i];
			service_from_object(e->v[i], s->host, run_arena(r), &other);
			service_merge_ports(s, &other, run_arena(r));
		}
	s->others = others;
	return s;
}

const struct service_port_model *service_port_of(const struct service *s, uint16_t number)
{
	for (uint32_t i = 0; i < s->n_ports; i++)
		if (s->ports[i].number == number)
			return &s->ports[i];
	return NULL;
}

/* Services in a list are ordered by creation and name; those of one host differ in name only where one of them is a
 * Kubernetes Service, since a ServiceEntry's name is the host. */
static bool listed_before(const struct object *a, const struct object *b, const char *host)
{
	const char *name_a = a->kind == KIND_SERVICE ? a->name : host;
	const char *name_b = b->kind == KIND_SERVICE ? b->name : host;

	if (a->created_s != b->created_s)
		return a->created_s < b->created_s;
	if (strcmp(name_a, name_b))
		return strcmp(name_a, name_b) < 0;
	return strcmp(a->name, b->name) < 0;
}

static bool entry_has_port(const struct object *o, uint16_t port)
{
	const struct service_entry_spec *spec = ((const struct service_entry *)o->body)->spec;

	for (uint32_t i = 0; spec && i < spec->ports.n; i++)
		if (spec->ports.v[i].number.v == port)
			return true;
	return false;
}

const struct service *service_of_routes(struct run *r, const struct service *s, uint16_t port)
{
	const struct object *last = s->object;
	struct service *variant;

	if (!s->is_kubernetes && !entry_has_port(last, port))
		last = NULL;
	for (uint32_t i = 0; i < s->n_others; i++)
		if (entry_has_port(s->others[i], port) &&
		    (!last || listed_before(last, s->others[i], s->host)))
			last = s->others[i];
	if (!last)
		return s;
	if (last == s->object && (s->is_kubernetes || s->n_addresses <= 1))
		return s;
	variant = arena_new(run_arena(r), struct service);
	service_from_object(last, s->host, run_arena(r), variant);
	variant->others = s->others;
	variant->n_others = s->n_others;
	if (variant->n_addresses > 1) {
		variant->addresses += variant->n_addresses - 1;
		variant->n_addresses = 1;
	}
	return variant;
}

enum traffic_distribution service_distribution(struct run *r, const struct service *s)
{
	const struct entry *e;
	const char *text;

	if (s->has_distribution)
		return s->distribution;
	e = read_entry(r, CELL_NS_DISTRIBUTION, run_key(r, s->ns));
	text = e->n ? distribution_annotation(e->v[0]) : NULL;
	return text ? distribution_parse(text) : DISTRIBUTION_ANY;
}

static int by_ns_host(const void *a, const void *b)
{
	const struct service_alias *x = a, *y = b;
	int c = strcmp(x->ns, y->ns);

	return c ? c : strcmp(x->host, y->host);
}

/* Breadth first; a host that is met twice closes a loop and is not followed again. */
const struct service_alias *service_aliases(struct run *r, const struct service *s, uint32_t *ret_n)
{
	struct arena *a = run_arena(r);
	struct service_alias *v = NULL;
	uint32_t n = 0;
	size_t cap = 0;
	const char *target = s->host;

	for (uint32_t next = 0;; target = v[next++].host) {
		const struct entry *e = read_entry(r, CELL_SVC_ALIAS, run_key(r, target));

		for (uint32_t i = 0; i < e->n && n < MAX_ALIASES; i++) {
			const char *host = service_fqdn(a, e->v[i]->name, e->v[i]->ns);
			uint32_t j = 0;

			while (j < n && strcmp(v[j].host, host))
				j++;
			if (j == n && strcmp(host, s->host))
				*ARENA_PUSH(a, v, n, cap) =
					(struct service_alias){ e->v[i]->ns, host };
		}
		if (next == n)
			break;
	}
	if (n)
		qsort(v, n, sizeof *v, by_ns_host);
	*ret_n = n;
	return v;
}
