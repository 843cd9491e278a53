/* What a proxy is sent, in the form of Envoy's config dump, so that the two can be compared. It is written resource by
 * resource, since all of them as messages at once would be many times their bytes. Secrets are named, never shown.
 */
#include "base/arena.h"
#include "daemon/connection.h"
#include "daemon/pages_impl.h"
#include "pb/json.h"
#include <stdlib.h>
#include <string.h>

#define ADMIN "type.googleapis.com/envoy.admin.v3."

enum { MESSAGE_MEMORY_MAX = 256 << 20 };

/* The parts of a config dump in istiod's order. A part without list is there for its name. */
static const struct part {
	const char *dump;    /* "@type" of the part */
	const char *list;    /* key of its resources */
	const char *state;   /* key that an entry's state hangs below; NULL: it is the entry */
	const char *content; /* key of the resource */
	enum xds_type type;
	bool named, with_version, only_if_asked;
} parts[] = {
	{ ADMIN "BootstrapConfigDump", NULL, NULL, NULL, XDS_N, false, false, false },
	{ ADMIN "ClustersConfigDump", "dynamicActiveClusters", NULL, "cluster", XDS_CDS, false,
	  true, false },
	{ ADMIN "EndpointsConfigDump", "dynamicEndpointConfigs", NULL, "endpointConfig", XDS_EDS,
	  false, false, true },
	{ ADMIN "ListenersConfigDump", "dynamicListeners", "activeState", "listener", XDS_LDS, true,
	  true, false },
	{ ADMIN "ScopedRoutesConfigDump", NULL, NULL, NULL, XDS_N, false, false, false },
	{ ADMIN "RoutesConfigDump", "dynamicRouteConfigs", NULL, "routeConfig", XDS_RDS, false,
	  false, false },
	{ ADMIN "SecretsConfigDump", "dynamicActiveSecrets", NULL, NULL, XDS_SDS, true, false,
	  false },
	{ ADMIN "EcdsConfigDump", "ecdsFilters", NULL, "ecdsFilter", XDS_ECDS, false, false,
	  false },
};

struct dump {
	struct arena arena;
	struct ads_status status;
	struct json *json;
};

/* ---- resources ---- */

struct resources {
	const struct names *only; /* subscribed by name; NULL: all */
	struct resource *v;
	uint32_t n, cap;
};

static bool collect(void *ctx, const struct resource *r)
{
	struct resources *x = ctx;

	if (x->only && !names_has(x->only, r->name))
		return true;
	VEC_ROOM(x->v, x->n, x->cap);
	x->v[x->n++] = *r;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct resource *)a)->name, ((const struct resource *)b)->name);
}

/* What of a type the proxy is to have now, sorted: of types that are asked for by name what it asks for. */
static struct resources resources_of(const struct dump *d, enum xds_type type)
{
	const struct root *root = type < XDS_N ? snapshot_root(d->status.snapshot, type) : NULL;
	struct resources x = { 0 };
	bool wanted = xds_types[type].wildcard;

	for (uint32_t i = 0; i < d->status.n; i++)
		if (d->status.v[i].type == type) {
			x.only = d->status.v[i].all ? NULL : d->status.v[i].names;
			wanted = d->status.v[i].all || x.only;
		}
	if (root && wanted)
		root_each(root, collect, &x);
	if (x.n)
		qsort(x.v, x.n, sizeof *x.v, by_name);
	return x;
}

static void put_message(struct json *j, const char *url, const struct resource *r, bool as_any)
{
	struct arena a = ARENA_INIT;
	struct buf body = BUF_INIT;
	ProtobufCBinaryData bytes;

	resource_body(r, &body);
	bytes = (ProtobufCBinaryData){ body.len, (uint8_t *)body.p };
	if (as_any) {
		pb_print(j, &pb_any_packed(&a, url, bytes)->base);
	} else {
		const struct pb_type *t = pb_type_by_url(url);
		ProtobufCMessage *m = t ? pb_unpack(&a, t->desc, buf_str(&body), body.len,
						    MESSAGE_MEMORY_MAX, NULL)
					: NULL;

		if (m)
			pb_print(j, m);
		else
			json_null(j);
	}
	buf_fini(&body);
	arena_fini(&a);
}

/* ---- the dump ---- */

static void put_version(struct json *j, uint64_t version)
{
	char text[VERSION_HEX];

	version_hex(version, text);
	json_kv_str(j, "versionInfo", text);
}

static void put_entry(struct json *j, const struct part *p, const struct resource *r)
{
	json_map(j);
	if (p->named)
		json_kv_str(j, "name", r->name);
	if (p->state) {
		json_key(j, p->state);
		json_map(j);
	}
	if (p->content) {
		put_version(j, resource_version(r));
		json_key(j, p->content);
		put_message(j, xds_types[p->type].url, r, true);
	} else {
		json_kv_str(j, "versionInfo", "uninitialized");
	}
	if (p->state)
		json_map_end(j);
	json_map_end(j);
}

static void put_part(struct dump *d, const struct part *p)
{
	struct json *j = d->json;
	struct resources x = { 0 };

	json_map(j);
	json_kv_str(j, "@type", p->dump);
	if (p->list)
		x = resources_of(d, p->type);
	if (p->with_version)
		put_version(j, root_version(snapshot_root(d->status.snapshot, p->type)));
	if (x.n) {
		json_key(j, p->list);
		json_seq(j);
		for (uint32_t i = 0; i < x.n; i++)
			put_entry(j, p, &x.v[i]);
		json_seq_end(j);
	}
	json_map_end(j);
	xfree(x.v);
}

/* `types`: the resources themselves. */
static void put_type(struct dump *d, enum xds_type type)
{
	struct resources x = resources_of(d, type);

	for (uint32_t i = 0; i < x.n && type != XDS_SDS; i++)
		put_message(d->json, xds_types[type].url, &x.v[i], true);
	xfree(x.v);
}

/* "cds,lds" or type URLs as a set of bits. False: *ret_bad is not a type. */
static bool parse_types(struct arena *a, const char *text, uint32_t *ret, const char **ret_bad)
{
	char *save = NULL;
	uint32_t set = 0;

	for (char *t = strtok_r(arena_strdup(a, text), ",", &save); t;
	     t = strtok_r(NULL, ",", &save)) {
		unsigned type = 0;

		while (type < XDS_N && !str_eq(xds_types[type].name, t) &&
		       !str_eq(xds_types[type].url, t))
			type++;
		if (type == XDS_N) {
			*ret_bad = t;
			return false;
		}
		set |= 1u << type;
	}
	*ret = set;
	return true;
}

/* False: *out says why. */
static bool dump_begin(struct pages *p, const struct http_request *r, struct http_response *out,
		       struct dump *d)
{
	struct connection *c = pages_find(p, r, out);

	*d = (struct dump){ .arena = ARENA_INIT };
	if (!c)
		return false;
	with_lock(&c->lock)
		ads_status_copy(c->ads, &d->arena, &d->status);
	connection_unref(c);
	if (!d->status.snapshot) {
		arena_fini(&d->arena);
		http_respond(out, 503, "the proxy waits for the first configuration\n");
		return false;
	}
	return true;
}

void page_config_dump(struct pages *p, const struct http_request *r, struct http_response *out)
{
	const char *types = http_query(r, "types"), *bad;
	uint32_t set = 0;
	struct dump d;
	struct json j;

	if (!dump_begin(p, r, out, &d))
		return;
	d.json = &j;
	if (types && !parse_types(&d.arena, types, &set, &bad)) {
		http_respond(out, 400, "no such type: %s\n", bad);
	} else {
		page_json(r, out, &j);
		json_map(&j);
		json_key(&j, "configs");
		json_seq(&j);
		for (size_t i = 0; i < ARRAY_LEN(parts) && !types; i++)
			if (!parts[i].only_if_asked || http_query(r, "include_eds"))
				put_part(&d, &parts[i]);
		for (unsigned t = 0; t < XDS_N; t++)
			if (set >> t & 1)
				put_type(&d, t);
		json_seq_end(&j);
		json_map_end(&j);
	}
	arena_fini(&d.arena);
}

/* The resources of one type as they are, in a list or (the name table) alone. */
static void page_of_type(struct pages *p, const struct http_request *r, struct http_response *out,
			 enum xds_type type, bool single)
{
	struct resources x;
	struct dump d;
	struct json j;

	if (!dump_begin(p, r, out, &d))
		return;
	x = resources_of(&d, type);
	page_json(r, out, &j);
	if (!single)
		json_seq(&j);
	for (uint32_t i = 0; i < (single ? MIN(x.n, 1) : x.n); i++)
		put_message(&j, xds_types[type].url, &x.v[i], false);
	if (!single) {
		json_seq_end(&j);
	} else if (!x.n) {
		json_map(&j);
		json_map_end(&j);
	}
	xfree(x.v);
	arena_fini(&d.arena);
}

void page_edsz(struct pages *p, const struct http_request *r, struct http_response *out)
{
	page_of_type(p, r, out, XDS_EDS, false);
}

void page_ndsz(struct pages *p, const struct http_request *r, struct http_response *out)
{
	page_of_type(p, r, out, XDS_NDS, true);
}

void page_ecdsz(struct pages *p, const struct http_request *r, struct http_response *out)
{
	page_of_type(p, r, out, XDS_ECDS, false);
}
