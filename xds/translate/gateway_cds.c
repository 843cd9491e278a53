/* Lists of a router's clusters and of their assignments: what its configuration leads to, or all that it sees, and on
 * routers with an AUTO_PASSTHROUGH server those that its names lead to (translation.md 2.1, 2.10). Leaves are in
 * cluster.c and eds.c.
 */
#include "base/pairs.h"
#include "model/gateway.h"
#include "model/options.h"
#include "model/scope.h"
#include "translate/eds.h"
#include "translate/gateway.h"
#include "translate/leaf.h"
#include "translate/queries.h"

/* ---- AUTO_PASSTHROUGH ---- */

static bool is_internal(struct run *r, const struct service_head *h)
{
	return !(h->flags & HEAD_EXTERNAL);
}

static bool has_assignments(struct run *r, const struct service_head *h)
{
	return is_internal(r, h) && eds_has_assignments(r, h);
}

void cds_sni_ns_run(struct run *r, uint32_t ns)
{
	leaves_add(r, ns, Q_CDS_SNI, is_internal);
}

void cds_sni_bucket_run(struct run *r, uint32_t bucket)
{
	fanout_bucket(r, bucket, Q_CDS_SNI_NS);
}

void eds_sni_ns_run(struct run *r, uint32_t ns)
{
	leaves_add(r, ns, Q_EDS_SNI, has_assignments);
}

void eds_sni_bucket_run(struct run *r, uint32_t bucket)
{
	fanout_bucket(r, bucket, Q_EDS_SNI_NS);
}

/* ---- PILOT_FILTER_GATEWAY_CLUSTER_CONFIG ---- */

struct references {
	struct run *r;
	unsigned query;
	struct pair_map namespaces; /* (ns, 0): 1 */
	struct pair_map aliases;    /* (host, ns): 1 */
	struct pair_map added;      /* (host, ns): 1 */
};

/* Which of the services of the namespace are other names. */
static void learn_aliases(struct references *x, uint32_t ns)
{
	uint32_t *known = pair_map_at(&x->namespaces, ns, 0);
	struct heads seen;

	if (*known)
		return;
	*known = 1;
	seen = scope_visible(x->r, ns, 0);
	for (uint32_t i = 0; i < seen.n; i++)
		if (seen.v[i].flags & HEAD_ALIAS)
			*pair_map_at(&x->aliases, seen.v[i].host, ns) = 1;
}

/* Routes to another name of a service lead to that service. */
static void add_reference(struct references *x, uint32_t host)
{
	struct run *r = x->r;
	uint32_t ns = scope_host_ns(r, host), *added;

	if (!ns)
		return;
	learn_aliases(x, ns);
	if (*pair_map_at(&x->aliases, host, ns)) {
		const struct service *s = service_read(r, ns, host);

		host = s && s->alias_of ? run_key(r, s->alias_of) : 0;
		ns = host ? scope_host_ns(r, host) : 0;
		if (!ns)
			return;
	}
	added = pair_map_at(&x->added, host, ns);
	if (!*added)
		list_add(r, x->query, run_pair(r, ns, host));
	*added = 1;
}

static void add_references(struct run *r, unsigned query)
{
	struct references x = { .r = r, .query = query };
	uint32_t n;
	const uint32_t *v = gateway_references(r, &n);

	x.namespaces.arena = x.aliases.arena = x.added.arena = run_arena(r);
	for (uint32_t i = 0; i < n; i++)
		add_reference(&x, v[i]);
}

/* ---- what roots add ---- */

void gateway_cds_add(struct run *r)
{
	if (FEATURE(filter_gateway_clusters))
		add_references(r, Q_CDS_SERVICE);
	else
		fanout_root(r, Q_CDS_BUCKET, Q_CDS_NS);
	if (gateway_passes_sni(r))
		fanout_root(r, Q_CDS_SNI_BUCKET, Q_CDS_SNI_NS);
}

void gateway_eds_add(struct run *r)
{
	if (FEATURE(filter_gateway_clusters))
		add_references(r, Q_EDS_SERVICE);
	else
		fanout_root(r, Q_EDS_BUCKET, Q_EDS_NS);
	if (gateway_passes_sni(r))
		fanout_root(r, Q_EDS_SNI_BUCKET, Q_EDS_SNI_NS);
}
