/* Message bytes on their way to and from gRPC, without copying: a body is one gRPC slice that all its messages share,
 * so that a message costs a few words per body and stream. gRPC's count says how many messages still need it; ours,
 * how many of the layers above. */
#include "rpc/internal.h"
#include "rpc/tsan.h"
#include <assert.h>
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>

struct rpc_body {
	struct ref ref;
	grpc_slice slice;
	void (*release)(void *owner);
	void *owner;
};

static void destroy(void *arg)
{
	struct rpc_body *b = arg;

	ANNOTATE_HAPPENS_AFTER(b);
	if (b->release)
		b->release(b->owner);
	xfree(b);
}

struct rpc_body *rpc_body_new(const void *bytes, size_t len, void (*release)(void *owner),
			      void *owner)
{
	struct rpc_body *b = xcalloc(1, sizeof *b);
	union {
		const void *c;
		void *p;
	} immutable = { bytes }; /* gRPC does not write either, it only has no word for it */

	ref_init(&b->ref);
	b->release = release;
	b->owner = owner;
	b->slice = grpc_slice_new_with_user_data(immutable.p, len, destroy, b);
	return b;
}

struct rpc_body *rpc_body_ref(struct rpc_body *b)
{
	ref_get(&b->ref);
	return b;
}

void rpc_body_unref(struct rpc_body *b)
{
	if (!b || !ref_put(&b->ref))
		return;
	ANNOTATE_HAPPENS_BEFORE(b);
	grpc_slice_unref(b->slice);
}

size_t rpc_body_len(const struct rpc_body *b)
{
	return GRPC_SLICE_LENGTH(b->slice);
}

grpc_byte_buffer *slices_join(const struct rpc_slices *m, size_t *ret_len)
{
	grpc_slice v[RPC_SLICES_MAX + 2];
	grpc_byte_buffer *joined;
	size_t n = 0, len = (size_t)m->head_len + m->tail_len;

	assert(m->n_bodies <= RPC_SLICES_MAX);
	if (m->head_len)
		v[n++] = grpc_slice_from_copied_buffer(m->head, m->head_len);
	for (uint32_t i = 0; i < m->n_bodies; i++) {
		if (!rpc_body_len(m->bodies[i]))
			continue;
		len += rpc_body_len(m->bodies[i]);
		v[n++] = grpc_slice_ref(m->bodies[i]->slice);
		ANNOTATE_HAPPENS_BEFORE(m->bodies[i]);
	}
	if (m->tail_len)
		v[n++] = grpc_slice_from_copied_buffer(m->tail, m->tail_len);
	assert(len <= UINT32_MAX);
	joined = grpc_raw_byte_buffer_create(v, n);
	for (size_t i = 0; i < n; i++)
		grpc_slice_unref(v[i]);
	*ret_len = len;
	return joined;
}

bool message_read(grpc_byte_buffer *message, struct rpc_stream *s,
		  void (*fn)(struct rpc_stream *, const void *, size_t))
{
	grpc_slice_buffer *parts = &message->data.raw.slice_buffer;
	grpc_byte_buffer_reader reader;
	grpc_slice whole;

	if (message->type != GRPC_BB_RAW || message->data.raw.compression != GRPC_COMPRESS_NONE)
		return false;
	if (parts->count == 1) {
		fn(s, GRPC_SLICE_START_PTR(parts->slices[0]), GRPC_SLICE_LENGTH(parts->slices[0]));
		return true;
	}
	if (!grpc_byte_buffer_reader_init(&reader, message))
		return false;
	whole = grpc_byte_buffer_reader_readall(&reader);
	grpc_byte_buffer_reader_destroy(&reader);
	fn(s, GRPC_SLICE_START_PTR(whole), GRPC_SLICE_LENGTH(whole));
	grpc_slice_unref(whole);
	return true;
}
