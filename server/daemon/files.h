/* daemon/files.h
 * The mesh config and mesh networks files: read at start, and again when they change. What is not in order leaves the
 * last good one in force. A file that is not there is no file: the defaults hold.
 *
 * Owned by the thread that calls files_tick.
 */
#pragma once
#include "base/err.h"

struct model_thread;
struct files;
struct files_options {
	const char *mesh, *networks;
};
bool files_start(const struct files_options *, struct model_thread *, struct files **ret,
		 struct err *) must_check;
/* Looks whether a file has changed (by stat, about every 200 ms). */
void files_tick(struct files *, int64_t now_ns);
void files_stop(struct files *); /* NULL is fine */
