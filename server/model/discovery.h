/* model/discovery.h
 * discoverySelectors: which namespaces' objects are seen at all (surface.md 7.5). The door of world_tables.
 */
#pragma once
#include "world/world.h"

#define DISCOVERY_DOOR ((struct world_door){ .admits = discovery_admits, .kind = KIND_NAMESPACE })
/* Any of the selectors holds for the labels of the Namespace; without selectors all are. One without a Namespace object is not. */
bool discovery_admits(const struct world *, const char *ns);
