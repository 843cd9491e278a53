/* What services are made of that needs no world: protocols of ports and the algebra of host names (translation.md 0.5,
 * 1.4). The table of protocols holds their names and classes; parsing and classifying only look it up.
 */
#include "model/service.h"

#include "base/ip.h"
#include "model/options.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

enum protocol_class { CLASS_NONE, CLASS_HTTP, CLASS_HTTP2, CLASS_TCP, CLASS_TLS };

static const struct protocol_row {
	const char *name;
	enum protocol_class class;
} protocols[] = {
	[PROTOCOL_AUTO] = { "unsupported", CLASS_NONE },
	[PROTOCOL_HTTP] = { "http", CLASS_HTTP },
	[PROTOCOL_HTTP2] = { "http2", CLASS_HTTP2 },
	[PROTOCOL_GRPC] = { "grpc", CLASS_HTTP2 },
	[PROTOCOL_GRPC_WEB] = { "grpc-web", CLASS_HTTP2 },
	[PROTOCOL_HTTP_PROXY] = { "http_proxy", CLASS_HTTP },
	[PROTOCOL_HTTPS] = { "https", CLASS_TLS },
	[PROTOCOL_TLS] = { "tls", CLASS_TLS },
	[PROTOCOL_TCP] = { "tcp", CLASS_TCP },
	[PROTOCOL_MONGO] = { "mongo", CLASS_TCP },
	[PROTOCOL_REDIS] = { "redis", CLASS_TCP },
	[PROTOCOL_MYSQL] = { "mysql", CLASS_TCP },
	[PROTOCOL_UDP] = { "udp", CLASS_NONE },
	[PROTOCOL_HBONE] = { "hbone", CLASS_NONE },
};

bool protocol_is_http(enum protocol p)
{
	return protocols[p].class == CLASS_HTTP || protocols[p].class == CLASS_HTTP2;
}

bool protocol_is_http2(enum protocol p)
{
	return protocols[p].class == CLASS_HTTP2;
}

bool protocol_is_tcp(enum protocol p)
{
	return protocols[p].class == CLASS_TCP || protocols[p].class == CLASS_TLS;
}

bool protocol_is_tls(enum protocol p)
{
	return protocols[p].class == CLASS_TLS;
}

const char *protocol_name(enum protocol p)
{
	return protocols[p].name;
}

static enum protocol parse_n(const char *name, size_t n)
{
	for (size_t i = PROTOCOL_AUTO + 1; i < ARRAY_LEN(protocols); i++)
		if (strlen(protocols[i].name) == n && !strncasecmp(protocols[i].name, name, n))
			return (enum protocol)i;
	return PROTOCOL_AUTO;
}

enum protocol protocol_parse(const char *name)
{
	return name ? parse_n(name, strlen(name)) : PROTOCOL_AUTO;
}

/* Ports whose servers speak first or in a way that sniffing would break. */
static bool number_means_tcp(uint16_t number)
{
	return number == 25 || number == 53 || number == 3306 || number == 27017;
}

enum protocol protocol_of_port(const char *transport, const char *name, const char *app_protocol,
			       uint16_t number)
{
	static const struct {
		const char *name;
		enum protocol protocol;
	} special[] = {
		{ "kubernetes.io/h2c", PROTOCOL_HTTP2 },
		{ "kubernetes.io/ws", PROTOCOL_HTTP },
		{ "kubernetes.io/wss", PROTOCOL_HTTPS },
	};
	const char *text = str_or(name, "");
	enum protocol p;

	if (transport && !strcasecmp(transport, "udp"))
		return PROTOCOL_UDP;
	if (!str_empty(app_protocol)) {
		for (size_t i = 0; i < ARRAY_LEN(special); i++)
			if (!strcmp(special[i].name, app_protocol))
				return special[i].protocol;
		text = app_protocol;
	}
	if (!strncasecmp(text, "grpc-web", strlen("grpc-web")))
		return PROTOCOL_GRPC_WEB;
	p = parse_n(text, strcspn(text, "-"));
	return p == PROTOCOL_AUTO && number_means_tcp(number) ? PROTOCOL_TCP : p;
}

bool host_is_wildcard(const char *host)
{
	return host[0] == '*';
}

/* Does the wildcard's tail end the other's, which is a host or a wildcard's own tail? */
static bool covers(const char *wildcard, const char *tail)
{
	return str_ends(tail, wildcard + 1);
}

bool host_matches(const char *a, const char *b)
{
	bool wild_a = host_is_wildcard(a), wild_b = host_is_wildcard(b);

	if (!wild_a && !wild_b)
		return !strcmp(a, b);
	if (wild_a && wild_b)
		return strlen(a) < strlen(b) ? covers(a, b + 1) : covers(b, a + 1);
	return wild_a ? covers(a, b) : covers(b, a);
}

bool host_subset_of(const char *host, const char *of)
{
	if (!strcmp(host, of))
		return true;
	if (!host_is_wildcard(of))
		return false;
	return covers(of, host_is_wildcard(host) ? host + 1 : host);
}

const char *host_lower(struct arena *a, const char *host)
{
	const char *at = host;
	char *copy;

	while (*at && !isupper((unsigned char)*at))
		at++;
	if (!*at)
		return host;
	copy = arena_strdup(a, host);
	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

const char *service_fqdn(struct arena *a, const char *name, const char *ns)
{
	return arena_printf(a, "%s.%s.svc.%s", name, ns, model_options()->domain);
}

const char *host_resolve(struct arena *a, const char *host, const char *ns)
{
	if (str_empty(host) || !strcmp(host, "*") || strchr(host, '.') || ip_is_valid(host))
		return host;
	return service_fqdn(a, host, ns);
}
