/* tests/bench/fleet.h
 * Many sidecars, each with a connection and an ADS stream of its own, that behave as Envoy does: CDS, EDS for the clusters
 * that came, LDS once all of EDS is there, RDS for the listeners that came; every response is acknowledged at once.
 * A stream that ends is dialled again a little later, as a proxy that knows nothing.
 *
 * One thread.
 */
#pragma once
#include "base/err.h"
#include "tests/bench/reader.h"

struct fleet_options {
	const char *host;
	uint16_t port;
	uint32_t n;            /* sidecars */
	uint32_t n_namespaces; /* ns-0 ..., which they are spread over evenly */
	bool is_sotw;
	bool is_distinct; /* each is a workload of its own; else all of a namespace are of one */
};
struct fleet_counts {
	uint32_t n_synced; /* sidecars that have all they asked for, acknowledged */
	uint32_t n_acked
		[ADS_N]; /* sidecars that acknowledged a change of this type since fleet_mark */
	uint64_t n_responses, n_resources, n_removed;
	uint64_t n_unchanged; /* resources that were received though the stream had them, equal */
	uint64_t n_dropped;   /* streams that ended without our doing */
};
struct fleet;
struct fleet *fleet_new(const struct fleet_options *); /* the options are borrowed for its life */
void fleet_free(struct fleet *);
/* Opens all streams, which must be closed. `resume`: as proxies that still have everything they had
 * (initial_resource_versions). */
bool fleet_dial(struct fleet *, bool resume, struct err *) must_check;
void fleet_hang_up(struct fleet *); /* closes all; what the sidecars have is kept */
/* Waits up to so long and handles what has come. The number of socket events. */
int fleet_turn(struct fleet *, int timeout_ms);
void fleet_mark(struct fleet *);
const struct fleet_counts *fleet_counts(const struct fleet *);
uint64_t fleet_bytes(const struct fleet *); /* off the sockets, framing included */
