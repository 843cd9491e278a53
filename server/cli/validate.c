/* `mainsheet validate`: every problem of the objects in files, one a line, for editors and pipelines. */
#include "base/diag.h"
#include "cli/command.h"
#include "cli/load.h"
#include "doc/write.h"
#include "translate/engine.h"
#include <stdio.h>

static void print_json(const struct diag *diag)
{
	struct buf out = BUF_INIT;
	struct json j;

	json_init(&j, &out, true);
	json_seq(&j);
	for (uint32_t i = 0; i < diag->n; i++) {
		const struct problem *p = &diag->v[i];

		json_map(&j);
		json_kv_str(&j, "severity", p->severity == SEVERITY_ERROR ? "error" : "warning");
		json_kv_str(&j, "object", str_or(p->object, ""));
		json_kv_str(&j, "file", str_or(p->place.file, ""));
		json_kv_int(&j, "line", p->place.line);
		json_kv_int(&j, "column", p->place.column);
		json_kv_str(&j, "path", str_or(p->path, ""));
		json_kv_str(&j, "reason", p->reason);
		json_map_end(&j);
	}
	json_seq_end(&j);
	printf("%s\n", buf_str(&out));
	buf_fini(&out);
}

static void print_text(const struct diag *diag)
{
	char line[2048];

	for (uint32_t i = 0; i < diag->n; i++) {
		diag_print(&diag->v[i], line, sizeof line);
		printf("%s\n", line);
	}
	if (diag->n_errors + diag->n_warnings > diag->n)
		printf("... and %u more\n", diag->n_errors + diag->n_warnings - diag->n);
}

static int validate(const struct command *c, const struct flag_list *files, const char *mesh,
		    const char *networks, bool json)
{
	struct diag diag = DIAG_INIT;
	struct err e = ERR_INIT;
	struct engine *engine;
	int code;

	diag_init(&diag);
	load_environment(NULL, NULL, NULL);
	engine = engine_new();
	bool read = load_objects(engine, files, &diag, &e) &&
		    (load_mesh(engine, mesh, networks, &diag, &e) || diag.n_errors);
	if (read) {
		if (json)
			print_json(&diag);
		else
			print_text(&diag);
		code = diag.n_errors ? EXIT_CODE_PROBLEMS : EXIT_CODE_OK;
	} else {
		code = command_usage(c, e.text);
	}
	engine_free(engine);
	diag_fini(&diag);
	return code;
}

static int run(const struct command *c, int argc, char **argv)
{
	struct flag_list files = { 0 };
	const char *mesh = NULL, *networks = NULL, *output = NULL;
	bool help = false;
	int first, code;
	struct err e = ERR_INIT;
	const struct flag flags[] = {
		{ "filename", 'f', FLAG_LIST, &files, "FILE_OR_DIR",
		  "objects to check; may be given again" },
		{ "meshConfig", 0, FLAG_STRING, &mesh, "FILE", "mesh config, checked too" },
		{ "networksConfig", 0, FLAG_STRING, &networks, "FILE",
		  "mesh networks, checked too" },
		{ "output", 'o', FLAG_STRING, &output, "json", "print JSON" },
		{ "help", 'h', FLAG_BOOL, &help, NULL, "this text" },
	};

	if (!flags_parse(flags, ARRAY_LEN(flags), argc, argv, &first, &e)) {
		code = command_usage(c, e.text);
	} else if (help) {
		code = command_help(c, flags, ARRAY_LEN(flags));
	} else {
		for (; first < argc; first++) {
			VEC_ROOM(files.v, files.n, files.cap);
			files.v[files.n++] = argv[first];
		}
		if (!files.n)
			code = command_usage(c, "-f is needed");
		else if (output && !str_eq(output, "json"))
			code = command_usage(c, "-o takes json");
		else
			code = validate(c, &files, mesh, networks, output != NULL);
	}
	xfree(files.v);
	return code;
}

const struct command command_validate = {
	.name = "validate",
	.arguments = "-f FILE_OR_DIR [-f ...] [--meshConfig FILE] [-o json]",
	.summary = "Checks objects in files.",
	.details = "Prints FILE:LINE:COL: error|warning: KIND NS/NAME PATH: reason, a line for "
		   "each problem.\n\n"
		   "Exit codes: 0 in order, or warnings only; 1 errors; 2 usage.",
	.run = run,
};
