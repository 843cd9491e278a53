/* Pages about connections, from plain values to exact text. */
#include "http/client.h"
#include "base/clock.h"
#include "doc/write.h"
#include "test.h"
#include <string.h>

#define CDS_URL "type.googleapis.com/envoy.config.cluster.v3.Cluster"
#define RDS_URL "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"

#define AT(s) ((1000 + INT64_C(s)) * NS_PER_S)

static struct client_type synced(void)
{
	return (struct client_type){ .name = "CDS",
				     .url = CDS_URL,
				     .field = "cluster",
				     .state = "SYNCED",
				     .is_in_order = true,
				     .version = "aaaaaaaaaaaaaaaa",
				     .acked_version = "aaaaaaaaaaaaaaaa",
				     .sent_nonce = "1-2",
				     .acked_nonce = "1-2",
				     .sent_ns = AT(1),
				     .acked_ns = AT(2) };
}

static const struct client_object objects[] = {
	{ "VirtualService shop/reviews", { "mesh/reviews.yaml", 12, 1 } },
	{ "Service shop/reviews", { "mesh/\x1b[31mservices.yaml", 3, 1 } },
	{ "Service shop/nofile", { NULL, 0, 0 } },
};
static const struct client_resource resources[] = { { "80", objects, 3, 0 },
						    { "90\n", objects, 1, 7 },
						    { "unknown", NULL, 0, 0 } };
static const char *const watched[] = { "80", "90" };

static struct client_type rejected(void)
{
	return (struct client_type){ .name = "RDS",
				     .url = RDS_URL,
				     .field = "route",
				     .state = "NACK",
				     .version = "bbbbbbbbbbbbbbbb",
				     .acked_version = "",
				     .sent_nonce = "1-3",
				     .acked_nonce = "",
				     .sent_ns = AT(3),
				     .names = watched,
				     .n_names = 2,
				     .error = "bad\nroute\x1b[2J ",
				     .error_version = "bbbbbbbbbbbbbbbb",
				     .error_ns = AT(4),
				     .resources = resources,
				     .n_resources = 3 };
}

static struct client_type stale(bool acked)
{
	struct client_type t = synced();

	t.name = "EDS";
	t.url = "x/EDS";
	t.field = "endpoint";
	t.state = "STALE";
	t.is_in_order = false;
	t.version = "cccccccccccccccc";
	t.sent_ns = AT(9);
	if (!acked) {
		t.acked_nonce = t.acked_version = "";
		t.acked_ns = 0;
	}
	return t;
}

static struct client client(const struct client_type *types, uint32_t n)
{
	return (struct client){ .id = "web-1.shop-7",
				.proxy = "web-1.shop",
				.kind = "sidecar",
				.cluster = "Kubernetes",
				.version = "1.32.0",
				.peer = "10.0.0.9:4321",
				.ns = "shop",
				.connected_ns = AT(0),
				.types = types,
				.n_types = n };
}

static struct client_view view(const struct client *v, uint32_t n)
{
	return (struct client_view){
		.now_ns = AT(70), .istiod = "istiod-0", .clients = v, .n_clients = n
	};
}

static void check_text(const struct client_view *v, const char *expected)
{
	struct buf b = BUF_INIT;

	client_status_text(&b, v);
	CHECK_STR(buf_str(&b), expected);
	buf_fini(&b);
}

typedef void json_fn(struct json *, const struct client_view *);
static void check_json(json_fn *fn, const struct client_view *v, const char *expected)
{
	struct buf b = BUF_INIT;
	struct json j;

	json_init(&j, &b, false);
	fn(&j, v);
	CHECK_STR(buf_str(&b), expected);
	buf_fini(&b);
}

static void short_list(struct json *j, const struct client_view *v)
{
	client_connections(j, v, false);
}

static void full_list(struct json *j, const struct client_view *v)
{
	client_connections(j, v, true);
}

TEST(nobody)
{
	struct client_view v = view(NULL, 0);

	check_text(&v, "NAME   CLUSTER   ISTIOD   VERSION   CDS   LDS   EDS   RDS\n");
	check_json(client_status_json, &v, "[]");
	check_json(client_syncz, &v, "[]");
	check_json(short_list, &v, "{\"totalClients\":0,\"clients\":[]}");
}

TEST(in_order)
{
	struct client_type types[] = { synced() };
	struct client clients[] = { client(types, 1) };
	struct client_view v = view(clients, 1);

	CHECK(client_is_in_order(&clients[0]));
	check_text(&v, "NAME         CLUSTER      ISTIOD     VERSION   CDS      LDS        EDS     "
		       "   RDS\n"
		       "web-1.shop   Kubernetes   istiod-0   1.32.0    SYNCED   NOT SENT   NOT "
		       "SENT   NOT SENT\n");
}

TEST(rejected)
{
	struct client_type types[] = { synced(), rejected() };
	struct client clients[] = { client(types, 2) };
	struct client_view v = view(clients, 1);

	CHECK(!client_is_in_order(&clients[0]));
	check_text(&v, "NAME         CLUSTER      ISTIOD     VERSION   CDS      LDS        EDS     "
		       "   RDS\n"
		       "web-1.shop   Kubernetes   istiod-0   1.32.0    SYNCED   NOT SENT   NOT "
		       "SENT   NACK\n"
		       "\n"
		       "NACK web-1.shop RDS version bbbbbbbbbbbbbbbb, rejected 1m6s ago\n"
		       "  error: bad route[2J\n"
		       "  resource 80, made from:\n"
		       "    VirtualService shop/reviews (mesh/reviews.yaml:12)\n"
		       "    Service shop/reviews (mesh/[31mservices.yaml:3)\n"
		       "    Service shop/nofile\n"
		       "  resource 90 , made from:\n"
		       "    VirtualService shop/reviews (mesh/reviews.yaml:12)\n"
		       "    ... and 7 more\n"
		       "  resource unknown\n");
}

TEST(rejected_for_no_reason)
{
	struct client_type types[] = { rejected() };
	struct client clients[] = { client(types, 1) };
	struct client_view v = view(clients, 1);

	types[0].error = "";
	types[0].n_resources = 0;
	check_text(&v, "NAME         CLUSTER      ISTIOD     VERSION   CDS        LDS        EDS   "
		       "     RDS\n"
		       "web-1.shop   Kubernetes   istiod-0   1.32.0    NOT SENT   NOT SENT   NOT "
		       "SENT   NACK\n"
		       "\n"
		       "NACK web-1.shop RDS version bbbbbbbbbbbbbbbb, rejected 1m6s ago\n"
		       "  error:\n");
}

TEST(stale)
{
	struct client_type some[] = { stale(true) }, none[] = { stale(false) };
	struct client clients[] = { client(some, 1), client(none, 1) };
	struct client_view v = view(clients, 2);

	check_text(
		&v,
		"NAME         CLUSTER      ISTIOD     VERSION   CDS        LDS        EDS     RDS\n"
		"web-1.shop   Kubernetes   istiod-0   1.32.0    NOT SENT   NOT SENT   STALE   NOT "
		"SENT\n"
		"web-1.shop   Kubernetes   istiod-0   1.32.0    NOT SENT   NOT SENT   STALE   NOT "
		"SENT\n"
		"\n"
		"STALE web-1.shop EDS version cccccccccccccccc, sent 1m1s ago\n"
		"  acknowledged: version aaaaaaaaaaaaaaaa, 1m8s ago\n"
		"\n"
		"STALE web-1.shop EDS version cccccccccccccccc, sent 1m1s ago\n"
		"  acknowledged: nothing yet\n");
}

TEST(lacking_and_problems)
{
	static const struct client_problem problems[] = {
		{ { SEVERITY_WARNING,
		    { "mesh/a.yaml", 3, 5 },
		    "VirtualService shop/web",
		    "spec.http[0]",
		    "subset v9 is\ndefined by nobody" },
		  0,
		  true },
		{ { SEVERITY_ERROR, { "", 0, 0 }, NULL, NULL, "why\x1b" }, AT(5), false },
	};
	struct client clients[] = { client(NULL, 0) };
	struct client_view v = view(clients, 1);

	clients[0].missing = "istio.some\nfilter";
	CHECK(!client_is_in_order(&clients[0]));
	v.problems = problems;
	v.n_problems = 2;
	check_text(&v,
		   "NAME         CLUSTER      ISTIOD     VERSION   CDS        LDS        EDS       "
		   " RDS\n"
		   "web-1.shop   Kubernetes   istiod-0   1.32.0    NOT SENT   NOT SENT   NOT SENT  "
		   " NOT SENT\n"
		   "\n"
		   "LACKING web-1.shop\n"
		   "  it is sent nothing, for it does not have the extension istio.some filter\n"
		   "\n"
		   "PROBLEMS\n"
		   "mesh/a.yaml:3:5: warning: VirtualService shop/web spec.http[0]: subset v9 is "
		   "defined by nobody\n"
		   "error: why \n");
	clients[0].problems = problems;
	clients[0].n_problems = 2;
	check_json(
		client_status_json, &v,
		"[{\"proxy\":\"web-1.shop\",\"cluster\":\"Kubernetes\",\"istiod\":\"istiod-0\","
		"\"version\":\"1.32.0\",\"peer\":\"10.0.0.9:4321\","
		"\"connectedAt\":\"1970-01-01T00:16:40Z\",\"inOrder\":false,"
		"\"missingExtension\":\"istio.some\\nfilter\",\"types\":{},\"problems\":["
		"{\"severity\":\"warning\",\"object\":\"VirtualService shop/web\","
		"\"file\":\"mesh/a.yaml\",\"line\":3,\"column\":5,\"path\":\"spec.http[0]\","
		"\"reason\":\"subset v9 is\\ndefined by nobody\",\"since\":null,\"inForce\":true},"
		"{\"severity\":\"error\",\"object\":\"\",\"file\":\"\",\"line\":0,\"column\":0,"
		"\"path\":\"\",\"reason\":\"why\\u001b\",\"since\":\"1970-01-01T00:16:45Z\","
		"\"inForce\":false}]}]");
}

TEST(status_json)
{
	struct client_type types[] = { synced(), rejected() };
	struct client clients[] = { client(types, 2) };
	struct client_view v = view(clients, 1);

	check_json(
		client_status_json, &v,
		"[{\"proxy\":\"web-1.shop\",\"cluster\":\"Kubernetes\",\"istiod\":\"istiod-0\","
		"\"version\":\"1.32.0\",\"peer\":\"10.0.0.9:4321\","
		"\"connectedAt\":\"1970-01-01T00:16:40Z\",\"inOrder\":false,"
		"\"missingExtension\":null,\"types\":{"
		"\"CDS\":{\"state\":\"SYNCED\",\"version\":\"aaaaaaaaaaaaaaaa\","
		"\"ackedVersion\":\"aaaaaaaaaaaaaaaa\",\"sent\":\"1-2\",\"acked\":\"1-2\","
		"\"sentAt\":\"1970-01-01T00:16:41Z\",\"ackedAt\":\"1970-01-01T00:16:42Z\","
		"\"age\":\"1m8s\",\"error\":null},"
		"\"RDS\":{\"state\":\"NACK\",\"version\":\"bbbbbbbbbbbbbbbb\","
		"\"ackedVersion\":\"\",\"sent\":\"1-3\",\"acked\":\"\","
		"\"sentAt\":\"1970-01-01T00:16:43Z\",\"ackedAt\":null,\"age\":\"1m6s\","
		"\"error\":\"bad\\nroute\\u001b[2J \",\"errorVersion\":\"bbbbbbbbbbbbbbbb\","
		"\"errorAt\":\"1970-01-01T00:16:44Z\",\"objects\":["
		"{\"resource\":\"80\",\"object\":\"VirtualService shop/reviews\","
		"\"file\":\"mesh/reviews.yaml\",\"line\":12},"
		"{\"resource\":\"80\",\"object\":\"Service shop/reviews\","
		"\"file\":\"mesh/\\u001b[31mservices.yaml\",\"line\":3},"
		"{\"resource\":\"80\",\"object\":\"Service shop/nofile\",\"file\":\"\",\"line\":0},"
		"{\"resource\":\"90\\n\",\"object\":\"VirtualService shop/reviews\","
		"\"file\":\"mesh/reviews.yaml\",\"line\":12}]}},\"problems\":[]}]");
}

TEST(syncz)
{
	struct client_type types[] = { synced(), rejected() };
	struct client clients[] = { client(types, 2), client(NULL, 0) };
	struct client_view v = view(clients, 2);

	types[0].field = NULL;
	types[0].error = NULL;
	clients[1].cluster = clients[1].version = "";
	check_json(
		client_syncz, &v,
		"[{\"cluster_id\":\"Kubernetes\",\"proxy\":\"web-1.shop\","
		"\"proxy_type\":\"sidecar\",\"istio_version\":\"1.32.0\",\"route_sent\":\"1-3\","
		"\"resources\":{\"" CDS_URL "\":{\"sent\":\"1-2\",\"acked\":\"1-2\","
		"\"sentTime\":\"1970-01-01T00:16:41Z\"},\"" RDS_URL "\":{\"sent\":\"1-3\","
		"\"sentTime\":\"1970-01-01T00:16:43Z\",\"lastError\":\"bad\\nroute\\u001b[2J \"}}},"
		"{\"proxy\":\"web-1.shop\",\"proxy_type\":\"sidecar\"}]");
}

TEST(connections)
{
	struct client_type types[] = { synced(), rejected() };
	struct client clients[] = { client(types, 2) };
	struct client_view v = view(clients, 1);

	check_json(short_list, &v,
		   "{\"totalClients\":1,\"clients\":[{\"connectionId\":\"web-1.shop-7\","
		   "\"connectedAt\":\"1970-01-01T00:16:40Z\",\"address\":\"10.0.0.9:4321\"}]}");
	check_json(full_list, &v,
		   "{\"totalClients\":1,\"clients\":[{\"connectionId\":\"web-1.shop-7\","
		   "\"connectedAt\":\"1970-01-01T00:16:40Z\",\"address\":\"10.0.0.9:4321\","
		   "\"metadata\":{\"CLUSTER_ID\":\"Kubernetes\",\"ISTIO_VERSION\":\"1.32.0\","
		   "\"NAMESPACE\":\"shop\"},\"watches\":{\"CDS\":[],\"RDS\":[\"80\",\"90\"]}}]}");
}

TEST(order)
{
	static const char *const fields[][4] = { { "a", "n1", "p1", "p1-1" },
						 { "a", "n1", "p1", "p1-2" },
						 { "a", "n1", "p2", "p2-0" },
						 { "a", "n2", "p0", "p0-0" },
						 { "b", "n0", "p0", "p0-0" } };
	struct client v[ARRAY_LEN(fields)];

	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		v[i] = client(NULL, 0);
		v[i].cluster = fields[i][0];
		v[i].ns = fields[i][1];
		v[i].proxy = fields[i][2];
		v[i].id = fields[i][3];
	}
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		for (size_t k = 0; k < ARRAY_LEN(v); k++) {
			int c = client_compare(&v[i], &v[k]);

			CHECK(i < k ? c < 0 : i == k ? c == 0 : c > 0);
		}
}

/* Many broken proxies and many problems: people see the first ones and how many there are. */
TEST(caps)
{
	enum { N = 150, N_PROBLEMS = 250 };
	struct client_type types[] = { stale(false) };
	static struct client clients[N];
	static struct client_problem problems[N_PROBLEMS];
	struct client_view v = view(clients, N);
	struct buf b = BUF_INIT;
	unsigned n_lines = 0;

	for (int i = 0; i < N; i++)
		clients[i] = client(types, 1);
	for (int i = 0; i < N_PROBLEMS; i++)
		problems[i].problem.reason = "x";
	v.problems = problems;
	v.n_problems = N_PROBLEMS;
	client_status_text(&b, &v);
	CHECK(strstr(buf_str(&b), "\n... and 50 more (see -o json)\n"));
	CHECK(strstr(buf_str(&b), "\n... and 50 more (see /debug/configz?problems)\n"));
	for (const char *p = buf_str(&b); *p; p++)
		n_lines += *p == '\n';
	CHECK_INT(n_lines, 1 + N + 100 * 3 + 2 + 2 + 200 + 1);
	buf_fini(&b);
}
