/* pb/registry.h
 * The generated table behind pb_types(); only pb/pb.c and the generated registry.c include this.
 */
#pragma once
#include "pb/pb.h"

extern const struct pb_type pb_registry[]; /* in order of full name, as strcmp sees it */
extern const size_t pb_registry_n;
