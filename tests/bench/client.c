/* The load client: measures one server once and prints `BENCH METRIC VALUE UNIT` a line.
 *
 *	client --server HOST:PORT [--sidecars N] [--namespaces N] [--sotw] [--distinct] [--bench LIST] [--dir DIR] [--pid PID]
 *	       [--monitoring PORT] [--edits N] [--quiet-ms MS] [--timeout S]
 *
 * Any istiod-compatible server will do. What is edited are files of mesh.py in --dir. What is read of /proc needs --pid,
 * what is read of metrics --monitoring; without them those figures are left out, as are those of threads and metrics
 * that only our server has. */
#include "base/buf.h"
#include "base/clock.h"
#include "tests/bench/fleet.h"
#include "tests/bench/observe.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SETTLE_MS = 3000, NOOP_MS = 1000, NOOPS = 6, PROBES = 10, ENDPOINTS = 10, SPARE_FILES = 64 };

static struct {
	struct fleet_options fleet;
	const char *bench, *dir;
	int pid;
	uint16_t monitoring;
	uint32_t n_edits;
	int64_t quiet_ns, timeout_ns;
	struct fleet *f;
	uint64_t sync_bytes; /* what a full sync took */
} b = { .fleet = { .n = 1000, .n_namespaces = 100 },
	.bench = "sync edit reconnect noop",
	.n_edits = 20,
	.quiet_ns = 300 * NS_PER_MS,
	.timeout_ns = 600 * NS_PER_S };

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench: %s: %s\n", what, why);
	exit(1);
}

static bool is_asked(const char *bench)
{
	return strstr(b.bench, bench) != NULL;
}

static void print(const char *bench, const char *metric, double value, const char *unit)
{
	if (!is_asked(bench))
		return;
	printf("%s %s %.6g %s\n", bench, metric, value, unit);
	fflush(stdout);
}

static void print_memory(const char *bench, const char *metric, const char *key)
{
	double mb = b.pid ? observe_memory_mb(b.pid, key) : -1;

	if (mb >= 0)
		print(bench, metric, mb, "MB");
}

static double own_cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* ---- waiting ---- */

static void run_for(int64_t ns)
{
	int64_t until = clock_mono_ns() + ns, left;

	while ((left = until - clock_mono_ns()) > 0)
		fleet_turn(b.f, (int)(left / NS_PER_MS) + 1);
}

/* Until nothing has come for the quiet time. */
static void run_until_quiet(int64_t quiet_ns)
{
	uint64_t was = fleet_bytes(b.f);
	int64_t since = clock_mono_ns(), left;

	while ((left = since + quiet_ns - clock_mono_ns()) > 0) {
		fleet_turn(b.f, (int)(left / NS_PER_MS) + 1);
		if (fleet_bytes(b.f) != was) {
			was = fleet_bytes(b.f);
			since = clock_mono_ns();
		}
	}
}

/* Until *count is that of all sidecars. When that was. */
static int64_t run_until_all(const uint32_t *count, const char *what)
{
	int64_t until = clock_mono_ns() + b.timeout_ns;
	char text[128];

	while (*count < b.fleet.n) {
		fleet_turn(b.f, 1000);
		if (clock_mono_ns() < until)
			continue;
		snprintf(text, sizeof text, "only %u of %u sidecars in time", *count, b.fleet.n);
		die(what, text);
	}
	return clock_mono_ns();
}

/* ---- files of the mesh ---- */

static char *path_of(const char *name)
{
	return xasprintf("%s/%s", b.dir, name);
}

static char *read_file(const char *name)
{
	char *path = path_of(name);
	FILE *f = fopen(path, "re");
	struct buf text = BUF_INIT;
	size_t n;

	if (!f)
		die(path, strerror(errno));
	do {
		n = fread(buf_room(&text, 4096), 1, 4096, f);
		text.len += n;
	} while (n);
	fclose(f);
	xfree(path);
	*buf_room(&text, 1) = 0;
	return buf_take(&text);
}

/* Writes beside the file and renames over it. The time just before the rename. */
static int64_t replace_file(const char *name, const char *text)
{
	char *path = path_of(name), *beside = path_of(".new");
	FILE *f = fopen(beside, "we");
	int64_t at;

	if (!f || fputs(text, f) < 0 || fclose(f))
		die(beside, strerror(errno));
	at = clock_mono_ns();
	if (rename(beside, path))
		die(path, strerror(errno));
	xfree(path);
	xfree(beside);
	return at;
}

/* The text with other weights in place of the 90 and the 10 of mesh.py. */
static char *with_weights(const char *text, unsigned weight)
{
	struct buf out = BUF_INIT;
	const char *at;

	for (unsigned i = 0; (at = strstr(text, "weight: ")); i++) {
		at += strlen("weight: ");
		buf_append(&out, text, (size_t)(at - text));
		buf_printf(&out, "%u", i % 2 ? 100 - weight : weight);
		text = at + strspn(at, "0123456789");
	}
	buf_puts(&out, text);
	return buf_take(&out);
}

static double server_cpu_s(void)
{
	return b.pid ? observe_cpu_s(b.pid) : -1;
}

static void print_cpu(const char *bench, const char *metric, double before, double divisor,
		      const char *unit)
{
	if (before >= 0)
		print(bench, metric, (server_cpu_s() - before) / divisor, unit);
}

/* ---- sync ---- */

static void dial(bool resume)
{
	struct err e = ERR_INIT;

	if (!fleet_dial(b.f, resume, &e))
		die("dial", e.text);
}

static void bench_sync(void)
{
	double server = server_cpu_s(), own = own_cpu_s();
	const struct fleet_counts *c = fleet_counts(b.f);
	int64_t start = clock_mono_ns(), end;

	print_memory("sync", "rss_idle_mb", "VmRSS:");
	dial(false);
	end = run_until_all(&c->n_synced, "sync");
	b.sync_bytes = fleet_bytes(b.f);
	print("sync", "all_synced_s", (double)(end - start) / NS_PER_S, "s");
	print_cpu("sync", "server_cpu_s", server, 1, "s");
	print("sync", "client_cpu_s", own_cpu_s() - own, "s");
	print("sync", "bytes_per_proxy", (double)b.sync_bytes / b.fleet.n, "bytes");
	print("sync", "streams_dropped", (double)c->n_dropped, "streams");
	run_for(SETTLE_MS * NS_PER_MS);
	print_memory("sync", "rss_synced_mb", "VmRSS:");
}

/* ---- edits ---- */

static int by_value(const void *x, const void *y)
{
	double p = *(const double *)x, q = *(const double *)y;

	return (p > q) - (p < q);
}

/* The smallest value that this share of them does not exceed. */
static double percentile(double *v, uint32_t n, unsigned percent)
{
	qsort(v, n, sizeof *v, by_value);
	return v[(n * percent + 99) / 100 - 1];
}

static bool model_cpu(int64_t *ret)
{
	static const char *const threads[] = { "source", "model" };

	return b.pid && observe_threads_ns(b.pid, threads, ARRAY_LEN(threads), ret);
}

/* One edit, to the last acknowledgement of a change of this type. */
static double edit(const char *file, const char *text, enum ads_kind kind)
{
	int64_t start, end;

	fleet_mark(b.f);
	start = replace_file(file, text);
	end = run_until_all(&fleet_counts(b.f)->n_acked[kind], "edit");
	run_until_quiet(b.quiet_ns);
	return (double)(end - start) / NS_PER_MS;
}

static void bench_weights(void)
{
	double *ms = xcalloc(b.n_edits, sizeof *ms);
	char *file = read_file("vs-0.yaml");
	uint64_t unchanged = fleet_counts(b.f)->n_unchanged, bytes = fleet_bytes(b.f);
	int64_t before = 0, after;
	bool is_ours = model_cpu(&before);
	double server = server_cpu_s();

	for (uint32_t i = 0; i < b.n_edits; i++) {
		char *text = with_weights(file, 89 - i % 40);

		ms[i] = edit("vs-0.yaml", text, ADS_RDS);
		xfree(text);
	}
	print("edit", "edit_ack_p50_ms", percentile(ms, b.n_edits, 50), "ms");
	print("edit", "edit_ack_p99_ms", percentile(ms, b.n_edits, 99), "ms");
	if (is_ours && model_cpu(&after))
		print("edit", "edit_model_ms", (double)(after - before) / NS_PER_MS / b.n_edits,
		      "ms");
	print_cpu("edit", "edit_server_cpu_ms", server, b.n_edits / 1e3, "ms");
	print("edit", "edit_bytes_per_proxy",
	      (double)(fleet_bytes(b.f) - bytes) / b.n_edits / b.fleet.n, "bytes");
	print("edit", "edit_resent_unchanged", (double)(fleet_counts(b.f)->n_unchanged - unchanged),
	      "resources");
	xfree(file);
	xfree(ms);
}

static void bench_endpoints(void)
{
	struct buf file = BUF_INIT;
	double ms[ENDPOINTS];
	char *text = read_file("se-0.yaml");

	buf_puts(&file, text);
	for (unsigned i = 0; i < ENDPOINTS; i++) {
		buf_printf(&file,
			   "  - address: 10.199.0.%u\n    labels: {app: svc-0, version: v1}\n",
			   i + 1);
		ms[i] = edit("se-0.yaml", file.p, ADS_EDS);
	}
	print("edit", "endpoint_ack_p50_ms", percentile(ms, ENDPOINTS, 50), "ms");
	xfree(text);
	buf_fini(&file);
}

static bool updates(double *ret)
{
	char *page = b.monitoring ? observe_page(b.fleet.host, b.monitoring, "/metrics") : NULL;
	bool ok = page && observe_metric(page, "pilot_inbound_updates", "type=\"config\"", ret);

	xfree(page);
	return ok;
}

/* From the rename until the model has counted the update, by asking for the counter over and over (a millisecond or so
 * each time). The file concerns no proxy, so nothing is pushed meanwhile. */
static void bench_file_seen(void)
{
	double ms[PROBES], before, now;
	char *file = read_file("probe.yaml");

	for (unsigned i = 0; i < PROBES; i++) {
		char *text = with_weights(file, 89 - i);
		int64_t start, end;

		if (!updates(&before))
			goto out;
		start = replace_file("probe.yaml", text);
		do {
			usleep(200);
			end = clock_mono_ns();
		} while (updates(&now) && now == before && end < start + b.timeout_ns);
		ms[i] = (double)(end - start) / NS_PER_MS;
		xfree(text);
		run_until_quiet(b.quiet_ns);
	}
	print("edit", "file_seen_p50_ms", percentile(ms, PROBES, 50), "ms");
out:
	xfree(file);
}

static void bench_trace(void)
{
	char *page = b.monitoring ? observe_page(b.fleet.host, b.monitoring, "/metrics") : NULL;
	double trace, results;

	if (page && observe_metric(page, "mainsheet_graph_bookkeeping_bytes", "", &trace) &&
	    observe_metric(page, "mainsheet_graph_result_bytes", "", &results))
		print("edit", "trace_bytes_ratio", trace / (trace + results), "ratio");
	xfree(page);
}

static void bench_edit(void)
{
	bench_weights();
	bench_endpoints();
	print_memory("edit", "rss_peak_mb", "VmHWM:");
	bench_file_seen();
	bench_trace();
}

/* ---- noop and reconnect ---- */

/* Files that are written again: as they are, with a comment more, or only touched. */
static void bench_noop(void)
{
	static const char *const files[] = { "vs-0.yaml", "se-0.yaml" };
	uint64_t before = fleet_counts(b.f)->n_responses;

	for (unsigned i = 0; i < NOOPS; i++) {
		const char *name = files[i % ARRAY_LEN(files)];
		char *text = read_file(name), *more = xasprintf("%s# %u\n", text, i), *path;

		switch (i / ARRAY_LEN(files)) {
		case 0: replace_file(name, text); break;
		case 1: replace_file(name, more); break;
		default:
			path = path_of(name);
			if (utimensat(AT_FDCWD, path, NULL, 0))
				die(path, strerror(errno));
			xfree(path);
		}
		xfree(text);
		xfree(more);
		run_for(NOOP_MS * NS_PER_MS);
	}
	print("noop", "noop_pushes", (double)(fleet_counts(b.f)->n_responses - before),
	      "responses");
}

static void bench_reconnect(void)
{
	uint64_t before;
	int64_t start;
	double server;

	fleet_hang_up(b.f);
	run_for(NS_PER_S);
	before = fleet_bytes(b.f);
	server = server_cpu_s();
	start = clock_mono_ns();
	dial(true);
	run_until_quiet(2 * NS_PER_S);
	print("reconnect", "reconnect_s", (double)(clock_mono_ns() - start) / NS_PER_S - 2, "s");
	print_cpu("reconnect", "reconnect_server_cpu_s", server, 1, "s");
	print("reconnect", "reconnect_bytes_ratio",
	      (double)(fleet_bytes(b.f) - before) / (double)b.sync_bytes, "ratio");
	print("reconnect", "streams_dropped", (double)fleet_counts(b.f)->n_dropped, "streams");
}

/* ---- start ---- */

static void raise_file_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l))
		die("file limit", strerror(errno));
	l.rlim_cur = l.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &l) || l.rlim_cur < b.fleet.n + SPARE_FILES)
		die("file limit", "too low for so many connections (ulimit -n)");
}

static void parse_server(char *text)
{
	char *colon = strrchr(text, ':');

	if (!colon)
		die("--server", "HOST:PORT is needed");
	*colon = 0;
	b.fleet.host = text;
	b.fleet.port = (uint16_t)strtoul(colon + 1, NULL, 10);
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "server", 1, NULL, 's' },
		{ "sidecars", 1, NULL, 'n' },
		{ "sotw", 0, NULL, 'w' },
		{ "distinct", 0, NULL, 'i' },
		{ "namespaces", 1, NULL, 'm' },
		{ "bench", 1, NULL, 'b' },
		{ "dir", 1, NULL, 'd' },
		{ "pid", 1, NULL, 'p' },
		{ "monitoring", 1, NULL, 'o' },
		{ "edits", 1, NULL, 'e' },
		{ "quiet-ms", 1, NULL, 'q' },
		{ "timeout", 1, NULL, 't' },
		{ 0 },
	};

	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (o) {
		case 's': parse_server(optarg); break;
		case 'n': b.fleet.n = (uint32_t)strtoul(optarg, NULL, 10); break;
		case 'm': b.fleet.n_namespaces = (uint32_t)strtoul(optarg, NULL, 10); break;
		case 'w': b.fleet.is_sotw = true; break;
		case 'i': b.fleet.is_distinct = true; break;
		case 'b': b.bench = optarg; break;
		case 'd': b.dir = optarg; break;
		case 'p': b.pid = (int)strtol(optarg, NULL, 10); break;
		case 'o': b.monitoring = (uint16_t)strtoul(optarg, NULL, 10); break;
		case 'e': b.n_edits = (uint32_t)strtoul(optarg, NULL, 10); break;
		case 'q': b.quiet_ns = strtoll(optarg, NULL, 10) * NS_PER_MS; break;
		case 't': b.timeout_ns = strtoll(optarg, NULL, 10) * NS_PER_S; break;
		default: exit(2);
		}
	}
	if (!b.fleet.host || !b.fleet.n || !b.fleet.n_namespaces || !b.n_edits)
		die("usage", "--server is needed, and counts of at least 1");
	if (!b.dir && (is_asked("edit") || is_asked("noop")))
		die("usage", "edit and noop need --dir");
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	raise_file_limit();
	b.f = fleet_new(&b.fleet);
	bench_sync();
	if (is_asked("edit"))
		bench_edit();
	if (is_asked("noop"))
		bench_noop();
	if (is_asked("reconnect"))
		bench_reconnect();
	fleet_free(b.f);
	return 0;
}
