/* What routers carry out. */
#include "tests/property/mesh.h"
#include <string.h>

/* ---- Gateway ---- */

static void put_server_tls(struct sketch *s, const char *mode)
{
	put(s, "tls: {mode: %s, ", mode);
	if (!strcmp(mode, "SIMPLE") || !strcmp(mode, "MUTUAL")) {
		if (some(s, "by files", 4))
			put(s, "serverCertificate: /c, privateKey: /k, caCertificates: /ca, ");
		else
			put(s, "credentialName: %s, ",
			    PICK(s, "credential", "c1", "c2", "sds://outer"));
	}
	if (some(s, "version", 4))
		put(s, "minProtocolVersion: %s, ", PICK(s, "which version", "TLSV1_2", "TLSV1_3"));
	put(s, "}, ");
}

static void put_server(struct sketch *s, unsigned i)
{
	const char *mode = PICK(s, "tls", "", "", "SIMPLE", "MUTUAL", "PASSTHROUGH", "ISTIO_MUTUAL",
				"AUTO_PASSTHROUGH");
	bool passes = strstr(mode, "PASS") != NULL;

	put(s, "{port: {number: %s, name: %s%u, protocol: %s}, hosts: [%s], ",
	    *mode ? "443" : PICK(s, "port", "80", "80", "9090"), PICK(s, "port name", "s", "t"), i,
	    passes  ? "TLS"
	    : *mode ? PICK(s, "secure protocol", "HTTPS", "HTTPS", "TLS")
		    : PICK(s, "protocol", "HTTP", "HTTP", "TCP", "GRPC"),
	    PICK(s, "hosts", "'*'", "a.x.com", "'*.x.com'", "./b.x.com", "lone.x.com, a.x.com",
		 "app/*.x.com", "'*/*'", "web.app.svc.cluster.local"));
	if (*mode)
		put_server_tls(s, mode);
	else if (some(s, "redirect", 6))
		put(s, "tls: {httpsRedirect: true}, ");
	if (some(s, "bind", 8))
		put(s, "bind: %s, ", PICK(s, "where", "10.1.4.1", "127.0.0.9"));
	put(s, "}, ");
}

void make_gateway(struct sketch *s)
{
	unsigned n = 1 + gene(s, "servers", 3);

	put_head(s, "networking.istio.io/v1", "Gateway");
	put(s, "}, spec: {");
	if (some(s, "by role", 2))
		put(s, "selector: {istio: %s}, ", PICK(s, "role", "ingressgateway", "egress"));
	else
		put_selector(s, "selector", "selector");
	put(s, "servers: [");
	for (unsigned i = 0; i < n; i++) {
		s->salt = 70 + i;
		put_server(s, i);
	}
	s->salt = 0;
	put(s, "]}}");
}

/* ---- Ingress ---- */

void make_ingress(struct sketch *s)
{
	put_head(s, "networking.k8s.io/v1", "Ingress");
	put(s, "annotations: {");
	if (some(s, "by annotation", 2))
		put(s, "kubernetes.io/ingress.class: %s, ", PICK(s, "annotated", "istio", "other"));
	put(s, "}}, spec: {");
	if (some(s, "by class", 2))
		put(s, "ingressClassName: %s, ", PICK(s, "class", "c1", "c2"));
	if (some(s, "tls", 2))
		put(s, "tls: [{hosts: [%s], secretName: %s}], ",
		    PICK(s, "secure", "a.x.com", "i.x.com"), PICK(s, "secret", "t1", "t2"));
	put(s,
	    "rules: [{host: %s, http: {paths: [{path: %s, pathType: Prefix, backend: {service: "
	    "{name: %s, port: {%s}}}}]}}]}}",
	    PICK(s, "host", "a.x.com", "i.x.com", "''"), PICK(s, "path", "/", "/a"),
	    PICK(s, "service", "web", "api", "db"), PICK(s, "port", "number: 80", "name: http"));
}

void make_ingress_class(struct sketch *s)
{
	put_head(s, "networking.k8s.io/v1", "IngressClass");
	put(s, "}, spec: {controller: %s}}",
	    PICK(s, "controller", "istio.io/ingress-controller", "other.io/controller"));
}
