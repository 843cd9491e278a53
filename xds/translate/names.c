/* Names and small messages that several parts of the output share. */
#include "translate/names.h"
#include "base/ip.h"
#include "model/options.h"
#include "model/proxy.h"
#include "snapshot/resource.h"
#include "world/world.h"
#include <assert.h>
#include <ctype.h>
#include <string.h>

const char *cluster_name(struct arena *a, uint16_t port, const char *subset, const char *host)
{
	return arena_printf(a, "outbound|%u|%s|%s", port, str_or(subset, ""), host);
}

const char *cluster_sni(struct arena *a, uint16_t port, const char *subset, const char *host)
{
	return arena_printf(a, "outbound_.%u_.%s_.%s", port, str_or(subset, ""), host);
}

const char *inbound_cluster_name(struct arena *a, uint16_t port)
{
	return arena_printf(a, "inbound|%u||", port);
}

const char *listener_name(struct arena *a, const char *bind, uint16_t port)
{
	return arena_printf(a, "%s_%u", bind, port);
}

const char *stat_delimited(struct arena *a, const char *name)
{
	return arena_printf(a, "%s;", name);
}

/* The value of one %PATTERN%, or NULL when there is none of that name. */
static const char *stat_token(struct arena *a, const char *token, size_t n, const struct service *s,
			      const struct service_port_model *port, const char *subset,
			      uint16_t target_port)
{
	const char *values[] = {
		"SERVICE",
		s->is_kubernetes ? arena_printf(a, "%s.%s", s->name, s->ns) : s->host,
		"SERVICE_NAME",
		s->is_kubernetes ? s->name : s->host,
		"SERVICE_FQDN",
		s->host,
		"SERVICE_PORT",
		arena_printf(a, "%u", port->number),
		"TARGET_PORT",
		arena_printf(a, "%u", target_port),
		"SERVICE_PORT_NAME",
		str_or(port->name, ""),
		"SUBSET_NAME",
		str_or(subset, ""),
	};

	for (size_t i = 0; i < ARRAY_LEN(values); i += 2)
		if (strlen(values[i]) == n && !memcmp(values[i], token, n))
			return values[i + 1];
	return NULL;
}

const char *stat_pattern(struct arena *a, const char *pattern, const struct service *s,
			 const struct service_port_model *port, const char *subset,
			 uint16_t target_port)
{
	const char *out = "", *end, *value;

	for (const char *p = pattern; *p;) {
		if (*p == '%' && (end = strchr(p + 1, '%')) &&
		    (value = stat_token(a, p + 1, (size_t)(end - p - 1), s, port, subset,
					target_port))) {
			out = arena_printf(a, "%s%s", out, value);
			p = end + 1;
			continue;
		}
		size_t n = 1 + strcspn(p + 1, "%");

		out = arena_printf(a, "%s%.*s", out, (int)n, p);
		p += n;
	}
	return out;
}

/* PascalCase to kebab-case. */
static const char *kebab(struct arena *a, const char *kind)
{
	char *out = arena_alloc(a, strlen(kind) * 2 + 1), *o = out;

	for (const char *k = kind; *k; k++) {
		if (isupper((unsigned char)*k) && k > kind)
			*o++ = '-';
		*o++ = (char)tolower((unsigned char)*k);
	}
	return out;
}

const char *config_path(struct arena *a, const struct object *o)
{
	const struct kind *k = kind_of(o);

	return arena_printf(a, "/apis/%s/%s/namespaces/%s/%s/%s", k->group, k->versions[0], o->ns,
			    kebab(a, k->name), o->name);
}

Core__Address *address_of(struct arena *a, const char *ip, uint16_t port)
{
	if (!port) {
		const char *path = str_starts(ip, "unix://") ? ip + strlen("unix://") : ip;

		return PB_NEW(a, Core__Address, .address_case = CORE__ADDRESS__ADDRESS_PIPE,
			      .pipe = PB_NEW(a, Core__Pipe, .path = path));
	}
	return PB_NEW(a, Core__Address, .address_case = CORE__ADDRESS__ADDRESS_SOCKET_ADDRESS,
		      .socket_address =
			      PB_NEW(a, Core__SocketAddress, .address = ip,
				     .port_specifier_case =
					     CORE__SOCKET_ADDRESS__PORT_SPECIFIER_PORT_VALUE,
				     .port_value = port));
}

Core__ConfigSource *ads_source(struct arena *a)
{
	return PB_NEW(a, Core__ConfigSource,
		      .config_source_specifier_case =
			      CORE__CONFIG_SOURCE__CONFIG_SOURCE_SPECIFIER_ADS,
		      .ads = PB_NEW(a, Core__AggregatedConfigSource),
		      .initial_fetch_timeout = pb_duration(a, 0),
		      .resource_api_version = CORE__API_VERSION__V3);
}

static bool v6_only(struct run *r)
{
	return ask_is(r, ASK_HAS_V6, 0) && !ask_is(r, ASK_HAS_V4, 0);
}

const char *wildcard_address(struct run *r)
{
	return v6_only(r) ? "::" : "0.0.0.0";
}

const char *loopback_address(struct run *r)
{
	return v6_only(r) ? "::1" : "127.0.0.1";
}

void emit_resource(struct run *r, const char *name, const ProtobufCMessage *msg)
{
	ProtobufCBinaryData bytes = pb_pack(run_arena(r), msg);

	resource_emit(r, name, bytes.data, bytes.len);
}

void emit_field(struct run *r, unsigned number, const ProtobufCMessage *msg)
{
	ProtobufCBinaryData b = pb_pack(run_arena(r), msg);
	uint8_t head[12];
	size_t n = 0;

	assert(number < 16);
	head[n++] = (uint8_t)(number << 3 | 2);
	for (size_t len = b.len; n == 1 || len; len >>= 7)
		head[n++] = (uint8_t)((len & 127) | (len > 127 ? 128 : 0));
	run_emit(r, head, n);
	run_emit(r, b.data, b.len);
}
