/* base/queue.h
 * A bounded queue of pointers between threads, many writers, one reader, with a bell: an eventfd that becomes
 * readable when the queue turns non-empty, rung once however much is pushed.
 */
#pragma once
#include "base/lang.h"

struct queue;
struct queue *queue_new(size_t capacity);
void queue_free(
	struct queue *); /* must be empty or its rest is leaked by the caller's choice: pop first */

/* Blocks while full. False after queue_close: the pointer is still the caller's. */
bool queue_push(struct queue *, void *item) must_check;
bool queue_try_push(struct queue *, void *item) must_check; /* false also when full */
/* NULL when empty. Never blocks. */
void *queue_pop(struct queue *);
/* Waits until something is there, the queue is closed, or the time is over (-1: for ever). True: something is there. */
bool queue_wait(struct queue *, int64_t timeout_ns);
int queue_fd(const struct queue *); /* the bell, for poll; queue_pop returning NULL silences it */
/* Rings the bell once more; what is in the queue can still be popped. */
void queue_close(struct queue *);
bool queue_is_closed(const struct queue *);
size_t queue_len(const struct queue *);
