/* Pages about the world: objects as they were read, the mesh config in force, services and endpoints. The model thread only
 * hands out references; objects are immutable, so the writing is done here.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "daemon/model_thread.h"
#include "daemon/pages_impl.h"
#include "model/ingress.h"
#include "model/mesh.h"
#include "model/options.h"
#include "model/service.h"
#include "schema/object.h"
#include "translate/engine.h"
#include "types.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

/* ---- objects ---- */

struct picked {
	bool (*wanted)(const struct object *);
	const struct object **v;
	uint32_t n, cap;
	struct arena arena; /* of what is made from objects that are held */
	const struct object **made;
	uint32_t n_made;
	size_t cap_made;
};

static void pick(void *ctx, const struct object *o)
{
	struct picked *x = ctx;

	if (!x->wanted(o))
		return;
	VEC_ROOM(x->v, x->n, x->cap);
	x->v[x->n++] = object_ref(o);
}

static void pick_all(void *ctx, struct engine *e)
{
	world_each(engine_world(e), pick, ctx);
}

static void pick_made(void *ctx, const struct object *o)
{
	struct picked *x = ctx;

	*ARENA_PUSH(&x->arena, x->made, x->n_made, x->cap_made) = o;
}

static void pick_all_and_made(void *ctx, struct engine *e)
{
	struct picked *x = ctx;

	pick_all(ctx, e);
	ingress_each_made(engine_world(e), &x->arena, pick_made, x);
}

static void picked_fini(struct picked *x)
{
	arena_fini(&x->arena);
	for (uint32_t i = 0; i < x->n; i++)
		object_unref(x->v[i]);
	xfree(x->v);
}

/* Secrets stay where they are. */
static bool is_no_secret(const struct object *o)
{
	return o->kind != KIND_SECRET;
}

static bool is_service(const struct object *o)
{
	return o->kind == KIND_SERVICE || o->kind == KIND_SERVICE_ENTRY;
}

static void put_objects(struct json *j, const struct picked *x)
{
	struct buf text = BUF_INIT;

	json_seq(j);
	for (uint32_t i = 0; i < x->n && !j->out->overflow; i++) {
		buf_reset(&text);
		object_print(x->v[i], &text, false);
		page_put_raw(j, buf_str(&text), text.len);
	}
	for (uint32_t i = 0; i < x->n_made && !j->out->overflow; i++) {
		buf_reset(&text);
		object_print(x->made[i], &text, false);
		page_put_raw(j, buf_str(&text), text.len);
	}
	json_seq_end(j);
	buf_fini(&text);
}

static void put_problems(struct pages *p, const struct http_request *r, struct http_response *out)
{
	struct arena arena = ARENA_INIT;
	struct problems problems;
	struct json j;

	if (pages_problems(p, &arena, &problems)) {
		page_json(r, out, &j);
		client_problems(&j, problems.v, problems.n);
	} else {
		page_stopping(out);
	}
	arena_fini(&arena);
}

void page_configz(struct pages *p, const struct http_request *r, struct http_response *out)
{
	struct picked x = { .wanted = is_no_secret, .arena = ARENA_INIT };
	struct json j;

	if (http_query(r, "problems")) {
		put_problems(p, r, out);
		return;
	}
	if (model_call(p->model, pick_all_and_made, &x)) {
		page_json(r, out, &j);
		put_objects(&j, &x);
	} else {
		page_stopping(out);
	}
	picked_fini(&x);
}

/* ---- mesh ---- */

struct mesh_page {
	struct buf *out;
	bool pretty;
};

/* The config as the API has it and, where some of it has no effect, one more key that says so. */
static void print_mesh(void *ctx, struct engine *e)
{
	struct mesh_page *x = ctx;
	const struct mesh_config *mesh = mesh_config_now(engine_world(e));
	cleanup(diag_fini) struct diag diag = DIAG_INIT;
	cleanup(buf_fini) struct buf text = BUF_INIT;
	struct json j;

	struct_print(&mesh_config_type, mesh, &text, x->pretty);
	mesh_unsupported(mesh, &diag);
	if (!diag.n) {
		buf_append(x->out, text.p, text.len);
		return;
	}
	buf_append(x->out, text.p, (size_t)(strrchr(buf_str(&text), '}') - buf_str(&text)));
	buf_puts(x->out, ",\"unsupported\":");
	json_init(&j, x->out, x->pretty);
	json_seq(&j);
	for (uint32_t i = 0; i < diag.n; i++) {
		json_map(&j);
		json_kv_str(&j, "path", diag.v[i].path);
		json_kv_str(&j, "reason", diag.v[i].reason);
		json_map_end(&j);
	}
	json_seq_end(&j);
	buf_puts(x->out, "}\n");
}

void page_mesh(struct pages *p, const struct http_request *r, struct http_response *out)
{
	struct mesh_page x = { &out->body, http_query(r, "pretty") != NULL };

	out->type = HTTP_JSON;
	if (!model_call(p->model, print_mesh, &x))
		page_stopping(out);
}

/* ---- services ---- */

static void put_strings(struct json *j, const char *key, const char *const *v, uint32_t n)
{
	json_key(j, key);
	json_seq(j);
	for (uint32_t i = 0; i < n; i++)
		json_str(j, v[i]);
	json_seq_end(j);
}

static void put_map(struct json *j, const char *key, const struct str_map *m)
{
	if (!m || !m->n)
		return;
	json_key(j, key);
	json_map(j);
	for (uint32_t i = 0; i < m->n; i++)
		json_kv_str(j, m->v[i].key, m->v[i].value);
	json_map_end(j);
}

static void put_attributes(struct json *j, const struct service *s)
{
	json_key(j, "Attributes");
	json_map(j);
	json_kv_str(j, "ServiceRegistry", s->is_kubernetes ? "Kubernetes" : "External");
	json_kv_str(j, "Name", s->name);
	json_kv_str(j, "Namespace", s->ns);
	put_map(j, "Labels", s->labels);
	json_key(j, "ExportTo");
	json_map(j);
	for (uint32_t i = 0; i < s->export_to.n; i++) {
		json_key(j, s->export_to.v[i]);
		json_map(j);
		json_map_end(j);
	}
	json_map_end(j);
	put_map(j, "LabelSelectors", s->selector);
	if (s->alias_of)
		json_kv_str(j, "ExternalName", s->alias_of);
	json_kv_bool(j, "NodeLocal", s->node_local);
	json_kv_int(j, "TrafficDistribution", s->distribution);
	json_kv_str(j, "ObjectName", s->object->name);
	json_kv_bool(j, "PublishNotReadyAddresses", s->publish_not_ready);
	json_map_end(j);
}

static void put_addresses(struct json *j, const struct service *s)
{
	json_kv_str(j, "defaultAddress", s->n_addresses ? s->addresses[0] : "0.0.0.0");
	if (s->auto_v4)
		json_kv_str(j, "autoAllocatedIPv4Address", s->auto_v4);
	if (s->auto_v6)
		json_kv_str(j, "autoAllocatedIPv6Address", s->auto_v6);
	json_key(j, "clusterVIPs");
	json_map(j);
	json_key(j, "Addresses");
	json_map(j);
	if (s->n_addresses)
		put_strings(j,
			    str_empty(s->object->cluster) ? model_options()->cluster_id
							  : s->object->cluster,
			    s->addresses, s->n_addresses);
	json_map_end(j);
	json_map_end(j);
}

/* As istiod spells them. */
static const char *const protocols[] = {
	[PROTOCOL_AUTO] = "UnsupportedProtocol",
	[PROTOCOL_HTTP] = "HTTP",
	[PROTOCOL_HTTP2] = "HTTP2",
	[PROTOCOL_GRPC] = "GRPC",
	[PROTOCOL_GRPC_WEB] = "GRPC-Web",
	[PROTOCOL_HTTP_PROXY] = "HTTP_PROXY",
	[PROTOCOL_HTTPS] = "HTTPS",
	[PROTOCOL_TLS] = "TLS",
	[PROTOCOL_TCP] = "TCP",
	[PROTOCOL_MONGO] = "Mongo",
	[PROTOCOL_REDIS] = "Redis",
	[PROTOCOL_MYSQL] = "MySQL",
	[PROTOCOL_UDP] = "UDP",
	[PROTOCOL_HBONE] = "HBONE",
};

static void put_service(struct json *j, const struct service *s)
{
	char text[CLOCK_RFC3339];
	const char *version = s->object->meta ? s->object->meta->resource_version : NULL;

	json_map(j);
	put_attributes(j, s);
	json_key(j, "ports");
	json_seq(j);
	for (uint32_t i = 0; i < s->n_ports; i++) {
		json_map(j);
		json_kv_str(j, "name", s->ports[i].name);
		json_kv_int(j, "port", s->ports[i].number);
		json_kv_str(j, "protocol", protocols[s->ports[i].protocol]);
		json_map_end(j);
	}
	json_seq_end(j);
	if (s->subject_alt_names.n)
		put_strings(j, "serviceAccounts", s->subject_alt_names.v, s->subject_alt_names.n);
	if (s->created_s) {
		clock_format(s->created_s * NS_PER_S, text);
		json_kv_str(j, "creationTime", text);
	}
	json_kv_str(j, "hostname", s->host);
	put_addresses(j, s);
	json_kv_int(j, "Resolution", s->resolution);
	json_kv_bool(j, "MeshExternal", s->mesh_external);
	json_kv_str(j, "ResourceVersion", str_or(version, ""));
	json_map_end(j);
}

/* Each host of each object, before hosts that several objects declare are merged. */
void page_registryz(struct pages *p, const struct http_request *r, struct http_response *out)
{
	struct picked x = { .wanted = is_service };
	struct arena arena = ARENA_INIT;
	struct json j;

	if (!model_call(p->model, pick_all, &x)) {
		page_stopping(out);
		picked_fini(&x);
		return;
	}
	page_json(r, out, &j);
	json_seq(&j);
	for (uint32_t i = 0; i < x.n; i++) {
		uint32_t n;
		const char *const *hosts = service_hosts(x.v[i], &arena, &n);

		for (uint32_t k = 0; k < n; k++) {
			struct service s;

			service_from_object(x.v[i], hosts[k], &arena, &s);
			put_service(&j, &s);
		}
		arena_reset(&arena);
	}
	json_seq_end(&j);
	arena_fini(&arena);
	picked_fini(&x);
}

/* ---- endpoints ---- */

struct shard {
	const char *host, *ns, *json;
	size_t len;
};
struct shards {
	struct arena arena;
	const char *ns; /* to ask for now */
	struct shard *v;
	uint32_t n;
	size_t cap;
};

static void add_shard(void *ctx, const char *host, const char *json, size_t len)
{
	struct shards *x = ctx;

	*ARENA_PUSH(&x->arena, x->v, x->n, x->cap) =
		(struct shard){ arena_strdup(&x->arena, host), x->ns,
				arena_strndup(&x->arena, json, len), len };
}

static void read_shards(void *ctx, struct engine *e)
{
	struct shards *x = ctx;

	engine_shards(e, x->ns, add_shard, x);
}

static int by_host(const void *a, const void *b)
{
	const struct shard *x = a, *y = b;
	int c = strcmp(x->host, y->host);

	return c ? c : strcmp(x->ns, y->ns);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* One namespace at a time, so that the model thread can do other things in between. */
static bool gather_shards(struct pages *p, struct shards *x)
{
	struct picked services = { .wanted = is_service };
	bool ok = model_call(p->model, pick_all, &services);
	const char **spaces = arena_array(&x->arena, const char *, services.n);

	for (uint32_t i = 0; i < services.n; i++)
		spaces[i] = services.v[i]->ns;
	if (services.n)
		qsort(spaces, services.n, sizeof *spaces, by_text);
	for (uint32_t i = 0; i < services.n && ok; i++) {
		if (i && str_eq(spaces[i], spaces[i - 1]))
			continue;
		x->ns = arena_strdup(&x->arena, spaces[i]);
		ok = model_call(p->model, read_shards, x);
	}
	picked_fini(&services);
	if (x->n)
		qsort(x->v, x->n, sizeof *x->v, by_host);
	return ok;
}

/* host -> namespace -> shards */
void page_shards(struct pages *p, const struct http_request *r, struct http_response *out)
{
	struct shards x = { .arena = ARENA_INIT };
	struct json j;

	if (gather_shards(p, &x)) {
		page_json(r, out, &j);
		json_map(&j);
		for (uint32_t i = 0; i < x.n; i++) {
			if (!i || !str_eq(x.v[i].host, x.v[i - 1].host)) {
				json_key(&j, x.v[i].host);
				json_map(&j);
			}
			json_key(&j, x.v[i].ns);
			page_put_raw(&j, x.v[i].json, x.v[i].len);
			if (i + 1 == x.n || !str_eq(x.v[i].host, x.v[i + 1].host))
				json_map_end(&j);
		}
		json_map_end(&j);
	} else {
		page_stopping(out);
	}
	arena_fini(&x.arena);
}

/* ---- checks ---- */

struct verdict {
	bool equal;
	struct err why;
};

static void verify(void *ctx, struct engine *e)
{
	struct verdict *v = ctx;

	v->equal = engine_verify(e, &v->why);
}

/* The model thread does nothing else meanwhile, so once at a time is enough. */
static bool begin_verifying(struct pages *p)
{
	bool was = true;

	with_lock(&p->lock) {
		was = p->verifying;
		p->verifying = true;
	}
	return !was;
}

void page_verify(struct pages *p, const struct http_request *r, struct http_response *out)
{
	struct verdict v = { .why = ERR_INIT };
	struct json j;
	bool ran;

	if (!begin_verifying(p)) {
		http_respond(out, 503, "a comparison is running\n");
		return;
	}
	ran = model_call(p->model, verify, &v);
	with_lock(&p->lock)
		p->verifying = false;
	if (!ran) {
		page_stopping(out);
		return;
	}
	out->status = v.equal ? 200 : 500;
	page_json(r, out, &j);
	json_map(&j);
	json_kv_bool(&j, "equal", v.equal);
	if (!v.equal)
		json_kv_str(&j, "difference", v.why.text);
	json_map_end(&j);
}

static const char *problem_key(struct arena *a, const struct problem *q)
{
	return arena_printf(a, "%s:%u:%u %s %s", q->place.file, q->place.line, q->place.column,
			    q->object, q->path);
}

/* istiod counts problems of the last push by metric and key; there is one such metric here, of all that queries met. */
void page_push_status(struct pages *p, const struct http_request *r, struct http_response *out)
{
	struct arena arena = ARENA_INIT;
	struct problems x;
	struct json j;

	if (!pages_problems(p, &arena, &x)) {
		page_stopping(out);
		arena_fini(&arena);
		return;
	}
	page_json(r, out, &j);
	json_map(&j);
	if (x.n) {
		json_key(&j, "mainsheet_config_problems");
		json_map(&j);
	}
	for (uint32_t i = 0, k; i < x.n; i = k) {
		const char *key = problem_key(&arena, &x.v[i].problem);
		const char *message = x.v[i].problem.reason;

		for (k = i + 1; k < x.n && str_eq(problem_key(&arena, &x.v[k].problem), key); k++)
			message = arena_printf(&arena, "%s; %s", message, x.v[k].problem.reason);
		json_key(&j, key);
		json_map(&j);
		json_kv_str(&j, "proxy", "");
		json_kv_str(&j, "message", message);
		json_map_end(&j);
	}
	if (x.n)
		json_map_end(&j);
	json_map_end(&j);
	arena_fini(&arena);
}
