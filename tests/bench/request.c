/* Fields are appended in whatever order they come; protobuf does not mind. */
#include "tests/bench/request.h"
#include <string.h>

/* Field numbers: of DiscoveryRequest and DeltaDiscoveryRequest. */
static const struct {
	unsigned version, node, subscribe, type_url, nonce, unsubscribe, held;
} fields[] = {
	{ .node = 1, .type_url = 2, .subscribe = 3, .unsubscribe = 4, .held = 5, .nonce = 6 },
	{ .version = 1, .node = 2, .subscribe = 3, .type_url = 4, .nonce = 5 }
};

static void put_number(struct buf *b, uint64_t v)
{
	for (; v > 127; v >>= 7)
		buf_putc(b, (char)(v | 128));
	buf_putc(b, (char)v);
}

static void put_bytes(struct buf *b, unsigned field, const void *p, size_t n)
{
	put_number(b, field << 3 | 2);
	put_number(b, n);
	buf_append(b, p, n);
}

static void put_text(struct buf *b, unsigned field, const char *s)
{
	put_bytes(b, field, s, strlen(s));
}

void request_begin(struct request *r, bool is_sotw, enum ads_kind kind)
{
	*r = (struct request){ .is_sotw = is_sotw };
	put_text(&r->b, fields[is_sotw].type_url, ads_urls[kind]);
}

void request_nonce(struct request *r, const char *nonce)
{
	put_text(&r->b, fields[r->is_sotw].nonce, nonce);
}

void request_version(struct request *r, const char *version)
{
	put_text(&r->b, fields[r->is_sotw].version, version);
}

void request_subscribe(struct request *r, const char *name)
{
	put_text(&r->b, fields[r->is_sotw].subscribe, name);
}

void request_unsubscribe(struct request *r, const char *name)
{
	put_text(&r->b, fields[r->is_sotw].unsubscribe, name);
}

void request_held(struct request *r, const char *name, const char *version)
{
	size_t n = strlen(name), m = strlen(version);

	if (n + m + 4 > 127) { /* lengths of two bytes: the slow way */
		struct buf entry = BUF_INIT;

		put_text(&entry, 1, name);
		put_text(&entry, 2, version);
		put_bytes(&r->b, fields[r->is_sotw].held, entry.p, entry.len);
		buf_fini(&entry);
		return;
	}
	put_number(&r->b, fields[r->is_sotw].held << 3 | 2);
	put_number(&r->b, n + m + 4);
	put_text(&r->b, 1, name);
	put_text(&r->b, 2, version);
}

/* An entry of a google.protobuf.Struct; `value` is an encoded Value. */
static void put_entry(struct buf *b, const char *key, const struct buf *value)
{
	struct buf entry = BUF_INIT;

	put_text(&entry, 1, key);
	put_bytes(&entry, 2, value->p, value->len);
	put_bytes(b, 1, entry.p, entry.len);
	buf_fini(&entry);
}

static void put_string(struct buf *b, const char *key, const char *s)
{
	struct buf value = BUF_INIT;

	put_text(&value, 3, s);
	put_entry(b, key, &value);
	buf_fini(&value);
}

static void put_struct(struct buf *b, const char *key, const struct buf *fields_of_it)
{
	struct buf value = BUF_INIT;

	put_bytes(&value, 5, buf_str(fields_of_it), fields_of_it->len);
	put_entry(b, key, &value);
	buf_fini(&value);
}

static void put_metadata(struct buf *b, const struct node *n)
{
	struct buf labels = BUF_INIT, config = BUF_INIT;

	put_string(&labels, "app", n->app);
	put_string(&labels, "service.istio.io/canonical-name", n->app);
	put_string(&labels, "version", "v1");
	put_string(&config, "discoveryAddress", "istiod.istio-system.svc:15012");
	put_string(&config, "configPath", "./etc/istio/proxy");
	put_string(b, "NAME", n->name);
	put_string(b, "NAMESPACE", n->ns);
	put_string(b, "CLUSTER_ID", "Kubernetes");
	put_string(b, "ISTIO_VERSION", "1.32.0");
	put_string(b, "INSTANCE_IPS", n->ip);
	put_string(b, "INTERCEPTION_MODE", "REDIRECT");
	put_string(b, "MESH_ID", "cluster.local");
	put_string(b, "SERVICE_ACCOUNT", "default");
	put_string(b, "WORKLOAD_NAME", n->app);
	put_struct(b, "LABELS", &labels);
	put_struct(b, "PROXY_CONFIG", &config);
	buf_fini(&labels);
	buf_fini(&config);
}

void request_node(struct request *r, const struct node *n)
{
	struct buf b = BUF_INIT, id = BUF_INIT, metadata = BUF_INIT;

	buf_printf(&id, "sidecar~%s~%s.%s~%s.svc.cluster.local", n->ip, n->name, n->ns, n->ns);
	put_text(&b, 1, id.p);
	buf_reset(&id);
	buf_printf(&id, "%s.%s", n->app, n->ns);
	put_text(&b, 2, id.p);
	put_metadata(&metadata, n);
	put_bytes(&b, 3, metadata.p, metadata.len);
	put_text(&b, 6, "envoy");
	put_bytes(&r->b, fields[r->is_sotw].node, b.p, b.len);
	buf_fini(&b);
	buf_fini(&id);
	buf_fini(&metadata);
}
