/* A returning proxy claims a few thousand names at once, and all of them return at once when a server is replaced: so the
 * names' hashes are computed once and used for all look-ups. */
#include "snapshot/claims.h"
#include "snapshot/cache.h"
#include "snapshot/response.h"
#include <string.h>

struct claims {
	const struct names *names;
	uint32_t n;
	uint64_t versions[]; /* in the order of names; 0 is none of ours */
};

static uint64_t parse_version(const char *s)
{
	uint64_t v = 0;
	unsigned i = 0;

	for (; s && s[i] && i < VERSION_HEX - 1; i++) {
		char c = s[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint64_t)(c - 'a' + 10);
		else
			return 0;
	}
	return i == VERSION_HEX - 1 && !s[i] ? v : 0;
}

struct claims *claims_new(struct xds_cache *c, const struct claim *v, size_t n)
{
	struct hashed *h = xmalloc(n * sizeof *h), *sorted = xmalloc(n * sizeof *sorted);
	struct claims *claims = xcalloc(1, sizeof *claims + n * sizeof claims->versions[0]);

	for (size_t i = 0; i < n; i++)
		h[i] = (struct hashed){ name_hash(v[i].name, strlen(v[i].name)), v[i].name };
	if (n)
		memcpy(sorted, h, n * sizeof *h);
	claims->names = names_make_hashed(c, sorted, n);
	claims->n = names_count(claims->names);
	for (size_t i = 0; i < n; i++) {
		uint32_t at;

		if (names_find_hashed(claims->names, h[i].hash, h[i].s, strlen(h[i].s), &at))
			claims->versions[at] = parse_version(v[i].version);
	}
	xfree(sorted);
	xfree(h);
	return claims;
}

void claims_free(struct claims *c)
{
	if (!c)
		return;
	names_unref(c->names);
	xfree(c);
}

const struct names *claims_names(const struct claims *c)
{
	return c ? c->names : NULL;
}

size_t claims_memory(const struct claims *c)
{
	return c ? sizeof *c + c->n * sizeof c->versions[0] : 0;
}

struct list {
	const char **v;
	uint32_t n, cap;
};

static void list_push(struct list *l, const char *s)
{
	VEC_ROOM(l->v, l->n, l->cap);
	l->v[l->n++] = s;
}

/* What a client claims is its own affair: who forges a name with the hash of another deceives nobody else. So it is enough
 * to compare numbers, which all lie together. */
static bool agrees(const struct root *root, const struct index_entry *e,
		   const struct root_index *pair, const struct hashed *name, uint64_t version)
{
	enum xds_type type = root_type(root);

	if (e)
		return paired_version(e->version, name->hash, pair) == version;
	return xds_types[type].missing == XDS_MISSING_EMPTY &&
	       paired_version(empty_version(type, name->s, strlen(name->s)), name->hash, pair) ==
		       version;
}

struct unclaimed {
	const struct names *claimed;
	struct list *out;
};

static bool add_unclaimed(void *ctx, const struct resource *r)
{
	struct unclaimed *u = ctx;

	if (!names_has_n(u->claimed, r->name, r->name_len))
		list_push(u->out, r->name);
	return true;
}

struct claims_verdict claims_compare(struct xds_cache *c, const struct claims *claims,
				     const struct root *root, const struct root *pair, bool or_none,
				     bool all)
{
	const struct root_index *index = root_index(root),
				*pair_index = pair ? root_index(pair) : NULL;
	const struct hashed *names = names_hashed(claims->names);
	struct list send = { 0 }, gone = { 0 };
	struct claims_verdict verdict;
	uint32_t n_there = 0;

	for (uint32_t i = 0; i < claims->n; i++) {
		const struct index_entry *e = index_guess(index, names[i].hash);

		n_there += e != NULL;
		if (!agrees(root, e, pair_index, &names[i], claims->versions[i]) &&
		    !(or_none && agrees(root, e, NULL, &names[i], claims->versions[i])))
			list_push(e ? &send : &gone, names[i].s);
	}
	if (all && n_there < index->n)
		root_each(root, add_unclaimed, &(struct unclaimed){ claims->names, &send });
	verdict = (struct claims_verdict){ names_make(c, send.v, send.n),
					   names_make(c, gone.v, gone.n) };
	xfree(send.v);
	xfree(gone.v);
	return verdict;
}
