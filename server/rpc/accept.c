/* From gRPC's new call to a stream of ours. Calls are asked for generically: gRPC never answers a method that nobody
 * registered, so looking up the path, and refusing, is done here. A constant number of requests is outstanding; a
 * server cannot stop while one of them is being handled. */
#include "rpc/internal.h"
#include "rpc/tsan.h"
#include <assert.h>
#include <grpc/slice.h>
#include <string.h>

static bool request(struct rpc_server *srv, struct accept_slot *slot)
{
	slot->tag = TAG_ACCEPT;
	slot->call = NULL;
	grpc_call_details_init(&slot->details);
	grpc_metadata_array_init(&slot->metadata);
	ANNOTATE_HAPPENS_BEFORE(&slot->tag);
	return grpc_server_request_call(srv->grpc, &slot->call, &slot->details, &slot->metadata,
					srv->queue, srv->queue, slot) == GRPC_CALL_OK;
}

void accept_start(struct rpc_server *srv)
{
	srv->n_slots = N_ACCEPT_SLOTS;
	for (unsigned i = 0; i < N_ACCEPT_SLOTS; i++) {
		bool ok = request(srv, &srv->slots[i]);

		assert(ok);
	}
}

static const struct rpc_method *find_method(const struct rpc_server *srv, grpc_slice path)
{
	for (uint32_t i = 0; i < srv->n_methods; i++) {
		const struct rpc_method *m = &srv->methods[i];

		if (GRPC_SLICE_LENGTH(path) == strlen(m->path) &&
		    !memcmp(GRPC_SLICE_START_PTR(path), m->path, strlen(m->path)))
			return m;
	}
	return NULL;
}

void accept_on_tag(struct rpc_server *srv, struct accept_slot *slot, bool ok)
{
	enum rpc_code code = RPC_UNIMPLEMENTED;
	const char *why = "unknown method";
	const struct rpc_method *method;
	struct rpc_stream *s;

	if (!ok) {
		grpc_call_details_destroy(&slot->details);
		grpc_metadata_array_destroy(&slot->metadata);
		server_slot_done(srv);
		return;
	}
	method = find_method(srv, slot->details.method);
	s = stream_new(srv, method, slot->call, &slot->metadata);
	grpc_call_details_destroy(&slot->details);
	stats_on_open(srv, method);
	if (method && server_add(srv, s, &code, &why))
		stream_start(s);
	else
		stream_refuse(s, code, why);
	/* Only now: until then the slot keeps the server from stopping. */
	if (!request(srv, slot))
		server_slot_done(srv);
}
