/* Connection pools: circuit breakers, time limits, keepalive and the version of HTTP that they choose (translation.md
 * 2.4).
 */
#include "base/clock.h"
#include "model/mesh.h"
#include "model/options.h"
#include "translate/cluster.h"
#include "types.h"

static uint32_t whole(int64_t v)
{
	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

/* The number if it is a limit at all, else no limit. */
static Google__UInt32Value *limit(struct arena *a, const struct opt_int *v)
{
	return pb_u32(a, v && v->set && v->v > 0 ? whole(v->v) : UINT32_MAX);
}

static Cluster__CircuitBreakers__Thresholds__RetryBudget *budget(struct draft *d,
								 const struct retry_budget *b)
{
	Cluster__CircuitBreakers__Thresholds__RetryBudget *out;
	double percent = b->percent.set ? b->percent.v : 20;
	int64_t least = b->min_retry_concurrency.set ? b->min_retry_concurrency.v : 0;

	if (!(percent >= 0 && percent <= 100)) {
		policy_warn(d->r, d->rule, "spec.trafficPolicy.retryBudget.percent",
			    "is not between 0 and 100; 20 is taken");
		percent = 20;
	}
	out = PB_NEW(d->a, Cluster__CircuitBreakers__Thresholds__RetryBudget,
		     .budget_percent = PB_NEW(d->a, Type__Percent, .value = percent),
		     .min_retry_concurrency = pb_u32(d->a, least > 0 ? whole(least) : 3));
	if (b->budget_interval.set && b->budget_interval.v > 0)
		out->budget_interval = pb_duration(d->a, b->budget_interval.v);
	return out;
}

static void add_breakers(struct draft *d, const struct connection_pool_settings *p,
			 const struct retry_budget *b)
{
	const struct tcp_settings *tcp = p ? p->tcp : NULL;
	const struct http_settings *http = p ? p->http : NULL;
	Cluster__CircuitBreakers__Thresholds *t =
		PB_NEW(d->a, Cluster__CircuitBreakers__Thresholds,
		       .max_connections = limit(d->a, tcp ? &tcp->max_connections : NULL),
		       .max_pending_requests =
			       limit(d->a, http ? &http->http1_max_pending_requests : NULL),
		       .max_requests = limit(d->a, http ? &http->http2_max_requests : NULL),
		       .max_retries = limit(d->a, http ? &http->max_retries : NULL),
		       .track_remaining = !FEATURE(disable_track_remaining));

	if (b)
		t->retry_budget = budget(d, b);
	d->c->circuit_breakers = PB_NEW(d->a, Cluster__CircuitBreakers);
	PB_PUSH(d->a, d->c->circuit_breakers, thresholds, t);
}

/* ---- keepalive ---- */

static void add_seconds(struct arena *a, const struct opt_duration *v, Google__UInt32Value **out)
{
	if (v->set && v->v >= 0)
		*out = pb_u32(a, whole(v->v / NS_PER_S));
}

/* An empty one counts: it turns keepalive on as the system has it. */
static void add_keepalive(struct draft *d, const struct tcp_keepalive *k)
{
	Core__TcpKeepalive *out;

	if (!k)
		return;
	if (!d->c->upstream_connection_options)
		d->c->upstream_connection_options =
			PB_NEW(d->a, Cluster__UpstreamConnectionOptions,
			       .tcp_keepalive = PB_NEW(d->a, Core__TcpKeepalive));
	out = d->c->upstream_connection_options->tcp_keepalive;
	if (k->probes.set && k->probes.v > 0)
		out->keepalive_probes = pb_u32(d->a, whole(k->probes.v));
	add_seconds(d->a, &k->time, &out->keepalive_time);
	add_seconds(d->a, &k->interval, &out->keepalive_interval);
}

/* ---- HTTP ---- */

static Core__HttpProtocolOptions *common(struct draft *d)
{
	UpstreamHttp__HttpProtocolOptions *h = draft_http(d);

	if (!h->common_http_protocol_options)
		h->common_http_protocol_options = PB_NEW(d->a, Core__HttpProtocolOptions);
	return h->common_http_protocol_options;
}

static void add_times(struct draft *d, const struct connection_pool_settings *p)
{
	static const struct opt_duration none;
	const struct opt_duration *idle = p->http ? &p->http->idle_timeout : &none;
	const struct opt_duration *age = p->tcp ? &p->tcp->max_connection_duration : &none;

	if (!idle->set && p->tcp)
		idle = &p->tcp->idle_timeout;
	if (idle->set && idle->v >= 0)
		common(d)->idle_timeout = pb_duration(d->a, idle->v);
	if (age->set && age->v > 0)
		common(d)->max_connection_duration = pb_duration(d->a, age->v);
	if (p->http && p->http->max_requests_per_connection.v > 0)
		common(d)->max_requests_per_connection =
			pb_u32(d->a, whole(p->http->max_requests_per_connection.v));
}

/* Envoy takes 1 to 2^31 - 1 streams, and pings of at least a millisecond. */
static void add_http2(struct draft *d, const struct http_settings *s)
{
	const struct http2_keep_alive *k = s->http2_keep_alive;
	bool ping = k && k->timeout.set && k->timeout.v >= NS_PER_MS &&
		    (!k->interval.set || k->interval.v >= NS_PER_MS);
	Core__Http2ProtocolOptions *out = NULL;

	if (s->max_concurrent_streams.v > 0 || k)
		common(d);
	if (k && !ping)
		policy_warn(d->r, d->rule, "spec.trafficPolicy.connectionPool.http.http2KeepAlive",
			    "is left out: it needs a timeout, and no time below 1ms");
	if (draft_is_http2(d))
		out = d->http->explicit_http_config->http2_protocol_options;
	if (out && s->max_concurrent_streams.v > 0)
		out->max_concurrent_streams =
			pb_u32(d->a, MIN(whole(s->max_concurrent_streams.v), INT32_MAX));
	if (out && ping)
		out->connection_keepalive = PB_NEW(
			d->a, Core__KeepaliveSettings,
			.interval = k->interval.set ? pb_duration(d->a, k->interval.v) : NULL,
			.timeout = pb_duration(d->a, k->timeout.v));
}

void draft_apply_upgrade(struct draft *d, enum protocol port,
			 const struct connection_pool_settings *p)
{
	const struct http_settings *s = p ? p->http : NULL;

	if (s && s->use_client_protocol.set && s->use_client_protocol.v)
		return;
	if (s && s->h2_upgrade_policy == HTTP_SETTINGS_H2_UPGRADE_POLICY_DO_NOT_UPGRADE)
		return;
	if (s && s->h2_upgrade_policy == HTTP_SETTINGS_H2_UPGRADE_POLICY_UPGRADE)
		draft_upgrade(d);
	else if (protocol_is_http(port) &&
		 mesh_get(d->r, h2_upgrade_policy) == MESH_CONFIG_H2_UPGRADE_POLICY_UPGRADE)
		draft_upgrade(d);
}

void draft_apply_pool(struct draft *d, const struct connection_pool_settings *p,
		      const struct retry_budget *b)
{
	add_breakers(d, p, b);
	add_keepalive(d, mesh_get(d->r, tcp_keepalive));
	if (p && p->tcp)
		add_keepalive(d, p->tcp->tcp_keepalive);
	if (p && p->tcp && p->tcp->connect_timeout.set) {
		if (p->tcp->connect_timeout.v > 0)
			d->c->connect_timeout = pb_duration(d->a, p->tcp->connect_timeout.v);
		else
			policy_warn(d->r, d->rule,
				    "spec.trafficPolicy.connectionPool.tcp.connectTimeout",
				    "is not above 0; the mesh's is taken");
	}
	if (!p)
		return;
	add_times(d, p);
	if (!p->http)
		return;
	add_http2(d, p->http);
	if (p->http->use_client_protocol.set && p->http->use_client_protocol.v)
		draft_use_downstream(d);
}
