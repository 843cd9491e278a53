/* schema/check.h
 * What istiod's validating webhook demands of traffic objects beyond their schema (surface.md 6.8). Pure; called by
 * object_decode once the schema holds, so that an object which a cluster would not have is quarantined here too.
 */
#pragma once
#include "schema/object.h"

struct node;
/* Adds errors; each at the field's place in `doc`, the object's document. */
void object_check(const struct object *, const struct node *doc, struct diag *);
