/* Attaching policies. A reference is to a Gateway of the proxy's namespace, and proxies that implement one carry its name
 * as a label; so both ways come down to questions about labels.
 */
#include "model/attach.h"

#include "model/proxy.h"

#define GATEWAY_NAME_LABEL "gateway.networking.k8s.io/gateway-name"

struct attachment attachment_of(const struct type_workload_selector *selector,
				const struct policy_target_reference *one,
				const struct policy_target_reference *refs, uint32_t n_refs)
{
	struct attachment a = { .labels = selector ? &selector->match_labels : NULL,
				.refs = refs,
				.n_refs = n_refs };

	if (!n_refs && one) {
		a.refs = one;
		a.n_refs = 1;
	}
	return a;
}

bool attachment_is_empty(const struct attachment *a)
{
	return !a->n_refs && !(a->labels && a->labels->n);
}

static bool is_gateway(struct run *r, const struct policy_target_reference *ref)
{
	struct str_pair pair = { GATEWAY_NAME_LABEL, ref->name };
	struct str_map label = { &pair, 1, true };

	if (!str_eq(ref->group, "gateway.networking.k8s.io") || !str_eq(ref->kind, "Gateway") ||
	    str_empty(ref->name) || !ask_labels_match(r, &label))
		return false;
	return str_empty(ref->namespace) || ask_is(r, ASK_NS_IS, run_key(r, ref->namespace));
}

bool attachment_holds(struct run *r, const struct attachment *a)
{
	for (uint32_t i = 0; i < a->n_refs; i++)
		if (is_gateway(r, &a->refs[i]))
			return true;
	if (a->n_refs)
		return false;
	return !a->labels || !a->labels->n || ask_labels_match(r, a->labels);
}
