/* Reads /proc, and speaks just enough HTTP for a page of metrics. */
#include "tests/bench/observe.h"
#include "base/buf.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATH_ROOM = 300, LINE_MAX_LEN = 1024 };

static bool read_line(const char *path, char *line, int room)
{
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(line, room, f);

	if (f)
		fclose(f);
	if (ok)
		line[strcspn(line, "\n")] = 0;
	return ok;
}

double observe_memory_mb(int pid, const char *key)
{
	char path[PATH_ROOM], line[LINE_MAX_LEN];
	double mb = -1;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f))
		if (str_starts(line, key))
			mb = strtod(line + strlen(key), NULL) * 1024 / 1e6;
	if (f)
		fclose(f);
	return mb;
}

double observe_cpu_s(int pid)
{
	char path[PATH_ROOM], line[LINE_MAX_LEN];
	unsigned long user = 0, system = 0;
	const char *p;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	if (!read_line(path, line, sizeof line) || !(p = strrchr(line, ')')))
		return -1;
	/* From the third field on: ten are skipped. */
	if (sscanf(p + 1, " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %lu", &user, &system) !=
	    2)
		return -1;
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

bool observe_threads_ns(int pid, const char *const *names, size_t n, int64_t *ret)
{
	char path[PATH_ROOM], line[LINE_MAX_LEN];
	bool any = false;
	int64_t ns = 0;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%d/task", pid);
	dir = opendir(path);
	for (struct dirent *de; dir && (de = readdir(dir));) {
		bool is_wanted = false;

		snprintf(path, sizeof path, "/proc/%d/task/%.20s/comm", pid, de->d_name);
		if (!read_line(path, line, sizeof line))
			continue;
		for (size_t i = 0; i < n; i++)
			is_wanted |= str_eq(line, names[i]);
		snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", pid, de->d_name);
		if (!is_wanted || !read_line(path, line, sizeof line))
			continue;
		ns += strtoll(line, NULL, 10);
		any = true;
	}
	if (dir)
		closedir(dir);
	if (any)
		*ret = ns;
	return any;
}

char *observe_page(const char *host, uint16_t port, const char *path)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct buf b = BUF_INIT;
	char *chunk, *body;
	ssize_t n;
	int fd;

	if (inet_pton(AF_INET, str_eq(host, "localhost") ? "127.0.0.1" : host, &to.sin_addr) != 1)
		return NULL;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return NULL;
	buf_printf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) ||
	    send(fd, b.p, b.len, MSG_NOSIGNAL) != (ssize_t)b.len)
		goto out;
	buf_reset(&b);
	while ((chunk = buf_room(&b, 65536)) && (n = recv(fd, chunk, 65536, 0)) > 0)
		b.len += (size_t)n;
out:
	close(fd);
	body = b.len ? memmem(b.p, b.len, "\r\n\r\n", 4) : NULL;
	if (!body || !str_starts(b.p, "HTTP/1.1 200")) {
		buf_fini(&b);
		return NULL;
	}
	*buf_room(&b, 1) = 0;
	memmove(b.p, body + 4, strlen(body + 4) + 1);
	return buf_take(&b);
}

bool observe_metric(const char *page, const char *name, const char *label, double *ret)
{
	size_t n = strlen(name);
	bool any = false;
	double sum = 0;

	for (const char *line = page; line && *line; line = strchr(line, '\n')) {
		const char *end, *value, *found;

		line += *line == '\n';
		if (strncmp(line, name, n) || (line[n] != ' ' && line[n] != '{'))
			continue;
		end = strchrnul(line, '\n');
		value = memrchr(line, ' ', (size_t)(end - line));
		found = *label ? strstr(line, label) : line;
		if (!value || !found || found > value)
			continue;
		sum += strtod(value, NULL);
		any = true;
	}
	if (any)
		*ret = sum;
	return any;
}
