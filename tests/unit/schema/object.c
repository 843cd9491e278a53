/* Objects: kinds and versions, names, namespaces, status, equality, lists. */
#include "doc/read.h"
#include "help.h"

#include <string.h>

struct row {
	const char *yaml;
	enum decode_result result;
	const char *problems;
};

TEST(object_kinds_and_names)
{
	static const struct row rows[] = {
		{ "[1]", DECODE_BAD, "t:1:1: error: an object must be a map, not list\n" },
		{ "{kind: Service}", DECODE_BAD,
		  "t:1:1: error: apiVersion: required, but not there\n" },
		{ "{apiVersion: v1}", DECODE_BAD, "t:1:1: error: kind: required, but not there\n" },
		{ "{apiVersion: v1, kind: Deployment}", DECODE_UNKNOWN_KIND, "" },
		{ "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway}", DECODE_UNKNOWN_KIND,
		  "" },
		{ "{apiVersion: serving.knative.dev/v1, kind: Service}", DECODE_UNKNOWN_KIND, "" },
		{ "{apiVersion: v1, kind: MeshConfig}", DECODE_UNKNOWN_KIND, "" },
		{ "{apiVersion: v1, kind: ObjectMeta}", DECODE_UNKNOWN_KIND, "" },
		{ "{apiVersion: networking.istio.io/v2, kind: Sidecar}", DECODE_BAD,
		  "t:1:14: error: apiVersion: Sidecar is served as networking.istio.io/v1, "
		  "v1alpha3, "
		  "v1beta1, not as networking.istio.io/v2\n" },
		{ "{apiVersion: v2, kind: Service}", DECODE_BAD,
		  "t:1:14: error: apiVersion: Service is served as v1, not as v2\n" },
		{ "{apiVersion: v1, kind: Pod}", DECODE_BAD,
		  "t:1:1: error: Pod default/? metadata.name: required, but not there\n" },
		{ "{apiVersion: v1, kind: Pod, metadata: {generateName: a-}}", DECODE_BAD,
		  "t:1:39: error: Pod default/? metadata.name: required, but not there\n" },
		{ "{apiVersion: v1, kind: Pod, metadata: {name: 3}}", DECODE_BAD,
		  "t:1:46: error: Pod default/? metadata.name: must be a string, not integer 3 "
		  "(quote it?)\n"
		  "t:1:39: error: Pod default/? metadata.name: required, but not there\n" },
		{ "{apiVersion: v1, kind: Pod, metadata: {name: a.b-c.0}}", DECODE_OK, "" },
		{ "{apiVersion: v1, kind: Service, metadata: {name: a.b}}", DECODE_BAD,
		  "t:1:50: error: Service default/a.b metadata.name: a.b is no name: up to 63 "
		  "lower-case "
		  "letters, digits, \"-\"\n" },
		{ "{apiVersion: v1, kind: Pod, metadata: {name: A}}", DECODE_BAD,
		  "t:1:46: error: Pod default/A metadata.name: A is no name: up to 253 lower-case "
		  "letters, digits, \"-\" and \".\"\n" },
		{ "{apiVersion: v1, kind: Pod, metadata: {name: a., namespace: b.c}}", DECODE_BAD,
		  "t:1:46: error: Pod b.c/a. metadata.name: a. is no name: up to 253 lower-case "
		  "letters, "
		  "digits, \"-\" and \".\"\n"
		  "t:1:61: error: Pod b.c/a. metadata.namespace: b.c is no name: up to 63 "
		  "lower-case "
		  "letters, digits, \"-\"\n" },
		{ "{apiVersion: v1, kind: Pod, metadata: {name: a-}}", DECODE_BAD,
		  "t:1:46: error: Pod default/a- metadata.name: a- is no name: up to 253 "
		  "lower-case "
		  "letters, digits, \"-\" and \".\"\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct diag diag = DIAG_INIT;
		const struct object *o = NULL;
		cleanup(xfree_p) char *problems = NULL;

		CHECK_INT(help_decode(rows[i].yaml, NULL, &o, &diag), rows[i].result);
		problems = help_problems(&diag);
		CHECK_STR(problems, rows[i].problems);
		CHECK_INT(o != NULL, rows[i].result == DECODE_OK);
		CHECK(!diag.object);
		object_unref(o);
		diag_fini(&diag);
	}
}

TEST(object_long_names)
{
	for (size_t len = 253; len <= 254; len++) {
		struct diag diag = DIAG_INIT;
		const struct object *o = NULL;
		char name[300] = { 0 };
		cleanup(xfree_p) char *yaml = NULL;

		memset(name, 'a', len);
		yaml = xasprintf("{apiVersion: v1, kind: Pod, metadata: {name: %s}}", name);
		CHECK_INT(help_decode(yaml, NULL, &o, &diag), len == 253 ? DECODE_OK : DECODE_BAD);
		object_unref(o);
		diag_fini(&diag);
	}
}

TEST(object_namespaces_and_clusters)
{
	const char *pod = "{apiVersion: v1, kind: Pod, metadata: {name: a}}";
	const char *node = "{apiVersion: v1, kind: Node, metadata: {name: a, namespace: b}}";
	struct decode_opts opts = { .default_ns = "prod", .cluster = "east" };
	struct diag diag = DIAG_INIT;
	const struct object *o = NULL, *n = NULL;
	char title[OBJECT_TITLE];

	CHECK_INT(help_decode(pod, &opts, &o, &diag), DECODE_OK);
	CHECK_INT(help_decode(node, &opts, &n, &diag), DECODE_OK);
	CHECK_STR(o->ns, "prod");
	CHECK_STR(o->cluster, "east");
	CHECK_STR(object_title(o, title), "Pod prod/a");
	CHECK_STR(n->ns, "");
	CHECK_STR(object_title(n, title), "Node a");
	CHECK_STR(kind_of(n)->plural, "nodes");
	CHECK(kind_of(n)->cluster_scoped);
	object_unref(o);
	object_unref(n);
	diag_fini(&diag);
}

TEST(object_references)
{
	const struct object *o = help_object("{apiVersion: v1, kind: Pod, metadata: {name: a}}");

	CHECK(object_ref(o) == o);
	CHECK_INT(ref_count(&o->ref), 2);
	object_unref(o);
	CHECK_INT(ref_count(&o->ref), 1);
	object_unref_p(&o);
	object_unref(NULL);
}

#define SE "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"
#define VS "apiVersion: networking.istio.io/v1\nkind: VirtualService\n"

TEST(object_equality)
{
	static const struct row {
		const char *a, *b;
		bool equal;
	} rows[] = {
		{ SE "metadata: {name: s}\nspec: {hosts: [a], exportTo: ['*']}\n",
		  SE
		  "spec: {exportTo: ['*'], hosts: [a]}\nmetadata: {namespace: default, name: s}\n",
		  true },
		{ SE "metadata: {name: s}\nspec: {hosts: [a]}\n",
		  SE
		  "metadata: {name: s, uid: u, resourceVersion: '7', generation: 3, managedFields: "
		  "[]}\nspec: {hosts: [a]}\n",
		  true },
		{ SE "metadata: {name: s}\nspec: {hosts: [a]}\n",
		  "apiVersion: networking.istio.io/v1beta1\nkind: ServiceEntry\n"
		  "metadata: {name: s}\nspec: {hosts: [a]}\n",
		  true },
		{ SE "metadata: {name: s}\nspec: {hosts: [a]}\n",
		  SE "metadata: {name: s}\nspec: {hosts: [b]}\n", false },
		{ SE "metadata: {name: s}\nspec: {hosts: [a, b]}\n",
		  SE "metadata: {name: s}\nspec: {hosts: [b, a]}\n", false },
		{ SE "metadata: {name: s}\nspec: {hosts: [a]}\n",
		  SE "metadata: {name: s, labels: {a: b}}\nspec: {hosts: [a]}\n", false },
		{ SE "metadata: {name: s}\nspec: {hosts: [a]}\n",
		  SE "metadata: {name: s, annotations: {a: b}}\nspec: {hosts: [a]}\n", false },
		{ SE "metadata: {name: s}\nspec: {hosts: [a]}\n",
		  SE
		  "metadata: {name: s, creationTimestamp: '2024-01-01T00:00:00Z'}\nspec: {hosts: "
		  "[a]}\n",
		  false },
		{ SE "metadata: {name: s}\nspec: {hosts: [a]}\n",
		  SE "metadata: {name: s, ownerReferences: [{name: x}]}\nspec: {hosts: [a]}\n",
		  false },
		/* The status of a ServiceEntry is read, that of a VirtualService is not. */
		{ SE "metadata: {name: s}\nspec: {hosts: [a]}\n",
		  SE
		  "metadata: {name: s}\nspec: {hosts: [a]}\nstatus: {addresses: [{host: a, value: "
		  "1.2.3.4}]}\n",
		  false },
		{ VS "metadata: {name: s}\nspec: {hosts: [a]}\n",
		  VS "metadata: {name: s}\nspec: {hosts: [a]}\nstatus: {conditions: [{type: x}]}\n",
		  true },
		/* Durations by value; what is set but empty is not what is absent. */
		{ VS "metadata: {name: s}\nspec: {http: [{timeout: 60s}]}\n",
		  VS "metadata: {name: s}\nspec: {http: [{timeout: 1m}]}\n", true },
		{ VS "metadata: {name: s}\nspec: {http: []}\n",
		  VS "metadata: {name: s}\nspec: {}\n", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct object *a = help_object(rows[i].a), *b = help_object(rows[i].b);

		if (a && b) {
			if (!CHECK_INT(object_equal(a, b), rows[i].equal))
				CHECK_STR(rows[i].a, rows[i].b);
			CHECK_INT(hash128_eq(a->hash, b->hash), rows[i].equal);
			CHECK(object_equal(a, a));
		}
		object_unref(a);
		object_unref(b);
	}
}

TEST(object_status_on_request)
{
	const char *yaml =
		VS "metadata: {name: s}\nspec: {hosts: [a]}\nstatus: {conditions: [{type: "
		   "x}]}\n";
	struct decode_opts opts = { .keep_status = true };
	struct diag diag = DIAG_INIT;
	const struct object *o = NULL, *without = help_object(yaml);

	CHECK_INT(help_decode(yaml, &opts, &o, &diag), DECODE_OK);
	CHECK_STR(((const struct virtual_service *)o->body)->status->conditions.v[0].type, "x");
	CHECK(!((const struct virtual_service *)without->body)->status);
	CHECK(!object_equal(o, without));
	object_unref(o);
	object_unref(without);
	diag_fini(&diag);
}

static void count_items(void *ctx, const struct node *item)
{
	struct buf *b = ctx;

	buf_printf(b, "%s ", str_or(node_str(item, "name"), node_str(item, "kind")));
}

TEST(object_lists)
{
	static const struct row {
		const char *yaml, *items;
	} rows[] = {
		{ "{kind: Pod}", "Pod " },
		{ "{kind: List, items: []}", "" },
		{ "{kind: List}", "List " },
		{ "{kind: List, items: [{name: a}, {kind: List, items: [{name: b}]}, {name: c}]}",
		  "a b c " },
	};
	struct buf deep = BUF_INIT;

	for (size_t i = 0; i <= ARRAY_LEN(rows); i++) {
		struct arena a = ARENA_INIT;
		struct docs docs = { 0 };
		struct diag diag = DIAG_INIT;
		struct buf out = BUF_INIT;
		const char *yaml = i < ARRAY_LEN(rows) ? rows[i].yaml : NULL;

		/* Nine lists around one name: the innermost is not opened. */
		for (int k = 0; !yaml && k < 9; k++)
			buf_puts(&deep, "{kind: List, items: [");
		if (!yaml)
			buf_puts(&deep, "{name: x}]}]}]}]}]}]}]}]}]}");
		yaml = yaml ? yaml : buf_str(&deep);
		CHECK(yaml_read(yaml, strlen(yaml), "t", &a, &docs, &diag));
		object_each(docs.v[0], count_items, &out);
		CHECK_STR(buf_str(&out), i < ARRAY_LEN(rows) ? rows[i].items : "List ");
		buf_fini(&out);
		diag_fini(&diag);
		arena_fini(&a);
	}
	buf_fini(&deep);
}

TEST(object_kind_table_is_sorted)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		CHECK(!i || strcmp(kinds[i - 1].name, kinds[i].name) < 0);
		for (const char *const *v = kinds[i].versions; *v; v++) {
			cleanup(xfree_p) char *api_version =
				xasprintf("%s%s%s", kinds[i].group, *kinds[i].group ? "/" : "", *v);

			CHECK(kind_find(api_version, kinds[i].name) == &kinds[i]);
		}
	}
	CHECK(!kind_find("networking.istio.io", "Sidecar"));
	CHECK(!kind_find("networking.istio.io.x/v1", "Sidecar"));
	CHECK(!kind_find("v1", "Sidecar"));
	CHECK(!kind_find("apps/v1", "Service"));
}

/* The tables of all structs are sorted, or fields would not be found. */
static void check_sorted(const struct struct_type *t)
{
	for (uint32_t i = 0; i < t->n_fields; i++) {
		CHECK(!i || strcmp(t->fields[i - 1].json, t->fields[i].json) < 0);
		if (t->fields[i].of)
			check_sorted(t->fields[i].of);
	}
}

TEST(object_field_tables_are_sorted)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		check_sorted(kinds[i].type);
	check_sorted(&mesh_config_type);
	check_sorted(&mesh_networks_type);
	check_sorted(&object_meta_type);
}
