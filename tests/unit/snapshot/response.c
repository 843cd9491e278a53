/* Responses: what is in them, byte exact where it counts, in one body for all who need it. */
#include "../test.h"
#include "../xds_kit.h"

struct bed {
	struct xds_cache *cache;
	struct kit_world world;
	struct arena arena;
};

static struct bed bed_new(void)
{
	struct bed b = { .cache = xds_cache_new() };

	b.world.served = (1u << XDS_N) - 1;
	return b;
}

static void bed_free(struct bed *b)
{
	arena_fini(&b->arena);
	xfree(b->world.v);
	xds_cache_free(b->cache);
}

static const struct root *root_now(struct bed *b, enum xds_type type)
{
	const struct result *r = kit_root(&b->world, type);
	const struct root *root = root_get(b->cache, type, r);

	result_unref(r);
	return root;
}

static const struct names *set(struct bed *b, const char *const *v, size_t n)
{
	return names_make(b->cache, v, n);
}
#define SET(b, ...) \
	set((b), (const char *const[]){ __VA_ARGS__ }, \
	    ARRAY_LEN(((const char *const[]){ __VA_ARGS__ })))

/* "name=content ... -removed" in the order of the wire. */
static const char *text_of(struct bed *b, const struct response *r, enum xds_protocol protocol)
{
	struct kit_response k = kit_parse(&b->arena, protocol, r->body, NULL, 0);
	cleanup(buf_fini) struct buf out = BUF_INIT;

	CHECK(!k.is_malformed);
	CHECK_INT(k.n_items, r->n_resources);
	CHECK_INT(k.n_removed, r->n_removed);
	for (uint32_t i = 0; i < k.n_items; i++)
		buf_printf(&out, "%s%s=%s", out.len ? " " : "", k.items[i].name,
			   k.items[i].content);
	for (uint32_t i = 0; i < k.n_removed; i++)
		buf_printf(&out, "%s-%s", out.len ? " " : "", k.removed[i]);
	return arena_strdup(&b->arena, buf_str(&out));
}

TEST(response_bytes)
{
	struct bed b = bed_new();
	const struct root *to;
	const struct response *r;
	struct response_key k = { .protocol = XDS_DELTA, .type = XDS_CDS, .all = true };
	struct buf all = BUF_INIT;
	struct resource res;
	char version[VERSION_HEX], root_version_text[VERSION_HEX];
	struct buf should = BUF_INIT;

	kit_set(&b.world, XDS_CDS, "a", "v1", false);
	to = root_now(&b, XDS_CDS);
	k.to = to;
	r = response_get(b.cache, &k);
	for (uint32_t i = 0; i < r->body->n_pieces; i++)
		buf_append(&all, r->body->pieces[i].p, r->body->pieces[i].n);
	CHECK(root_find(to, "a", &res));
	version_hex(resource_version(&res), version);
	version_hex(root_version(to), root_version_text);
	buf_printf(&should, "\x0a\x10%s", root_version_text);
	buf_printf(&should, "\x12\x56\x1a\x01%s\x0a\x10%s", "a", version);
	buf_printf(&should, "\x12\x3f\x0a\x33type.googleapis.com/envoy.config.cluster.v3.Cluster");
	buf_printf(&should, "\x12\x08\x0a\x01%s\xf2\x01\x02v1", "a");
	buf_printf(&should, "\x22\x33type.googleapis.com/envoy.config.cluster.v3.Cluster");
	CHECK_INT(all.len, should.len);
	CHECK(all.len == should.len && !memcmp(all.p, should.p, all.len));
	buf_fini(&all);
	buf_fini(&should);
	response_unref(r);
	root_unref(to);
	bed_free(&b);
}

TEST(response_delta)
{
	struct bed b = bed_new();
	const struct root *one, *two;
	const struct response *r, *again;
	const struct names *names, *force, *remove;
	struct response_key k = { .protocol = XDS_DELTA, .type = XDS_CDS, .all = true };

	kit_set(&b.world, XDS_CDS, "a", "v1", true);
	kit_set(&b.world, XDS_CDS, "b", "v1", false);
	kit_set(&b.world, XDS_CDS, "gone", "v1", false);
	one = root_now(&b, XDS_CDS);
	kit_set(&b.world, XDS_CDS, "a", "v2", true);
	kit_set(&b.world, XDS_CDS, "new", "v1", true);
	kit_del(&b.world, XDS_CDS, "gone");
	two = root_now(&b, XDS_CDS);

	k.from = one;
	k.to = two;
	r = response_get(b.cache, &k);
	CHECK_STR(text_of(&b, r, XDS_DELTA), "a=v2 new=v1 -gone");
	CHECK(!r->is_full && !r->is_empty);
	CHECK_INT(names_count(r->sent), 2);
	CHECK(names_has(r->eds, "a") && names_has(r->eds, "new") && names_count(r->eds) == 2);
	again = response_get(b.cache, &k);
	CHECK(r == again);
	response_unref(again);
	response_unref(r);

	k.keep = true;
	r = response_get(b.cache, &k);
	CHECK_STR(text_of(&b, r, XDS_DELTA), "a=v2 new=v1");
	CHECK(names_has(r->vanished, "gone") && names_count(r->vanished) == 1);
	response_unref(r);

	/* The removal later, together with one of an earlier time. */
	remove = SET(&b, "gone", "older", "b");
	k = (struct response_key){ .protocol = XDS_DELTA,
				   .type = XDS_CDS,
				   .all = true,
				   .from = two,
				   .to = two,
				   .remove = remove };
	r = response_get(b.cache, &k);
	CHECK_STR(text_of(&b, r, XDS_DELTA), "-gone -older"); /* b is there */
	response_unref(r);
	names_unref(remove);

	/* By name, with a name asked for again and one that is not there. */
	names = SET(&b, "b", "new", "x");
	force = SET(&b, "b", "x", "a");
	k = (struct response_key){ .protocol = XDS_DELTA,
				   .type = XDS_CDS,
				   .from = one,
				   .to = two,
				   .names = names,
				   .force = force };
	r = response_get(b.cache, &k);
	CHECK_STR(text_of(&b, r, XDS_DELTA), "b=v1 new=v1 -x");
	response_unref(r);
	k.from = two;
	k.force = NULL;
	r = response_get(b.cache, &k);
	CHECK(r->is_empty);
	CHECK_STR(text_of(&b, r, XDS_DELTA), "");
	response_unref(r);
	names_unref(names);
	names_unref(force);
	root_unref(one);
	root_unref(two);
	bed_free(&b);
}

TEST(response_sotw)
{
	struct bed b = bed_new();
	const struct root *one, *two;
	const struct response *r;
	struct response_key k = { .protocol = XDS_SOTW, .type = XDS_CDS, .all = true };
	uint64_t version;

	kit_set(&b.world, XDS_CDS, "a", "v1", true);
	kit_set(&b.world, XDS_CDS, "b", "v1", true);
	one = root_now(&b, XDS_CDS);
	kit_set(&b.world, XDS_CDS, "a", "v2", true);
	kit_del(&b.world, XDS_CDS, "b");
	kit_set(&b.world, XDS_CDS, "c", "v1", false);
	two = root_now(&b, XDS_CDS);
	k.from = one;
	k.to = two;
	r = response_get(b.cache, &k);
	CHECK_INT(r->n_resources, 2);
	CHECK(r->is_full && !r->is_empty);
	CHECK(names_has(r->eds, "a") && names_count(r->eds) == 1);
	version = r->version;
	CHECK_INT(version, root_version(two));
	response_unref(r);
	k.keep = true;
	r = response_get(b.cache, &k);
	CHECK_INT(r->n_resources, 3); /* with b as it was */
	CHECK(r->version != version);
	response_unref(r);
	k.from = two;
	r = response_get(b.cache, &k);
	CHECK(r->is_empty);
	response_unref(r);
	root_unref(one);
	root_unref(two);
	bed_free(&b);
}

TEST(response_missing)
{
	struct bed b = bed_new();
	const struct names *names = SET(&b, "x");
	static const struct {
		enum xds_type type;
		const char *text;
	} rows[] = {
		{ XDS_CDS, "-x" }, { XDS_LDS, "-x" }, { XDS_EDS, "x=" },
		{ XDS_RDS, "x=" }, { XDS_SDS, "" },   { XDS_ECDS, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct root *to = root_now(&b, rows[i].type);
		struct response_key k = { .protocol = XDS_DELTA,
					  .type = (uint8_t)rows[i].type,
					  .to = to,
					  .names = names };
		const struct response *r = response_get(b.cache, &k);

		CHECK_STR(text_of(&b, r, XDS_DELTA), rows[i].text);
		response_unref(r);
		root_unref(to);
	}
	names_unref(names);
	bed_free(&b);
}

/* The version of endpoints changes with their cluster, so that a client that comes back with new clusters and endpoints
 * from before gets these again. */
TEST(response_pair)
{
	struct bed b = bed_new();
	const struct root *eds, *cds1, *cds2;
	struct resource r;

	kit_set(&b.world, XDS_EDS, "a", "e1", false);
	kit_set(&b.world, XDS_CDS, "a", "v1", true);
	cds1 = root_now(&b, XDS_CDS);
	kit_set(&b.world, XDS_CDS, "a", "v2", true);
	cds2 = root_now(&b, XDS_CDS);
	eds = root_now(&b, XDS_EDS);
	CHECK(root_find(eds, "a", &r));
	CHECK(response_resource_version(&r, NULL) == resource_version(&r));
	CHECK(response_resource_version(&r, cds1) != resource_version(&r));
	CHECK(response_resource_version(&r, cds1) != response_resource_version(&r, cds2));
	CHECK(response_empty_version(XDS_EDS, "a", cds1) !=
	      response_empty_version(XDS_EDS, "a", NULL));
	CHECK(response_empty_version(XDS_EDS, "a", NULL) !=
	      response_empty_version(XDS_RDS, "a", NULL));
	root_unref(eds);
	root_unref(cds1);
	root_unref(cds2);
	bed_free(&b);
}

/* Secrets: not in the cache, and gone with their last user. */
TEST(response_personal)
{
	struct bed b = bed_new();
	const struct result *result;
	const struct root *one, *two;
	const struct response *r, *again;
	struct xds_cache_stats stats;
	struct response_key k = { .protocol = XDS_DELTA, .type = XDS_SDS, .all = true };

	kit_set(&b.world, XDS_SDS, "s", "k1", false);
	result = kit_root(&b.world, XDS_SDS);
	one = root_personal(XDS_SDS, result);
	result_unref(result);
	kit_set(&b.world, XDS_SDS, "s", "k2", false);
	result = kit_root(&b.world, XDS_SDS);
	two = root_personal(XDS_SDS, result);
	result_unref(result);
	k.from = one;
	k.to = two;
	r = response_get(b.cache, &k);
	CHECK_STR(text_of(&b, r, XDS_DELTA), "s=k2");
	again = response_get(b.cache, &k);
	CHECK(r != again);
	response_unref(r);
	response_unref(again);
	root_unref(one);
	root_unref(two);
	xds_cache_stats(b.cache, &stats);
	CHECK_INT(stats.n_roots + stats.n_responses + stats.n_diffs, 0);
	bed_free(&b);
}

/* Many pieces become one run; a few stay where they are. */
TEST(body_pieces)
{
	struct body_builder *b = body_begin();
	char big[1000];
	const struct result *r;
	const struct body *body;

	memset(big, 'x', sizeof big);
	r = result_bytes(big, sizeof big);
	body_put(b, "ab", 2);
	body_put(b, "c", 1);
	body_put_shared(b, r->bytes, r->n, r);
	body_put_shared(b, r->bytes, 3, r);
	body_put(b, "", 0);
	body = body_end(b);
	CHECK_INT(body->n_pieces, 3);
	CHECK_INT(body->total, 1006);
	CHECK(!memcmp(body->pieces[0].p, "abc", 3));
	CHECK(body->pieces[1].p == r->bytes);
	CHECK_INT(ref_count(&r->ref), 2);
	CHECK(body_memory(body) < 300);
	body_unref(body);
	CHECK_INT(ref_count(&r->ref), 1);
	b = body_begin();
	for (unsigned i = 0; i <= BODY_PIECES_MAX; i++)
		body_put_shared(b, r->bytes, r->n, r);
	body = body_end(b);
	CHECK_INT(body->n_pieces, 1);
	CHECK_INT(body->total, 1000 * (BODY_PIECES_MAX + 1));
	CHECK_INT(ref_count(&r->ref), 1);
	body_unref(body);
	body = body_end(body_begin());
	CHECK_INT(body->n_pieces, 0);
	body_unref(body);
	result_unref(r);
}

TEST(answer_encode)
{
	struct arena a = ARENA_INIT;
	struct answer_resource v[] = { { "page?x=1", "istio.io/debug", "\x0a\x01x", 3 } };
	const struct body *body =
		answer_encode(XDS_SOTW, "istio.io/debug", "v", v, 1, "{\"ID\":\"x\"}");
	struct kit_response k = kit_parse(&a, XDS_SOTW, body, "\x2a\x01n", 3);

	CHECK(!k.is_malformed);
	CHECK_STR(k.type_url, "istio.io/debug");
	CHECK_STR(k.version, "v");
	CHECK_STR(k.nonce, "n");
	CHECK_STR(k.control_plane, "{\"ID\":\"x\"}");
	CHECK_STR(k.items[0].any_url, "istio.io/debug");
	body_unref(body);
	body = answer_encode(XDS_DELTA, "istio.io/debug", NULL, v, 1, "c");
	k = kit_parse(&a, XDS_DELTA, body, NULL, 0);
	CHECK(!k.is_malformed);
	CHECK_STR(k.control_plane, "c");
	CHECK_INT(k.n_items, 1);
	body_unref(body);
	arena_fini(&a);
}
