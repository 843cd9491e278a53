/* rpc/rpc.h
 * The gRPC server, generic over services: streams of byte messages in, refcounted bytes out. It knows neither xDS nor
 * certificates; whoever is above gives it a table of methods. The only room that uses gRPC (C-core 1.51), built after
 * the measurements of spec/grpc.md: sections 5 and 6 are followed, so each limit below has its reason there.
 *
 * Threads. A server has polling threads and pushing threads of its own. All callbacks of one stream are serialised,
 * on whichever of those threads; callbacks of different streams run at once. They are called without any lock held,
 * may call everything here but rpc_server_stop, and should not block: there are only as many threads as cores.
 * Everything else may be called from any thread that holds no lock of rank LOCK_RPC_SERVER or higher.
 *
 * Order of callbacks: on_open, then any of on_message, on_sendable, on_wake; on_half_close at most once, with no
 * on_message after it; on_close once, last. A stream that is finished or cancelled from our side gets only on_close.
 */
#pragma once
#include "base/err.h"

struct rpc_server;
struct rpc_stream;
struct rpc_body;
struct rpc_tls;

/* gRPC's status codes, on the wire as they are here. */
enum rpc_code {
	RPC_OK,
	RPC_CANCELLED,
	RPC_UNKNOWN,
	RPC_INVALID_ARGUMENT,
	RPC_DEADLINE_EXCEEDED,
	RPC_NOT_FOUND,
	RPC_ALREADY_EXISTS,
	RPC_PERMISSION_DENIED,
	RPC_RESOURCE_EXHAUSTED,
	RPC_FAILED_PRECONDITION,
	RPC_ABORTED,
	RPC_OUT_OF_RANGE,
	RPC_UNIMPLEMENTED,
	RPC_INTERNAL,
	RPC_UNAVAILABLE,
	RPC_DATA_LOSS,
	RPC_UNAUTHENTICATED,
};
const char *rpc_code_name(enum rpc_code); /* as in grpc-go: "Unavailable" */

/* ---- what a service is ---- */

enum rpc_kind {
	RPC_BIDI,
	RPC_UNARY, /* one message in, then rpc_send once and rpc_stream_finish; on_half_close is not called */
};

/* One row of the service table. Callbacks other than on_message may be NULL. */
struct rpc_method {
	const char *path; /* "/package.Service/Method"; any other path is answered UNIMPLEMENTED */
	enum rpc_kind kind;
	/* Of requests; 0: RPC_MESSAGE_LEN. A longer one ends the stream with RESOURCE_EXHAUSTED, or the connection if it
	 * is 16 MB longer than that of any method may be. One server a process, or the last one's limits hold for all. */
	size_t max_message_len;
	void *service; /* for the callbacks, see rpc_stream_method */

	/* The headers are here. To refuse, call rpc_stream_finish. */
	void (*on_open)(struct rpc_stream *);
	/* One message, contiguous, valid during the call. The next one is read when this returns. */
	void (*on_message)(struct rpc_stream *, const void *bytes, size_t len);
	/* The kernel has all of the last message, so the next rpc_send will be accepted; it says nothing about delivery.
	 * When sends follow one another fast, one call may stand for several. */
	void (*on_sendable)(struct rpc_stream *);
	/* Somebody called rpc_wake since the last on_wake. */
	void (*on_wake)(struct rpc_stream *);
	/* The client will send no more. Comes 100 ms late: until then it cannot be told from a cancellation. */
	void (*on_half_close)(struct rpc_stream *);
	/* `code` is what we finished with, or CANCELLED if the client or the connection went first. */
	void (*on_close)(struct rpc_stream *, enum rpc_code);
};

/* ---- the server ---- */

/* "IP:PORT", "[IP]:PORT", "localhost:PORT" (127.0.0.1), ":PORT" (every address), "unix:PATH". Other host names are
 * refused: one listener is one socket. */
struct rpc_listener {
	const char *address;
	/* NULL: plaintext. Nothing else is supported yet: rpc_server_new says so. */
	const struct rpc_tls *tls;
};

enum {
	RPC_MESSAGE_LEN = 64 << 20, /* the longest request of any method */
	RPC_LISTENERS_MAX = 8,
	RPC_THREADS_MAX = 16, /* of either kind */
	RPC_METHODS_MAX = 32,
	/* Bodies in one message: beyond it, join them once instead of once a stream. */
	RPC_SLICES_MAX = 64,
};

/* 0 takes the default in parentheses. Everything is copied, except what the methods point to. */
struct rpc_options {
	const struct rpc_listener *listeners;
	uint32_t n_listeners;
	const struct rpc_method *methods;
	uint32_t n_methods;
	uint32_t n_pollers, n_pushers; /* (cores, at most 4) */
	/* (30000, 10000) Ping a silent connection; close it if there is no answer. What frees stalled readers. */
	uint32_t keepalive_ms, keepalive_timeout_ms;
	uint32_t max_connection_age_ms;       /* (none) gRPC adds up to 10 % either way */
	uint32_t max_connection_age_grace_ms; /* (10000) */
	uint32_t handshake_timeout_ms;        /* (10000) for a connection that stays silent */
	uint32_t max_streams_per_connection;  /* (100) */
	uint32_t max_streams;                 /* (65536) beyond: RESOURCE_EXHAUSTED */
	/* (65536) Bytes of request headers; beyond, the connection is closed. */
	uint32_t max_metadata_len;
	/* (256 kB; 8, at most 64; 2000) Messages above large_len are sent large_slots at a time. One that takes longer
	 * than the lease no longer counts when others wait. */
	uint32_t large_len, large_slots, large_lease_ms;
};

/* Call first thing in main, while there is one thread: sets what gRPC reads from the environment, routes its log to
 * base/log.h, and installs what keeps listeners alive when file descriptors run out. Servers are made after it. */
void rpc_init(void);

/* Binds; serves nothing before rpc_server_start. */
bool rpc_server_new(const struct rpc_options *, struct rpc_server **ret, struct err *) must_check;
/* The kernel's choice for port 0; 0 for a Unix socket. */
int rpc_server_port(const struct rpc_server *, uint32_t listener);
void rpc_server_start(struct rpc_server *);

/* Closes the listeners and asks clients to go elsewhere (GOAWAY), refuses new streams, and finishes the open ones
 * with UNAVAILABLE at times spread evenly, in random order, over `spread_ms`, so that they do not all arrive at the
 * next replica at once. Returns at once. */
void rpc_server_drain(struct rpc_server *, uint32_t spread_ms);

/* Drains if nobody has, waits up to grace_ms for the streams to end, then cancels them and closes their connections.
 * All on_close have returned when this does. False: something is still stuck after another few seconds and the
 * server is still running; nothing may be freed, the process should _exit. Once; not from a callback. */
bool rpc_server_stop(struct rpc_server *, uint32_t grace_ms) must_check;
/* After rpc_server_stop returned true, or before rpc_server_start. NULL is fine. */
void rpc_server_free(struct rpc_server *);

/* rpc_wake for every open stream of the method (NULL: of all). */
void rpc_server_wake(struct rpc_server *, const char *path);

struct rpc_stats {
	uint64_t streams;         /* open now */
	uint64_t streams_total;   /* ever, those refused without a method included */
	uint64_t sends_in_flight; /* messages with gRPC that the kernel has not taken in full */
	/* of the limiter; expired: leases, ever */
	uint64_t large_in_flight, large_waiting, large_expired;
	uint64_t sent_messages, sent_bytes, received_messages, received_bytes;
	/* of the process */
	uint64_t accepts_refused; /* connections dropped for want of file descriptors */
	uint64_t connections_cut; /* connections closed for sending more than a request can be */
	uint64_t bytes_held;      /* received, not a message yet; an estimate from above */
};
void rpc_server_stats(struct rpc_server *, struct rpc_stats *ret);

/* Call it every few seconds: sets the gauges mainsheet_rpc_*, and gives the heap of large pushes and mass disconnects
 * back to the system (malloc_trim) once they are over. */
void rpc_housekeeping(struct rpc_server *);

/* ---- a stream ---- */

/* Whoever keeps a stream beyond a callback holds a reference. After on_close it is only a husk: all calls do nothing.
 * A reference may outlive the server. */
struct rpc_stream *rpc_stream_ref(struct rpc_stream *);
void rpc_stream_unref(struct rpc_stream *);

/* Yours; set it in on_open, before other threads know the stream. */
void rpc_stream_set_user(struct rpc_stream *, void *user);
void *rpc_stream_user(const struct rpc_stream *);
/* Until on_close has returned. */
const struct rpc_method *rpc_stream_method(const struct rpc_stream *);

/* The client's "IP:PORT" or "[IP]:PORT", "unix:..." on such a socket; empty after on_close. */
enum { RPC_PEER_TEXT = 128 };
void rpc_stream_peer(struct rpc_stream *, char ret[RPC_PEER_TEXT]);

/* The nth value of a request header (lower case), or NULL. Not NUL-terminated. In callbacks only; the bytes live until
 * on_close has returned. After rpc_stream_drop_metadata, which saves about 1 kB a stream, there are none. */
const char *rpc_stream_metadata(const struct rpc_stream *, const char *key, uint32_t nth,
				size_t *ret_len);
void rpc_stream_drop_metadata(struct rpc_stream *);

/* In on_message only: no further on_message until resume, for services that handle the message elsewhere. Each hold
 * needs one resume, from any thread; what the client sends meanwhile waits in its flow-control window. */
void rpc_stream_hold(struct rpc_stream *);
void rpc_stream_resume(struct rpc_stream *);

/* on_wake, soon, on a pushing thread. However often it is called before that: once. */
void rpc_wake(struct rpc_stream *);

/* Ends the stream once a send in flight is done. Only the first call counts. `message` is copied, cut at 1 kB. For one
 * that does not read, this takes until keepalive finds out. */
void rpc_stream_finish(struct rpc_stream *, enum rpc_code, const char *message);
/* Ends it at once; what was sent may not arrive. */
void rpc_stream_cancel(struct rpc_stream *, enum rpc_code, const char *message);

/* ---- sending ---- */

/* Bytes shared by any number of messages. Immutable. `release(owner)` runs when the last reference, ours and gRPC's,
 * is gone: on any thread and inside any call of this header, so it may call nothing here and take no lock that a
 * caller of this header holds. */
struct rpc_body *rpc_body_new(const void *bytes, size_t len, void (*release)(void *owner),
			      void *owner);
struct rpc_body *rpc_body_ref(struct rpc_body *);
void rpc_body_unref(struct rpc_body *);
size_t rpc_body_len(const struct rpc_body *);

/* One message: head, bodies in order, tail. Head and tail are copied (cheap below 24 bytes), bodies are referenced. */
struct rpc_slices {
	const void *head, *tail;
	uint32_t head_len, tail_len;
	struct rpc_body *const *bodies;
	uint32_t n_bodies; /* at most RPC_SLICES_MAX */
};

/* Sends, or has the message wait its turn in the limiter if it is large. False, with nothing done: one is
 * outstanding, and on_sendable will follow; or the stream is ending, and on_close will. Being slow is the client's
 * right: it costs at most one message and a socket's buffer. */
bool rpc_send(struct rpc_stream *, const struct rpc_slices *) must_check;
