/* Lists of the clusters that AUTO_PASSTHROUGH leads to, and of their assignments (translation.md 2.10). They are there
 * besides the ordinary ones, on routers with such a server; leaves are in cluster.c and eds.c.
 */
#include "model/service.h"
#include "translate/eds.h"
#include "translate/gateway.h"
#include "translate/leaf.h"
#include "translate/queries.h"

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

void gateway_cds_add(struct run *r)
{
	if (gateway_passes_sni(r))
		fanout_root(r, Q_CDS_SNI_BUCKET, Q_CDS_SNI_NS);
}

void gateway_eds_add(struct run *r)
{
	if (gateway_passes_sni(r))
		fanout_root(r, Q_EDS_SNI_BUCKET, Q_EDS_SNI_NS);
}
