/* From (what the client holds, what it shall hold, its subscription) to bytes. First the names that have to go over the
 * wire are gathered as items, each a place in the tree of `to` or, for a name that is not there, nothing but the name;
 * then they are encoded around the bytes where these lie. All of it happens once per position: the key holds only
 * interned pointers, so looking for a response is one probe of the cache. */
#include "snapshot/response.h"
#include "base/arena.h"
#include "base/buf.h"
#include "snapshot/encode.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct item {
	const char *name;
	const struct result *at; /* NULL: an empty resource of that name */
	uint32_t name_len, offset;
};
struct items {
	struct item *v;
	uint32_t n, cap;
};
/* Items that are all resources of one list, and nothing else. */
struct span {
	const struct result *list;
	uint32_t first, n;
};
struct strings {
	const char **v;
	uint32_t n, cap;
};

/* Bytes of a list from which on its encoding is kept for other responses. */
enum { CHUNK_MIN = 4096 };

struct work {
	struct xds_cache *cache;
	const struct response_key *key;
	const struct xds_type_row *row;
	const struct root_index *index; /* of key->to */
	const struct root_index *pair;  /* of key->pair, or NULL */
	struct arena arena;
	struct items items;
	struct strings removed, vanished;
	struct span *spans; /* in order */
	uint32_t n_spans, cap_spans;
};

/* ---- Gathering ---- */

static bool is_subscribed(const struct response_key *k, uint64_t hash, const char *name, size_t len)
{
	return k->all || names_has_hashed(k->names, hash, name, len);
}

static void add_item(struct work *w, const char *name, size_t len, const struct result *at,
		     uint32_t offset)
{
	VEC_ROOM(w->items.v, w->items.n, w->items.cap);
	w->items.v[w->items.n++] = (struct item){ name, at, (uint32_t)len, offset };
}

static void add_string(struct strings *s, const char *name)
{
	VEC_ROOM(s->v, s->n, s->cap);
	s->v[s->n++] = name;
}

/* A name that the client waits for, or shall lose, and that is not there. */
static void add_missing(struct work *w, const char *name)
{
	switch (w->row->missing) {
	case XDS_MISSING_REMOVED: add_string(&w->removed, name); break;
	case XDS_MISSING_EMPTY: add_item(w, name, strlen(name), NULL, 0); break;
	case XDS_MISSING_SILENT: break;
	}
}

static bool add_if_subscribed(void *ctx, const struct resource *r)
{
	struct work *w = ctx;
	const struct response_key *k = w->key;
	uint64_t hash = name_hash(r->name, r->name_len);

	if (!is_subscribed(k, hash, r->name, r->name_len))
		return true;
	if (w->index->n_duplicates) {
		const struct index_entry *e = index_find(w->index, hash, r->name, r->name_len);

		if (e->at != r->at || e->offset != r->offset)
			return true;
	}
	add_item(w, r->name, r->name_len, r->at, r->offset);
	return true;
}

/* The lists of a root one by one, remembering those that are worth a chunk. */
static void gather_lists(struct work *w, const struct result *root)
{
	for (uint32_t i = 0; i < root->n; i++) {
		const struct result *list = root->child[i];
		uint32_t first = w->items.n;

		resource_each(list, add_if_subscribed, w);
		if (list->shape != RESULT_LIST || list->total < CHUNK_MIN)
			continue;
		VEC_ROOM(w->spans, w->n_spans, w->cap_spans);
		w->spans[w->n_spans++] = (struct span){ list, first, w->items.n - first };
	}
}

static void gather_all(struct work *w)
{
	const struct hashed *name = names_hashed(w->key->names);
	const struct result *root = root_result(w->key->to);

	w->n_spans = 0;
	if (root->shape == RESULT_LIST && w->key->all && !w->pair && !w->index->n_duplicates &&
	    !root_is_personal(w->key->to))
		gather_lists(w, root);
	else
		resource_each(root, add_if_subscribed, w);
	for (uint32_t i = 0; i < names_count(w->key->names); i++) {
		if (!index_find(w->index, name[i].hash, name[i].s, strlen(name[i].s)))
			add_missing(w, name[i].s);
	}
}

static void gather_diff(struct work *w)
{
	const struct response_key *k = w->key;
	const struct diff *d;

	if (k->from == k->to)
		return;
	d = root_is_personal(k->from) || root_is_personal(k->to)
		    ? diff_make(k->from, k->to)
		    : diff_get(w->cache, k->from, k->to);
	for (uint32_t i = 0; i < d->n_changed; i++) {
		struct resource r = resource_at(d->changed[i].at, d->changed[i].offset);

		if (is_subscribed(k, name_hash(r.name, r.name_len), r.name, r.name_len))
			add_item(w, r.name, r.name_len, r.at, r.offset);
	}
	for (uint32_t i = 0; i < d->n_gone; i++) {
		const struct resource *r = &d->gone[i];

		if (!is_subscribed(k, name_hash(r->name, r->name_len), r->name, r->name_len))
			continue;
		/* The name lies in the tree of `from`, which the key keeps. */
		if (k->keep)
			add_string(&w->vanished, r->name);
		else
			add_missing(w, r->name);
	}
	diff_unref(d);
}

static void gather_named(struct work *w, const struct names *names, bool present)
{
	const struct response_key *k = w->key;
	const struct hashed *v = names_hashed(names);

	for (uint32_t i = 0; i < names_count(names); i++) {
		size_t len = strlen(v[i].s);
		const struct index_entry *e;

		if (!is_subscribed(k, v[i].hash, v[i].s, len))
			continue;
		e = index_find(w->index, v[i].hash, v[i].s, len);
		if (e && !present)
			continue;
		/* What stays for now is there for who asks now. */
		if (!e && k->keep)
			e = index_find(root_index(k->from), v[i].hash, v[i].s, len);
		if (e)
			add_item(w, v[i].s, len, e->at, e->offset);
		else
			add_missing(w, v[i].s);
	}
}

/* SotW removes by leaving out; so as not to remove yet, the old ones go along. */
static void gather_vanished(struct work *w)
{
	const struct root_index *x = root_index(w->key->from);

	for (uint32_t i = 0; i < w->vanished.n; i++) {
		const char *name = w->vanished.v[i];
		size_t len = strlen(name);
		const struct index_entry *e = index_find(x, name_hash(name, len), name, len);

		add_item(w, name, len, e->at, e->offset);
	}
}

static int compare_items(const void *pa, const void *pb)
{
	const struct item *a = pa, *b = pb;
	int side = strcmp(a->name, b->name);

	return side ? side : (b->at != NULL) - (a->at != NULL);
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_unique(struct work *w)
{
	struct items *t = &w->items;
	struct strings *s = &w->removed;
	uint32_t n = 0;

	if (t->n)
		qsort(t->v, t->n, sizeof *t->v, compare_items);
	for (uint32_t i = 0; i < t->n; i++) {
		if (!n || strcmp(t->v[n - 1].name, t->v[i].name))
			t->v[n++] = t->v[i];
	}
	t->n = n;
	if (s->n)
		qsort(s->v, s->n, sizeof *s->v, compare_strings);
	n = 0;
	for (uint32_t i = 0; i < s->n; i++) {
		if (!n || strcmp(s->v[n - 1], s->v[i]))
			s->v[n++] = s->v[i];
	}
	s->n = n;
}

/* What the clusters among the items ask EDS for. */
static const struct names *eds_names(struct work *w)
{
	cleanup(buf_fini) struct buf scratch = BUF_INIT;
	struct strings s = { 0 };
	const struct names *names;

	for (uint32_t i = 0; i < w->items.n; i++) {
		const struct item *t = &w->items.v[i];
		struct resource r;
		const char *name;
		size_t len;

		if (!t->at)
			continue;
		r = resource_at(t->at, t->offset);
		name = resource_eds_name(&r, &scratch, &len);
		if (name && len <= RESOURCE_NAME_MAX && !memchr(name, 0, len))
			add_string(&s, arena_strndup(&w->arena, name, len));
	}
	names = names_make(w->cache, s.v, s.n);
	xfree(s.v);
	return names;
}

/* ---- Encoding ---- */

static void put_items(struct body_builder *b, const struct work *w, uint32_t from, uint32_t to)
{
	const struct response_key *k = w->key;

	for (uint32_t i = from; i < to; i++) {
		const struct item *t = &w->items.v[i];
		struct resource r;

		if (t->at) {
			r = resource_at(t->at, t->offset);
			encode_resource(b, k->protocol, k->type, &r, w->pair);
		} else {
			encode_empty(b, k->protocol, k->type, t->name, t->name_len, w->pair);
		}
	}
}

static const struct body *encode(const struct work *w, uint64_t version)
{
	struct body_builder *b = body_begin();
	char hex[VERSION_HEX];
	uint32_t at = 0;

	version_hex(version, hex);
	encode_text(b, ENCODE_VERSION, hex, VERSION_HEX - 1);
	for (uint32_t i = 0; i < w->n_spans; i++) {
		const struct span *s = &w->spans[i];
		const struct body *chunk =
			chunk_get(w->cache, s->list, w->key->protocol, w->key->type);

		put_items(b, w, at, s->first);
		body_put_body(b, chunk);
		body_unref(chunk);
		at = s->first + s->n;
	}
	put_items(b, w, at, w->items.n);
	encode_text(b, ENCODE_TYPE_URL, w->row->url, strlen(w->row->url));
	for (uint32_t i = 0; w->key->protocol == XDS_DELTA && i < w->removed.n; i++)
		encode_text(b, ENCODE_REMOVED, w->removed.v[i], strlen(w->removed.v[i]));
	return body_end(b);
}

/* ---- The response ---- */

struct entry {
	struct shared shared;
	struct response pub;
	struct response_key key; /* with references */
};

static const struct entry *entry_of(const struct response *r)
{
	return container_of((uintptr_t)r, struct entry, pub);
}

bool response_equal(const struct shared *s, const void *key)
{
	const struct response_key *a = &((const struct entry *)(const void *)s)->key, *b = key;

	return a->from == b->from && a->to == b->to && a->names == b->names &&
	       a->force == b->force && a->remove == b->remove && a->pair == b->pair &&
	       a->protocol == b->protocol && a->type == b->type && a->all == b->all &&
	       a->keep == b->keep;
}

void response_destroy(struct shared *s)
{
	struct entry *e = (struct entry *)(void *)s;

	body_unref(e->pub.body);
	names_unref(e->pub.sent);
	names_unref(e->pub.vanished);
	names_unref(e->pub.eds);
	root_unref(e->key.from);
	root_unref(e->key.to);
	root_unref(e->key.pair);
	names_unref(e->key.names);
	names_unref(e->key.force);
	names_unref(e->key.remove);
	xfree(e);
}

size_t response_size(const struct shared *s)
{
	return sizeof(struct entry) +
	       body_memory(((const struct entry *)(const void *)s)->pub.body);
}

const struct response *response_ref(const struct response *r)
{
	if (r)
		shared_ref(&entry_of(r)->shared);
	return r;
}

void response_unref(const struct response *r)
{
	if (r)
		shared_unref(&entry_of(r)->shared);
}

static const struct names *sent_names(const struct work *w)
{
	const char **v = xmalloc(w->items.n * sizeof *v);
	const struct names *names;

	for (uint32_t i = 0; i < w->items.n; i++)
		v[i] = w->items.v[i].name;
	names = names_make(w->cache, v, w->items.n);
	xfree(v);
	return names;
}

static void fill(struct work *w, struct response *r)
{
	const struct response_key *k = w->key;
	bool whole = k->protocol == XDS_SOTW && w->row->whole;

	r->version = root_version(k->to);
	if (k->from) {
		gather_diff(w);
		gather_named(w, k->force, true);
		gather_named(w, k->remove, false);
		sort_unique(w);
	} else {
		gather_all(w);
		r->is_full = true;
	}
	if (k->type == XDS_CDS)
		r->eds = eds_names(w);
	r->is_empty = !w->items.n && !w->removed.n;
	r->vanished = names_make(w->cache, w->vanished.v, w->vanished.n);
	if (whole && k->from) {
		w->items.n = w->removed.n = 0;
		gather_all(w);
		gather_vanished(w);
		r->is_full = true;
		if (w->vanished.n) /* another content, another version */
			r->version ^= root_version(k->from) << 1 | 1;
	}
	if (!r->is_full)
		r->sent = sent_names(w);
	r->n_resources = w->items.n;
	r->n_removed = k->protocol == XDS_DELTA ? w->removed.n : 0;
	r->body = encode(w, r->version);
}

static struct entry *entry_new(struct xds_cache *c, const struct response_key *k, uint64_t hash)
{
	struct work w = {
		.cache = c,
		.key = k,
		.row = &xds_types[k->type],
		.index = root_index(k->to),
		.pair = k->pair ? root_index(k->pair) : NULL,
	};
	struct entry *e = xcalloc(1, sizeof *e);

	shared_init(&e->shared, SHELF_RESPONSE, hash);
	e->key = *k;
	root_ref(k->from);
	root_ref(k->to);
	root_ref(k->pair);
	names_ref(k->names);
	names_ref(k->force);
	names_ref(k->remove);
	fill(&w, &e->pub);
	arena_fini(&w.arena);
	xfree(w.items.v);
	xfree(w.removed.v);
	xfree(w.vanished.v);
	xfree(w.spans);
	return e;
}

const struct response *response_get(struct xds_cache *c, const struct response_key *k)
{
	const void *parts[] = { k->from,
				k->to,
				k->pair,
				k->names,
				k->force,
				k->remove,
				(const void *)(uintptr_t)(k->type | k->protocol << 8 | k->all << 9 |
							  k->keep << 10) };
	uint64_t hash = hash_pointers(parts, ARRAY_LEN(parts));
	const struct shared *s = NULL;
	bool made = false;

	assert(k->to && k->type < XDS_N);
	if (root_is_personal(k->to))
		return &entry_new(c, k, hash)->pub;
	s = cache_find(c, SHELF_RESPONSE, hash, k);
	if (!s) {
		with_lock(&c->build) {
			s = cache_find(c, SHELF_RESPONSE, hash, k);
			if (!s) {
				s = cache_add(c, &entry_new(c, k, hash)->shared, k);
				made = true;
			}
		}
	}
	with_lock(&c->lock)
		*(made ? &c->n_misses : &c->n_hits) += 1;
	return &((const struct entry *)(const void *)s)->pub;
}
