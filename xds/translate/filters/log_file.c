/* Access logs to a file, in text or JSON: by the mesh config or by a provider (translation.md 4.9). */
#include "doc/read.h"
#include "model/mesh.h"
#include "translate/filters/telemetry.h"
#include <string.h>

const char log_default_text[] =
	"[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" "
	"%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% "
	"%CONNECTION_TERMINATION_DETAILS% \"%UPSTREAM_TRANSPORT_FAILURE_REASON%\" "
	"%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "
	"\"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" "
	"\"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER_RAW% "
	"%UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% "
	"%REQUESTED_SERVER_NAME% %ROUTE_NAME%\n";

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

/* ---- formats ---- */

static bool needs_formatter(const char *text, const Google__Struct *labels)
{
	static const char operator[] = "%REQ_WITHOUT_QUERY";

	if (text && strstr(text, operator))
		return true;
	for (size_t i = 0; labels && i < labels->n_fields; i++) {
		const char *value = pb_struct_get_str(labels, labels->fields[i]->key);

		if (value && strstr(value, operator))
			return true;
	}
	return false;
}

void log_add_formatters(struct arena *a, const char *text, const Google__Struct *labels,
			Core__TypedExtensionConfig ***v, size_t *n)
{
	if (!needs_formatter(text, labels))
		return;
	*v = pb_grow(a, *v, *n, sizeof **v);
	(*v)[(*n)++] =
		PB_NEW(a, Core__TypedExtensionConfig, .name = "envoy.formatter.req_without_query",
		       .typed_config = PB_ANY(a, PB_NEW(a, ReqWithoutQuery__ReqWithoutQuery)));
}

static Google__Struct *standard_labels(struct arena *a)
{
	Google__Struct *s = pb_struct(a);

	for (size_t i = 0; i < ARRAY_LEN(default_json); i++)
		pb_struct_set_str(a, s, default_json[i][0], default_json[i][1]);
	return s;
}

/* NULL or empty: the standard ones. */
static Core__SubstitutionFormatString *json_format(struct arena *a, Google__Struct *labels)
{
	Core__SubstitutionFormatString *f =
		PB_NEW(a, Core__SubstitutionFormatString,
		       .format_case = CORE__SUBSTITUTION_FORMAT_STRING__FORMAT_JSON_FORMAT,
		       .json_format = labels && labels->n_fields ? labels : standard_labels(a),
		       .json_format_options = PB_NEW(a, Core__JsonFormatOptions));

	log_add_formatters(a, NULL, f->json_format, &f->formatters, &f->n_formatters);
	return f;
}

static Core__SubstitutionFormatString *text_format(struct arena *a, const char *text)
{
	Core__SubstitutionFormatString *f;

	if (str_empty(text))
		text = log_default_text;
	else if (!str_ends(text, "\n"))
		text = arena_printf(a, "%s\n", text);
	f = PB_NEW(a, Core__SubstitutionFormatString,
		   .format_case = CORE__SUBSTITUTION_FORMAT_STRING__FORMAT_TEXT_FORMAT_SOURCE,
		   .text_format_source =
			   PB_NEW(a, Core__DataSource,
				  .specifier_case = CORE__DATA_SOURCE__SPECIFIER_INLINE_STRING,
				  .inline_string = text));
	log_add_formatters(a, text, NULL, &f->formatters, &f->n_formatters);
	return f;
}

static Google__Struct *labels_in(struct run *r, const char *json)
{
	struct arena *a = run_arena(r);
	cleanup(diag_fini) struct diag diag = DIAG_INIT;
	const struct node *n;
	Google__Struct *s;

	if (str_empty(json))
		return NULL;
	n = json_read(json, strlen(json), "accessLogFormat", a, &diag);
	s = n ? pb_struct_from_node(a, n) : NULL;
	if (!s)
		diag_warn(run_diag(r), (struct place){ .file = "mesh config" }, "accessLogFormat",
			  "no JSON object: the standard fields are logged");
	return s;
}

/* ---- loggers ---- */

/* format NULL: Envoy's own. */
static Accesslog__AccessLog *file_log(struct arena *a, const char *path,
				      Core__SubstitutionFormatString *format)
{
	LogFile__FileAccessLog *f = PB_NEW(a, LogFile__FileAccessLog, .path = path);

	if (format) {
		f->access_log_format_case = LOG_FILE__FILE_ACCESS_LOG__ACCESS_LOG_FORMAT_LOG_FORMAT;
		f->log_format = format;
	}
	return PB_NEW(a, Accesslog__AccessLog, .name = "envoy.access_loggers.file",
		      .config_type_case = ACCESSLOG__ACCESS_LOG__CONFIG_TYPE_TYPED_CONFIG,
		      .typed_config = PB_ANY(a, f));
}

Accesslog__AccessLog *log_to_mesh_file(struct run *r, const char *path)
{
	struct arena *a = run_arena(r);
	const char *format = mesh_get(r, access_log_format);

	if (mesh_get(r, access_log_encoding) == MESH_CONFIG_ACCESS_LOG_ENCODING_JSON)
		return file_log(a, path, json_format(a, labels_in(r, format)));
	return file_log(a, path, text_format(a, format));
}

Accesslog__AccessLog *log_to_file(struct run *r, const struct extension_provider *p)
{
	struct arena *a = run_arena(r);
	const struct envoy_file_access_log_provider *in = p->envoy_file_access_log;
	const struct log_format *format = in->log_format;
	const char *path = str_empty(in->path) ? "/dev/stdout" : in->path;
	bool omit = in->omit_empty_values.set && in->omit_empty_values.v;
	Core__SubstitutionFormatString *f = NULL;

	/* The built-in provider follows the mesh config unless it says something itself. */
	if (str_eq(p->name, "envoy") && !format && !omit)
		return log_to_mesh_file(r, path);
	if (!format || format->text)
		f = text_format(a, format ? format->text : NULL);
	else if (format->labels)
		f = json_format(a, pb_struct_from_node(a, format->labels));
	if (f)
		f->omit_empty_values = omit;
	return file_log(a, path, f);
}
