/* translate/filters/telemetry.h
 * What follows from Telemetry objects and providers, made once per outcome and packed: queries that are asked for by value,
 * and the parts that their files share. Private to filters/, but for the functions of the query table.
 */
#pragma once
#include "translate/filters/filter.h"
#include "types.h"

/* ---- rows of the query table; keys are of telemetry_key ---- */
void access_logs_run(struct run *, uint32_t key); /* a Listener that has only access logs */
void stats_run(struct run *, uint32_t key);       /* a FilterChain that has only stats filters */
void tracing_run(struct run *, uint32_t key);     /* an HttpConnectionManager with tracing alone */

/* Keys "outbound", "inbound" ..., and for logs "outbound http" ...: texts, so that they can be read in traces. */
uint32_t telemetry_key(struct run *, enum chain_kind);
enum chain_kind telemetry_kind_of(struct run *, uint32_t key);
uint32_t log_key(struct run *, enum chain_kind, enum log_place);
enum log_place log_place_of(struct run *, uint32_t key, enum chain_kind *ret_kind);
/* A result of these queries as a message again. */
#define TELEMETRY_UNPACK(run, type, result) \
	((type *)(void *)telemetry_unpack((run), &type##__DESC, (result)))
ProtobufCMessage *telemetry_unpack(struct run *, const ProtobufCMessageDescriptor *,
				   const struct result *);
void telemetry_emit(struct run *, const ProtobufCMessage *);

/* ---- loggers ---- */
/* The file of mesh.accessLogFile, in the mesh's format. */
Accesslog__AccessLog *log_to_mesh_file(struct run *, const char *path);
/* mesh.enableEnvoyAccessLogService. */
Accesslog__AccessLog *log_to_mesh_service(struct run *, enum log_place);
/* Of a provider. NULL: it keeps no logs, or its service is not there, which is in the diagnostics. */
typedef Accesslog__AccessLog *logger_fn(struct run *, const struct extension_provider *);
logger_fn log_to_file, log_to_http_als, log_to_tcp_als, log_to_otel;
extern const char log_default_text[];
/* The formatters that a text needs, appended to a list. */
void log_add_formatters(struct arena *, const char *text, const Google__Struct *labels,
			Core__TypedExtensionConfig ***v, size_t *n);

/* ---- tracers ---- */
struct tracer {
	Trace__Tracing__Http *config;
	uint32_t max_tag_length; /* 0: not said */
	bool own_sampler;        /* it gets all spans and decides itself */
	bool upstream_span;
};
/* False: it is no tracer, or its service is not there, which is in the diagnostics. */
bool tracer_make(struct run *, const struct extension_provider *, struct tracer *ret);

/* ---- services of providers ---- */
/* "outbound|4317||otel.obs.svc.cluster.local" and the host. NULL: see provider_host. */
const char *provider_cluster(struct run *, const char *provider, const char *service,
			     const struct opt_int *port, const char **ret_host);
Core__GrpcService *grpc_to_cluster(struct arena *, const char *cluster, const char *authority);
