/* model/same.h
 * When a changed object means the same to an entry's readers, so that the entry is not touched (struct index). Pure.
 */
#pragma once
#include "schema/object.h"

/* ServiceEntries: equal but for their inline endpoints. */
bool same_but_endpoints(const struct object *old, const struct object *now);
/* Services and ServiceEntries: the same heads (model/service.h). */
bool same_heads(const struct object *old, const struct object *now);
struct service;
/* Alike but for ports and addresses, so that of one host and namespace they make one service (1.6 "Scope list merge"). */
bool same_service(const struct service *, const struct service *);
/* Services and ServiceEntries: the same hosts in the same order. */
bool same_hosts(const struct object *old, const struct object *now);
/* VirtualServices: the same heads (model/heads.h). */
bool same_vs_heads(const struct object *old, const struct object *now);
