/* snapshot/response.h
 * The encoded answer that takes a client from what it holds to what it is to hold. A pure function of immutable,
 * interned things, hence computed once and shared by all streams in the same position.
 *
 * Any thread. The returned response is immutable; ref and unref take no lock.
 */
#pragma once
#include "snapshot/body.h"
#include "snapshot/snapshot.h"

enum xds_protocol { XDS_SOTW, XDS_DELTA };

/* What a response is made from; all borrowed. */
struct response_key {
	uint8_t protocol;
	uint8_t type;
	bool all; /* subscribed to everything (wildcard), `names` besides */
	bool keep; /* what has vanished stays for now: delta leaves removed_resources out, SotW of a `whole` type holds
		    * also the resources of `from` that `to` has not */
	const struct root *from; /* what the client holds; NULL: nothing */
	const struct root *to;   /* what it shall hold */
	const struct root *
		pair; /* EDS: the clusters as the client holds them, part of the assignments' versions */
	const struct names *names; /* the subscription */
	const struct names *force; /* of them: sent even if equal, removed even if never there */
	const struct names
		*remove; /* names that the client may hold beyond `from`: to be removed now */
};

struct response {
	const struct body *body; /* no nonce: field 5 of either protocol is left to the stream */
	uint64_t version;        /* of `to` */
	uint32_t n_resources, n_removed; /* encoded */
	bool is_empty; /* nothing that the client does not have (SotW of a `whole` type may hold resources all the same) */
	bool is_full; /* everything of `to` that is subscribed to; then `sent` is not filled */
	const struct names *sent;     /* names of the resources in it */
	const struct names *vanished; /* with keep: subscribed names of `from` that `to` has not */
	/* CDS: what the clusters in it that are new to the client or changed ask EDS for. */
	const struct names *eds;
};

const struct response *response_get(struct xds_cache *, const struct response_key *) must_check;
const struct response *response_ref(const struct response *); /* NULL is fine */
void response_unref(const struct response *);

/* The version of a resource on the wire of the delta protocol. `pair` as in the key. */
uint64_t response_resource_version(const struct resource *, const struct root *pair);
/* The same for a name that is not there, of a type that answers with an empty resource. */
uint64_t response_empty_version(enum xds_type, const char *name, const struct root *pair);

/* An answer outside of all that: a response of resources given one by one (debug pages). `type_url` of the Any and of
 * the response may differ. Not cached. */
struct answer_resource {
	const char *name;
	const char *type_url;
	const void *value;
	size_t len;
};
const struct body *answer_encode(enum xds_protocol, const char *type_url, const char *version,
				 const struct answer_resource *, size_t n,
				 const char *control_plane) must_check; /* NULL: none */
