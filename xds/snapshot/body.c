/* One allocation per body: the struct, its pieces, the results and bodies it keeps, and its own bytes. While building, copied bytes
 * go to a scratch buffer that may move, so pieces of it are offsets until the end. */
#include "snapshot/body.h"
#include "base/buf.h"
#include "world/result.h"
#include <assert.h>
#include <string.h>

/* One of the two. */
struct owner {
	const struct result *result;
	const struct body *body; /* whose own owners are not bodies: chains do not grow */
};
struct whole {
	struct body pub;
	uint32_t n_owners;
	uint32_t memory;
	struct owner owners[];
};

/* A slice of its own costs the transport more than copying this much. */
enum { SHARE_MIN = 256 };

struct part {
	const void *p; /* NULL: in the scratch buffer, at `at` */
	size_t at, n;
	struct owner owner;
};
struct body_builder {
	struct buf own;
	struct part *v;
	uint32_t n, cap;
	size_t total;
};

const struct body *body_ref(const struct body *b)
{
	if (b)
		ref_get(&b->ref);
	return b;
}

static struct owner owner_ref(struct owner o)
{
	if (o.result)
		result_ref(o.result);
	body_ref(o.body);
	return o;
}

static void owner_unref(struct owner o)
{
	result_unref(o.result);
	body_unref(o.body);
}

void body_unref(const struct body *b)
{
	struct whole *w;

	if (!b || !ref_put(&b->ref))
		return;
	w = (struct whole *)(uintptr_t)b;
	for (uint32_t i = 0; i < w->n_owners; i++)
		owner_unref(w->owners[i]);
	xfree(w);
}

size_t body_memory(const struct body *b)
{
	return b ? ((const struct whole *)(const void *)b)->memory : 0;
}

struct body_builder *body_begin(void)
{
	struct body_builder *b = xcalloc(1, sizeof *b);

	b->own = BUF_INIT_MAX(UINT32_MAX);
	return b;
}

static void put_part(struct body_builder *b, struct part part)
{
	VEC_ROOM(b->v, b->n, b->cap);
	b->v[b->n++] = part;
}

void body_put(struct body_builder *b, const void *bytes, size_t n)
{
	struct part *last = b->n ? &b->v[b->n - 1] : NULL;

	if (!n)
		return;
	if (last && !last->p)
		last->n += n;
	else
		put_part(b, (struct part){ .at = b->own.len, .n = n });
	buf_append(&b->own, bytes, n);
	b->total += n;
}

void body_put_shared(struct body_builder *b, const void *bytes, size_t n,
		     const struct result *owner)
{
	if (n < SHARE_MIN) {
		body_put(b, bytes, n);
		return;
	}
	put_part(b, (struct part){ .p = bytes, .n = n, .owner.result = result_ref(owner) });
	b->total += n;
}

void body_put_body(struct body_builder *b, const struct body *other)
{
	for (uint32_t i = 0; i < other->n_pieces; i++) {
		const struct body_piece *p = &other->pieces[i];

		if (p->n < SHARE_MIN)
			body_put(b, p->p, p->n);
		else
			put_part(b, (struct part){
					    .p = p->p, .n = p->n, .owner.body = body_ref(other) });
		b->total += p->n < SHARE_MIN ? 0 : p->n;
	}
}

/* The layout: struct, owners, pieces, bytes. */
static struct whole *whole_new(uint32_t n_owners, uint32_t n_pieces, size_t n_bytes,
			       struct body_piece **ret_pieces, uint8_t **ret_bytes)
{
	size_t owners = n_owners * sizeof(struct owner);
	size_t pieces = n_pieces * sizeof(struct body_piece);
	size_t size = sizeof(struct whole) + owners + pieces + n_bytes;
	struct whole *w;

	assert(size < UINT32_MAX);
	w = xmalloc(size);
	memset(w, 0, sizeof *w);
	ref_init(&w->pub.ref);
	w->n_owners = n_owners;
	w->memory = (uint32_t)size;
	*ret_pieces = (struct body_piece *)(void *)((char *)w->owners + owners);
	*ret_bytes = (uint8_t *)*ret_pieces + pieces;
	w->pub.n_pieces = n_pieces;
	w->pub.pieces = *ret_pieces;
	return w;
}

static struct whole *end_in_pieces(const struct body_builder *b)
{
	struct body_piece *piece;
	struct whole *w;
	uint32_t n_owners = 0;
	uint8_t *bytes;

	for (uint32_t i = 0; i < b->n; i++)
		n_owners += b->v[i].p != NULL;
	w = whole_new(n_owners, b->n, b->own.len, &piece, &bytes);
	if (b->own.len)
		memcpy(bytes, b->own.p, b->own.len);
	n_owners = 0;
	for (uint32_t i = 0; i < b->n; i++) {
		const struct part *p = &b->v[i];

		piece[i] = (struct body_piece){ p->p ? p->p : bytes + p->at, p->n };
		if (p->p)
			w->owners[n_owners++] = owner_ref(p->owner);
	}
	return w;
}

static struct whole *end_joined(const struct body_builder *b)
{
	struct body_piece *piece;
	uint8_t *bytes;
	struct whole *w = whole_new(0, 1, b->total, &piece, &bytes);

	*piece = (struct body_piece){ bytes, b->total };
	for (uint32_t i = 0; i < b->n; i++) {
		const struct part *p = &b->v[i];

		memcpy(bytes, p->p ? p->p : b->own.p + p->at, p->n);
		bytes += p->n;
	}
	return w;
}

static const struct body *finish(struct body_builder *b, struct whole *w)
{
	assert(!b->own.overflow);
	w->pub.total = b->total;
	for (uint32_t i = 0; i < b->n; i++)
		owner_unref(b->v[i].owner);
	xfree(b->v);
	buf_fini(&b->own);
	xfree(b);
	return &w->pub;
}

const struct body *body_end(struct body_builder *b)
{
	return finish(b, b->n > BODY_PIECES_MAX ? end_joined(b) : end_in_pieces(b));
}

const struct body *body_end_joined(struct body_builder *b)
{
	return finish(b, end_joined(b));
}

const struct body *body_copy(const void *bytes, size_t n)
{
	struct body_builder *b = body_begin();

	body_put(b, bytes, n);
	return body_end(b);
}
