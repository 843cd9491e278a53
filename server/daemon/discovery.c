/* `mainsheet discovery`: flags and environment of istiod's pilot-discovery, and the wiring of all rooms.
 *
 *	source thread  -> model thread -> (snapshots) -> gRPC threads
 *	HTTP threads ask the model thread and the connections
 */
#include "daemon/discovery.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/flags.h"
#include "cli/load.h"
#include "daemon/connection.h"
#include "daemon/files.h"
#include "daemon/metrics.h"
#include "daemon/model_thread.h"
#include "daemon/pages.h"
#include "http/http.h"
#include "model/options.h"
#include "schema/schema.h"
#include "source/dir.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { TICK_MS = 50, HOUSEKEEPING_MS = 2000 };

struct discovery {
	/* flags */
	const char *config_dir, *mesh_config, *networks_config, *domain, *cluster_id, *ns;
	const char *grpc_addr, *secure_grpc_addr, *http_addr, *https_addr, *monitoring_addr,
		*log_level;
	const char *kubeconfig;
	int64_t shutdown_ns, keepalive_ns, keepalive_timeout_ns, max_age_ns;
	bool log_as_json, profile, help;
	struct flag_list registries;
	/* accepted without effect */
	const char *ignored;
	bool ignored_bool;
	/* parts */
	struct model_options model_options;
	struct model_thread *model;
	struct connections *connections;
	struct rpc_server *rpc;
	struct dir_source *source;
	struct files *files;
	struct pages *pages;
};

/* ---- flags ---- */

enum { N_FLAGS = 40 };

static size_t make_flags(struct discovery *d, struct flag *f)
{
	const struct flag rows[] = {
		{ "configDir", 0, FLAG_STRING, &d->config_dir, "DIR",
		  "directory of YAML to read and watch" },
		{ "meshConfig", 0, FLAG_STRING, &d->mesh_config, "FILE",
		  "mesh config (./etc/istio/config/mesh)" },
		{ "networksConfig", 0, FLAG_STRING, &d->networks_config, "FILE",
		  "mesh networks (./etc/istio/config/meshNetworks)" },
		{ "domain", 0, FLAG_STRING, &d->domain, "SUFFIX", "DNS suffix (cluster.local)" },
		{ "clusterID", 0, FLAG_STRING, &d->cluster_id, "ID",
		  "own cluster id (Kubernetes)" },
		{ "namespace", 'n', FLAG_STRING, &d->ns, "NS", "own namespace (istio-system)" },
		{ "grpcAddr", 0, FLAG_STRING, &d->grpc_addr, "ADDR",
		  "xDS in plain text (:15010); empty: not served" },
		{ "httpAddr", 0, FLAG_STRING, &d->http_addr, "ADDR",
		  "readiness and debug pages (:8080)" },
		{ "monitoringAddr", 0, FLAG_STRING, &d->monitoring_addr, "ADDR",
		  "metrics and debug pages (:15014)" },
		{ "shutdownDuration", 0, FLAG_DURATION, &d->shutdown_ns, "DURATION",
		  "time to drain at the end (10s)" },
		{ "keepaliveInterval", 0, FLAG_DURATION, &d->keepalive_ns, "DURATION",
		  "of silent connections (30s)" },
		{ "keepaliveTimeout", 0, FLAG_DURATION, &d->keepalive_timeout_ns, "DURATION",
		  "for the answer (10s)" },
		{ "keepaliveMaxServerConnectionAge", 0, FLAG_DURATION, &d->max_age_ns, "DURATION",
		  "after which a connection is closed (never)" },
		{ "log_output_level", 0, FLAG_STRING, &d->log_level, "LEVELS",
		  "scope:level list; the scope default or all counts (default:info)" },
		{ "log_as_json", 0, FLAG_BOOL, &d->log_as_json, NULL, "log JSON lines" },
		{ "registries", 0, FLAG_LIST, &d->registries, NULL, NULL },
		{ "kubeconfig", 0, FLAG_STRING, &d->kubeconfig, NULL, NULL },
		{ "secureGRPCAddr", 0, FLAG_STRING, &d->secure_grpc_addr, NULL, NULL },
		{ "httpsAddr", 0, FLAG_STRING, &d->https_addr, NULL, NULL },
		{ "profile", 0, FLAG_BOOL, &d->profile, NULL, NULL },
		{ "help", 'h', FLAG_BOOL, &d->help, NULL, "this text" },
	};
	static const char *const strings[] = {
		"clusterRegistriesNamespace",
		"cniNamespace",
		"clusterAliases",
		"caCertFile",
		"tlsCertFile",
		"tlsKeyFile",
		"tls-cipher-suites",
		"tls-min-version",
		"kubernetesApiQPS",
		"kubernetesApiBurst",
		"ctrlz_port",
		"ctrlz_address",
		"log_target",
		"log_stacktrace_level",
		"log_caller",
		"vklog",
	};
	size_t n = ARRAY_LEN(rows);

	memcpy(f, rows, sizeof rows);
	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		f[n++] = (struct flag){ strings[i], 0, FLAG_STRING, &d->ignored, NULL, NULL };
	return n;
}

static const struct {
	const char *name;
	enum log_level level;
} levels[] = {
	{ "debug", LOG_LEVEL_DEBUG }, { "info", LOG_LEVEL_INFO }, { "warn", LOG_LEVEL_WARN },
	{ "error", LOG_LEVEL_ERROR }, { "none", LOG_LEVEL_NONE },
};

/* "default:info,ads:debug" or "debug". Scopes other than default and all have no level of their own here. */
static bool set_log_level(const char *text, struct err *e)
{
	char *copy = xstrdup(text), *save = NULL;
	bool ok = true;

	for (char *t = strtok_r(copy, ",", &save); t && ok; t = strtok_r(NULL, ",", &save)) {
		char *colon = strchr(t, ':');
		const char *level = colon ? colon + 1 : t;
		size_t i = 0;

		while (i < ARRAY_LEN(levels) && !str_eq(levels[i].name, level))
			i++;
		if (i == ARRAY_LEN(levels))
			ok = err(e, "--log_output_level: no such level: %s", level);
		else if (!colon || str_starts(t, "default:") || str_starts(t, "all:"))
			log_set_level(levels[i].level);
	}
	xfree(copy);
	return ok;
}

static const char *const not_supported_yet[][2] = {
	{ "secureGRPCAddr", "TLS is not served yet" },
	{ "httpsAddr", "webhooks are not served yet" },
	{ "kubeconfig", "a Kubernetes API server is not read yet" },
};

static void report_unsupported(const struct discovery *d)
{
	const char *const values[] = { d->secure_grpc_addr, d->https_addr, d->kubeconfig };

	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		if (!str_empty(values[i]))
			log_warn("flag has no effect", "flag", not_supported_yet[i][0], "reason",
				 not_supported_yet[i][1]);
}

/* ---- environment ---- */

static int64_t env_duration(const char *name)
{
	const char *s = getenv(name);
	int64_t v;

	if (!s)
		return 0;
	if (duration_parse(s, &v))
		return v;
	log_warn("environment variable is no duration", "name", name, "value", s);
	return 0;
}

/* Neither negative nor absurd; 0 when it is not set. */
static double env_number(const char *name)
{
	const char *s = getenv(name);
	char *end;
	double v;

	if (str_empty(s))
		return 0;
	v = strtod(s, &end);
	if (!*end && v >= 0 && v <= INT32_MAX)
		return v;
	log_warn("environment variable is no number", "name", name, "value", s);
	return 0;
}

static void model_settings(struct model_options_run *o)
{
	*o = (struct model_options_run){ .debounce_after_ns = env_duration("PILOT_DEBOUNCE_AFTER"),
					 .debounce_max_ns = env_duration("PILOT_DEBOUNCE_MAX"),
					 .max_joins_per_second =
						 env_number("PILOT_MAX_REQUESTS_PER_SECOND") };
}

/* ---- life ---- */

static bool start_rpc(struct discovery *d, struct err *e)
{
	struct rpc_listener listener = { .address = d->grpc_addr };
	int64_t age_ms = MIN(d->max_age_ns / NS_PER_MS, (int64_t)INT32_MAX); /* beyond: never */
	struct rpc_options o = { .listeners = &listener,
				 .n_listeners = 1,
				 .keepalive_ms = (uint32_t)(d->keepalive_ns / NS_PER_MS),
				 .keepalive_timeout_ms =
					 (uint32_t)(d->keepalive_timeout_ns / NS_PER_MS),
				 .max_connection_age_ms = (uint32_t)age_ms,
				 .large_slots = (uint32_t)env_number("PILOT_PUSH_THROTTLE") };

	if (str_empty(d->grpc_addr))
		return true;
	o.methods = connections_methods(d->connections, &o.n_methods);
	if (!rpc_server_new(&o, &d->rpc, e))
		return false;
	rpc_server_start(d->rpc);
	log_info("serving xDS", "port", LOG_FMT("%d", rpc_server_port(d->rpc, 0)));
	return true;
}

static void on_batch(void *ctx, struct source_batch *b)
{
	model_post_batch(ctx, b);
}

static bool start_source(struct discovery *d, struct err *e)
{
	struct dir_options o = { .path = d->config_dir };

	return dir_source_new(&o, &d->source, e) &&
	       dir_source_start(d->source, on_batch, d->model, e);
}

/* Everything up, in the order of surface.md 1.3: the model, its sources, then those who serve. */
static bool start(struct discovery *d, struct err *e)
{
	struct model_options_run o;

	model_settings(&o);
	d->model = model_thread_new(&o);
	d->connections = connections_new(d->model, model_thread_cache(d->model));
	return model_thread_start(d->model, e) &&
	       files_start(&(struct files_options){ d->mesh_config, d->networks_config }, d->model,
			   &d->files, e) &&
	       start_source(d, e) && start_rpc(d, e) &&
	       pages_start(&(struct pages_options){ d->http_addr, d->monitoring_addr }, d->model,
			   d->connections, &d->pages, e);
}

static void stop(struct discovery *d)
{
	bool clean = true;

	if (d->rpc) {
		rpc_server_drain(d->rpc, (uint32_t)(d->shutdown_ns / NS_PER_MS / 2));
		clean = rpc_server_stop(d->rpc, (uint32_t)(d->shutdown_ns / NS_PER_MS));
	}
	pages_stop(d->pages);
	dir_source_free(d->source);
	files_stop(d->files);
	if (d->model)
		model_thread_stop(d->model);
	if (!clean) {
		log_warn("some connections did not end in time");
		_exit(EXIT_CODE_OK);
	}
	rpc_server_free(d->rpc);
	model_thread_free(d->model);
	connections_free(d->connections);
}

/* Waits for a signal, and does what is due meanwhile. */
static void serve(struct discovery *d, int signals)
{
	int64_t kept = 0;

	for (;;) {
		struct pollfd p = { .fd = signals, .events = POLLIN };
		int64_t now;

		if (poll(&p, 1, TICK_MS) > 0) {
			struct signalfd_siginfo info;

			if (read(signals, &info, sizeof info) == sizeof info) {
				log_info("ending", "signal", strsignal((int)info.ssi_signo));
				return;
			}
		}
		now = clock_mono_ns();
		connections_tick(d->connections, now);
		files_tick(d->files, now);
		if (now - kept >= HOUSEKEEPING_MS * NS_PER_MS) {
			if (d->rpc)
				rpc_housekeeping(d->rpc);
			kept = now;
		}
	}
}

static int run_daemon(struct discovery *d)
{
	struct err e = ERR_INIT;
	sigset_t set;
	int signals, code = EXIT_CODE_OK;

	/* Blocked before there is any thread, so that all inherit it. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	rpc_init();
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	log_set_json(d->log_as_json);
	load_environment(d->domain, d->cluster_id, d->ns);
	metrics_register();
	report_unsupported(d);
	if (start(d, &e)) {
		serve(d, signals);
	} else {
		log_error("cannot start", "reason", e.text);
		d->shutdown_ns = 0;
		code = EXIT_CODE_PROBLEMS;
	}
	stop(d);
	close(signals);
	return code;
}

static int run(const struct command *c, int argc, char **argv)
{
	struct discovery d = { .grpc_addr = ":15010",
			       .http_addr = ":8080",
			       .monitoring_addr = ":15014",
			       .mesh_config = "./etc/istio/config/mesh",
			       .networks_config = "./etc/istio/config/meshNetworks",
			       .shutdown_ns = 10 * NS_PER_S };
	struct flag flags[N_FLAGS];
	size_t n = make_flags(&d, flags);
	struct err e = ERR_INIT;
	int first, code;

	if (!flags_parse(flags, n, argc, argv, &first, &e))
		code = command_usage(c, e.text);
	else if (d.help)
		code = command_help(c, flags, n);
	else if (first < argc)
		code = command_usage(c, "unexpected argument");
	else if (str_empty(d.config_dir))
		code = command_usage(
			c, "--configDir is needed: a Kubernetes API server is not read yet");
	else if (d.log_level && !set_log_level(d.log_level, &e))
		code = command_usage(c, e.text);
	else
		code = run_daemon(&d);
	xfree(d.registries.v);
	return code;
}

const struct command command_discovery = {
	.name = "discovery",
	.arguments = "--configDir DIR [flags]",
	.summary = "Runs the control plane.",
	.details = "Takes the flags and environment variables of istiod's pilot-discovery. Flags "
		   "that are accepted\n"
		   "without effect are not listed.\n\nExit codes: 0 ended by a signal; 1 could not "
		   "start; 2 usage.",
	.run = run,
};
