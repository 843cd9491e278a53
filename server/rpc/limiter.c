/* The limiter of large messages (spec/grpc.md 5.4). With a thousand streams and ten megabytes each, all at once gains
 * nothing over eight at a time but the memory: the kernel's socket buffers, under TLS also the ciphertext of whatever
 * the peer's window admits. So a large message takes one of a few slots, or waits, first come, first served. A slot is
 * a lease: a peer that takes too long keeps its send but not its slot, and the next one goes. Leases are only looked
 * at while somebody waits. */
#include "rpc/internal.h"

static void on_timer(struct rpc_timer *t);

void limiter_init(struct limiter *l, struct timers *timers, uint32_t n_slots, int64_t lease_ns)
{
	lock_init(&l->lock, LOCK_RPC_LIMITER);
	l->timers = timers;
	l->n_slots = n_slots;
	l->lease_ns = lease_ns;
}

void limiter_fini(struct limiter *l)
{
	lock_fini(&l->lock);
}

static void take_slot_locked(struct limiter *l, struct rpc_stream *s)
{
	uint32_t i = 0;

	while (l->slots[i].stream)
		i++;
	l->slots[i].stream = s;
	l->slots[i].due_ns = clock_mono_ns() + l->lease_ns;
	l->n_used++;
}

static void free_slot_locked(struct limiter *l, const struct rpc_stream *s)
{
	for (uint32_t i = 0; i < l->n_slots; i++) {
		if (l->slots[i].stream == s) {
			l->slots[i].stream = NULL;
			l->n_used--;
			return;
		}
	}
}

/* The next lease to end, or INT64_MAX. */
static int64_t expire_locked(struct limiter *l, int64_t now)
{
	int64_t next = INT64_MAX;

	for (uint32_t i = 0; i < l->n_slots; i++) {
		if (!l->slots[i].stream)
			continue;
		if (l->slots[i].due_ns <= now) {
			l->slots[i].stream = NULL;
			l->n_used--;
			l->n_expired++;
		} else {
			next = MIN(next, l->slots[i].due_ns);
		}
	}
	return next;
}

static void watch_leases(struct limiter *l)
{
	int64_t next = INT64_MAX;

	with_lock(&l->lock) {
		if (l->first)
			next = expire_locked(l, INT64_MIN);
	}
	if (next != INT64_MAX)
		timers_arm(l->timers, &l->timer, next, on_timer);
}

/* Starts those who wait, as long as there are slots. */
static void pump(struct limiter *l)
{
	for (;;) {
		struct rpc_stream *s = NULL;

		with_lock(&l->lock) {
			if (l->n_used == l->n_slots || !l->first)
				break;
			s = l->first;
			l->first = s->next_waiting;
			s->next_waiting = NULL;
			l->n_waiting--;
			take_slot_locked(l, s);
		}
		if (!s)
			break;
		if (!stream_send_parked(s)) {
			with_lock(&l->lock)
				free_slot_locked(l, s);
		}
		rpc_stream_unref(s);
	}
	watch_leases(l);
}

static void on_timer(struct rpc_timer *t)
{
	struct limiter *l = container_of(t, struct limiter, timer);

	with_lock(&l->lock)
		expire_locked(l, clock_mono_ns());
	pump(l);
}

bool limiter_admit(struct limiter *l, struct rpc_stream *s)
{
	bool admitted = false, first = false;

	with_lock(&l->lock) {
		admitted = !l->first && l->n_used < l->n_slots;
		if (admitted) {
			take_slot_locked(l, s);
			break;
		}
		rpc_stream_ref(s);
		first = !l->first;
		if (first)
			l->first = s;
		else
			l->last->next_waiting = s;
		l->last = s;
		l->n_waiting++;
	}
	/* With one waiting already the timer is armed, or whoever frees a slot is about to arm it. */
	if (first)
		watch_leases(l);
	return admitted;
}

void limiter_release(struct limiter *l, struct rpc_stream *s)
{
	with_lock(&l->lock)
		free_slot_locked(l, s);
	pump(l);
}

void limiter_stats(struct limiter *l, struct rpc_stats *ret)
{
	with_lock(&l->lock) {
		ret->large_in_flight = l->n_used;
		ret->large_waiting = l->n_waiting;
		ret->large_expired = l->n_expired;
	}
}
