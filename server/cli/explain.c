/* `mainsheet explain`: the objects that a resource of a proxy was made from, out of files or of a daemon. */
#include "translate/explain.h"
#include "base/buf.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/load.h"
#include <stdio.h>

static int explain_files(const struct command *c, const struct load_request *q,
			 const char *resource, bool json)
{
	static const int codes[] = {
		[EXPLAIN_FOUND] = EXIT_CODE_OK,
		[EXPLAIN_NOT_FOUND] = EXIT_CODE_PROBLEMS,
		[EXPLAIN_BAD_NAME] = EXIT_CODE_USAGE,
	};
	struct explanation x = { 0 };
	struct buf out = BUF_INIT;
	struct loaded mesh;
	struct err e = ERR_INIT;
	int code = EXIT_CODE_PROBLEMS;

	if (load_all(q, &mesh, &e)) {
		code = codes[explain(mesh.engine, mesh.proxies[0], resource, &x, &e)];
		if (code == EXIT_CODE_OK)
			explanation_print(&x, json, true, &out);
		fwrite(buf_str(&out), 1, out.len, stdout);
		explanation_fini(&x);
		buf_fini(&out);
		loaded_fini(&mesh);
	}
	if (code != EXIT_CODE_OK)
		fprintf(stderr, "mainsheet %s: %s\n", c->name, e.text);
	return code;
}

static int explain_daemon(const struct command *c, const char *address, const char *proxy,
			  const char *resource, bool json)
{
	const struct ask_parameter parameters[] = { { "proxyID", proxy },
						    { "resource", resource } };

	return ask_daemon(&(struct ask){ .command = c->name,
					 .address = str_or(address, ASK_ADDRESS),
					 .page = "/debug/explain",
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
	bool help = false;
	int first, code;
	struct err e = ERR_INIT;
	const struct flag flags[] = {
		{ "filename", 'f', FLAG_LIST, &files, "FILE_OR_DIR",
		  "objects to read; may be given again" },
		{ "node", 0, FLAG_LIST, &nodes, "NODE.json",
		  "the proxy: an xDS Node in protojson" },
		{ "meshConfig", 0, FLAG_STRING, &q.mesh, "FILE", "mesh config" },
		{ "networksConfig", 0, FLAG_STRING, &q.networks, "FILE", "mesh networks" },
		{ "proxy", 0, FLAG_STRING, &proxy, "ID",
		  "a connected proxy, POD.NAMESPACE or a part of it" },
		{ "address", 0, FLAG_STRING, &address, "URL", "of the daemon (" ASK_ADDRESS ")" },
		{ "output", 'o', FLAG_STRING, &output, "json", "print JSON" },
		{ "help", 'h', FLAG_BOOL, &help, NULL, "this text" },
	};

	if (!flags_parse(flags, ARRAY_LEN(flags), argc, argv, &first, &e))
		code = command_usage(c, e.text);
	else if (help)
		code = command_help(c, flags, ARRAY_LEN(flags));
	else if (argc - first != 1)
		code = command_usage(c, "one resource is needed");
	else if (output && !str_eq(output, "json"))
		code = command_usage(c, "-o takes json");
	else if (proxy ? files.n || nodes.n || q.mesh || q.networks : address != NULL)
		code = command_usage(c, "either -f and --node, or --proxy");
	else if (!proxy && (!files.n || nodes.n != 1))
		code = command_usage(c, "-f and one --node are needed, or --proxy");
	else if (proxy)
		code = explain_daemon(c, address, proxy, argv[first], output);
	else
		code = explain_files(c, &q, argv[first], output);
	xfree(files.v);
	xfree(nodes.v);
	return code;
}

const struct command command_explain = {
	.name = "explain",
	.arguments = "-f FILE_OR_DIR [-f ...] --node NODE.json RESOURCE\n"
		     "  mainsheet explain --proxy ID [--address URL] RESOURCE",
	.summary = "Shows which objects a resource of a proxy was made from.",
	.details =
		"RESOURCE is one of\n"
		"  cluster/NAME                          "
		"cluster/outbound|80||web.shop.svc.cluster.local\n"
		"  endpoints/NAME                        by the cluster's name\n"
		"  listener/NAME                         listener/0.0.0.0_80\n"
		"  vhost/ROUTECONFIG/NAME                vhost/80/web.shop.svc.cluster.local:80\n"
		"  route/ROUTECONFIG/VHOST/NAME-or-INDEX the first route has index 0\n"
		"  nametable/all, proxy/facts            names for DNS; what is known of the proxy "
		"besides "
		"what it says\n\n"
		"Prints KIND NS/NAME FILE:LINE a line (rv=N instead of the place for what does not "
		"come "
		"from a file);\nwith -o json an array of {kind,namespace,name,file,line,column,"
		"resourceVersion}.\n\n"
		"These are the sources that were recorded when the resource was made. Left out is "
		"what only\n"
		"decided that the resource is there or that the proxy sees it (exportTo and "
		"Sidecars of "
		"others,\nobjects that came second), and mesh config, from which all is made. A "
		"cluster has "
		"the sources\nof all clusters of its service. An HTTP listener that many services "
		"share "
		"names the oldest of\neach namespace. A route has the sources of its virtual host, "
		"without "
		"VirtualServices that\nother routes are from. What is made from no object prints "
		"no line.\n\n"
		"Exit codes: 0 found; 1 not found, or files or daemon could not be read; 2 usage.",
	.run = run,
};
