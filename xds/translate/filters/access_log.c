/* Access logs by mesh config: a file in text or JSON (translation.md 4.9). */
#include "doc/read.h"
#include "model/mesh.h"
#include "model/proxy.h"
#include "translate/filters/filter.h"
#include "types.h"
#include <string.h>

#define DEFAULT_TEXT \
	"[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" " \
	"%RESPONSE_CODE% " \
	"%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% " \
	"\"%UPSTREAM_TRANSPORT_FAILURE_REASON%\" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% " \
	"%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" " \
	"\"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" " \
	"%UPSTREAM_CLUSTER_RAW% " \
	"%UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% " \
	"%REQUESTED_SERVER_NAME% %ROUTE_NAME%\n"

static const char *const default_json[][2] = {
	{ "start_time", "%START_TIME%" },
	{ "route_name", "%ROUTE_NAME%" },
	{ "method", "%REQ(:METHOD)%" },
	{ "path", "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%" },
	{ "protocol", "%PROTOCOL%" },
	{ "response_code", "%RESPONSE_CODE%" },
	{ "response_flags", "%RESPONSE_FLAGS%" },
	{ "response_code_details", "%RESPONSE_CODE_DETAILS%" },
	{ "connection_termination_details", "%CONNECTION_TERMINATION_DETAILS%" },
	{ "bytes_received", "%BYTES_RECEIVED%" },
	{ "bytes_sent", "%BYTES_SENT%" },
	{ "duration", "%DURATION%" },
	{ "upstream_service_time", "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%" },
	{ "x_forwarded_for", "%REQ(X-FORWARDED-FOR)%" },
	{ "user_agent", "%REQ(USER-AGENT)%" },
	{ "request_id", "%REQ(X-REQUEST-ID)%" },
	{ "authority", "%REQ(:AUTHORITY)%" },
	{ "upstream_host", "%UPSTREAM_HOST%" },
	{ "upstream_cluster", "%UPSTREAM_CLUSTER_RAW%" },
	{ "upstream_local_address", "%UPSTREAM_LOCAL_ADDRESS%" },
	{ "downstream_local_address", "%DOWNSTREAM_LOCAL_ADDRESS%" },
	{ "downstream_remote_address", "%DOWNSTREAM_REMOTE_ADDRESS%" },
	{ "requested_server_name", "%REQUESTED_SERVER_NAME%" },
	{ "upstream_transport_failure_reason", "%UPSTREAM_TRANSPORT_FAILURE_REASON%" },
};

static Google__Struct *json_format(struct arena *a, const char *user)
{
	Google__Struct *s;
	struct diag diag = DIAG_INIT;
	const struct node *n;

	if (!str_empty(user)) {
		diag_init(&diag);
		n = json_read(user, strlen(user), "accessLogFormat", a, &diag);
		diag_fini(&diag);
		if (n && (s = pb_struct_from_node(a, n)))
			return s;
	}
	s = pb_struct(a);
	for (size_t i = 0; i < ARRAY_LEN(default_json); i++)
		pb_struct_set_str(a, s, default_json[i][0], default_json[i][1]);
	return s;
}

static const char *text_format(struct arena *a, const char *user)
{
	if (str_empty(user))
		return DEFAULT_TEXT;
	return str_ends(user, "\n") ? user : arena_printf(a, "%s\n", user);
}

static void add_formatters(struct arena *a, Core__SubstitutionFormatString *f, const char *text)
{
	if (text && strstr(text, "%REQ_WITHOUT_QUERY"))
		PB_PUSH(a, f, formatters,
			PB_NEW(a, Core__TypedExtensionConfig,
			       .name = "envoy.formatter.req_without_query",
			       .typed_config =
				       PB_ANY(a, PB_NEW(a, ReqWithoutQuery__ReqWithoutQuery))));
}

static Accesslog__AccessLog *file_log(struct run *r, const char *path)
{
	struct arena *a = run_arena(r);
	const char *format = mesh_get(r, access_log_format);
	Core__SubstitutionFormatString *f = PB_NEW(a, Core__SubstitutionFormatString);

	if (mesh_get(r, access_log_encoding) == MESH_CONFIG_ACCESS_LOG_ENCODING_JSON) {
		f->format_case = CORE__SUBSTITUTION_FORMAT_STRING__FORMAT_JSON_FORMAT;
		f->json_format = json_format(a, format);
		f->json_format_options = PB_NEW(a, Core__JsonFormatOptions);
	} else {
		f->format_case = CORE__SUBSTITUTION_FORMAT_STRING__FORMAT_TEXT_FORMAT_SOURCE;
		f->text_format_source =
			PB_NEW(a, Core__DataSource,
			       .specifier_case = CORE__DATA_SOURCE__SPECIFIER_INLINE_STRING,
			       .inline_string = text_format(a, format));
	}
	add_formatters(a, f, format);
	return PB_NEW(
		a, Accesslog__AccessLog, .name = "envoy.access_loggers.file",
		.config_type_case = ACCESSLOG__ACCESS_LOG__CONFIG_TYPE_TYPED_CONFIG,
		.typed_config = PB_ANY(
			a, PB_NEW(a, LogFile__FileAccessLog, .path = path,
				  .access_log_format_case =
					  LOG_FILE__FILE_ACCESS_LOG__ACCESS_LOG_FORMAT_LOG_FORMAT,
				  .log_format = f)));
}

Accesslog__AccessLog **filter_access_logs(struct run *r, bool for_listener, size_t *ret_n)
{
	struct arena *a = run_arena(r);
	const char *path = mesh_get(r, access_log_file);
	Accesslog__AccessLog **v;

	*ret_n = 0;
	if (str_empty(path) || (for_listener && mesh_get(r, disable_envoy_listener_log).v))
		return NULL;
	v = arena_array(a, Accesslog__AccessLog *, 1);
	v[(*ret_n)++] = file_log(r, path);
	if (for_listener) {
		Accesslog__ResponseFlagFilter *no_route = PB_NEW(a, Accesslog__ResponseFlagFilter);

		PB_PUSH(a, no_route, flags, "NR");
		v[0]->filter = PB_NEW(
			a, Accesslog__AccessLogFilter,
			.filter_specifier_case =
				ACCESSLOG__ACCESS_LOG_FILTER__FILTER_SPECIFIER_RESPONSE_FLAG_FILTER,
			.response_flag_filter = no_route);
	}
	return v;
}
