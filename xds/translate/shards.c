/* Written as a query because only queries read the world, and so that this page and the assignments sent have one source. */
#include "translate/shards.h"
#include "base/buf.h"
#include "doc/write.h"
#include "model/endpoint.h"
#include "model/options.h"
#include <stdlib.h>
#include <string.h>

static void put_labels(struct json *j, const struct str_map *m)
{
	json_key(j, "Labels");
	json_map(j);
	for (uint32_t i = 0; m && i < m->n; i++)
		json_kv_str(j, m->v[i].key, m->v[i].value);
	json_map_end(j);
}

static const char *cluster_of(const struct endpoint_model *e)
{
	return str_empty(e->cluster) ? model_options()->cluster_id : e->cluster;
}

static void put_endpoint(struct json *j, const struct endpoint_model *e)
{
	json_map(j);
	put_labels(j, e->labels);
	json_key(j, "Addresses");
	json_seq(j);
	json_str(j, e->address);
	for (uint32_t i = 0; i < e->n_more_addresses; i++)
		json_str(j, e->more_addresses[i]);
	json_seq_end(j);
	json_kv_str(j, "ServicePortName", str_or(e->port_name, ""));
	json_kv_str(j, "ServiceAccount", str_or(e->service_account, ""));
	json_kv_str(j, "Network", str_or(e->network, ""));
	json_key(j, "Locality");
	json_map(j);
	json_kv_str(j, "Label", str_or(e->locality, ""));
	json_kv_str(j, "ClusterID", cluster_of(e));
	json_map_end(j);
	json_kv_int(j, "EndpointPort", e->port);
	json_kv_int(j, "LbWeight", e->weight);
	json_kv_str(j, "TLSMode", str_or(e->tls_mode, ""));
	json_kv_str(j, "Namespace", str_or(e->ns, ""));
	json_kv_str(j, "WorkloadName", str_or(e->workload_name, ""));
	json_kv_str(j, "HostName", str_or(e->host_name, ""));
	json_kv_str(j, "SubDomain", str_or(e->sub_domain, ""));
	json_kv_int(j, "HealthStatus", e->health);
	json_kv_str(j, "NodeName", str_or(e->node_name, ""));
	json_map_end(j);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The ids of the clusters that the endpoints are in, sorted, each once. */
static const char **clusters_of(struct arena *a, const struct endpoint_model *v, uint32_t n,
				uint32_t *ret_n)
{
	const char **ids = arena_array(a, const char *, n);
	uint32_t k = 0;

	for (uint32_t i = 0; i < n; i++)
		ids[i] = cluster_of(&v[i]);
	qsort(ids, n, sizeof *ids, by_text);
	for (uint32_t i = 0; i < n; i++)
		if (!k || !str_eq(ids[k - 1], ids[i]))
			ids[k++] = ids[i];
	*ret_n = k;
	return ids;
}

static void put_host(struct run *r, const struct service *s, struct json *j)
{
	uint32_t n, n_clusters, n_accounts;
	const struct endpoint_model *v = endpoints_read(r, s, NULL, &n);
	const char **clusters;
	const char *const *accounts;

	if (!n)
		return;
	clusters = clusters_of(run_arena(r), v, n, &n_clusters);
	accounts = service_accounts(r, s, &n_accounts);
	json_map(j);
	json_key(j, "Shards");
	json_map(j);
	for (uint32_t i = 0; i < n_clusters; i++) {
		json_key(j,
			 arena_printf(run_arena(r), "%s/%s",
				      s->is_kubernetes ? "Kubernetes" : "External", clusters[i]));
		json_seq(j);
		for (uint32_t k = 0; k < n; k++)
			if (str_eq(cluster_of(&v[k]), clusters[i]))
				put_endpoint(j, &v[k]);
		json_seq_end(j);
	}
	json_map_end(j);
	json_key(j, "ServiceAccounts");
	json_map(j);
	for (uint32_t i = 0; i < n_accounts; i++) {
		json_key(j, accounts[i]);
		json_map(j);
		json_map_end(j);
	}
	json_map_end(j);
	json_map_end(j);
}

static int by_host(const void *a, const void *b, void *ctx)
{
	const struct service_head *x = *(const struct service_head *const *)a,
				  *y = *(const struct service_head *const *)b;

	return key_compare(run_keys(ctx), x->host, y->host);
}

void shards_run(struct run *r, uint32_t ns)
{
	struct heads heads = heads_of_ns(r, ns);
	const struct service_head **v =
		arena_array(run_arena(r), const struct service_head *, heads.n);

	for (uint32_t i = 0; i < heads.n; i++)
		v[i] = &heads.v[i];
	if (heads.n)
		qsort_r(v, heads.n, sizeof *v, by_host, r);
	for (uint32_t i = 0; i < heads.n; i++) {
		const struct service *s = service_read(r, ns, v[i]->host);
		const char *host = run_text(r, v[i]->host);
		struct buf json = BUF_INIT;
		struct json j;

		json_init(&j, &json, false);
		if (s)
			put_host(r, s, &j);
		if (json.len) {
			run_emit(r, host, strlen(host) + 1);
			run_emit(r, json.p, json.len + 1);
		}
		buf_fini(&json);
	}
}
