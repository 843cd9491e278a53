/* Filters that only Istio's proxy has: peer metadata, its TCP form, and ALPN override. Left out for a proxy without them
 * (spec/baseline.md).
 */
#include "model/options.h"
#include "model/proxy.h"
#include "translate/filters/filter.h"
#include "types.h"
#include <string.h>

Hcm__HttpFilter *http_filter(struct arena *a, const char *name, Google__Any *config)
{
	return PB_NEW(a, Hcm__HttpFilter, .name = name,
		      .config_type_case = HCM__HTTP_FILTER__CONFIG_TYPE_TYPED_CONFIG,
		      .typed_config = config);
}

Listener__Filter *network_filter(struct arena *a, const char *name, Google__Any *config)
{
	return PB_NEW(a, Listener__Filter, .name = name,
		      .config_type_case = LISTENER__FILTER__CONFIG_TYPE_TYPED_CONFIG,
		      .typed_config = config);
}

/* PILOT_MX_ADDITIONAL_LABELS as a list. */
static void add_labels(struct arena *a, Google__Struct *config)
{
	Google__ListValue *list = pb_list(a);
	char *copy, *save = NULL;

	if (str_empty(FEATURE(mx_additional_labels)))
		return;
	copy = arena_strdup(a, FEATURE(mx_additional_labels));
	for (char *t = strtok_r(copy, ",", &save); t; t = strtok_r(NULL, ",", &save))
		pb_list_add(a, list, pb_value_str(a, t));
	pb_struct_set_list(a, config, "additional_labels", list);
}

/* [{name: {}} ...] */
static Google__ListValue *methods(struct arena *a, const char *first, Google__Struct *first_value,
				  const char *second)
{
	Google__ListValue *list = pb_list(a);
	Google__Struct *s = pb_struct(a);

	pb_struct_set_struct(a, s, first, first_value);
	pb_list_add(a, list, pb_value_struct(a, s));
	if (second) {
		s = pb_struct(a);
		pb_struct_set_struct(a, s, second, pb_struct(a));
		pb_list_add(a, list, pb_value_struct(a, s));
	}
	return list;
}

Hcm__HttpFilter *filter_peer_metadata(struct run *r, const struct chain_context *c)
{
	struct arena *a = run_arena(r);
	bool inbound = c->kind == CHAIN_INBOUND;
	Google__Struct *config, *propagation = pb_struct(a);
	const struct proxy_headers *h;

	if (!FEATURE(metadata_exchange) || !ask_is(r, ASK_EXTENSION, EXT_PEER_METADATA_HTTP))
		return NULL;
	h = proxy_config_of(r)->proxy_headers;
	if (!inbound && h && h->metadata_exchange_headers &&
	    h->metadata_exchange_headers->mode == METADATA_EXCHANGE_HEADERS_MODE_IN_MESH)
		pb_struct_set_bool(a, propagation, "skip_external_clusters", true);
	config = pb_struct(a);
	pb_struct_set_list(a, config, inbound ? "downstream_discovery" : "upstream_discovery",
			   methods(a, "istio_headers", pb_struct(a), "workload_discovery"));
	pb_struct_set_list(a, config, inbound ? "downstream_propagation" : "upstream_propagation",
			   methods(a, "istio_headers", propagation, NULL));
	add_labels(a, config);
	return http_filter(a, "istio.metadata_exchange",
			   pb_typed_struct(a,
					   "type.googleapis.com/io.istio.http.peer_metadata.Config",
					   config));
}

Listener__Filter *filter_metadata_exchange(struct run *r)
{
	struct arena *a = run_arena(r);
	Google__Struct *config;

	if (!FEATURE(metadata_exchange) || FEATURE(disable_mx_alpn) ||
	    !ask_is(r, ASK_EXTENSION, EXT_METADATA_EXCHANGE_TCP))
		return NULL;
	config = pb_struct(a);
	pb_struct_set_str(a, config, "protocol", "istio-peer-exchange");
	pb_struct_set_bool(a, config, "enable_discovery", true);
	add_labels(a, config);
	return network_filter(
		a, "istio.metadata_exchange",
		pb_typed_struct(
			a, "type.googleapis.com/envoy.tcp.metadataexchange.config.MetadataExchange",
			config));
}

Hcm__HttpFilter *filter_alpn(struct run *r, const struct chain_context *c)
{
	static const struct {
		Alpn__FilterConfig__Protocol upstream;
		const char *alpn[3];
	} rows[] = {
		{ ALPN__FILTER_CONFIG__PROTOCOL__HTTP10,
		  { "istio-http/1.0", "istio", "http/1.0" } },
		{ ALPN__FILTER_CONFIG__PROTOCOL__HTTP11,
		  { "istio-http/1.1", "istio", "http/1.1" } },
		{ ALPN__FILTER_CONFIG__PROTOCOL__HTTP2, { "istio-h2", "istio", "h2" } },
	};
	struct arena *a = run_arena(r);
	Alpn__FilterConfig *config = PB_NEW(a, Alpn__FilterConfig);

	if (c->kind == CHAIN_INBOUND || !FEATURE(alpn_filter) ||
	    !ask_is(r, ASK_EXTENSION, EXT_ALPN))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		Alpn__FilterConfig__AlpnOverride *o = PB_NEW(a, Alpn__FilterConfig__AlpnOverride,
							     .upstream_protocol = rows[i].upstream);

		for (size_t j = 0; j < ARRAY_LEN(rows[i].alpn); j++)
			PB_PUSH(a, o, alpn_override, rows[i].alpn[j]);
		PB_PUSH(a, config, alpn_override, o);
	}
	return http_filter(a, "istio.alpn", PB_ANY(a, config));
}
