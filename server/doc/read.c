/* Files into documents. */
#include "doc/read.h"
#include "base/buf.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void close_p(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Leaves errno when it fails; more than DOC_MAX_BYTES are not read but the buffer holds more than that then. */
static bool read_all(int fd, struct buf *out)
{
	for (;;) {
		char *room = buf_room(out, 64 << 10);
		ssize_t n;

		if (!room)
			return true;
		n = read(fd, room, 64 << 10);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return !n;
		out->len += (size_t)n;
		if (out->len > DOC_MAX_BYTES)
			return true;
	}
}

bool docs_read_file(const char *path, const char *file, struct arena *arena, struct docs *ret,
		    struct diag *diag)
{
	struct place place = { .file = file };
	struct buf text cleanup(buf_fini) = BUF_INIT;
	int fd cleanup(close_p) = open(path, O_RDONLY | O_CLOEXEC);
	const struct node *root;

	*ret = (struct docs){ 0 };
	if (fd < 0) {
		diag_error(diag, place, "", "cannot open: %m");
		return false;
	}
	if (!read_all(fd, &text)) {
		diag_error(diag, place, "", "cannot read: %m");
		return false;
	}
	if (!str_ends(path, ".json"))
		return yaml_read(buf_str(&text), text.len, file, arena, ret, diag);
	root = json_read(buf_str(&text), text.len, file, arena, diag);
	if (!root)
		return false;
	ret->v = arena_array(arena, const struct node *, 1);
	ret->v[0] = root;
	ret->n = 1;
	return true;
}
