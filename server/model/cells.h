/* model/cells.h
 * The kinds of cells above the objects: entries of indexes, and values. model/indexes.c holds the functions.
 *
 * "ns", "host" stand for interned strings; "(a, b)" for a pair key. Shallow unless marked deep.
 */
#pragma once
#include "types.h"

enum cell {
	CELL_FIRST = KIND_COUNT,

	/* Services: Service and ServiceEntry objects. A host is lower-case. */
	CELL_SVC_NS = CELL_FIRST, /* ns: deep; all services declared in the namespace */
	CELL_SVC_HOST,            /* host: all that declare it, in any namespace */
	CELL_SVC_NS_HOST, /* (ns, host): deep but for inline endpoints: read_object for these; those of one namespace */
	CELL_SVC_HEADS,   /* ns: as CELL_SVC_NS, touched when what heads show changes */
	CELL_SVC_ADDRESS, /* "addr": services with that VIP; touched when their hosts change */
	CELL_SVC_SUFFIX,  /* "*.b.a", lazy: services whose host lies under it */
	CELL_SVC_NETWORK_GATEWAY, /* KEY_EMPTY: deep; Services labelled topology.istio.io/network */
	CELL_SVC_NODE_LOCAL,      /* KEY_EMPTY: objects that make a proxy's node name matter */
	CELL_SVC_ALIAS,           /* host: ExternalName Services that point to it */
	CELL_SVC_SHORT, /* KEY_EMPTY: ServiceEntries whose host may be a short form of a Kubernetes name; touched when their
			 * hosts change */
	CELL_NS_DISTRIBUTION, /* ns: deep; the Namespace if it has a traffic-distribution annotation */
	CELL_SE_AUTO,    /* "ns/host": ServiceEntries that need an allocated address for the host */
	CELL_AUTO_TAKEN, /* "addr": ServiceEntries whose status has this address */

	/* Endpoints. */
	CELL_SLICE_SERVICE, /* (ns, service name): deep; EndpointSlices */
	CELL_SLICE_IP,  /* "ip": EndpointSlices, but those that Kubernetes makes from a selector */
	CELL_POD_LABEL, /* (ns, "k=v"), lazy: pods (for ServiceEntry selectors) */
	CELL_POD_IP,    /* "ip": pods */
	CELL_WE_LABEL,  /* (ns, "k=v"): deep; WorkloadEntries */
	CELL_WE_IP,     /* "ip": deep; WorkloadEntries */
	CELL_SVC_SELECTOR, /* (ns, "k=v"): services whose selector's first pair it is, see indexes.c */
	CELL_SE_SELECTOR, /* (ns, "k=v"): ServiceEntries whose workloadSelector's first pair it is */

	/* Configuration. */
	CELL_VS_HOST, /* host as in the VirtualService, FQDN: deep; mesh-bound VirtualServices */
	CELL_VS_AT,   /* the same, shallow */
	CELL_VS_SHORT, /* KEY_EMPTY: mesh-bound VirtualServices with a host that may be a short form of a Kubernetes name;
			  * touched as CELL_VS_NS */
	CELL_VS_NS,      /* ns: VirtualServices; touched when what their heads show changes */
	CELL_VS_GATEWAY, /* "ns/name": VirtualServices bound to that gateway; touched as CELL_VS_NS */
	CELL_DR_HOST,    /* host, FQDN or wildcard: deep; DestinationRules */
	CELL_SIDECAR_NS,   /* ns: deep */
	CELL_PA_NS,        /* ns: deep; PeerAuthentications */
	CELL_RA_NS,        /* ns: deep; RequestAuthentications */
	CELL_AP_NS,        /* ns: deep; AuthorizationPolicies */
	CELL_TELEMETRY_NS, /* ns: deep */
	CELL_GATEWAY_NS,   /* ns: deep */
	CELL_GATEWAY_ALL,  /* KEY_EMPTY */
	CELL_INGRESS_ALL,  /* KEY_EMPTY */
	CELL_INGRESS_HOST, /* host, lower-case, or "*": deep; Ingresses with rules for it */

	/* Values, written by the daemon through world_set_value or mesh_config_set. */
	CELL_MESH,     /* enum mesh_group: see mesh.h */
	CELL_NETWORKS, /* KEY_EMPTY: see mesh.h */
	CELL_PROXY,    /* key of a proxy: struct proxy_node, see proxy.h */

	CELL_COUNT,
};
