/* What a source hands over, and which kinds are accepted without having an effect yet. */
#include "source/batch.h"
#include "types.h"

struct source_batch *source_batch_new(void)
{
	struct source_batch *b = xcalloc(1, sizeof *b);

	arena_init(&b->arena);
	return b;
}

void source_batch_free(struct source_batch *b)
{
	if (!b)
		return;
	for (uint32_t i = 0; i < b->n_puts; i++)
		object_unref(b->puts[i]);
	arena_fini(&b->arena);
	xfree(b);
}

static const struct {
	uint16_t kind;
	const char *reason;
} unsupported[] = {
	{ KIND_ENVOY_FILTER, "patches are not applied" },
	{ KIND_WASM_PLUGIN, "no filter is made from it" },
	{ KIND_TRAFFIC_EXTENSION, "no filter is made from it" },
	{ KIND_REQUEST_AUTHENTICATION, "tokens are not checked" },
	{ KIND_AUTHORIZATION_POLICY, "nothing is allowed or denied by it" },
	{ KIND_WORKLOAD_GROUP, "workloads are not registered from it" },
	{ KIND_PROXY_CONFIG, "it takes effect at injection only" },
};

const char *source_unsupported(uint16_t kind)
{
	for (size_t i = 0; i < ARRAY_LEN(unsupported); i++)
		if (unsupported[i].kind == kind)
			return unsupported[i].reason;
	return NULL;
}
