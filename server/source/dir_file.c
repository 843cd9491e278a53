/* One file of a watched directory: reading it again, comparing with what it held, and keeping what is good.
 *
 * The outcome of a read is a new set of objects. Objects whose document is bad now keep their last good version; so do,
 * if a document could not even be told apart, all that the file held and does not show any more.
 */
#include "base/clock.h"
#include "doc/read.h"
#include "source/dir_impl.h"
#include "types.h"
#include <stdlib.h>
#include <string.h>

bool dir_wants(const char *name)
{
	return name[0] != '.' &&
	       (str_ends(name, ".yaml") || str_ends(name, ".yml") || str_ends(name, ".json"));
}

const char *dir_path(struct dir_source *d, const char *path)
{
	char *s = map_get(&d->paths, path);

	if (!s) {
		s = arena_strdup(&d->names, path);
		map_set(&d->paths, s, s);
	}
	return s;
}

void dir_file_free(struct file *f)
{
	for (uint32_t i = 0; i < f->n_held; i++) {
		object_unref(f->held[i].object);
		xfree(f->held[i].key);
	}
	xfree(f->held);
	xfree(f->since);
	xfree(f->in_force);
	diag_fini(&f->diag);
	xfree(f->path);
	xfree(f);
}

/* The state of one read. */
struct reading {
	struct dir_source *d;
	struct file *f;
	struct diag diag;
	struct held *held; /* the new set */
	uint32_t n_held, c_held;
	struct map have; /* keys of the new set */
	struct map bad;  /* keys of documents that are bad now */
	struct arena arena;
	bool lost; /* a document could not be told */
	bool kept; /* something is in force that the file does not show any more */
	struct source_batch *batch;
};

static char *held_key(uint16_t kind, const char *ns, const char *name)
{
	return xasprintf("%s/%s/%s", kinds[kind].name, ns, name);
}

static struct held *find_held(struct file *f, const char *key)
{
	for (uint32_t i = 0; i < f->n_held; i++)
		if (str_eq(f->held[i].key, key))
			return &f->held[i];
	return NULL;
}

static void note_unread(struct reading *r, const struct node *doc)
{
	const char *api = str_or(node_str(doc, "apiVersion"), ""), *kind = node_str(doc, "kind");
	char *name = arena_printf(&r->arena, "%s %s", api, str_or(kind, "?"));

	if (map_has(&r->d->unread, name) || r->d->unread.n >= 1000)
		return;
	name = arena_strdup(&r->d->names, name);
	map_set(&r->d->unread, name, name);
	*ARENA_PUSH(&r->batch->arena, r->batch->unread_kinds, r->batch->n_unread_kinds,
		    r->batch->c_unread_kinds) = name;
}

/* A bad document: which object is it? Without that, nothing of the file may be given up. */
static void note_bad(struct reading *r, const struct node *doc)
{
	const struct node *meta = node_get(doc, "metadata");
	const char *api = node_str(doc, "apiVersion"), *kind = node_str(doc, "kind");
	const char *name = meta ? node_str(meta, "name") : NULL;
	const char *ns = meta ? node_str(meta, "namespace") : NULL;

	for (uint16_t k = 0; api && kind && name && k < KIND_COUNT; k++) {
		size_t n = strlen(kinds[k].group);
		bool group =
			n ? !strncmp(api, kinds[k].group, n) && api[n] == '/' : !strchr(api, '/');

		if (!group || !str_eq(kinds[k].name, kind))
			continue;
		if (kinds[k].cluster_scoped)
			ns = "";
		else if (str_empty(ns))
			ns = str_or(r->d->default_ns, "default");
		char *key = arena_printf(&r->arena, "%s/%s/%s", kind, ns, name);
		map_set(&r->bad, key, key);
		return;
	}
	r->lost = true;
}

static void hold(struct reading *r, const struct object *o)
{
	char *key = held_key(o->kind, o->ns, o->name);
	struct file *owner = map_get(&r->d->owners, key);
	const char *why = NULL;

	if (map_has(&r->have, key))
		why = "is declared twice in this file; the first one holds";
	else if (owner && owner != r->f && strcmp(owner->path, r->f->path) < 0) {
		r->f->shadowed = true;
		why = arena_printf(&r->arena, "is already declared in %s, which holds",
				   owner->path);
	} else if (r->d->owners.n >= DIR_MAX_OBJECTS)
		why = "there are too many objects";
	if (why) {
		diag_error(&r->diag, o->place, "", "%s", why);
		object_unref(o);
		xfree(key);
		return;
	}
	if (owner && owner != r->f)
		owner->stale = true;
	if ((why = source_unsupported(o->kind)))
		diag_warn(&r->diag, o->place, "", "%s is not supported yet: %s",
			  kinds[o->kind].name, why);
	VEC_ROOM(r->held, r->n_held, r->c_held);
	r->held[r->n_held++] = (struct held){ o, key };
	map_set(&r->have, key, key);
}

static void decode_item(void *ctx, const struct node *item)
{
	struct reading *r = ctx;
	struct decode_opts opts = { .admit = true,
				    .default_ns = r->d->default_ns,
				    .cluster = r->d->cluster };
	const struct object *o = NULL;
	char title[OBJECT_TITLE];

	r->diag.object = NULL;
	switch (object_decode(item, &opts, &o, &r->diag)) {
	case DECODE_OK:
		r->diag.object = object_title(o, title);
		hold(r, o);
		break;
	case DECODE_BAD: note_bad(r, item); break;
	case DECODE_UNKNOWN_KIND: note_unread(r, item); break;
	}
	r->diag.object = NULL;
}

/* What was in force and may not be given up moves to the new set. */
static void keep_last_good(struct reading *r)
{
	struct file *f = r->f;

	for (uint32_t i = 0; i < f->n_held; i++) {
		struct held *h = &f->held[i];

		if (map_has(&r->have, h->key) || !(r->lost || map_has(&r->bad, h->key)))
			continue;
		VEC_ROOM(r->held, r->n_held, r->c_held);
		r->held[r->n_held++] = (struct held){ object_ref(h->object), xstrdup(h->key) };
		map_set(&r->have, r->held[r->n_held - 1].key, f);
		r->kept = true;
	}
}

static void add_put(struct source_batch *b, const struct object *o)
{
	*ARENA_PUSH(&b->arena, b->puts, b->n_puts, b->c_puts) = object_ref(o);
}

static void add_delete(struct source_batch *b, const struct object *o)
{
	*ARENA_PUSH(&b->arena, b->deletes, b->n_deletes, b->c_deletes) =
		(struct source_key){ o->kind, arena_strdup(&b->arena, o->ns),
				     arena_strdup(&b->arena, o->name) };
}

/* The difference of the old and the new set goes into the batch; the new set takes the place of the old. */
static void exchange(struct reading *r)
{
	struct file *f = r->f;
	struct map had = MAP_INIT;

	for (uint32_t i = 0; i < f->n_held; i++)
		map_set(&had, f->held[i].key, &f->held[i]);
	for (uint32_t i = 0; i < f->n_held; i++)
		if (!map_has(&r->have, f->held[i].key) &&
		    map_get(&r->d->owners, f->held[i].key) == f) {
			map_del(&r->d->owners, f->held[i].key);
			add_delete(r->batch, f->held[i].object);
		}
	for (uint32_t i = 0; i < r->n_held; i++) {
		struct held *h = &r->held[i], *old = map_get(&had, h->key);

		if (!old || old->object != h->object)
			add_put(r->batch, h->object);
		map_set(&r->d->owners, h->key, f);
	}
	map_fini(&had);
	for (uint32_t i = 0; i < f->n_held; i++) {
		object_unref(f->held[i].object);
		xfree(f->held[i].key);
	}
	xfree(f->held);
	f->held = r->held;
	f->n_held = r->n_held;
	f->c_held = r->c_held;
}

static bool same_problem(const struct problem *a, const struct problem *b)
{
	return a->severity == b->severity && str_eq(a->reason, b->reason) &&
	       str_eq(a->path, b->path) && str_eq(a->object, b->object);
}

/* The new problems take the place of the old ones; one that was there before keeps its time. */
static void exchange_problems(struct reading *r)
{
	struct file *f = r->f;
	uint32_t n = r->diag.n;
	int64_t now = clock_wall_ns(), *since = xcalloc(n, sizeof *since);
	bool *in_force = xcalloc(n, sizeof *in_force);

	for (uint32_t i = 0; i < n; i++) {
		const struct problem *p = &r->diag.v[i];

		since[i] = now;
		for (uint32_t j = 0; j < f->diag.n; j++)
			if (same_problem(p, &f->diag.v[j]))
				since[i] = f->since[j];
		/* A title is "KIND NS/NAME"; the key is "KIND/NS/NAME". */
		char *key = arena_strdup(&r->arena, str_or(p->object, "")),
		     *blank = strchr(key, ' ');
		if (blank)
			*blank = '/';
		in_force[i] = p->severity == SEVERITY_WARNING || find_held(f, key) ||
			      (!p->object && r->kept);
	}
	diag_fini(&f->diag);
	xfree(f->since);
	xfree(f->in_force);
	f->diag = r->diag;
	f->since = since;
	f->in_force = in_force;
}

static void drop_file(struct dir_source *d, struct file *f, struct source_batch *b)
{
	for (uint32_t i = 0; i < f->n_held; i++)
		if (map_get(&d->owners, f->held[i].key) == f) {
			map_del(&d->owners, f->held[i].key);
			add_delete(b, f->held[i].object);
		}
	map_del(&d->files, f->path);
	dir_file_free(f);
}

void dir_read_file(struct dir_source *d, const char *path, const struct stat *st,
		   struct source_batch *b)
{
	struct file *f = map_get(&d->files, path);
	struct docs docs = { 0 };

	if (!st) {
		if (f)
			drop_file(d, f, b);
		return;
	}
	if (!f) {
		if (d->files.n >= DIR_MAX_FILES)
			return;
		f = xcalloc(1, sizeof *f);
		f->path = xstrdup(path);
		diag_init(&f->diag);
		map_set(&d->files, f->path, f);
	}
	f->st = *st;
	f->stale = f->shadowed = false;

	struct reading r = { .d = d, .f = f, .batch = b };
	arena_init(&r.arena);
	diag_init(&r.diag);
	if (!docs_read_file(path, dir_path(d, path), &r.arena, &docs, &r.diag))
		r.lost = true;
	for (uint32_t i = 0; i < docs.n; i++)
		object_each(docs.v[i], decode_item, &r);
	keep_last_good(&r);
	exchange(&r);
	exchange_problems(&r);
	map_fini(&r.have);
	map_fini(&r.bad);
	arena_fini(&r.arena);
}

/* "VirtualService shop/reviews": its kind, and the rest. */
static void split_title(struct arena *a, const char *title, const char **ret_kind,
			const char **ret_name)
{
	const char *blank = title ? strchr(title, ' ') : NULL;

	*ret_kind = blank ? arena_strndup(a, title, (size_t)(blank - title)) : "";
	*ret_name = blank ? arena_strdup(a, blank + 1) : "";
}

static int by_path(const void *a, const void *b)
{
	const struct file *const *x = a, *const *y = b;

	return strcmp((*x)->path, (*y)->path);
}

void dir_add_problems(struct dir_source *d, struct source_batch *b)
{
	struct file **files = xcalloc(d->files.n, sizeof *files);
	uint32_t n = 0;
	void *value;

	for (uint32_t i = 0; (i = map_next(&d->files, i, NULL, &value));)
		if (((struct file *)value)->diag.n)
			files[n++] = value;
	qsort(files, n, sizeof *files, by_path);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < files[i]->diag.n; j++) {
			struct source_problem p = { .problem = files[i]->diag.v[j],
						    .since_ns = files[i]->since[j],
						    .in_force = files[i]->in_force[j] };

			split_title(&b->arena, p.problem.object, &p.kind, &p.name);
			p.problem.object = arena_strdup(&b->arena, p.problem.object);
			p.problem.path = arena_strdup(&b->arena, p.problem.path);
			p.problem.reason = arena_strdup(&b->arena, p.problem.reason);
			p.problem.place.file =
				dir_path(d, str_or(p.problem.place.file, files[i]->path));
			*ARENA_PUSH(&b->arena, b->problems, b->n_problems, b->c_problems) = p;
		}
	xfree(files);
}
