/* Which access logs there are: of the providers that Telemetry or the mesh's defaults name, each with its filter, or else
 * those of the mesh config itself (translation.md 4.9, 9.1).
 */
#include "base/cel.h"
#include "model/mesh.h"
#include "model/telemetry.h"
#include "translate/filters/telemetry.h"
#include "translate/queries.h"

static const struct {
	size_t offset; /* of the provider's message */
	logger_fn *make;
} loggers[] = {
#define LOGGER(field, fn) \
	{ \
		offsetof(struct extension_provider, field), fn \
	}
	LOGGER(envoy_file_access_log, log_to_file),
	LOGGER(envoy_http_als, log_to_http_als),
	LOGGER(envoy_tcp_als, log_to_tcp_als),
	LOGGER(envoy_otel_als, log_to_otel),
};

static Accesslog__AccessLog *logger_of(struct run *r, const struct extension_provider *p)
{
	for (size_t i = 0; i < ARRAY_LEN(loggers); i++)
		if (*(const void *const *)((const char *)p + loggers[i].offset))
			return loggers[i].make(r, p);
	return NULL;
}

/* ---- filters ---- */

/* Of connections that no filter chain took: those that are in no other log. */
static Accesslog__AccessLogFilter *no_route(struct arena *a)
{
	Accesslog__ResponseFlagFilter *f = PB_NEW(a, Accesslog__ResponseFlagFilter);

	PB_PUSH(a, f, flags, "NR");
	return PB_NEW(a, Accesslog__AccessLogFilter,
		      .filter_specifier_case =
			      ACCESSLOG__ACCESS_LOG_FILTER__FILTER_SPECIFIER_RESPONSE_FLAG_FILTER,
		      .response_flag_filter = f);
}

static Accesslog__AccessLogFilter *expression(struct arena *a, const char *text)
{
	Accesslog__ExtensionFilter *f = PB_NEW(
		a, Accesslog__ExtensionFilter, .name = "envoy.access_loggers.extension_filters.cel",
		.config_type_case = ACCESSLOG__EXTENSION_FILTER__CONFIG_TYPE_TYPED_CONFIG,
		.typed_config = PB_ANY(a, PB_NEW(a, LogCel__ExpressionFilter, .expression = text)));

	return PB_NEW(a, Accesslog__AccessLogFilter,
		      .filter_specifier_case =
			      ACCESSLOG__ACCESS_LOG_FILTER__FILTER_SPECIFIER_EXTENSION_FILTER,
		      .extension_filter = f);
}

static void set_filter(struct run *r, Accesslog__AccessLog *log, bool listener, const char *text)
{
	struct arena *a = run_arena(r);
	Accesslog__AndFilter *both;

	log->filter = listener ? no_route(a) : NULL;
	if (!text)
		return;
	if (!log->filter) {
		log->filter = expression(a, text);
		return;
	}
	both = PB_NEW(a, Accesslog__AndFilter);
	PB_PUSH(a, both, filters, log->filter);
	PB_PUSH(a, both, filters, expression(a, text));
	log->filter = PB_NEW(a, Accesslog__AccessLogFilter,
			     .filter_specifier_case =
				     ACCESSLOG__ACCESS_LOG_FILTER__FILTER_SPECIFIER_AND_FILTER,
			     .and_filter = both);
}

/* ---- the query ---- */

static void add_of_mesh(struct run *r, enum log_place place, Listener__Listener *out)
{
	struct arena *a = run_arena(r);
	const char *path = mesh_get(r, access_log_file);
	size_t from = out->n_access_log;

	if (!str_empty(path))
		PB_PUSH(a, out, access_log, log_to_mesh_file(r, path));
	if (mesh_get(r, enable_envoy_access_log_service).v)
		PB_PUSH(a, out, access_log, log_to_mesh_service(r, place));
	for (size_t i = from; i < out->n_access_log; i++)
		set_filter(r, out->access_log[i], place == LOG_LISTENER, NULL);
}

/* Envoy would refuse the whole listener for a filter that it cannot read. */
static bool filter_holds(struct run *r, const struct provider_log *l)
{
	struct err e = ERR_INIT;

	if (!l->filter || cel_check(l->filter, &e))
		return true;
	diag_warn(run_diag(r), (struct place){ 0 }, "accessLogging.filter",
		  "%s: no log of provider %s", e.text, l->provider->name);
	return false;
}

/* False: no provider that keeps logs is named, not even to be silent. */
static bool add_of_providers(struct run *r, enum chain_kind kind, enum log_place place,
			     Listener__Listener *out)
{
	uint32_t n;
	const struct provider_log *v =
		telemetry_logs(r, kind == CHAIN_INBOUND ? TELEMETRY_SERVER : TELEMETRY_CLIENT, &n);
	bool any = false;

	for (uint32_t i = 0; i < n; i++) {
		Accesslog__AccessLog *log = logger_of(r, v[i].provider);

		any |= log != NULL;
		if (!log || v[i].disabled || !filter_holds(r, &v[i]))
			continue;
		set_filter(r, log, place == LOG_LISTENER, v[i].filter);
		PB_PUSH(run_arena(r), out, access_log, log);
	}
	return any;
}

void access_logs_run(struct run *r, uint32_t key)
{
	Listener__Listener *out = PB_NEW(run_arena(r), Listener__Listener);
	enum chain_kind kind;
	enum log_place place = log_place_of(r, key, &kind);

	if (place == LOG_LISTENER && mesh_get(r, disable_envoy_listener_log).v)
		return;
	if (!add_of_providers(r, kind, place, out))
		add_of_mesh(r, place, out);
	telemetry_emit(r, &out->base);
}

Accesslog__AccessLog **filter_access_logs(struct run *r, enum chain_kind kind, enum log_place place,
					  size_t *ret_n)
{
	const struct result *res = ask_query(r, Q_ACCESS_LOGS, log_key(r, kind, place));
	const Listener__Listener *l = TELEMETRY_UNPACK(r, Listener__Listener, res);

	*ret_n = l->n_access_log;
	return l->access_log;
}
