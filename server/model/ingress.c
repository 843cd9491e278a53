/* From Ingresses to the objects that they stand for: a Gateway for each, and a VirtualService for each host, whose rules
 * may come from several Ingresses.
 */
#include "model/ingress.h"
#include "model/cells.h"
#include "model/mesh.h"
#include "model/options.h"
#include "model/service.h"
#include "types.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

static const struct ingress_spec *spec_of(const struct object *o)
{
	static const struct ingress_spec none;
	const struct ingress *i = o->body;

	return i->spec ? i->spec : &none;
}

bool ingress_is_ours(const struct ingress_settings *s, const struct object *ingress,
		     const struct object *ingress_class)
{
	const char *annotation = ingress->meta ? str_map_get(&ingress->meta->annotations,
							     "kubernetes.io/ingress.class")
					       : NULL;
	const struct ingress_class *class = ingress_class ? ingress_class->body : NULL;

	if (spec_of(ingress)->ingress_class_name && !class)
		return false;
	if (annotation)
		return (s->mode == MESH_CONFIG_INGRESS_CONTROLLER_MODE_STRICT ||
			s->mode == MESH_CONFIG_INGRESS_CONTROLLER_MODE_DEFAULT) &&
		       str_eq(annotation, str_or(s->class_name, ""));
	if (class)
		return class->spec && str_eq(class->spec->controller, INGRESS_CONTROLLER);
	return s->mode == MESH_CONFIG_INGRESS_CONTROLLER_MODE_DEFAULT;
}

static const char *rule_host(struct arena *a, const struct ingress_rule *r)
{
	return str_empty(r->host) ? "*" : host_lower(a, r->host);
}

struct str_list ingress_hosts(const struct object *ingress, struct arena *a)
{
	const struct ingress_spec *spec = spec_of(ingress);
	const char **v = arena_array(a, const char *, (size_t)spec->rules.n + 1);
	struct str_list list = { .v = v, .set = true };

	for (uint32_t i = 0; i <= spec->rules.n; i++) {
		bool default_rule = i == spec->rules.n, again = false;
		const char *host;

		if (default_rule ? !spec->default_backend : !spec->rules.v[i].http)
			continue;
		host = default_rule ? "*" : rule_host(a, &spec->rules.v[i]);
		for (uint32_t j = 0; j < list.n && !again; j++)
			again = str_eq(v[j], host);
		if (!again)
			v[list.n++] = host;
	}
	return list;
}

/* ---- the Gateway ---- */

static struct object *make(struct arena *a, uint16_t kind, const struct object *from,
			   const char *ns, const char *name, const void *body)
{
	struct object *o = arena_new(a, struct object);
	struct object_meta *meta = arena_new(a, struct object_meta);

	meta->namespace = ns;
	meta->name = name;
	o->kind = kind;
	o->api_version = "networking.istio.io/v1";
	o->ns = ns;
	o->name = name;
	o->meta = meta;
	o->body = body;
	o->place = from->place;
	o->cluster = from->cluster;
	return o;
}

static struct str_list single(struct arena *a, const char *s)
{
	return (struct str_list){ arena_dup(a, &s, sizeof s), 1, true };
}

static struct server https_server(struct arena *a, const struct object *ingress, uint32_t i)
{
	const struct ingress_tls *tls = &spec_of(ingress)->tls.v[i];
	struct port *port = arena_new(a, struct port);
	struct server_tls_settings *t = arena_new(a, struct server_tls_settings);

	port->name = arena_printf(a, "https-443-ingress-%s-%s-%u", ingress->name, ingress->ns, i);
	port->number = (struct opt_int){ true, 443 };
	port->protocol = "HTTPS";
	t->mode = SERVER_TLS_SETTINGS_MODE_SIMPLE;
	t->credential_name = tls->secret_name;
	return (struct server){ .hosts = tls->hosts.n ? tls->hosts : single(a, "*"),
				.port = port,
				.tls = t };
}

static struct server http_server(struct arena *a, const struct object *ingress)
{
	struct port *port = arena_new(a, struct port);

	port->name = arena_printf(a, "http-80-ingress-%s-%s", ingress->name, ingress->ns);
	port->number = (struct opt_int){ true, 80 };
	port->protocol = "HTTP";
	return (struct server){ .hosts = single(a, "*"), .port = port };
}

static const char *selector_value(const struct ingress_settings *s)
{
	if (!str_empty(s->selector))
		return s->selector;
	if (!str_empty(s->service) && !str_eq(s->service, "istio-ingressgateway"))
		return s->service;
	return "ingressgateway";
}

static const char *gateway_name(struct arena *a, const struct object *ingress)
{
	return arena_printf(a, "%s" INGRESS_SUFFIX "-%s", ingress->name, ingress->ns);
}

const struct object *ingress_to_gateway(const struct ingress_settings *s,
					const struct object *ingress, struct arena *a)
{
	const struct ingress_spec *from = spec_of(ingress);
	struct str_pair *label = arena_new(a, struct str_pair);
	struct gateway_spec *spec = arena_new(a, struct gateway_spec);
	struct gateway *gateway = arena_new(a, struct gateway);
	struct server *v = arena_array(a, struct server, (size_t)from->tls.n + 1);

	*label = (struct str_pair){ "istio", selector_value(s) };
	spec->selector = (struct str_map){ label, 1, true };
	for (uint32_t i = 0; i < from->tls.n; i++)
		if (!str_empty(from->tls.v[i].secret_name))
			v[spec->servers.n++] = https_server(a, ingress, i);
	v[spec->servers.n++] = http_server(a, ingress);
	spec->servers.v = v;
	spec->servers.set = true;
	gateway->spec = spec;
	return make(a, KIND_GATEWAY, ingress, FEATURE(ingress_namespace), gateway_name(a, ingress),
		    gateway);
}

/* ---- the VirtualService of a host ---- */

struct conversion {
	struct arena *a;
	ingress_port_fn *port;
	void *ctx;
	struct http_route *v;
	uint32_t n;
	size_t cap;
};

/* A path that ends in ".*" or in a slash and a star is a prefix, a star alone everything; the rest is to be equal. */
static const struct string_match *match_by_spelling(struct arena *a, const char *path)
{
	static const char *const everything[] = { "", "*", "/*", ".*" };
	struct string_match *m;

	for (size_t i = 0; i < ARRAY_LEN(everything); i++)
		if (str_eq(path, everything[i]))
			return NULL;
	m = arena_new(a, struct string_match);
	if (str_ends(path, ".*") || str_ends(path, "/*"))
		m->prefix = arena_strndup(a, path, strlen(path) - 2);
	else
		m->exact = path;
	return m;
}

static const struct string_match *match_of(struct arena *a, const struct http_ingress_path *p)
{
	const char *path = str_or(p->path, "");
	struct string_match *m;

	if (p->path_type != HTTP_INGRESS_PATH_PATH_TYPE_EXACT &&
	    p->path_type != HTTP_INGRESS_PATH_PATH_TYPE_PREFIX)
		return match_by_spelling(a, path);
	m = arena_new(a, struct string_match);
	if (p->path_type == HTTP_INGRESS_PATH_PATH_TYPE_EXACT)
		m->exact = path;
	else
		m->prefix = *path ? path : "/";
	return m;
}

/* NULL: no service, or no port of that name. */
static const struct destination *destination_of(struct conversion *c, const struct object *ingress,
						const struct ingress_backend *b)
{
	const struct ingress_service_backend *s = b ? b->service : NULL;
	struct destination *d;
	struct port_selector *p;
	int64_t number = s && s->port ? s->port->number.v : 0;

	if (!s || str_empty(s->name))
		return NULL;
	if (number <= 0)
		number = c->port(c->ctx, ingress->ns, s->name,
				 s->port ? str_or(s->port->name, "") : "");
	if (!number)
		return NULL;
	p = arena_new(c->a, struct port_selector);
	p->number = (struct opt_int){ true, number };
	d = arena_new(c->a, struct destination);
	d->host = service_fqdn(c->a, s->name, ingress->ns);
	d->port = p;
	return d;
}

static void add_route(struct conversion *c, const struct destination *d,
		      const struct string_match *uri)
{
	struct http_route *r;
	struct http_route_destination *to;
	struct http_match_request *m;

	if (!d)
		return;
	to = arena_new(c->a, struct http_route_destination);
	to->destination = d;
	to->weight = (struct opt_int){ true, 100 };
	r = ARENA_PUSH(c->a, c->v, c->n, c->cap);
	*r = (struct http_route){ 0 };
	r->route.v = to;
	r->route.n = 1;
	r->route.set = true;
	if (!uri)
		return;
	m = arena_new(c->a, struct http_match_request);
	m->uri = uri;
	r->match.v = m;
	r->match.n = 1;
	r->match.set = true;
}

static void add_ingress(struct conversion *c, const struct object *ingress, const char *host)
{
	const struct ingress_spec *spec = spec_of(ingress);

	for (uint32_t i = 0; i < spec->rules.n; i++) {
		const struct ingress_rule *r = &spec->rules.v[i];

		if (!r->http || !str_eq(rule_host(c->a, r), host))
			continue;
		for (uint32_t j = 0; j < r->http->paths.n; j++)
			add_route(c, destination_of(c, ingress, r->http->paths.v[j].backend),
				  match_of(c->a, &r->http->paths.v[j]));
	}
	if (spec->default_backend && str_eq(host, "*"))
		add_route(c, destination_of(c, ingress, spec->default_backend), NULL);
}

static size_t path_length(const struct http_route *r, bool *ret_exact)
{
	const struct string_match *m = r->match.n ? r->match.v[0].uri : NULL;

	*ret_exact = m && m->exact;
	return m ? strlen(m->exact ? m->exact : m->prefix) : 0;
}

/* Longer paths first, then exact ones; else as they came, which the mutual order of addresses is. */
static int by_path(const void *x, const void *y)
{
	const struct http_route *const *a = x, *const *b = y;
	bool exact_a, exact_b;
	size_t n = path_length(*a, &exact_a), m = path_length(*b, &exact_b);

	if (n != m)
		return n > m ? -1 : 1;
	if (exact_a != exact_b)
		return exact_a ? -1 : 1;
	return *a < *b ? -1 : *a > *b;
}

static struct http_route *sorted(struct arena *a, const struct http_route *v, uint32_t n)
{
	const struct http_route **order = arena_array(a, const struct http_route *, n);
	struct http_route *out = arena_array(a, struct http_route, n);

	for (uint32_t i = 0; i < n; i++)
		order[i] = &v[i];
	if (n)
		qsort(order, n, sizeof *order, by_path);
	for (uint32_t i = 0; i < n; i++)
		out[i] = *order[i];
	return out;
}

const char *ingress_source_name(struct arena *a, const char *host, const struct object *first)
{
	char *dashed = arena_strdup(a, host);

	for (char *p = dashed; *p; p++)
		if (*p == '.')
			*p = '-';
	return arena_printf(a, "%s-%s" INGRESS_SUFFIX, dashed, first->name);
}

const struct object *ingress_to_virtual_service(const char *host,
						const struct object *const *ingresses, uint32_t n,
						ingress_port_fn *port, void *ctx, struct arena *a)
{
	static const struct str_pair semantics = { "internal.istio.io/route-semantics", "ingress" };
	struct conversion c = { .a = a, .port = port, .ctx = ctx };
	const struct object *first = ingresses[0];
	struct virtual_service_spec *spec = arena_new(a, struct virtual_service_spec);
	struct virtual_service *vs = arena_new(a, struct virtual_service);
	struct object_meta *meta;
	struct object *o;

	for (uint32_t i = 0; i < n; i++)
		add_ingress(&c, ingresses[i], host);
	spec->hosts = single(a, host);
	spec->gateways = single(
		a, arena_printf(a, "%s/%s", FEATURE(ingress_namespace), gateway_name(a, first)));
	spec->http.v = sorted(a, c.v, c.n);
	spec->http.n = c.n;
	spec->http.set = true;
	vs->spec = spec;
	o = make(a, KIND_VIRTUAL_SERVICE, first, first->ns, ingress_source_name(a, host, first),
		 vs);
	meta = arena_dup(a, o->meta, sizeof *o->meta);
	meta->annotations = (struct str_map){ &semantics, 1, true };
	o->meta = meta;
	return o;
}

/* ---- in queries ---- */

static struct ingress_settings settings(struct run *r)
{
	return (struct ingress_settings){
		.mode = (int)mesh_get(r, ingress_controller_mode),
		.class_name = mesh_get(r, ingress_class),
		.service = mesh_get(r, ingress_service),
		.selector = mesh_get(r, ingress_selector),
	};
}

bool ingress_selected(struct run *r, const struct object *ingress)
{
	const char *class = spec_of(ingress)->ingress_class_name;
	struct ingress_settings s = settings(r);

	return ingress_is_ours(
		&s, ingress,
		class ? read_object(r, KIND_INGRESS_CLASS, KEY_EMPTY, run_key(r, class)) : NULL);
}

const struct object *ingress_gateway(struct run *r, const struct object *ingress)
{
	struct ingress_settings s = settings(r);

	return ingress_selected(r, ingress) ? ingress_to_gateway(&s, ingress, run_arena(r)) : NULL;
}

static uint16_t port_of_service(void *ctx, const char *ns, const char *service, const char *port)
{
	struct run *r = ctx;
	const struct object *o = read_object(r, KIND_SERVICE, run_key(r, ns), run_key(r, service));
	const struct kube_service *s = o ? o->body : NULL;

	for (uint32_t i = 0; s && s->spec && i < s->spec->ports.n; i++)
		if (str_eq(str_or(s->spec->ports.v[i].name, ""), port))
			return (uint16_t)s->spec->ports.v[i].port.v;
	return 0;
}

const struct object *ingress_virtual_service(struct run *r, uint32_t host)
{
	const struct entry *e = read_entry(r, CELL_INGRESS_HOST, host);
	const struct object **v = arena_array(run_arena(r), const struct object *, e->n);
	uint32_t n = 0;

	for (uint32_t i = 0; i < e->n; i++)
		if (ingress_selected(r, e->v[i])) {
			cite_object(r, e->v[i]);
			v[n++] = e->v[i];
		}
	if (!n)
		return NULL;
	return ingress_to_virtual_service(run_text(r, host), v, n, port_of_service, r,
					  run_arena(r));
}

bool ingress_is_first(struct run *r, const struct object *ingress, uint32_t host)
{
	const struct entry *e = read_entry(r, CELL_INGRESS_HOST, host);

	for (uint32_t i = 0; i < e->n; i++)
		if (ingress_selected(r, e->v[i]))
			return e->v[i] == ingress;
	return false;
}
