/* cli/load.h
 * Files into an engine, once: what `render`, `validate` and their kin have in common.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "cli/flags.h"

struct engine;
struct engine_proxy;
struct source_batch;
struct diag;
struct node;
struct proxy_node_text;

/* Options from flags (NULL: the environment, then the default) and istiod's environment variables, and model_setup.
 * Problems with values are printed to stderr. */
void load_environment(const char *domain, const char *cluster_id, const char *ns);
/* Reads every path (files or directories) and puts the objects into the engine. Problems go to diag. False: a path
 * cannot be opened. Not committed. */
bool load_objects(struct engine *, const struct flag_list *paths, struct diag *,
		  struct err *e) must_check;
bool load_mesh(struct engine *, const char *mesh_file, const char *networks_file, struct diag *,
	       struct err *e) must_check;
/* What translation found wrong for the proxies that have joined. */
void load_found(struct engine *, struct diag *);
/* A protojson xDS Node. */
bool load_node(const char *file, struct arena *, struct proxy_node_text *ret,
	       struct err *e) must_check;
/* To stderr, a line each. */
void load_print_problems(const struct diag *);

/* A mesh from files with proxies in it, for commands that only look at it. */
struct load_request {
	const struct flag_list *files, *nodes;
	const char *mesh, *networks; /* NULL: none */
};
struct loaded {
	struct engine *engine; /* committed, all proxies in it */
	struct engine_proxy **proxies;
	const char **ids; /* "pod.ns" */
	struct arena arena;
};
/* Problems of objects are printed. False: something cannot be read; nothing is in ret. */
bool load_all(const struct load_request *, struct loaded *ret, struct err *e) must_check;
void loaded_fini(struct loaded *);
