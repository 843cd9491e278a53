/* Providers. A service is found among all that there are, whoever may see it, as istiod does. */
#include "model/provider.h"

#include "base/diag.h"
#include "model/cells.h"
#include "model/mesh.h"
#include "model/options.h"
#include "world/world.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const struct extension_provider *provider_find(struct run *r, const char *name)
{
	const struct extension_provider *v = mesh_get(r, extension_providers).v;
	uint32_t n = mesh_get(r, extension_providers).n;

	for (uint32_t i = 0; i < n; i++)
		if (!strcasecmp(str_or(v[i].name, ""), str_or(name, "")))
			return &v[i];
	return NULL;
}

void provider_warn(struct run *r, const char *provider, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	diag_warn(run_diag(r), (struct place){ .file = "mesh config" }, "extensionProviders",
		  "%s: %s", provider, text);
}

const char *provider_host(struct run *r, const char *provider, const char *service)
{
	const char *slash = strchr(str_or(service, ""), '/'), *host = slash ? slash + 1 : service;
	const char *ns =
		slash ? arena_strndup(run_arena(r), service, (size_t)(slash - service)) : NULL;
	const struct entry *e;
	bool found = false;

	if (str_empty(host)) {
		provider_warn(r, provider, "it names no service");
		return NULL;
	}
	e = read_entry(r, CELL_SVC_HOST, run_key(r, host));
	for (uint32_t i = 0; i < e->n; i++) {
		if (ns && !str_eq(e->v[i]->ns, ns))
			continue;
		if (!ns && found && !str_eq(e->v[i]->ns, e->v[0]->ns)) {
			provider_warn(r, provider, "service %s is in several namespaces; say which",
				      host);
			return NULL;
		}
		cite_object(r, e->v[i]);
		found = true;
	}
	if (!found)
		provider_warn(r, provider, "there is no service %s", service);
	return found ? host : NULL;
}

const char *provider_header_value(const struct provider_http_header *h)
{
	const struct model_options *o = model_options();

	if (str_empty(h->env_name))
		return str_or(h->value, "");
	return str_or(o->env ? o->env(h->env_name) : NULL, "");
}
