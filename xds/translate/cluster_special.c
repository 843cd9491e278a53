/* Clusters that every proxy has, whatever its services (translation.md 2.12). */
#include "base/clock.h"
#include "model/mesh.h"
#include "model/options.h"
#include "model/proxy.h"
#include "model/scope.h"
#include "translate/cds.h"
#include "translate/cluster.h"
#include "translate/cluster_bind.h"
#include "translate/names.h"
#include "translate/tls.h"
#include "types.h"

#define ENUM(name) CLUSTER__CLUSTER__##name

static void emit_black_hole(struct run *r)
{
	struct draft d = draft_new(r, BLACK_HOLE_CLUSTER);

	draft_set_type(&d, ENUM(DISCOVERY_TYPE__STATIC));
	draft_emit(&d);
}

/* What goes through unknown has the mesh's limits, and is closed when idle for five minutes. */
static struct draft passthrough(struct run *r, const char *name)
{
	struct draft d = draft_new(r, name);
	const struct default_traffic_policy *p = mesh_get(r, default_traffic_policy);
	Core__Http1ProtocolOptions *http1 = http1_options(r);

	d.c->alt_stat_name = stat_delimited(d.a, PASSTHROUGH_CLUSTER);
	d.c->lb_policy = ENUM(LB_POLICY__CLUSTER_PROVIDED);
	draft_apply_pool(&d, p ? p->connection_pool : NULL, NULL);
	d.http = NULL; /* of a pool's HTTP settings none counts here */
	draft_use_downstream(&d);
	if (http1)
		d.http->use_downstream_protocol_config->http_protocol_options = http1;
	d.http->common_http_protocol_options = PB_NEW(
		d.a, Core__HttpProtocolOptions, .idle_timeout = pb_duration(d.a, 300 * NS_PER_S));
	return d;
}

static void emit_passthrough(struct run *r)
{
	struct draft d = passthrough(r, PASSTHROUGH_CLUSTER);

	draft_set_type(&d, ENUM(DISCOVERY_TYPE__ORIGINAL_DST));
	draft_add_exchange(&d);
	draft_emit(&d);
}

static void emit_inbound_passthrough(struct run *r)
{
	struct draft d = passthrough(r, INBOUND_PASSTHROUGH_CLUSTER);

	draft_set_type(&d, ENUM(DISCOVERY_TYPE__ORIGINAL_DST));
	d.c->upstream_bind_config = passthrough_bind(r, true);
	draft_emit(&d);
}

/* Hosts that no service names, found by the name in the request. */
static void emit_any_host(struct run *r)
{
	const struct mesh_outbound_traffic_policy *p = mesh_get(r, outbound_traffic_policy);
	struct draft d = passthrough(r, ALLOW_ANY_DYNAMIC_DNS_CLUSTER);
	struct tls_input tls = { .tls = p ? p->tls : NULL, .dynamic = true };
	ClusterDfp__ClusterConfig *config = draft_set_forward_proxy(&d, ALLOW_ANY_DNS_CACHE);

	config->dns_cache_config->max_hosts = pb_u32(d.a, (uint32_t)FEATURE(any_dns_max_hosts));
	d.c->alt_stat_name = stat_delimited(d.a, ALLOW_ANY_DYNAMIC_DNS_CLUSTER);
	draft_apply_tls(&d, &tls);
	draft_add_exchange(&d);
	draft_finish_forward_proxy(&d, config);
	draft_emit(&d);
}

/* Secrets that something else next to the proxy serves, over a socket. */
static void emit_external_secrets(struct run *r)
{
	struct draft d = draft_new(r, SDS_EXTERNAL_CLUSTER);

	draft_set_type(&d, ENUM(DISCOVERY_TYPE__STATIC));
	d.c->load_assignment = single_endpoint(d.a, d.c->name, SDS_EXTERNAL_SOCKET, 0);
	draft_upgrade(&d);
	draft_emit(&d);
}

/* [0] */
void cds_special_run(struct run *r, uint32_t key)
{
	emit_black_hole(r);
	if (!ask_is(r, ASK_IS_ROUTER, 0)) {
		emit_passthrough(r);
		if (scope_outbound_policy(r).mode == POLICY_ALLOW_ANY_DYNAMIC_DNS)
			emit_any_host(r);
		emit_inbound_passthrough(r);
	}
	if (ask_is(r, ASK_FLAG, FLAG_CREDENTIAL_SOCKET))
		emit_external_secrets(r);
}
