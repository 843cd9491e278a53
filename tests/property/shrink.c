/* A failure, made small: the state before the failing round is put into a new engine, then its edits, and whatever is not
 * needed for the failure is left out. Each try runs in a process of its own, for a failure may be an assertion.
 */
#include "base/buf.h"
#include "tests/property/rounds.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of each slot: what is there before, and after the edits. */
struct part {
	const struct slot *slot;
	const char *before, *after;
};
struct attempt {
	const struct rounds *r;
	struct part *v;
	unsigned n;
};

static bool is_proxy(const struct part *p)
{
	return slot_kind(p->slot) == SLOT_PROXY;
}

static bool differs(const struct part *p)
{
	return p->before != p->after &&
	       (!p->before || !p->after || strcmp(p->before, p->after) != 0);
}

static bool replay(const struct attempt *a, struct err *e)
{
	struct engine *engine = engine_new();

	rounds_mutate(a->r, true);
	for (unsigned i = 0; i < a->n; i++)
		if (!is_proxy(&a->v[i]) && a->v[i].before &&
		    !slot_apply(a->v[i].slot, engine, a->v[i].before, NULL, e))
			return false;
	engine_commit(engine, 0, NULL, NULL);
	for (unsigned i = 0; i < a->n; i++)
		if (is_proxy(&a->v[i]) && a->v[i].before)
			(void)slot_join(engine, a->v[i].before, NULL, e);
	for (unsigned i = 0; i < a->n; i++)
		if (is_proxy(&a->v[i]) && differs(&a->v[i]) && a->v[i].after)
			(void)slot_join(engine, a->v[i].after, NULL, e);
	for (unsigned i = 0; i < a->n; i++)
		if (!is_proxy(&a->v[i]) && differs(&a->v[i]) &&
		    !slot_apply(a->v[i].slot, engine, a->v[i].after, NULL, e))
			return false;
	while (!engine_commit(engine, 0, NULL, NULL))
		;
	return rounds_verify(a->r, engine, e);
}

/* True: it fails. What it says goes to *say (NULL: to nowhere). */
static bool fails(const struct attempt *a, FILE *say)
{
	int status = 0;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child < 0)
		abort();
	if (!child) {
		struct err e = ERR_INIT;
		bool ok;

		if (!say && !freopen("/dev/null", "w", stderr))
			abort();
		ok = replay(a, &e);
		if (say && !ok)
			fprintf(say, "%s\n", e.text);
		fflush(NULL);
		_exit(!ok);
	}
	while (waitpid(child, &status, 0) < 0)
		;
	return !WIFEXITED(status) || WEXITSTATUS(status);
}

static void leave_out(struct attempt *a)
{
	bool again = true;

	while (again) {
		again = false;
		for (unsigned i = 0; i < a->n; i++) {
			struct attempt less = *a;
			struct part gone = a->v[i];

			/* First without the edit, then without it altogether. */
			if (differs(&gone)) {
				a->v[i].after = gone.before;
				if (fails(a, NULL)) {
					again = true;
					continue;
				}
				a->v[i] = gone;
			}
			memmove(&a->v[i], &a->v[i + 1], (a->n - i - 1) * sizeof *a->v);
			less.n--;
			if (fails(&less, NULL)) {
				a->n--;
				i--;
				again = true;
				continue;
			}
			memmove(&a->v[i + 1], &a->v[i], (a->n - i - 1) * sizeof *a->v);
			a->v[i] = gone;
		}
	}
}

static void print(const struct attempt *a)
{
	char title[64];

	for (unsigned i = 0; i < a->n; i++) {
		const struct part *p = &a->v[i];

		printf("--- # %s%s\n%s\n", slot_title(p->slot, title, sizeof title),
		       !differs(p) ? ""
		       : p->before ? ", before"
				   : ", comes",
		       p->before ? p->before : p->after);
		if (differs(p) && p->before)
			printf("--- # %s, then\n%s\n", title, p->after ? p->after : "# gone");
	}
}

void rounds_shrink(const struct rounds *r)
{
	struct attempt a = { .r = r };

	a.v = xcalloc(r->universe.n, sizeof *a.v);
	for (unsigned i = 0; i < r->universe.n; i++) {
		const struct slot *s = &r->universe.slots[i];

		if (s->text || r->before[i])
			a.v[a.n++] = (struct part){ s, r->before[i], s->text };
	}
	if (fails(&a, NULL)) {
		leave_out(&a);
		printf("property: so few suffice:\n");
		print(&a);
		fails(&a, stdout);
	} else {
		printf("property: it takes more than the last round; its edits:\n");
		for (unsigned i = 0; i < a.n; i++)
			if (differs(&a.v[i]))
				print(&(struct attempt){ r, &a.v[i], 1 });
	}
	xfree(a.v);
}
