/* model/export.h
 * exportTo in the model's own files: what of it can be said without a proxy (translation.md 1.6).
 */
#pragma once
#include "model/service.h"
#include "types.h"

/* The namespaces that see the service as a key: a sorted comma list, "~" for nobody; 0 when it is public. Mesh defaults
 * and serviceEntryVisibility are applied. */
uint32_t service_export_key(struct run *, const struct service *);
/* The same for any list with its mesh default; `ns` is what "." stands for. */
uint32_t export_key(struct run *, const struct str_list *list, const struct str_list *defaults,
		    const char *ns);
/* Does the proxy's namespace see it? Asks ASK_NS_IS for each namespace of the list. */
bool export_seen_by_proxy(struct run *, uint32_t export_key);
/* Kubernetes' label selectors; an empty one holds for all. */
bool label_selector_holds(const struct label_selector *, const struct str_map *labels);
/* Is `ns` in the list of the key, or the key 0? Asks nothing. */
bool export_has(struct run *, uint32_t export_key, const char *ns);
