/* Namespaces by discoverySelectors: a matter of the mesh config and of Namespace objects, not of any proxy, so it is decided
 * where objects come in and no query need think of it.
 */
#include "model/discovery.h"

#include "model/export.h"
#include "model/mesh.h"
#include "types.h"

bool discovery_admits(const struct world *w, const char *ns)
{
	static const struct str_map none;
	const struct mesh_config *mesh = mesh_config_now(w);
	const struct object *obj;
	const struct str_map *labels;

	if (!mesh || !mesh->discovery_selectors.n)
		return true;
	obj = world_get(w, KIND_NAMESPACE, "", ns);
	labels = obj && obj->meta ? &obj->meta->labels : &none;
	for (uint32_t i = 0; obj && i < mesh->discovery_selectors.n; i++)
		if (label_selector_holds(&mesh->discovery_selectors.v[i], labels))
			return true;
	return false;
}
