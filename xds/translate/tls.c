/* TLS contexts and secrets. A secret's name says who serves it: the agent next to the proxy (its own identity, files), an
 * external socket, or we over ADS; so callers give names and need not know.
 */
#include "translate/tls.h"
#include "model/mesh.h"
#include "model/options.h"
#include "model/proxy.h"
#include "translate/names.h"
#include "types.h"
#include <string.h>

#define KUBERNETES "kubernetes://"
#define BUILTIN "builtin://"
#define EXTERNAL "sds://"
#define CA_SUFFIX "-cacert"

bool tls_peer_exchange(struct run *r)
{
	return FEATURE(metadata_exchange) && !FEATURE(disable_mx_alpn) &&
	       ask_is(r, ASK_EXTENSION, EXT_METADATA_EXCHANGE_TCP);
}

/* ---- secrets ---- */

const char *tls_file_cert(struct arena *a, const char *cert, const char *key)
{
	return arena_printf(a, "file-cert:%s~%s", cert, key);
}

const char *tls_file_root(struct arena *a, const char *path)
{
	return arena_printf(a, "file-root:%s", path);
}

Tls__SdsSecretConfig *tls_secret_of_cluster(struct arena *a, const char *name, const char *cluster)
{
	Core__GrpcService *grpc = PB_NEW(
		a, Core__GrpcService,
		.target_specifier_case = CORE__GRPC_SERVICE__TARGET_SPECIFIER_ENVOY_GRPC,
		.envoy_grpc = PB_NEW(a, Core__GrpcService__EnvoyGrpc, .cluster_name = cluster));
	Core__ApiConfigSource *api = PB_NEW(a, Core__ApiConfigSource,
					    .api_type = CORE__API_CONFIG_SOURCE__API_TYPE__GRPC,
					    .transport_api_version = CORE__API_VERSION__V3,
					    .set_node_on_first_message_only = true);
	Core__ConfigSource *source =
		PB_NEW(a, Core__ConfigSource,
		       .config_source_specifier_case =
			       CORE__CONFIG_SOURCE__CONFIG_SOURCE_SPECIFIER_API_CONFIG_SOURCE,
		       .api_config_source = api, .resource_api_version = CORE__API_VERSION__V3);

	PB_PUSH(a, api, grpc_services, grpc);
	/* The proxy's own identity comes late or never; what waits for it would not start. */
	if (str_eq(name, SDS_DEFAULT) || str_eq(name, SDS_ROOT))
		source->initial_fetch_timeout = pb_duration(a, 0);
	return PB_NEW(a, Tls__SdsSecretConfig, .name = name, .sds_config = source);
}

static Tls__SdsSecretConfig *secret_over_ads(struct arena *a, const char *name)
{
	return PB_NEW(a, Tls__SdsSecretConfig, .name = name,
		      .sds_config = PB_NEW(a, Core__ConfigSource,
					   .config_source_specifier_case =
						   CORE__CONFIG_SOURCE__CONFIG_SOURCE_SPECIFIER_ADS,
					   .ads = PB_NEW(a, Core__AggregatedConfigSource),
					   .resource_api_version = CORE__API_VERSION__V3));
}

static bool is_served_by_us(const char *name)
{
	static const char *const prefixes[] = { KUBERNETES, "kubernetes-gateway://",
						"configmap://" };

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_starts(name, prefixes[i]))
			return true;
	return false;
}

Tls__SdsSecretConfig *sds_secret(struct run *r, const char *name)
{
	bool file = str_starts(name, "file-cert:") || str_starts(name, "file-root:");

	if (is_served_by_us(name))
		return secret_over_ads(run_arena(r), name);
	return tls_secret_of_cluster(
		run_arena(r), name,
		file && ask_is(r, ASK_FLAG, FLAG_FILE_CREDENTIAL) ? "sds-files-grpc" : "sds-grpc");
}

/* The cluster of the extension provider of that name that serves secrets; NULL: none. */
static const char *provider_cluster(struct run *r, const char *name)
{
	__typeof__(((struct mesh_config *)0)->extension_providers) list =
		mesh_get(r, extension_providers);

	for (uint32_t i = 0; i < list.n; i++) {
		const struct sds_provider *p = list.v[i].sds;
		const char *host;

		if (!p || !str_eq(list.v[i].name, name) || str_empty(p->service))
			continue;
		host = strchr(p->service, '/') ? strchr(p->service, '/') + 1 : p->service;
		return cluster_name(run_arena(r), (uint16_t)p->port.v, NULL, host);
	}
	return NULL;
}

Tls__SdsSecretConfig *tls_credential(struct run *r, const char *name, bool ca)
{
	struct arena *a = run_arena(r);
	const char *full = ca ? arena_printf(a, "%s" CA_SUFFIX, name) : name, *cluster;

	if (str_eq(name, BUILTIN))
		return sds_secret(r, ca ? SDS_ROOT : SDS_DEFAULT);
	if (str_starts(name, EXTERNAL)) {
		if (ask_is(r, ASK_FLAG, FLAG_CREDENTIAL_SOCKET))
			return tls_secret_of_cluster(a, full, SDS_EXTERNAL_CLUSTER);
		cluster = provider_cluster(r, name + strlen(EXTERNAL));
		if (cluster)
			return tls_secret_of_cluster(a, full, cluster);
	}
	return secret_over_ads(a, is_served_by_us(full) ? full
							: arena_printf(a, KUBERNETES "%s", full));
}

/* ---- contexts ---- */

Tls__TlsParameters *tls_params(struct arena *a)
{
	return PB_NEW(a, Tls__TlsParameters,
		      .tls_minimum_protocol_version = TLS__TLS_PARAMETERS__TLS_PROTOCOL__TLSv1_2,
		      .tls_maximum_protocol_version = TLS__TLS_PARAMETERS__TLS_PROTOCOL__TLSv1_3);
}

static const char *const known_ciphers[] = {
	"ECDHE-ECDSA-AES256-GCM-SHA384",
	"ECDHE-RSA-AES256-GCM-SHA384",
	"ECDHE-ECDSA-AES128-GCM-SHA256",
	"ECDHE-RSA-AES128-GCM-SHA256",
	"AES256-GCM-SHA384",
	"AES128-GCM-SHA256",
	"ECDHE-ECDSA-CHACHA20-POLY1305",
	"ECDHE-RSA-CHACHA20-POLY1305",
	"ECDHE-ECDSA-AES128-SHA",
	"ECDHE-RSA-AES128-SHA",
	"ECDHE-ECDSA-AES256-SHA",
	"ECDHE-RSA-AES256-SHA",
	"AES128-SHA",
	"AES256-SHA",
	"DES-CBC3-SHA",
};
/* The first ones, in this order, are those of mutual TLS in the mesh. */
enum { MESH_CIPHERS = 6 };

static const char *const known_curves[] = { "P-256", "P-384", "P-521", "X25519", "X25519MLKEM768" };

/* Known names of the list, each once, appended to *v. */
static void add_known(struct run *r, const struct str_list *list, const char *const *known,
		      size_t n_known, const char *path, const char ***v, size_t *n)
{
	for (uint32_t i = 0; i < list->n; i++) {
		bool ok = false, again = false;

		for (size_t k = 0; k < n_known && !ok; k++)
			ok = str_eq(known[k], list->v[i]);
		for (size_t k = 0; k < *n && !again; k++)
			again = str_eq((*v)[k], list->v[i]);
		if (!ok)
			diag_warn(run_diag(r), (struct place){ 0 }, path,
				  "\"%s\" is not known to Envoy and left out", list->v[i]);
		if (!ok || again)
			continue;
		*v = pb_grow(run_arena(r), *v, *n, sizeof **v);
		(*v)[(*n)++] = list->v[i];
	}
}

void tls_params_add(struct run *r, Tls__TlsParameters *p, const struct tls_config *c,
		    const char *field)
{
	struct arena *a = run_arena(r);

	if (!c)
		return;
	add_known(r, &c->cipher_suites, known_ciphers, ARRAY_LEN(known_ciphers),
		  arena_printf(a, "%s.cipherSuites", field), &p->cipher_suites,
		  &p->n_cipher_suites);
	add_known(r, &c->ecdh_curves, known_curves, ARRAY_LEN(known_curves),
		  arena_printf(a, "%s.ecdhCurves", field), &p->ecdh_curves, &p->n_ecdh_curves);
}

static Matcher__StringMatcher *exact(struct arena *a, const char *s)
{
	return PB_NEW(a, Matcher__StringMatcher,
		      .match_pattern_case = MATCHER__STRING_MATCHER__MATCH_PATTERN_EXACT,
		      .exact = s);
}

Tls__CertificateValidationContext *tls_match_sans(struct arena *a, const char *const *sans,
						  uint32_t n)
{
	Tls__CertificateValidationContext *v = PB_NEW(a, Tls__CertificateValidationContext);

	for (uint32_t i = 0; i < n; i++)
		if (!str_empty(sans[i]))
			PB_PUSH(a, v, match_subject_alt_names, exact(a, sans[i]));
	return v;
}

void tls_validate(struct arena *a, Tls__CommonTlsContext *c, Tls__CertificateValidationContext *v,
		  Tls__SdsSecretConfig *root)
{
	c->validation_context_type_case =
		TLS__COMMON_TLS_CONTEXT__VALIDATION_CONTEXT_TYPE_COMBINED_VALIDATION_CONTEXT;
	c->combined_validation_context = PB_NEW(
		a, Tls__CommonTlsContext__CombinedCertificateValidationContext,
		.default_validation_context = v, .validation_context_sds_secret_config = root);
}

void tls_add_certificate(struct arena *a, Tls__CommonTlsContext *c, Tls__SdsSecretConfig *s)
{
	PB_PUSH(a, c, tls_certificate_sds_secret_configs, s);
}

void tls_add_alpn(struct arena *a, Tls__CommonTlsContext *c, const char *protocol)
{
	PB_PUSH(a, c, alpn_protocols, protocol);
}

/* ---- the mesh's servers ---- */

static void add_prefix(struct arena *a, Tls__CertificateValidationContext *v, const char *domain)
{
	const char *prefix = arena_printf(a, "spiffe://%s/", domain);

	for (size_t i = 0; i < v->n_match_subject_alt_names; i++)
		if (str_eq(v->match_subject_alt_names[i]->prefix, prefix))
			return;
	PB_PUSH(a, v, match_subject_alt_names,
		PB_NEW(a, Matcher__StringMatcher,
		       .match_pattern_case = MATCHER__STRING_MATCHER__MATCH_PATTERN_PREFIX,
		       .prefix = prefix));
}

/* Who may call: everybody of the trust domains that the mesh knows. */
static Tls__CertificateValidationContext *trusted_domains(struct run *r)
{
	struct arena *a = run_arena(r);
	Tls__CertificateValidationContext *v = PB_NEW(a, Tls__CertificateValidationContext);
	__typeof__(((struct mesh_config *)0)->ca_certificates) cas;
	struct str_list aliases;

	if (FEATURE(skip_validate_trust_domain))
		return v;
	add_prefix(a, v, mesh_trust_domain(r));
	aliases = mesh_get(r, trust_domain_aliases);
	for (uint32_t i = 0; i < aliases.n; i++)
		add_prefix(a, v, aliases.v[i]);
	cas = mesh_get(r, ca_certificates);
	for (uint32_t i = 0; i < cas.n; i++)
		for (uint32_t j = 0; j < cas.v[i].trust_domains.n; j++)
			add_prefix(a, v, cas.v[i].trust_domains.v[j]);
	return v;
}

static Tls__TlsParameters *mesh_params(struct run *r)
{
	struct arena *a = run_arena(r);
	const struct tls_config *c = mesh_get(r, mesh_mtls);
	Tls__TlsParameters *p = tls_params(a);

	tls_params_add(r, p, c, "meshMTLS");
	if (c && c->min_protocol_version == TLS_CONFIG_MIN_PROTOCOL_VERSION_TLSV1_3)
		p->tls_minimum_protocol_version = TLS__TLS_PARAMETERS__TLS_PROTOCOL__TLSv1_3;
	for (size_t i = 0, some = p->n_cipher_suites; !some && i < MESH_CIPHERS; i++)
		PB_PUSH(a, p, cipher_suites, known_ciphers[i]);
	return p;
}

static const char *meta(struct run *r, enum proxy_meta which)
{
	uint32_t key = ask(r, ASK_META, which);

	return key ? run_text(r, key) : "";
}

Tls__DownstreamTlsContext *tls_inbound(struct run *r, bool http)
{
	struct arena *a = run_arena(r);
	Tls__CommonTlsContext *c = PB_NEW(a, Tls__CommonTlsContext, .tls_params = mesh_params(r));
	const char *name = SDS_DEFAULT, *root = meta(r, META_TLS_SERVER_ROOT_CERT);

	if (ask_is(r, ASK_FLAG, FLAG_TLS_SERVER_CERT)) {
		const char *cert = meta(r, META_TLS_SERVER_CERT_CHAIN),
			   *key = meta(r, META_TLS_SERVER_KEY);

		if (*cert && *key)
			name = tls_file_cert(a, cert, key);
	}
	tls_add_certificate(a, c, sds_secret(r, name));
	tls_validate(a, c, trusted_domains(r),
		     sds_secret(r, *root ? tls_file_root(a, root) : SDS_ROOT));
	if (!http && tls_peer_exchange(r))
		tls_add_alpn(a, c, "istio-peer-exchange");
	tls_add_alpn(a, c, "h2");
	tls_add_alpn(a, c, "http/1.1");
	return PB_NEW(a, Tls__DownstreamTlsContext, .common_tls_context = c,
		      .require_client_certificate = pb_bool(a, true));
}

/* ---- sockets ---- */

static Core__TransportSocket *socket_of(struct arena *a, const char *name, Google__Any *config)
{
	return PB_NEW(a, Core__TransportSocket, .name = name,
		      .config_type_case = CORE__TRANSPORT_SOCKET__CONFIG_TYPE_TYPED_CONFIG,
		      .typed_config = config);
}

Core__TransportSocket *tls_upstream_socket(struct arena *a, const Tls__UpstreamTlsContext *t)
{
	return socket_of(a, "envoy.transport_sockets.tls", PB_ANY(a, t));
}

Core__TransportSocket *tls_downstream_socket(struct arena *a, const Tls__DownstreamTlsContext *t)
{
	return socket_of(a, "envoy.transport_sockets.tls", PB_ANY(a, t));
}

Core__TransportSocket *raw_buffer_socket(struct arena *a, const char *name)
{
	return socket_of(a, str_or(name, "envoy.transport_sockets.raw_buffer"),
			 PB_ANY(a, PB_NEW(a, RawBuffer__RawBuffer)));
}
