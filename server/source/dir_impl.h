/* source/dir_impl.h
 * Inside of source/dir: the files known, and what each holds. Owned by the watching thread, or by the caller of
 * dir_source_scan.
 */
#pragma once
#include "base/map.h"
#include "source/dir.h"
#include <pthread.h>
#include <sys/stat.h>

enum { DIR_MAX_FILES = 200000, DIR_MAX_OBJECTS = 2000000, DIR_MAX_NESTING = 32 };

/* One object that a file declares, in force. */
struct held {
	const struct object *object;
	char *key; /* "kind/ns/name" */
};
struct file {
	char *path;     /* as shown to people: the option's path, "/", the rest */
	struct stat st; /* when it was read */
	struct held *held;
	uint32_t n_held, c_held;
	struct diag diag; /* its problems now */
	int64_t *since;   /* per problem */
	bool *in_force;
	bool shadowed; /* an object of it is also declared elsewhere, and that one holds */
	bool stale;    /* to be read again although the file did not change */
};
struct dir_source {
	char *path, *default_ns, *cluster;
	bool is_file, scanned;
	bool incomplete;    /* the last look could not read a directory: nothing counts as gone */
	struct map files;   /* path -> struct file */
	struct map owners;  /* held key -> struct file */
	struct map unread;  /* kinds named once */
	struct arena names; /* of unread kinds, and of all paths ever: places point to them */
	struct map paths;
	/* watching */
	pthread_t thread;
	bool started;
	int inotify, stop_fd;
	source_sink *sink;
	void *ctx;
};

/* Reads one file again and adds what follows to the batch. st NULL: the file is gone. */
void dir_read_file(struct dir_source *, const char *path, const struct stat *st,
		   struct source_batch *);
/* Adds all problems that hold. */
void dir_add_problems(struct dir_source *, struct source_batch *);
/* The one copy of a path that lives as long as the source. */
const char *dir_path(struct dir_source *, const char *path);
/* Is this a file to read, by its name? */
bool dir_wants(const char *name);
void dir_file_free(struct file *);
