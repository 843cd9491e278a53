/* Limits of connections: what the proxy config says, laid over a profile. */
#include "translate/limits.h"
#include "model/mesh.h"
#include "model/proxy.h"
#include "types.h"

#define SECONDS INT64_C(1000000000)

/* What profile EDGE means for a gateway that anyone may connect to. */
static const struct connection_settings edge = {
	.listener_per_connection_buffer_limit_bytes = { true, 32768 },
	.http_idle_timeout = { true, 3600 * SECONDS },
	.http_stream_idle_timeout = { true, 300 * SECONDS },
	.http_request_timeout = { true, 300 * SECONDS },
	.http_request_headers_timeout = { true, 60 * SECONDS },
	.http_max_concurrent_streams = { true, 100 },
	.http2_initial_stream_window_size = { true, 65536 },
	.http2_initial_connection_window_size = { true, 1048576 },
	.http_headers_with_underscores_action =
		CONNECTION_SETTINGS_HTTP_HEADERS_WITH_UNDERSCORES_ACTION_HEADERS_WITH_UNDERSCORES_REJECT_REQUEST,
	.http_path_with_escaped_slashes_action =
		CONNECTION_SETTINGS_HTTP_PATH_WITH_ESCAPED_SLASHES_ACTION_UNESCAPE_AND_REDIRECT,
	.http_merge_slashes = { true, true },
};

#define FILL(s, field) \
	do { \
		if (!(s)->field.set) \
			(s)->field = edge.field; \
	} while (0)

/* NULL: nothing is said. */
static const struct connection_settings *settings_of(struct run *r, bool gateway)
{
	const struct connection_settings *user = proxy_config_of(r)->connection_settings;
	struct connection_settings *s;

	/* Of all of ProxyConfig this alone is taken from the mesh where the proxy's own config does not have it. */
	if (!user)
		user = mesh_get(r, default_config)->connection_settings;
	if (!user || !gateway || user->profile != CONNECTION_SETTINGS_PROFILE_EDGE)
		return user;
	s = arena_dup(run_arena(r), user, sizeof *user);
	FILL(s, listener_per_connection_buffer_limit_bytes);
	FILL(s, http_idle_timeout);
	FILL(s, http_stream_idle_timeout);
	FILL(s, http_request_timeout);
	FILL(s, http_request_headers_timeout);
	FILL(s, http_max_concurrent_streams);
	FILL(s, http2_initial_stream_window_size);
	FILL(s, http2_initial_connection_window_size);
	FILL(s, http_merge_slashes);
	if (s->http_headers_with_underscores_action <=
	    CONNECTION_SETTINGS_HTTP_HEADERS_WITH_UNDERSCORES_ACTION_HEADERS_WITH_UNDERSCORES_UNSPECIFIED)
		s->http_headers_with_underscores_action = edge.http_headers_with_underscores_action;
	if (s->http_path_with_escaped_slashes_action <=
	    CONNECTION_SETTINGS_HTTP_PATH_WITH_ESCAPED_SLASHES_ACTION_PATH_WITH_ESCAPED_SLASHES_UNSPECIFIED)
		s->http_path_with_escaped_slashes_action =
			edge.http_path_with_escaped_slashes_action;
	return s;
}

Google__Duration *idle_timeout_of(struct run *r)
{
	uint32_t key = ask(r, ASK_META, META_IDLE_TIMEOUT);
	int64_t ns;

	if (!key || !duration_parse(run_text(r, key), &ns))
		return NULL;
	return pb_duration(run_arena(r), ns);
}

/* NULL: not set. */
static Google__Duration *duration(struct arena *a, const struct opt_duration *d)
{
	return d->set ? pb_duration(a, d->v) : NULL;
}

static Google__UInt32Value *number(struct arena *a, const struct opt_int *i)
{
	return i->set && i->v >= 0 ? pb_u32(a, (uint32_t)i->v) : NULL;
}

static Core__HttpProtocolOptions *common(struct arena *a, Hcm__HttpConnectionManager *h)
{
	if (!h->common_http_protocol_options)
		h->common_http_protocol_options = PB_NEW(a, Core__HttpProtocolOptions);
	return h->common_http_protocol_options;
}

static void apply_common(struct arena *a, const struct connection_settings *s,
			 Hcm__HttpConnectionManager *h)
{
	if (s->http_idle_timeout.set)
		common(a, h)->idle_timeout = duration(a, &s->http_idle_timeout);
	if (s->http_max_connection_duration.set)
		common(a, h)->max_connection_duration =
			duration(a, &s->http_max_connection_duration);
	if (s->http_max_stream_duration.set)
		common(a, h)->max_stream_duration = duration(a, &s->http_max_stream_duration);
	switch (s->http_headers_with_underscores_action) {
	case CONNECTION_SETTINGS_HTTP_HEADERS_WITH_UNDERSCORES_ACTION_HEADERS_WITH_UNDERSCORES_REJECT_REQUEST:
		common(a, h)->headers_with_underscores_action =
			CORE__HTTP_PROTOCOL_OPTIONS__HEADERS_WITH_UNDERSCORES_ACTION__REJECT_REQUEST;
		break;
	case CONNECTION_SETTINGS_HTTP_HEADERS_WITH_UNDERSCORES_ACTION_HEADERS_WITH_UNDERSCORES_DROP_HEADER:
		common(a, h)->headers_with_underscores_action =
			CORE__HTTP_PROTOCOL_OPTIONS__HEADERS_WITH_UNDERSCORES_ACTION__DROP_HEADER;
		break;
	default: break;
	}
}

static void apply_http2(struct arena *a, const struct connection_settings *s,
			Hcm__HttpConnectionManager *h)
{
	Core__Http2ProtocolOptions *o = h->http2_protocol_options;

	if (!s->http_max_concurrent_streams.set && !s->http2_initial_stream_window_size.set &&
	    !s->http2_initial_connection_window_size.set)
		return;
	if (!o)
		o = PB_NEW(a, Core__Http2ProtocolOptions);
	o->max_concurrent_streams = number(a, &s->http_max_concurrent_streams);
	o->initial_stream_window_size = number(a, &s->http2_initial_stream_window_size);
	o->initial_connection_window_size = number(a, &s->http2_initial_connection_window_size);
	h->http2_protocol_options = o;
}

static void apply_paths(const struct connection_settings *s, Hcm__HttpConnectionManager *h)
{
#define ACTION(name) \
	[CONNECTION_SETTINGS_HTTP_PATH_WITH_ESCAPED_SLASHES_ACTION_##name] = \
		HCM__HTTP_CONNECTION_MANAGER__PATH_WITH_ESCAPED_SLASHES_ACTION__##name
	static const Hcm__HttpConnectionManager__PathWithEscapedSlashesAction actions[] = {
		ACTION(KEEP_UNCHANGED),
		ACTION(REJECT_REQUEST),
		ACTION(UNESCAPE_AND_REDIRECT),
		ACTION(UNESCAPE_AND_FORWARD),
	};
#undef ACTION
	unsigned action = s->http_path_with_escaped_slashes_action;

	if (action >
	    CONNECTION_SETTINGS_HTTP_PATH_WITH_ESCAPED_SLASHES_ACTION_PATH_WITH_ESCAPED_SLASHES_UNSPECIFIED)
		h->path_with_escaped_slashes_action = actions[action];
	if (s->http_merge_slashes.set)
		h->merge_slashes = s->http_merge_slashes.v;
}

void limits_apply(struct run *r, bool gateway, Hcm__HttpConnectionManager *h)
{
	struct arena *a = run_arena(r);
	const struct connection_settings *s = settings_of(r, gateway);
	Google__Duration *idle = idle_timeout_of(r);

	h->stream_idle_timeout = pb_duration(a, 0);
	if (idle)
		common(a, h)->idle_timeout = idle;
	if (!s)
		return;
	apply_common(a, s, h);
	apply_http2(a, s, h);
	apply_paths(s, h);
	if (s->http_stream_idle_timeout.set)
		h->stream_idle_timeout = duration(a, &s->http_stream_idle_timeout);
	h->request_timeout = duration(a, &s->http_request_timeout);
	h->request_headers_timeout = duration(a, &s->http_request_headers_timeout);
	h->drain_timeout = duration(a, &s->http_drain_timeout);
}

Google__UInt32Value *limits_listener_buffer(struct run *r)
{
	const struct connection_settings *s = settings_of(r, true);

	return s ? number(run_arena(r), &s->listener_per_connection_buffer_limit_bytes) : NULL;
}
