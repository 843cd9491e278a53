/* Our trimmed messages can say everything that was ever recorded from istiod: each recorded resource goes from JSON to
 * a message, to bytes, back to a message and to JSON, and must come out the same. The node files likewise.
 */
#include "base/err.h"
#include "doc/read.h"
#include "help.h"
#include <glob.h>
#include <stdio.h>
#include <string.h>

enum { UNPACK_MAX = 64 << 20 };

/* Whether the JSON survives the trip through the message; says where not. */
static bool round_trip(struct arena *a, const ProtobufCMessageDescriptor *d, const struct node *n,
		       const char *path)
{
	struct diag diag = DIAG_INIT;
	struct err e = ERR_INIT;
	ProtobufCMessage *msg = pb_from_json(a, d, n, 0, &diag);
	ProtobufCBinaryData bytes;
	const char *text;
	bool ok;

	for (uint32_t i = 0; i < diag.n; i++)
		printf("%s:%u: %s: %s\n", path, diag.v[i].place.line, diag.v[i].path,
		       diag.v[i].reason);
	diag_fini(&diag);
	if (!msg)
		return false;
	bytes = pb_pack(a, msg);
	msg = pb_unpack(a, d, bytes.data, bytes.len, UNPACK_MAX, &e);
	if (!msg) {
		printf("%s: %s\n", path, e.text);
		return false;
	}
	text = to_json(a, msg);
	ok = node_equal(n, json(a, text));
	if (!ok)
		printf("%s: %s comes out as\n%s\n", path, str_or(node_str(n, "name"), "it"), text);
	return ok;
}

static void check_file(const char *path, const ProtobufCMessageDescriptor *d, unsigned *n_checked)
{
	struct arena a = ARENA_INIT;
	struct diag diag = DIAG_INIT;
	size_t len;
	const char *text = slurp(&a, path, &len);
	const struct node *n = text ? json_read(text, len, path, &a, &diag) : NULL;

	diag_fini(&diag);
	if (!CHECK(n)) {
		printf("\t%s\n", path);
	} else if (n->type == NODE_SEQ) {
		for (uint32_t i = 0; i < n->n; i++) {
			CHECK(round_trip(&a, d, n->seq[i], path));
			++*n_checked;
		}
	} else {
		CHECK(round_trip(&a, d, n, path));
		++*n_checked;
	}
	arena_fini(&a);
}

TEST(every_recorded_resource_survives)
{
	static const struct {
		const char *pattern, *type;
		unsigned at_least; /* guards against patterns that find nothing */
	} rows[] = {
		{ "expected/*/clusters.json", "envoy.config.cluster.v3.Cluster", 1000 },
		{ "expected/*/listeners.json", "envoy.config.listener.v3.Listener", 700 },
		{ "expected/*/routes.json", "envoy.config.route.v3.RouteConfiguration", 200 },
		{ "expected/*/endpoints.json", "envoy.config.endpoint.v3.ClusterLoadAssignment",
		  200 },
		{ "expected/*/secrets.json", "envoy.extensions.transport_sockets.tls.v3.Secret",
		  5 },
		{ "expected/*/extensions.json", "envoy.config.core.v3.TypedExtensionConfig", 4 },
		{ "expected/*/nametable.json", "istio.networking.nds.v1.NameTable", 100 },
		{ "proxies/*.json", "envoy.config.core.v3.Node", 200 },
	};
	const char *dir = shared_dir();

	if (!dir) {
		test_skip("no recorded answers here");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char pattern[256];
		unsigned n = 0;
		glob_t g;

		snprintf(pattern, sizeof pattern, "%s/oracle/*/*/%s", dir, rows[i].pattern);
		if (!glob(pattern, 0, NULL, &g)) {
			for (size_t k = 0; k < g.gl_pathc; k++)
				check_file(g.gl_pathv[k], pb_type_by_name(rows[i].type)->desc, &n);
			globfree(&g);
		}
		if (!CHECK(n >= rows[i].at_least))
			printf("\t%s: %u\n", pattern, n);
	}
}

/* What a stock Envoy 1.40 sends first. */
TEST(first_request_of_a_stock_envoy)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	char path[256];
	size_t len;
	const char *bytes = NULL;
	Discovery__DeltaDiscoveryRequest *r;

	if (shared_dir()) {
		snprintf(path, sizeof path, "%s/spec/stock-envoy-1.40-first-request.bin",
			 shared_dir());
		bytes = slurp(&a, path, &len);
	}
	if (!bytes) {
		test_skip("no recorded request here");
		return;
	}
	r = PB_UNPACK(&a, Discovery__DeltaDiscoveryRequest, bytes, len, 4 << 20, &e);
	if (CHECK(r && r->node)) {
		CHECK_INT(r->node->n_extensions, 516);
		CHECK_STR(r->node->user_agent_name, "envoy");
		/* Nothing in it is unknown to us: the same bytes come out again. */
		ProtobufCBinaryData again = PB_PACK(&a, r);
		CHECK_INT(again.len, len);
	} else {
		printf("\t%s\n", e.text);
	}
	arena_fini(&a);
}
