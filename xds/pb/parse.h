/* pb/parse.h
 * What parse.c and parse_text.c share while reading one document. Not for others.
 */
#pragma once
#include "base/buf.h"
#include "pb/pb.h"

struct diag;

struct parser {
	struct arena *arena;
	unsigned flags;
	struct diag *diag;
	struct buf path;
	bool is_bad; /* there was a problem somewhere */
};

/* Reports a problem at the place of the node and the path of the parser. Returns false. */
bool parse_error(struct parser *, const struct node *, const char *fmt, ...) printf_like(3, 4);

/* NULL after a problem. */
ProtobufCMessage *parse_message(struct parser *, const ProtobufCMessageDescriptor *,
				const struct node *);
ProtobufCMessage *parse_fields(struct parser *, const ProtobufCMessageDescriptor *,
			       const struct node *);

/* The messages that JSON writes as one string. */
ProtobufCMessage *parse_duration(struct parser *, const ProtobufCMessageDescriptor *,
				 const struct node *);
ProtobufCMessage *parse_timestamp(struct parser *, const ProtobufCMessageDescriptor *,
				  const struct node *);
ProtobufCMessage *parse_mask(struct parser *, const ProtobufCMessageDescriptor *,
			     const struct node *);
