/* `mainsheet proxy-status` against a server that answers as a daemon might, and as it should not. */
#include "base/buf.h"
#include "cli/command.h"
#include "http/http.h"
#include "test.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct answer {
	uint32_t status;
	const char *header; /* of Mainsheet-Status; NULL: none */
};

static void serve(void *ctx, const struct http_request *r, struct http_response *out)
{
	const struct answer *a = ctx;

	out->status = a->status;
	buf_printf(&out->body, "%s proxyID=%s", http_accept(r, "text/plain") ? "table" : "json",
		   str_or(http_query(r, "proxyID"), "(none)"));
	if (a->header)
		http_response_header(out, "Mainsheet-Status", a->header);
}

/* Runs the command with stdout and stderr into ret; the exit code. */
static int run(struct buf *ret, const char *const *args)
{
	char *argv[8] = { NULL };
	int fd = memfd_create("output", MFD_CLOEXEC), out = dup(1), err_fd = dup(2), argc = 0, code;
	char bytes[4096];
	ssize_t n;

	for (; args[argc]; argc++)
		argv[argc] = xstrdup(args[argc]);
	fflush(stdout);
	dup2(fd, 1);
	dup2(fd, 2);
	code = command_proxy_status.run(&command_proxy_status, argc, argv);
	fflush(stdout);
	dup2(out, 1);
	dup2(err_fd, 2);
	close(out);
	close(err_fd);
	lseek(fd, 0, SEEK_SET);
	buf_reset(ret);
	while ((n = read(fd, bytes, sizeof bytes)) > 0)
		buf_append(ret, bytes, (size_t)n);
	close(fd);
	for (int i = 0; i < argc; i++)
		xfree(argv[i]);
	return code;
}

TEST(asks)
{
	static const struct {
		struct answer answer;
		const char *args[3];
		int code;
		const char *output; /* its beginning */
	} rows[] = {
		{ { 200, "in-order" }, { NULL }, 0, "table proxyID=(none)" },
		{ { 200, "problems" }, { NULL }, 1, "table proxyID=(none)" },
		{ { 200, "in-order" }, { "web-1.shop" }, 0, "table proxyID=web-1.shop" },
		{ { 200, "in-order" }, { "a&b=c d/%" }, 0, "table proxyID=a&b=c d/%" },
		{ { 200, "problems" }, { "-o", "json" }, 1, "json proxyID=(none)\n" },
		{ { 200, "in-order" }, { "-o", "json", "x" }, 0, "json proxyID=x\n" },
		{ { 200, NULL }, { NULL }, 1, "mainsheet proxy-status: http://127.0.0.1:" },
		{ { 401, NULL }, { NULL }, 1, "mainsheet proxy-status: http://127.0.0.1:" },
		{ { 404, "in-order" },
		  { "x" },
		  1,
		  "mainsheet proxy-status: no such proxy is connected to this daemon\n" },
		{ { 404, NULL }, { "x" }, 1, "mainsheet proxy-status: http://127.0.0.1:" },
		{ { 503, "in-order" }, { NULL }, 1, "mainsheet proxy-status: http://127.0.0.1:" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct answer answer = rows[i].answer;
		struct http_path path = { .path = "/proxy-status",
					  .methods = HTTP_GET,
					  .listeners = 1,
					  .handler = serve,
					  .ctx = &answer };
		struct http_options o = { .listeners = { "127.0.0.1:0" },
					  .n_listeners = 1,
					  .paths = &path,
					  .n_paths = 1 };
		struct http_server *s;
		struct err e = ERR_INIT;
		struct buf out = BUF_INIT;
		char address[64];
		const char *args[] = { "proxy-status",  "--address",     address, rows[i].args[0],
				       rows[i].args[1], rows[i].args[2], NULL };

		if (!CHECK(http_server_start(&o, &s, &e)))
			return;
		/* With a scheme and without, with a slash and without. */
		snprintf(address, sizeof address, "%s127.0.0.1:%u%s", i % 2 ? "" : "http://",
			 http_server_port(s, 0), i % 3 ? "" : "/");
		CHECK_INT(run(&out, args), rows[i].code);
		if (!CHECK(str_starts(buf_str(&out), rows[i].output)))
			printf("\t%s\n", buf_str(&out));
		http_server_stop(s);
		buf_fini(&out);
	}
}

TEST(usage)
{
	static const char *const rows[][5] = {
		{ "proxy-status", "a", "b" },        { "proxy-status", "-o", "yaml" },
		{ "proxy-status", "--nosuch" },      { "proxy-status", "--address" },
		{ "proxy-status", "--address", "" },
	};
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CHECK_INT(run(&out, rows[i]), 2);
		CHECK(str_starts(buf_str(&out), "mainsheet proxy-status: "));
	}
	CHECK_INT(run(&out, (const char *const[]){ "proxy-status", "--help", NULL }), 0);
	CHECK(strstr(buf_str(&out), "Exit codes: 0 all in sync; 1 "));
	CHECK_INT(run(&out, (const char *const[]){ "proxy-status", "--address",
						   "http://127.0.0.1:1", NULL }),
		  1);
	CHECK(str_starts(buf_str(&out),
			 "mainsheet proxy-status: GET http://127.0.0.1:1/proxy-status: "));
	CHECK_INT(run(&out, (const char *const[]){ "proxy-status", "--address", "ftp://x", NULL }),
		  1);
	buf_fini(&out);
}
