/* snapshot/encode.h
 * Private to this room: the pieces that responses are put together from.
 */
#pragma once
#include "snapshot/cache.h"
#include "snapshot/response.h"

struct body_builder;

enum {
	ENCODE_VERSION = 1,
	ENCODE_TYPE_URL = 4,
	ENCODE_REMOVED = 6
}; /* fields of text, in either protocol */
void encode_text(struct body_builder *, unsigned field, const char *, size_t len);
/* One resource, as the field of a response. The version counts that of `pair`'s resource of this name, if any. */
void encode_resource(struct body_builder *, enum xds_protocol, enum xds_type,
		     const struct resource *, const struct root_index *pair);
/* The same for a name that is not there, of a type that answers with an empty resource. */
void encode_empty(struct body_builder *, enum xds_protocol, enum xds_type, const char *name,
		  size_t len, const struct root_index *pair);

/* All resources of a list in one run, with plain versions: roots that differ in a few resources have most lists in
 * common, and so do the bodies that hold them. A new reference. Under the cache's build lock. */
const struct body *chunk_get(struct xds_cache *, const struct result *list, enum xds_protocol,
			     enum xds_type) must_check;
