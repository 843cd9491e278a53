/* `mainsheet render`: what a proxy would be sent, as protojson, through the same engine as the daemon. */
#include "cli/command.h"
#include "cli/load.h"
#include "doc/write.h"
#include "model/proxy.h"
#include "pb/json.h"
#include "translate/engine.h"
#include <stdio.h>

/* The keys of the output, in order; types that are not made yet are empty lists. */
static const struct {
	const char *key;
	enum xds_type type;
	bool single;
} outputs[] = {
	{ "clusters", XDS_CDS, false },    { "listeners", XDS_LDS, false },
	{ "routes", XDS_RDS, false },      { "endpoints", XDS_EDS, false },
	{ "nametable", XDS_NDS, true },    { "secrets", XDS_SDS, false },
	{ "extensions", XDS_ECDS, false },
};

enum { RENDER_MEMORY = 1 << 30 };

struct rendering {
	struct json json;
	const struct pb_type *type;
	bool single, done;
	uint32_t n_bad;
};

static bool render_resource(void *ctx, const struct resource *r)
{
	struct rendering *x = ctx;
	struct arena arena = ARENA_INIT;
	struct buf body = BUF_INIT;
	struct err e = ERR_INIT;
	ProtobufCMessage *msg;

	resource_body(r, &body);
	msg = pb_unpack(&arena, x->type->desc, buf_str(&body), body.len, RENDER_MEMORY, &e);
	if (msg) {
		pb_print(&x->json, msg);
	} else {
		fprintf(stderr, "%s: %s\n", r->name, e.text);
		x->n_bad++;
	}
	x->done = true;
	buf_fini(&body);
	arena_fini(&arena);
	return !x->single;
}

static uint32_t print_snapshot(const struct snapshot *s, bool pretty)
{
	struct buf out = BUF_INIT;
	struct rendering x = { 0 };

	json_init(&x.json, &out, pretty);
	json_map(&x.json);
	for (size_t i = 0; i < ARRAY_LEN(outputs); i++) {
		const struct root *root = snapshot_root(s, outputs[i].type);

		json_key(&x.json, outputs[i].key);
		x.type = pb_type_by_url(xds_types[outputs[i].type].url);
		x.single = outputs[i].single;
		x.done = false;
		if (!x.single)
			json_seq(&x.json);
		if (root && x.type)
			resource_each(root_result(root), render_resource, &x);
		if (!x.single) {
			json_seq_end(&x.json);
		} else if (!x.done) {
			json_map(&x.json);
			json_map_end(&x.json);
		}
	}
	json_map_end(&x.json);
	buf_putc(&out, '\n');
	fwrite(buf_str(&out), 1, out.len, stdout);
	buf_fini(&out);
	return x.n_bad;
}

static int render(const struct flag_list *files, const char *mesh, const char *networks,
		  const char *node_file, bool pretty)
{
	struct engine *engine;
	struct arena arena = ARENA_INIT;
	struct diag diag = DIAG_INIT;
	struct err e = ERR_INIT;
	struct proxy_node_text node;
	int code = EXIT_CODE_PROBLEMS;

	diag_init(&diag);
	load_environment(NULL, NULL, NULL);
	engine = engine_new();
	if (load_node(node_file, &arena, &node, &e) &&
	    load_mesh(engine, mesh, networks, &diag, &e) &&
	    load_objects(engine, files, &diag, &e)) {
		engine_commit(engine, 0, NULL, NULL);
		struct engine_proxy *p = engine_join(engine, &node, NULL);

		load_found(engine, &diag);
		if (!print_snapshot(engine_snapshot(p), pretty))
			code = diag.n_errors ? EXIT_CODE_PROBLEMS : EXIT_CODE_OK;
		engine_leave(engine, p);
	}
	load_print_problems(&diag);
	if (e.text[0])
		fprintf(stderr, "mainsheet render: %s\n", e.text);
	engine_free(engine);
	diag_fini(&diag);
	arena_fini(&arena);
	return code;
}

static int run(const struct command *c, int argc, char **argv)
{
	struct flag_list files = { 0 }, remote = { 0 };
	const char *mesh = NULL, *networks = NULL, *node = NULL, *output = NULL;
	bool help = false;
	int first, code;
	struct err e = ERR_INIT;
	const struct flag flags[] = {
		{ "filename", 'f', FLAG_LIST, &files, "FILE_OR_DIR",
		  "objects to read; may be given again" },
		{ "node", 0, FLAG_STRING, &node, "NODE.json",
		  "the proxy: an xDS Node in protojson" },
		{ "meshConfig", 0, FLAG_STRING, &mesh, "FILE", "mesh config" },
		{ "networksConfig", 0, FLAG_STRING, &networks, "FILE", "mesh networks" },
		{ "remoteCluster", 0, FLAG_LIST, &remote, "ID=FILE",
		  "objects of a remote cluster" },
		{ "output", 'o', FLAG_STRING, &output, "json", "json (default) or json-compact" },
		{ "help", 'h', FLAG_BOOL, &help, NULL, "this text" },
	};

	if (!flags_parse(flags, ARRAY_LEN(flags), argc, argv, &first, &e))
		code = command_usage(c, e.text);
	else if (help)
		code = command_help(c, flags, ARRAY_LEN(flags));
	else if (first < argc)
		code = command_usage(c, "unexpected argument");
	else if (!files.n || !node)
		code = command_usage(c, "-f and --node are needed");
	else if (remote.n)
		code = command_usage(c, "--remoteCluster: remote clusters are not supported yet");
	else if (output && !str_eq(output, "json") && !str_eq(output, "json-compact"))
		code = command_usage(c, "-o takes json or json-compact");
	else
		code = render(&files, mesh, networks, node, !str_eq(output, "json-compact"));
	xfree(files.v);
	xfree(remote.v);
	return code;
}

const struct command command_render = {
	.name = "render",
	.arguments = "-f FILE_OR_DIR [-f ...] --node NODE.json [--meshConfig FILE] "
		     "[--networksConfig FILE]",
	.summary = "Prints what a proxy would be sent for the objects in files.",
	.details = "Prints "
		   "{\"clusters\":[],\"listeners\":[],\"routes\":[],\"endpoints\":[],\"nametable\":"
		   "{},\n"
		   "\"secrets\":[],\"extensions\":[]} in protojson; problems go to stderr. "
		   "istiod's environment\n"
		   "variables that change generated output are honoured.\n\n"
		   "Exit codes: 0 printed; 1 an object or a file is not in order (the rest is "
		   "printed); 2 usage.",
	.run = run,
};
