/* base/cel_token.h
 * The words of a CEL expression, for base/cel.c. One thread; borrows the text.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"

enum cel_kind {
	CEL_END = 0,
	/* A character stands for itself. */
	CEL_BAD = 256, /* the reason is written */
	CEL_NAME,
	CEL_QUOTED_NAME, /* in backquotes */
	CEL_INT,
	CEL_UINT,
	CEL_FLOAT,
	CEL_STRING,
	CEL_BYTES,
	CEL_CONSTANT, /* true, false, null */
	CEL_IN,
	CEL_OR,
	CEL_AND,
	CEL_EQ,
	CEL_NE,
	CEL_LE,
	CEL_GE,
};

struct cel_token {
	int kind;
	const char *p; /* of a string: its content, without the prefix and the quotes */
	size_t n;
	bool raw; /* of a string: no escapes */
};

struct cel_words {
	const char *text, *at;
};

struct cel_token cel_next(struct cel_words *, struct err *);
/* What a string literal stands for, as a regular expression: a NUL in it is written as an escape. */
void cel_string(const struct cel_token *, struct buf *ret);
bool cel_name_is(const struct cel_token *, const char *name);
