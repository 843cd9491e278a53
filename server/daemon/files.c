/* Two files, watched by their stat: they change seldom, and a rename or a link exchanged is seen as well as a write. */
#include "daemon/files.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "daemon/model_thread.h"
#include "doc/read.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define LOOK_NS (200 * NS_PER_MS)

struct watched {
	char *path;
	const char *what;
	struct stat st;
	bool there;
	void (*post)(struct model_thread *, const struct node *);
};
struct files {
	struct model_thread *model;
	struct watched v[2];
	int64_t looked_ns;
};

static void read_file(struct files *f, struct watched *w)
{
	struct arena arena = ARENA_INIT;
	struct diag diag = DIAG_INIT;
	struct docs docs = { 0 };
	char line[1024];

	diag_init(&diag);
	if (docs_read_file(w->path, w->path, &arena, &docs, &diag) && docs.n <= 1) {
		w->post(f->model, docs.n ? docs.v[0] : NULL);
		log_info("read", "what", w->what, "file", w->path);
	} else {
		if (diag.n)
			diag_print(&diag.v[0], line, sizeof line);
		log_error("file is not in order; the last good one holds", "what", w->what,
			  "problem", diag.n ? line : "one document expected");
	}
	diag_fini(&diag);
	arena_fini(&arena);
}

static void look(struct files *f, struct watched *w)
{
	struct stat st;
	bool there = !stat(w->path, &st);

	if (there == w->there &&
	    (!there || (st.st_ino == w->st.st_ino && st.st_size == w->st.st_size &&
			st.st_mtim.tv_sec == w->st.st_mtim.tv_sec &&
			st.st_mtim.tv_nsec == w->st.st_mtim.tv_nsec)))
		return;
	if (there) {
		w->st = st;
		read_file(f, w);
	} else {
		log_warn("file is gone; what it said holds", "what", w->what, "file", w->path);
	}
	w->there = there;
}

bool files_start(const struct files_options *o, struct model_thread *m, struct files **ret,
		 struct err *e)
{
	struct files *f = xcalloc(1, sizeof *f);

	f->model = m;
	f->v[0] = (struct watched){ .path = xstrdup(o->mesh),
				    .what = "mesh config",
				    .post = model_post_mesh };
	f->v[1] = (struct watched){ .path = xstrdup(o->networks),
				    .what = "mesh networks",
				    .post = model_post_networks };
	for (size_t i = 0; i < ARRAY_LEN(f->v); i++) {
		look(f, &f->v[i]);
		if (!f->v[i].there)
			log_info("no such file; defaults hold until there is one", "what",
				 f->v[i].what, "file", f->v[i].path);
	}
	*ret = f;
	return true;
}

void files_tick(struct files *f, int64_t now_ns)
{
	if (now_ns - f->looked_ns < LOOK_NS)
		return;
	f->looked_ns = now_ns;
	for (size_t i = 0; i < ARRAY_LEN(f->v); i++)
		look(f, &f->v[i]);
}

void files_stop(struct files *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < ARRAY_LEN(f->v); i++)
		xfree(f->v[i].path);
	xfree(f);
}
