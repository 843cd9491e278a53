/* translate/impact.h
 * What an object reaches: the resources of proxies that would name it as a source (translate/explain.h), for the command
 * line and the debug page. Resources are named as there, those of routes down to the virtual host.
 *
 * Results outlive the engine's state, so a daemon may gather in slices, with edits in between, and print elsewhere.
 */
#pragma once
#include "translate/engine.h"

struct buf;

/* An object by name, "VirtualService/shop/reviews"; "Namespace/shop" where the kind has no namespace. */
struct object_name {
	uint16_t kind;
	const char *ns, *name; /* "" for what has none */
};
/* Kinds in any case. Strings live in the arena. */
bool object_name_parse(const char *text, struct arena *, struct object_name *ret,
		       struct err *) must_check;

enum { IMPACT_LINES_MAX = 2000000 };
struct impact;
struct impact *impact_new(const struct object_name *); /* borrowed */
void impact_free(struct impact *);
/* The engine's thread: a look at the world as it is now, until impact_end without any edit. False: there is no such object. */
bool impact_begin(struct impact *, struct engine *) must_check;
/* What it reaches of one proxy; `id` is copied. False: there are more than IMPACT_LINES_MAX lines. */
bool impact_add(struct impact *, const struct engine_proxy *, const char *id) must_check;
void impact_end(struct impact *);
/* Any thread, after impact_end. A line "PROXY TYPE NAME" each, sorted; or a JSON array of {proxy,type,name}. */
void impact_print(const struct impact *, bool json, bool pretty, struct buf *out);
