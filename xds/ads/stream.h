/* ads/stream.h
 * Private to this room: the state of one stream. Small, since there are tens of thousands: what is rarely there (a
 * response in flight, a NACK, names with a debt) lives in struct detail and goes away with its reason.
 */
#pragma once
#include "ads/ads.h"

struct nack {
	char *text;
	const struct names *names; /* resources that the text names */
	int64_t at_ns;
	uint64_t version;
};

struct detail {
	const struct response *in_flight; /* NULL also for answers of unknown types */
	const struct names *force;        /* to be sent as soon as subscribed to, equal or not */
	const struct names *doubt; /* of rejected responses: goes along with the next change */
	const struct names *gone;  /* vanished from the root, but the client has not been told */
	const struct root *own;
	struct claims
		*held; /* initial_resource_versions until there is a root to compare them with */
	struct nack *nack;
	char *url;              /* of XDS_OTHER */
	uint64_t acked_version; /* while in flight or rejected; else that of `sent` */
};

struct watch {
	uint8_t type;
	bool all : 1;
	bool owed : 1;      /* a request waits for its answer, even an empty one */
	bool due : 1;       /* some of `force` is subscribed to */
	bool in_flight : 1; /* sent, neither acknowledged nor rejected */
	bool fresh : 1;     /* what is in flight answers a subscription or a change of clusters */
	bool gathering : 1; /* the client came back, and removals wait for the client's other subscriptions */
	bool own : 1;               /* its root is x->own */
	bool wants_root : 1;        /* and does not fit the subscription any more */
	uint32_t seq, acked_seq;    /* of nonces; 0: none */
	uint32_t sent_at, acked_at; /* stream_stamp */
	uint32_t n_rejected;
	const struct root
		*sent; /* what the client holds, given that it accepts what is in flight */
	const struct names *names; /* subscribed by name */
	struct detail *x;
};

struct waiting_answer {
	const struct body *body;
	struct waiting_answer *next;
};

struct ads_stream {
	struct xds_cache *cache;
	const struct snapshot *newest;
	const struct snapshot *stage; /* the generation that is being delivered */
	struct watch *v;              /* in push order */
	struct waiting_answer *answers;
	int64_t connected_ns;
	int64_t since_ns; /* of the oldest change that is not acknowledged; 0: none */
	uint32_t id, own_types, answer_seq;
	uint16_t n;
	uint8_t protocol, n_answers;
	bool eds_ahead;    /* the stage's clusters are there: endpoints may be those of `newest` */
	bool is_converged; /* since_ns: sent has been reported */
	bool is_careful; /* the client acknowledges, or came back with resources: routes can wait for clusters */
};

struct watch *stream_watch(const struct ads_stream *, enum xds_type); /* not XDS_OTHER */
struct watch *stream_watch_url(const struct ads_stream *, const char *url);
/* Pointers to other watches are stale afterwards. */
struct watch *stream_watch_add(struct ads_stream *, enum xds_type, const char *url);
void stream_watch_drop(struct ads_stream *, struct watch *);

struct detail *watch_detail(struct watch *); /* makes it */
void watch_trim(struct watch *);             /* drops it if there is no reason for it */
/* Replaces a set; takes the new one. */
void names_set(const struct names **at, const struct names *taken);
void watch_force(struct ads_stream *, struct watch *, const struct names *add);
void watch_find_due(struct watch *); /* after force or the subscription changed */
static inline const struct names *watch_gone(const struct watch *w)
{
	return w && w->x ? w->x->gone : NULL;
}
static inline const struct names *watch_forced(const struct watch *w)
{
	return w && w->x ? w->x->force : NULL;
}

/* The root that a watch is to be brought to; NULL: none yet, or not served. */
const struct root *stream_target(const struct ads_stream *, const struct watch *);
bool stream_is_sent(const struct ads_stream *);
void stream_report(struct ads_stream *, int64_t now_ns, struct ads_events *);

uint32_t stream_stamp(const struct ads_stream *,
		      int64_t now_ns); /* 10 ms steps since the connect, from 1 */
int64_t stream_time(const struct ads_stream *, uint32_t stamp);
void stream_nonce(const struct ads_stream *, uint32_t seq, char ret_text[ADS_NONCE_MAX]);
void stream_answer_nonce(const struct ads_stream *,
			 char ret_text[ADS_NONCE_MAX]); /* of the last ads_answer */

/* Compares what the client holds with the target (held.c). */
void held_settle(struct ads_stream *, struct watch *, const struct root *target);
