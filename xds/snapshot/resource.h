/* snapshot/resource.h
 * Named resources inside query results: how translators emit them, and how readers find them again.
 *
 * The result of a root query is a tree of RESULT_LIST whose leaves hold the resources of one type:
 *   RESULT_BYTES   any number of whole resources, one record after the other (also none: an empty leaf is fine);
 *   RESULT_CONCAT  exactly one resource in pieces: what the query itself emitted is one record, its head, whose body
 *                  is the beginning of the resource's body (the encoded RouteConfiguration.name); the bytes of the
 *                  other children follow it in order. These may be trees of their own.
 * Names are unique within a root; of two equal ones the first counts. A name may be "" (the name table).
 *
 * A record is { u32 name_len, u32 body_len, hash128 of the body, name, NUL, body }, little-endian, without padding.
 *
 * Emitting: the model thread, inside a query. Reading: any thread that holds the root.
 */
#pragma once
#include "base/hash.h"
#include "world/result.h"

struct run;
struct buf;

enum { RESOURCE_NAME_MAX = 4096 };

/* Appends one whole resource to a query of shape RESULT_BYTES. `body` is the encoded message itself, without Any. */
void resource_emit(struct run *, const char *name, const void *body, size_t len);
/* Begins the one resource of a query of shape RESULT_CONCAT; before the first list_add. */
void resource_head(struct run *, const char *name, const void *body, size_t len);
/* The same record into a buffer, for roots that are not made by a query (result_bytes of it is a leaf). */
void resource_append(struct buf *, const char *name, const void *body, size_t len);

/* A resource found in a tree: pointers into it. */
struct resource {
	const char *name;
	uint32_t name_len;
	uint32_t offset; /* of its record in `at` (0 for CONCAT) */
	const struct result *at;
	struct hash128 hash; /* its version: of the body, or of the pieces for CONCAT */
	const uint8_t *head; /* the body, or its beginning for CONCAT */
	uint32_t head_len;
	uint32_t size; /* of the whole body */
};

/* Calls fn for each resource of a root in tree order until it returns false; duplicates included. */
typedef bool resource_fn(void *ctx, const struct resource *);
bool resource_each(const struct result *root, resource_fn *, void *ctx);
/* The resource at a place remembered from struct resource. */
struct resource resource_at(const struct result *at, uint32_t offset);
/* Calls fn for each run of bytes of the body, in order; empty runs are left out. */
void resource_pieces(const struct resource *,
		     void (*fn)(void *ctx, const void *bytes, size_t n, const struct result *owner),
		     void *ctx);
void resource_body(const struct resource *, struct buf *out); /* appended */

/* The version on the wire: 16 lower-case hex digits of the hash's first half. */
enum { VERSION_HEX = 17 };
void version_hex(uint64_t version, char ret_hex[VERSION_HEX]);
static inline uint64_t resource_version(const struct resource *r)
{
	return r->hash.h[0];
}

/* If a cluster's encoded body says that its endpoints come by EDS over ADS: the name to be asked for (its service_name,
 * else the cluster's own name). Else NULL. The pointer is into the body and not terminated. */
const char *resource_eds_name(const struct resource *cluster, struct buf *scratch, size_t *ret_len);
