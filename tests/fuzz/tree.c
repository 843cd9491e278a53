/* The comparisons stop the process by themselves: a fuzzer wants a crash, and whoever replays a corpus too. */
#include "tree.h"
#include "doc/read.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void __attribute__((noreturn)) fail(const struct node *n, const char *what)
{
	fprintf(stderr, "%s: at %u:%u: %s\n", what, n->place.line, n->place.column,
		node_type_name(n->type));
	abort();
}

static bool is_number(const struct node *n)
{
	return n->type == NODE_INT || n->type == NODE_FLOAT;
}

static double number(const struct node *n)
{
	return n->type == NODE_INT ? (double)n->i : n->f;
}

static bool same_number(const struct node *a, const struct node *b)
{
	if (a->type == NODE_INT && b->type == NODE_INT)
		return a->i == b->i;
	return number(a) == number(b) || (isnan(number(a)) && isnan(number(b)));
}

void tree_expect_same(const struct node *a, const struct node *b, const char *what)
{
	if (is_number(a) && is_number(b)) {
		if (!same_number(a, b))
			fail(a, what);
		return;
	}
	if (a->type != b->type)
		fail(a, what);
	if (a->type == NODE_BOOL && a->b != b->b)
		fail(a, what);
	if (a->type == NODE_STRING && (a->n != b->n || memcmp(a->s, b->s, a->n) != 0))
		fail(a, what);
	if (a->type != NODE_SEQ && a->type != NODE_MAP)
		return;
	if (a->n != b->n)
		fail(a, what);
	for (uint32_t i = 0; i < a->n; i++) {
		if (a->type == NODE_SEQ) {
			tree_expect_same(a->seq[i], b->seq[i], what);
			continue;
		}
		if (strcmp(a->map[i].key, b->map[i].key) != 0)
			fail(a, what);
		tree_expect_same(a->map[i].value, b->map[i].value, what);
	}
}

static void expect_text(const struct node *n, const char *s, size_t len)
{
	const char *end = s + len;

	if (strlen(s) != len)
		fail(n, "NUL in a string");
	while (s < end) {
		unsigned step = utf8_step(s, end);

		if (!step)
			fail(n, "not UTF-8");
		s += step;
	}
}

static uint32_t expect_sound(const struct node *n, uint32_t depth)
{
	uint32_t n_nodes = 1;

	if (!n->place.line || !n->place.column)
		fail(n, "no place");
	if (n->type == NODE_STRING)
		expect_text(n, n->s, n->n);
	if (n->type != NODE_SEQ && n->type != NODE_MAP) {
		if (!n->text)
			fail(n, "no source text");
		return 1;
	}
	if (depth == DOC_MAX_DEPTH)
		fail(n, "too deep");
	for (uint32_t i = 0; i < n->n; i++) {
		if (n->type == NODE_SEQ) {
			n_nodes += expect_sound(n->seq[i], depth + 1);
			continue;
		}
		expect_text(n, n->map[i].key, strlen(n->map[i].key));
		if (!n->map[i].key_place.line)
			fail(n, "key has no place");
		/* Maps of fuzzers are small, except for those of which a few keys tell as much as all. */
		for (uint32_t k = i > 50 ? i - 50 : 0; k < i; k++)
			if (!strcmp(n->map[i].key, n->map[k].key))
				fail(n, "duplicate key");
		n_nodes += expect_sound(n->map[i].value, depth + 1);
	}
	if (n_nodes > DOC_MAX_NODES)
		fail(n, "too many nodes");
	return n_nodes;
}

void tree_expect_sound(const struct node *n)
{
	expect_sound(n, 0);
}

bool tree_has_nonfinite(const struct node *n)
{
	if (n->type == NODE_FLOAT)
		return !isfinite(n->f);
	for (uint32_t i = 0; (n->type == NODE_SEQ || n->type == NODE_MAP) && i < n->n; i++)
		if (tree_has_nonfinite(n->type == NODE_SEQ ? n->seq[i] : n->map[i].value))
			return true;
	return false;
}
