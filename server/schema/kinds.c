/* Kinds by name, and which of their parts count.
 */
#include "schema/object.h"

#include "schema/interpret.h"
#include "types.h"

#include <string.h>

/* "group/version" or, for the core group, "version". */
static bool version_matches(const char *api_version, const char *group, const char *version)
{
	size_t n = strlen(group);

	if (n) {
		if (strncmp(api_version, group, n) || api_version[n] != '/')
			return false;
		api_version += n + 1;
	}
	return !version || !strcmp(api_version, version);
}

const struct kind *kind_find(const char *api_version, const char *kind)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (strcmp(kinds[i].name, kind))
			continue;
		for (const char *const *v = kinds[i].versions; *v; v++)
			if (version_matches(api_version, kinds[i].group, *v))
				return &kinds[i];
	}
	return NULL;
}

const struct kind *kind_in_group(const char *api_version, const char *kind)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		bool is_core = !*kinds[i].group && strchr(api_version, '/');

		if (!strcmp(kinds[i].name, kind) && !is_core &&
		    version_matches(api_version, kinds[i].group, NULL))
			return &kinds[i];
	}
	return NULL;
}

const struct kind *kind_of(const struct object *o)
{
	return &kinds[o->kind];
}

bool kind_reads_status(const struct kind *k)
{
	static const uint8_t with_status[] = {
		KIND_INGRESS, KIND_NODE,          KIND_POD,
		KIND_SERVICE, KIND_SERVICE_ENTRY, KIND_WORKLOAD_ENTRY,
	};

	for (size_t i = 0; i < ARRAY_LEN(with_status); i++)
		if (k == &kinds[with_status[i]])
			return true;
	return false;
}

enum name_rule kind_name_rule(const struct kind *k)
{
	return k == &kinds[KIND_NAMESPACE] || k == &kinds[KIND_SERVICE] ? NAME_LABEL
									: NAME_SUBDOMAIN;
}
