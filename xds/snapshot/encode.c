/* Resources as they lie in a response: an envelope of name, version and type around the body. */
#include "snapshot/encode.h"
#include "base/buf.h"
#include "snapshot/wire.h"
#include <assert.h>
#include <string.h>

enum { /* field numbers; those of DiscoveryResponse and DeltaDiscoveryResponse agree as far as they go */
       RESOURCES = 2,
       SOTW_CONTROL_PLANE = 6,
       DELTA_CONTROL_PLANE = 7,
       RESOURCE_VERSION = 1,
       RESOURCE_ANY = 2,
       RESOURCE_NAME = 3,
       ANY_URL = 1,
       ANY_VALUE = 2,
       CONTROL_PLANE_ID = 1,
       CLA_NAME = 1,
       ROUTES_NAME = 1,
       ROUTES_VALIDATE_CLUSTERS = 7,
};
enum { URL_MAX = 1024, HEAD_MAX = RESOURCE_NAME_MAX + URL_MAX + 128 };

void encode_text(struct body_builder *b, unsigned field, const char *s, size_t len)
{
	uint8_t head[1 + WIRE_VARINT_MAX];

	body_put(b, head, (size_t)(wire_put_head(head, field, len) - head));
	body_put(b, s, len);
}

struct envelope {
	enum xds_protocol protocol;
	const char *name, *version, *url;
	size_t name_len, version_len, url_len, body_len;
};

/* All that comes before a resource's body. */
static void put_envelope(struct body_builder *b, const struct envelope *e)
{
	uint8_t head[HEAD_MAX], *p = head;
	size_t any = wire_bytes_size(e->url_len) + wire_bytes_size(e->body_len);

	if (e->protocol == XDS_DELTA) {
		size_t name = e->name_len ? wire_bytes_size(e->name_len) : 0;
		size_t version = e->version_len ? wire_bytes_size(e->version_len) : 0;

		p = wire_put_head(p, RESOURCES, name + version + wire_bytes_size(any));
		if (name)
			p = wire_put_bytes(p, RESOURCE_NAME, e->name, e->name_len);
		if (version)
			p = wire_put_bytes(p, RESOURCE_VERSION, e->version, e->version_len);
		p = wire_put_head(p, RESOURCE_ANY, any);
	} else {
		p = wire_put_head(p, RESOURCES, any);
	}
	p = wire_put_bytes(p, ANY_URL, e->url, e->url_len);
	p = wire_put_head(p, ANY_VALUE, e->body_len);
	assert((size_t)(p - head) <= sizeof head);
	body_put(b, head, (size_t)(p - head));
}

/* The body that stands for a name that is not there, if its type has one. */
static size_t empty_body(enum xds_type type, const char *name, size_t len, uint8_t *out)
{
	uint8_t *p = wire_put_bytes(out, type == XDS_EDS ? CLA_NAME : ROUTES_NAME, name, len);

	if (type ==
	    XDS_RDS) /* the clusters of routes to come are not to be checked: BoolValue false */
		p = wire_put_head(p, ROUTES_VALIDATE_CLUSTERS, 0);
	return (size_t)(p - out);
}

uint64_t empty_version(enum xds_type type, const char *name, size_t len)
{
	uint8_t body[RESOURCE_NAME_MAX + 16];

	return hash128(body, empty_body(type, name, len, body)).h[0];
}

uint64_t paired_version(uint64_t version, uint64_t name_hash, const struct root_index *pair)
{
	const struct index_entry *e = pair ? index_guess(pair, name_hash) : NULL;
	struct hash128 both = HASH128_INIT;

	if (!e)
		return version;
	both = hash128_fold(both, (struct hash128){ { version, 0 } });
	return hash128_fold(both, (struct hash128){ { e->version, 0 } }).h[0];
}

uint64_t response_resource_version(const struct resource *r, const struct root *pair)
{
	return paired_version(resource_version(r), name_hash(r->name, r->name_len),
			      pair ? root_index(pair) : NULL);
}

uint64_t response_empty_version(enum xds_type type, const char *name, const struct root *pair)
{
	size_t len = strlen(name);

	return paired_version(empty_version(type, name, len), name_hash(name, len),
			      pair ? root_index(pair) : NULL);
}

static void put_piece(void *ctx, const void *bytes, size_t n, const struct result *owner)
{
	body_put_shared(ctx, bytes, n, owner);
}

static void put_named(struct body_builder *b, enum xds_protocol protocol, enum xds_type type,
		      const char *name, size_t name_len, uint64_t number, size_t body_len,
		      const struct root_index *pair)
{
	char version[VERSION_HEX];
	struct envelope e = {
		.protocol = protocol,
		.name = name,
		.name_len = name_len,
		.version = version,
		.version_len = VERSION_HEX - 1,
		.url = xds_types[type].url,
		.url_len = strlen(xds_types[type].url),
		.body_len = body_len,
	};

	if (pair)
		number = paired_version(number, name_hash(name, name_len), pair);
	version_hex(number, version);
	put_envelope(b, &e);
}

void encode_resource(struct body_builder *b, enum xds_protocol protocol, enum xds_type type,
		     const struct resource *r, const struct root_index *pair)
{
	put_named(b, protocol, type, r->name, r->name_len, resource_version(r), r->size, pair);
	resource_pieces(r, put_piece, b);
}

void encode_empty(struct body_builder *b, enum xds_protocol protocol, enum xds_type type,
		  const char *name, size_t len, const struct root_index *pair)
{
	uint8_t body[RESOURCE_NAME_MAX + 16];
	size_t n = empty_body(type, name, len, body);

	put_named(b, protocol, type, name, len, empty_version(type, name, len), n, pair);
	body_put(b, body, n);
}

const struct body *answer_encode(enum xds_protocol protocol, const char *type_url,
				 const char *version, const struct answer_resource *v, size_t n,
				 const char *control_plane)
{
	struct body_builder *b = body_begin();

	if (!str_empty(version))
		encode_text(b, ENCODE_VERSION, version, strlen(version));
	for (size_t i = 0; i < n; i++) {
		struct envelope e = {
			.protocol = protocol,
			.name = v[i].name,
			.name_len = strlen(v[i].name),
			.url = v[i].type_url,
			.url_len = strlen(v[i].type_url),
			.body_len = v[i].len,
		};

		assert(e.name_len <= RESOURCE_NAME_MAX && e.url_len <= URL_MAX);
		put_envelope(b, &e);
		body_put(b, v[i].value, v[i].len);
	}
	encode_text(b, ENCODE_TYPE_URL, type_url, strlen(type_url));
	if (control_plane) {
		uint8_t head[2 * (1 + WIRE_VARINT_MAX)], *p = head;
		size_t len = strlen(control_plane);

		p = wire_put_head(p,
				  protocol == XDS_DELTA ? DELTA_CONTROL_PLANE : SOTW_CONTROL_PLANE,
				  wire_bytes_size(len));
		p = wire_put_head(p, CONTROL_PLANE_ID, len);
		body_put(b, head, (size_t)(p - head));
		body_put(b, control_plane, len);
	}
	return body_end(b);
}

/* ---- Chunks ---- */

struct chunk_key {
	const struct result *list;
	enum xds_protocol protocol;
	enum xds_type type;
};
struct chunk {
	struct shared shared;
	struct chunk_key key; /* with a reference */
	const struct body *body;
};

static const struct chunk *chunk_of(const struct shared *s)
{
	return (const struct chunk *)(const void *)s;
}

bool chunk_equal(const struct shared *s, const void *key)
{
	const struct chunk_key *a = &chunk_of(s)->key, *b = key;

	return a->protocol == b->protocol && a->type == b->type && same_content(a->list, b->list);
}

void chunk_destroy(struct shared *s)
{
	struct chunk *c = (struct chunk *)(void *)s;

	result_unref(c->key.list);
	body_unref(c->body);
	xfree(c);
}

size_t chunk_size(const struct shared *s)
{
	return sizeof(struct chunk) + body_memory(chunk_of(s)->body);
}

struct chunk_work {
	struct body_builder *builder;
	const struct chunk_key *key;
};

static bool add_to_chunk(void *ctx, const struct resource *r)
{
	struct chunk_work *w = ctx;

	encode_resource(w->builder, w->key->protocol, w->key->type, r, NULL);
	return true;
}

const struct body *chunk_get(struct xds_cache *cache, const struct result *list,
			     enum xds_protocol protocol, enum xds_type type)
{
	struct chunk_key key = { list, protocol, type };
	uint64_t hash = list->hash.h[0] + protocol + (uint64_t)type * 2;
	const struct shared *s = cache_find(cache, SHELF_CHUNK, hash, &key);
	const struct body *body;

	if (!s) {
		struct chunk_work w = { body_begin(), &key };
		struct chunk *c = xcalloc(1, sizeof *c);

		resource_each(list, add_to_chunk, &w);
		shared_init(&c->shared, SHELF_CHUNK, hash);
		c->key = key;
		result_ref(list);
		c->body = body_end_joined(w.builder);
		s = cache_add(cache, &c->shared, &key);
	}
	body = body_ref(chunk_of(s)->body);
	shared_unref(s);
	return body;
}
