/* Who calls: the peer's address and the request headers. */
#include "rpc/internal.h"
#include <grpc/support/alloc.h>
#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* gRPC writes a URI: "ipv4:10.0.0.1:80", "ipv6:%5Bfd00::1%5D:80", "unix:/path". */
static void peer_text(const char *uri, char ret[RPC_PEER_TEXT])
{
	size_t n = 0;

	if (str_starts(uri, "ipv4:") || str_starts(uri, "ipv6:"))
		uri += 5;
	for (; *uri && n < RPC_PEER_TEXT - 1; uri++) {
		int high = *uri == '%' ? hex_digit(uri[1]) : -1;
		int low = high < 0 ? -1 : hex_digit(uri[2]);

		ret[n++] = low < 0 ? *uri : (char)(high << 4 | low);
		uri += low < 0 ? 0 : 2;
	}
	ret[n] = '\0';
}

void rpc_stream_peer(struct rpc_stream *s, char ret[RPC_PEER_TEXT])
{
	char *uri = NULL;

	with_lock(&s->lock) {
		if (s->call)
			uri = grpc_call_get_peer(s->call);
	}
	peer_text(str_or(uri, ""), ret);
	gpr_free(uri);
}

const char *rpc_stream_metadata(const struct rpc_stream *s, const char *key, uint32_t nth,
				size_t *ret_len)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < s->metadata.count; i++) {
		const grpc_metadata *m = &s->metadata.metadata[i];

		if (GRPC_SLICE_LENGTH(m->key) != len ||
		    memcmp(GRPC_SLICE_START_PTR(m->key), key, len) != 0 || nth--)
			continue;
		*ret_len = GRPC_SLICE_LENGTH(m->value);
		return (const char *)GRPC_SLICE_START_PTR(m->value);
	}
	return NULL;
}

void rpc_stream_drop_metadata(struct rpc_stream *s)
{
	with_lock(&s->lock) {
		grpc_metadata_array_destroy(&s->metadata);
		grpc_metadata_array_init(&s->metadata);
	}
}
