/* Pods and WorkloadEntries as workloads. The rules are those by which istiod's registries label what they know, so that
 * a selector means the same for a proxy, for an endpoint and for a policy.
 */
#include "model/workload.h"
#include "base/ip.h"
#include "model/cells.h"
#include "model/mesh.h"
#include "model/options.h"
#include "model/proxy.h"
#include "types.h"
#include "world/world.h"

#include <stdlib.h>
#include <string.h>

/* ---- labels ---- */

static const char *const topology_keys[] = { LABEL_REGION,  LABEL_ZONE,    LABEL_SUBZONE,
					     LABEL_CLUSTER, LABEL_NETWORK, LABEL_HOSTNAME };

bool label_is_topology(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(topology_keys); i++)
		if (str_eq(key, topology_keys[i]))
			return true;
	return false;
}

const char *selector_index_pair(struct arena *a, const struct str_map *selector)
{
	for (uint32_t i = 0; selector && i < selector->n; i++)
		if (!label_is_topology(selector->v[i].key))
			return arena_printf(a, "%s=%s", selector->v[i].key, selector->v[i].value);
	return NULL;
}

struct str_map labels_merge(struct arena *a, const struct str_map *under,
			    const struct str_map *over)
{
	struct str_pair *v = arena_array(a, struct str_pair, under->n + over->n);
	uint32_t i = 0, j = 0, n = 0;

	while (i < under->n || j < over->n) {
		int c = i == under->n  ? 1
			: j == over->n ? -1
				       : strcmp(under->v[i].key, over->v[j].key);

		v[n++] = c < 0 ? under->v[i] : over->v[j];
		i += c <= 0;
		j += c >= 0;
	}
	return (struct str_map){ v, n, true };
}

static int pair_compare(const void *a, const void *b)
{
	return strcmp(((const struct str_pair *)a)->key, ((const struct str_pair *)b)->key);
}

struct str_map labels_augment(struct arena *a, const struct str_map *labels,
			      const struct topology_labels *t)
{
	struct locality l = locality_split(a, t->locality);
	bool has_network = labels && !str_empty(str_map_get(labels, LABEL_NETWORK));
	struct str_pair all[] = {
		{ LABEL_REGION, l.region },    { LABEL_ZONE, l.zone },
		{ LABEL_SUBZONE, l.sub_zone }, { LABEL_CLUSTER, t->cluster },
		{ LABEL_HOSTNAME, t->node },   { LABEL_NETWORK, has_network ? "" : t->network },
	};
	struct str_map over = { all, 0, true }, none = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (!str_empty(all[i].value))
			all[over.n++] = all[i];
	qsort(all, over.n, sizeof *all, pair_compare);
	return labels_merge(a, labels ? labels : &none, &over);
}

/* ---- localities ---- */

struct locality locality_split(struct arena *a, const char *text)
{
	const char *part[3] = { "", "", "" };

	for (size_t i = 0; i < ARRAY_LEN(part) && text; i++) {
		size_t len = strcspn(text, "/");

		part[i] = arena_strndup(a, text, len);
		text = text[len] ? text + len + 1 : NULL;
	}
	return (struct locality){ part[0], part[1], part[2] };
}

const char *locality_join(struct arena *a, const struct locality *l)
{
	if (*l->sub_zone)
		return arena_printf(a, "%s/%s/%s", l->region, l->zone, l->sub_zone);
	if (*l->zone)
		return arena_printf(a, "%s/%s", l->region, l->zone);
	return l->region;
}

const char *locality_label(struct arena *a, const struct str_map *labels)
{
	const char *v = str_map_get(labels, "topology.istio.io/locality");
	char *copy;

	if (str_empty(v))
		v = str_map_get(labels, "istio-locality");
	if (str_empty(v))
		return "";
	if (strchr(v, '/'))
		return v;
	copy = arena_strdup(a, v);
	for (char *p = copy; *p; p++)
		if (*p == '.')
			*p = '/';
	return copy;
}

/* ---- pods ---- */

const char *object_cluster(const struct object *o)
{
	return str_empty(o->cluster) ? model_options()->cluster_id : o->cluster;
}

static const struct pod_status *status_of(const struct object *pod)
{
	return ((const struct pod *)pod->body)->status;
}

const char *pod_ip(const struct object *pod)
{
	const struct pod_status *s = status_of(pod);

	return s ? str_or(s->pod_ip, s->pod_ips.n ? str_or(s->pod_ips.v[0].ip, "") : "") : "";
}

bool pod_is_serving(const struct object *pod)
{
	const struct pod_status *s = status_of(pod);

	if (!s || !*pod_ip(pod) || pod->meta->deletion_timestamp.set ||
	    str_eq(s->phase, "Succeeded") || str_eq(s->phase, "Failed"))
		return false;
	for (uint32_t i = 0; i < s->conditions.n; i++)
		if (str_eq(s->conditions.v[i].type, "Ready"))
			return str_eq(s->conditions.v[i].status, "True");
	return false;
}

static uint16_t container_port(const struct container *c, const char *name, const char *transport)
{
	for (uint32_t i = 0; i < c->ports.n; i++) {
		const struct container_port *p = &c->ports.v[i];

		if (str_eq(p->name, name) &&
		    (!transport || !strcmp(str_or(p->protocol, "TCP"), transport)))
			return (uint16_t)p->container_port.v;
	}
	return 0;
}

uint16_t pod_port(const struct object *pod, const char *name, const char *transport)
{
	const struct pod_spec *s = ((const struct pod *)pod->body)->spec;
	uint16_t port = 0;

	if (!s || str_empty(name))
		return 0;
	for (uint32_t i = 0; i < s->containers.n && !port; i++)
		port = container_port(&s->containers.v[i], name, transport);
	for (uint32_t i = 0; i < s->init_containers.n && !port; i++)
		if (str_eq(s->init_containers.v[i].restart_policy, "Always"))
			port = container_port(&s->init_containers.v[i], name, transport);
	return port;
}

/* "nightly-28412345" -> "nightly": a Job that a CronJob made ends in 8 to 10 digits. */
static const char *cron_job_name(struct arena *a, const char *job)
{
	const char *dash = strrchr(job, '-');
	size_t digits = dash ? strspn(dash + 1, "0123456789") : 0;

	if (!dash || dash == job || digits < 8 || digits > 10 || dash[1 + digits])
		return job;
	return arena_strndup(a, job, (size_t)(dash - job));
}

/* "web-5d4f8c7b9" -> "web" when the label holds the hash at the end. */
static const char *without_hash(struct arena *a, const char *name, const char *hash)
{
	size_t len = strlen(name), tail = hash ? strlen(hash) : 0;

	if (!tail || len < tail || strcmp(name + len - tail, hash))
		return NULL;
	if (len > tail && name[len - tail - 1] == '-')
		return arena_strndup(a, name, len - tail - 1);
	return name;
}

static const char *owner_name(struct arena *a, const struct object *pod,
			      const struct owner_reference *owner)
{
	const struct str_map *labels = &pod->meta->labels;
	const char *name = str_or(owner->name, ""), *found = NULL;

	if (str_eq(owner->kind, "ReplicaSet")) {
		found = without_hash(a, name, str_map_get(labels, "pod-template-hash"));
		if (!found)
			found = without_hash(a, name,
					     str_map_get(labels, "rollouts-pod-template-hash"));
	} else if (str_eq(owner->kind, "ReplicationController")) {
		found = str_map_get(labels, "deploymentconfig");
	} else if (str_eq(owner->kind, "Job")) {
		found = cron_job_name(a, name);
	}
	return str_empty(found) ? name : found;
}

const char *pod_workload_name(struct arena *a, const struct object *pod)
{
	const struct object_meta *m = pod->meta;
	const char *label = str_map_get(&m->labels, "service.istio.io/workload-name");

	if (label)
		return label;
	for (uint32_t i = 0; !str_empty(m->generate_name) && i < m->owner_references.n; i++)
		if (m->owner_references.v[i].controller.v)
			return owner_name(a, pod, &m->owner_references.v[i]);
	return pod->name;
}

const struct object *pod_read(struct run *run, const char *ns, const char *name)
{
	return read_object(run, KIND_POD, run_key(run, ns), run_key(run, name));
}

const struct object *pod_of_ip(struct run *run, const char *ns, const char *ip)
{
	const struct entry *e = read_entry(run, CELL_POD_IP, run_key(run, ip));

	for (uint32_t i = 0; i < e->n; i++) {
		const struct object *pod;

		if (!str_eq(e->v[i]->ns, ns))
			continue;
		pod = pod_read(run, ns, e->v[i]->name);
		if (pod && pod_is_serving(pod))
			return pod;
	}
	return NULL;
}

static const char *node_label(const struct object *node, const char *key, const char *old)
{
	const char *v = str_map_get(&node->meta->labels, key);

	return str_or(str_empty(v) && old ? str_map_get(&node->meta->labels, old) : v, "");
}

const char *pod_locality(struct run *run, const struct object *pod)
{
	const struct pod_spec *s = ((const struct pod *)pod->body)->spec;
	const char *label = locality_label(run_arena(run), &pod->meta->labels);
	const char *region, *zone, *sub_zone;
	const struct object *node;

	if (*label)
		return label;
	if (!s || str_empty(s->node_name))
		return "";
	node = read_object(run, KIND_NODE, KEY_EMPTY, run_key(run, s->node_name));
	if (!node)
		return "";
	region = node_label(node, LABEL_REGION, "failure-domain.beta.kubernetes.io/region");
	zone = node_label(node, LABEL_ZONE, "failure-domain.beta.kubernetes.io/zone");
	sub_zone = node_label(node, LABEL_SUBZONE, NULL);
	if (!*region && !*zone && !*sub_zone)
		return "";
	return arena_printf(run_arena(run), "%s/%s/%s", region, zone, sub_zone);
}

/* ---- networks ---- */

/* The network of the registry, else the one with the widest block around the address. */
static const char *network_of_address(const struct mesh_networks *m, const char *address)
{
	const char *found = "";
	unsigned bits = 999;
	struct ip ip, block;

	for (uint32_t i = 0; i < m->networks.n; i++)
		for (uint32_t j = 0; j < m->networks.v[i].value.endpoints.n; j++)
			if (str_eq(m->networks.v[i].value.endpoints.v[j].from_registry,
				   model_options()->cluster_id))
				return m->networks.v[i].key;
	if (!ip_parse(address, &ip))
		return "";
	for (uint32_t i = 0; i < m->networks.n; i++) {
		for (uint32_t j = 0; j < m->networks.v[i].value.endpoints.n; j++) {
			const char *cidr = m->networks.v[i].value.endpoints.v[j].from_cidr;

			if (cidr && cidr_parse(cidr, &block) && ip_in(&ip, &block) &&
			    block.prefix < bits) {
				found = m->networks.v[i].key;
				bits = block.prefix;
			}
		}
	}
	return found;
}

static void load(struct run *run, struct network_lookup *l)
{
	const struct object *system = read_object(run, KIND_NAMESPACE, KEY_EMPTY,
						  run_key(run, model_options()->system_namespace));

	l->of_system = system ? str_map_get(&system->meta->labels, LABEL_NETWORK) : NULL;
	if (str_empty(l->of_system))
		l->networks = mesh_networks_read(run);
	l->loaded = true;
}

const char *network_of(struct run *run, struct network_lookup *l, const struct str_map *labels,
		       const char *address)
{
	const char *label = labels ? str_map_get(labels, LABEL_NETWORK) : NULL;

	if (!str_empty(label))
		return label;
	if (!l->loaded)
		load(run, l);
	if (!str_empty(l->of_system))
		return l->of_system;
	return l->networks ? network_of_address(l->networks, str_or(address, "")) : "";
}

const char *spiffe_id(struct run *run, const char *ns, const char *service_account)
{
	return arena_printf(run_arena(run), "spiffe://%s/ns/%s/sa/%s", mesh_trust_domain(run), ns,
			    service_account);
}

/* ---- WorkloadEntries ---- */

static const struct workload_entry_spec *spec_of(const struct object *entry)
{
	return ((const struct workload_entry *)entry->body)->spec;
}

struct str_map entry_labels(struct arena *a, const struct object *entry)
{
	return labels_merge(a, &spec_of(entry)->labels, &entry->meta->labels);
}

const char *entry_locality(struct arena *a, const struct workload_entry_spec *s,
			   const struct str_map *labels)
{
	return str_empty(s->locality) ? locality_label(a, labels) : s->locality;
}

const char *entry_network(struct run *run, struct network_lookup *l,
			  const struct workload_entry_spec *s, const struct str_map *labels)
{
	return str_empty(s->network) ? network_of(run, l, labels, s->address) : s->network;
}

struct str_map entry_labels_full(struct run *run, const struct object *entry)
{
	struct arena *a = run_arena(run);
	struct str_map labels = entry_labels(a, entry);
	struct network_lookup lookup = { 0 };

	return labels_augment(
		a, &labels,
		&(struct topology_labels){
			.locality = entry_locality(a, spec_of(entry), &labels),
			.cluster = object_cluster(entry),
			.network = entry_network(run, &lookup, spec_of(entry), &labels),
		});
}

static int name_compare(const struct object *x, const struct object *y)
{
	int c = strcmp(x->ns, y->ns);

	return c ? c : strcmp(x->name, y->name);
}

const struct object *entry_of_ip(struct run *run, const char *ip, const char *ns, const char *name)
{
	const struct entry *e = read_entry(run, CELL_WE_IP, run_key(run, ip));
	const struct object *best = NULL;
	int best_rank = 0;

	for (uint32_t i = 0; i < e->n; i++) {
		const struct object *o = e->v[i];
		int rank = 1;

		if (ns && str_eq(o->ns, ns))
			rank = str_eq(o->name, name) ? 3 : 2;
		if (!best || rank > best_rank || (rank == best_rank && name_compare(o, best) < 0)) {
			best = o;
			best_rank = rank;
		}
	}
	if (best)
		cite_object(run, best);
	return best;
}
