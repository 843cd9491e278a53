/* Records, pieces, indexes, and what a cluster asks EDS for. */
#include "../test.h"
#include "../xds_kit.h"

static const struct result *leaf(const char *const *names, const char *const *bodies, size_t n)
{
	cleanup(buf_fini) struct buf b = BUF_INIT;

	for (size_t i = 0; i < n; i++)
		resource_append(&b, names[i], bodies[i], strlen(bodies[i]));
	return result_bytes(b.p, b.len);
}

static bool count(void *ctx, const struct resource *r)
{
	buf_printf(ctx, "%s:%u ", r->name, r->size);
	return strcmp(r->name, "stop");
}

TEST(resource_each)
{
	cleanup(buf_fini) struct buf out = BUF_INIT;
	const char *names[] = { "a", "", "b-longer-name" }, *bodies[] = { "x", "", "body" };
	const struct result *parts[3], *root;

	parts[0] = leaf(names, bodies, 3);
	parts[1] = leaf(NULL, NULL, 0);
	parts[2] = result_list(RESULT_LIST, NULL, 0);
	root = result_list(RESULT_LIST, parts, 3);
	CHECK(resource_each(root, count, &out));
	CHECK_STR(buf_str(&out), "a:1 :0 b-longer-name:4 ");
	for (int i = 0; i < 3; i++)
		result_unref(parts[i]);
	result_unref(root);
	buf_reset(&out);
	names[1] = "stop";
	root = leaf(names, bodies, 3);
	CHECK(!resource_each(root, count, &out));
	CHECK_STR(buf_str(&out), "a:1 stop:0 ");
	result_unref(root);
}

/* One resource in pieces, one of them a tree; and one without a head, of a query that failed. */
TEST(resource_concat)
{
	cleanup(buf_fini) struct buf b = BUF_INIT, out = BUF_INIT;
	const struct result *in[2], *parts[4], *root, *empty;
	struct resource r;

	resource_append(&b, "80", "head,", 5);
	parts[0] = result_bytes(b.p, b.len);
	parts[1] = result_bytes("one,", 4);
	in[0] = result_bytes("two,", 4);
	in[1] = result_bytes("three", 5);
	parts[2] = result_list(RESULT_LIST, in, 2);
	parts[3] = result_bytes(NULL, 0);
	root = result_list(RESULT_CONCAT, parts, 4);
	CHECK(resource_each(root, count, &out));
	CHECK_STR(buf_str(&out), "80:18 ");
	r = resource_at(root, 0);
	CHECK(hash128_eq(r.hash, root->hash));
	buf_reset(&out);
	resource_body(&r, &out);
	CHECK_STR(buf_str(&out), "head,one,two,three");
	buf_reset(&out);
	empty = result_list(RESULT_CONCAT, &parts[3], 1);
	CHECK(resource_each(empty, count, &out));
	CHECK_STR(buf_str(&out), "");
	for (int i = 0; i < 4; i++)
		result_unref(parts[i]);
	result_unref(in[0]);
	result_unref(in[1]);
	result_unref(root);
	result_unref(empty);
}

TEST(root_index)
{
	struct xds_cache *c = xds_cache_new();
	const char *names[] = { "b", "a", "c", "a", "" }, *bodies[] = { "1", "2", "3", "4", "5" };
	const struct result *l = leaf(names, bodies, 5), *l2 = leaf(names, bodies, 5);
	const struct root *r = root_get(c, XDS_CDS, l), *same = root_get(c, XDS_CDS, l2),
			  *other = root_get(c, XDS_LDS, l);
	const struct names *in = root_names(c, r);
	struct resource found;

	CHECK(r == same);
	CHECK(r != other);
	CHECK_INT(root_version(r), l->hash.h[0]);
	CHECK_INT(root_version(NULL), 0);
	CHECK_INT(root_count(r), 4);
	CHECK_INT(root_n_duplicates(r), 1);
	CHECK(root_find(r, "a", &found));
	CHECK_INT(found.head[0], '2'); /* the first one counts */
	CHECK(root_find(r, "", &found));
	CHECK_INT(found.head[0], '5');
	CHECK(!root_find(r, "d", &found));
	CHECK(!root_find(NULL, "a", &found));
	CHECK_INT(names_count(in), 4);
	names_unref(in);
	root_unref(r);
	root_unref(same);
	root_unref(other);
	result_unref(l);
	result_unref(l2);
	xds_cache_free(c);
}

static const char *eds_of(const char *bytes, size_t n, size_t *ret_len)
{
	static struct buf scratch;
	cleanup(buf_fini) struct buf b = BUF_INIT;
	static const struct result *keep;
	struct resource r;

	resource_append(&b, "name", bytes, n);
	result_unref(keep);
	keep = result_bytes(b.p, b.len);
	r = resource_at(keep, 0);
	return resource_eds_name(&r, &scratch, ret_len);
}

TEST(resource_eds_name)
{
#define ADS "\x0a\x02\x1a\x00"   /* eds_config { ads {} } */
#define PATH "\x0a\x03\x0a\x01x" /* eds_config { path } */
	static const struct {
		const char *what, *bytes;
		size_t n;
		const char *name;
	} rows[] = {
		{ "empty", "", 0, NULL },
		{ "static", "\x0a\x01x\x10\x00", 5, NULL },
		{ "eds", "\x10\x03\x1a\x04" ADS, 8, "name" },
		{ "eds, type last", "\x1a\x04" ADS "\x10\x03", 8, "name" },
		{ "eds with service name", "\x10\x03\x1a\x07" ADS "\x12\x01s", 11, "s" },
		{ "eds from a file", "\x10\x03\x1a\x05" PATH, 9, NULL },
		{ "dns with an eds config", "\x10\x02\x1a\x04" ADS, 8, NULL },
		{ "eds without config", "\x10\x03", 2, NULL },
		{ "cut off", "\x10\x03\x1a\x44" ADS, 8, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = 0;
		const char *s = eds_of(rows[i].bytes, rows[i].n, &len);
		bool ok = rows[i].name ? s && len == strlen(rows[i].name) &&
						 !memcmp(s, rows[i].name, len)
				       : !s;

		test_check(ok, rows[i].what, 0, "resource_eds_name");
	}
}

TEST(version_hex)
{
	char hex[VERSION_HEX];

	version_hex(UINT64_C(0x0123456789abcdef), hex);
	CHECK_STR(hex, "0123456789abcdef");
	version_hex(0, hex);
	CHECK_STR(hex, "0000000000000000");
}

TEST(xds_type_find)
{
	CHECK_INT(xds_type_find("type.googleapis.com/envoy.config.cluster.v3.Cluster"), XDS_CDS);
	CHECK_INT(xds_type_find("type.googleapis.com/istio.v1.HealthInformation"), XDS_HEALTH);
	CHECK_INT(xds_type_find("istio.io/debug"), XDS_DEBUG);
	CHECK_INT(xds_type_find("istio.io/debug/syncz"), XDS_DEBUG);
	CHECK_INT(xds_type_find("istio.io/debugger"), XDS_OTHER);
	CHECK_INT(xds_type_find("envoy.config.cluster.v3.Cluster"), XDS_OTHER);
	CHECK_INT(xds_type_find(""), XDS_OTHER);
	CHECK_INT(xds_type_find(NULL), XDS_OTHER);
}

TEST(wire_malformed)
{
	static const struct {
		const char *bytes;
		size_t n;
	} rows[] = {
		{ "\x0a", 1 },
		{ "\x0a\x05x", 3 },
		{ "\x00\x01", 2 },
		{ "\x0b", 1 },
		{ "\x08", 1 },
		{ "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12 },
		{ "\x0d\x01\x02", 3 },
		{ "\x09\x01", 2 },
		{ "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const uint8_t *p = (const uint8_t *)rows[i].bytes;
		struct wire_field f;

		CHECK(!wire_next(&p, (const uint8_t *)rows[i].bytes + rows[i].n, &f));
		CHECK(!p);
	}
}
