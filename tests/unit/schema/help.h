/* What the tests of this room share: objects from YAML text. */
#pragma once
#include "base/buf.h"
#include "schema/object.h"
#include "test.h"
#include "types.h"

/* Decodes the only document of a text. The problems are in *diag, places in file "t". */
enum decode_result help_decode(const char *yaml, const struct decode_opts *,
			       const struct object **ret, struct diag *);
/* The object; NULL and a failed check if there were problems. Warnings count. */
const struct object *help_object(const char *yaml);
/* All problems, one a line. Yours. */
char *help_problems(const struct diag *);
/* Compact JSON. Yours. */
char *help_print(const struct object *);
