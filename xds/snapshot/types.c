/* The table of resource types. The order of the rows is the order of delivery, and everything that differs between types
 * on the wire is a column here, so that the encoder and the engine treat all alike. */
#include "snapshot/types.h"
#include <string.h>

#define G "type.googleapis.com/"

const struct xds_type_row xds_types[XDS_N] = {
	[XDS_CDS] = { "cds", G "envoy.config.cluster.v3.Cluster", "cluster", .wildcard = true,
		      .whole = true },
	[XDS_EDS] = { "eds", G "envoy.config.endpoint.v3.ClusterLoadAssignment", "endpoint",
		      .missing = XDS_MISSING_EMPTY },
	[XDS_LDS] = { "lds", G "envoy.config.listener.v3.Listener", "listener", .wildcard = true,
		      .whole = true },
	[XDS_RDS] = { "rds", G "envoy.config.route.v3.RouteConfiguration", "route",
		      .missing = XDS_MISSING_EMPTY },
	/* Envoy rejects a removal of a secret, and an absent one is to be waited for. */
	[XDS_SDS] = { "sds", G "envoy.extensions.transport_sockets.tls.v3.Secret", NULL,
		      .personal = true, .missing = XDS_MISSING_SILENT },
	[XDS_ADDRESS] = { "wds", G "istio.workload.Address", NULL, .wildcard = true },
	[XDS_WORKLOAD] = { "wds", G "istio.workload.Workload", NULL, .wildcard = true },
	[XDS_AUTHORIZATION] = { "wads", G "istio.security.Authorization", NULL, .wildcard = true },
	[XDS_ECDS] = { "ecds", G "envoy.config.core.v3.TypedExtensionConfig", "extensionconfig",
		       .missing = XDS_MISSING_SILENT },
	[XDS_NDS] = { "nds", G "istio.networking.nds.v1.NameTable", NULL, .wildcard = true,
		      .whole = true },
	[XDS_PCDS] = { "pcds", G "istio.mesh.v1alpha1.ProxyConfig", NULL, .wildcard = true,
		       .whole = true },
};

enum xds_type xds_type_find(const char *url)
{
	static const char debug[] = "istio.io/debug";

	if (str_empty(url))
		return XDS_OTHER;
	for (unsigned t = 0; t < XDS_N; t++) {
		if (str_eq(url, xds_types[t].url))
			return (enum xds_type)t;
	}
	if (str_eq(url, G "istio.v1.HealthInformation"))
		return XDS_HEALTH;
	if (str_starts(url, debug) && (!url[sizeof debug - 1] || url[sizeof debug - 1] == '/'))
		return XDS_DEBUG;
	return XDS_OTHER;
}
