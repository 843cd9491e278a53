/* Tracing of connection managers without Telemetry objects: sampling and tags, the tracer itself being in the proxy's
 * bootstrap (translation.md 9.2, "legacy").
 */
#include "model/endpoint.h"
#include "model/mesh.h"
#include "model/options.h"
#include "model/proxy.h"
#include "translate/filters/filter.h"
#include "types.h"
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

Hcm__HttpConnectionManager__Tracing *filter_tracing(struct run *r)
{
	struct arena *a = run_arena(r);
	const struct mesh_tracing *in;
	Hcm__HttpConnectionManager__Tracing *t;
	double sampling = FEATURE(trace_sampling);

	if (!mesh_get(r, enable_tracing).v)
		return NULL;
	in = proxy_config_of(r)->tracing;
	if (in && in->sampling.set && in->sampling.v != 0)
		sampling = in->sampling.v > 100 ? 1 : in->sampling.v;
	t = PB_NEW(a, Hcm__HttpConnectionManager__Tracing, .client_sampling = percent(a, 100),
		   .overall_sampling = percent(a, 100), .random_sampling = percent(a, sampling));
	if (in && in->max_path_tag_length.set && in->max_path_tag_length.v)
		t->max_path_tag_length = pb_u32(a, (uint32_t)in->max_path_tag_length.v);
	if (!in || !in->enable_istio_tags.set || in->enable_istio_tags.v)
		add_istio_tags(r, t);
	for (uint32_t i = 0; in && i < in->custom_tags.n; i++)
		add_user_tag(a, t, in->custom_tags.v[i].key, &in->custom_tags.v[i].value);
	if (t->n_custom_tags)
		qsort(t->custom_tags, t->n_custom_tags, sizeof *t->custom_tags, by_tag);
	return t;
}
