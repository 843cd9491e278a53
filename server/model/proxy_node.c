/* From the node message to the value of a proxy's cell. Parsing is a walk over one table: which metadata key has which
 * JSON type and where it goes. A key that the table does not know is let pass, whatever it holds; one of the wrong type
 * fails the stream, as istiod does. Everything is capped, for a node is what a client says.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/ip.h"
#include "doc/read.h"
#include "model/cells.h"
#include "model/options.h"
#include "model/proxy_cell.h"
#include "model/workload.h"
#include "schema/object.h"
#include "types.h"
#include "world/world.h"

#include <stdlib.h>
#include <string.h>

enum {
	MAX_ID = 1024,
	MAX_TEXT = 4096,
	MAX_LABELS = 512,
	MAX_LABELS_TEXT = 64 << 10,
	MAX_IPS = 64,
	MAX_PORTS = 512,
	MAX_CONFIG_TEXT = 64 << 10,
};

enum meta_type {
	TYPE_TEXT, /* string, to a const char * of proxy_node_text */
	TYPE_META, /* string, to meta[arg] */
	TYPE_META_INT /* number, to meta[arg] as decimal text */,
	TYPE_BOOL,   /* string that reads as a boolean, to flag arg */
	TYPE_EQUALS, /* string, flag arg when it equals `value` */
	TYPE_LABELS, /* map of strings, to a struct str_map; its entry `value`, if one is named, to meta[arg] */
	TYPE_PORTS,  /* string that holds a JSON list */
	TYPE_CONFIG, /* map */
};
struct meta_row {
	const char *key;
	enum meta_type type;
	int arg;
	size_t offset;
	const char *value;
};
#define TEXT(key, field) \
	{ \
		key, TYPE_TEXT, 0, offsetof(struct proxy_node_text, field), NULL \
	}
#define CHECKED(key) \
	{ \
		key, TYPE_TEXT, 0, 0, NULL \
	}

static const struct meta_row meta_rows[] = {
	TEXT("CLUSTER_ID", cluster_id),
	TEXT("NETWORK", network),
	TEXT("REQUESTED_NETWORK_VIEW", network_view),
	TEXT("NODE_NAME", node_name),
	TEXT("MESH_ID", mesh_id),
	TEXT("SERVICE_ACCOUNT", service_account),
	TEXT("WORKLOAD_NAME", workload_name),
	TEXT("GENERATOR", generator),
	TEXT("ISTIO_VERSION", version_text),
	{ "LABELS", TYPE_LABELS, 0, offsetof(struct proxy_node_text, labels), NULL },
	{ "STATIC_LABELS", TYPE_LABELS, 0, offsetof(struct proxy_node_text, static_labels), NULL },
	{ "ANNOTATIONS", TYPE_LABELS, META_OTEL_SERVICE_NAME, 0,
	  "resource.opentelemetry.io/service.name" },
	{ "PLATFORM_METADATA", TYPE_LABELS, 0, 0, NULL },
	{ "POD_PORTS", TYPE_PORTS, 0, 0, NULL },
	{ "PROXY_CONFIG", TYPE_CONFIG, 0, 0, NULL },
	{ "DNS_CAPTURE", TYPE_BOOL, FLAG_DNS_CAPTURE, 0, NULL },
	{ "DNS_AUTO_ALLOCATE", TYPE_BOOL, FLAG_DNS_AUTO_ALLOCATE, 0, NULL },
	{ "INBOUND_LISTENER_EXACT_BALANCE", TYPE_BOOL, FLAG_INBOUND_EXACT_BALANCE, 0, NULL },
	{ "OUTBOUND_LISTENER_EXACT_BALANCE", TYPE_BOOL, FLAG_OUTBOUND_EXACT_BALANCE, 0, NULL },
	{ "ENABLE_SELF_DISCOVERY", TYPE_BOOL, FLAG_SELF_DISCOVERY, 0, NULL },
	{ "ENABLE_HBONE", TYPE_BOOL, FLAG_ENABLE_HBONE, 0, NULL },
	{ "DISABLE_HBONE_SEND", TYPE_BOOL, FLAG_DISABLE_HBONE_SEND, 0, NULL },
	{ "METADATA_DISCOVERY", TYPE_BOOL, -1, 0, NULL },
	{ "EXIT_ON_ZERO_ACTIVE_CONNECTIONS", TYPE_BOOL, -1, 0, NULL },
	{ "ENVOY_SKIP_DEPRECATED_LOGS", TYPE_BOOL, -1, 0, NULL },
	{ "HTTP10", TYPE_EQUALS, FLAG_HTTP10, 0, "1" },
	{ "UNPRIVILEGED_POD", TYPE_EQUALS, FLAG_UNPRIVILEGED, 0, "true" },
	{ "credential", TYPE_EQUALS, FLAG_CREDENTIAL_SOCKET, 0, "true" },
	{ "file-credential", TYPE_EQUALS, FLAG_FILE_CREDENTIAL, 0, "true" },
	{ "IDLE_TIMEOUT", TYPE_META, META_IDLE_TIMEOUT, 0, NULL },
	{ "HTTP_PROXY_PORT", TYPE_META, META_HTTP_PROXY_PORT, 0, NULL },
	{ "TLS_SERVER_CERT_CHAIN", TYPE_META, META_TLS_SERVER_CERT_CHAIN, 0, NULL },
	{ "TLS_SERVER_KEY", TYPE_META, META_TLS_SERVER_KEY, 0, NULL },
	{ "TLS_SERVER_ROOT_CERT", TYPE_META, META_TLS_SERVER_ROOT_CERT, 0, NULL },
	{ "TLS_CLIENT_CERT_CHAIN", TYPE_META, META_TLS_CLIENT_CERT_CHAIN, 0, NULL },
	{ "TLS_CLIENT_KEY", TYPE_META, META_TLS_CLIENT_KEY, 0, NULL },
	{ "TLS_CLIENT_ROOT_CERT", TYPE_META, META_TLS_CLIENT_ROOT_CERT, 0, NULL },
	{ "ENVOY_STATUS_PORT", TYPE_META_INT, META_ENVOY_STATUS_PORT, 0, NULL },
	{ "ENVOY_PROMETHEUS_PORT", TYPE_META_INT, META_ENVOY_PROMETHEUS_PORT, 0, NULL },
	{ "ENVOY_SECURE_METRICS_PORT", TYPE_META_INT, META_ENVOY_SECURE_METRICS_PORT, 0, NULL },
	{ "ENVOY_SECURE_MERGED_METRICS_PORT", TYPE_META_INT, META_ENVOY_SECURE_MERGED_METRICS_PORT,
	  0, NULL },
	{ "DNS_PROXY_ADDR", TYPE_META, META_DNS_PROXY_ADDR, 0, NULL },
	/* Read elsewhere, or not at all; their type counts all the same. */
	CHECKED("NAMESPACE"),
	CHECKED("INSTANCE_IPS"),
	CHECKED("INTERCEPTION_MODE"),
	CHECKED("NAME"),
	CHECKED("OWNER"),
	CHECKED("ISTIO_REVISION"),
	CHECKED("ISTIO_PROXY_SHA"),
	CHECKED("APP_CONTAINERS"),
	CHECKED("AUTO_REGISTER_GROUP"),
	CHECKED("WORKLOAD_ENTRY"),
	CHECKED("BASE"),
	CHECKED("CLOUDRUN_ADDR"),
	CHECKED("STS_PORT"),
};

static const struct {
	const char *name;
	enum proxy_type type;
} types[] = {
	{ "sidecar", PROXY_SIDECAR },           { "router", PROXY_ROUTER },
	{ "waypoint", PROXY_WAYPOINT },         { "ztunnel", PROXY_ZTUNNEL },
	{ "agentgateway", PROXY_AGENTGATEWAY },
};

/* Factory names by which proxies list what they have compiled in. */
static const struct {
	const char *name;
	enum proxy_extension extension;
} extension_names[] = {
	{ "envoy.filters.network.metadata_exchange", EXT_METADATA_EXCHANGE_TCP },
	{ "istio.metadata_exchange", EXT_METADATA_EXCHANGE_TCP },
	{ "envoy.filters.http.peer_metadata", EXT_PEER_METADATA_HTTP },
	{ "istio.peer_metadata", EXT_PEER_METADATA_HTTP },
	{ "istio.alpn", EXT_ALPN },
	{ "envoy.filters.http.alpn", EXT_ALPN },
	{ "envoy.filters.http.istio_stats", EXT_STATS },
	{ "istio.stats", EXT_STATS },
};

/* ---- values of metadata ---- */

static bool wrong_type(struct err *e, const char *key, const char *want, const struct node *n)
{
	return err(e, "node metadata %s: must be %s, not %s", key, want, node_type_name(n->type));
}

static bool read_text(const char *key, const struct node *n, const char **ret, struct err *e)
{
	if (n->type != NODE_STRING)
		return wrong_type(e, key, "a string", n);
	if (n->n > MAX_TEXT)
		return err(e, "node metadata %s: longer than %d bytes", key, MAX_TEXT);
	*ret = n->s;
	return true;
}

static int pair_compare(const void *a, const void *b)
{
	return strcmp(((const struct str_pair *)a)->key, ((const struct str_pair *)b)->key);
}

static bool read_labels(struct arena *a, const char *key, const struct node *n, struct str_map *ret,
			struct err *e)
{
	struct str_pair *v;
	size_t len = 0;

	if (n->type != NODE_MAP)
		return wrong_type(e, key, "an object", n);
	if (n->n > MAX_LABELS)
		return err(e, "node metadata %s: more than %d entries", key, MAX_LABELS);
	v = arena_array(a, struct str_pair, n->n);
	for (uint32_t i = 0; i < n->n; i++) {
		const struct node *value = n->map[i].value;

		if (value->type != NODE_STRING)
			return wrong_type(e, key, "an object of strings", value);
		v[i] = (struct str_pair){ n->map[i].key, value->s };
		len += strlen(v[i].key) + value->n;
	}
	if (len > MAX_LABELS_TEXT)
		return err(e, "node metadata %s: longer than %d bytes", key, MAX_LABELS_TEXT);
	qsort(v, n->n, sizeof *v, pair_compare);
	*ret = (struct str_map){ v, n->n, true };
	return true;
}

static bool read_int_text(struct arena *a, const char *key, const struct node *n, const char **ret,
			  struct err *e)
{
	if (n->type == NODE_INT)
		*ret = arena_printf(a, "%lld", (long long)n->i);
	else if (n->type == NODE_FLOAT && n->f > -1e9 && n->f < 1e9 && n->f == (double)(int)n->f)
		*ret = arena_printf(a, "%d", (int)n->f);
	else
		return wrong_type(e, key, "an integer", n);
	return true;
}

/* A port is { name, containerPort, protocol }, all of them optional. */
static bool read_port(const struct node *port, struct buf *out, struct err *e)
{
	const struct node *number = node_get(port, "containerPort");
	const char *name = str_or(node_str(port, "name"), "");
	const char *protocol = str_or(node_str(port, "protocol"), "TCP");
	int64_t v = !number                    ? 0
		    : number->type == NODE_INT ? number->i
		    : number->type == NODE_FLOAT && number->f >= 0 && number->f <= 65535
			    ? (int64_t)number->f
			    : -1;

	if (port->type != NODE_MAP || v < 0 || v > 65535 || strpbrk(name, "\t\n") ||
	    strpbrk(protocol, "\t\n") || strlen(name) > 256 || strlen(protocol) > 16)
		return err(e, "node metadata POD_PORTS: not a list of ports");
	buf_printf(out, "%s\t%d\t%s\n", name, (int)v, protocol);
	return true;
}

static bool read_ports(struct arena *a, const struct node *n, const char **ret, struct err *e)
{
	cleanup(diag_fini) struct diag diag = DIAG_INIT;
	cleanup(buf_fini) struct buf out = BUF_INIT_MAX(MAX_LABELS_TEXT);
	const struct node *list;

	if (n->type != NODE_STRING)
		return wrong_type(e, "POD_PORTS", "a string", n);
	if (!n->n)
		return true;
	list = n->n <= MAX_LABELS_TEXT ? json_read(n->s, n->n, NULL, a, &diag) : NULL;
	if (list && list->type == NODE_NULL)
		return true;
	if (!list || list->type != NODE_SEQ || list->n > MAX_PORTS)
		return err(e, "node metadata POD_PORTS: no JSON list of at most %d ports",
			   MAX_PORTS);
	for (uint32_t i = 0; i < list->n; i++)
		if (!read_port(list->seq[i], &out, e))
			return false;
	*ret = arena_strdup(a, buf_str(&out));
	return true;
}

static bool read_config(struct arena *a, const struct node *n, const char **ret, struct err *e)
{
	cleanup(diag_fini) struct diag diag = DIAG_INIT;
	cleanup(buf_fini) struct buf out = BUF_INIT_MAX(MAX_CONFIG_TEXT);
	const struct mesh_proxy_config *all;
	struct mesh_proxy_config kept = { 0 };

	if (n->type != NODE_MAP)
		return wrong_type(e, "PROXY_CONFIG", "an object", n);
	all = struct_decode(&mesh_proxy_config_type, n, a, "", true, &diag);
	if (!all)
		return err(e, "node metadata PROXY_CONFIG %s: %s", diag.n ? diag.v[0].path : "",
			   diag.n ? diag.v[0].reason : "cannot be read");
	kept.tracing = all->tracing;
	kept.proxy_headers = all->proxy_headers;
	kept.gateway_topology = all->gateway_topology;
	kept.private_key_provider = all->private_key_provider;
	kept.connection_settings = all->connection_settings;
	kept.status_port = all->status_port;
	kept.drain_duration = all->drain_duration;
	kept.termination_drain_duration = all->termination_drain_duration;
	kept.ca_certificates_pem = all->ca_certificates_pem;
	struct_print(&mesh_proxy_config_type, &kept, &out, false);
	if (out.overflow)
		return err(e, "node metadata PROXY_CONFIG: longer than %d bytes", MAX_CONFIG_TEXT);
	*ret = arena_strdup(a, buf_str(&out));
	return true;
}

static bool read_meta(struct arena *a, const struct meta_row *row, const struct node *n,
		      struct proxy_node_text *t, struct err *e)
{
	void *at = row->offset ? (char *)t + row->offset : NULL;
	struct str_map map;
	const char *text;
	bool yes = false;

	switch (row->type) {
	case TYPE_LABELS:
		if (!read_labels(a, row->key, n, at ? at : &map, e))
			return false;
		if (row->arg)
			t->meta[row->arg] = str_map_get(&map, row->value);
		return true;
	case TYPE_PORTS: return read_ports(a, n, &t->pod_ports, e);
	case TYPE_CONFIG: return read_config(a, n, &t->proxy_config, e);
	case TYPE_META_INT: return read_int_text(a, row->key, n, &t->meta[row->arg], e);
	case TYPE_TEXT: return read_text(row->key, n, at ? at : &text, e);
	case TYPE_META: return read_text(row->key, n, &t->meta[row->arg], e);
	case TYPE_EQUALS:
	case TYPE_BOOL: break;
	}
	if (!read_text(row->key, n, &text, e))
		return false;
	if (row->type == TYPE_EQUALS)
		yes = str_eq(text, row->value);
	else if (!option_parse_bool(text, &yes))
		return err(e, "node metadata %s: \"%.20s\" is no boolean", row->key, text);
	if (yes && row->arg >= 0)
		t->flags |= 1u << row->arg;
	return true;
}

/* ---- the rest of the node ---- */

static bool split_id(struct arena *a, const char *id, const char *part[4])
{
	size_t n = 0;

	for (const char *s = id; s; n++) {
		const char *end = strchr(s, '~');

		if (n == 4)
			return false;
		part[n] = arena_strndup(a, s, end ? (size_t)(end - s) : strlen(s));
		s = end ? end + 1 : NULL;
	}
	return n == 4;
}

/* "1.20.3", "release-1.20", ...; what does not read as one is newer than all. */
static void read_version(struct proxy_node_text *t)
{
	const char *s = str_or(t->version_text, "");
	unsigned long major, minor, patch = 65535;
	size_t digits;

	t->version = 0xffffffff;
	t->patch = 65535;
	if (str_starts(s, "release-"))
		s += strlen("release-");
	digits = strspn(s, "123456789");
	if (!digits || s[digits] != '.')
		return;
	major = strtoul(s, NULL, 10);
	s += digits + 1;
	digits = strspn(s, "0123456789");
	if (!digits)
		return;
	minor = strtoul(s, NULL, 10);
	s += digits;
	if (*s == '.' && strspn(s + 1, "0123456789"))
		patch = strtoul(s + 1, NULL, 10);
	t->version = (uint32_t)MIN(major, 65535ul) << 16 | (uint32_t)MIN(minor, 65535ul);
	t->patch = (uint32_t)MIN(patch, 65535ul);
}

const char *const *list_split(struct arena *a, const char *text, uint32_t *ret_n)
{
	const char **v = NULL;
	uint32_t n = 0, cap = 0;

	while (!str_empty(text)) {
		size_t len = strcspn(text, ",");

		*ARENA_PUSH(a, v, n, cap) = arena_strndup(a, text, len);
		text += len + (text[len] == ',');
	}
	*ret_n = n;
	return v;
}

static bool read_ips(struct arena *a, const char *list, const char *own, struct proxy_node_text *t,
		     struct err *e)
{
	bool valid = !str_empty(list);

	if (valid) {
		t->ips = list_split(a, list, &t->n_ips);
		for (uint32_t i = 0; i < t->n_ips; i++)
			valid = valid && ip_is_valid(t->ips[i]);
	}
	if (!valid) {
		const char **v = arena_new(a, const char *);

		if (!ip_is_valid(own))
			return err(e, "node id: \"%.60s\" is no IP address", own);
		v[0] = own;
		t->ips = v;
		t->n_ips = 1;
	}
	if (t->n_ips > MAX_IPS)
		return err(e, "node metadata INSTANCE_IPS: more than %d addresses", MAX_IPS);
	for (uint32_t i = 0; i < t->n_ips; i++)
		t->ip_family |= ip_is_v4(t->ips[i]) ? 1 : 2;
	if (ip_is_v6(t->ips[0]))
		t->ip_family |= 4;
	return true;
}

/* NAMESPACE, else the first label of a DNS domain with two or more. */
static const char *read_namespace(struct arena *a, const char *given, const char *domain)
{
	const char *dot = strchr(domain, '.');

	if (!str_empty(given))
		return given;
	return dot ? arena_strndup(a, domain, (size_t)(dot - domain)) : "";
}

static void read_pod(struct arena *a, const char *id, struct proxy_node_text *t)
{
	const char *dot = strchr(id, '.');

	t->pod = t->pod_ns = "";
	if (!dot || strchr(dot + 1, '.') || strcmp(dot + 1, t->ns))
		return;
	t->pod = arena_strndup(a, id, (size_t)(dot - id));
	t->pod_ns = t->ns;
}

static void read_extensions(const struct proxy_node_input *in, struct proxy_node_text *t)
{
	t->extensions = in->extensions ? 0 : (1u << EXT_COUNT) - 1;
	for (uint32_t i = 0; in->extensions && i < in->n_extensions; i++)
		for (size_t j = 0; j < ARRAY_LEN(extension_names); j++)
			if (str_eq(in->extensions[i], extension_names[j].name))
				t->extensions |= 1u << extension_names[j].extension;
}

static void read_mode(const char *mode, struct proxy_node_text *t)
{
	t->mode = str_eq(mode, "TPROXY") ? MODE_TPROXY
		  : str_eq(mode, "NONE") ? MODE_NONE
					 : MODE_REDIRECT;
}

static void fill_gaps(const struct proxy_node_input *in, struct proxy_node_text *t)
{
	const char **const texts[] = { &t->cluster_id,    &t->network,   &t->network_view,
				       &t->node_name,     &t->mesh_id,   &t->service_account,
				       &t->workload_name, &t->generator, &t->version_text,
				       &t->pod_ports };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*texts[i] = str_or(*texts[i], "");
	t->cluster = str_or(in->cluster, "");
	t->region = str_or(in->region, "");
	t->zone = str_or(in->zone, "");
	t->sub_zone = str_or(in->sub_zone, "");
	for (size_t i = 0; i < META_COUNT; i++)
		if (str_empty(t->meta[i]))
			t->meta[i] = NULL;
	if (*t->cluster)
		t->meta[META_NODE_CLUSTER] = t->cluster;
	if (t->meta[META_TLS_CLIENT_CERT_CHAIN])
		t->flags |= 1u << FLAG_TLS_CLIENT_CERT;
	if (t->meta[META_TLS_SERVER_CERT_CHAIN])
		t->flags |= 1u << FLAG_TLS_SERVER_CERT;
}

/* Filters that configuration cannot do without: what they would have done must not be left out in silence. */
static const char *const mandatory[] = {
	"envoy.filters.network.http_connection_manager",
	"envoy.filters.network.tcp_proxy",
	"envoy.filters.http.router",
	"envoy.filters.http.rbac",
	"envoy.filters.http.jwt_authn",
	"envoy.filters.listener.original_dst",
	"envoy.filters.listener.tls_inspector",
	"envoy.filters.listener.http_inspector",
	"envoy.transport_sockets.tls",
	"envoy.transport_sockets.raw_buffer",
	"envoy.upstreams.http.http_protocol_options",
};

const char *proxy_missing_extension(const struct proxy_node_input *in)
{
	for (size_t i = 0; in->extensions && i < ARRAY_LEN(mandatory); i++) {
		bool has = false;

		for (uint32_t j = 0; j < in->n_extensions && !has; j++)
			has = str_eq(in->extensions[j], mandatory[i]);
		if (!has)
			return mandatory[i];
	}
	return NULL;
}

bool proxy_node_parse(const struct proxy_node_input *in, struct arena *a,
		      struct proxy_node_text *ret, struct err *e)
{
	struct proxy_node_text t = { .id = str_or(in->id, ""), .metadata = in->metadata };
	const char *part[4] = { 0 };

	if (strlen(t.id) > MAX_ID || strlen(str_or(in->cluster, "")) > MAX_ID ||
	    strlen(str_or(in->region, "")) > MAX_ID || strlen(str_or(in->zone, "")) > MAX_ID ||
	    strlen(str_or(in->sub_zone, "")) > MAX_ID)
		return err(e, "node id, cluster or locality: longer than %d bytes", MAX_ID);
	if (!split_id(a, t.id, part))
		return err(e, "node id: \"%.200s\" is not of the form type~ip~id~domain", t.id);
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq(part[0], types[i].name))
			t.type = types[i].type;
	if (!t.type)
		return err(e, "node id: \"%.60s\" is no type of proxy", part[0]);
	if (in->metadata && in->metadata->type != NODE_MAP && in->metadata->type != NODE_NULL)
		return err(e, "node metadata: must be an object");
	for (size_t i = 0; i < ARRAY_LEN(meta_rows); i++) {
		const struct node *n = node_get(in->metadata, meta_rows[i].key);

		if (n && n->type != NODE_NULL && !read_meta(a, &meta_rows[i], n, &t, e))
			return false;
	}
	t.dns_domain = part[3];
	t.ns = read_namespace(a, node_str(in->metadata, "NAMESPACE"), part[3]);
	if (!read_ips(a, node_str(in->metadata, "INSTANCE_IPS"), part[1], &t, e))
		return false;
	read_pod(a, part[2], &t);
	read_version(&t);
	read_extensions(in, &t);
	read_mode(node_str(in->metadata, "INTERCEPTION_MODE"), &t);
	fill_gaps(in, &t);
	*ret = t;
	return true;
}

/* ---- the cell ---- */

/* How many different PROXY_CONFIGs were interned; kept under a key that no proxy has. */
static bool may_add_config(struct world *w, const char *text)
{
	const uint32_t *seen = world_value(w, CELL_PROXY, KEY_EMPTY, NULL);
	uint32_t n = seen ? *seen : 0;

	if (key_find(world_keys(w), text))
		return true;
	if (n == PROXY_CONFIGS_MAX)
		return false;
	n++;
	world_set_value(w, CELL_PROXY, KEY_EMPTY, &n, sizeof n);
	return true;
}

static uint32_t list_key(struct keys *k, const char *const *v, uint32_t n)
{
	cleanup(buf_fini) struct buf b = BUF_INIT;

	for (uint32_t i = 0; i < n; i++)
		buf_printf(&b, "%s%s", i ? "," : "", v[i]);
	return key_str(k, buf_str(&b));
}

uint32_t proxy_put(struct world *w, const struct proxy_node_text *t)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	struct locality locality = { t->region, t->zone, t->sub_zone };
	struct keys *k = world_keys(w);
	struct proxy_node node = {
		.type = t->type,
		.mode = t->mode,
		.flags = t->flags,
		.extensions = t->extensions,
		.version = t->version,
		.patch = t->patch,
		.ip_family = t->ip_family,
		.pod = key_str(k, t->pod),
		.pod_ns = key_str(k, t->pod_ns),
		.ns = key_str(k, t->ns),
		.dns_domain = key_str(k, t->dns_domain),
		.locality = key_str(k, locality_join(&a, &locality)),
		.ips = list_key(k, t->ips, t->n_ips),
		.cluster_id = key_str(k, t->cluster_id),
		.network = key_str(k, t->network),
		.network_view = key_str(k, t->network_view),
		.node_name = key_str(k, t->node_name),
		.mesh_id = key_str(k, t->mesh_id),
		.service_account = key_str(k, t->service_account),
		.workload_name = key_str(k, t->workload_name),
		.labels = key_str(k, labels_text(&a, &t->labels)),
		.static_labels = key_str(k, labels_text(&a, &t->static_labels)),
		.pod_ports = key_str(k, t->pod_ports),
	};
	uint32_t key = key_str(k, t->id);

	if (t->proxy_config) {
		if (!may_add_config(w, t->proxy_config))
			return 0;
		node.proxy_config = key_str(k, t->proxy_config);
	}
	for (size_t i = 0; i < META_COUNT; i++)
		node.meta[i] = t->meta[i] ? key_str(k, t->meta[i]) : 0;
	world_set_value(w, CELL_PROXY, key, &node, sizeof node);
	return key;
}

void proxy_delete(struct world *w, uint32_t key)
{
	world_set_value(w, CELL_PROXY, key, NULL, 0);
}

uint32_t proxy_copy(struct world *to, struct world *from, uint32_t key)
{
	struct keys *into = world_keys(to), *out_of = world_keys(from);
	const struct proxy_node *was = world_value(from, CELL_PROXY, key, NULL);
	struct proxy_node node = *was;

	/* From here on every member is a key, or 0. */
	for (size_t at = offsetof(struct proxy_node, pod); at < sizeof node;
	     at += sizeof(uint32_t)) {
		uint32_t *member = (uint32_t *)(void *)((char *)&node + at);

		*member = *member ? key_str(into, key_text(out_of, *member)) : 0;
	}
	key = key_str(into, key_text(out_of, key));
	if (node.proxy_config && !may_add_config(to, key_text(into, node.proxy_config)))
		return 0;
	world_set_value(to, CELL_PROXY, key, &node, sizeof node);
	return key;
}
