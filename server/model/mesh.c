/* MeshConfig as cells. The user's documents are laid over the compiled defaults field by field; then each group of fields
 * is hashed, and only the cells of groups whose hash changed are set. A group's cell points at the whole configuration
 * in which the group last changed, so a configuration lives as long as some group points at it.
 */
#include "model/mesh.h"
#include "base/ip.h"
#include "doc/read.h"
#include "model/cells.h"
#include "model/mesh_names.h"
#include "schema/object.h"
#include "world/world.h"

#include <assert.h>
#include <string.h>

/* What holds without a word from the user (translation.md 0.3). */
static const char defaults[] =
	"{\"proxyListenPort\": 15001, \"proxyInboundListenPort\": 15006, \"proxyHttpPort\": 0,"
	" \"connectTimeout\": \"10s\", \"protocolDetectionTimeout\": \"0s\","
	" \"dnsRefreshRate\": \"60s\", \"enableTracing\": true, \"accessLogFile\": \"\","
	" \"accessLogFormat\": \"\", \"accessLogEncoding\": \"TEXT\","
	" \"enableEnvoyAccessLogService\": false, \"disableEnvoyListenerLog\": false,"
	" \"ingressService\": \"istio-ingressgateway\", \"ingressClass\": \"istio\","
	" \"ingressControllerMode\": \"STRICT\", \"ingressSelector\": \"\","
	" \"trustDomain\": \"cluster.local\", \"trustDomainAliases\": [],"
	" \"enableAutoMtls\": true, \"enablePrometheusMerge\": true,"
	" \"outboundTrafficPolicy\": {\"mode\": \"ALLOW_ANY\"},"
	" \"inboundTrafficPolicy\": {\"mode\": \"PASSTHROUGH\"},"
	" \"localityLbSetting\": {\"enabled\": true}, \"rootNamespace\": \"istio-system\","
	" \"defaultServiceExportTo\": [\"*\"], \"defaultVirtualServiceExportTo\": [\"*\"],"
	" \"defaultDestinationRuleExportTo\": [\"*\"], \"h2UpgradePolicy\": \"DO_NOT_UPGRADE\","
	" \"inboundClusterStatName\": \"\", \"outboundClusterStatName\": \"\","
	" \"defaultProviders\": {},"
	" \"extensionProviders\": [{\"name\": \"prometheus\", \"prometheus\": {}},"
	"  {\"name\": \"stackdriver\", \"stackdriver\": {}},"
	"  {\"name\": \"envoy\", \"envoyFileAccessLog\": {\"path\": \"/dev/stdout\"}}],"
	" \"defaultConfig\": {\"configPath\": \"./etc/istio/proxy\","
	"  \"binaryPath\": \"/usr/local/bin/envoy\", \"serviceCluster\": \"istio-proxy\","
	"  \"drainDuration\": \"45s\", \"terminationDrainDuration\": \"5s\","
	"  \"proxyAdminPort\": 15000, \"controlPlaneAuthPolicy\": \"MUTUAL_TLS\","
	"  \"discoveryAddress\": \"istiod.istio-system.svc:15012\","
	"  \"statNameLength\": 189, \"statusPort\": 15020, \"interceptionMode\": \"REDIRECT\"}}";

static const char *const group_names[MESH_N_GROUPS] = {
	[MESH_CLUSTERS] = "clusters",   [MESH_LISTENERS] = "listeners",
	[MESH_TELEMETRY] = "telemetry", [MESH_ROUTES] = "routes",
	[MESH_SCOPE] = "scope",         [MESH_IDENTITY] = "identity",
	[MESH_LOCALITY] = "locality",   [MESH_PROXY] = "proxy",
	[MESH_OTHER] = "other",
};

/* The group of each field, plus one, by the field's offset. */
#define IN(group, field) [offsetof(struct mesh_config, field)] = MESH_##group + 1
static const uint8_t group_at[sizeof(struct mesh_config)] = {
	IN(CLUSTERS, connect_timeout),
	IN(CLUSTERS, tcp_keepalive),
	IN(CLUSTERS, default_traffic_policy),
	IN(CLUSTERS, h2_upgrade_policy),
	IN(CLUSTERS, dns_refresh_rate),
	IN(CLUSTERS, inbound_cluster_stat_name),
	IN(CLUSTERS, outbound_cluster_stat_name),
	IN(CLUSTERS, hbone_idle_timeout),
	IN(CLUSTERS, inbound_traffic_policy),
	IN(LISTENERS, proxy_listen_port),
	IN(LISTENERS, proxy_inbound_listen_port),
	IN(LISTENERS, proxy_http_port),
	IN(LISTENERS, protocol_detection_timeout),
	IN(LISTENERS, path_normalization),
	IN(TELEMETRY, access_log_file),
	IN(TELEMETRY, access_log_format),
	IN(TELEMETRY, access_log_encoding),
	IN(TELEMETRY, enable_envoy_access_log_service),
	IN(TELEMETRY, disable_envoy_listener_log),
	IN(TELEMETRY, enable_tracing),
	IN(TELEMETRY, default_providers),
	IN(TELEMETRY, extension_providers),
	IN(ROUTES, default_http_retry_policy),
	IN(ROUTES, default_inbound_http_retry_policy),
	IN(SCOPE, default_service_export_to),
	IN(SCOPE, default_virtual_service_export_to),
	IN(SCOPE, default_destination_rule_export_to),
	IN(SCOPE, root_namespace),
	IN(SCOPE, outbound_traffic_policy),
	IN(SCOPE, service_settings),
	IN(SCOPE, service_entry_visibility),
	IN(SCOPE, service_scope_configs),
	IN(SCOPE, discovery_selectors),
	IN(IDENTITY, trust_domain),
	IN(IDENTITY, trust_domain_aliases),
	IN(IDENTITY, ca_certificates),
	IN(IDENTITY, enable_auto_mtls),
	IN(IDENTITY, mesh_mtls),
	IN(IDENTITY, tls_defaults),
	IN(LOCALITY, locality_lb_setting),
	IN(LOCALITY, zone_aware_lb_setting),
	IN(PROXY, default_config),
	IN(OTHER, ca),
	IN(OTHER, certificates),
	IN(OTHER, config_sources),
	IN(OTHER, enable_prometheus_merge),
	IN(OTHER, ingress_class),
	IN(OTHER, ingress_controller_mode),
	IN(OTHER, ingress_selector),
	IN(OTHER, ingress_service),
	IN(OTHER, verify_certificate_at_client),
};

/* A configuration, kept while groups (or `now`) point at it. */
struct mesh_epoch {
	struct arena arena;
	struct mesh_config config;
	unsigned n_users;
};
struct mesh_state {
	struct mesh_epoch *now;
	struct mesh_epoch *of[MESH_N_GROUPS];
	struct hash128 hash[MESH_N_GROUPS];
	struct arena networks_arena;
	struct hash128 networks_hash;
	uint64_t generation;
};
/* Addresses come again after free; the generation does not. */
struct mesh_cell {
	const struct mesh_config *config;
	uint64_t generation;
};
struct networks_cell {
	const struct mesh_networks *networks;
	uint64_t generation;
};

static struct mesh_state *state_of(const struct world *w)
{
	struct mesh_state *const *s = world_value(w, CELL_MESH, KEY_EMPTY, NULL);

	return s ? *s : NULL;
}

static struct mesh_state *state_make(struct world *w)
{
	struct mesh_state *s = state_of(w);

	if (!s) {
		s = xcalloc(1, sizeof *s);
		world_set_value(w, CELL_MESH, KEY_EMPTY, &s, sizeof s);
	}
	return s;
}

static void epoch_drop(struct mesh_epoch *e)
{
	if (!e || --e->n_users)
		return;
	arena_fini(&e->arena);
	xfree(e);
}

static void epoch_take(struct mesh_epoch **at, struct mesh_epoch *e)
{
	e->n_users++;
	epoch_drop(*at);
	*at = e;
}

/* ---- fields by their table ---- */

static const size_t field_sizes[] = {
	[FIELD_STRING] = sizeof(char *),
	[FIELD_BOOL] = sizeof(struct opt_bool),
	[FIELD_INT] = sizeof(struct opt_int),
	[FIELD_DOUBLE] = sizeof(struct opt_double),
	[FIELD_DURATION] = sizeof(struct opt_duration),
	[FIELD_TIME] = sizeof(struct opt_time),
	[FIELD_BYTES] = sizeof(struct opt_bytes),
	[FIELD_ENUM] = sizeof(int),
	[FIELD_INT_OR_STR] = sizeof(struct int_or_str),
	[FIELD_STRUCT] = sizeof(void *),
	[FIELD_NODE] = sizeof(void *),
	[FIELD_STR_LIST] = sizeof(struct str_list),
	[FIELD_STR_MAP] = sizeof(struct str_map),
	[FIELD_STRUCT_LIST] = sizeof(struct str_list),
	[FIELD_STRUCT_MAP] = sizeof(struct str_map),
	[FIELD_INT_LIST] = sizeof(struct int_list),
	[FIELD_INT_MAP] = sizeof(struct int_map),
	[FIELD_ENUM_LIST] = sizeof(struct enum_list),
	[FIELD_BYTES_MAP] = sizeof(struct bytes_map),
	[FIELD_STR_LIST_MAP] = sizeof(struct str_list_map),
};

static bool field_is_set(const struct field *f, const void *of)
{
	const void *at = (const char *)of + f->offset;

	switch (f->type) {
	case FIELD_STRING:
	case FIELD_STRUCT:
	case FIELD_NODE: return *(const void *const *)at != NULL;
	case FIELD_ENUM: return *(const int *)at != 0;
	case FIELD_BOOL:
	case FIELD_INT:
	case FIELD_DOUBLE:
	case FIELD_DURATION:
	case FIELD_TIME:
	case FIELD_BYTES:
	case FIELD_INT_OR_STR: return *(const bool *)at;    /* `set` comes first in all of them */
	default: return ((const struct str_list *)at)->set; /* one layout for lists and maps */
	}
}

void mesh_field_copy(const struct field *f, void *to, const void *from)
{
	memcpy((char *)to + f->offset, (const char *)from + f->offset, field_sizes[f->type]);
}

/* Fields that are set in `over` replace those of `base`. */
static void overlay(const struct struct_type *t, void *base, const void *over)
{
	for (uint32_t i = 0; i < t->n_fields; i++)
		if (field_is_set(&t->fields[i], over))
			mesh_field_copy(&t->fields[i], base, over);
}

/* ---- layers ---- */

static struct str_map merge_maps(struct arena *a, const struct str_map *base,
				 const struct str_map *over)
{
	struct str_pair *v = arena_array(a, struct str_pair, base->n + over->n);
	uint32_t i = 0, j = 0, n = 0;

	while (i < base->n || j < over->n) {
		int c = i == base->n   ? 1
			: j == over->n ? -1
				       : strcmp(base->v[i].key, over->v[j].key);

		v[n++] = c < 0 ? base->v[i] : over->v[j];
		i += c <= 0;
		j += c >= 0;
	}
	return (struct str_map){ v, n, base->set || over->set };
}

static const struct mesh_proxy_config *merge_proxy_config(struct arena *a,
							  const struct mesh_proxy_config *base,
							  const struct mesh_proxy_config *over)
{
	struct mesh_proxy_config *p;

	if (!base || !over)
		return base ? base : over;
	p = arena_dup(a, base, sizeof *base);
	overlay(&mesh_proxy_config_type, p, over);
	p->proxy_metadata = merge_maps(a, &base->proxy_metadata, &over->proxy_metadata);
	if (base->proxy_headers && over->proxy_headers) {
		struct proxy_headers *h = arena_dup(a, base->proxy_headers, sizeof *h);

		overlay(&proxy_headers_type, h, over->proxy_headers);
		p->proxy_headers = h;
	}
	return p;
}

static const struct default_providers *merge_providers(struct arena *a,
						       const struct default_providers *base,
						       const struct default_providers *over)
{
	struct default_providers *p;

	if (!base || !over)
		return base ? base : over;
	p = arena_dup(a, base, sizeof *base);
	overlay(&default_providers_type, p, over);
	return p;
}

/* Providers are merged by name; a later one replaces the earlier in its place. */
static void merge_extensions(struct arena *a, struct mesh_config *c, const struct mesh_config *base,
			     const struct mesh_config *over)
{
	struct extension_provider *v =
		arena_array(a, struct extension_provider,
			    base->extension_providers.n + over->extension_providers.n);
	uint32_t n = base->extension_providers.n;

	if (n)
		memcpy(v, base->extension_providers.v, n * sizeof *v);
	for (uint32_t i = 0; i < over->extension_providers.n; i++) {
		const struct extension_provider *p = &over->extension_providers.v[i];
		uint32_t at = 0;

		while (at < n && !str_eq(v[at].name, p->name))
			at++;
		v[at] = *p;
		n = MAX(n, at + 1);
	}
	c->extension_providers.v = v;
	c->extension_providers.n = n;
	c->extension_providers.set = true;
}

static struct str_list merge_sorted(struct arena *a, const struct str_list *x,
				    const struct str_list *y)
{
	const char **v = arena_array(a, const char *, x->n + y->n);
	uint32_t n = 0;

	for (uint32_t i = 0; i < x->n + y->n; i++) {
		const char *s = i < x->n ? x->v[i] : y->v[i - x->n];
		uint32_t at = 0;

		while (at < n && strcmp(v[at], s) < 0)
			at++;
		if (at < n && str_eq(v[at], s))
			continue;
		memmove(&v[at + 1], &v[at], (n - at) * sizeof *v);
		v[at] = s;
		n++;
	}
	return (struct str_list){ v, n, true };
}

static void layer(struct arena *a, struct mesh_config *c, const struct mesh_config *over)
{
	struct mesh_config base = *c;

	overlay(&mesh_config_type, c, over);
	c->default_config = merge_proxy_config(a, base.default_config, over->default_config);
	c->default_providers = merge_providers(a, base.default_providers, over->default_providers);
	c->trust_domain_aliases =
		merge_sorted(a, &base.trust_domain_aliases, &over->trust_domain_aliases);
	merge_extensions(a, c, &base, over);
}

/* A message that is given without its mode has the enum's first one. */
static void fill_modes(struct arena *a, struct mesh_config *c)
{
	if (!c->outbound_traffic_policy->mode) {
		struct mesh_outbound_traffic_policy *p =
			arena_dup(a, c->outbound_traffic_policy, sizeof *p);

		p->mode = MESH_OUTBOUND_TRAFFIC_POLICY_MODE_REGISTRY_ONLY;
		c->outbound_traffic_policy = p;
	}
	if (!c->inbound_traffic_policy->mode) {
		struct inbound_traffic_policy *p =
			arena_dup(a, c->inbound_traffic_policy, sizeof *p);

		p->mode = INBOUND_TRAFFIC_POLICY_MODE_PASSTHROUGH;
		c->inbound_traffic_policy = p;
	}
}

/* ---- checks beyond the schema (surface.md 10.1) ---- */

static void check_port(const struct node *doc, const char *field, const struct opt_int *v,
		       int64_t min, struct diag *diag)
{
	const struct node *n = node_get(doc, field);

	if (n && v->set && (v->v < min || v->v > 65535))
		diag_error(diag, n->place, field, "must be a port of 1 to 65535");
}

static bool is_trust_domain(const char *s)
{
	for (size_t len; *s; s += len + (s[len] == '.')) {
		len = strcspn(s, ".");
		if (!len || len > 63 || s[0] == '-' || s[len - 1] == '-' ||
		    strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") <
			    len)
			return false;
	}
	return true;
}

static void check_layer(const struct node *doc, const struct mesh_config *c, struct diag *diag)
{
	const struct node *n;
	int64_t ms = 1000000;

	check_port(doc, "proxyListenPort", &c->proxy_listen_port, 1, diag);
	check_port(doc, "proxyInboundListenPort", &c->proxy_inbound_listen_port, 1, diag);
	check_port(doc, "proxyHttpPort", &c->proxy_http_port, 0, diag);
	n = node_get(doc, "connectTimeout");
	if (n && c->connect_timeout.set &&
	    (c->connect_timeout.v < ms || c->connect_timeout.v > 3600 * 1000 * ms ||
	     c->connect_timeout.v % ms))
		diag_error(diag, n->place, "connectTimeout",
			   "must be 1ms to 1h, in whole milliseconds");
	n = node_get(doc, "trustDomain");
	if (n && c->trust_domain && !is_trust_domain(c->trust_domain))
		diag_error(diag, n->place, "trustDomain", "must be a DNS name");
	n = node_get(doc, "meshMTLS");
	if (n && c->mesh_mtls && c->mesh_mtls->ecdh_curves.n)
		diag_error(diag, n->place, "meshMTLS.ecdhCurves", "is not allowed here");
}

/* ---- setting ---- */

const struct mesh_config *mesh_defaults(struct arena *a)
{
	struct diag diag = DIAG_INIT;
	const struct node *n = json_read(defaults, sizeof defaults - 1, NULL, a, &diag);
	const struct mesh_config *c =
		n ? struct_decode(&mesh_config_type, n, a, "", false, &diag) : NULL;

	assert(c && !diag.n);
	diag_fini(&diag);
	return c;
}

static struct hash128 group_hash(const struct mesh_config *c, unsigned group)
{
	struct mesh_config only = { 0 };

	for (uint32_t i = 0; i < mesh_config_type.n_fields; i++) {
		const struct field *f = &mesh_config_type.fields[i];

		if (group_at[f->offset] == group + 1)
			mesh_field_copy(f, &only, c);
	}
	return struct_hash(&mesh_config_type, &only);
}

static void put_groups(struct world *w, struct mesh_state *s, struct mesh_epoch *e)
{
	bool first = !s->now;

	epoch_take(&s->now, e);
	for (unsigned g = 0; g < MESH_N_GROUPS; g++) {
		struct hash128 h = group_hash(&e->config, g);
		struct mesh_cell cell = { &e->config, ++s->generation };

		if (!first && hash128_eq(h, s->hash[g]))
			continue;
		s->hash[g] = h;
		world_set_value(w, CELL_MESH, key_str(world_keys(w), group_names[g]), &cell,
				sizeof cell);
		epoch_take(&s->of[g], e);
	}
}

bool mesh_config_set_layers(struct world *w, const struct node *const *docs, size_t n,
			    struct diag *diag)
{
	struct mesh_epoch *e = xcalloc(1, sizeof *e);
	uint32_t n_errors = diag->n_errors;

	e->n_users = 1;
	e->config = *mesh_defaults(&e->arena);
	for (size_t i = 0; i < n; i++) {
		const struct mesh_config *over;
		const struct node *doc;

		if (!docs[i] || docs[i]->type == NODE_NULL)
			continue;
		doc = mesh_respell(&e->arena, &mesh_config_type, docs[i]);
		over = struct_decode(&mesh_config_type, doc, &e->arena, "", false, diag);
		if (!over)
			continue;
		check_layer(doc, over, diag);
		layer(&e->arena, &e->config, over);
	}
	fill_modes(&e->arena, &e->config);
	if (diag->n_errors == n_errors) {
		struct mesh_state *s = state_make(w);
		struct hash128 scope = s->hash[MESH_SCOPE];

		mesh_unsupported(&e->config, diag);
		put_groups(w, s, e);
		if (!hash128_eq(scope, s->hash[MESH_SCOPE]))
			world_readmit(w, NULL);
	}
	epoch_drop(e);
	return diag->n_errors == n_errors;
}

static void check_networks(const struct mesh_networks *m, const struct node *doc, struct diag *diag)
{
	for (uint32_t i = 0; i < m->networks.n; i++) {
		const char *name = m->networks.v[i].key;
		const struct network *net = &m->networks.v[i].value;
		const struct node *at = node_get(node_get(doc, "networks"), name);
		struct place place = at ? at->place : doc->place;

		for (uint32_t j = 0; j < net->endpoints.n; j++) {
			const char *cidr = net->endpoints.v[j].from_cidr;
			struct ip ip;

			if (cidr && !cidr_parse(cidr, &ip))
				diag_error(diag, place, "networks", "%s: \"%s\" is no CIDR block",
					   name, cidr);
		}
		for (uint32_t j = 0; j < net->gateways.n; j++) {
			const struct istio_network_gateway *g = &net->gateways.v[j];

			if (str_empty(g->address) && str_empty(g->registry_service_name))
				diag_error(diag, place, "networks",
					   "%s: a gateway has an address or a service", name);
			if (!g->port.set || g->port.v < 1 || g->port.v > 65535)
				diag_error(diag, place, "networks",
					   "%s: the port of a gateway is 1 to 65535", name);
		}
	}
}

bool mesh_networks_set(struct world *w, const struct node *doc, struct diag *diag)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	struct mesh_state *s = state_make(w);
	struct networks_cell cell = { .generation = ++s->generation };
	uint32_t n_errors = diag->n_errors;
	struct hash128 hash = { 0 };

	if (doc && doc->type != NODE_NULL) {
		doc = mesh_respell(&a, &mesh_networks_type, doc);
		cell.networks = struct_decode(&mesh_networks_type, doc, &a, "", false, diag);
		if (!cell.networks)
			return false;
		check_networks(cell.networks, doc, diag);
		hash = struct_hash(&mesh_networks_type, cell.networks);
	}
	if (diag->n_errors != n_errors)
		return false;
	if (hash128_eq(hash, s->networks_hash))
		return true;
	world_set_value(w, CELL_NETWORKS, KEY_EMPTY, cell.networks ? &cell : NULL,
			cell.networks ? sizeof cell : 0);
	arena_fini(&s->networks_arena);
	s->networks_arena = a;
	a = ARENA_INIT;
	s->networks_hash = hash;
	return true;
}

void mesh_free(struct world *w)
{
	struct mesh_state *s = state_of(w);

	if (!s)
		return;
	for (unsigned g = 0; g < MESH_N_GROUPS; g++) {
		world_set_value(w, CELL_MESH, key_str(world_keys(w), group_names[g]), NULL, 0);
		epoch_drop(s->of[g]);
	}
	epoch_drop(s->now);
	world_set_value(w, CELL_NETWORKS, KEY_EMPTY, NULL, 0);
	world_set_value(w, CELL_MESH, KEY_EMPTY, NULL, 0);
	arena_fini(&s->networks_arena);
	xfree(s);
}

/* ---- reading ---- */

const char *mesh_group_of(size_t offset)
{
	return offset < sizeof group_at && group_at[offset] ? group_names[group_at[offset] - 1]
							    : NULL;
}

const void *mesh_field(struct run *run, size_t offset)
{
	const char *group = mesh_group_of(offset);
	const struct mesh_cell *cell;

	assert(group);
	cell = read_value(run, CELL_MESH, run_key(run, group), NULL);
	assert(cell);
	return (const char *)cell->config + offset;
}

const char *mesh_root_namespace(struct run *run)
{
	return mesh_get(run, root_namespace);
}

const char *mesh_trust_domain(struct run *run)
{
	return mesh_get(run, trust_domain);
}

const struct mesh_config *mesh_config_now(const struct world *w)
{
	const struct mesh_state *s = state_of(w);

	return s && s->now ? &s->now->config : NULL;
}

const struct mesh_networks *mesh_networks_read(struct run *run)
{
	const struct networks_cell *cell = read_value(run, CELL_NETWORKS, KEY_EMPTY, NULL);

	return cell ? cell->networks : NULL;
}
