/* The directory source: what a batch holds after files come, change, break and go. */
#include "source/dir.h"
#include "base/clock.h"
#include "base/queue.h"
#include "test.h"
#include "types.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/mainsheet-source-XXXXXX";

static void fresh_root(void)
{
	snprintf(root, sizeof root, "/tmp/mainsheet-source-XXXXXX");
	CHECK(mkdtemp(root) != NULL);
}

static void drop_root(void)
{
	char *cmd = xasprintf("rm -rf '%s'", root);

	CHECK_INT(system(cmd), 0);
	xfree(cmd);
}

static void write_at(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", root, name), *tmp = xasprintf("%s/.tmp", root);
	FILE *fp = fopen(tmp, "we");

	CHECK(fp && fputs(text, fp) >= 0 && !fclose(fp) && !rename(tmp, path));
	xfree(path);
	xfree(tmp);
}

#define SE(name, host) \
	"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: " name "}\n" \
	"spec: {hosts: [" host \
	"], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS}\n"

static struct dir_source *open_root(void)
{
	struct dir_options o = { .path = root };
	struct dir_source *d = NULL;

	CHECK(dir_source_new(&o, &d, NULL));
	return d;
}

static const struct source_problem *problem_with(const struct source_batch *b, const char *reason)
{
	for (uint32_t i = 0; i < b->n_problems; i++)
		if (strstr(b->problems[i].problem.reason, reason))
			return &b->problems[i];
	return NULL;
}

TEST(source_empty_directory_syncs)
{
	fresh_root();
	struct dir_source *d = open_root();
	struct source_batch *b = dir_source_scan(d);

	if (CHECK(b)) {
		CHECK(b->synced);
		CHECK_INT(b->n_puts, 0);
	}
	source_batch_free(b);
	CHECK(!dir_source_scan(d));
	dir_source_free(d);
	drop_root();
}

TEST(source_put_change_delete)
{
	fresh_root();
	struct dir_source *d = open_root();

	write_at("a.yaml", SE("one", "one.example") "---\n" SE("two", "two.example"));
	write_at("note.txt", "not: read");
	struct source_batch *b = dir_source_scan(d);
	CHECK_INT(b->n_puts, 2);
	CHECK_STR(b->puts[0]->ns, "default");
	source_batch_free(b);

	write_at("a.yaml", SE("two", "2.example"));
	b = dir_source_scan(d);
	if (CHECK(b)) {
		CHECK_INT(b->n_puts, 1);
		CHECK_INT(b->n_deletes, 1);
		CHECK_STR(b->deletes[0].name, "one");
	}
	source_batch_free(b);
	write_at("a.yaml", "");
	b = dir_source_scan(d);
	CHECK_INT(b->n_deletes, 1);
	source_batch_free(b);
	dir_source_free(d);
	drop_root();
}

TEST(source_bad_document_is_quarantined_alone)
{
	fresh_root();
	struct dir_source *d = open_root();
	const struct source_problem *p;

	write_at("a.yaml", SE("one", "one.example") "---\n" SE("two", "two.example"));
	source_batch_free(dir_source_scan(d));

	/* Of the wrong type: "one" keeps its last good version, "two" follows. */
	write_at("a.yaml",
		 "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: one}\n"
		 "spec:\n  hosts: 7\n---\n" SE("two", "2.example"));
	struct source_batch *b = dir_source_scan(d);
	CHECK_INT(b->n_deletes, 0);
	CHECK_INT(b->n_puts, 1);
	CHECK_STR(b->puts[0]->name, "two");
	p = b->n_problems ? &b->problems[0] : NULL;
	if (CHECK(p)) {
		CHECK_INT(p->problem.place.line, 5);
		CHECK_STR(p->problem.path, "spec.hosts");
		CHECK(p->in_force);
		CHECK_STR(p->kind, "ServiceEntry");
		CHECK_STR(p->name, "default/one");
		CHECK(str_ends(p->problem.place.file, "/a.yaml"));
	}
	source_batch_free(b);

	/* Broken beyond telling: all stay. */
	write_at("a.yaml", "spec: [\n");
	b = dir_source_scan(d);
	CHECK_INT(b->n_deletes, 0);
	CHECK_INT(b->n_puts, 0);
	CHECK(b->n_problems == 1 && b->problems[0].in_force);
	source_batch_free(b);

	/* In a file that never had a good version, nothing is in force. */
	write_at("b.yaml", SE("three", "3.example") "---\nspec: [\n");
	b = dir_source_scan(d);
	for (uint32_t i = 0; i < b->n_problems; i++)
		if (str_ends(b->problems[i].problem.place.file, "/b.yaml"))
			CHECK(!b->problems[i].in_force);
	source_batch_free(b);
	write_at("b.yaml", "");
	source_batch_free(dir_source_scan(d));

	/* Mended: the problem is gone. */
	write_at("a.yaml", SE("one", "one.example"));
	b = dir_source_scan(d);
	CHECK_INT(b->n_problems, 0);
	CHECK_INT(b->n_deletes, 1);
	source_batch_free(b);
	dir_source_free(d);
	drop_root();
}

TEST(source_bad_at_start)
{
	fresh_root();
	struct dir_source *d = open_root();

	write_at("a.yaml",
		 SE("one", "one.example") "---\napiVersion: networking.istio.io/v1\n"
					  "kind: ServiceEntry\nmetadata: {name: bad}\nspec: 3\n");
	struct source_batch *b = dir_source_scan(d);
	CHECK(b->synced);
	CHECK_INT(b->n_puts, 1);
	CHECK(b->n_problems == 1 && !b->problems[0].in_force);
	source_batch_free(b);
	dir_source_free(d);
	drop_root();
}

TEST(source_declared_twice)
{
	fresh_root();
	struct dir_source *d = open_root();
	struct source_batch *b;

	write_at("b.yaml", SE("one", "b.example"));
	source_batch_free(dir_source_scan(d));
	write_at("a.yaml", SE("one", "a.example"));
	b = dir_source_scan(d);
	CHECK_INT(b->n_puts, 1);
	CHECK_INT(b->n_deletes, 0);
	CHECK(problem_with(b, "already declared in"));
	source_batch_free(b);

	/* The one that holds goes away: the other takes its place. */
	char *path = xasprintf("%s/a.yaml", root);
	CHECK_INT(unlink(path), 0);
	xfree(path);
	b = dir_source_scan(d);
	CHECK_INT(b->n_puts, 1);
	CHECK(!problem_with(b, "already declared in"));
	source_batch_free(b);
	dir_source_free(d);
	drop_root();
}

TEST(source_moves_between_files)
{
	fresh_root();
	struct dir_source *d = open_root();
	char *from = xasprintf("%s/a.yaml", root), *to = xasprintf("%s/z.yaml", root);

	write_at("a.yaml", SE("one", "one.example"));
	source_batch_free(dir_source_scan(d));
	CHECK_INT(rename(from, to), 0);
	struct source_batch *b = dir_source_scan(d);
	CHECK_INT(b->n_puts, 1);
	CHECK_INT(b->n_problems, 0);
	source_batch_free(b);
	dir_source_free(d);
	drop_root();
	xfree(from);
	xfree(to);
}

TEST(source_unread_kind_is_named_once)
{
	fresh_root();
	struct dir_source *d = open_root();

	write_at("a.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n---\n"
			   "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: y}\n");
	struct source_batch *b = dir_source_scan(d);
	CHECK_INT(b->n_unread_kinds, 1);
	CHECK_STR(b->unread_kinds[0], "apps/v1 Deployment");
	CHECK_INT(b->n_problems, 0);
	source_batch_free(b);
	dir_source_free(d);
	drop_root();
}

TEST(source_list_and_unsupported)
{
	fresh_root();
	struct dir_source *d = open_root();

	write_at("a.json", "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{\"apiVersion\":"
			   "\"networking.istio.io/v1alpha3\",\"kind\":\"EnvoyFilter\",\"metadata\":"
			   "{\"name\":\"f\",\"namespace\":\"x\"},\"spec\":{}}]}");
	struct source_batch *b = dir_source_scan(d);
	CHECK_INT(b->n_puts, 1);
	if (CHECK_INT(b->n_problems, 1)) {
		CHECK_STR(b->problems[0].problem.object, "EnvoyFilter x/f");
		CHECK(strstr(b->problems[0].problem.reason, "not supported"));
		CHECK_INT(b->problems[0].problem.severity, SEVERITY_WARNING);
	}
	source_batch_free(b);
	dir_source_free(d);
	drop_root();
}

static void to_queue(void *ctx, struct source_batch *b)
{
	CHECK(queue_push(ctx, b));
}

static struct source_batch *next_batch(struct queue *q)
{
	return queue_wait(q, 5 * NS_PER_S) ? queue_pop(q) : NULL;
}

TEST(source_watch_follows_and_swaps_links)
{
	fresh_root();
	struct dir_source *d = open_root();
	struct queue *q = queue_new(64);
	char *one = xasprintf("%s/..2026_1", root), *two = xasprintf("%s/..2026_2", root);
	char *data = xasprintf("%s/..data", root), *tmp = xasprintf("%s/..data_tmp", root);
	char *file = xasprintf("%s/x.yaml", root);

	/* As the kubelet lays out a mounted ConfigMap. */
	CHECK(!mkdir(one, 0755) && !mkdir(two, 0755));
	write_at("..2026_1/x.yaml", SE("one", "one.example"));
	write_at("..2026_2/x.yaml", SE("one", "other.example"));
	CHECK(!symlink("..2026_1", data) && !symlink("..data/x.yaml", file));
	CHECK(dir_source_start(d, to_queue, q, NULL));
	struct source_batch *b = next_batch(q);
	CHECK(b && b->n_puts == 1);
	source_batch_free(b);
	CHECK(!symlink("..2026_2", tmp) && !rename(tmp, data));
	b = next_batch(q);
	CHECK(b && b->n_puts == 1 && b->n_deletes == 0);
	source_batch_free(b);

	write_at("y.yaml", SE("two", "two.example"));
	b = next_batch(q);
	CHECK(b && b->n_puts == 1);
	source_batch_free(b);
	dir_source_stop(d);
	while ((b = queue_pop(q)))
		source_batch_free(b);
	dir_source_free(d);
	queue_free(q);
	drop_root();
	xfree(one);
	xfree(two);
	xfree(data);
	xfree(tmp);
	xfree(file);
}

TEST(source_directory_that_goes_and_comes_back)
{
	fresh_root();
	struct dir_source *d = open_root();
	char *away = xasprintf("%s.away", root);
	struct source_batch *b;

	write_at("a.yaml", SE("one", "one.example"));
	source_batch_free(dir_source_scan(d));

	/* Not being able to read a directory is no reason to give up what it said. */
	CHECK_INT(rename(root, away), 0);
	CHECK(!dir_source_scan(d));

	CHECK_INT(rename(away, root), 0);
	CHECK(!dir_source_scan(d));
	write_at("b.yaml", SE("two", "two.example"));
	b = dir_source_scan(d);
	if (CHECK(b)) {
		CHECK_INT(b->n_deletes, 0);
		CHECK_INT(b->n_puts, 1);
	}
	source_batch_free(b);
	xfree(away);
	dir_source_free(d);
	drop_root();
}
