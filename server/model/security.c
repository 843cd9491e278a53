/* PeerAuthentication: the mode of a mesh, a namespace, a workload and a port. Policies come oldest first from their
 * namespace's entry; the first without a selector speaks for the namespace, the first that selects the workload for
 * the workload. Whether a policy selects it is the one thing in which a known workload and the asking proxy differ.
 */
#include "model/security.h"
#include "model/cells.h"
#include "model/mesh.h"
#include "model/proxy.h"
#include "types.h"
#include "world/world.h"

#include <stdlib.h>

static const struct peer_authentication_spec *spec_of(const struct object *o)
{
	return ((const struct peer_authentication *)o->body)->spec;
}

static bool has_selector(const struct peer_authentication_spec *s)
{
	return s && s->selector && s->selector->match_labels.n;
}

/* UNKNOWN: nothing is said. */
static enum mtls_mode mode_of(const struct mutual_tls *m)
{
	switch (m ? m->mode : 0) {
	case MUTUAL_TLS_MODE_DISABLE: return MTLS_DISABLE;
	case MUTUAL_TLS_MODE_PERMISSIVE: return MTLS_PERMISSIVE;
	case MUTUAL_TLS_MODE_STRICT: return MTLS_STRICT;
	default: return MTLS_UNKNOWN;
	}
}

/* The oldest policy for the namespace as a whole. *ret_found: there is one, even if it says nothing. */
static enum mtls_mode namespace_mode(struct run *run, const struct entry *policies, bool *ret_found)
{
	for (uint32_t i = 0; i < policies->n; i++) {
		const struct peer_authentication_spec *s = spec_of(policies->v[i]);

		if (!has_selector(s)) {
			cite_object(run, policies->v[i]);
			*ret_found = true;
			return s ? mode_of(s->mtls) : MTLS_UNKNOWN;
		}
	}
	*ret_found = false;
	return MTLS_UNKNOWN;
}

static const struct entry *policies_of(struct run *run, uint32_t ns)
{
	return read_entry(run, CELL_PA_NS, ns);
}

/* A mesh policy without a mode means PERMISSIVE; without a policy it stays unknown. */
static enum mtls_mode mesh_mode(struct run *run, uint32_t root)
{
	bool found;
	enum mtls_mode mode = namespace_mode(run, policies_of(run, root), &found);

	return found && mode == MTLS_UNKNOWN ? MTLS_PERMISSIVE : mode;
}

enum mtls_mode mtls_of_namespace(struct run *run, uint32_t ns)
{
	uint32_t root = run_key(run, mesh_root_namespace(run));
	enum mtls_mode mode = MTLS_UNKNOWN, mesh;
	bool found = false;

	if (ns != root)
		mode = namespace_mode(run, policies_of(run, ns), &found);
	if (mode != MTLS_UNKNOWN)
		return mode;
	mesh = mesh_mode(run, root);
	return found && mesh == MTLS_UNKNOWN ? MTLS_PERMISSIVE : mesh;
}

/* The oldest policy of the namespace that selects the workload: one with these labels, or with NULL the asking proxy. */
static const struct peer_authentication_spec *workload_policy(struct run *run, uint32_t ns,
							      const struct str_map *labels)
{
	const struct entry *policies;

	if (ns == run_key(run, mesh_root_namespace(run)))
		return NULL;
	policies = policies_of(run, ns);
	for (uint32_t i = 0; i < policies->n; i++) {
		const struct peer_authentication_spec *s = spec_of(policies->v[i]);

		if (has_selector(s) &&
		    (labels ? labels_match(&s->selector->match_labels, labels)
			    : ask_labels_match(run, &s->selector->match_labels))) {
			cite_object(run, policies->v[i]);
			return s;
		}
	}
	return NULL;
}

static const struct mutual_tls *mtls_of_port(const struct peer_authentication_spec *s,
					     uint16_t port)
{
	for (uint32_t i = 0; s && port && i < s->port_level_mtls.n; i++)
		if (strtoul(s->port_level_mtls.v[i].key, NULL, 10) == port)
			return &s->port_level_mtls.v[i].value;
	return NULL;
}

static enum mtls_mode evaluate(struct run *run, uint32_t ns, const struct str_map *labels,
			       uint16_t port)
{
	const struct peer_authentication_spec *s = workload_policy(run, ns, labels);
	enum mtls_mode mode = mode_of(mtls_of_port(s, port));

	if (mode == MTLS_UNKNOWN && s)
		mode = mode_of(s->mtls);
	if (mode == MTLS_UNKNOWN)
		mode = mtls_of_namespace(run, ns);
	return mode == MTLS_UNKNOWN ? MTLS_PERMISSIVE : mode;
}

enum mtls_mode mtls_of_workload(struct run *run, uint32_t ns, const struct str_map *labels,
				uint16_t port)
{
	static const struct str_map none;

	return evaluate(run, ns, labels ? labels : &none, port);
}

enum mtls_mode mtls_of_proxy(struct run *run, uint16_t port)
{
	return evaluate(run, ask(run, ASK_NS, 0), NULL, port);
}

static int port_compare(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

const uint16_t *mtls_ports_of_proxy(struct run *run, uint32_t *ret_n)
{
	const struct peer_authentication_spec *s = workload_policy(run, ask(run, ASK_NS, 0), NULL);
	uint32_t n = s ? s->port_level_mtls.n : 0;
	uint16_t *ports = arena_array(run_arena(run), uint16_t, n);

	for (uint32_t i = 0; i < n; i++)
		ports[i] = (uint16_t)strtoul(s->port_level_mtls.v[i].key, NULL, 10);
	qsort(ports, n, sizeof *ports, port_compare);
	*ret_n = n;
	return ports;
}
