/* The name table that the node agent's DNS proxy answers from (translation.md 10.1): one resource without a name. */
#include "base/ip.h"
#include "base/map.h"
#include "model/endpoint.h"
#include "model/proxy.h"
#include "model/scope.h"
#include "translate/lds.h"
#include "translate/names.h"
#include "translate/queries.h"
#include "types.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

/* One name of a namespace, as Q_NDS_NS hands it up: lines of "host\tregistry\tshort name\tnamespace\tip,ip". */
static void emit_line(struct run *r, const char *host, bool kubernetes, const char *shortname,
		      const char *ns, const char *ips)
{
	const char *line = arena_printf(run_arena(r), "%s\t%s\t%s\t%s\t%s\n", host,
					kubernetes ? "Kubernetes" : "External",
					kubernetes ? shortname : "", kubernetes ? ns : "", ips);

	run_emit(r, line, strlen(line));
}

static const char *join_ip(struct arena *a, const char *list, const char *ip)
{
	return *list ? arena_printf(a, "%s,%s", list, ip) : ip;
}

static bool sees(struct run *r, const char *network)
{
	return str_empty(network) || ask_is(r, ASK_SEES_NETWORK, run_key(r, network));
}

/* A headless service answers with its endpoints; pods of a StatefulSet have names of their own. */
static void emit_headless(struct run *r, const struct service *s)
{
	struct arena *a = run_arena(r);
	struct map seen = MAP_INIT, pods = MAP_INIT;
	const char *ips = "", *rest = strchr(s->host, '.');

	for (uint32_t p = 0; p < s->n_ports; p++) {
		uint32_t n;
		const struct endpoint_model *e = endpoints_read(r, s, &s->ports[p], &n);

		for (uint32_t i = 0; i < n; i++) {
			if (!ip_is_valid(e[i].address) || map_has(&seen, e[i].address) ||
			    !sees(r, e[i].network) ||
			    !(e[i].health == HEALTH_HEALTHY || e[i].health == HEALTH_NONE ||
			      s->publish_not_ready))
				continue;
			map_set(&seen, e[i].address, &seen);
			if (!str_empty(e[i].sub_domain) && rest) {
				const char *host = arena_printf(a, "%s.%s%s", e[i].host_name,
								e[i].sub_domain, rest);

				if (!map_has(&pods, host)) {
					map_set(&pods, host, &pods);
					emit_line(r, host, true,
						  arena_printf(a, "%s.%s", e[i].host_name,
							       e[i].sub_domain),
						  s->ns, e[i].address);
				}
			}
			ips = join_ip(a, ips, e[i].address);
		}
	}
	if (*ips)
		emit_line(r, s->host, s->is_kubernetes, s->name, s->ns, ips);
	map_fini(&seen);
	map_fini(&pods);
}

static void emit_service(struct run *r, const struct service *s)
{
	uint32_t n;
	const char *const *addrs = service_addresses(r, s, &n);
	const char *ips = "";
	bool unallocated = false;

	for (uint32_t i = 0; i < n; i++) {
		unallocated |= str_eq(addrs[i], "0.0.0.0");
		if (ip_is_valid(addrs[i]) && !str_eq(addrs[i], "0.0.0.0"))
			ips = join_ip(run_arena(r), ips, addrs[i]);
	}
	if (unallocated && s->resolution == RESOLUTION_PASSTHROUGH && s->n_ports)
		emit_headless(r, s);
	else if (*ips)
		emit_line(r, s->host, s->is_kubernetes, s->name, s->ns, ips);
}

/* [ns] What egress listeners import; not what routes pull in beyond that. */
void nds_ns_run(struct run *r, uint32_t ns)
{
	struct map seen = MAP_INIT;
	uint32_t n;
	const struct wrapper *w = scope_wrappers(r, &n);

	for (uint32_t k = 0; k < n; k++) {
		struct heads heads = scope_visible(r, ns, w[k].index);

		for (uint32_t i = 0; i < heads.n; i++) {
			const char *host = run_text(r, heads.v[i].host);
			const struct service *s;

			if (heads.v[i].flags & HEAD_ALIAS || (n > 1 && map_has(&seen, host)))
				continue;
			s = service_read(r, ns, heads.v[i].host);
			if (n > 1)
				map_set(&seen, host, &seen);
			if (s)
				emit_service(r, s);
		}
	}
	map_fini(&seen);
}

/* ---- the table ---- */

struct table {
	struct arena *a;
	Nds__NameTable *out;
	struct map names; /* host -> Nds__NameTable__NameInfo */
};

static void set_ips(struct table *t, Nds__NameTable__NameInfo *info, char *ips)
{
	char *save = NULL;

	for (char *ip = strtok_r(ips, ",", &save); ip; ip = strtok_r(NULL, ",", &save))
		PB_PUSH(t->a, info, ips, ip);
}

static void add_line(struct table *t, char *line)
{
	char *field[5], *p = line;
	Nds__NameTable__NameInfo *info;
	bool kubernetes;

	for (size_t i = 0; i < ARRAY_LEN(field); i++)
		field[i] = strsep(&p, "\t");
	kubernetes = str_eq(field[1], "Kubernetes");
	info = map_get(&t->names, field[0]);
	if (info && str_eq(info->registry, "Kubernetes"))
		return;
	if (info && !kubernetes) {
		set_ips(t, info, field[4]);
		return;
	}
	if (!info) {
		info = PB_NEW(t->a, Nds__NameTable__NameInfo);
		map_set(&t->names, field[0], info);
		PB_PUSH(t->a, t->out, table,
			PB_NEW(t->a, Nds__NameTable__TableEntry, .key = field[0], .value = info));
	}
	info->n_ips = 0;
	info->registry = field[1];
	info->shortname = field[2];
	info->namespace_ = field[3];
	set_ips(t, info, field[4]);
}

static void add_namespace(struct run *r, struct table *t, uint32_t ns)
{
	const struct result *res = call_query(r, Q_NDS_NS, ns);
	char *text = arena_strndup(t->a, (const char *)res->bytes, res->n), *line;

	while ((line = strsep(&text, "\n")) && *line)
		add_line(t, line);
}

void nds_run(struct run *r, uint32_t key)
{
	struct table t = { .a = run_arena(r) };
	bool all;
	uint32_t n;
	const uint32_t *ns;

	if (ask_is(r, ASK_IS_ROUTER, 0))
		return;
	t.out = PB_NEW(t.a, Nds__NameTable);
	ns = scope_namespaces(r, &n, &all);
	if (all) {
		const struct keyset *set = read_keyset(r, CELL_SVC_NS);

		ns = set->v;
		n = set->n;
	}
	for (uint32_t i = 0; i < n; i++)
		add_namespace(r, &t, ns[i]);
	PB_SORT_MAP(t.out, table);
	emit_resource(r, "", &t.out->base);
	map_fini(&t.names);
}
