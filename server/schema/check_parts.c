/* Names, ports, percentages and other pieces that the checks of several kinds share. */
#include "base/ip.h"
#include "base/regex.h"
#include "schema/check_impl.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_label_n(const char *s, size_t n)
{
	if (!n || n > 63 || s[0] == '-' || s[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-')
			return false;
	return true;
}

bool is_dns_label(const char *s)
{
	return s && is_label_n(s, strlen(s));
}

bool is_host(const char *s, bool wildcard)
{
	if (str_empty(s) || strlen(s) > 255)
		return false;
	if (wildcard && s[0] == '*') {
		if (!s[1])
			return true;
		/* "*.x"; istiod also takes "*x". */
		s += s[1] == '.' || s[1] == '-' ? 2 : 1;
	}
	/* SNI of the mesh's own TLS: "outbound_.80_.v1_.host". */
	if (str_starts(s, "outbound_."))
		return true;
	while (*s) {
		size_t n = strcspn(s, ".");

		if (!is_label_n(s, n))
			return false;
		s += n;
		if (*s == '.' && s[1])
			s++;
		else if (*s == '.')
			break; /* absolute */
	}
	return true;
}

bool is_host_or_ip(const char *s, bool wildcard)
{
	return !str_empty(s) && (ip_is_valid(s) || is_host(s, wildcard));
}

bool is_protocol(const char *s)
{
	static const char *const known[] = { "http",    "http2", "https",      "grpc",  "grpc-web",
					     "grpcweb", "tls",   "tcp",        "udp",   "mongo",
					     "redis",   "mysql", "http_proxy", "hbone", "quic" };

	for (size_t i = 0; s && i < ARRAY_LEN(known); i++)
		if (!strcasecmp(known[i], s))
			return true;
	return false;
}

bool is_port(const struct opt_int *p)
{
	return p->set && p->v >= 1 && p->v <= 65535;
}

void check_host(struct check *c, const char *path, const char *host, bool wildcard)
{
	if (!is_host_or_ip(host, wildcard))
		bad(c, path, "\"%s\" is no %shost name", str_or(host, ""),
		    wildcard ? "(wildcard) " : "");
}

void check_export_to(struct check *c, const struct str_list *l, bool nobody_allowed, bool own_only)
{
	for (uint32_t i = 0; i < l->n; i++) {
		const char *v = l->v[i], *path = sub(c, "spec.exportTo", "[%u]", i);

		if (str_eq(v, "~") && !nobody_allowed)
			bad(c, path, "\"~\" is for ServiceEntries only");
		else if (!str_eq(v, "*") && !str_eq(v, ".") && !str_eq(v, "~") && !is_dns_label(v))
			bad(c, path, "\"%s\" is no namespace", v);
		for (uint32_t j = 0; j < i; j++)
			if (str_eq(l->v[j], v) ||
			    (str_eq(v, ".") && str_eq(l->v[j], c->object->ns)) ||
			    (str_eq(l->v[j], ".") && str_eq(v, c->object->ns)))
				bad(c, path, "\"%s\" is there twice", v);
		if (l->n > 1 && (str_eq(v, "*") || str_eq(v, "~")))
			bad(c, path, "\"%s\" stands alone", v);
		if (own_only && !str_eq(v, ".") && !str_eq(v, c->object->ns))
			bad(c, path, "with a workloadSelector a rule is exported to \".\" only");
	}
}

void check_destination(struct check *c, const char *path, const struct destination *d,
		       bool need_port)
{
	if (!d) {
		bad(c, path, "a destination is needed");
		return;
	}
	if (str_eq(d->host, "*") || !is_host_or_ip(d->host, true))
		bad(c, sub(c, path, "host"), "\"%s\" is no host name", str_or(d->host, ""));
	if (!str_empty(d->subset) && !is_dns_label(d->subset))
		bad(c, sub(c, path, "subset"), "\"%s\" is no subset name", d->subset);
	if (d->port && !is_port(&d->port->number))
		bad(c, sub(c, path, "port.number"), "a port is 1 to 65535");
	if (need_port && !d->port)
		bad(c, path, "a port is needed");
}

void check_regex(struct check *c, const char *path, const char *regex)
{
	struct err e = ERR_INIT;

	if (!regex_check(regex, &e))
		bad(c, path, "%s", e.text);
}

void check_gateway_name(struct check *c, const char *path, const char *name)
{
	const char *slash = strchr(name, '/');

	if (!slash) {
		if (!is_host(name, false))
			bad(c, path, "\"%s\" is no gateway", name);
		return;
	}
	if (!is_label_n(name, (size_t)(slash - name)) && !(slash == name + 1 && name[0] == '.'))
		bad(c, path, "\"%.*s\" is no namespace", (int)(slash - name), name);
	if (!is_host(slash + 1, false))
		bad(c, path, "\"%s\" is no gateway name", slash + 1);
}

void check_percent(struct check *c, const char *path, const struct percent *p)
{
	if (p && p->value.set &&
	    (p->value.v < 0 || p->value.v > 100 || (p->value.v > 0 && p->value.v < 0.0001)))
		bad(c, path, "a percentage is 0, or 0.0001 to 100");
}

void check_min_1ms(struct check *c, const char *path, const struct opt_duration *d)
{
	if (d->set && (d->v < 1000000 || d->v % 1000000))
		bad(c, path, "must be whole milliseconds, 1ms or more");
}

void check_not_negative(struct check *c, const char *path, const struct opt_int *v)
{
	if (v->set && v->v < 0)
		bad(c, path, "must not be negative");
}

static void check_http_pool(struct check *c, const char *path, const struct http_settings *h)
{
	check_not_negative(c, sub(c, path, "http1MaxPendingRequests"),
			   &h->http1_max_pending_requests);
	check_not_negative(c, sub(c, path, "http2MaxRequests"), &h->http2_max_requests);
	check_not_negative(c, sub(c, path, "maxRequestsPerConnection"),
			   &h->max_requests_per_connection);
	check_not_negative(c, sub(c, path, "maxRetries"), &h->max_retries);
	check_not_negative(c, sub(c, path, "maxConcurrentStreams"), &h->max_concurrent_streams);
	check_min_1ms(c, sub(c, path, "idleTimeout"), &h->idle_timeout);
	if (h->h2_upgrade_policy == HTTP_SETTINGS_H2_UPGRADE_POLICY_UPGRADE &&
	    h->use_client_protocol.v)
		bad(c, sub(c, path, "useClientProtocol"), "excludes h2UpgradePolicy UPGRADE");
	if (!h->http2_keep_alive)
		return;
	path = sub(c, path, "http2KeepAlive");
	if (!h->http2_keep_alive->interval.set || !h->http2_keep_alive->timeout.set)
		bad(c, path, "interval and timeout are needed");
	check_min_1ms(c, sub(c, path, "interval"), &h->http2_keep_alive->interval);
	check_min_1ms(c, sub(c, path, "timeout"), &h->http2_keep_alive->timeout);
}

void check_connection_pool(struct check *c, const char *path,
			   const struct connection_pool_settings *p)
{
	if (!p)
		return;
	if (!p->http && !p->tcp)
		bad(c, path, "http or tcp is needed");
	if (p->http)
		check_http_pool(c, sub(c, path, "http"), p->http);
	if (p->tcp) {
		check_not_negative(c, sub(c, path, "tcp.maxConnections"), &p->tcp->max_connections);
		check_min_1ms(c, sub(c, path, "tcp.connectTimeout"), &p->tcp->connect_timeout);
		check_min_1ms(c, sub(c, path, "tcp.maxConnectionDuration"),
			      &p->tcp->max_connection_duration);
	}
}

bool is_default_endpoint(const char *s)
{
	static const char *const hosts[] = { "127.0.0.1:", "0.0.0.0:", "[::1]:", "[::]:" };

	if (str_starts(s, "unix://"))
		return s[7] == '/' || s[7] == '@';
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		if (str_starts(s, hosts[i])) {
			char *end;
			long port = strtol(s + strlen(hosts[i]), &end, 10);

			return !*end && port >= 1 && port <= 65535;
		}
	return false;
}
