/* The generator's parts: names, and that whatever it does not understand stops the build with a place. */
#include "doc/read.h"
#include "help.h"
#include "schema/gen/gen.h"

#include <string.h>
#include <unistd.h>

TEST(gen_names)
{
	static const struct row {
		const char *json, *c;
	} rows[] = {
		{ "hosts", "hosts" },
		{ "clusterIPs", "cluster_ips" },
		{ "podIP", "pod_ip" },
		{ "podIPs", "pod_ips" },
		{ "caCertificates", "ca_certificates" },
		{ "http2MaxRequests", "http2_max_requests" },
		{ "consecutive5xxErrors", "consecutive5xx_errors" },
		{ "meshMTLS", "mesh_mtls" },
		{ "enableHTTPFilter", "enable_http_filter" },
		{ "HTTPRoute", "http_route" },
		{ "APIs", "apis" },
		{ "jwks_uri", "jwks_uri" },
		{ "switch", "switch_" },
		{ "default", "default_" },
		{ "x-y", "x_y" },
	};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_STR(gen_name_field(&a, rows[i].json), rows[i].c);
	CHECK_STR(gen_name_value(&a, "TLSV1_0"), "TLSV1_0");
	CHECK_STR(gen_name_value(&a, "w3c-trace.context"), "W3C_TRACE_CONTEXT");
	CHECK_STR(gen_name_value(&a, ""), "EMPTY");
	CHECK_STR(gen_name_path(&a, "VirtualService.spec.http[].match[].headers{}"),
		  "virtual_service_spec_http_match_headers");
	arena_fini(&a);
}

/* Runs the generator on one kind with this schema and overlay. */
static void generate(struct gen *g, const char *schema, const char *overlay, struct buf *header,
		     struct buf *tables)
{
	struct docs docs = { 0 }, names = { 0 };
	char *text = xasprintf("kind: CustomResourceDefinition\n"
			       "spec:\n"
			       "  group: test.io\n"
			       "  scope: Namespaced\n"
			       "  names: {kind: Thing, plural: things}\n"
			       "  versions:\n"
			       "  - name: v1\n"
			       "    served: true\n"
			       "    storage: true\n"
			       "    schema:\n"
			       "      openAPIV3Schema:\n%s",
			       schema);

	CHECK(yaml_read(text, strlen(text), "crd", &g->arena, &docs, &g->diag));
	CHECK(yaml_read(overlay, strlen(overlay), "overlay", &g->arena, &names, &g->diag));
	if (docs.n == 1 && names.n == 1) {
		gen_load_crd(g, docs.v[0], false);
		gen_load_finish(g, names.v[0]);
		gen_emit_header(g, header);
		gen_emit_tables(g, tables);
	}
	xfree(text);
}

static void gen_fini(struct gen *g)
{
	map_fini(&g->by_shape);
	diag_fini(&g->diag);
	arena_fini(&g->arena);
}

/* A schema whose spec is `spec`, and the problem that must be found first. */
static void expect_refusal(const char *spec, const char *overlay, const char *problem)
{
	struct gen g = { 0 };
	struct buf header = BUF_INIT, tables = BUF_INIT;
	char *schema = xasprintf("        type: object\n"
				 "        properties:\n"
				 "          spec: %s\n",
				 spec);
	char *problems;

	generate(&g, schema, overlay, &header, &tables);
	problems = help_problems(&g.diag);
	if (!CHECK(strstr(problems, problem)))
		CHECK_STR(problems, problem);
	CHECK(g.diag.n_errors > 0);
	xfree(problems);
	xfree(schema);
	buf_fini(&header);
	buf_fini(&tables);
	gen_fini(&g);
}

TEST(gen_refuses_what_it_does_not_know)
{
	const char *none = "names: {}";

	expect_refusal("{type: string, exclusiveMinimum: 3}", none,
		       "crd:14:32: error: Thing.spec: unknown keyword exclusiveMinimum");
	expect_refusal("{type: strnig}", none, "crd:14:24: error: Thing.spec: unknown type");
	expect_refusal("{type: string, format: uuid}", none, "Thing.spec: unknown format");
	expect_refusal("{type: object}", none, "Thing.spec: an object of nothing");
	expect_refusal("{type: array}", none, "Thing.spec: an array without items");
	expect_refusal("{type: array, items: {type: boolean}}", none,
		       "Thing.spec: the interpreter has no field of such a type");
	expect_refusal("{type: object, required: [a], properties: {b: {type: string}}}", none,
		       "Thing.spec: required names a field that is not there");
	expect_refusal("{type: string, x-kubernetes-validations: [{rule: self == self}]}", none,
		       "a rule that schema/rules.h does not know: self == self");
	expect_refusal("{type: object, oneOf: [{properties: {a: {}}}], properties: {a: {type: "
		       "string}}}",
		       none, "a condition that is not about presence");
	expect_refusal("{type: object, additionalProperties: {type: string}, oneOf: [{required: "
		       "[a]}]}",
		       none, "a condition on what is no object with properties");
	expect_refusal("{type: object, properties: {aB: {type: string}, a_b: {type: integer}}}",
		       none, "has the same name in C as aB, but another type");
	expect_refusal("{type: string, enum: [a-b, a.b]}", none, "two constants are called");
	expect_refusal("{type: string, enum: [a, 1]}", none, "not a string");
}

TEST(gen_refuses_wrong_overlays)
{
	const char *spec = "{type: object, properties: {a: &x {type: object, properties: {s: "
			   "{type: string}}}, b: *x}}";

	expect_refusal(spec, "names: {thing_a: Thing.spec.c}",
		       "overlay:1:18: error: thing_a: Thing.spec.c is no object in a schema");
	expect_refusal(spec, "names: {thing_a: Thing.spec.a.s}", "is no object in a schema");
	expect_refusal(spec, "names: {a: Thing.spec.a, b: Thing.spec.b}",
		       "b: Thing.spec.b has the structure already named a at line 1");
	expect_refusal(spec, "names: {thing: Thing.spec.a}", "two structs are called thing");
	expect_refusal(spec, "names: {struct: Thing.spec.a}", "struct is no name for a struct");
	expect_refusal(spec, "naems: {}", "the overlay has no such section");
}

TEST(gen_refuses_versions_that_differ)
{
	struct gen g = { 0 };
	struct buf header = BUF_INIT, tables = BUF_INIT;
	char *problems;

	generate(&g,
		 "        type: object\n"
		 "        description: one\n"
		 "        properties: {spec: {type: string}}\n"
		 "  - name: v2\n"
		 "    served: true\n"
		 "    schema: {openAPIV3Schema: {type: object, description: two, "
		 "properties: {spec: {type: string}}}}\n"
		 "  - name: v3\n"
		 "    served: true\n"
		 "    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: "
		 "integer}}}}\n"
		 "  - name: v4\n"
		 "    served: false\n"
		 "    schema: {openAPIV3Schema: {type: object}}\n",
		 "names: {}", &header, &tables);
	problems = help_problems(&g.diag);
	CHECK_STR(problems, "crd:20:31: error: Thing: version v3 has another schema than v1\n");
	xfree(problems);
	buf_fini(&header);
	buf_fini(&tables);
	gen_fini(&g);
}

TEST(gen_shares_equal_structures)
{
	struct gen g = { 0 };
	struct buf header = BUF_INIT, tables = BUF_INIT;

	generate(&g,
		 "        type: object\n"
		 "        properties:\n"
		 "          apiVersion: {type: string}\n"
		 "          metadata: {type: object}\n"
		 "          spec:\n"
		 "            type: object\n"
		 "            properties:\n"
		 "              a: {type: object, description: one, properties: {k: {type: "
		 "integer}}}\n"
		 "              b: {type: object, description: two, properties: {k: {type: "
		 "integer}}}\n"
		 "              c: {type: object, properties: {k: {type: integer, minimum: 1}}}\n"
		 "              m: {type: object, additionalProperties: {type: object, properties: "
		 "{k: "
		 "{type: integer}}}}\n"
		 "              e: {type: string, enum: [UP, DOWN]}\n",
		 "names: {same: Thing.spec.b}", &header, &tables);
	CHECK_INT(g.diag.n_errors, 0);
	CHECK(strstr(buf_str(&header), "\tKIND_THING,\n\tKIND_COUNT,\n"));
	CHECK(strstr(buf_str(&header), "struct thing {\n\tconst struct thing_spec *spec;\n};"));
	CHECK(strstr(buf_str(&header), "\tconst struct same *a;\n\tconst struct same *b;\n"
				       "\tconst struct thing_spec_c *c;\n"));
	CHECK(strstr(buf_str(&header), "\t\tconst struct same_entry *v;\n"));
	CHECK(strstr(buf_str(&header),
		     "struct same_entry {\n\tconst char *key;\n\tstruct same value;\n};"));
	CHECK(strstr(buf_str(&header), "enum thing_spec_e {\n\tTHING_SPEC_E_UP = 1,\n"
				       "\tTHING_SPEC_E_DOWN = 2,\n};"));
	CHECK(strstr(buf_str(&tables), ".minimum = 1,"));
	buf_fini(&header);
	buf_fini(&tables);
	gen_fini(&g);
}

static void emit_all(struct buf *out)
{
	struct gen g = { 0 };
	char *problems;

	gen_load_tree(&g, "crd-schemas");
	gen_emit_header(&g, out);
	gen_emit_tables(&g, out);
	problems = help_problems(&g.diag);
	CHECK_STR(problems, "");
	xfree(problems);
	gen_fini(&g);
}

TEST(gen_is_deterministic)
{
	struct buf a = BUF_INIT, b = BUF_INIT;

	if (access("crd-schemas", R_OK)) {
		test_skip("not run from the top of the repository");
		return;
	}
	emit_all(&a);
	emit_all(&b);
	CHECK(a.len > 100000);
	CHECK(a.len == b.len && !memcmp(a.p, b.p, a.len));
	buf_fini(&a);
	buf_fini(&b);
}
