/* A directory of files as a source: finding what changed, and waiting for more of it.
 *
 * Every look is a walk over the whole tree that compares stat(2) results: a few microseconds a file, and nothing to get
 * wrong about renames, links and lost events. Inotify only says when to look; events of files that are still open for
 * writing say nothing, so a file is read once its writer has closed it.
 */
#include "source/dir.h"
#include "base/clock.h"
#include "base/log.h"
#include "source/dir_impl.h"
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
	BURST_QUIET_NS = 2 * NS_PER_MS,
	BURST_MAX_NS = 20 * NS_PER_MS,
	RETRY_NS = NS_PER_S, /* to look again at a directory that could not be read */
	WATCH_MASK = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE |
		     IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF,
};

bool dir_source_new(const struct dir_options *o, struct dir_source **ret, struct err *e)
{
	struct stat st;

	if (stat(o->path, &st))
		return err(e, "%s: %m", o->path);
	struct dir_source *d = xcalloc(1, sizeof *d);
	size_t n = strlen(o->path);

	d->path = xstrdup(o->path);
	while (n > 1 && d->path[n - 1] == '/')
		d->path[--n] = 0;
	d->default_ns = o->default_ns ? xstrdup(o->default_ns) : NULL;
	d->cluster = o->cluster ? xstrdup(o->cluster) : NULL;
	d->is_file = !S_ISDIR(st.st_mode);
	d->inotify = d->stop_fd = -1;
	arena_init(&d->names);
	*ret = d;
	return true;
}

void dir_source_free(struct dir_source *d)
{
	void *f;

	if (!d)
		return;
	dir_source_stop(d);
	for (uint32_t i = 0; (i = map_next(&d->files, i, NULL, &f));)
		dir_file_free(f);
	map_fini(&d->files);
	map_fini(&d->owners);
	map_fini(&d->unread);
	map_fini(&d->paths);
	arena_fini(&d->names);
	xfree(d->path);
	xfree(d->default_ns);
	xfree(d->cluster);
	xfree(d);
}

static bool same_stat(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Adding a watch again is harmless: it is the same one. */
static void watch(struct dir_source *d, const char *path)
{
	if (d->inotify >= 0 && inotify_add_watch(d->inotify, path, WATCH_MASK | IN_ONLYDIR) < 0)
		log_warn("cannot watch directory", "path", path, "error", strerror(errno));
}

struct found {
	char **paths;
	struct stat *stats;
	size_t n, cap, cap_stats;
	bool incomplete;
};

static void found_add(struct found *f, char *path, const struct stat *st)
{
	VEC_ROOM(f->paths, f->n, f->cap);
	if (f->n == f->cap_stats) {
		f->cap_stats = f->cap;
		f->stats = xrealloc_array(f->stats, f->cap_stats, sizeof *f->stats);
	}
	f->stats[f->n] = *st;
	f->paths[f->n++] = path;
}

/* A directory below that has just gone is gone. Anything else (no rights, no file descriptors, the whole tree gone) says
 * nothing about the files in it: what they said holds, and the next look comes soon. */
static void note_unreadable(struct dir_source *d, const char *path, unsigned depth, struct found *f)
{
	if (depth && (errno == ENOENT || errno == ENOTDIR))
		return;
	if (!d->incomplete && !f->incomplete)
		log_error("cannot read directory; what its files said holds", "path", path, "error",
			  strerror(errno));
	f->incomplete = true;
}

/* All files to read under a directory, links followed, with an explicit stack. */
static void walk(struct dir_source *d, struct found *f)
{
	struct {
		char *path;
		unsigned depth;
	} *stack = NULL;
	size_t n = 0, cap = 0;

	VEC_ROOM(stack, n, cap);
	stack[n].path = xstrdup(d->path);
	stack[n++].depth = 0;
	while (n) {
		char *path = stack[--n].path;
		unsigned depth = stack[n].depth;
		DIR *dir = opendir(path);

		if (dir)
			watch(d, path);
		else
			note_unreadable(d, path, depth, f);
		for (struct dirent *de; dir && (de = readdir(dir));) {
			char *sub;
			struct stat st;

			if (de->d_name[0] == '.')
				continue;
			sub = xasprintf("%s/%s", path, de->d_name);
			if (stat(sub, &st)) {
				xfree(sub);
			} else if (S_ISDIR(st.st_mode) && depth < DIR_MAX_NESTING) {
				VEC_ROOM(stack, n, cap);
				stack[n].path = sub;
				stack[n++].depth = depth + 1;
			} else if (S_ISREG(st.st_mode) && dir_wants(de->d_name) &&
				   f->n < DIR_MAX_FILES) {
				found_add(f, sub, &st);
			} else {
				xfree(sub);
			}
		}
		if (dir)
			closedir(dir);
		xfree(path);
	}
	xfree(stack);
}

static int by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* Reads what is new or different; true if anything was. Gone files are read as gone first, so that an object which
 * moved to another file is not declared twice. */
static bool look(struct dir_source *d, struct source_batch *b)
{
	struct found found = { 0 };
	bool any = false, retry = false;
	const char **gone = NULL, **todo = NULL;
	size_t n_gone = 0, c_gone = 0, n_todo = 0, c_todo = 0;
	struct map stats = MAP_INIT;
	const char *path;
	void *value;

	if (d->is_file) {
		struct stat st;

		if (!stat(d->path, &st))
			found_add(&found, xstrdup(d->path), &st);
	} else {
		walk(d, &found);
	}
	for (size_t i = 0; i < found.n; i++) {
		struct file *f = map_get(&d->files, found.paths[i]);

		map_set(&stats, found.paths[i], &found.stats[i]);
		if (f && same_stat(&f->st, &found.stats[i]) && !f->stale)
			continue;
		VEC_ROOM(todo, n_todo, c_todo);
		todo[n_todo++] = found.paths[i];
	}
	for (uint32_t i = 0; !found.incomplete && (i = map_next(&d->files, i, &path, NULL));)
		if (!map_has(&stats, path)) {
			VEC_ROOM(gone, n_gone, c_gone);
			gone[n_gone++] = path;
		}
	if (d->incomplete && !found.incomplete)
		log_info("all directories can be read again", "path", d->path);
	d->incomplete = found.incomplete;
	if (n_gone)
		qsort(gone, n_gone, sizeof *gone, by_text);
	if (n_todo)
		qsort(todo, n_todo, sizeof *todo, by_text);
	for (size_t i = 0; i < n_gone; i++)
		dir_read_file(d, gone[i], NULL, b);
	for (size_t i = 0; i < n_todo; i++)
		dir_read_file(d, todo[i], map_get(&stats, todo[i]), b);
	any = n_gone || n_todo;
	/* An object that another file shadowed may be free now; one that was overtaken must say so. */
	for (uint32_t i = 0; any && (i = map_next(&d->files, i, NULL, &value));) {
		struct file *f = value;

		if (f->shadowed && b->n_deletes)
			f->stale = true;
		retry |= f->stale;
	}
	for (size_t i = 0; i < found.n; i++)
		xfree(found.paths[i]);
	xfree(found.paths);
	xfree(found.stats);
	xfree(gone);
	xfree(todo);
	map_fini(&stats);
	if (retry)
		look(d, b);
	return any;
}

struct source_batch *dir_source_scan(struct dir_source *d)
{
	struct source_batch *b = source_batch_new();

	b->seen_ns = clock_mono_ns();
	if (!look(d, b) && d->scanned) {
		source_batch_free(b);
		return NULL;
	}
	d->scanned = true;
	b->synced = true;
	dir_add_problems(d, b);
	return b;
}

/* Swallows what inotify has to say. True if any of it can mean a change. */
static bool drain(struct dir_source *d)
{
	char buf[16384] __attribute__((aligned(8)));
	bool any = false;
	ssize_t n;

	while ((n = read(d->inotify, buf, sizeof buf)) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *ev = (void *)(buf + at);

			/* A file that was only created is still being written. */
			if (!(ev->mask & IN_CREATE) || ev->mask & IN_ISDIR || ev->len == 0)
				any = true;
			else if (str_starts(ev->name, ".."))
				any = true;
			at += (ssize_t)(sizeof *ev + ev->len);
		}
	return any;
}

static bool wait_readable(struct dir_source *d, int64_t timeout_ns)
{
	struct pollfd fds[2] = { { .fd = d->inotify, .events = POLLIN },
				 { .fd = d->stop_fd, .events = POLLIN } };
	struct timespec ts = { timeout_ns / NS_PER_S, timeout_ns % NS_PER_S };

	return ppoll(fds, 2, timeout_ns < 0 ? NULL : &ts, NULL) > 0;
}

static bool stopping(const struct dir_source *d)
{
	struct pollfd p = { .fd = d->stop_fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static void *watch_thread(void *arg)
{
	struct dir_source *d = arg;
	struct source_batch *b;

	pthread_setname_np(pthread_self(), "source");
	b = dir_source_scan(d);
	d->sink(d->ctx, b);
	while (!stopping(d)) {
		int64_t first;

		bool rung = wait_readable(d, d->incomplete ? RETRY_NS : -1);

		if (stopping(d) || (rung && !drain(d)) || (!rung && !d->incomplete))
			continue;
		first = clock_mono_ns();
		while (clock_mono_ns() - first < BURST_MAX_NS && wait_readable(d, BURST_QUIET_NS) &&
		       !stopping(d))
			drain(d);
		if ((b = dir_source_scan(d))) {
			b->seen_ns = first;
			d->sink(d->ctx, b);
		}
	}
	return NULL;
}

bool dir_source_start(struct dir_source *d, source_sink *sink, void *ctx, struct err *e)
{
	d->sink = sink;
	d->ctx = ctx;
	d->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (d->inotify < 0)
		return err(e, "inotify: %m");
	d->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->stop_fd < 0)
		return err(e, "eventfd: %m");
	if (d->is_file && inotify_add_watch(d->inotify, d->path, WATCH_MASK) < 0)
		return err(e, "watch %s: %m", d->path);
	if ((errno = pthread_create(&d->thread, NULL, watch_thread, d)))
		return err(e, "start the source's thread: %m");
	d->started = true;
	return true;
}

void dir_source_stop(struct dir_source *d)
{
	uint64_t one = 1;

	if (d->started) {
		if (write(d->stop_fd, &one, sizeof one) < 0)
			assert(0);
		pthread_join(d->thread, NULL);
		d->started = false;
	}
	if (d->inotify >= 0)
		close(d->inotify);
	if (d->stop_fd >= 0)
		close(d->stop_fd);
	d->inotify = d->stop_fd = -1;
}
