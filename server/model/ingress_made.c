/* The objects that Ingresses stand for, all of them, for people to look at. */
#include "base/arena.h"
#include "model/cells.h"
#include "model/ingress.h"
#include "model/mesh.h"
#include "types.h"
#include "world/world.h"
#include <string.h>

struct making {
	struct world *w;
	struct ingress_settings settings;
	struct arena *arena;
	made_fn *fn;
	void *ctx;
};

static bool is_ours(const struct making *m, const struct object *o)
{
	const struct ingress *ingress = o->body;
	const char *class = ingress->spec ? ingress->spec->ingress_class_name : NULL;

	return ingress_is_ours(&m->settings, o,
			       class ? world_get(m->w, KIND_INGRESS_CLASS, "", class) : NULL);
}

static uint16_t port_of_service(void *ctx, const char *ns, const char *service, const char *port)
{
	const struct making *m = ctx;
	const struct object *o = world_get(m->w, KIND_SERVICE, ns, service);
	const struct kube_service *s = o ? o->body : NULL;

	for (uint32_t i = 0; s && s->spec && i < s->spec->ports.n; i++)
		if (str_eq(str_or(s->spec->ports.v[i].name, ""), port))
			return (uint16_t)s->spec->ports.v[i].port.v;
	return 0;
}

/* Nothing if the VirtualService of the host bears the name of another Ingress. */
static void make_virtual_service(struct making *m, const struct object *ingress, const char *host)
{
	const struct entry *e =
		world_entry(m->w, CELL_INGRESS_HOST, key_str(world_keys(m->w), host));
	const struct object **v = arena_array(m->arena, const struct object *, e->n);
	uint32_t n = 0;

	for (uint32_t i = 0; i < e->n; i++)
		if (is_ours(m, e->v[i]))
			v[n++] = e->v[i];
	if (n && v[0] == ingress)
		m->fn(m->ctx, ingress_to_virtual_service(host, v, n, port_of_service, m, m->arena));
}

static void make(void *ctx, const struct object *o)
{
	struct making *m = ctx;
	struct str_list hosts;

	if (o->kind != KIND_INGRESS || !is_ours(m, o))
		return;
	m->fn(m->ctx, ingress_to_gateway(&m->settings, o, m->arena));
	hosts = ingress_hosts(o, m->arena);
	for (uint32_t i = 0; i < hosts.n; i++)
		make_virtual_service(m, o, hosts.v[i]);
}

void ingress_each_made(struct world *w, struct arena *a, made_fn *fn, void *ctx)
{
	const struct mesh_config *mesh = mesh_config_now(w);
	struct making m = { .w = w, .arena = a, .fn = fn, .ctx = ctx };

	if (!mesh)
		return;
	m.settings = (struct ingress_settings){
		.mode = (int)mesh->ingress_controller_mode,
		.class_name = arena_strdup(a, str_or(mesh->ingress_class, "")),
		.service = arena_strdup(a, str_or(mesh->ingress_service, "")),
		.selector = arena_strdup(a, str_or(mesh->ingress_selector, "")),
	};
	world_each(w, make, &m);
}
