/* How a cluster's connections are protected (translation.md 2.7): first what the service's mesh policy suggests, then what
 * rule and node metadata make of it, then the context, and where it goes: on all connections, or per endpoint by the
 * metadata `tlsMode` of it.
 */
#include "model/endpoint.h"
#include "model/mesh.h"
#include "model/options.h"
#include "model/proxy.h"
#include "model/security.h"
#include "translate/cluster.h"
#include "translate/names.h"
#include "translate/tls.h"
#include "types.h"

struct settings {
	enum { OFF, USER, DETECTED } origin;
	enum client_tls_settings_mode mode;
	const char *sni, *credential, *cert, *key, *ca, *crl;
	struct str_list sans;
	bool skip_verify;
};

/* ---- step 1 and 2: which settings ---- */

/* Without a load balancer each connection goes where the client sent it, so one endpoint without a sidecar is enough to
 * spoil it for all. */
static bool all_endpoints_take_mtls(struct draft *d, const struct tls_input *in)
{
	uint32_t n;
	const struct endpoint_model *e = endpoints_read(d->r, in->service, in->port, &n);

	for (uint32_t i = 0; i < n; i++)
		if (str_eq(e[i].tls_mode, "disabled"))
			return false;
	return n > 0;
}

static bool is_passed_through(const struct tls_input *in)
{
	const struct traffic_policy *p = in->subset ? in->subset->traffic_policy
					 : in->rule ? in->rule->policy
						    : NULL;

	return in->service->resolution == RESOLUTION_PASSTHROUGH ||
	       (p && p->load_balancer &&
		p->load_balancer->simple == LOAD_BALANCER_SETTINGS_SIMPLE_PASSTHROUGH);
}

static bool is_detected(struct draft *d, const struct tls_input *in)
{
	if (!in->service || in->service->mesh_external || !mesh_get(d->r, enable_auto_mtls).v)
		return false;
	if (is_passed_through(in) && !all_endpoints_take_mtls(d, in))
		return false;
	return mtls_of_namespace(d->r, run_key(d->r, in->service->ns)) != MTLS_DISABLE;
}

static struct str_list accounts(struct draft *d, const struct service *s)
{
	struct str_list list = { .set = true };

	if (s)
		list.v = service_accounts(d->r, s, &list.n);
	return list;
}

static const char *meta(struct draft *d, enum proxy_meta which)
{
	uint32_t key = ask(d->r, ASK_META, which);

	return key ? run_text(d->r, key) : NULL;
}

/* A proxy that brings certificates of its own uses these in place of the mesh's. */
static void use_own_certificates(struct draft *d, struct settings *s)
{
	s->mode = CLIENT_TLS_SETTINGS_MODE_MUTUAL;
	s->ca = meta(d, META_TLS_CLIENT_ROOT_CERT);
	s->cert = meta(d, META_TLS_CLIENT_CERT_CHAIN);
	s->key = meta(d, META_TLS_CLIENT_KEY);
	s->credential = s->crl = NULL;
	s->skip_verify = false;
}

static bool has_own_certificates(struct draft *d)
{
	return ask_is(d->r, ASK_FLAG, FLAG_TLS_CLIENT_CERT);
}

static struct settings given(const struct client_tls_settings *t)
{
	return (struct settings){
		.origin = USER,
		.mode = t->mode ? t->mode : CLIENT_TLS_SETTINGS_MODE_DISABLE,
		.sni = t->sni,
		.credential = t->credential_name,
		.cert = t->client_certificate,
		.key = t->private_key,
		.ca = t->ca_certificates,
		.crl = t->ca_crl,
		.sans = t->subject_alt_names,
		.skip_verify = t->insecure_skip_verify.set && t->insecure_skip_verify.v,
	};
}

static struct settings settings_of(struct draft *d, const struct tls_input *in)
{
	struct settings s = { 0 };
	bool external = in->service && in->service->mesh_external &&
			FEATURE(prefer_destination_rule_tls_for_external);

	if (in->tls) {
		s = given(in->tls);
		if (s.mode == CLIENT_TLS_SETTINGS_MODE_DISABLE ||
		    s.mode == CLIENT_TLS_SETTINGS_MODE_SIMPLE)
			return s;
		if (!external && has_own_certificates(d)) {
			use_own_certificates(d, &s);
			return s;
		}
		if (s.mode != CLIENT_TLS_SETTINGS_MODE_ISTIO_MUTUAL)
			return s;
		if (str_empty(s.sni))
			s.sni = in->default_sni;
		if (!s.sans.n)
			s.sans = accounts(d, in->service);
		return s;
	}
	if (!is_detected(d, in))
		return s;
	s.origin = DETECTED;
	s.mode = CLIENT_TLS_SETTINGS_MODE_ISTIO_MUTUAL;
	s.sni = in->default_sni;
	s.sans = accounts(d, in->service);
	if (has_own_certificates(d))
		use_own_certificates(d, &s);
	return s;
}

/* ---- step 3: the context ---- */

static Tls__UpstreamTlsContext *mesh_context(struct draft *d, const struct tls_input *in,
					     const struct settings *s)
{
	Tls__CommonTlsContext *c =
		PB_NEW(d->a, Tls__CommonTlsContext, .tls_params = tls_params(d->a));

	tls_add_certificate(d->a, c, sds_secret(d->r, SDS_DEFAULT));
	tls_validate(d->a, c, tls_match_sans(d->a, s->sans.v, s->sans.n),
		     sds_secret(d->r, SDS_ROOT));
	if (tls_peer_exchange(d->r))
		tls_add_alpn(d->a, c, "istio-peer-exchange");
	tls_add_alpn(d->a, c, "istio");
	if (draft_is_http2(d))
		tls_add_alpn(d->a, c, "h2");
	return PB_NEW(d->a, Tls__UpstreamTlsContext, .common_tls_context = c,
		      .sni = in->dynamic         ? NULL
			     : str_empty(s->sni) ? d->c->name
						 : s->sni);
}

/* Where nothing names the server, the name that the request asks for does. */
static void set_auto_names(struct draft *d, const struct tls_input *in, const struct settings *s)
{
	Core__UpstreamHttpProtocolOptions *o;

	if (!in->dynamic && !str_empty(s->sni))
		return;
	o = PB_NEW(d->a, Core__UpstreamHttpProtocolOptions, .auto_sni = true);
	o->auto_san_validation = !s->sans.n && !s->skip_verify;
	draft_http(d)->upstream_http_protocol_options = o;
}

static void set_no_validation(struct draft *d, Tls__CommonTlsContext *c)
{
	c->validation_context_type_case =
		TLS__COMMON_TLS_CONTEXT__VALIDATION_CONTEXT_TYPE_VALIDATION_CONTEXT;
	c->validation_context = PB_NEW(d->a, Tls__CertificateValidationContext);
}

static void add_credential(struct draft *d, Tls__CommonTlsContext *c, const struct settings *s,
			   Tls__CertificateValidationContext *sans)
{
	if (s->mode == CLIENT_TLS_SETTINGS_MODE_MUTUAL)
		tls_add_certificate(d->a, c, tls_credential(d->r, s->credential, false));
	if (s->skip_verify)
		set_no_validation(d, c);
	else
		tls_validate(d->a, c, sans, tls_credential(d->r, s->credential, true));
}

static bool add_files(struct draft *d, Tls__CommonTlsContext *c, const struct settings *s,
		      Tls__CertificateValidationContext *sans)
{
	const char *ca = str_empty(s->ca) ? "system" : s->ca;

	if (s->mode == CLIENT_TLS_SETTINGS_MODE_MUTUAL) {
		if (str_empty(s->cert) || str_empty(s->key)) {
			policy_warn(d->r, d->rule, "spec.trafficPolicy.tls",
				    "mode MUTUAL needs clientCertificate and privateKey: %s is "
				    "sent without TLS",
				    d->c->name);
			return false;
		}
		tls_add_certificate(d->a, c,
				    sds_secret(d->r, tls_file_cert(d->a, s->cert, s->key)));
	}
	if (s->skip_verify) {
		set_no_validation(d, c);
		return true;
	}
	if (!str_empty(s->crl))
		sans->crl = PB_NEW(d->a, Core__DataSource,
				   .specifier_case = CORE__DATA_SOURCE__SPECIFIER_FILENAME,
				   .filename = s->crl);
	tls_validate(d->a, c, sans, sds_secret(d->r, tls_file_root(d->a, ca)));
	return true;
}

static bool rule_selects(const struct applied_rule *rule)
{
	const struct destination_rule *o = rule ? rule->first->body : NULL;

	return o && o->spec && o->spec->workload_selector;
}

/* A secret that a rule for everybody names would be asked for by sidecars that may not have it, and hold them up. */
static bool may_use_credential(struct draft *d, const struct tls_input *in,
			       const struct settings *s)
{
	if (str_starts(s->credential, "configmap://") || rule_selects(in->rule) ||
	    ask_is(d->r, ASK_IS_ROUTER, 0))
		return true;
	policy_warn(d->r, d->rule, "spec.trafficPolicy.tls.credentialName",
		    "counts for sidecars only with a workloadSelector: %s is sent without TLS",
		    d->c->name);
	return false;
}

static Tls__UpstreamTlsContext *origination_context(struct draft *d, const struct tls_input *in,
						    const struct settings *s)
{
	Tls__CommonTlsContext *c;
	Tls__CertificateValidationContext *sans;
	struct str_list names = s->sans;

	if (!str_empty(s->credential) && !may_use_credential(d, in, s))
		return NULL;
	c = PB_NEW(d->a, Tls__CommonTlsContext, .tls_params = tls_params(d->a));
	tls_params_add(d->r, c->tls_params, mesh_get(d->r, tls_defaults), "tlsDefaults");
	if (!names.n && in->service && !in->service->is_kubernetes)
		names = accounts(d, in->service);
	sans = tls_match_sans(d->a, names.v, names.n);
	if (!str_empty(s->credential))
		add_credential(d, c, s, sans);
	else if (!add_files(d, c, s, sans))
		return NULL;
	set_auto_names(d, in, s);
	if (draft_is_http2(d))
		tls_add_alpn(d->a, c, "h2");
	return PB_NEW(d->a, Tls__UpstreamTlsContext, .common_tls_context = c,
		      .sni = in->dynamic ? NULL : s->sni);
}

/* ---- step 4: where it goes ---- */

static void add_match(struct draft *d, const char *name, const char *mode,
		      Core__TransportSocket *socket)
{
	Google__Struct *match = pb_struct(d->a);

	if (mode)
		pb_struct_set_str(d->a, match, "tlsMode", mode);
	PB_PUSH(d->a, d->c, transport_socket_matches,
		PB_NEW(d->a, Cluster__Cluster__TransportSocketMatch, .name = name, .match = match,
		       .transport_socket = socket));
}

void draft_apply_tls(struct draft *d, const struct tls_input *in)
{
	struct settings s = settings_of(d, in);
	Tls__UpstreamTlsContext *t;
	Core__TransportSocket *socket;

	if (s.origin == OFF || s.mode == CLIENT_TLS_SETTINGS_MODE_DISABLE)
		return;
	t = s.mode == CLIENT_TLS_SETTINGS_MODE_ISTIO_MUTUAL ? mesh_context(d, in, &s)
							    : origination_context(d, in, &s);
	if (!t)
		return;
	socket = tls_upstream_socket(d->a, t);
	if (s.origin == USER || s.mode != CLIENT_TLS_SETTINGS_MODE_ISTIO_MUTUAL ||
	    draft_has_type(d, CLUSTER__CLUSTER__DISCOVERY_TYPE__ORIGINAL_DST)) {
		d->c->transport_socket = socket;
		return;
	}
	add_match(d, "tlsMode-istio", "istio", socket);
	add_match(d, "tlsMode-disabled", NULL, raw_buffer_socket(d->a, NULL));
}

/* ---- the PROXY protocol ---- */

static Core__TransportSocket *wrapped(struct draft *d, const struct proxy_protocol *p,
				      Core__TransportSocket *inner)
{
	UpstreamProxyProtocol__ProxyProtocolUpstreamTransport *t = PB_NEW(
		d->a, UpstreamProxyProtocol__ProxyProtocolUpstreamTransport,
		.config = PB_NEW(d->a, Core__ProxyProtocolConfig,
				 .version = p->version == PROXY_PROTOCOL_VERSION_V2
						    ? CORE__PROXY_PROTOCOL_CONFIG__VERSION__V2
						    : CORE__PROXY_PROTOCOL_CONFIG__VERSION__V1),
		.transport_socket = inner);

	return PB_NEW(d->a, Core__TransportSocket,
		      .name = "envoy.transport_sockets.upstream_proxy_protocol",
		      .config_type_case = CORE__TRANSPORT_SOCKET__CONFIG_TYPE_TYPED_CONFIG,
		      .typed_config = PB_ANY(d->a, t));
}

void draft_apply_proxy_protocol(struct draft *d, const struct proxy_protocol *p)
{
	Cluster__Cluster *c = d->c;

	if (!p)
		return;
	for (size_t i = 0; i < c->n_transport_socket_matches; i++)
		c->transport_socket_matches[i]->transport_socket =
			wrapped(d, p, c->transport_socket_matches[i]->transport_socket);
	if (c->transport_socket)
		c->transport_socket = wrapped(d, p, c->transport_socket);
	else if (!c->n_transport_socket_matches)
		c->transport_socket = wrapped(d, p, raw_buffer_socket(d->a, "raw_buffer"));
}
