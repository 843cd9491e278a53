/* What the queries of telemetry share: their keys, and how results become messages again. */
#include "translate/filters/telemetry.h"
#include "base/err.h"
#include "model/provider.h"
#include "translate/names.h"
#include "world/world.h"
#include <assert.h>

enum { N_KINDS = CHAIN_GATEWAY + 1, N_PLACES = LOG_LISTENER + 1 };

static const char *const kind_names[N_KINDS] = { "outbound", "inbound", "gateway" };
static const char *const log_names[N_KINDS][N_PLACES] = {
	[CHAIN_OUTBOUND] = { "outbound http", "outbound tcp", "outbound listener" },
	[CHAIN_INBOUND] = { "inbound http", "inbound tcp", "inbound listener" },
	/* Clients as well. */
	[CHAIN_GATEWAY] = { "outbound http", "outbound tcp", "outbound listener" },
};

uint32_t telemetry_key(struct run *r, enum chain_kind kind)
{
	return run_key(r, kind_names[kind]);
}

enum chain_kind telemetry_kind_of(struct run *r, uint32_t key)
{
	enum chain_kind kind = 0;

	while (!str_eq(kind_names[kind], run_text(r, key)))
		kind++;
	return kind;
}

uint32_t log_key(struct run *r, enum chain_kind kind, enum log_place place)
{
	return run_key(r, log_names[kind][place]);
}

enum log_place log_place_of(struct run *r, uint32_t key, enum chain_kind *ret_kind)
{
	unsigned i = 0;

	while (!str_eq(log_names[i / N_PLACES][i % N_PLACES], run_text(r, key)))
		i++;
	*ret_kind = i / N_PLACES;
	return i % N_PLACES;
}

ProtobufCMessage *telemetry_unpack(struct run *r, const ProtobufCMessageDescriptor *desc,
				   const struct result *res)
{
	struct err e = { 0 };
	ProtobufCMessage *msg = pb_unpack(run_arena(r), desc, res->bytes, res->n, SIZE_MAX, &e);

	assert(msg); /* we packed it */
	return msg;
}

void telemetry_emit(struct run *r, const ProtobufCMessage *msg)
{
	ProtobufCBinaryData bytes = pb_pack(run_arena(r), msg);

	run_emit(r, bytes.data, bytes.len);
}

const char *provider_cluster(struct run *r, const char *provider, const char *service,
			     const struct opt_int *port, const char **ret_host)
{
	const char *host = provider_host(r, provider, service);

	if (!host)
		return NULL;
	*ret_host = host;
	return cluster_name(run_arena(r), (uint16_t)port->v, "", host);
}

Core__GrpcService *grpc_to_cluster(struct arena *a, const char *cluster, const char *authority)
{
	return PB_NEW(a, Core__GrpcService,
		      .target_specifier_case = CORE__GRPC_SERVICE__TARGET_SPECIFIER_ENVOY_GRPC,
		      .envoy_grpc = PB_NEW(a, Core__GrpcService__EnvoyGrpc, .cluster_name = cluster,
					   .authority = authority));
}
