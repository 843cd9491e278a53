/* schema/object.h
 * One decoded object of the user's: typed, located, immutable, shared by reference.
 *
 * Everything of an object lives in its own arena and dies with its last reference. Decoding is pure and may run on any
 * thread; a published object may be read by all.
 */
#pragma once
#include "base/diag.h"
#include "base/hash.h"
#include "base/ref.h"
#include "schema/schema.h"

struct buf;
struct node;
struct object_meta; /* generated from crd-schemas/core/objectmeta.yaml */

struct object {
	struct ref ref;
	struct arena arena;
	uint16_t kind;           /* enum kind_id */
	const char *api_version; /* as written, "networking.istio.io/v1beta1" */
	const char *ns, *name;   /* ns is "" for cluster-scoped kinds, never NULL */
	const struct object_meta *meta;
	const void *body;    /* the generated struct of the kind, e.g. struct virtual_service */
	int64_t created_s;   /* creationTimestamp, seconds since 1970; 0 if absent */
	struct place place;  /* of the document */
	const char *cluster; /* id of the cluster it came from; "" for the local one */
	struct hash128 hash; /* of all content that counts: body without status unless read, meta */
};

const struct object *object_ref(const struct object *);
void object_unref(const struct object *);
void object_unref_p(const struct object **);

/* What decode made of a document. */
enum decode_result {
	DECODE_OK,           /* *ret is yours, with one reference; warnings may be in diag */
	DECODE_BAD,          /* errors are in diag, with the object's name when it has one */
	DECODE_UNKNOWN_KIND, /* a kind that is not read: not an error; its "kind" says which */
};
struct decode_opts {
	const char *default_ns; /* for namespaced kinds without one; NULL: "default" */
	const char *cluster;    /* NULL: "" */
	bool keep_status; /* status counts for the hash: kinds whose status is read do so anyway */
	bool admit;       /* what the validating webhook would refuse is bad too (check.h) */
};
/* Decodes one document (not a List: see object_each). Unknown fields are warnings with their place. Nothing of `doc`
 * is kept but what is copied. */
enum decode_result object_decode(const struct node *doc, const struct decode_opts *,
				 const struct object **ret, struct diag *);

/* Calls fn for the document itself or, for a `kind: List` (nested to a depth of 8), for each of its items. */
void object_each(const struct node *doc, void (*fn)(void *ctx, const struct node *item), void *ctx);

/* Content equality of two objects of one key. */
bool object_equal(const struct object *, const struct object *);

/* "VirtualService shop/reviews" (or without "ns/"). Into the caller's buffer. */
enum { OBJECT_TITLE = 640 };
const char *object_title(const struct object *, char buf[OBJECT_TITLE]);

/* The document again, as JSON in schema order: apiVersion, kind, metadata, rest. decode(print(x)) equals x. */
void object_print(const struct object *, struct buf *out, bool pretty);

/* The kind of a document, or NULL; `versions` are checked. */
const struct kind *kind_find(const char *api_version, const char *kind);
const struct kind *kind_of(const struct object *);

/* Decodes a node by any struct type, for what is not an object: MeshConfig, ProxyConfig in node metadata, MeshNetworks.
 * NULL only if errors were found. Lives in the arena. `lenient`: unknown fields are not even warnings. */
const void *struct_decode(const struct struct_type *, const struct node *, struct arena *,
			  const char *path, bool lenient, struct diag *);
void struct_print(const struct struct_type *, const void *, struct buf *out, bool pretty);
bool struct_equal(const struct struct_type *, const void *, const void *);
struct hash128 struct_hash(const struct struct_type *, const void *);
