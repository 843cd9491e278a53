/* doc/build.h
 * What the YAML and the JSON reader share: putting a tree together from events without recursion, with its caps
 * (depth, nodes, what aliases add) and the check for duplicate keys. Private to this room; one thread at a time.
 */
#pragma once
#include "doc/read.h"

struct build_item {
	const struct node *value;
	const char *key; /* NULL in sequences */
	struct place key_place;
};
struct build_frame {
	struct node *node;
	void *anchor;      /* the reader's; given back by build_close */
	uint32_t first;    /* its items start here */
	uint32_t n_before; /* nodes of the document before this one */
	uint32_t height;   /* of the children so far */
	bool has_key, is_merge;
	const char *key;
	struct place key_place;
	const struct node **merges; /* maps named by "<<", in order of precedence */
	uint32_t n_merges, cap_merges;
};
struct build {
	struct arena *arena;
	struct diag *diag;
	const char *file;
	bool bad; /* something was reported for this document */
	struct build_frame frames[DOC_MAX_DEPTH];
	uint32_t depth;
	struct build_item *items; /* of all open frames, a stack */
	uint32_t n_items, cap_items;
	uint32_t n_nodes, n_alias_nodes;
	const struct node *root;
};
/* A finished node with what it costs to have it somewhere. */
struct built {
	const struct node *node;
	uint32_t n_nodes; /* itself and all below, aliases expanded */
	uint32_t height;  /* 0 for scalars */
};

void build_init(struct build *, const char *file, struct arena *, struct diag *);
void build_fini(struct build *);
void build_reset(struct build *); /* for the next document */

/* Reports a problem at the current position in the tree; the document is bad. */
void build_error(struct build *, struct place, const char *fmt, ...) printf_like(3, 4);

struct node *build_node(struct build *, enum node_type, struct place);

/* These return false when a cap is exceeded, which is reported: the document must be given up. */
bool build_open(struct build *, enum node_type, struct place, void *anchor) must_check;
bool build_value(struct build *, struct built) must_check;
bool build_alias(struct build *, struct built, struct place) must_check;

/* The innermost open container; its anchor is that of build_open. The result is not yet a value of anything. */
struct built build_close(struct build *, void **ret_anchor);

bool build_in_map(const struct build *);
bool build_wants_key(const struct build *);
/* The key is borrowed for the life of the arena. With `merge` the value that follows is merged in, not added. */
void build_key(struct build *, const char *key, struct place, bool merge);
