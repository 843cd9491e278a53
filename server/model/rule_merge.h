/* model/rule_merge.h
 * Merging the DestinationRules of one host and namespace (translation.md 2.8). Pure.
 */
#pragma once
#include "schema/object.h"
#include "types.h"

struct rule_view {
	const struct object *object;
	const struct destination_rule_spec *spec;
	struct str_list export_to;      /* effective: "." alone when there is a selector */
	const struct str_map *selector; /* NULL: none */
	bool is_backend_policy;         /* made from a Gateway API policy: only fills gaps */
};
struct rule_view rule_view_of(const struct object *);
bool rule_exports(const struct rule_view *, const char *to);

struct rule_list {
	struct rule_view *v;
	uint32_t n;
	size_t cap;
};
void rule_list_add(struct arena *, struct rule_list *, const struct rule_view *);

struct merged_rule {
	const struct object *first;
	struct str_list export_to;
	const struct str_map *selector;
	const struct traffic_policy *policy;
	const struct subset *const *subsets;
	uint32_t n_subsets;
	bool is_backend_policy;
	const struct object **from; /* all that are in it */
	uint32_t n_from;
	size_t c_from;
};
struct merged_rules {
	struct merged_rule *v;
	uint32_t n;
};
/* The list in any order; sorted here: with a selector first, then by creation, name. */
struct merged_rules rules_merge(struct arena *, struct rule_list *);
