/* A small mesh for tests of translation: documents in, proxies in, resources out as compact protojson. One thread. */
#pragma once
#include "model/options.h"
#include "snapshot/types.h"
#include "translate/engine.h"

struct kit {
	struct engine *engine;
	struct arena arena; /* of what kit_json returns */
};
/* Feature flags as compiled in; `env` pairs override them: {"NAME", "value", ..., NULL}, or NULL. */
void kit_init(struct kit *, const char *const *env);
void kit_fini(struct kit *);
/* Puts every document of the text and commits. A document that is not in order fails the test. */
void kit_put(struct kit *, const char *yaml);
void kit_mesh(struct kit *, const char *yaml);
void kit_networks(struct kit *, const char *yaml);
/* A sidecar or router; what is NULL or "" is left at a default. */
struct kit_proxy {
	const char *type, *name, *ns, *ip, *labels; /* labels: JSON object */
	const char *locality;                       /* "region/zone/subzone" */
	const char *metadata;                       /* further members, "\"A\":\"b\"" */
	const char *version;                        /* 1.32.0 */
	bool stock; /* an Envoy that lists extensions and has none of Istio's */
};
struct engine_proxy *kit_join(struct kit *, const struct kit_proxy *);
/* "" when there is no such resource. */
const char *kit_json(struct kit *, struct engine_proxy *, enum xds_type, const char *name);
/* How often queries of that name ran so far; memos of it that are live. */
uint64_t kit_runs(struct kit *, unsigned query);
uint32_t kit_memos(struct kit *, unsigned query);
/* The reasons of all problems that live queries found, each on a line. */
const char *kit_problems(struct kit *);
