/* Replays corpora without a fuzzer: every file of the folders named goes through the target once, each in a process of
 * its own, so that one crash is one failure and not the end.
 *
 *	replay FOLDER...
 */
#include "base/buf.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int __attribute__((weak)) LLVMFuzzerInitialize(int *argc, char ***argv);

enum { SECONDS_PER_FILE = 60 };

static bool read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "re");
	char *room;
	size_t n;

	if (!f)
		return false;
	while ((room = buf_room(out, 64 << 10)) && (n = fread(room, 1, 64 << 10, f)) > 0)
		out->len += n;
	fclose(f);
	return room != NULL;
}

static bool survives(const char *path)
{
	pid_t pid = fork();
	int status = 1;

	if (!pid) {
		struct buf text = BUF_INIT;
		uint8_t *exact;

		alarm(SECONDS_PER_FILE);
		if (!read_file(path, &text))
			_exit(1);
		/* Exactly as long as the input, so that a sanitizer sees a step too far. */
		exact = xmalloc(text.len);
		if (text.len)
			memcpy(exact, text.p, text.len);
		LLVMFuzzerTestOneInput(exact, text.len);
		xfree(exact);
		buf_fini(&text);
		/* With all that happens at an end, such as looking for leaks. */
		exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       !WEXITSTATUS(status);
}

static int is_file(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	unsigned n_passed = 0, n_failed = 0, n_skipped = 0;

	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		struct dirent **names;
		int n = scandir(argv[i], &names, is_file, alphasort);

		if (n <= 0) {
			printf("skipped %s: no files\n", argv[i]);
			n_skipped++;
		}
		for (int k = 0; k < n; k++) {
			cleanup(xfree_p) char *path = xasprintf("%s/%s", argv[i], names[k]->d_name);

			fflush(stdout);
			if (survives(path)) {
				n_passed++;
			} else {
				printf("FAILED %s\n", path);
				n_failed++;
			}
			xfree(names[k]);
		}
		if (n >= 0)
			xfree(names);
	}
	printf("%u passed, %u failed, %u skipped\n", n_passed, n_failed, n_skipped);
	return n_failed != 0;
}
