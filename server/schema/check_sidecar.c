/* What the webhook demands of Sidecars. */
#include "base/ip.h"
#include "schema/check_impl.h"
#include <string.h>

static void check_port(struct check *c, const char *path, const struct sidecar_port *p,
		       bool unix_bind)
{
	if (!str_empty(p->protocol) && !is_protocol(p->protocol))
		bad(c, sub(c, path, "protocol"), "\"%s\" is no protocol", str_or(p->protocol, ""));
	if (unix_bind ? p->number.v != 0 : !is_port(&p->number))
		bad(c, sub(c, path, "number"),
		    unix_bind ? "a Unix socket has none" : "a port is 1 to 65535");
	if (p->target_port.v)
		bad(c, sub(c, path, "targetPort"), "is not supported");
}

static void check_ingress_tls(struct check *c, const char *path,
			      const struct istio_ingress_listener *in)
{
	const struct server_tls_settings *t = in->tls;
	const char *protocol = in->port ? str_or(in->port->protocol, "") : "";

	if (!t)
		return;
	if (strcasecmp(protocol, "https") && strcasecmp(protocol, "tls"))
		bad(c, path, "goes with HTTPS and TLS");
	if (t->subject_alt_names.n)
		bad(c, sub(c, path, "subjectAltNames"), "is not supported");
	if (t->https_redirect.v)
		bad(c, sub(c, path, "httpsRedirect"), "is not supported");
	if (!str_empty(t->credential_name) || t->credential_names.n)
		bad(c, sub(c, path, "credentialName"), "is not supported");
	if (t->tls_certificates.n)
		bad(c, sub(c, path, "tlsCertificates"), "is not supported");
	if (t->mode == SERVER_TLS_SETTINGS_MODE_ISTIO_MUTUAL ||
	    t->mode == SERVER_TLS_SETTINGS_MODE_AUTO_PASSTHROUGH)
		bad(c, sub(c, path, "mode"), "is not supported");
	check_server_tls(c, path, t);
}

static void check_ingress(struct check *c, const struct sidecar_spec *s)
{
	for (uint32_t i = 0; i < s->ingress.n; i++) {
		const struct istio_ingress_listener *in = &s->ingress.v[i];
		const char *path = sub(c, "spec.ingress", "[%u]", i);
		struct ip ip;

		if (!in->port)
			bad(c, path, "a port is needed");
		else
			check_port(c, sub(c, path, "port"), in->port, false);
		if (!str_empty(in->bind) && !ip_parse(in->bind, &ip))
			bad(c, sub(c, path, "bind"), "\"%s\" is no address", in->bind);
		if (!str_empty(in->default_endpoint) && !is_default_endpoint(in->default_endpoint))
			bad(c, sub(c, path, "defaultEndpoint"), "\"%s\" is no local endpoint",
			    in->default_endpoint);
		for (uint32_t j = 0; in->port && j < i; j++)
			if (s->ingress.v[j].port &&
			    s->ingress.v[j].port->number.v == in->port->number.v)
				bad(c, sub(c, path, "port.number"), "must be unique");
		check_ingress_tls(c, sub(c, path, "tls"), in);
		check_connection_pool(c, sub(c, path, "connectionPool"), in->connection_pool);
	}
}

static void check_egress_host(struct check *c, const char *path, const char *host)
{
	const char *slash = strchr(host, '/');
	char ns[65];

	if (!slash || strchr(slash + 1, '/') || (size_t)(slash - host) >= sizeof ns) {
		bad(c, path, "\"%s\" is not \"namespace/host\"", host);
		return;
	}
	memcpy(ns, host, (size_t)(slash - host));
	ns[slash - host] = 0;
	if (!str_eq(ns, "*") && !str_eq(ns, ".") && !str_eq(ns, "~") &&
	    !is_dns_label(ns[0] == '~' ? ns + 1 : ns))
		bad(c, path, "\"%s\" is no namespace", ns);
	if (!is_host_or_ip(slash + 1, true))
		bad(c, path, "\"%s\" is no host", slash + 1);
}

static void check_egress(struct check *c, const struct sidecar_spec *s)
{
	for (uint32_t i = 0; i < s->egress.n; i++) {
		const struct istio_egress_listener *e = &s->egress.v[i];
		const char *path = sub(c, "spec.egress", "[%u]", i);
		bool unix_bind = str_starts(str_or(e->bind, ""), "unix://");
		struct ip ip;

		if (!e->port && i + 1 < s->egress.n)
			bad(c, path,
			    "the listener without a port comes last, and there is one at most");
		if (e->port)
			check_port(c, sub(c, path, "port"), e->port, unix_bind);
		if (!e->port && !str_empty(e->bind))
			bad(c, sub(c, path, "bind"), "needs a port");
		if (!str_empty(e->bind) && !unix_bind && !ip_parse(e->bind, &ip))
			bad(c, sub(c, path, "bind"), "\"%s\" is no address", e->bind);
		if (unix_bind && e->capture_mode > ISTIO_EGRESS_LISTENER_CAPTURE_MODE_DEFAULT &&
		    e->capture_mode != ISTIO_EGRESS_LISTENER_CAPTURE_MODE_NONE)
			bad(c, sub(c, path, "captureMode"), "a Unix socket is DEFAULT or NONE");
		for (uint32_t j = 0; e->port && j < i; j++) {
			const struct istio_egress_listener *o = &s->egress.v[j];

			if (unix_bind ? str_eq(o->bind, e->bind)
				      : o->port && o->port->number.v == e->port->number.v)
				bad(c, path, "ports and sockets must be unique");
		}
		if (!e->hosts.n)
			bad(c, path, "hosts are needed");
		for (uint32_t j = 0; j < e->hosts.n; j++)
			check_egress_host(c, sub(c, path, "hosts[%u]", j), e->hosts.v[j]);
	}
}

static void check_outbound(struct check *c, const struct outbound_traffic_policy *p)
{
	if (!p || !p->egress_proxy)
		return;
	if (p->mode != OUTBOUND_TRAFFIC_POLICY_MODE_ALLOW_ANY)
		bad(c, "spec.outboundTrafficPolicy.egressProxy", "goes with ALLOW_ANY");
	check_destination(c, "spec.outboundTrafficPolicy.egressProxy", p->egress_proxy, true);
}

void check_sidecar(struct check *c)
{
	const struct sidecar_spec *s = ((const struct sidecar *)c->object->body)->spec;

	if (!s || (!s->ingress.n && !s->egress.n && !s->outbound_traffic_policy &&
		   !s->inbound_connection_pool && !s->workload_selector)) {
		bad(c, "spec", "says nothing");
		return;
	}
	check_ingress(c, s);
	check_egress(c, s);
	check_outbound(c, s->outbound_traffic_policy);
	check_connection_pool(c, "spec.inboundConnectionPool", s->inbound_connection_pool);
}
