/* tests/unit/xds_kit.h
 * For tests of xds/: a little world of resources whose content is a word, roots and snapshots made of it in the shapes
 * that translators use, and responses taken apart again. One thread.
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "snapshot/response.h"
#include "snapshot/wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KIT_NAME = 1, KIT_CLUSTER_TYPE = 2, KIT_EDS = 3, KIT_CONTENT = 30, KIT_BUCKETS = 4 };

struct kit_thing {
	enum xds_type type;
	char name[64], content[64];
	bool eds; /* a cluster that asks for endpoints */
};
struct kit_world {
	struct kit_thing *v;
	uint32_t n, cap;
	uint32_t served; /* bit per type */
};

static inline struct kit_thing *kit_find(const struct kit_world *w, enum xds_type type,
					 const char *name)
{
	for (uint32_t i = 0; i < w->n; i++) {
		if (w->v[i].type == type && str_eq(w->v[i].name, name))
			return &w->v[i];
	}
	return NULL;
}

static inline void kit_set(struct kit_world *w, enum xds_type type, const char *name,
			   const char *content, bool eds)
{
	struct kit_thing *t = kit_find(w, type, name);

	if (!t) {
		VEC_ROOM(w->v, w->n, w->cap);
		t = &w->v[w->n++];
	}
	*t = (struct kit_thing){ .type = type, .eds = eds };
	snprintf(t->name, sizeof t->name, "%s", name);
	snprintf(t->content, sizeof t->content, "%s", content);
}

static inline void kit_del(struct kit_world *w, enum xds_type type, const char *name)
{
	struct kit_thing *t = kit_find(w, type, name);

	if (t)
		*t = w->v[--w->n];
}

static inline size_t kit_content(const struct kit_thing *t, uint8_t *p)
{
	uint8_t *start = p;

	p = wire_put_varint(p, KIT_CONTENT << 3 | WIRE_BYTES);
	p = wire_put_varint(p, strlen(t->content));
	memcpy(p, t->content, strlen(t->content));
	return (size_t)(p + strlen(t->content) - start);
}

static inline size_t kit_head(const struct kit_thing *t, uint8_t *p)
{
	static const uint8_t eds_over_ads[] = { 1 << 3 | 2, 2, 3 << 3 | 2,
						0 }; /* eds_config { ads {} } */
	uint8_t *start = p;

	p = wire_put_bytes(p, KIT_NAME, t->name, strlen(t->name));
	if (t->eds) {
		*p++ = KIT_CLUSTER_TYPE << 3;
		*p++ = 3;
		p = wire_put_bytes(p, KIT_EDS, eds_over_ads, sizeof eds_over_ads);
	}
	return (size_t)(p - start);
}

static inline int kit_compare(const void *a, const void *b)
{
	return strcmp(((const struct kit_thing *)a)->name, ((const struct kit_thing *)b)->name);
}

/* Routes are CONCAT, all else BYTES. */
static inline const struct result *kit_leaf(const struct kit_thing *t)
{
	cleanup(buf_fini) struct buf b = BUF_INIT;
	uint8_t head[256], content[96];
	size_t n_head = kit_head(t, head), n_content = kit_content(t, content);
	const struct result *parts[2], *leaf;

	if (t->type != XDS_RDS) {
		memcpy(head + n_head, content, n_content);
		resource_append(&b, t->name, head, n_head + n_content);
		return result_bytes(b.p, b.len);
	}
	resource_append(&b, t->name, head, n_head);
	parts[0] = result_bytes(b.p, b.len);
	parts[1] = result_bytes(content, n_content);
	leaf = result_list(RESULT_CONCAT, parts, 2);
	result_unref(parts[0]);
	result_unref(parts[1]);
	return leaf;
}

static inline const struct result *kit_list(const struct result **v, uint32_t n)
{
	const struct result *list = result_list(RESULT_LIST, v, n);

	for (uint32_t i = 0; i < n; i++)
		result_unref(v[i]);
	return list;
}

/* root -> buckets by name -> leaves, sorted. */
static inline const struct result *kit_root(const struct kit_world *w, enum xds_type type)
{
	const struct result *buckets[KIT_BUCKETS];
	struct kit_thing *sorted = xmalloc(w->n * sizeof *sorted);
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->n; i++) {
		if (w->v[i].type == type)
			sorted[n++] = w->v[i];
	}
	if (n)
		qsort(sorted, n, sizeof *sorted, kit_compare);
	for (uint32_t b = 0; b < KIT_BUCKETS; b++) {
		const struct result **leaves = xmalloc(n * sizeof *leaves);
		uint32_t n_leaves = 0;

		for (uint32_t i = 0; i < n; i++) {
			if (hash_str(sorted[i].name) % KIT_BUCKETS == b)
				leaves[n_leaves++] = kit_leaf(&sorted[i]);
		}
		buckets[b] = kit_list(leaves, n_leaves);
		xfree(leaves);
	}
	xfree(sorted);
	return kit_list(buckets, KIT_BUCKETS);
}

static inline const struct snapshot *kit_snapshot(struct xds_cache *c, const struct kit_world *w)
{
	const struct result *roots[XDS_N] = { 0 };
	const struct snapshot *s;

	for (unsigned t = 0; t < XDS_N; t++)
		roots[t] = w->served >> t & 1 ? kit_root(w, (enum xds_type)t) : NULL;
	s = snapshot_get(c, roots);
	for (unsigned t = 0; t < XDS_N; t++)
		result_unref(roots[t]);
	return s;
}

/* ---- Responses ---- */

struct kit_item {
	const char *name, *version, *content; /* content "" for an empty resource */
	const char *any_url;
	bool eds;
};
struct kit_response {
	const char *version, *type_url, *nonce, *control_plane;
	struct kit_item *items;
	const char **removed;
	uint32_t n_items, items_cap, n_removed, removed_cap;
	bool is_malformed;
};

static inline const char *kit_string(struct arena *a, const struct wire_field *f)
{
	return arena_strndup(a, (const char *)f->bytes, f->len);
}

static inline void kit_parse_any(struct arena *a, const struct wire_field *any, struct kit_item *it,
				 struct kit_response *r)
{
	const uint8_t *p = any->bytes, *end = p + any->len;
	struct wire_field f, body = { 0 };

	while (wire_next(&p, end, &f)) {
		if (f.number == 1)
			it->any_url = kit_string(a, &f);
		if (f.number == 2)
			body = f;
	}
	r->is_malformed |= !p && any->len;
	p = body.bytes;
	end = p + body.len;
	it->content = "";
	while (body.len && wire_next(&p, end, &f)) {
		if (f.number == KIT_NAME && f.type == WIRE_BYTES && !it->name)
			it->name = kit_string(a, &f);
		if (f.number == KIT_CONTENT)
			it->content = kit_string(a, &f);
		it->eds |= f.number == KIT_EDS;
	}
	r->is_malformed |= body.len && !p;
}

static inline void kit_parse_resource(struct arena *a, const struct wire_field *res,
				      struct kit_item *it, struct kit_response *r)
{
	const uint8_t *p = res->bytes, *end = p + res->len;
	struct wire_field f;

	it->name = it->version = "";
	while (wire_next(&p, end, &f)) {
		switch (f.number) {
		case 1: it->version = kit_string(a, &f); break;
		case 2: kit_parse_any(a, &f, it, r); break;
		case 3: it->name = kit_string(a, &f); break;
		default: r->is_malformed = true;
		}
	}
	r->is_malformed |= !p;
}

static inline struct kit_response kit_parse(struct arena *a, enum xds_protocol protocol,
					    const struct body *body, const void *nonce_field,
					    size_t nonce_len)
{
	struct buf all = BUF_INIT;
	struct kit_response r = { .version = "", .type_url = "", .nonce = "" };
	const uint8_t *p, *end;
	struct wire_field f;

	for (uint32_t i = 0; i < body->n_pieces; i++)
		buf_append(&all, body->pieces[i].p, body->pieces[i].n);
	r.is_malformed = all.len != body->total;
	buf_append(&all, nonce_field, nonce_len);
	p = (const uint8_t *)all.p;
	end = p + all.len;
	while (wire_next(&p, end, &f)) {
		struct kit_item *it;

		switch (f.number) {
		case 1: r.version = kit_string(a, &f); break;
		case 2:
			it = ARENA_PUSH(a, r.items, r.n_items, r.items_cap);
			*it = (struct kit_item){ .content = "" };
			if (protocol == XDS_DELTA)
				kit_parse_resource(a, &f, it, &r);
			else
				kit_parse_any(a, &f, it, &r);
			break;
		case 4: r.type_url = kit_string(a, &f); break;
		case 5: r.nonce = kit_string(a, &f); break;
		case 6:
			if (protocol == XDS_DELTA) {
				*ARENA_PUSH(a, r.removed, r.n_removed, r.removed_cap) =
					kit_string(a, &f);
				break;
			}
			/* fall through */
		case 7:
			r.control_plane = arena_strndup(a, (const char *)f.bytes + 2, f.len - 2);
			break;
		default: r.is_malformed = true;
		}
	}
	r.is_malformed |= !p;
	buf_fini(&all);
	return r;
}
