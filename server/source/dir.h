/* source/dir.h
 * A directory of YAML and JSON files as a source of objects: read once, or watched.
 *
 * Recursive; .yaml .yml .json; names that begin with a dot are left out, except through links (a mounted ConfigMap is a
 * link `..data` that is exchanged). Written files are read when they are closed, moved in or re-linked, so a half-written
 * one is never read; changes less than 2 ms apart, 20 ms at most, are one burst and read once.
 *
 * A bad document is quarantined alone: its last good version stays in force, everything else goes on, and the problem
 * says where and why until it is mended (differs from istiod, surface.md 11.4). Where the syntax is so broken that the
 * object cannot be told, all objects of that file that are no longer found stay in force. An object that two files
 * declare is taken from the first by path; the second is a problem.
 */
#pragma once
#include "base/err.h"
#include "source/batch.h"

struct dir_source;

struct dir_options {
	const char *path;       /* the directory, or one file */
	const char *default_ns; /* NULL: "default" */
	const char *cluster;    /* cluster id of the objects; NULL: "" */
};
/* False if the path cannot be opened. Reads nothing yet. Options are copied. */
bool dir_source_new(const struct dir_options *, struct dir_source **ret, struct err *e) must_check;
void dir_source_free(struct dir_source *); /* stopped */

/* Reads everything anew that has changed since the last call and returns what that means; NULL if nothing changed. The
 * first batch is never NULL and has `synced`. For one-shot use and tests; not while started. */
struct source_batch *dir_source_scan(struct dir_source *);

/* Starts a thread that scans, then watches. `sink` is called on that thread and takes the batch. */
typedef void source_sink(void *ctx, struct source_batch *);
bool dir_source_start(struct dir_source *, source_sink *, void *ctx, struct err *e) must_check;
void dir_source_stop(struct dir_source *);
