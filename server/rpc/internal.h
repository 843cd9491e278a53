/* rpc/internal.h
 * What the files of this room share. Lock ranks: a server's lock, then one stream's, then one of limiter, timers or
 * wakers (never two of these), then statistics. gRPC may be called with a stream's lock held, with none of the last
 * group: it can call back (accept4, its log, the release of a body).
 */
#pragma once
#include "base/clock.h"
#include "base/lock.h"
#include "base/ref.h"
#include "rpc/rpc.h"
#include <grpc/grpc.h>

/* ---- tags ----
 * What comes out of the completion queue points to a byte that says which of these it is; the byte's owner is found
 * from there. A stream has one per kind of operation, so that none is ever in flight twice. */
enum rpc_tag {
	TAG_ACCEPT,   /* in struct accept_slot */
	TAG_SHUTDOWN, /* in struct rpc_server */
	TAG_CLOSE,    /* the rest in struct rpc_stream */
	TAG_METADATA,
	TAG_RECEIVE,
	TAG_SEND,
	TAG_STATUS,
	N_TAGS,
};

/* On the monotonic clock. */
void cond_init(pthread_cond_t *);

/* ---- timers.c: one thread that calls back at a time ---- */

struct rpc_timer {
	struct rpc_timer *prev, *next; /* next is NULL: not armed */
	int64_t due_ns;
	void (*fire)(struct rpc_timer *);
};
struct timers {
	struct lock lock;
	pthread_cond_t changed;
	struct rpc_timer head; /* of a ring, earliest first */
	pthread_t thread;
	bool stopping;
};
void timers_start(struct timers *);
void timers_stop(struct timers *); /* fires what is still armed */
/* False if it is armed already: that time stands. */
bool timers_arm(struct timers *, struct rpc_timer *, int64_t due_ns,
		void (*fire)(struct rpc_timer *));
bool timers_cancel(struct timers *, struct rpc_timer *); /* true: it was armed and will not fire */

/* ---- wake.c: threads that run streams which somebody woke ---- */

struct wakers {
	struct lock lock;
	pthread_cond_t ready;
	struct rpc_stream *first, *last; /* by next_woken, each with a reference */
	pthread_t threads[RPC_THREADS_MAX];
	uint32_t n_threads;
	bool stopping;
};
void wakers_start(struct wakers *, uint32_t n_threads);
void wakers_stop(struct wakers *);
void wakers_push(struct wakers *, struct rpc_stream *); /* takes a reference that the caller made */

/* ---- limiter.c: how many large messages are on their way at once ---- */

enum { LIMITER_SLOTS_MAX = 64 };
struct limiter {
	struct lock lock;
	struct {
		struct rpc_stream
			*stream; /* compared only, not referenced: a send in flight keeps it */
		int64_t due_ns;
	} slots[LIMITER_SLOTS_MAX];
	uint32_t n_slots, n_used;
	int64_t lease_ns;
	struct rpc_stream *first, *last; /* waiting, by next_waiting, each with a reference */
	uint64_t n_waiting, n_expired;
	struct rpc_timer timer; /* armed while some wait */
	struct timers *timers;
};
void limiter_init(struct limiter *, struct timers *, uint32_t n_slots, int64_t lease_ns);
void limiter_fini(struct limiter *);
/* True: a slot is taken, send. False: the stream waits, and stream_send_parked will be called. */
bool limiter_admit(struct limiter *, struct rpc_stream *);
/* The send is done, whether or not its lease is over. No lock may be held: others are started. */
void limiter_release(struct limiter *, struct rpc_stream *);
void limiter_stats(struct limiter *, struct rpc_stats *ret); /* sets large_* */

/* ---- the server ---- */

struct accept_slot {
	uint8_t tag;
	grpc_call *call;
	grpc_call_details details;
	grpc_metadata_array metadata;
};
enum { N_ACCEPT_SLOTS = 128 };

struct rpc_server {
	/* constant after rpc_server_new */
	struct rpc_method methods[RPC_METHODS_MAX];
	uint32_t n_methods, n_listeners, n_pollers, n_pushers;
	int ports[RPC_LISTENERS_MAX];
	uint32_t max_streams;
	size_t large_len;
	grpc_server *grpc;
	grpc_completion_queue *queue;

	struct accept_slot slots[N_ACCEPT_SLOTS];
	pthread_t pollers[RPC_THREADS_MAX];
	uint8_t shutdown_tag;
	struct timers timers;
	struct wakers wakers;
	struct limiter limiter;

	struct lock lock;            /* LOCK_RPC_SERVER, of the rest but counts */
	pthread_cond_t quiet;        /* shut_down, n_streams or n_slots has changed */
	struct rpc_stream *streams;  /* open ones, each with a reference */
	uint32_t n_streams, n_slots; /* slots: requested from gRPC and not back, or being handled */
	bool started, draining, shut_down, stopped;

	struct lock counts_lock; /* LOCK_STATS */
	struct rpc_stats counts; /* limiter and process-wide members unused */
	/* of whoever calls rpc_housekeeping */
	int64_t trimmed_ns;
	uint64_t trimmed_bytes, trimmed_streams, seen_bytes;
};

/* ---- a stream ----
 * Whatever happens to a stream becomes a bit in `events`; the thread that caused it runs the callbacks, unless another
 * one is at it already (`running`), which then takes over the new bit too. */
enum {
	EVENT_OPEN,
	EVENT_CLOSE,
	EVENT_MESSAGE,
	EVENT_HALF_CLOSE,
	EVENT_SENDABLE,
	EVENT_WAKE,
	N_EVENTS,
};

struct rpc_stream {
	struct ref ref; /* one per operation in flight, list, timer, queue and user */
	uint8_t tags[N_TAGS];
	struct rpc_server
		*server; /* lives while operations are in flight or the stream is not closed */
	const struct rpc_method *method; /* NULL: refused, there are no callbacks */
	void *user;

	struct rpc_stream *prev, *next; /* under the server's lock */
	struct rpc_stream *next_woken;
	struct rpc_stream *next_waiting;
	struct rpc_timer timer;

	/* written by gRPC while the operation is in flight */
	grpc_byte_buffer *received;
	int was_cancelled;

	struct lock lock; /* LOCK_RPC_STREAM, of the rest */
	grpc_call *call;  /* NULL once nothing can happen any more */
	grpc_metadata_array metadata;
	grpc_byte_buffer *parked; /* waits in the limiter */
	char *text;               /* of the status to finish with */
	int64_t sent_ns;
	uint32_t sent_len;
	uint32_t conn_id; /* with conn_fd: the connection, for sockets.c */
	int conn_fd;
	uint16_t n_ops, n_holds;
	uint8_t events;
	uint8_t code;                /* finished or cancelled with */
	bool running : 1, woken : 1; /* woken: in the wakers' queue */
	bool opened : 1;             /* on_open has returned */
	bool metadata_sent : 1, receiving : 1, sending : 1, large : 1;
	bool got_message : 1, half_closed : 1;
	bool finishing : 1, status_sent : 1, draining : 1;
	bool closed : 1; /* gRPC said so: no operation is started any more */
	bool husk : 1;   /* on_close has returned */
};

/* stream.c */
struct rpc_stream *stream_new(struct rpc_server *, const struct rpc_method *, grpc_call *,
			      grpc_metadata_array *take);
void stream_start(struct rpc_stream *); /* takes the reference of stream_new */
void stream_refuse(struct rpc_stream *, enum rpc_code, const char *message); /* the same */
void stream_on_tag(struct rpc_stream *, enum rpc_tag, bool ok);
void stream_run(struct rpc_stream *);
bool stream_send_parked(struct rpc_stream *); /* false: there is nothing to send any more */
void stream_drain_at(struct rpc_stream *, int64_t due_ns);
static inline struct rpc_stream *stream_of_tag(uint8_t *tag)
{
	return container_of(tag - *tag, struct rpc_stream, tags);
}

/* accept.c */
void accept_start(struct rpc_server *);
void accept_on_tag(struct rpc_server *, struct accept_slot *, bool ok);

/* server.c: the list of open streams, and the slots in use */
bool server_add(struct rpc_server *, struct rpc_stream *, enum rpc_code *ret_code,
		const char **ret_why);
void server_remove(struct rpc_server *, struct rpc_stream *);
void server_slot_done(struct rpc_server *); /* it will not be used again */

/* body.c */
grpc_byte_buffer *slices_join(const struct rpc_slices *, size_t *ret_len);
/* Calls fn with the message as one piece. False: it is compressed, which nobody agreed to. */
bool message_read(grpc_byte_buffer *, struct rpc_stream *,
		  void (*fn)(struct rpc_stream *, const void *, size_t));

/* stats.c */
void stats_on_open(struct rpc_server *, const struct rpc_method *);
void stats_on_close(struct rpc_server *, const struct rpc_method *, enum rpc_code);
void stats_on_send(struct rpc_server *);
void stats_on_sent(struct rpc_server *, bool ok, size_t len, int64_t took_ns);
void stats_on_message(struct rpc_server *, size_t len);

/* sockets.c: the program's accept4 and recvmsg, see there */
void sockets_init(void);
void sockets_expect(size_t longest_message);
/* The connection with that peer, for sockets_delivered; 0: not known. */
uint32_t sockets_find(const char *peer, int *ret_fd);
/* So many bytes of what came in have reached us. */
void sockets_delivered(int fd, uint32_t id, size_t n);
void sockets_stats(struct rpc_stats *ret);
void sockets_shut_port(int port); /* shuts every connection to that local TCP port */
