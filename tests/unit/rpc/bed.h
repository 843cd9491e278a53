/* tests/unit/rpc/bed.h
 * A server with one method for each behaviour, and a client, for the tests of this room. The client runs on the
 * test's thread, only while a CHECK_UNTIL waits; the server on its own.
 */
#pragma once
#include "base/buf.h"
#include "rpc/rpc.h"
#include "test.h"
#include "tests/bench/h2client.h"

struct bed {
	struct rpc_server *server;
	struct h2c *client;
	uint16_t port;
	int64_t until_ns;
};
/* NULL: defaults. listeners and methods are filled in. */
void bed_init(struct bed *, const struct rpc_options *, const struct h2c_options *);
void bed_fini(struct bed *); /* stops the server, which must succeed */

/* The client's side of one stream. */
struct call {
	struct h2c_conn *conn; /* NULL once it has ended */
	struct buf last, now;  /* last complete message; the one under way */
	size_t n_messages, n_bytes;
	bool opened, goaway, ended, reset;
	int status;
	char text[256], cause[128];
};
void call_open(struct bed *, struct call *, const char *path);
void call_open_with(struct bed *, struct call *, const char *path, const struct h2c_header *,
		    uint32_t n_headers);
void call_fini(struct call *);

/* Runs the client until the condition holds, or 10 s are over, which is a failure. */
#define CHECK_UNTIL(bed, cond) \
	do { \
		bed_begin(bed); \
		while (!(cond) && bed_turn(bed)) \
			; \
		CHECK(cond); \
	} while (0)
void bed_begin(struct bed *);
bool bed_turn(struct bed *);
void bed_run_ms(struct bed *, int64_t ms);

/* ---- what the service saw ---- */

enum seen {
	SEEN_OPEN,
	SEEN_MESSAGE,
	SEEN_SENDABLE,
	SEEN_WAKE,
	SEEN_HALF_CLOSE,
	SEEN_CLOSE,
	SEEN_REFUSED_SEND,
	SEEN_RELEASE,
	N_SEEN
};
unsigned seen(enum seen);
enum rpc_code seen_last_code(void); /* of the last on_close */
bool seen_disorder(void);           /* callbacks of one stream overlapped, or came after its end */
struct rpc_stream *seen_stream(void); /* the last one opened; the caller's reference, or NULL */

/* What PUSH sends next: a body of len bytes, all `fill`, shared by all streams. SEEN_RELEASE counts its end. */
void push_set(size_t len, char fill);
void push_drop(void);

#define ECHO "/test.Test/Echo"     /* each message back; half-close: OK */
#define ONCE "/test.Test/Once"     /* unary: the message back, then OK */
#define REFUSE "/test.Test/Refuse" /* on_open: PERMISSION_DENIED */
#define SMALL "/test.Test/Small"   /* ECHO, at most 1,000 bytes */
#define HOLD "/test.Test/Hold"     /* ECHO, holding after each message */
#define HEADER \
	"/test.Test/Header" /* answers with the request header named by the message; "peer": the address */
#define PUSH "/test.Test/Push" /* on_wake: sends the pushed body and "!" */
#define BURST \
	"/test.Test/Burst" /* a message N: N answers of 10 kB, each when the one before is done */
#define FINISH "/test.Test/Finish" /* a message: the answer, and ABORTED in the same breath */
#define CANCEL "/test.Test/Cancel" /* a message: cancelled with DATA_LOSS */
