/* See help.h. */
#include "help.h"
#include "doc/read.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static double number(const struct node *n)
{
	return n->type == NODE_INT ? (double)n->i : n->f;
}

static bool is_number(const struct node *n)
{
	return n->type == NODE_INT || n->type == NODE_FLOAT;
}

bool node_equal(const struct node *a, const struct node *b)
{
	if (is_number(a) && is_number(b))
		return number(a) == number(b);
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case NODE_BOOL: return a->b == b->b;
	case NODE_STRING: return !strcmp(a->s, b->s);
	case NODE_SEQ:
		for (uint32_t i = 0; i < a->n && a->n == b->n; i++)
			if (!node_equal(a->seq[i], b->seq[i]))
				return false;
		return a->n == b->n;
	case NODE_MAP:
		for (uint32_t i = 0; i < a->n && a->n == b->n; i++) {
			const struct node *other = node_get(b, a->map[i].key);
			if (!other || !node_equal(a->map[i].value, other))
				return false;
		}
		return a->n == b->n;
	default: return true;
	}
}

static void print_problems(const struct diag *d)
{
	char line[600];

	for (uint32_t i = 0; i < d->n; i++) {
		diag_print(&d->v[i], line, sizeof line);
		printf("\t%s\n", line);
	}
}

const struct node *json(struct arena *a, const char *text)
{
	struct diag d = DIAG_INIT;
	const struct node *n = json_read(text, strlen(text), "test", a, &d);

	print_problems(&d);
	diag_fini(&d);
	return n;
}

ProtobufCMessage *from_json(struct arena *a, const char *type, const char *text)
{
	const struct node *n = json(a, text);
	const struct pb_type *t = pb_type_by_name(type);
	struct diag d = DIAG_INIT;
	ProtobufCMessage *msg = n && t ? pb_from_json(a, t->desc, n, 0, &d) : NULL;

	print_problems(&d);
	diag_fini(&d);
	return msg;
}

const char *to_json(struct arena *a, const ProtobufCMessage *msg)
{
	struct buf b = BUF_INIT;
	const char *text;

	pb_print_buf(&b, msg, false);
	text = arena_strdup(a, buf_str(&b));
	buf_fini(&b);
	return text;
}

char *slurp(struct arena *a, const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;
	long len;

	if (!f)
		return NULL;
	if (!fseek(f, 0, SEEK_END) && (len = ftell(f)) >= 0 && !fseek(f, 0, SEEK_SET)) {
		text = arena_alloc(a, (size_t)len + 1);
		*ret_len = fread(text, 1, (size_t)len, f);
	}
	fclose(f);
	return text;
}

const char *shared_dir(void)
{
	const char *dir = getenv("SHARED");

	if (!dir)
		dir = "../shared";
	return access(dir, R_OK) ? NULL : dir;
}
