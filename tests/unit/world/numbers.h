/* tests/unit/world/numbers.h
 * A graph of its own, without a world: a handful of queries over cells of numbers, for the tests of world/graph.h.
 */
#pragma once
#include "base/buf.h"
#include "world/graph.h"

enum { K_NUM, K_LIST, K_MODE, K_LAZY };
enum { A_LABEL, A_COLOUR };
enum {
	Q_NUM,      /* [key] the number, or "-" */
	Q_PARITY,   /* [key] number modulo 2 */
	Q_LABELS,   /* [key] derived: "own" when the proxy's label is the number, else "other" */
	Q_GROUP,    /* [key] derived: by Q_LABELS of the key, not by its questions */
	Q_USE,      /* [key] Q_PARITY and a word */
	Q_PICK,     /* [key] depending on K_MODE asks nothing, the label, or label and colour */
	Q_OVER,     /* [key] calls Q_PICK, emits only whether it is empty */
	Q_PROBLEM,  /* [key] complains of 0 */
	Q_NUMS,     /* [list] LIST of Q_NUM */
	Q_CAT,      /* [list] CONCAT: "n=<length>:" and Q_NUM of each */
	Q_PEEK,     /* [list] LIST of Q_NUM, last first; looks at the first before */
	Q_BY_GROUP, /* [key] asks Q_GROUP */
	Q_LAZY,     /* [key] K_LAZY */
	Q_PICKS,    /* [list] LIST of Q_PICK */
	Q_FIRST,    /* [list] cites the number of the first member, if there is one */
	Q_COUNT,    /* [list] how many members; selects */
	Q_COUNTED,  /* [key] Q_NUM of the key, and whether the list of that key is empty */
	Q_GROUPED,  /* [list] LIST of Q_BY_GROUP */
	Q_CYCLE,    /* [key] calls itself */
	Q_UPWARD,   /* [key] of level 0, calls level 1 */
	Q_TEST_COUNT,
};
struct numbers {
	uint32_t n, v[8];
};
struct facts {
	uint32_t label, colour;
};

/* A graph with what a test needs around it. */
struct fixture {
	struct keys *keys;
	struct graph *g;
	uint32_t num[64];
	struct numbers list;
	unsigned n_changed;
	void *last_owner;
	struct buf text;
};
struct fixture fixture_new(void);
void fixture_fini(struct fixture *);
void set(struct fixture *, unsigned kind, uint32_t key, uint32_t n);
/* Counts in n_changed, remembers the owner. */
void on_changed(void *ctx, void *owner, uint32_t binding, const struct result *now);
unsigned commit(struct fixture *); /* the number of bindings that changed; checks the invariants */
uint32_t bind(struct fixture *, uint32_t label, uint32_t colour, unsigned query, uint32_t key);
const char *bound(struct fixture *, uint32_t binding); /* its bytes, until the next call */
struct graph_stats stats(struct fixture *);
