/* What the webhook demands of ServiceEntries. */
#include "base/ip.h"
#include "schema/check_impl.h"
#include <string.h>

static bool endpoint_has_port(const struct service_entry_spec *s, const char *name)
{
	for (uint32_t i = 0; i < s->ports.n; i++)
		if (str_eq(s->ports.v[i].name, name))
			return true;
	return false;
}

static void check_endpoint(struct check *c, const struct service_entry_spec *s, uint32_t i)
{
	const struct workload_entry_spec *e = &s->endpoints.v[i];
	const char *path = sub(c, "spec.endpoints", "[%u]", i);
	bool unix_socket = str_starts(str_or(e->address, ""), "unix://");
	struct ip ip;

	if (s->resolution == SERVICE_ENTRY_SPEC_RESOLUTION_STATIC && !str_empty(e->address) &&
	    !unix_socket && !ip_parse(e->address, &ip))
		bad(c, sub(c, path, "address"), "\"%s\" is no IP address, which STATIC needs",
		    e->address);
	if (unix_socket && e->ports.n)
		bad(c, sub(c, path, "ports"), "a Unix socket has none");
	for (uint32_t j = 0; j < e->ports.n; j++) {
		if (!endpoint_has_port(s, e->ports.v[j].key))
			bad(c, sub(c, path, "ports"), "\"%s\" is no port of this entry",
			    e->ports.v[j].key);
		if (e->ports.v[j].value < 1 || e->ports.v[j].value > 65535)
			bad(c, sub(c, path, "ports"), "a port is 1 to 65535");
	}
}

static void check_dynamic(struct check *c, const struct service_entry_spec *s)
{
	for (uint32_t i = 0; i < s->hosts.n; i++)
		if (s->hosts.v[i][0] != '*')
			bad(c, sub(c, "spec.hosts", "[%u]", i), "DYNAMIC_DNS takes wildcard hosts");
	if (s->addresses.n)
		bad(c, "spec.addresses", "DYNAMIC_DNS has none");
	if (s->endpoints.n)
		bad(c, "spec.endpoints", "DYNAMIC_DNS has none");
	for (uint32_t i = 0; i < s->ports.n; i++) {
		static const char *const good[] = { "http", "tls", "grpc", "http2" };
		bool ok = false;

		for (size_t j = 0; j < ARRAY_LEN(good); j++)
			ok |= !strcasecmp(good[j], str_or(s->ports.v[i].protocol, ""));
		if (!ok)
			bad(c, sub(c, "spec.ports", "[%u].protocol", i),
			    "DYNAMIC_DNS takes HTTP, HTTP2, GRPC and TLS");
	}
}

static void check_resolution(struct check *c, const struct service_entry_spec *s)
{
	bool selector = s->workload_selector != NULL;

	switch (s->resolution) {
	case SERVICE_ENTRY_SPEC_RESOLUTION_DNS:
	case SERVICE_ENTRY_SPEC_RESOLUTION_DNS_ROUND_ROBIN:
		for (uint32_t i = 0; !s->endpoints.n && !selector && i < s->hosts.n; i++)
			if (!is_host(s->hosts.v[i], false))
				bad(c, sub(c, "spec.hosts", "[%u]", i),
				    "without endpoints the host must be a full name");
		if (s->resolution == SERVICE_ENTRY_SPEC_RESOLUTION_DNS_ROUND_ROBIN &&
		    s->endpoints.n > 1)
			bad(c, "spec.endpoints", "DNS_ROUND_ROBIN takes one");
		break;
	case SERVICE_ENTRY_SPEC_RESOLUTION_DYNAMIC_DNS: check_dynamic(c, s); break;
	case SERVICE_ENTRY_SPEC_RESOLUTION_STATIC: break;
	default:
		if (s->endpoints.n)
			bad(c, "spec.endpoints", "resolution NONE has none");
	}
}

static void check_ports(struct check *c, const struct service_entry_spec *s)
{
	for (uint32_t i = 0; i < s->ports.n; i++) {
		const struct se_port *p = &s->ports.v[i];
		const char *path = sub(c, "spec.ports", "[%u]", i);

		if (!is_dns_label(p->name))
			bad(c, sub(c, path, "name"), "\"%s\" is no port name", str_or(p->name, ""));
		if (!str_empty(p->protocol) && !is_protocol(p->protocol))
			bad(c, sub(c, path, "protocol"), "\"%s\" is no protocol", p->protocol);
		if (!is_port(&p->number))
			bad(c, sub(c, path, "number"), "a port is 1 to 65535");
		if (p->target_port.v && !is_port(&p->target_port))
			bad(c, sub(c, path, "targetPort"), "a port is 1 to 65535");
		for (uint32_t j = 0; j < i; j++)
			if (str_eq(s->ports.v[j].name, p->name) ||
			    s->ports.v[j].number.v == p->number.v)
				bad(c, path, "name and number must be unique");
	}
}

void check_service_entry(struct check *c)
{
	const struct service_entry_spec *s = ((const struct service_entry *)c->object->body)->spec;
	struct ip ip;

	if (!s)
		return;
	for (uint32_t i = 0; i < s->hosts.n; i++) {
		const char *path = sub(c, "spec.hosts", "[%u]", i);

		if (str_eq(s->hosts.v[i], "*"))
			bad(c, path, "\"*\" is too much");
		else
			check_host(c, path, s->hosts.v[i], true);
	}
	for (uint32_t i = 0; i < s->addresses.n; i++) {
		const char *path = sub(c, "spec.addresses", "[%u]", i);

		if (!cidr_parse(s->addresses.v[i], &ip))
			bad(c, path, "\"%s\" is neither an address nor a range", s->addresses.v[i]);
		else if (strchr(s->addresses.v[i], '/') &&
			 s->resolution > SERVICE_ENTRY_SPEC_RESOLUTION_STATIC)
			bad(c, path, "ranges go with NONE and STATIC only");
	}
	check_ports(c, s);
	check_resolution(c, s);
	for (uint32_t i = 0; i < s->endpoints.n; i++)
		check_endpoint(c, s, i);
	if (s->workload_selector)
		for (uint32_t i = 0; i < s->workload_selector->labels.n; i++)
			if (str_empty(s->workload_selector->labels.v[i].key))
				bad(c, "spec.workloadSelector.labels", "an empty key");
	check_export_to(c, &s->export_to, true, false);
}
