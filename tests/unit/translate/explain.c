/* What the engine tells about what it made: objects behind a resource. */
#include "base/buf.h"
#include "explain_objects.h"
#include "kit.h"
#include "test.h"

static void on_object(void *ctx, const struct object *o)
{
	char title[OBJECT_TITLE];

	buf_printf(ctx, "%s; ", object_title(o, title));
}

static void check_explain(struct kit *k, const struct engine_proxy *p, enum xds_type type,
			  const char *resource, const char *expected)
{
	struct buf b = BUF_INIT;
	bool there = engine_explain(k->engine, p, type, resource, on_object, &b);

	CHECK_INT(there, expected != NULL);
	CHECK_STR(buf_str(&b), str_or(expected, ""));
	buf_fini(&b);
}

/* Objects of the resource itself, not those of its neighbours, nor what the lists around it were made from. */
TEST(explain)
{
	struct kit k;
	struct engine_proxy *p;

	kit_init(&k, NULL);
	kit_put(&k, SERVICE("a") SLICE("a", "10.0.0.1") SERVICE("b") SLICE("b", "10.0.0.2")
			    RULE("a") ROUTE("a", "default", "v1"));
	p = kit_join(&k, &(struct kit_proxy){ .name = "me" });
	/* Clusters are made from endpoints for their service accounts. */
	check_explain(&k, p, XDS_CDS, "outbound|80||a.shop.svc.cluster.local",
		      "DestinationRule shop/a; EndpointSlice shop/a-s; Service shop/a; ");
	check_explain(&k, p, XDS_CDS, "outbound|80|v1|a.shop.svc.cluster.local",
		      "DestinationRule shop/a; EndpointSlice shop/a-s; Service shop/a; ");
	check_explain(&k, p, XDS_CDS, "outbound|80||b.shop.svc.cluster.local",
		      "EndpointSlice shop/b-s; Service shop/b; ");
	check_explain(&k, p, XDS_CDS, "BlackHoleCluster", "");
	check_explain(&k, p, XDS_EDS, "outbound|80||b.shop.svc.cluster.local",
		      "EndpointSlice shop/b-s; Service shop/b; ");
	check_explain(&k, p, XDS_RDS, "80",
		      "DestinationRule shop/a; Service shop/a; Service shop/b; "
		      "VirtualService default/a; ");
	check_explain(&k, p, XDS_CDS, "no such cluster", NULL);
	check_explain(&k, p, XDS_SDS, "default", NULL);
	kit_fini(&k);
}

/* Two classes with one content share their snapshot, but each has a tree of its own. */
TEST(explain_shared_snapshot)
{
	struct kit k;
	struct engine_proxy *p[2];

	kit_init(&k, NULL);
	kit_put(&k, SERVICE("a") RULE("a"));
	p[0] = kit_join(&k, &(struct kit_proxy){ .name = "one", .ns = "n1" });
	p[1] = kit_join(&k, &(struct kit_proxy){ .name = "two", .ns = "n2" });
	for (unsigned i = 0; i < 2; i++)
		check_explain(&k, p[i], XDS_CDS, "outbound|80||a.shop.svc.cluster.local",
			      "DestinationRule shop/a; Service shop/a; ");
	kit_fini(&k);
}
