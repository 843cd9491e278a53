/* discoverySelectors: what is seen follows the selectors and the labels of namespaces, whichever comes first. */
#include "model/discovery.h"
#include "base/buf.h"
#include "harness.h"

#define NAMESPACE(name, labels) \
	"---\napiVersion: v1\nkind: Namespace\nmetadata: {name: " name ", labels: {" labels "}}\n"
#define SERVICE(name, ns, port) \
	"---\napiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: " ns "}\n" \
	"spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: " port "}]}\n"
#define SELECTED "discoverySelectors: [{matchLabels: {mesh: 'on'}}]\n"

static void add(void *ctx, const struct object *o)
{
	if (o->kind == KIND_SERVICE)
		buf_printf(ctx, "%s/%s ", o->ns, o->name);
}

static void count(void *ctx, const struct object *o)
{
	++*(unsigned *)ctx;
}

static unsigned hidden(struct harness *h)
{
	unsigned n = 0;

	world_each_hidden(harness_world(h), count, &n);
	return n;
}

static void seen_is(struct harness *h, const char *want, unsigned want_hidden, int line)
{
	struct buf text = BUF_INIT;

	world_each(harness_world(h), add, &text);
	test_check_str(buf_str(&text), want, __FILE__, line, "services that are seen");
	test_check_int(hidden(h), want_hidden, __FILE__, line, "objects that are not");
	buf_fini(&text);
}
#define SEEN(h, want, n_hidden) seen_is(h, want, n_hidden, __LINE__)

TEST(discovery_without_selectors)
{
	struct harness *h = harness_new(SERVICE("a", "one", "80"), NULL);

	SEEN(h, "one/a ", 0);
	harness_free(h);
}

TEST(discovery_by_labels)
{
	struct harness *h = harness_new(NAMESPACE("one", "mesh: 'on'") SERVICE("a", "one", "80")
						SERVICE("b", "two", "80") NAMESPACE("two", ""),
					SELECTED);

	SEEN(h, "one/a ", 1);
	harness_put(h, NAMESPACE("two", "mesh: 'on'"));
	SEEN(h, "one/a two/b ", 0);
	harness_put(h, NAMESPACE("one", "mesh: 'off'"));
	SEEN(h, "two/b ", 1);
	/* Edits out of sight: the newest version counts when the namespace opens again, and a deleted one is gone. */
	harness_put(h, SERVICE("a", "one", "81") SERVICE("c", "one", "80"));
	SEEN(h, "two/b ", 2);
	CHECK(!world_delete(harness_world(h), KIND_SERVICE, "one", "c"));
	harness_put(h, NAMESPACE("one", "mesh: 'on'"));
	SEEN(h, "one/a two/b ", 0);
	const struct object *a = world_get(harness_world(h), KIND_SERVICE, "one", "a");
	CHECK_INT(((const struct kube_service *)a->body)->spec->ports.v[0].port.v, 81);
	harness_delete(h, KIND_NAMESPACE, "", "two");
	SEEN(h, "one/a ", 1);
	harness_free(h);
}

TEST(discovery_by_selectors)
{
	struct harness *h =
		harness_new(NAMESPACE("one", "mesh: 'on'") SERVICE("a", "one", "80")
				    SERVICE("b", "two", "80") NAMESPACE("two", "tier: x"),
			    NULL);

	SEEN(h, "one/a two/b ", 0);
	harness_mesh(h, SELECTED);
	SEEN(h, "one/a ", 1);
	harness_mesh(h,
		     "discoverySelectors: [{matchExpressions: [{key: tier, operator: Exists}]}]");
	SEEN(h, "two/b ", 1);
	harness_mesh(h, "discoverySelectors: [{matchExpressions: [{key: tier, operator: NotIn, "
			"values: [x]}]}, {matchLabels: {tier: x}}]");
	SEEN(h, "one/a two/b ", 0);
	harness_mesh(h, "discoverySelectors: [{}]");
	SEEN(h, "one/a two/b ", 0);
	harness_mesh(h, "{}");
	harness_put(h, SERVICE("c", "three", "80"));
	SEEN(h, "one/a three/c two/b ", 0);
	harness_free(h);
}

static void read_services(struct run *r, void *ctx)
{
	*(uint32_t *)ctx = read_entry(r, CELL_SVC_NS, run_key(r, "one"))->n;
}

/* What follows from objects is told of their coming and going like of any edit. */
TEST(discovery_is_tracked)
{
	struct harness *h = harness_new(NAMESPACE("one", "") SERVICE("a", "one", "80"), SELECTED);
	uint32_t n = 7;

	harness_watch(h, 0, read_services, &n);
	harness_commit(h);
	CHECK_INT(n, 0);
	harness_put(h, SERVICE("b", "one", "80"));
	CHECK_INT(harness_commit(h), 0);
	harness_put(h, NAMESPACE("one", "mesh: 'on'"));
	CHECK_INT(harness_commit(h), 1);
	CHECK_INT(n, 2);
	harness_mesh(h, "discoverySelectors: [{matchLabels: {mesh: never}}]");
	CHECK_INT(harness_commit(h), 1);
	CHECK_INT(n, 0);
	harness_free(h);
}
