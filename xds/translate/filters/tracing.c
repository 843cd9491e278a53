/* Tracing of connection managers: sampling, tags and, where Telemetry or the mesh's defaults name a provider, the tracer;
 * otherwise the one that may be in the proxy's bootstrap holds (translation.md 9.2, "legacy").
 */
#include "model/endpoint.h"
#include "model/mesh.h"
#include "model/options.h"
#include "model/proxy.h"
#include "model/telemetry.h"
#include "translate/filters/telemetry.h"
#include "translate/queries.h"
#include <stdlib.h>
#include <string.h>

static Type__Percent *percent(struct arena *a, double v)
{
	return PB_NEW(a, Type__Percent, .value = v);
}

static void add_literal(struct arena *a, Hcm__HttpConnectionManager__Tracing *t, const char *tag,
			const char *value)
{
	PB_PUSH(a, t, custom_tags,
		PB_NEW(a, Tracing__CustomTag, .tag = tag,
		       .type_case = TRACING__CUSTOM_TAG__TYPE_LITERAL,
		       .literal = PB_NEW(a, Tracing__CustomTag__Literal, .value = value)));
}

static void add_metadata(struct arena *a, Hcm__HttpConnectionManager__Tracing *t, const char *tag,
			 const char *path)
{
	TypeMetadata__MetadataKey *key =
		PB_NEW(a, TypeMetadata__MetadataKey, .key = "envoy.filters.http.rbac");

	PB_PUSH(a, key, path,
		PB_NEW(a, TypeMetadata__MetadataKey__PathSegment,
		       .segment_case = TYPE_METADATA__METADATA_KEY__PATH_SEGMENT__SEGMENT_KEY,
		       .key = path));
	PB_PUSH(a, t, custom_tags,
		PB_NEW(a, Tracing__CustomTag, .tag = tag,
		       .type_case = TRACING__CUSTOM_TAG__TYPE_METADATA,
		       .metadata = PB_NEW(
			       a, Tracing__CustomTag__Metadata,
			       .kind = PB_NEW(
				       a, TypeMetadata__MetadataKind,
				       .kind_case = TYPE_METADATA__METADATA_KIND__KIND_REQUEST,
				       .request = PB_NEW(a, TypeMetadata__MetadataKind__Request)),
			       .metadata_key = key)));
}

static const char *label(struct run *r, const char *name, const char *otherwise)
{
	uint32_t v = ask(r, ASK_LABEL, run_key(r, name));

	return v ? run_text(r, v) : otherwise;
}

static const char *value_or(struct run *r, enum question q, const char *otherwise)
{
	uint32_t v = ask(r, q, 0);

	return v && *run_text(r, v) ? run_text(r, v) : otherwise;
}

static void add_istio_tags(struct run *r, Hcm__HttpConnectionManager__Tracing *t)
{
	static const char *const dry_run[][2] = {
		{ "istio.authorization.dry_run.allow_policy.name",
		  "istio_dry_run_allow_shadow_effective_policy_id" },
		{ "istio.authorization.dry_run.allow_policy.result",
		  "istio_dry_run_allow_shadow_engine_result" },
		{ "istio.authorization.dry_run.deny_policy.name",
		  "istio_dry_run_deny_shadow_effective_policy_id" },
		{ "istio.authorization.dry_run.deny_policy.result",
		  "istio_dry_run_deny_shadow_engine_result" },
	};
	struct arena *a = run_arena(r);

	for (size_t i = 0; i < ARRAY_LEN(dry_run); i++)
		add_metadata(a, t, dry_run[i][0], dry_run[i][1]);
	add_literal(a, t, "istio.canonical_revision",
		    label(r, "service.istio.io/canonical-revision", "latest"));
	add_literal(a, t, "istio.canonical_service",
		    label(r, "service.istio.io/canonical-name", "unknown"));
	add_literal(a, t, "istio.cluster_id", value_or(r, ASK_CLUSTER, "unknown"));
	add_literal(a, t, "istio.mesh_id", value_or(r, ASK_MESH_ID, "unknown"));
	add_literal(a, t, "istio.namespace", value_or(r, ASK_NS, "default"));
}

static void add_user_tag(struct arena *a, Hcm__HttpConnectionManager__Tracing *t, const char *name,
			 const struct mesh_custom_tag *in)
{
	Tracing__CustomTag *tag = PB_NEW(a, Tracing__CustomTag, .tag = name);

	if (in->literal) {
		tag->type_case = TRACING__CUSTOM_TAG__TYPE_LITERAL;
		tag->literal = PB_NEW(a, Tracing__CustomTag__Literal, .value = in->literal->value);
	} else if (in->environment) {
		tag->type_case = TRACING__CUSTOM_TAG__TYPE_ENVIRONMENT;
		tag->environment =
			PB_NEW(a, Tracing__CustomTag__Environment, .name = in->environment->name,
			       .default_value = in->environment->default_value);
	} else if (in->header) {
		tag->type_case = TRACING__CUSTOM_TAG__TYPE_REQUEST_HEADER;
		tag->request_header =
			PB_NEW(a, Tracing__CustomTag__Header, .name = in->header->name,
			       .default_value = in->header->default_value);
	} else {
		return;
	}
	PB_PUSH(a, t, custom_tags, tag);
}

static int by_tag(const void *a, const void *b)
{
	const Tracing__CustomTag *const *x = a, *const *y = b;

	return strcmp((*x)->tag, (*y)->tag);
}

/* Of a Telemetry object. Formatters came with 1.29. */
static void add_policy_tag(struct run *r, Hcm__HttpConnectionManager__Tracing *t,
			   const struct custom_tag_entry *in)
{
	struct mesh_custom_tag same = { .environment = in->value.environment,
					.header = in->value.header,
					.literal = in->value.literal };

	if (!in->value.formatter)
		add_user_tag(run_arena(r), t, in->key, &same);
	else if (ask_is(r, ASK_VERSION, 1 << 16 | 29))
		PB_PUSH(run_arena(r), t, custom_tags,
			PB_NEW(run_arena(r), Tracing__CustomTag, .tag = in->key,
			       .type_case = TRACING__CUSTOM_TAG__TYPE_VALUE,
			       .value = in->value.formatter->value));
}

/* ---- the whole ---- */

static double legacy_sampling(const struct mesh_tracing *in)
{
	if (!in || !in->sampling.set || in->sampling.v == 0)
		return FEATURE(trace_sampling);
	return in->sampling.v > 100 ? 1 : in->sampling.v;
}

/* Tags of the policy (NULL: none), else of the proxy's own configuration. */
static void finish(struct run *r, Hcm__HttpConnectionManager__Tracing *t,
		   const struct mesh_tracing *in, const struct trace_policy *p, double sampling,
		   bool istio_tags)
{
	struct arena *a = run_arena(r);

	t->client_sampling = percent(a, 100);
	t->overall_sampling = percent(a, 100);
	t->random_sampling = percent(a, sampling);
	if (!t->max_path_tag_length && in && in->max_path_tag_length.set &&
	    in->max_path_tag_length.v)
		t->max_path_tag_length = pb_u32(a, (uint32_t)in->max_path_tag_length.v);
	if (istio_tags)
		add_istio_tags(r, t);
	for (uint32_t i = 0; p && i < p->n_tags; i++)
		add_policy_tag(r, t, &p->tags[i]);
	for (uint32_t i = 0; !(p && p->n_tags) && in && i < in->custom_tags.n; i++)
		add_user_tag(a, t, in->custom_tags.v[i].key, &in->custom_tags.v[i].value);
	if (t->n_custom_tags)
		qsort(t->custom_tags, t->n_custom_tags, sizeof *t->custom_tags, by_tag);
}

static Hcm__HttpConnectionManager__Tracing *legacy(struct run *r)
{
	const struct mesh_tracing *in;
	Hcm__HttpConnectionManager__Tracing *t;

	if (!mesh_get(r, enable_tracing).v)
		return NULL;
	in = proxy_config_of(r)->tracing;
	t = PB_NEW(run_arena(r), Hcm__HttpConnectionManager__Tracing);
	finish(r, t, in, NULL, legacy_sampling(in),
	       !in || !in->enable_istio_tags.set || in->enable_istio_tags.v);
	return t;
}

static Hcm__HttpConnectionManager__Tracing *by_policy(struct run *r, const struct trace_policy *p)
{
	struct arena *a = run_arena(r);
	const struct mesh_tracing *in;
	Hcm__HttpConnectionManager__Tracing *t;
	struct tracer tracer;

	if (!tracer_make(r, p->provider, &tracer))
		return NULL;
	in = proxy_config_of(r)->tracing;
	t = PB_NEW(a, Hcm__HttpConnectionManager__Tracing, .provider = tracer.config);
	if (tracer.upstream_span || (FEATURE(gateway_upstream_span) && ask_is(r, ASK_IS_ROUTER, 0)))
		t->spawn_upstream_span = pb_bool(a, true);
	if (tracer.max_tag_length)
		t->max_path_tag_length = pb_u32(a, tracer.max_tag_length);
	t->no_context_propagation = p->no_propagation && ask_is(r, ASK_VERSION, 1 << 16 | 30);
	finish(r, t, in, p,
	       tracer.own_sampler ? 100
	       : p->sampling.set  ? p->sampling.v
				  : legacy_sampling(in),
	       p->istio_tags);
	return t;
}

void tracing_run(struct run *r, uint32_t key)
{
	struct arena *a = run_arena(r);
	Hcm__HttpConnectionManager *out = PB_NEW(a, Hcm__HttpConnectionManager);
	bool server = telemetry_kind_of(r, key) == CHAIN_INBOUND, request_id = true;
	struct trace_policy p;

	switch (telemetry_tracing(r, server ? TELEMETRY_SERVER : TELEMETRY_CLIENT, &p)) {
	case TRACE_LEGACY: out->tracing = legacy(r); break;
	case TRACE_OFF: break;
	case TRACE_ON:
		out->tracing = by_policy(r, &p);
		request_id = !out->tracing || p.request_id;
		break;
	}
	out->request_id_extension =
		PB_NEW(a, Hcm__RequestIDExtension,
		       .typed_config = PB_ANY(a, PB_NEW(a, UuidRequestId__UuidRequestIdConfig,
							.use_request_id_for_trace_sampling =
								pb_bool(a, request_id))));
	telemetry_emit(r, &out->base);
}

void filter_tracing(struct run *r, enum chain_kind kind, Hcm__HttpConnectionManager *h)
{
	const struct result *res = ask_query(r, Q_TRACING, telemetry_key(r, kind));
	const Hcm__HttpConnectionManager *made =
		TELEMETRY_UNPACK(r, Hcm__HttpConnectionManager, res);

	h->tracing = made->tracing;
	h->request_id_extension = made->request_id_extension;
}
