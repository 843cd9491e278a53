/* TLS as gateways end it (translation.md 6.5): by the mesh's own certificates, by secrets that we serve, or by files. */
#include "model/mesh.h"
#include "model/proxy.h"
#include "translate/gateway.h"
#include "translate/names.h"
#include "translate/tls.h"
#include "types.h"

struct tls_build {
	struct run *r;
	struct arena *a;
	const struct server_tls_settings *tls;
	Tls__CommonTlsContext *c;
	bool validate; /* clients may show certificates */
};

static bool is_set(const struct opt_bool *b)
{
	return b->set && b->v;
}

static Tls__CertificateValidationContext *validation(struct tls_build *b)
{
	const struct server_tls_settings *t = b->tls;
	Tls__CertificateValidationContext *v =
		tls_match_sans(b->a, t->subject_alt_names.v, t->subject_alt_names.n);

	if (is_set(&t->insecure_skip_verify) && t->mode != SERVER_TLS_SETTINGS_MODE_ISTIO_MUTUAL)
		v->trust_chain_verification =
			TLS__CERTIFICATE_VALIDATION_CONTEXT__TRUST_CHAIN_VERIFICATION__ACCEPT_UNTRUSTED;
	return v;
}

/* ---- where certificates come from ---- */

/* `cert` and `key` "": the proxy's own. */
static void add_file_cert(struct tls_build *b, const char *cert, const char *key)
{
	bool own = str_empty(cert) || str_empty(key);

	tls_add_certificate(b->a, b->c,
			    sds_secret(b->r, own ? SDS_DEFAULT : tls_file_cert(b->a, cert, key)));
}

static void validate_by_file(struct tls_build *b, const char *ca)
{
	Tls__CertificateValidationContext *v;

	if (!b->validate)
		return;
	v = validation(b);
	if (!str_empty(b->tls->ca_crl))
		v->crl = PB_NEW(b->a, Core__DataSource,
				.specifier_case = CORE__DATA_SOURCE__SPECIFIER_FILENAME,
				.filename = b->tls->ca_crl);
	tls_validate(b->a, b->c, v,
		     sds_secret(b->r, str_empty(ca) ? SDS_ROOT : tls_file_root(b->a, ca)));
}

static const char *meta(struct tls_build *b, enum proxy_meta which)
{
	uint32_t key = ask(b->r, ASK_META, which);

	return key ? run_text(b->r, key) : "";
}

static void by_mesh(struct tls_build *b)
{
	add_file_cert(b, meta(b, META_TLS_SERVER_CERT_CHAIN), meta(b, META_TLS_SERVER_KEY));
	validate_by_file(b, meta(b, META_TLS_SERVER_ROOT_CERT));
}

static void by_files(struct tls_build *b)
{
	const struct server_tls_settings *t = b->tls;

	for (uint32_t i = 0; i < t->tls_certificates.n; i++)
		add_file_cert(b, t->tls_certificates.v[i].server_certificate,
			      t->tls_certificates.v[i].private_key);
	if (!t->tls_certificates.n)
		add_file_cert(b, t->server_certificate, t->private_key);
	validate_by_file(b, t->ca_certificates);
}

static void add_texts(struct arena *a, const struct str_list *list, const char ***v, size_t *n)
{
	for (uint32_t i = 0; i < list->n; i++) {
		*v = pb_grow(a, *v, *n, sizeof **v);
		(*v)[(*n)++] = list->v[i];
	}
}

static void by_credentials(struct tls_build *b)
{
	const struct server_tls_settings *t = b->tls;
	struct str_list names = t->credential_names;
	Tls__CertificateValidationContext *v;

	if (!names.n)
		names = (struct str_list){ &t->credential_name, 1, true };
	for (uint32_t i = 0; i < names.n; i++)
		tls_add_certificate(b->a, b->c, tls_credential(b->r, names.v[i], false));
	if (t->mode == SERVER_TLS_SETTINGS_MODE_MUTUAL ||
	    t->mode == SERVER_TLS_SETTINGS_MODE_OPTIONAL_MUTUAL) {
		v = validation(b);
		add_texts(b->a, &t->verify_certificate_spki, &v->verify_certificate_spki,
			  &v->n_verify_certificate_spki);
		add_texts(b->a, &t->verify_certificate_hash, &v->verify_certificate_hash,
			  &v->n_verify_certificate_hash);
		tls_validate(b->a, b->c, v,
			     str_empty(t->ca_cert_credential_name)
				     ? tls_credential(b->r, names.v[0], true)
				     : tls_credential(b->r, t->ca_cert_credential_name, false));
	} else if (t->subject_alt_names.n) {
		b->c->validation_context_type_case =
			TLS__COMMON_TLS_CONTEXT__VALIDATION_CONTEXT_TYPE_VALIDATION_CONTEXT;
		b->c->validation_context =
			tls_match_sans(b->a, t->subject_alt_names.v, t->subject_alt_names.n);
	}
}

/* ---- versions, ciphers, curves ---- */

/* What the server says takes the place of what the mesh says. */
static void override(struct tls_build *b, Tls__TlsParameters *p, const struct str_list *ciphers,
		     const struct str_list *curves)
{
	struct tls_config own = { .cipher_suites = *ciphers, .ecdh_curves = *curves };
	Tls__TlsParameters *q = PB_NEW(b->a, Tls__TlsParameters);

	tls_params_add(b->r, q, &own, "spec.servers.tls");
	if (q->n_cipher_suites) {
		p->cipher_suites = q->cipher_suites;
		p->n_cipher_suites = q->n_cipher_suites;
	}
	if (q->n_ecdh_curves) {
		p->ecdh_curves = q->ecdh_curves;
		p->n_ecdh_curves = q->n_ecdh_curves;
	}
}

static void set_params(struct tls_build *b)
{
	static const Tls__TlsParameters__TlsProtocol versions[] = {
		[SERVER_TLS_SETTINGS_MIN_PROTOCOL_VERSION_TLSV1_0] =
			TLS__TLS_PARAMETERS__TLS_PROTOCOL__TLSv1_0,
		[SERVER_TLS_SETTINGS_MIN_PROTOCOL_VERSION_TLSV1_1] =
			TLS__TLS_PARAMETERS__TLS_PROTOCOL__TLSv1_1,
		[SERVER_TLS_SETTINGS_MIN_PROTOCOL_VERSION_TLSV1_2] =
			TLS__TLS_PARAMETERS__TLS_PROTOCOL__TLSv1_2,
		[SERVER_TLS_SETTINGS_MIN_PROTOCOL_VERSION_TLSV1_3] =
			TLS__TLS_PARAMETERS__TLS_PROTOCOL__TLSv1_3,
	};
	const struct server_tls_settings *t = b->tls;
	const struct tls_config *mesh = mesh_get(b->r, tls_defaults);
	Tls__TlsParameters *p = PB_NEW(b->a, Tls__TlsParameters);

	tls_params_add(b->r, p, mesh, "tlsDefaults");
	if (mesh && mesh->min_protocol_version == TLS_CONFIG_MIN_PROTOCOL_VERSION_TLSV1_2)
		p->tls_minimum_protocol_version = TLS__TLS_PARAMETERS__TLS_PROTOCOL__TLSv1_2;
	if (mesh && mesh->min_protocol_version == TLS_CONFIG_MIN_PROTOCOL_VERSION_TLSV1_3)
		p->tls_minimum_protocol_version = TLS__TLS_PARAMETERS__TLS_PROTOCOL__TLSv1_3;
	if (versions[t->min_protocol_version])
		p->tls_minimum_protocol_version = versions[t->min_protocol_version];
	if (versions[t->max_protocol_version])
		p->tls_maximum_protocol_version = versions[t->max_protocol_version];
	override(b, p, &t->cipher_suites, &t->ecdh_curves);
	if (p->n_cipher_suites || p->n_ecdh_curves || p->tls_minimum_protocol_version ||
	    p->tls_maximum_protocol_version)
		b->c->tls_params = p;
}

static void set_alpn(struct tls_build *b, bool http, bool quic)
{
	if (quic) {
		tls_add_alpn(b->a, b->c, "h3");
		return;
	}
	if (b->tls->mode == SERVER_TLS_SETTINGS_MODE_ISTIO_MUTUAL && !http &&
	    tls_peer_exchange(b->r))
		tls_add_alpn(b->a, b->c, "istio-peer-exchange");
	tls_add_alpn(b->a, b->c, "h2");
	tls_add_alpn(b->a, b->c, "http/1.1");
}

Tls__DownstreamTlsContext *gateway_tls_context(struct run *r, const struct gateway_server *s,
					       bool quic)
{
	struct arena *a = run_arena(r);
	const struct server_tls_settings *t = s->server->tls;
	struct tls_build b = { .r = r, .a = a, .tls = t };
	bool demand;

	if (!t || gateway_server_passes_tls(s))
		return NULL;
	/* Over QUIC clients are not asked for certificates. */
	demand = !quic && (t->mode == SERVER_TLS_SETTINGS_MODE_MUTUAL ||
			   t->mode == SERVER_TLS_SETTINGS_MODE_ISTIO_MUTUAL);
	b.validate = demand || t->mode == SERVER_TLS_SETTINGS_MODE_OPTIONAL_MUTUAL;
	b.c = PB_NEW(a, Tls__CommonTlsContext);
	set_alpn(&b, gateway_server_is_https(s), quic);
	if (t->mode == SERVER_TLS_SETTINGS_MODE_ISTIO_MUTUAL) {
		by_mesh(&b);
	} else {
		if (t->credential_names.n || !str_empty(t->credential_name))
			by_credentials(&b);
		else
			by_files(&b);
		set_params(&b);
	}
	return PB_NEW(a, Tls__DownstreamTlsContext, .common_tls_context = b.c,
		      .require_client_certificate = pb_bool(a, demand));
}
