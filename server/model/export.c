/* exportTo, normalised once: "*" becomes the key 0, "." the object's namespace, and the rest a sorted comma list whose
 * interned text is the key. So heads compare by number, and a public service asks nothing of the proxy.
 */
#include "model/export.h"

#include "model/mesh.h"
#include "model/questions.h"
#include "model/scope.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static uint32_t join_sorted(struct run *r, const char **v, uint32_t n)
{
	struct arena *a = run_arena(r);
	const char *text = NULL;

	qsort(v, n, sizeof *v, by_text);
	for (uint32_t i = 0; i < n; i++) {
		if (i && !strcmp(v[i], v[i - 1]))
			continue;
		text = text ? arena_printf(a, "%s,%s", text, v[i]) : v[i];
	}
	return run_key(r, text ? text : "~");
}

uint32_t export_key(struct run *r, const struct str_list *list, const struct str_list *defaults,
		    const char *ns)
{
	const struct str_list *use = list->n ? list : defaults;
	const char **v = arena_array(run_arena(r), const char *, use->n);
	bool nobody = false;

	if (!use->n)
		return 0;
	for (uint32_t i = 0; i < use->n; i++) {
		if (!strcmp(use->v[i], "*"))
			return 0;
		nobody = nobody || !strcmp(use->v[i], "~");
		v[i] = strcmp(use->v[i], ".") ? use->v[i] : ns;
	}
	return nobody ? run_key(r, "~") : join_sorted(r, v, use->n);
}

static bool has_value(const struct str_list *values, const char *v)
{
	for (uint32_t i = 0; i < values->n; i++)
		if (!strcmp(values->v[i], v))
			return true;
	return false;
}

static bool requirement_holds(const struct label_selector_requirement *q,
			      const struct str_map *labels)
{
	const char *v = str_map_get(labels, str_or(q->key, ""));

	if (str_eq(q->operator, "In"))
		return v && has_value(&q->values, v);
	if (str_eq(q->operator, "NotIn"))
		return !v || !has_value(&q->values, v);
	if (str_eq(q->operator, "Exists"))
		return v != NULL;
	return str_eq(q->operator, "DoesNotExist") && !v;
}

bool label_selector_holds(const struct label_selector *s, const struct str_map *labels)
{
	for (uint32_t i = 0; i < s->match_labels.n; i++)
		if (!str_eq(str_map_get(labels, s->match_labels.v[i].key),
			    s->match_labels.v[i].value))
			return false;
	for (uint32_t i = 0; i < s->match_expressions.n; i++)
		if (!requirement_holds(&s->match_expressions.v[i], labels))
			return false;
	return true;
}

static bool policy_matches(const struct service_entry_visibility_policy *p,
			   const struct str_map *labels)
{
	for (uint32_t i = 0; i < p->matching_rules.n; i++) {
		const struct label_selector *s = p->matching_rules.v[i].namespace_selector;

		if (s && !label_selector_holds(s, labels))
			return false;
	}
	return true;
}

enum clamp { CLAMP_NOTHING, CLAMP_NAMESPACE, CLAMP_NOBODY };

/* The mesh's ceiling for ServiceEntries of this namespace. */
static enum clamp visibility_of(struct run *r, const char *ns)
{
	static const struct str_map none;
	const struct service_entry_visibility *all = mesh_get(r, service_entry_visibility);
	int v = 0;

	if (!all || !all->apply_to_sidecars.v)
		return CLAMP_NOTHING;
	v = (int)all->default_visibility;
	if (all->policies.n) {
		const struct object *obj =
			read_object(r, KIND_NAMESPACE, KEY_EMPTY, run_key(r, ns));
		const struct str_map *labels = obj && obj->meta ? &obj->meta->labels : &none;

		for (uint32_t i = 0; i < all->policies.n; i++)
			if (policy_matches(&all->policies.v[i], labels)) {
				v = (int)all->policies.v[i].visibility;
				break;
			}
	}
	if (v == SERVICE_ENTRY_VISIBILITY_POLICY_VISIBILITY_NAMESPACE)
		return CLAMP_NAMESPACE;
	return v == SERVICE_ENTRY_VISIBILITY_POLICY_VISIBILITY_NONE ? CLAMP_NOBODY : CLAMP_NOTHING;
}

uint32_t service_export_key(struct run *r, const struct service *s)
{
	uint32_t key = export_key(r, &s->export_to, &mesh_get(r, default_service_export_to), s->ns);

	if (s->is_kubernetes)
		return key;
	switch (visibility_of(r, s->ns)) {
	case CLAMP_NAMESPACE: return run_key(r, export_has(r, key, s->ns) ? s->ns : "~");
	case CLAMP_NOBODY: return run_key(r, "~");
	default: return key;
	}
}

/* The next namespace of a comma list; false at its end. */
static bool list_next(const char **at, const char **ret, size_t *ret_len)
{
	if (!**at)
		return false;
	*ret = *at;
	*ret_len = strcspn(*at, ",");
	*at += *ret_len + ((*at)[*ret_len] == ',');
	return true;
}

bool export_has(struct run *r, uint32_t key, const char *ns)
{
	const char *at = key ? run_text(r, key) : "", *word;
	size_t len, want = strlen(ns);

	if (!key)
		return true;
	while (list_next(&at, &word, &len))
		if (len == want && !memcmp(word, ns, len))
			return true;
	return false;
}

bool export_seen_by_proxy(struct run *r, uint32_t key)
{
	const char *at = key ? run_text(r, key) : "", *word;
	size_t len;

	if (!key)
		return true;
	if (!strcmp(at, "~"))
		return false;
	while (list_next(&at, &word, &len))
		if (ask_is(r, ASK_NS_IS, key_strn(run_keys(r), word, len)))
			return true;
	return false;
}

bool scope_exported(struct run *r, const struct str_list *export_to,
		    const struct str_list *defaults, uint32_t object_ns)
{
	return export_seen_by_proxy(r, export_key(r, export_to, defaults, run_text(r, object_ns)));
}
