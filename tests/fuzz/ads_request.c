/* The first thing a stranger can send us: discovery requests of both protocols. Whatever the bytes are, nothing crashes
 * or takes more memory than allowed; what is accepted says the same after another trip over the wire.
 *
 *	clang -fsanitize=fuzzer,address,undefined ... tests/fuzz/ads_request.c, corpus in tests/fuzz/corpus/ads_request
 */
#include "base/buf.h"
#include "pb/json.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { MAX_LEN = 4 << 20, MAX_MEMORY = 16 << 20, ARENA_SLACK = 1 << 20 };

static void check_type(const ProtobufCMessageDescriptor *desc, const uint8_t *bytes, size_t len)
{
	struct arena a = ARENA_INIT;
	struct buf first = BUF_INIT, second = BUF_INIT;
	ProtobufCMessage *msg = pb_unpack(&a, desc, bytes, len, MAX_MEMORY, NULL);
	ProtobufCBinaryData again;

	/* The arena rounds up, at most to twice of what was asked for. */
	assert(arena_size(&a) <= 2 * (size_t)MAX_MEMORY + ARENA_SLACK);
	if (msg) {
		pb_print_buf(&first, msg, false);
		again = pb_pack(&a, msg);
		msg = pb_unpack(&a, desc, again.data, again.len, 2 * (size_t)MAX_MEMORY, NULL);
		assert(msg);
		pb_print_buf(&second, msg, false);
		assert(!strcmp(buf_str(&first), buf_str(&second)));
	}
	buf_fini(&first);
	buf_fini(&second);
	arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	if (len > MAX_LEN)
		return 0;
	check_type(&Discovery__DeltaDiscoveryRequest__DESC, bytes, len);
	check_type(&Discovery__DiscoveryRequest__DESC, bytes, len);
	return 0;
}
