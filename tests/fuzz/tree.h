/* tests/fuzz/tree.h
 * Trees compared by meaning, for targets that write one and read it again.
 */
#pragma once
#include "doc/node.h"

/* Numbers are equal by value, whatever their type; places and source texts do not count. Ends the process, saying
 * where, if the trees differ. */
void tree_expect_same(const struct node *a, const struct node *b, const char *what);

/* Ends the process unless the tree keeps the promises of doc/node.h and doc/read.h. */
void tree_expect_sound(const struct node *);

/* Is there a number in it that JSON cannot say? */
bool tree_has_nonfinite(const struct node *);
