/* What HTTP version a cluster speaks: HttpProtocolOptions, made only where something needs them (translation.md 2.3). */
#include "model/proxy.h"
#include "translate/cds.h"
#include "translate/cluster.h"
#include "translate/queries.h"
#include "types.h"

#define EXPLICIT \
	UPSTREAM_HTTP__HTTP_PROTOCOL_OPTIONS__UPSTREAM_PROTOCOL_OPTIONS_EXPLICIT_HTTP_CONFIG
#define DOWNSTREAM \
	UPSTREAM_HTTP__HTTP_PROTOCOL_OPTIONS__UPSTREAM_PROTOCOL_OPTIONS_USE_DOWNSTREAM_PROTOCOL_CONFIG
#define HTTP1 \
	UPSTREAM_HTTP__HTTP_PROTOCOL_OPTIONS__EXPLICIT_HTTP_CONFIG__PROTOCOL_CONFIG_HTTP_PROTOCOL_OPTIONS
#define HTTP2 \
	UPSTREAM_HTTP__HTTP_PROTOCOL_OPTIONS__EXPLICIT_HTTP_CONFIG__PROTOCOL_CONFIG_HTTP2_PROTOCOL_OPTIONS

UpstreamHttp__HttpProtocolOptions *draft_http(struct draft *d)
{
	if (!d->http)
		d->http = PB_NEW(d->a, UpstreamHttp__HttpProtocolOptions);
	return d->http;
}

bool draft_is_http2(const struct draft *d)
{
	return d->http && d->http->upstream_protocol_options_case == EXPLICIT &&
	       d->http->explicit_http_config->protocol_config_case == HTTP2;
}

/* [0] Asked as a derived question, so that proxies whose configurations differ in anything else share their clusters. */
void header_case_run(struct run *r, uint32_t key)
{
	const struct proxy_headers *h = proxy_config_of(r)->proxy_headers;
	uint32_t yes = 1;

	if (h && h->preserve_http1_header_case.set && h->preserve_http1_header_case.v)
		run_emit(r, &yes, sizeof yes);
}

Core__Http1ProtocolOptions *http1_options(struct run *r)
{
	struct arena *a = run_arena(r);
	Core__Http1ProtocolOptions__HeaderKeyFormat *f;

	if (!ask_query(r, Q_HEADER_CASE, 0)->n)
		return NULL;
	f = PB_NEW(
		a, Core__Http1ProtocolOptions__HeaderKeyFormat,
		.header_format_case =
			CORE__HTTP1_PROTOCOL_OPTIONS__HEADER_KEY_FORMAT__HEADER_FORMAT_STATEFUL_FORMATTER,
		.stateful_formatter =
			PB_NEW(a, Core__TypedExtensionConfig, .name = "preserve_case",
			       .typed_config = PB_ANY(
				       a, PB_NEW(a, PreserveCase__PreserveCaseFormatterConfig))));
	return PB_NEW(a, Core__Http1ProtocolOptions, .header_key_format = f);
}

static void set_explicit_http1(struct draft *d, Core__Http1ProtocolOptions *o)
{
	UpstreamHttp__HttpProtocolOptions *h = draft_http(d);

	h->upstream_protocol_options_case = EXPLICIT;
	h->explicit_http_config =
		PB_NEW(d->a, UpstreamHttp__HttpProtocolOptions__ExplicitHttpConfig,
		       .protocol_config_case = HTTP1, .http_protocol_options = o);
}

void draft_upgrade(struct draft *d)
{
	UpstreamHttp__HttpProtocolOptions *h = draft_http(d);

	if (h->upstream_protocol_options_case)
		return;
	h->upstream_protocol_options_case = EXPLICIT;
	h->explicit_http_config =
		PB_NEW(d->a, UpstreamHttp__HttpProtocolOptions__ExplicitHttpConfig,
		       .protocol_config_case = HTTP2,
		       .http2_protocol_options = PB_NEW(d->a, Core__Http2ProtocolOptions));
}

void draft_use_downstream(struct draft *d)
{
	UpstreamHttp__HttpProtocolOptions *h = draft_http(d);
	Core__Http1ProtocolOptions *kept = NULL;

	if (h->upstream_protocol_options_case == EXPLICIT &&
	    h->explicit_http_config->protocol_config_case == HTTP1)
		kept = h->explicit_http_config->http_protocol_options;
	else if (h->upstream_protocol_options_case == DOWNSTREAM)
		kept = h->use_downstream_protocol_config->http_protocol_options;
	h->upstream_protocol_options_case = DOWNSTREAM;
	h->use_downstream_protocol_config = PB_NEW(
		d->a, UpstreamHttp__HttpProtocolOptions__UseDownstreamHttpConfig,
		.http_protocol_options = kept ? kept : PB_NEW(d->a, Core__Http1ProtocolOptions),
		.http2_protocol_options = PB_NEW(d->a, Core__Http2ProtocolOptions));
}

void draft_set_protocol(struct draft *d, enum protocol p)
{
	Core__Http1ProtocolOptions *http1 = NULL;

	if (protocol_is_http2(p)) {
		draft_upgrade(d);
		return;
	}
	if (protocol_is_http(p) || p == PROTOCOL_AUTO)
		http1 = http1_options(d->r);
	if (http1)
		set_explicit_http1(d, http1);
	/* Gateways do not sniff: what they would offer a server by ALPN need not be what it speaks. */
	if (p == PROTOCOL_AUTO && !ask_is(d->r, ASK_IS_ROUTER, 0))
		draft_use_downstream(d);
}
