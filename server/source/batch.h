/* source/batch.h
 * What a source says has changed, in one piece: the model applies a batch as one edit.
 *
 * Built by one thread, handed over whole, read by another.
 */
#pragma once
#include "base/diag.h"
#include "schema/object.h"

struct source_key {
	uint16_t kind;
	const char *ns, *name; /* in the batch's arena */
};

/* A problem that holds now, as `/debug/configz?problems` shows it. */
struct source_problem {
	struct problem problem;  /* strings in the batch's arena */
	int64_t since_ns;        /* wall clock */
	bool in_force;           /* an earlier version of the object is in force */
	const char *kind, *name; /* for pilot_total_rejected_configs{type,name}; "" if unknown */
};

struct source_batch {
	struct arena arena;
	const struct object **puts; /* one reference each; take them by setting NULL */
	uint32_t n_puts, c_puts;
	struct source_key *deletes; /* applied before the puts */
	uint32_t n_deletes, c_deletes;
	/* All problems of the source, replacing those of the batch before. */
	struct source_problem *problems;
	uint32_t n_problems, c_problems;
	/* Kinds that were seen for the first time and are not read. */
	const char **unread_kinds;
	uint32_t n_unread_kinds, c_unread_kinds;
	bool synced;     /* the source is complete with this batch */
	int64_t seen_ns; /* monotonic: when the change was noticed */
};
struct source_batch *source_batch_new(void);
void source_batch_free(struct source_batch *);

/* Kinds that are accepted, but whose effect is not translated yet: the reason, or NULL. */
const char *source_unsupported(uint16_t kind);
