/* What there is to count. Rare events and sizes go to base/stats.h as they happen; gauges are kept per server, under a
 * lock of their own, and published by the housekeeping. */
#include "base/stats.h"
#include "rpc/internal.h"
#include <malloc.h>

static const double size_buckets[] = { 1 << 8,  1 << 10, 1 << 12, 1 << 14, 1 << 16,
				       1 << 18, 1 << 20, 1 << 22, 1 << 24, 1 << 26 };
static const double second_buckets[] = { .0001, .001, .01, .1, 1, 10, 100 };

static struct metric opened = { .name = "mainsheet_rpc_streams_total",
				.help = "Streams opened, by method.",
				.type = METRIC_COUNTER,
				.labels = { "method" } };
static struct metric closed = { .name = "mainsheet_rpc_streams_closed_total",
				.help = "Streams closed, by method and status.",
				.type = METRIC_COUNTER,
				.labels = { "method", "code" } };
static struct metric sent = { .name = "mainsheet_rpc_sent_message_bytes",
			      .help = "Sizes of messages that the kernel has taken in full.",
			      .type = METRIC_HISTOGRAM,
			      .buckets = size_buckets,
			      .n_buckets = ARRAY_LEN(size_buckets) };
static struct metric received = { .name = "mainsheet_rpc_received_message_bytes",
				  .help = "Sizes of messages received.",
				  .type = METRIC_HISTOGRAM,
				  .buckets = size_buckets,
				  .n_buckets = ARRAY_LEN(size_buckets) };
static struct metric send_seconds = {
	.name = "mainsheet_rpc_send_seconds",
	.help = "From handing a message to gRPC until the kernel has taken it in full.",
	.type = METRIC_HISTOGRAM,
	.buckets = second_buckets,
	.n_buckets = ARRAY_LEN(second_buckets)
};

#define GAUGE(member, text) \
	{ \
		offsetof(struct rpc_stats, member), \
		{ \
			.name = "mainsheet_rpc_" #member, .help = text, .type = METRIC_GAUGE \
		} \
	}
static struct {
	size_t offset;
	struct metric metric;
} gauges[] = {
	GAUGE(streams, "Streams that are open."),
	GAUGE(sends_in_flight, "Messages that the kernel has not taken in full."),
	GAUGE(large_in_flight, "Slots of the limiter of large messages in use."),
	GAUGE(large_waiting, "Large messages that wait for a slot."),
	GAUGE(large_expired, "Large sends that outlasted their lease while others waited."),
	GAUGE(accepts_refused, "Connections dropped for want of file descriptors."),
	GAUGE(connections_cut, "Connections closed for sending more than a request can be."),
	GAUGE(bytes_held, "Bytes received that do not make a message yet, by estimate."),
};

enum { TRIM_BYTES = 64 << 20, TRIM_STREAMS = 1000 }; /* since the last time: worth a trim */
static const int64_t trim_at_latest_ns = 30 * NS_PER_S;

void stats_on_open(struct rpc_server *srv, const struct rpc_method *m)
{
	with_lock(&srv->counts_lock)
		srv->counts.streams_total++;
	metric_add(&opened, 1, LABELS(m ? m->path : "unknown"));
}

void stats_on_close(struct rpc_server *srv, const struct rpc_method *m, enum rpc_code code)
{
	metric_add(&closed, 1, LABELS(m->path, rpc_code_name(code)));
}

void stats_on_send(struct rpc_server *srv)
{
	with_lock(&srv->counts_lock)
		srv->counts.sends_in_flight++;
}

void stats_on_sent(struct rpc_server *srv, bool ok, size_t len, int64_t took_ns)
{
	with_lock(&srv->counts_lock) {
		srv->counts.sends_in_flight--;
		if (ok) {
			srv->counts.sent_messages++;
			srv->counts.sent_bytes += len;
		}
	}
	if (!ok)
		return;
	metric_observe(&sent, (double)len, NULL);
	metric_observe(&send_seconds, (double)took_ns / NS_PER_S, NULL);
}

void stats_on_message(struct rpc_server *srv, size_t len)
{
	with_lock(&srv->counts_lock) {
		srv->counts.received_messages++;
		srv->counts.received_bytes += len;
	}
	metric_observe(&received, (double)len, NULL);
}

void rpc_server_stats(struct rpc_server *srv, struct rpc_stats *ret)
{
	with_lock(&srv->counts_lock)
		*ret = srv->counts;
	with_lock(&srv->lock)
		ret->streams = srv->n_streams;
	limiter_stats(&srv->limiter, ret);
	sockets_stats(ret);
}

static bool trim_is_due(struct rpc_server *srv, const struct rpc_stats *now)
{
	int64_t at = clock_mono_ns();
	bool quiet = now->sent_bytes == srv->seen_bytes || at - srv->trimmed_ns > trim_at_latest_ns;
	bool worth = now->sent_bytes - srv->trimmed_bytes >= TRIM_BYTES ||
		     now->streams_total - srv->trimmed_streams >= TRIM_STREAMS;

	srv->seen_bytes = now->sent_bytes;
	if (!quiet || !worth)
		return false;
	srv->trimmed_ns = at;
	srv->trimmed_bytes = now->sent_bytes;
	srv->trimmed_streams = now->streams_total;
	return true;
}

void rpc_housekeeping(struct rpc_server *srv)
{
	struct rpc_stats now;

	rpc_server_stats(srv, &now);
	for (size_t i = 0; i < ARRAY_LEN(gauges); i++)
		metric_set(&gauges[i].metric,
			   (double)*(const uint64_t *)(const void *)((const char *)&now +
								     gauges[i].offset),
			   NULL);
	if (trim_is_due(srv, &now))
		malloc_trim(0);
}
