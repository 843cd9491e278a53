/* Differences of random worlds, against a naive comparison: over many edits, in trees of several shapes. */
#include "../test.h"
#include "../xds_kit.h"

static uint32_t chance(uint64_t *seed, uint32_t n)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint32_t)(*seed >> 33) % n;
}

static void expect(struct buf *out, const struct kit_world *from, const struct kit_world *to)
{
	char name[16];

	for (int pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < 200; i++) {
			const struct kit_thing *a, *b;

			snprintf(name, sizeof name, "r%03u", i);
			a = kit_find(from, XDS_CDS, name);
			b = kit_find(to, XDS_CDS, name);
			if (!pass && b && (!a || !str_eq(a->content, b->content)))
				buf_printf(out, "%s=%s ", name, b->content);
			if (pass && a && !b)
				buf_printf(out, "-%s ", name);
		}
	}
}

static const struct root *flat(struct xds_cache *c, const struct kit_world *w)
{
	/* Everything in one leaf, or two, depending on the number: leaves split and merge. */
	const struct result *tree = kit_root(w, XDS_CDS), *parts[2], *list;
	struct buf b[2] = { BUF_INIT, BUF_INIT };
	struct kit_thing *sorted = xmalloc(w->n * sizeof *sorted);
	uint32_t n_parts = 1 + w->n % 2;
	const struct root *root;

	if (w->n) {
		memcpy(sorted, w->v, w->n * sizeof *sorted);
		qsort(sorted, w->n, sizeof *sorted, kit_compare);
	}
	for (uint32_t i = 0; i < w->n; i++) {
		uint8_t body[300];
		size_t n = kit_head(&sorted[i], body);

		n += kit_content(&sorted[i], body + n);
		resource_append(&b[i * n_parts / w->n], sorted[i].name, body, n);
	}
	parts[0] = result_bytes(b[0].p, b[0].len);
	parts[1] = n_parts == 2 ? result_bytes(b[1].p, b[1].len) : result_ref(tree->child[0]);
	list = result_list(RESULT_LIST, parts, n_parts);
	root = root_get(c, XDS_CDS, list);
	result_unref(parts[0]);
	result_unref(parts[1]);
	result_unref(list);
	result_unref(tree);
	buf_fini(&b[0]);
	buf_fini(&b[1]);
	xfree(sorted);
	return root;
}

static const struct root *tree(struct xds_cache *c, const struct kit_world *w)
{
	const struct result *r = kit_root(w, XDS_CDS);
	const struct root *root = root_get(c, XDS_CDS, r);

	result_unref(r);
	return root;
}

static void run(uint64_t seed,
		const struct root *(*make)(struct xds_cache *, const struct kit_world *))
{
	struct xds_cache *c = xds_cache_new();
	struct kit_world old = { 0 }, now = { 0 };
	const struct root *from = make(c, &old);

	for (unsigned round = 0; round < 60; round++) {
		struct response_key k = {
			.protocol = XDS_DELTA, .type = XDS_CDS, .all = true, .from = from
		};
		cleanup(buf_fini) struct buf is = BUF_INIT, should = BUF_INIT;
		struct arena a = ARENA_INIT;
		const struct response *r;
		const struct root *to;
		struct kit_response p;

		for (uint32_t edits = chance(&seed, chance(&seed, 8) ? 3 : 300); edits; edits--) {
			char name[16], content[16];

			snprintf(name, sizeof name, "r%03u", chance(&seed, 200));
			snprintf(content, sizeof content, "v%u", chance(&seed, 3));
			if (chance(&seed, 3))
				kit_set(&now, XDS_CDS, name, content, false);
			else
				kit_del(&now, XDS_CDS, name);
		}
		to = make(c, &now);
		k.to = to;
		r = response_get(c, &k);
		p = kit_parse(&a, XDS_DELTA, r->body, NULL, 0);
		for (uint32_t i = 0; i < p.n_items; i++)
			buf_printf(&is, "%s=%s ", p.items[i].name, p.items[i].content);
		for (uint32_t i = 0; i < p.n_removed; i++)
			buf_printf(&is, "-%s ", p.removed[i]);
		expect(&should, &old, &now);
		CHECK_STR(buf_str(&is), buf_str(&should));
		CHECK_INT(r->is_empty, !should.len);
		response_unref(r);
		arena_fini(&a);
		root_unref(from);
		from = to;
		VEC_ROOM(old.v, now.n, old.cap);
		old.v = xrealloc_array(old.v, MAX(now.n, 1u), sizeof *old.v);
		old.cap = old.n = now.n;
		if (now.n)
			memcpy(old.v, now.v, now.n * sizeof *now.v);
	}
	root_unref(from);
	xfree(old.v);
	xfree(now.v);
	xds_cache_free(c);
}

TEST(diff_trees)
{
	for (uint64_t s = 1; s <= 12; s++)
		run(s * UINT64_C(0x9e3779b97f4a7c15), tree);
}

TEST(diff_leaves)
{
	for (uint64_t s = 1; s <= 12; s++)
		run(s * UINT64_C(0x9e3779b97f4a7c15), flat);
}
