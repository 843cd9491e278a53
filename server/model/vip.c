/* Addresses of a service as one proxy sees them (translation.md 1.4). Questions are asked only where the answer can
 * change something: a service with one address is the same for all.
 */
#include "base/ip.h"
#include "model/heads.h"
#include "model/options.h"
#include "model/proxy.h"
#include "world/world.h"
#include <string.h>

static const char unspecified[] = "0.0.0.0";

/* Allocated addresses exist only for proxies that capture DNS. */
static bool uses_auto(struct run *r, const struct service *s)
{
	if (s->n_addresses || !s->auto_allocate || !ask_is(r, ASK_FLAG, FLAG_DNS_CAPTURE))
		return false;
	return FEATURE(ip_autoallocate) || ask_is(r, ASK_FLAG, FLAG_DNS_AUTO_ALLOCATE);
}

static bool fits(struct run *r, const char *address)
{
	return ask_is(r, ip_is_v6(address) ? ASK_HAS_V6 : ASK_HAS_V4, 0);
}

static bool same_cluster(struct run *r, const struct service *s)
{
	const char *cluster =
		str_empty(s->object->cluster) ? model_options()->cluster_id : s->object->cluster;

	return ask_is(r, ASK_CLUSTER_IS, run_key(r, cluster));
}

const char *service_vip(struct run *r, const struct service *s)
{
	if (uses_auto(r, s)) {
		struct auto_vip vip = auto_vip_of(r, s);

		if (vip.v4 && ask_is(r, ASK_HAS_V4, 0))
			return vip.v4;
		return vip.v6 && ask_is(r, ASK_HAS_V6, 0) ? vip.v6 : unspecified;
	}
	if (!s->n_addresses)
		return unspecified;
	if (!s->is_kubernetes || s->n_addresses == 1 || !same_cluster(r, s))
		return s->addresses[0];
	for (uint32_t i = 0; i < s->n_addresses; i++)
		if (fits(r, s->addresses[i]))
			return s->addresses[i];
	return s->addresses[0];
}

/* A proxy of both families keeps all addresses where dual stack is supported; one family has nothing to filter by. */
static bool keeps_all(struct run *r)
{
	return (FEATURE(dual_stack) || FEATURE(ambient)) && ask_is(r, ASK_HAS_V4, 0) &&
	       ask_is(r, ASK_HAS_V6, 0);
}

static const char *const *filter(struct run *r, const char *const *v, uint32_t n, uint32_t *ret_n)
{
	const char **out = arena_array(run_arena(r), const char *, n);

	*ret_n = 0;
	for (uint32_t i = 0; i < n; i++)
		if (fits(r, v[i]))
			out[(*ret_n)++] = v[i];
	return out;
}

const char *const *service_addresses(struct run *r, const struct service *s, uint32_t *ret_n)
{
	static const char *const none[] = { unspecified };
	const char *const *v = s->addresses;
	uint32_t n = s->n_addresses, n_fit;

	*ret_n = 1;
	if (uses_auto(r, s)) {
		struct auto_vip vip = auto_vip_of(r, s);
		const char **both = arena_array(run_arena(r), const char *, 2);

		n = 0;
		if (vip.v4)
			both[n++] = vip.v4;
		if (vip.v6)
			both[n++] = vip.v6;
		v = both;
	} else if (n && !s->is_kubernetes) {
		*ret_n = n;
		return v;
	}
	if (!n)
		return none;
	if (n == 1 && s->is_kubernetes)
		return v;
	if (s->is_kubernetes && !same_cluster(r, s))
		return filter(r, v, 1, ret_n);
	if (keeps_all(r)) {
		*ret_n = n;
		return v;
	}
	v = filter(r, v, n, &n_fit);
	if (!n_fit)
		return s->n_addresses ? s->addresses : none;
	*ret_n = n_fit;
	return v;
}
