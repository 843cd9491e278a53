/* All queries in one table: the model's, then ours. Levels go up by what a query may call. */
#include "translate/queries.h"
#include "translate/cds.h"
#include "translate/eds.h"
#include "translate/filters/telemetry.h"
#include "translate/gateway.h"
#include "translate/lds.h"
#include "translate/network_gateway.h"
#include "translate/rds.h"
#include "translate/shards.h"
#include "world/world.h"

enum { TRAIT = 20, SHARED, LEAF, NAMESPACE, BUCKET, COMPOUND, ROOT };

#define BYTES(n, l, fn) \
	{ \
		.name = (n), .shape = RESULT_BYTES, .level = (l), .run = (fn) \
	}
/* Which parts something has, no more: model/queries.c has others. */
#define CHOICE(n, l, fn) \
	{ \
		.name = (n), .shape = RESULT_BYTES, .level = (l), .run = (fn), .selects = true \
	}
#define LIST(n, l, fn) \
	{ \
		.name = (n), .shape = RESULT_LIST, .level = (l), .run = (fn) \
	}
#define CONCAT(n, l, fn) \
	{ \
		.name = (n), .shape = RESULT_CONCAT, .level = (l), .run = (fn) \
	}

static const struct query ours[Q_END - Q_MODEL_END] = {
#define AT(q) [(q)-Q_MODEL_END]
	AT(Q_HEADER_CASE) = BYTES("header_case", TRAIT, header_case_run),
	AT(Q_NETWORK_GATEWAYS) = BYTES("network_gateways", TRAIT, network_gateways_run),
	AT(Q_ACCESS_LOGS) = BYTES("access_logs", TRAIT, access_logs_run),
	AT(Q_STATS) = BYTES("stats", TRAIT, stats_run),
	AT(Q_TRACING) = BYTES("tracing", TRAIT, tracing_run),

	AT(Q_CDS_SERVICE) = BYTES("cds_service", LEAF, cds_service_run),
	AT(Q_CDS_NS) = LIST("cds_ns", NAMESPACE, cds_ns_run),
	AT(Q_CDS_BUCKET) = LIST("cds_bucket", BUCKET, cds_bucket_run),
	AT(Q_CDS_SPECIAL) = BYTES("cds_special", LEAF, cds_special_run),
	AT(Q_CDS_INBOUND) = BYTES("cds_inbound", LEAF, cds_inbound_run),
	AT(Q_EDS_SERVICE) = BYTES("eds_service", LEAF, eds_service_run),
	AT(Q_EDS_NS) = LIST("eds_ns", NAMESPACE, eds_ns_run),
	AT(Q_EDS_BUCKET) = LIST("eds_bucket", BUCKET, eds_bucket_run),
	AT(Q_EDS_SELF) = BYTES("eds_self", LEAF, eds_self_run),

	AT(Q_VHOST) = BYTES("vhost", LEAF, vhost_service_run),
	AT(Q_VHOST_LONE) = BYTES("vhost_lone", LEAF, vhost_lone_run),
	AT(Q_VHOST_CATCH_ALL) = BYTES("vhost_catch_all", LEAF, vhost_catch_all_run),
	AT(Q_RDS_PORTS_NS) = CHOICE("rds_ports_ns", LEAF, rds_ports_run),
	AT(Q_RC_NS) = CONCAT("rc_ns", NAMESPACE, rc_ns_run),
	AT(Q_RC) = CONCAT("rc", BUCKET, rc_run),

	AT(Q_LDS_PORTS_NS) = CHOICE("lds_ports_ns", LEAF, lds_ports_run),
	AT(Q_LISTENER_SERVICE) = BYTES("listener_service", LEAF, listener_service_run),
	AT(Q_LISTENER_SHARED) = BYTES("listener_shared", NAMESPACE, listener_shared_run),
	AT(Q_LDS_NS) = LIST("lds_ns", NAMESPACE, lds_ns_run),
	AT(Q_LDS_BUCKET) = LIST("lds_bucket", BUCKET, lds_bucket_run),
	AT(Q_LDS_VIRTUAL) = BYTES("lds_virtual", LEAF, lds_virtual_run),
	AT(Q_LDS_INBOUND) = BYTES("lds_inbound", LEAF, lds_inbound_run),

	AT(Q_GW_HCM) = BYTES("gw_hcm", SHARED, gateway_hcm_run),
	AT(Q_GW_CHAIN) = BYTES("gw_chain", LEAF, gateway_chain_run),
	AT(Q_GW_SNI_CHAINS) = BYTES("gw_sni_chains", LEAF, gateway_sni_chains_run),
	AT(Q_GW_AUTO_CHAINS) = BYTES("gw_auto_chains", LEAF, gateway_auto_chains_run),
	AT(Q_GW_LISTENER) = CONCAT("gw_listener", BUCKET, gateway_listener_run),
	AT(Q_GW_ROUTED) = CHOICE("gw_routed", LEAF, gateway_routed_run),
	AT(Q_GW_PART) = CHOICE("gw_part", NAMESPACE, gateway_part_run),
	AT(Q_GW_PLAN) = CHOICE("gw_plan", BUCKET, gateway_plan_run),
	AT(Q_GW_VHOST) = BYTES("gw_vhost", LEAF, gateway_vhost_run),
	AT(Q_GW_RC) = CONCAT("gw_rc", COMPOUND, gateway_rc_run),
	AT(Q_CDS_SNI) = BYTES("cds_sni", LEAF, cds_sni_run),
	AT(Q_CDS_SNI_NS) = LIST("cds_sni_ns", NAMESPACE, cds_sni_ns_run),
	AT(Q_CDS_SNI_BUCKET) = LIST("cds_sni_bucket", BUCKET, cds_sni_bucket_run),
	AT(Q_EDS_SNI) = BYTES("eds_sni", LEAF, eds_sni_run),
	AT(Q_EDS_SNI_NS) = LIST("eds_sni_ns", NAMESPACE, eds_sni_ns_run),
	AT(Q_EDS_SNI_BUCKET) = LIST("eds_sni_bucket", BUCKET, eds_sni_bucket_run),

	AT(Q_NDS_NS) = BYTES("nds_ns", LEAF, nds_ns_run),

	AT(Q_SHARDS) = BYTES("shards", LEAF, shards_run),

	AT(Q_CDS) = LIST("cds", ROOT, cds_run),
	AT(Q_EDS) = LIST("eds", ROOT, eds_run),
	AT(Q_LDS) = LIST("lds", ROOT, lds_run),
	AT(Q_RDS) = LIST("rds", ROOT, rds_run),
	AT(Q_NDS) = BYTES("nds", ROOT, nds_run),
#undef AT
};

const struct query *const *translate_queries(size_t *ret_n)
{
	static const struct query *all[Q_END];

	for (size_t i = 0; i < Q_END; i++)
		all[i] = i < Q_MODEL_END ? &model_queries[i] : &ours[i - Q_MODEL_END];
	*ret_n = Q_END;
	return all;
}
