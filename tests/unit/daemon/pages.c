/* The pages of a daemon that has read a few objects and has no proxies: status, content type and what it all says. */
#include "daemon/pages.h"
#include "base/clock.h"
#include "cli/load.h"
#include "daemon/connection.h"
#include "daemon/model_thread.h"
#include "doc/read.h"
#include "fetch/fetch.h"
#include "http/http.h"
#include "source/batch.h"
#include "test.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bed {
	struct model_thread *model;
	struct connections *connections;
	struct pages *pages;
	uint16_t http, monitoring;
};

static bool start(struct bed *b, const char *http, const char *monitoring)
{
	struct model_options_run o = { 0 };
	struct err e = ERR_INIT;

	load_environment(NULL, NULL, NULL);
	b->model = model_thread_new(&o);
	b->connections = connections_new(b->model, model_thread_cache(b->model));
	if (!CHECK(model_thread_start(b->model, &e)) ||
	    !CHECK(pages_start(&(struct pages_options){ http, monitoring }, b->model,
			       b->connections, &b->pages, &e)))
		return false;
	b->http = pages_port(b->pages, 0);
	b->monitoring = pages_port(b->pages, 1);
	return true;
}

static void stop(struct bed *b)
{
	pages_stop(b->pages);
	model_thread_stop(b->model);
	model_thread_free(b->model);
	connections_free(b->connections);
}

/* As a source would: the objects that are in order, and the problems of the others. */
static void put(struct bed *b, const char *yaml)
{
	struct source_batch *batch = source_batch_new();
	struct diag diag = DIAG_INIT;
	struct docs docs = { 0 };
	struct arena a = ARENA_INIT;

	diag_init(&diag);
	yaml_read(yaml, strlen(yaml), "mesh/x.yaml", &a, &docs, &diag);
	for (uint32_t i = 0; i < docs.n; i++) {
		const struct object *o;

		if (object_decode(docs.v[i], &(struct decode_opts){ 0 }, &o, &diag) == DECODE_OK)
			*ARENA_PUSH(&batch->arena, batch->puts, batch->n_puts, batch->c_puts) = o;
	}
	for (uint32_t i = 0; i < diag.n; i++) {
		struct source_problem p = {
			.problem = diag.v[i], .since_ns = 1500 * NS_PER_MS, .kind = "", .name = ""
		};

		p.problem.place.file = "mesh/x.yaml";
		p.problem.object = arena_strdup(&batch->arena, p.problem.object);
		p.problem.path = arena_strdup(&batch->arena, p.problem.path);
		p.problem.reason = arena_strdup(&batch->arena, p.problem.reason);
		*ARENA_PUSH(&batch->arena, batch->problems, batch->n_problems, batch->c_problems) =
			p;
	}
	batch->synced = true;
	model_post_batch(b->model, batch);
	diag_fini(&diag);
	arena_fini(&a);
}

/* "STATUS TYPE BODY" */
static const char *get_from(const char *ip, uint16_t port, const char *path, const char *accept)
{
	static char *text;
	char *url = xasprintf("http://%s:%u%s", ip, port, path);
	struct fetch_options o = { .url = url,
				   .headers = (const char *const[]){ accept, NULL },
				   .timeout_ns = 20 * NS_PER_S };
	struct fetch_response r;
	struct err e = ERR_INIT;

	xfree(text);
	text = NULL;
	if (fetch_get(&o, &r, &e)) {
		text = xasprintf("%u %s %s", r.status,
				 str_or(fetch_header(&r, "content-type"), "-"), buf_str(&r.body));
		fetch_response_fini(&r);
	} else {
		text = xstrdup(e.text);
	}
	xfree(url);
	return text;
}

static const char *get(uint16_t port, const char *path)
{
	return get_from("127.0.0.1", port, path, NULL);
}

static const char mesh[] =
	"apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: shop, labels: {l: v}}\n"
	"spec: {clusterIP: 10.96.0.1, selector: {app: a}, ports: [{name: http, port: 80}, {name: "
	"grpc-x, port: 81}]}\n"
	"---\n"
	"apiVersion: v1\nkind: Secret\nmetadata: {name: hidden, namespace: shop}\ndata: {k: "
	"c2VjcmV0}\n"
	"---\n"
	"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: e, namespace: "
	"shop}\n"
	"spec: {hosts: [e.example.com], location: MESH_EXTERNAL, resolution: STATIC, exportTo: "
	"['.'],\n"
	" ports: [{number: 443, name: tls, protocol: TLS}], endpoints: [{address: 192.0.2.1}]}\n"
	"---\n"
	"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: bad, "
	"namespace: shop}\n"
	"spec: {hosts: 7}\n";

TEST(ready_when_synced)
{
	struct bed b = { 0 };

	if (!start(&b, "127.0.0.1:0", "127.0.0.1:0"))
		return;
	CHECK_STR(get(b.http, "/ready"), "503 - ");
	put(&b, mesh);
	for (int i = 0; i < 500 && !model_is_synced(b.model); i++)
		usleep(10000);
	CHECK_STR(get(b.http, "/ready"), "200 - ");
	CHECK(str_starts(get(b.monitoring, "/ready"), "404 "));
	stop(&b);
}

TEST(which_page_where)
{
	static const struct {
		const char *path, *http, *monitoring;
	} rows[] = {
		{ "/version", "200 text/plain; charset=utf-8 1.32.0-mainsheet.",
		  "200 text/plain; charset=utf-8 1.32.0-mainsheet." },
		{ "/metrics", "404 ", "200 text/plain; version=0.0.4; charset=utf-8 # HELP " },
		{ "/debug", "200 text/html; charset=utf-8 <!DOCTYPE html>",
		  "200 text/html; charset=utf-8 <!DOCTYPE html>" },
		{ "/debug/list", "200 application/json [\"adsz\",\"config_dump\",",
		  "200 application/json [\"adsz\",\"config_dump\"," },
		{ "/debug/syncz", "200 application/json []", "200 application/json []" },
		{ "/debug/connections", "200 application/json {\"totalClients\":0,\"clients\":[]}",
		  "200 application/json {\"totalClients\":0," },
		{ "/debug/verify", "200 application/json {\"equal\":true}",
		  "200 application/json {\"equal\":true}" },
		{ "/debug/config_dump", "400 text/plain; charset=utf-8 You must provide a proxyID",
		  "400 " },
		{ "/debug/edsz?proxyID=", "400 ", "400 " },
		{ "/debug/ndsz?proxyID=x.y",
		  "404 text/plain; charset=utf-8 Proxy not connected to this Pilot instance. ",
		  "404 " },
		{ "/debug/adsz?push=true", "501 ", "501 " },
		{ "/debug/explain", "400 text/plain; charset=utf-8 resource= is needed", "400 " },
		{ "/debug/explain?resource=cluster/x", "400 ", "400 " },
		{ "/debug/explain?resource=cluster/x&proxyID=x.y", "404 ", "404 " },
		{ "/debug/impact", "400 text/plain; charset=utf-8 object=: ", "400 " },
		{ "/debug/impact?object=Servic/shop/a", "400 ", "400 " },
		{ "/debug/impact?object=Service/shop/none",
		  "404 text/plain; charset=utf-8 Service/shop/none: there is no such object\n",
		  "404 " },
		{ "/debug/impact?object=Service/shop/a", "200 text/plain; charset=utf-8 ", "200 " },
		{ "/debug/nosuch", "404 text/plain; charset=utf-8 404 page not found\n", "404 " },
		{ "/debug/pprof/", "404 ", "404 " },
		{ "/", "404 ", "404 " },
	};
	struct bed b = { 0 };

	if (!start(&b, "127.0.0.1:0", "127.0.0.1:0"))
		return;
	put(&b, mesh);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!CHECK(str_starts(get(b.http, rows[i].path), rows[i].http)))
			printf("\t%s: %s\n", rows[i].path, get(b.http, rows[i].path));
		if (!CHECK(str_starts(get(b.monitoring, rows[i].path), rows[i].monitoring)))
			printf("\t%s: %s\n", rows[i].path, get(b.monitoring, rows[i].path));
	}
	stop(&b);
}

TEST(without_monitoring_all_is_on_one_address)
{
	struct bed b = { 0 };

	if (!start(&b, "127.0.0.1:0", ""))
		return;
	CHECK(str_starts(get(b.http, "/metrics"), "200 "));
	CHECK(str_starts(get(b.http, "/ready"), "503 "));
	CHECK(str_starts(get(b.http, "/version"), "200 "));
	CHECK(str_starts(get(b.http, "/debug/syncz"), "200 "));
	stop(&b);
}

TEST(objects)
{
	struct bed b = { 0 };
	const char *text;

	if (!start(&b, "127.0.0.1:0", "127.0.0.1:0"))
		return;
	put(&b, mesh);
	text = get(b.http, "/debug/configz");
	CHECK(str_starts(text,
			 "200 application/json [{\"apiVersion\":\"v1\",\"kind\":\"Service\","));
	CHECK(strstr(text,
		     ",{\"apiVersion\":\"networking.istio.io/v1\",\"kind\":\"ServiceEntry\","));
	CHECK(!strstr(text, "Secret") && !strstr(text, "c2VjcmV0"));
	CHECK(str_ends(text, "]"));
	text = get(b.http, "/debug/configz?pretty");
	CHECK(strstr(text, "[\n  {\n    \"apiVersion\": \"v1\",\n    \"kind\": \"Service\",\n"));
	text = get(b.http, "/debug/mesh");
	CHECK(str_starts(text, "200 application/json {"));
	CHECK(strstr(text, "\"trustDomain\":\"cluster.local\""));
	CHECK_STR(get(b.http, "/debug/registryz"),
		  "200 application/json [{\"Attributes\":{\"ServiceRegistry\":\"Kubernetes\","
		  "\"Name\":\"a\",\"Namespace\":\"shop\",\"Labels\":{\"l\":\"v\"},\"ExportTo\":{},"
		  "\"LabelSelectors\":{\"app\":\"a\"},\"NodeLocal\":false,"
		  "\"TrafficDistribution\":0,\"ObjectName\":\"a\","
		  "\"PublishNotReadyAddresses\":false},\"ports\":[{\"name\":\"http\",\"port\":80,"
		  "\"protocol\":\"HTTP\"},{\"name\":\"grpc-x\",\"port\":81,\"protocol\":\"GRPC\"}],"
		  "\"hostname\":\"a.shop.svc.cluster.local\",\"defaultAddress\":\"10.96.0.1\","
		  "\"clusterVIPs\":{\"Addresses\":{\"Kubernetes\":[\"10.96.0.1\"]}},"
		  "\"Resolution\":0,\"MeshExternal\":false,\"ResourceVersion\":\"\"},"
		  "{\"Attributes\":{\"ServiceRegistry\":\"External\",\"Name\":\"e.example.com\","
		  "\"Namespace\":\"shop\",\"ExportTo\":{\".\":{}},\"NodeLocal\":false,"
		  "\"TrafficDistribution\":0,\"ObjectName\":\"e\","
		  "\"PublishNotReadyAddresses\":false},\"ports\":[{\"name\":\"tls\",\"port\":443,"
		  "\"protocol\":\"TLS\"}],\"hostname\":\"e.example.com\","
		  "\"defaultAddress\":\"0.0.0.0\",\"clusterVIPs\":{\"Addresses\":{}},"
		  "\"Resolution\":0,\"MeshExternal\":true,\"ResourceVersion\":\"\"}]");
	text = get(b.http, "/debug/endpointz");
	CHECK(str_starts(text, "200 application/json {\"e.example.com\":{\"shop\":{\"Shards\":"
			       "{\"External/Kubernetes\":[{"));
	CHECK(strstr(text, "\"Addresses\":[\"192.0.2.1\"]"));
	stop(&b);
}

TEST(problems)
{
	struct bed b = { 0 };

	if (!start(&b, "127.0.0.1:0", "127.0.0.1:0"))
		return;
	CHECK_STR(get(b.http, "/debug/configz?problems"), "200 application/json []");
	CHECK_STR(get(b.http, "/debug/push_status"), "200 application/json {}");
	put(&b, mesh);
	CHECK_STR(get(b.http, "/debug/configz?problems"),
		  "200 application/json [{\"severity\":\"error\","
		  "\"object\":\"VirtualService shop/bad\",\"file\":\"mesh/x.yaml\",\"line\":20,"
		  "\"column\":15,\"path\":\"spec.hosts\","
		  "\"reason\":\"must be a list, not integer 7\","
		  "\"since\":\"1970-01-01T00:00:01.5Z\",\"inForce\":false}]");
	CHECK_STR(get(b.http, "/debug/push_status"),
		  "200 application/json {\"mainsheet_config_problems\":"
		  "{\"mesh/x.yaml:20:15 VirtualService shop/bad spec.hosts\":"
		  "{\"proxy\":\"\",\"message\":\"must be a list, not integer 7\"}}}");
	stop(&b);
}

TEST(proxy_status)
{
	static const char table[] = "200 text/plain; charset=utf-8 NAME   CLUSTER   ISTIOD   "
				    "VERSION   CDS   LDS   EDS   RDS\n";
	struct bed b = { 0 };

	if (!start(&b, "127.0.0.1:0", "127.0.0.1:0"))
		return;
	CHECK_STR(get(b.http, "/proxy-status"), table);
	CHECK_STR(get_from("127.0.0.1", b.http, "/proxy-status", "Accept: text/plain"), table);
	CHECK_STR(get_from("127.0.0.1", b.http, "/proxy-status",
			   "Accept: text/html,application/json;q=0.9,*/*;q=0.9"),
		  table);
	CHECK_STR(get_from("127.0.0.1", b.http, "/proxy-status", "Accept: application/json"),
		  "200 application/json []");
	CHECK(str_starts(get(b.http, "/proxy-status?proxyID=nobody"), "404 "));
	stop(&b);
}

/* An address of this host that is none of the loopback's, if it has one. */
static bool own_address(char ret[INET_ADDRSTRLEN])
{
	struct ifaddrs *all, *i;
	bool found = false;

	if (getifaddrs(&all))
		return false;
	for (i = all; i && !found; i = i->ifa_next) {
		const struct sockaddr_in *v4 = (const void *)i->ifa_addr;

		if (!v4 || v4->sin_family != AF_INET || ntohl(v4->sin_addr.s_addr) >> 24 == 127)
			continue;
		found = inet_ntop(AF_INET, &v4->sin_addr, ret, INET_ADDRSTRLEN) != NULL;
	}
	freeifaddrs(all);
	return found;
}

TEST(others_than_loopback)
{
	static const struct {
		const char *path, *status;
	} rows[] = {
		{ "/ready", "503 - " },         { "/version", "200 " },
		{ "/debug", "200 " },           { "/proxy-status", "401 - " },
		{ "/debug/syncz", "401 - " },   { "/debug/list", "401 - " },
		{ "/debug/configz", "401 - " }, { "/debug/verify", "401 - " },
	};
	struct bed b = { 0 };
	char ip[INET_ADDRSTRLEN];

	if (!own_address(ip)) {
		test_skip("this host has no address besides the loopback's");
		return;
	}
	if (!start(&b, ":0", ":0"))
		return;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!CHECK(str_starts(get_from(ip, b.http, rows[i].path, NULL), rows[i].status)))
			printf("\t%s\n", rows[i].path);
	CHECK(str_starts(get_from(ip, b.monitoring, "/metrics", NULL), "200 "));
	CHECK(str_starts(get(b.http, "/debug/syncz"), "200 "));
	stop(&b);

	setenv("ENABLE_DEBUG_ENDPOINT_AUTH", "false", 1);
	setenv("METRICS_LOCALHOST_ACCESS_ONLY", "true", 1);
	if (start(&b, ":0", ":0")) {
		CHECK(str_starts(get_from(ip, b.http, "/debug/syncz", NULL), "200 "));
		CHECK(str_starts(get_from(ip, b.monitoring, "/metrics", NULL), "403 "));
		CHECK(str_starts(get(b.monitoring, "/metrics"), "200 "));
		stop(&b);
	}
	unsetenv("ENABLE_DEBUG_ENDPOINT_AUTH");
	unsetenv("METRICS_LOCALHOST_ACCESS_ONLY");
}

TEST(debug_pages_off)
{
	struct bed b = { 0 };

	setenv("ENABLE_DEBUG_ON_HTTP", "false", 1);
	if (start(&b, "127.0.0.1:0", "127.0.0.1:0")) {
		CHECK(str_starts(get(b.http, "/debug/syncz"), "404 "));
		CHECK(str_starts(get(b.http, "/debug"), "404 "));
		CHECK(str_starts(get(b.http, "/proxy-status"), "200 "));
		CHECK(str_starts(get(b.monitoring, "/metrics"), "200 "));
		stop(&b);
	}
	unsetenv("ENABLE_DEBUG_ON_HTTP");
}

/* The model thread ends before the pages do: they say so, and end. */
TEST(model_has_stopped)
{
	static const char *const paths[] = {
		"/proxy-status", "/debug/configz",     "/debug/configz?problems",
		"/debug/mesh",   "/debug/registryz",   "/debug/endpointz",
		"/debug/verify", "/debug/push_status", "/debug/impact?object=Service/shop/a"
	};
	struct bed b = { 0 };

	if (!start(&b, "127.0.0.1:0", "127.0.0.1:0"))
		return;
	model_thread_stop(b.model);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		CHECK_STR(get(b.http, paths[i]),
			  "503 text/plain; charset=utf-8 the daemon is ending\n");
	stop(&b);
}
