/* tests/property/universe.h
 * All that may be in the mesh of the property test, each thing in a slot: objects, the mesh's settings, proxies. What a
 * slot holds is text, so that a state can be made again in another engine.
 */
#pragma once
#include "base/err.h"
#include "tests/property/sketch.h"
#include "translate/engine.h"

enum slot_kind { SLOT_OBJECT, SLOT_MESH_CONFIG, SLOT_NETWORKS, SLOT_PROXY };
struct slot_row;
struct slot {
	const struct slot_row *row;
	const char *ns, *name;
	unsigned number; /* among those of its row */
	struct genes genes;
	char *text; /* NULL: not there */
};
struct universe {
	struct slot *slots;
	unsigned n, first_proxy; /* proxies are the last ones */
};
void universe_init(struct universe *, struct rng *);
void universe_fini(struct universe *);
enum slot_kind slot_kind(const struct slot *);
/* "Service app/web" */
const char *slot_title(const struct slot *, char *buf, size_t size);

/* An object or setting to edit, some kinds more often than others. */
struct slot *universe_pick(struct universe *, struct rng *);
/* Other text than before: yours, NULL if it goes. */
char *slot_redraw(struct slot *, struct rng *);

/* Puts the text, or takes away what was there. False: the text is no such thing. *ret_changed may be NULL. */
bool slot_apply(const struct slot *, struct engine *, const char *text, bool *ret_changed,
		struct err *) must_check;
/* Of a proxy; no edit may be uncommitted. NULL: see err. */
struct engine_proxy *slot_join(struct engine *, const char *text, void *owner, struct err *);
