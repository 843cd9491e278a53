/* Open containers are frames on a stack of fixed depth; the children that they have so far lie on one common stack of
 * items, each frame's behind its parent's. Closing a container copies its items into the arena at their exact number
 * and pops them, so nothing is moved twice and the arena holds no slack. */
#include "doc/build.h"
#include "base/buf.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL_MAP = 16, PATH_MAX_LEN = 500 };

void build_init(struct build *b, const char *file, struct arena *arena, struct diag *diag)
{
	*b = (struct build){ .arena = arena, .diag = diag, .file = file };
}

void build_reset(struct build *b)
{
	for (uint32_t i = 0; i < b->depth; i++)
		xfree(b->frames[i].merges);
	b->depth = 0;
	b->n_items = b->n_nodes = b->n_alias_nodes = 0;
	b->root = NULL;
	b->bad = false;
}

void build_fini(struct build *b)
{
	build_reset(b);
	xfree(b->items);
}

static struct build_frame *top(struct build *b)
{
	assert(b->depth);
	return &b->frames[b->depth - 1];
}

/* Where in the tree the reader is, as "spec.http[2].name". */
static void put_path(const struct build *b, struct buf *out)
{
	for (uint32_t i = 0; i < b->depth; i++) {
		const struct build_frame *f = &b->frames[i];
		uint32_t end = i + 1 < b->depth ? f[1].first : b->n_items;

		if (f->node->type == NODE_SEQ)
			buf_printf(out, "[%u]", end - f->first);
		else if (f->has_key)
			buf_printf(out, "%s%.100s", i ? "." : "", f->key);
	}
}

void build_error(struct build *b, struct place place, const char *fmt, ...)
{
	struct buf path cleanup(buf_fini) = BUF_INIT_MAX(PATH_MAX_LEN);
	char reason[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof reason, fmt, ap);
	va_end(ap);
	put_path(b, &path);
	diag_error(b->diag, place, path.overflow ? "" : buf_str(&path), "%s", reason);
	b->bad = true;
}

struct node *build_node(struct build *b, enum node_type type, struct place place)
{
	struct node *n = arena_new(b->arena, struct node);

	n->type = type;
	n->place = place;
	return n;
}

static bool count_nodes(struct build *b, uint32_t n, struct place place)
{
	if (n > DOC_MAX_NODES - b->n_nodes) {
		build_error(b, place, "document has more than %d nodes", (int)DOC_MAX_NODES);
		return false;
	}
	b->n_nodes += n;
	return true;
}

bool build_open(struct build *b, enum node_type type, struct place place, void *anchor)
{
	uint32_t n_before = b->n_nodes;

	if (b->depth == DOC_MAX_DEPTH) {
		build_error(b, place, "nested deeper than %d levels", (int)DOC_MAX_DEPTH);
		return false;
	}
	if (!count_nodes(b, 1, place))
		return false;
	b->frames[b->depth++] = (struct build_frame){
		.node = build_node(b, type, place),
		.anchor = anchor,
		.first = b->n_items,
		.n_before = n_before,
	};
	return true;
}

static void push_item(struct build *b, const struct node *value, const char *key,
		      struct place key_place)
{
	VEC_ROOM(b->items, b->n_items, b->cap_items);
	b->items[b->n_items++] = (struct build_item){ value, key, key_place };
}

static void push_merge(struct build *b, struct build_frame *f, const struct node *map)
{
	if (map->type != NODE_MAP) {
		build_error(b, map->place, "only maps can be merged by \"<<\", not %s",
			    node_type_name(map->type));
		return;
	}
	VEC_ROOM(f->merges, f->n_merges, f->cap_merges);
	f->merges[f->n_merges++] = map;
}

/* Links a counted node into the innermost container. */
static void attach(struct build *b, struct built v)
{
	struct build_frame *f;

	if (!b->depth) {
		b->root = v.node;
		return;
	}
	f = top(b);
	f->height = MAX(f->height, v.height + 1);
	if (f->node->type == NODE_SEQ) {
		push_item(b, v.node, NULL, (struct place){ 0 });
		return;
	}
	assert(f->has_key);
	if (!f->is_merge)
		push_item(b, v.node, f->key, f->key_place);
	else if (v.node->type == NODE_SEQ)
		for (uint32_t i = 0; i < v.node->n; i++)
			push_merge(b, f, v.node->seq[i]);
	else
		push_merge(b, f, v.node);
	f->has_key = false;
}

bool build_value(struct build *b, struct built v)
{
	/* Containers were counted when they were opened, with all that is in them. */
	if (v.node->type != NODE_SEQ && v.node->type != NODE_MAP &&
	    !count_nodes(b, v.n_nodes, v.node->place))
		return false;
	attach(b, v);
	return true;
}

bool build_alias(struct build *b, struct built v, struct place place)
{
	/* An alias may stand deeper than its anchor did: chains of them would exceed any depth. */
	if (b->depth + v.height > DOC_MAX_DEPTH) {
		build_error(b, place, "alias expands to more than %d levels", (int)DOC_MAX_DEPTH);
		return false;
	}
	if (v.n_nodes > DOC_MAX_ALIAS_NODES - b->n_alias_nodes) {
		build_error(b, place, "aliases expand to more than %d nodes",
			    (int)DOC_MAX_ALIAS_NODES);
		return false;
	}
	if (!count_nodes(b, v.n_nodes, place))
		return false;
	b->n_alias_nodes += v.n_nodes;
	attach(b, v);
	return true;
}

bool build_in_map(const struct build *b)
{
	return b->depth && b->frames[b->depth - 1].node->type == NODE_MAP;
}

bool build_wants_key(const struct build *b)
{
	return build_in_map(b) && !b->frames[b->depth - 1].has_key;
}

void build_key(struct build *b, const char *key, struct place place, bool merge)
{
	struct build_frame *f = top(b);

	assert(build_wants_key(b));
	f->has_key = true;
	f->is_merge = merge;
	f->key = key;
	f->key_place = place;
}

/* The candidates for a map's entries in order of precedence: what is written, then what is merged. */
struct candidate {
	struct node_entry entry;
	uint32_t order;
	bool is_merged, is_dropped;
};

static int by_key(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int c = strcmp(x->entry.key, y->entry.key);

	return c ? c : x->order < y->order ? -1 : x->order > y->order;
}

static int by_order(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return x->order < y->order ? -1 : x->order > y->order;
}

static void report_duplicate(struct build *b, const struct node_entry *e,
			     const struct node_entry *first)
{
	build_error(b, e->key_place, "duplicate key \"%.200s\", first at line %u", e->key,
		    first->key_place.line);
}

/* Sorting and not hashing finds equal keys: nobody can choose keys that make it slow. */
static uint32_t drop_duplicates(struct build *b, struct candidate *v, uint32_t n)
{
	uint32_t left = 0, first = 0;

	qsort(v, n, sizeof *v, by_key);
	for (uint32_t i = 1; i < n; i++) {
		if (strcmp(v[i].entry.key, v[first].entry.key) != 0) {
			first = i;
			continue;
		}
		v[i].is_dropped = true;
	}
	for (uint32_t i = 0, f = 0; i < n; i++) {
		if (!v[i].is_dropped)
			f = i;
		else if (!v[i].is_merged)
			report_duplicate(b, &v[i].entry, &v[f].entry);
	}
	qsort(v, n, sizeof *v, by_order);
	for (uint32_t i = 0; i < n; i++)
		if (!v[i].is_dropped)
			v[left++] = v[i];
	return left;
}

/* The children of the innermost frame. */
static const struct build_item *items_of(const struct build *b, const struct build_frame *f)
{
	return f->first < b->n_items ? &b->items[f->first] : NULL;
}

static void close_map_slow(struct build *b, struct build_frame *f)
{
	const struct build_item *items = items_of(b, f);
	uint32_t n = b->n_items - f->first, total = n, at = 0;
	struct candidate *v cleanup(xfree_p) = NULL;
	struct node_entry *map;

	for (uint32_t i = 0; i < f->n_merges; i++)
		total += f->merges[i]->n; /* no overflow: each was counted as nodes */
	v = xcalloc(total, sizeof *v);
	for (uint32_t i = 0; i < n; i++, at++)
		v[at].entry =
			(struct node_entry){ items[i].key, items[i].key_place, items[i].value };
	for (uint32_t i = 0; i < f->n_merges; i++)
		for (uint32_t k = 0; k < f->merges[i]->n; k++, at++) {
			v[at].entry = f->merges[i]->map[k];
			v[at].is_merged = true;
		}
	for (uint32_t i = 0; i < total; i++)
		v[i].order = i;
	total = drop_duplicates(b, v, total);
	map = arena_array(b->arena, struct node_entry, total);
	for (uint32_t i = 0; i < total; i++)
		map[i] = v[i].entry;
	f->node->map = map;
	f->node->n = total;
}

static void close_map(struct build *b, struct build_frame *f)
{
	const struct build_item *items = items_of(b, f);
	uint32_t n = b->n_items - f->first;
	struct node_entry *map;

	if (n > SMALL_MAP || f->n_merges) {
		close_map_slow(b, f);
		return;
	}
	map = arena_array(b->arena, struct node_entry, n);
	for (uint32_t i = 0; i < n; i++) {
		map[i] = (struct node_entry){ items[i].key, items[i].key_place, items[i].value };
		for (uint32_t k = 0; k < i; k++)
			if (!strcmp(map[k].key, map[i].key)) {
				report_duplicate(b, &map[i], &map[k]);
				break;
			}
	}
	f->node->map = map;
	f->node->n = n;
}

struct built build_close(struct build *b, void **ret_anchor)
{
	struct build_frame *f = top(b);
	struct built done;

	assert(!f->has_key);
	if (f->node->type == NODE_MAP) {
		close_map(b, f);
	} else {
		uint32_t n = b->n_items - f->first;
		const struct node **seq = arena_array(b->arena, const struct node *, n);

		for (uint32_t i = 0; i < n; i++)
			seq[i] = b->items[f->first + i].value;
		f->node->seq = seq;
		f->node->n = n;
	}
	xfree(f->merges);
	b->n_items = f->first;
	if (ret_anchor)
		*ret_anchor = f->anchor;
	done = (struct built){ .node = f->node,
			       .n_nodes = b->n_nodes - f->n_before,
			       .height = MAX(f->height, 1u) };
	b->depth--;
	return done;
}
