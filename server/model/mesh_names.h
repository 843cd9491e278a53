/* model/mesh_names.h
 * The proto spelling of field names, private to this room.
 */
#pragma once
#include "base/arena.h"

struct node;
struct struct_type;
/* The document with fields of the type and of the types below spelled as in JSON; what it does not share with `n` lives
 * in the arena. */
const struct node *mesh_respell(struct arena *, const struct struct_type *, const struct node *n);
