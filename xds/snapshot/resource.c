/* Records and the walk over them. A record is read where it lies, wherever that is: leaves are runs of records of odd
 * lengths, so its numbers are copied out rather than pointed at. */
#include "snapshot/resource.h"
#include "base/buf.h"
#include "snapshot/wire.h"
#include "world/graph.h"
#include <assert.h>
#include <string.h>

struct record {
	uint32_t name_len, body_len;
	struct hash128 hash;
};
static_assert(sizeof(struct record) == 24, "the layout of resource.h");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are hashed as they lie");

static struct record record_of(const char *name, const void *body, size_t len)
{
	size_t name_len = strlen(name);

	assert(name_len <= RESOURCE_NAME_MAX && len < UINT32_MAX);
	return (struct record){ (uint32_t)name_len, (uint32_t)len, hash128(body, len) };
}

void resource_emit(struct run *r, const char *name, const void *body, size_t len)
{
	struct record rec = record_of(name, body, len);

	run_emit(r, &rec, sizeof rec);
	run_emit(r, name, rec.name_len + 1);
	if (len)
		run_emit(r, body, len);
}

void resource_head(struct run *r, const char *name, const void *body, size_t len)
{
	resource_emit(r, name, body, len);
}

void resource_append(struct buf *b, const char *name, const void *body, size_t len)
{
	struct record rec = record_of(name, body, len);

	buf_append(b, &rec, sizeof rec);
	buf_append(b, name, rec.name_len + 1);
	if (len)
		buf_append(b, body, len);
}

/* Also says where the next record begins. */
static struct resource record_read(const struct result *at, uint32_t offset, uint32_t *ret_next)
{
	const uint8_t *p = at->bytes + offset;
	struct record rec;
	struct resource r;

	assert(at->shape == RESULT_BYTES && at->n - offset > sizeof rec);
	memcpy(&rec, p, sizeof rec);
	assert((uint64_t)sizeof rec + rec.name_len + 1 + rec.body_len <= at->n - offset);
	r = (struct resource){
		.name = (const char *)p + sizeof rec,
		.name_len = rec.name_len,
		.offset = offset,
		.at = at,
		.hash = rec.hash,
		.head = p + sizeof rec + rec.name_len + 1,
		.head_len = rec.body_len,
		.size = rec.body_len,
	};
	assert(!r.name[r.name_len]);
	*ret_next = offset + (uint32_t)sizeof rec + rec.name_len + 1 + rec.body_len;
	return r;
}

struct resource resource_at(const struct result *at, uint32_t offset)
{
	struct resource r;
	uint32_t next;

	if (at->shape == RESULT_BYTES)
		return record_read(at, offset, &next);
	assert(at->shape == RESULT_CONCAT && at->n && !offset);
	r = record_read(at->child[0], 0, &next);
	assert(next == at->child[0]->n);
	r.at = at;
	r.hash = at->hash;
	r.size = r.head_len + (at->total - at->child[0]->n);
	return r;
}

bool resource_each(const struct result *root, resource_fn *fn, void *ctx)
{
	struct resource r;

	switch ((enum result_shape)root->shape) {
	case RESULT_LIST:
		for (uint32_t i = 0; i < root->n; i++) {
			if (!resource_each(root->child[i], fn, ctx))
				return false;
		}
		return true;
	case RESULT_CONCAT:
		/* A query that failed leaves no head behind. */
		if (!root->n || !root->child[0]->n)
			return true;
		r = resource_at(root, 0);
		return fn(ctx, &r);
	case RESULT_BYTES:
		for (uint32_t at = 0, next; at < root->n; at = next) {
			r = record_read(root, at, &next);
			if (!fn(ctx, &r))
				return false;
		}
		return true;
	}
	return true;
}

typedef void piece_fn(void *ctx, const void *bytes, size_t n, const struct result *owner);

static void each_piece(const struct result *r, piece_fn *fn, void *ctx)
{
	if (r->shape == RESULT_BYTES) {
		if (r->n)
			fn(ctx, r->bytes, r->n, r);
		return;
	}
	for (uint32_t i = 0; i < r->n; i++)
		each_piece(r->child[i], fn, ctx);
}

void resource_pieces(const struct resource *r, piece_fn *fn, void *ctx)
{
	bool whole = r->at->shape == RESULT_BYTES;

	if (r->head_len)
		fn(ctx, r->head, r->head_len, whole ? r->at : r->at->child[0]);
	for (uint32_t i = 1; !whole && i < r->at->n; i++)
		each_piece(r->at->child[i], fn, ctx);
}

static void append_piece(void *ctx, const void *bytes, size_t n, const struct result *owner)
{
	buf_append(ctx, bytes, n);
}

void resource_body(const struct resource *r, struct buf *out)
{
	resource_pieces(r, append_piece, out);
}

void version_hex(uint64_t version, char ret_hex[VERSION_HEX])
{
	static const char digit[] = "0123456789abcdef";

	for (unsigned i = 0; i < 16; i++)
		ret_hex[i] = digit[version >> (60 - 4 * i) & 15];
	ret_hex[16] = 0;
}

/* The last field of that number and type, as protobuf readers take it. */
static bool find_field(const uint8_t *p, size_t n, uint32_t number, uint8_t type,
		       struct wire_field *ret)
{
	const uint8_t *end = p + n;
	struct wire_field f;
	bool found = false;

	while (wire_next(&p, end, &f)) {
		if (f.number == number && f.type == type) {
			*ret = f;
			found = true;
		}
	}
	return found;
}

const char *resource_eds_name(const struct resource *cluster, struct buf *scratch, size_t *ret_len)
{
	enum { CLUSTER_TYPE = 2, TYPE_EDS = 3, EDS_CLUSTER_CONFIG = 3 };
	enum { EDS_CONFIG = 1, SERVICE_NAME = 2, CONFIG_SOURCE_ADS = 3 };
	struct wire_field type, eds, source, ads, name;
	const uint8_t *body = cluster->head;

	if (cluster->head_len != cluster->size) {
		buf_reset(scratch);
		resource_body(cluster, scratch);
		body = (const uint8_t *)scratch->p;
	}
	if (!find_field(body, cluster->size, CLUSTER_TYPE, WIRE_VARINT, &type) ||
	    type.value != TYPE_EDS ||
	    !find_field(body, cluster->size, EDS_CLUSTER_CONFIG, WIRE_BYTES, &eds) ||
	    !find_field(eds.bytes, eds.len, EDS_CONFIG, WIRE_BYTES, &source) ||
	    !find_field(source.bytes, source.len, CONFIG_SOURCE_ADS, WIRE_BYTES, &ads))
		return NULL;
	if (find_field(eds.bytes, eds.len, SERVICE_NAME, WIRE_BYTES, &name) && name.len) {
		*ret_len = name.len;
		return (const char *)name.bytes;
	}
	*ret_len = cluster->name_len;
	return cluster->name;
}
