/* schema/condition.h
 * The tree of a schema's oneOf, anyOf, allOf, not and required: which fields may and must be there together.
 */
#pragma once
#include <stdint.h>

enum condition_op {
	CONDITION_REQUIRED, /* `field` is there and not null */
	CONDITION_NOT,      /* of[0] does not hold */
	CONDITION_ONE_OF,
	CONDITION_ANY_OF,
	CONDITION_ALL_OF, /* holds when empty */
};
struct condition {
	enum condition_op op;
	const char *field;
	const struct condition *of;
	uint32_t n;
};
