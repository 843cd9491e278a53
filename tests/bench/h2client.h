/* tests/bench/h2client.h
 * A gRPC client for load: many HTTP/2 connections in one thread, each with one stream, over epoll and libnghttp2. It
 * is a client no server has to wait for: message bytes are handed on where they were received, never gathered. It can
 * also misbehave: stop reading, keep its window shut, reset, vanish.
 *
 * One thread; callbacks come from inside h2c_run_once and may call everything here but h2c_run_once and h2c_free.
 * Plaintext with prior knowledge. Messages are sent uncompressed; received ones must be.
 */
#pragma once
#include "base/err.h"

struct h2c;
struct h2c_conn;

/* How a stream ended. Strings live during the call. */
struct h2c_end {
	int grpc_status;          /* -1: none was received */
	const char *grpc_message; /* percent-encoded as on the wire, "" if there is none */
	const char *
		cause; /* what happened otherwise: "reset 8", "connection closed", "Connection refused" ... */
	bool reset; /* by RST_STREAM with an error */
};

/* Any may be NULL. */
struct h2c_events {
	void (*on_open)(struct h2c_conn *); /* response headers, no end of stream with them */
	/* The next piece of the message under way; pieces of an empty message: none. */
	void (*on_data)(struct h2c_conn *, const uint8_t *bytes, size_t n);
	void (*on_message)(struct h2c_conn *, size_t len); /* it is complete */
	void (*on_goaway)(struct h2c_conn *);              /* the stream goes on */
	/* The stream is over; the connection is closed and freed after this. Not after h2c_close and the like. */
	void (*on_close)(struct h2c_conn *, const struct h2c_end *);
};

struct h2c_options {
	uint32_t window;        /* of stream and connection; 0: 256 MiB, as Envoy's */
	bool manual_window;     /* never updated but by h2c_consume */
	uint32_t receive_chunk; /* bytes per read; 0: 1 MB */
};

struct h2c *h2c_new(const struct h2c_options *); /* NULL: all defaults */
void h2c_free(struct h2c *);                     /* vanishes with all connections, as if killed */

struct h2c_header {
	const char *name, *value; /* the name in lower case */
};
struct h2c_target {
	const char *host; /* an IP address or "localhost" */
	uint16_t port;
	const char *path; /* "/package.Service/Method" */
	const struct h2c_header *headers;
	uint32_t n_headers; /* at most 16 */
};
/* Connects without waiting, opens the stream once connected. NULL only when there is no socket to be had, or the host
 * is not an address. Everything is copied, but for the events. */
struct h2c_conn *h2c_connect(struct h2c *, const struct h2c_target *, const struct h2c_events *,
			     void *user, struct err *) must_check;
void *h2c_user(const struct h2c_conn *);

/* One message, copied, with its 5-byte prefix; h2c_send_raw without, for what no gRPC client would send. */
void h2c_send(struct h2c_conn *, const void *bytes, size_t len);
void h2c_send_raw(struct h2c_conn *, const void *bytes, size_t len);
void h2c_half_close(struct h2c_conn *);

void h2c_close(struct h2c_conn *); /* FIN */
void h2c_abort(struct h2c_conn *); /* TCP reset */
/* RST_STREAM CANCEL; on_close follows, and closes the connection. */
void h2c_reset(struct h2c_conn *);

/* Stops reading the socket altogether: pings are not answered, and the kernel's buffers fill. */
void h2c_pause(struct h2c_conn *);
void h2c_resume(struct h2c_conn *);
/* With manual_window: gives n bytes back to stream and connection. */
void h2c_consume(struct h2c_conn *, size_t n);

/* Waits up to timeout_ms (-1: for ever, 0: not at all) and handles what is there. The number of events. */
int h2c_run_once(struct h2c *, int timeout_ms);
uint32_t h2c_n_conns(const struct h2c *);
uint64_t h2c_bytes_received(const struct h2c *); /* off the sockets, framing included */
