/* What the webhook demands of Gateways, and of server TLS settings wherever they are. */
#include "schema/check_impl.h"
#include <string.h>

static void check_server_host(struct check *c, const char *path, const char *host)
{
	const char *slash = strchr(host, '/'), *name = slash ? slash + 1 : host;

	if (slash) {
		char ns[64];
		size_t n = (size_t)(slash - host);

		if (n >= sizeof ns) {
			bad(c, path, "\"%s\" has no namespace", host);
			return;
		}
		memcpy(ns, host, n);
		ns[n] = 0;
		if (!str_eq(ns, "*") && !str_eq(ns, ".") && !is_dns_label(ns))
			bad(c, path, "\"%s\" is no namespace", ns);
	}
	if (!is_host_or_ip(name, true) || (name[0] == '*' && name[1] && name[1] != '.') ||
	    (name[0] != '*' && !strchr(name, '.')))
		bad(c, path, "\"%s\" is no host", name);
}

static bool has_files(const struct server_tls_settings *t)
{
	return !str_empty(t->server_certificate) || !str_empty(t->private_key) ||
	       !str_empty(t->ca_certificates);
}

static void check_certificates(struct check *c, const char *path,
			       const struct server_tls_settings *t, bool needs_ca)
{
	bool pair = !str_empty(t->server_certificate) && !str_empty(t->private_key);
	bool secret = !str_empty(t->credential_name) || t->credential_names.n;

	if ((!str_empty(t->credential_name) && t->credential_names.n) ||
	    (pair && t->tls_certificates.n) || (secret && (pair || t->tls_certificates.n)))
		bad(c, path, "one source of certificates only");
	if (secret && !str_empty(t->ca_crl))
		bad(c, sub(c, path, "caCrl"), "goes with certificates in files");
	if (secret)
		return;
	for (uint32_t i = 0; i < t->tls_certificates.n; i++) {
		const struct tls_certificate *k = &t->tls_certificates.v[i];

		if (str_empty(k->server_certificate) || str_empty(k->private_key))
			bad(c, sub(c, path, "tlsCertificates[%u]", i),
			    "serverCertificate and privateKey are needed");
	}
	if (!t->tls_certificates.n &&
	    (str_empty(t->server_certificate) || str_empty(t->private_key)))
		bad(c, path, "serverCertificate and privateKey are needed, or credentialName");
	if (needs_ca && str_empty(t->ca_certificates))
		bad(c, sub(c, path, "caCertificates"), "is needed");
}

void check_server_tls(struct check *c, const char *path, const struct server_tls_settings *t)
{
	switch (t->mode) {
	case SERVER_TLS_SETTINGS_MODE_ISTIO_MUTUAL:
		if (has_files(t) || !str_empty(t->credential_name) || t->credential_names.n ||
		    t->tls_certificates.n)
			bad(c, path, "ISTIO_MUTUAL has no certificates of its own");
		break;
	case SERVER_TLS_SETTINGS_MODE_SIMPLE:
		if (!str_empty(t->ca_crl))
			bad(c, sub(c, path, "caCrl"), "goes with MUTUAL");
		check_certificates(c, path, t, false);
		break;
	case SERVER_TLS_SETTINGS_MODE_MUTUAL:
	case SERVER_TLS_SETTINGS_MODE_OPTIONAL_MUTUAL: check_certificates(c, path, t, true); break;
	default: break;
	}
}

static void check_server_port(struct check *c, const char *path, const struct server *s)
{
	const struct port *p = s->port;
	bool unix_bind = str_starts(str_or(s->bind, ""), "unix://");

	if (!p) {
		bad(c, path, "a port is needed");
		return;
	}
	path = sub(c, path, "port");
	if (!is_protocol(p->protocol))
		bad(c, sub(c, path, "protocol"), "\"%s\" is no protocol", str_or(p->protocol, ""));
	if (str_empty(p->name))
		bad(c, sub(c, path, "name"), "is needed");
	if (unix_bind ? p->number.v != 0 : !is_port(&p->number))
		bad(c, sub(c, path, "number"),
		    unix_bind ? "a Unix socket has none" : "a port is 1 to 65535");
	if (p->target_port.v)
		bad(c, sub(c, path, "targetPort"), "is not supported");
}

static void check_server(struct check *c, const char *path, const struct server *s)
{
	const char *protocol = s->port ? str_or(s->port->protocol, "") : "";
	bool tls = !strcasecmp(protocol, "https") || !strcasecmp(protocol, "tls");

	if (!s->hosts.n)
		bad(c, path, "hosts are needed");
	for (uint32_t i = 0; i < s->hosts.n; i++)
		check_server_host(c, sub(c, path, "hosts[%u]", i), s->hosts.v[i]);
	check_server_port(c, path, s);
	if (tls && !s->tls)
		bad(c, path, "%s needs tls", protocol);
	if (!tls && s->tls && s->tls->mode &&
	    !(s->tls->https_redirect.v && s->tls->mode == SERVER_TLS_SETTINGS_MODE_PASSTHROUGH))
		bad(c, sub(c, path, "tls"), "%s has none", protocol);
	if (s->tls)
		check_server_tls(c, sub(c, path, "tls"), s->tls);
}

void check_gateway(struct check *c)
{
	const struct gateway_spec *s = ((const struct gateway *)c->object->body)->spec;

	if (!s || !s->servers.n) {
		bad(c, "spec.servers", "a server is needed");
		return;
	}
	for (uint32_t i = 0; i < s->servers.n; i++) {
		check_server(c, sub(c, "spec.servers", "[%u]", i), &s->servers.v[i]);
		for (uint32_t j = 0; j < i; j++)
			if (s->servers.v[i].port && s->servers.v[j].port &&
			    !str_empty(s->servers.v[i].port->name) &&
			    str_eq(s->servers.v[i].port->name, s->servers.v[j].port->name))
				bad(c, sub(c, "spec.servers", "[%u].port.name", i),
				    "must be unique");
	}
}
