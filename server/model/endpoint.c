/* Endpoints of a service: those of its slices when it is a Kubernetes service, of the WorkloadEntries that it selects, and
 * of every ServiceEntry that declares its host in its namespace. Sorted by strings, so that a slice that only reorders
 * its addresses changes nothing.
 */
#include "base/buf.h"
#include "model/endpoint_parts.h"
#include "model/mesh.h"
#include "model/queries.h"
#include "model/workload.h"
#include "types.h"
#include "world/world.h"

#include <stdlib.h>
#include <string.h>

bool endpoint_wanted(const struct endpoint_list *l, const char *port_name)
{
	return !l->port || !strcmp(str_or(l->port->name, ""), str_or(port_name, ""));
}

struct endpoint_model *endpoint_add(struct endpoint_list *l)
{
	static const struct str_map no_labels;
	struct endpoint_model *e = ARENA_PUSH(l->arena, l->v, l->n, l->cap);

	*e = (struct endpoint_model){
		.address = "",
		.port_name = "",
		.labels = &no_labels,
		.ns = "",
		.workload_name = "",
		.locality = "",
		.network = "",
		.cluster = "",
		.node_name = "",
		.host_name = "",
		.sub_domain = "",
	};
	endpoint_set_tls_mode(e, "disabled");
	return e;
}

void endpoint_set_tls_mode(struct endpoint_model *e, const char *mode)
{
	e->tls_mode = mode;
	e->serves_mtls = str_eq(mode, "istio");
}

/* Equal ones in the order in which they were found. */
static int endpoint_compare(const void *x, const void *y)
{
	const struct endpoint_model *a = *(const struct endpoint_model *const *)x;
	const struct endpoint_model *b = *(const struct endpoint_model *const *)y;
	int c = strcmp(a->address, b->address);

	if (!c)
		c = strcmp(a->port_name, b->port_name);
	return c ? c : (a > b) - (a < b);
}

/* Sorts what was found since `from`; of those with one address and port name the first stays. */
static void sort_unique(struct endpoint_list *l, uint32_t from)
{
	uint32_t n = l->n - from, n_kept = 0;
	const struct endpoint_model **order =
		arena_array(l->arena, const struct endpoint_model *, n);
	struct endpoint_model *kept = arena_array(l->arena, struct endpoint_model, n);

	for (uint32_t i = 0; i < n; i++)
		order[i] = &l->v[from + i];
	qsort(order, n, sizeof *order, endpoint_compare);
	for (uint32_t i = 0; i < n; i++)
		if (!n_kept || strcmp(kept[n_kept - 1].address, order[i]->address) ||
		    strcmp(kept[n_kept - 1].port_name, order[i]->port_name))
			kept[n_kept++] = *order[i];
	if (n_kept)
		memcpy(l->v + from, kept, n_kept * sizeof *kept);
	l->n = from + n_kept;
}

static bool is_entry(const struct object *o)
{
	return o && o->kind == KIND_SERVICE_ENTRY;
}

static void collect(struct endpoint_list *l)
{
	const struct service *svc = l->service;
	uint32_t from;

	if (is_entry(svc->object))
		endpoints_of_service_entry(l, svc->object);
	for (uint32_t i = 0; i < svc->n_others; i++)
		if (is_entry(svc->others[i]))
			endpoints_of_service_entry(l, svc->others[i]);
	from = l->n;
	if (svc->is_kubernetes) {
		endpoints_of_slices(l);
		sort_unique(l, from);
		endpoints_of_selected_entries(l);
	}
}

const struct endpoint_model *endpoints_read(struct run *run, const struct service *svc,
					    const struct service_port_model *port, uint32_t *ret_n)
{
	struct endpoint_list l = {
		.run = run, .arena = run_arena(run), .service = svc, .port = port
	};

	collect(&l);
	*ret_n = l.n;
	return l.v;
}

/* ---- service accounts ---- */

struct accounts {
	struct arena *arena;
	const char **v;
	uint32_t n, cap;
};

static void add_account(struct accounts *s, const char *account)
{
	if (!str_empty(account) && !strchr(account, '\n'))
		*ARENA_PUSH(s->arena, s->v, s->n, s->cap) = account;
}

static bool in_list(const struct str_list *list, const char *s, size_t n)
{
	for (uint32_t i = 0; i < list->n; i++)
		if (strlen(list->v[i]) == n && !memcmp(list->v[i], s, n))
			return true;
	return false;
}

/* The account in each of the mesh's trust domains, when it is in one of them. */
static void add_expanded(struct run *run, struct accounts *s, const char *account)
{
	const struct str_list *aliases = &mesh_get(run, trust_domain_aliases);
	const char *own = mesh_trust_domain(run), *domain, *rest;
	size_t len;

	add_account(s, account);
	if (!aliases->n || str_empty(account) || !str_starts(account, "spiffe://"))
		return;
	domain = account + strlen("spiffe://");
	len = strcspn(domain, "/");
	rest = domain + len;
	if (!(strlen(own) == len && !memcmp(own, domain, len)) && !in_list(aliases, domain, len))
		return;
	add_account(s, arena_printf(s->arena, "spiffe://%s%s", own, rest));
	for (uint32_t i = 0; i < aliases->n; i++)
		add_account(s, arena_printf(s->arena, "spiffe://%s%s", aliases->v[i], rest));
}

/* Comma lists in the annotations of a Kubernetes Service. */
static void add_annotated(struct run *run, struct accounts *s, const struct service *svc)
{
	const struct str_map *m = svc->is_kubernetes ? svc->annotations : NULL;
	const char *names = m ? str_map_get(m, "alpha.istio.io/kubernetes-serviceaccounts") : NULL;
	const char *whole = m ? str_map_get(m, "alpha.istio.io/canonical-serviceaccounts") : NULL;

	for (const char *p = names; !str_empty(p);) {
		size_t len = strcspn(p, ",");

		add_expanded(run, s, spiffe_id(run, svc->ns, arena_strndup(s->arena, p, len)));
		p += len + (p[len] == ',');
	}
	for (const char *p = whole; !str_empty(p);) {
		size_t len = strcspn(p, ",");

		add_expanded(run, s, arena_strndup(s->arena, p, len));
		p += len + (p[len] == ',');
	}
}

static int text_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void service_accounts_run(struct run *run, uint32_t key)
{
	struct keys *k = run_keys(run);
	const struct service *svc = service_read(run, key_first(k, key), key_second(k, key));
	struct accounts s = { .arena = run_arena(run) };
	const struct endpoint_model *e;
	uint32_t n;

	if (!svc)
		return;
	e = endpoints_read(run, svc, NULL, &n);
	for (uint32_t i = 0; i < n; i++)
		if (e[i].service_account &&
		    (!i || e[i].service_account != e[i - 1].service_account))
			add_expanded(run, &s, e[i].service_account);
	for (uint32_t i = 0; i < svc->subject_alt_names.n; i++)
		add_expanded(run, &s, svc->subject_alt_names.v[i]);
	add_annotated(run, &s, svc);
	if (s.n)
		qsort(s.v, s.n, sizeof *s.v, text_compare);
	for (uint32_t i = 0; i < s.n; i++) {
		if (i && !strcmp(s.v[i], s.v[i - 1]))
			continue;
		run_emit(run, s.v[i], strlen(s.v[i]));
		run_emit(run, "\n", 1);
	}
}

const char *const *service_accounts(struct run *run, const struct service *svc, uint32_t *ret_n)
{
	const struct result *r =
		call_query(run, Q_SERVICE_ACCOUNTS,
			   run_pair(run, run_key(run, svc->ns), run_key(run, svc->host)));
	const char *p = (const char *)r->bytes, *end = p + r->n;
	struct accounts s = { .arena = run_arena(run) };

	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));

		add_account(&s, arena_strndup(s.arena, p, (size_t)(eol - p)));
		p = eol + 1;
	}
	*ret_n = s.n;
	return s.v;
}

/* ---- labels ---- */

static const char *first_of(const struct str_map *labels, const char *const *names, size_t n,
			    const char *otherwise)
{
	for (size_t i = 0; i < n; i++) {
		const char *v = labels ? str_map_get(labels, names[i]) : NULL;

		if (v)
			return v;
	}
	return otherwise;
}

const char *canonical_name(const struct str_map *labels, const char *workload_name)
{
	static const char *const names[] = { "service.istio.io/canonical-name",
					     "app.kubernetes.io/name", "app" };

	return first_of(labels, names, ARRAY_LEN(names), workload_name);
}

const char *canonical_revision(const struct str_map *labels)
{
	static const char *const names[] = { "service.istio.io/canonical-revision",
					     "app.kubernetes.io/version", "version" };

	return first_of(labels, names, ARRAY_LEN(names), "latest");
}

const char *locality_of_labels(struct arena *a, const struct str_map *labels)
{
	const char *region = str_map_get(labels, LABEL_REGION);
	const char *zone = str_map_get(labels, LABEL_ZONE);
	const char *sub_zone = str_map_get(labels, LABEL_SUBZONE);

	if (region || zone || sub_zone)
		return locality_join(a, &(struct locality){ str_or(region, ""), str_or(zone, ""),
							    str_or(sub_zone, "") });
	return locality_label(a, labels);
}
