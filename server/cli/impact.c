/* `mainsheet impact`: the resources that an object is a source of, over all proxies, out of files or of a daemon. */
#include "translate/impact.h"
#include "base/buf.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/load.h"
#include <stdio.h>

/* False: e says what was not found. */
static bool gather(struct impact *x, const struct loaded *mesh, uint32_t n, const char *object,
		   struct err *e)
{
	bool ok = true;

	if (!impact_begin(x, mesh->engine))
		return err(e, "%s: there is no such object", object);
	for (uint32_t i = 0; i < n && ok; i++)
		ok = impact_add(x, mesh->proxies[i], mesh->ids[i]) ||
		     err(e, "%s reaches more than %u resources", object, IMPACT_LINES_MAX);
	impact_end(x);
	return ok;
}

static int impact_files(const struct command *c, const struct load_request *q, const char *object,
			const struct object_name *name, bool json)
{
	struct impact *x = impact_new(name);
	struct buf out = BUF_INIT;
	struct loaded mesh;
	struct err e = ERR_INIT;
	int code = EXIT_CODE_PROBLEMS;

	if (load_all(q, &mesh, &e)) {
		if (gather(x, &mesh, q->nodes->n, object, &e)) {
			impact_print(x, json, true, &out);
			fwrite(buf_str(&out), 1, out.len, stdout);
			code = EXIT_CODE_OK;
		}
		loaded_fini(&mesh);
	}
	if (code != EXIT_CODE_OK)
		fprintf(stderr, "mainsheet %s: %s\n", c->name, e.text);
	impact_free(x);
	buf_fini(&out);
	return code;
}

static int impact_daemon(const struct command *c, const char *address, const char *proxy,
			 const char *object, bool json)
{
	const struct ask_parameter parameters[] = { { "object", object }, { "proxyID", proxy } };

	return ask_daemon(&(struct ask){ .command = c->name,
					 .address = str_or(address, ASK_ADDRESS),
					 .page = "/debug/impact",
					 .parameters = parameters,
					 .n_parameters = ARRAY_LEN(parameters),
					 .json = json,
					 .good = "found" });
}

static int run(const struct command *c, int argc, char **argv)
{
	struct flag_list files = { 0 }, nodes = { 0 };
	struct load_request q = { .files = &files, .nodes = &nodes };
	const char *proxy = NULL, *address = NULL, *output = NULL;
	bool help = false, offline;
	struct arena arena = ARENA_INIT;
	struct object_name name;
	int first, code;
	struct err e = ERR_INIT;
	const struct flag flags[] = {
		{ "filename", 'f', FLAG_LIST, &files, "FILE_OR_DIR",
		  "objects to read; may be given again" },
		{ "node", 0, FLAG_LIST, &nodes, "NODE.json",
		  "a proxy: an xDS Node in protojson; may be given again" },
		{ "meshConfig", 0, FLAG_STRING, &q.mesh, "FILE", "mesh config" },
		{ "networksConfig", 0, FLAG_STRING, &q.networks, "FILE", "mesh networks" },
		{ "proxy", 0, FLAG_STRING, &proxy, "ID",
		  "of a daemon, only proxies with this in their POD.NAMESPACE" },
		{ "address", 0, FLAG_STRING, &address, "URL", "of the daemon (" ASK_ADDRESS ")" },
		{ "output", 'o', FLAG_STRING, &output, "json", "print JSON" },
		{ "help", 'h', FLAG_BOOL, &help, NULL, "this text" },
	};

	if (!flags_parse(flags, ARRAY_LEN(flags), argc, argv, &first, &e)) {
		code = command_usage(c, e.text);
		goto out;
	}
	offline = files.n || nodes.n || q.mesh || q.networks;
	if (help)
		code = command_help(c, flags, ARRAY_LEN(flags));
	else if (argc - first != 1)
		code = command_usage(c, "one object is needed");
	else if (output && !str_eq(output, "json"))
		code = command_usage(c, "-o takes json");
	else if (offline && (proxy || address))
		code = command_usage(c, "either -f and --node, or a daemon");
	else if (offline && (!files.n || !nodes.n))
		code = command_usage(c, "-f and --node are needed");
	else if (!object_name_parse(argv[first], &arena, &name, &e))
		code = command_usage(c, e.text);
	else if (offline)
		code = impact_files(c, &q, argv[first], &name, output);
	else
		code = impact_daemon(c, address, proxy, argv[first], output);
out:
	arena_fini(&arena);
	xfree(files.v);
	xfree(nodes.v);
	return code;
}

const struct command command_impact = {
	.name = "impact",
	.arguments = "-f FILE_OR_DIR [-f ...] --node NODE.json [--node ...] KIND/NS/NAME\n"
		     "  mainsheet impact [--address URL] [--proxy ID] KIND/NS/NAME",
	.summary = "Shows which resources of which proxies an object reaches.",
	.details = "Prints PROXY TYPE NAME a line, sorted, or with -o json an array of "
		   "{proxy,type,name}; "
		   "PROXY is\nPOD.NAMESPACE. TYPE/NAME is a resource that mainsheet explain takes, "
		   "and that "
		   "would name the\nobject: cluster, endpoints, listener, vhost, nametable/all or "
		   "proxy/facts. An object that reaches\nnothing prints nothing. Cluster-scoped "
		   "objects are "
		   "KIND/NAME.\n\n"
		   "Exit codes: 0 the object is there; 1 there is no such object, or files or "
		   "daemon could "
		   "not be read;\n2 usage.",
	.run = run,
};
