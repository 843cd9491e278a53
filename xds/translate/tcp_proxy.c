/* Chains that end in a TCP proxy: to a cluster, or to the destinations of a VirtualService's tcp or tls routes
 * (translation.md 4.7, 4.8 "TCP proxy content").
 */
#include "model/mesh.h"
#include "model/options.h"
#include "model/scope.h"
#include "translate/hcm.h"
#include "translate/limits.h"
#include "translate/names.h"
#include "types.h"

void tcp_chain_simple(struct run *r, enum chain_kind kind, const char *cluster, bool logged,
		      Listener__FilterChain *chain)
{
	struct arena *a = run_arena(r);
	TcpProxy__TcpProxy *p =
		PB_NEW(a, TcpProxy__TcpProxy, .stat_prefix = cluster,
		       .cluster_specifier_case = TCP_PROXY__TCP_PROXY__CLUSTER_SPECIFIER_CLUSTER,
		       .cluster = cluster);

	if (logged) {
		p->idle_timeout = idle_timeout_of(r);
		p->access_log = filter_access_logs(r, kind, LOG_TCP, &p->n_access_log);
	}
	filter_stats_tcp(r, kind, chain);
	PB_PUSH(a, chain, filters,
		network_filter(a, "envoy.filters.network.tcp_proxy", PB_ANY(a, p)));
}

/* The protocol's own filter goes before the proxy, or in its place. */
static void add_protocol_filters(struct run *r, enum protocol protocol, const char *stat_prefix,
				 const char *cluster, TcpProxy__TcpProxy *proxy,
				 Listener__FilterChain *chain)
{
	struct arena *a = run_arena(r);

	if (protocol == PROTOCOL_REDIS && FEATURE(redis_filter) && cluster) {
		RedisProxy__RedisProxy *redis = PB_NEW(
			a, RedisProxy__RedisProxy, .stat_prefix = stat_prefix,
			.latency_in_micros = true,
			.settings = PB_NEW(a, RedisProxy__RedisProxy__ConnPoolSettings,
					   .op_timeout = pb_duration(a, INT64_C(5000000000))),
			.prefix_routes =
				PB_NEW(a, RedisProxy__RedisProxy__PrefixRoutes,
				       .catch_all_route = PB_NEW(
					       a, RedisProxy__RedisProxy__PrefixRoutes__Route,
					       .cluster = cluster)));

		PB_PUSH(a, chain, filters,
			network_filter(a, "envoy.filters.network.redis_proxy", PB_ANY(a, redis)));
		return;
	}
	if (protocol == PROTOCOL_MONGO && FEATURE(mongo_filter))
		PB_PUSH(a, chain, filters,
			network_filter(a, "envoy.filters.network.mongo_proxy",
				       PB_ANY(a, PB_NEW(a, MongoProxy__MongoProxy,
							.stat_prefix = stat_prefix))));
	if (protocol == PROTOCOL_MYSQL && FEATURE(mysql_filter))
		PB_PUSH(a, chain, filters,
			network_filter(a, "envoy.filters.network.mysql_proxy",
				       PB_ANY(a, PB_NEW(a, MysqlProxy__MySQLProxy,
							.stat_prefix = stat_prefix))));
	PB_PUSH(a, chain, filters,
		network_filter(a, "envoy.filters.network.tcp_proxy", PB_ANY(a, proxy)));
}

/* ---- outbound ---- */

static const struct service *service_of(struct run *r, const char *host)
{
	uint32_t key = run_key(r, host), ns = scope_host_ns(r, key);

	return ns ? service_read(r, ns, key) : NULL;
}

/* The port of a destination (NULL: of the service itself); `s` may be unknown, NULL. */
static uint16_t target_port(const struct tcp_target *t, const struct destination *d,
			    const struct service *s)
{
	if (d && d->port && d->port->number.set)
		return (uint16_t)d->port->number.v;
	return s && s->n_ports == 1 ? s->ports[0].number : t->listen_port;
}

static const char *target_cluster(struct run *r, const struct tcp_target *t,
				  const struct destination *d)
{
	const struct service *s = service_of(r, d->host);

	return cluster_name(run_arena(r), target_port(t, d, s), d->subset,
			    s && s->alias_of ? s->alias_of : d->host);
}

static const char *stat_prefix_of(struct run *r, const struct tcp_target *t, const char *cluster,
				  const char *subset)
{
	const char *pattern = mesh_get(r, outbound_cluster_stat_name);
	const struct service_port_model *p = !t->service ? NULL
					     : t->stat_port
						     ? t->stat_port
						     : service_port_of(t->service, t->listen_port);

	if (str_empty(pattern) || !p)
		return cluster;
	return stat_pattern(run_arena(r), pattern, t->service, p, str_or(subset, ""), 0);
}

/* What the DestinationRule of the first destination's service says of connections. */
static void set_connection(struct run *r, const struct service *s, const char *subset_name,
			   TcpProxy__TcpProxy *p)
{
	struct arena *a = run_arena(r);
	const struct applied_rule *rule = s ? destination_rule_for(r, s, true) : NULL;
	const struct traffic_policy *top = rule ? rule->policy : NULL;
	const struct tcp_settings *tcp =
		top && top->connection_pool ? top->connection_pool->tcp : NULL;
	const struct load_balancer_settings *lb = top ? top->load_balancer : NULL;
	const struct tunnel_settings *tunnel = top ? top->tunnel : NULL;
	const struct subset *subset =
		rule && !str_empty(subset_name) ? subset_find(rule, subset_name) : NULL;

	p->idle_timeout = tcp && tcp->idle_timeout.set ? pb_duration(a, tcp->idle_timeout.v)
						       : idle_timeout_of(r);
	if (tcp && tcp->max_connection_duration.set)
		p->max_downstream_connection_duration =
			pb_duration(a, tcp->max_connection_duration.v);
	if (!str_empty(subset_name))
		tunnel = subset && subset->traffic_policy ? subset->traffic_policy->tunnel : NULL;
	if (subset && subset->traffic_policy && subset->traffic_policy->load_balancer)
		lb = subset->traffic_policy->load_balancer;
	if (lb && lb->consistent_hash && lb->consistent_hash->use_source_ip.set &&
	    lb->consistent_hash->use_source_ip.v)
		PB_PUSH(a, p, hash_policy,
			PB_NEW(a, Type__HashPolicy,
			       .policy_specifier_case =
				       TYPE__HASH_POLICY__POLICY_SPECIFIER_SOURCE_IP,
			       .source_ip = PB_NEW(a, Type__HashPolicy__SourceIp)));
	if (tunnel)
		p->tunneling_config =
			PB_NEW(a, TcpProxy__TcpProxy__TunnelingConfig,
			       .hostname = arena_printf(a, "%s:%lld", tunnel->target_host,
							(long long)tunnel->target_port.v),
			       .use_post = str_eq(tunnel->protocol, "POST"));
}

void tcp_chain_outbound(struct run *r, const struct tcp_target *t, Listener__FilterChain *chain)
{
	struct arena *a = run_arena(r);
	TcpProxy__TcpProxy *p = PB_NEW(a, TcpProxy__TcpProxy);
	const char *cluster = NULL, *subset = NULL;
	const struct service *first = t->service;
	uint16_t port = 0;

	if (t->n_routes <= 1) {
		const struct destination *d = t->n_routes ? t->routes[0].destination : NULL;

		subset = t->subset;
		cluster = d            ? target_cluster(r, t, d)
			  : t->cluster ? t->cluster
				       : cluster_name(a,
						      t->service->n_ports == 1
							      ? t->service->ports[0].number
							      : t->listen_port,
						      "", t->service->host);
		if (d) {
			first = service_of(r, d->host);
			subset = d->subset;
		}
		port = target_port(t, d, first);
		p->cluster_specifier_case = TCP_PROXY__TCP_PROXY__CLUSTER_SPECIFIER_CLUSTER;
		p->cluster = cluster;
		p->stat_prefix = stat_prefix_of(r, t, cluster, subset);
	} else {
		p->cluster_specifier_case =
			TCP_PROXY__TCP_PROXY__CLUSTER_SPECIFIER_WEIGHTED_CLUSTERS;
		p->weighted_clusters = PB_NEW(a, TcpProxy__TcpProxy__WeightedCluster);
		for (uint32_t i = 0; i < t->n_routes; i++)
			if (t->routes[i].weight.v > 0)
				PB_PUSH(a, p->weighted_clusters, clusters,
					PB_NEW(a,
					       TcpProxy__TcpProxy__WeightedCluster__ClusterWeight,
					       .name = target_cluster(r, t,
								      t->routes[i].destination),
					       .weight = (uint32_t)t->routes[i].weight.v));
		p->stat_prefix =
			arena_printf(a, "%s.%s", t->source->object->name, t->source->object->ns);
		first = service_of(r, t->routes[0].destination->host);
		subset = t->routes[0].destination->subset;
	}
	set_connection(r, first, subset, p);
	if (t->cluster)
		p->tunneling_config = NULL;
	if (t->exchange) {
		Listener__Filter *mx = filter_metadata_exchange(r);

		if (mx)
			PB_PUSH(a, chain, filters, mx);
	}
	p->access_log = filter_access_logs(r, t->kind, LOG_TCP, &p->n_access_log);
	filter_stats_tcp(r, t->kind, chain);
	if (t->n_routes <= 1 && protocol_is_tls(t->protocol) && first && service_is_dynamic(first))
		PB_PUSH(a, chain, filters, filter_forward_proxy_sni(r, first, port));
	add_protocol_filters(r, t->protocol, p->stat_prefix, cluster, p, chain);
}

/* ---- inbound ---- */

void tcp_chain_inbound(struct run *r, const char *cluster, const char *stat_prefix,
		       enum protocol protocol, Listener__FilterChain *chain)
{
	struct arena *a = run_arena(r);
	Listener__Filter *mx = filter_metadata_exchange(r);
	TcpProxy__TcpProxy *p =
		PB_NEW(a, TcpProxy__TcpProxy, .stat_prefix = stat_prefix,
		       .cluster_specifier_case = TCP_PROXY__TCP_PROXY__CLUSTER_SPECIFIER_CLUSTER,
		       .cluster = cluster, .idle_timeout = idle_timeout_of(r));

	if (mx)
		PB_PUSH(a, chain, filters, mx);
	p->access_log = filter_access_logs(r, CHAIN_INBOUND, LOG_TCP, &p->n_access_log);
	filter_stats_tcp(r, CHAIN_INBOUND, chain);
	add_protocol_filters(r, protocol, stat_prefix, cluster, p, chain);
}
