/* What a Sidecar's egress listeners import from one namespace, as a value of its own (Q_IMPORTS): the patterns that
 * concern the namespace, sorted, and nothing else of the Sidecar. A hundred Sidecars that each import their own
 * namespace and the same shared hosts give the same value for the shared namespace, and so one variant of everything
 * that is made from it.
 *
 * The value is text: per listener a line "@PORT", then lines "+HOST" to take and "-HOST" to leave out.
 */
#include "base/buf.h"
#include "model/heads.h"
#include "model/mesh.h"
#include "model/queries.h"
#include "model/questions.h"
#include "model/scope.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

bool egress_host_parse(struct arena *a, const char *text, struct egress_host *ret)
{
	const char *slash = strchr(text, '/');

	if (!slash || strchr(slash + 1, '/'))
		return false;
	ret->drop = text[0] == '~';
	text += ret->drop;
	ret->ns = slash == text && ret->drop ? "*" : arena_strndup(a, text, (size_t)(slash - text));
	ret->host = host_lower(a, slash + 1);
	return *ret->ns && *ret->host;
}

struct patterns {
	const char **v;
	uint32_t n;
	size_t cap;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, without repetitions; "*" sorts first and makes the others superfluous. */
static void patterns_settle(struct patterns *p)
{
	uint32_t n = 0;

	if (p->n)
		qsort(p->v, p->n, sizeof *p->v, by_text);
	for (uint32_t i = 0; i < p->n; i++)
		if (!n || (strcmp(p->v[0], "*") && strcmp(p->v[n - 1], p->v[i])))
			p->v[n++] = p->v[i];
	p->n = n;
}

/* The scope's own namespace, as a question only where the Sidecar itself does not say it. */
static bool is_own(struct run *r, const struct object *sidecar, uint32_t ns)
{
	if (!strcmp(sidecar->ns, mesh_root_namespace(r)))
		return ask_is(r, ASK_NS_IS, ns);
	return !strcmp(sidecar->ns, run_text(r, ns));
}

static bool concerns(struct run *r, const struct egress_host *h, const struct object *sidecar,
		     uint32_t ns)
{
	if (!strcmp(h->ns, "*"))
		return true;
	if (!strcmp(h->ns, "."))
		return is_own(r, sidecar, ns);
	return !strcmp(h->ns, run_text(r, ns));
}

bool imports_of_listener(struct run *r, const struct wrapper *w, const struct object *sidecar,
			 uint32_t ns, struct import_list *ret)
{
	static const char *const everything[] = { "*" };
	struct arena *a = run_arena(r);
	struct patterns take = { 0 }, drop = { 0 };

	*ret = (struct import_list){ .take = everything, .n_take = 1 };
	if (!w->listener)
		return true;
	for (uint32_t i = 0; i < w->listener->hosts.n; i++) {
		struct egress_host h;

		if (!egress_host_parse(a, w->listener->hosts.v[i], &h) ||
		    !concerns(r, &h, sidecar, ns))
			continue;
		if (h.drop)
			*ARENA_PUSH(a, drop.v, drop.n, drop.cap) = h.host;
		else
			*ARENA_PUSH(a, take.v, take.n, take.cap) = h.host;
	}
	patterns_settle(&take);
	patterns_settle(&drop);
	*ret = (struct import_list){
		.port = w->protocol == PROTOCOL_HTTP_PROXY ? 0 : w->port,
		.take = take.v,
		.n_take = take.n,
		.drop = drop.v,
		.n_drop = drop.n,
	};
	return take.n && !(drop.n && !strcmp(drop.v[0], "*"));
}

static void emit_line(struct run *r, char tag, const char *text)
{
	const char *line = arena_printf(run_arena(r), "%c%s\n", tag, text);

	run_emit(r, line, strlen(line));
}

void imports_run(struct run *r, uint32_t key)
{
	uint32_t ns = key_first(run_keys(r), key), n;
	uint32_t index = key_number(r, key_second(run_keys(r), key));
	const struct object *sidecar = scope_sidecar(r);
	const struct wrapper *w = scope_wrappers(r, &n);

	for (uint32_t i = 0; i < n; i++) {
		struct import_list l;

		if ((index && w[i].index != index) ||
		    !imports_of_listener(r, &w[i], sidecar, ns, &l))
			continue;
		emit_line(r, '@', arena_printf(run_arena(r), "%u", l.port));
		for (uint32_t j = 0; j < l.n_take; j++)
			emit_line(r, '+', l.take[j]);
		for (uint32_t j = 0; j < l.n_drop; j++)
			emit_line(r, '-', l.drop[j]);
	}
}

/* Lines of the value, without their newline. */
static bool line_next(const char **at, const char *end, const char **ret, size_t *ret_len)
{
	const char *nl = *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;

	if (!nl)
		return false;
	*ret = *at;
	*ret_len = (size_t)(nl - *at);
	*at = nl + 1;
	return true;
}

const struct import_list *imports_of(struct run *r, uint32_t ns, uint32_t index, uint32_t *ret_n)
{
	struct arena *a = run_arena(r);
	const struct result *result =
		ask_query(r, Q_IMPORTS, run_pair(r, ns, number_key(r, index)));
	const char *at = (const char *)result->bytes, *end = at + result->n, *line;
	struct import_list *v = NULL;
	struct patterns take = { 0 }, drop = { 0 };
	uint32_t n = 0;
	size_t cap = 0, len;

	while (line_next(&at, end, &line, &len)) {
		const char *text = arena_strndup(a, line + 1, len - 1);
		struct patterns *p = line[0] == '+' ? &take : &drop;

		if (line[0] == '@') {
			*ARENA_PUSH(a, v, n, cap) = (struct import_list){
				.port = (uint16_t)strtoul(text, NULL, 10),
			};
			take = drop = (struct patterns){ 0 };
			continue;
		}
		*ARENA_PUSH(a, p->v, p->n, p->cap) = text;
		v[n - 1].take = take.v;
		v[n - 1].n_take = take.n;
		v[n - 1].drop = drop.v;
		v[n - 1].n_drop = drop.n;
	}
	*ret_n = n;
	return v;
}

static bool subset_of_any(const char *host, const char *const *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (host_subset_of(host, v[i]))
			return true;
	return false;
}

bool import_takes(const struct import_list *l, const char *host)
{
	return !subset_of_any(host, l->drop, l->n_drop) && subset_of_any(host, l->take, l->n_take);
}

bool import_overlaps(const struct import_list *l, const char *host, bool subset_only)
{
	if (subset_only || subset_of_any(host, l->drop, l->n_drop))
		return import_takes(l, host);
	for (uint32_t i = 0; i < l->n_take; i++)
		if (host_matches(host, l->take[i]))
			return true;
	return false;
}

void imports_vs_run(struct run *r, uint32_t key)
{
	uint32_t name = key_first(run_keys(r), key), ns = key_first(run_keys(r), name), n, yes = 1;
	struct vs_heads heads = vs_heads_of_ns(r, ns);
	const struct import_list *lists =
		imports_of(r, ns, key_number(r, key_second(run_keys(r), key)), &n);

	name = key_second(run_keys(r), name);
	for (uint32_t i = 0; i < heads.n; i++) {
		if (heads.v[i].name != name)
			continue;
		for (uint32_t j = 0; j < n; j++)
			if (import_takes_vs(r, &lists[j], &heads, &heads.v[i])) {
				run_emit(r, &yes, sizeof yes);
				return;
			}
	}
}

bool import_takes_vs(struct run *r, const struct import_list *l, const struct vs_heads *heads,
		     const struct vs_head *vs)
{
	for (uint32_t i = 0; i < vs->n_hosts; i++)
		if (import_overlaps(l, run_text(r, heads->hosts[vs->first_host + i].host),
				    vs->flags & VS_GATEWAY_STYLE))
			return true;
	return false;
}

bool scope_imports_vs(struct run *r, const struct object *vs, uint32_t index)
{
	uint32_t key;

	if (scope_is_default(r))
		return true;
	key = run_pair(r, run_pair(r, run_key(r, vs->ns), run_key(r, vs->name)),
		       number_key(r, scope_index(r, index)));
	return ask_query(r, Q_IMPORTS_VS, key)->n != 0;
}
