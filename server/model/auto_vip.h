/* model/auto_vip.h
 * Allocated addresses and traffic distribution: what the indexes need of them, pure. */
#pragma once
#include "model/service.h"

/* "ns/host", what the slot is hashed from and the key of CELL_SE_AUTO. */
const char *auto_vip_text(struct arena *, const struct service *);
/* The value of a traffic-distribution annotation, its key in any case; NULL: none. */
const char *distribution_annotation(const struct object *);
enum traffic_distribution distribution_parse(const char *);
