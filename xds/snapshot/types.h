/* snapshot/types.h
 * The resource types of xDS as one table: wire names, order of delivery, and how a name that does not exist is
 * answered (spec/surface.md 2.3, 2.8). Constant; any thread.
 */
#pragma once
#include "base/lang.h"

/* In the order in which one push delivers them (spec/surface.md 2.8). */
enum xds_type {
	XDS_CDS,
	XDS_EDS,
	XDS_LDS,
	XDS_RDS,
	XDS_SDS,
	XDS_ADDRESS,
	XDS_WORKLOAD,
	XDS_AUTHORIZATION,
	XDS_ECDS,
	XDS_NDS,
	XDS_PCDS,
	XDS_N, /* number of the types with resources of their own */
	/* Found by type URL only: */
	XDS_HEALTH = XDS_N, /* request only, never answered */
	XDS_DEBUG, /* istio.io/debug and what begins with istio.io/debug/: answered once, not watched */
	XDS_OTHER, /* everything else: watched, answered with an empty list */
};

/* What is sent for a name that is subscribed to but not there. */
enum xds_missing {
	XDS_MISSING_REMOVED, /* delta: removed_resources; SotW: left out */
	XDS_MISSING_EMPTY,   /* an empty resource of that name (an empty assignment, no routes) */
	XDS_MISSING_SILENT,  /* nothing: the client goes on waiting */
};

struct xds_type_row {
	const char *name; /* "cds": metric labels and texts */
	const char *url;
	const char *status; /* prefix of its fields in /debug/syncz ("cluster"), or NULL */
	bool wildcard;      /* an empty first subscription means all */
	bool whole;         /* a SotW response must hold everything subscribed to */
	bool personal;      /* resources of one stream only, never in shared caches */
	enum xds_missing missing;
};
extern const struct xds_type_row xds_types[XDS_N];

/* XDS_OTHER when it is none of ours. NULL and "" are XDS_OTHER too. */
enum xds_type xds_type_find(const char *url);
