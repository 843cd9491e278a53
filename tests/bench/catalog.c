/* Two tables of chains through arrays: names by kind and text, resources by kind and hash of the body. */
#include "tests/bench/catalog.h"
#include "base/hash.h"
#include <assert.h>
#include <string.h>

struct name {
	char *text;
	enum ads_kind kind;
	uint32_t next;
};
struct row {
	struct resource r;
	uint32_t next;
};
struct table {
	uint32_t *heads, n_heads; /* a power of two */
};
struct catalog {
	struct name *names;
	struct row *rows;
	size_t n_names, c_names, n_rows, c_rows;
	struct table by_name, by_hash;
};

enum { N_HEADS = 1 << 16 };

struct catalog *catalog_new(void)
{
	struct catalog *c = xcalloc(1, sizeof *c);

	c->by_name = (struct table){ xcalloc(N_HEADS, sizeof(uint32_t)), N_HEADS };
	c->by_hash = (struct table){ xcalloc(N_HEADS, sizeof(uint32_t)), N_HEADS };
	VEC_ROOM(c->names, c->n_names, c->c_names);
	VEC_ROOM(c->rows, c->n_rows, c->c_rows);
	c->n_names = c->n_rows = 1; /* 0 is none */
	return c;
}

void catalog_free(struct catalog *c)
{
	for (size_t i = 1; i < c->n_names; i++)
		xfree(c->names[i].text);
	for (size_t i = 1; i < c->n_rows; i++) {
		xfree(c->rows[i].r.version);
		xfree(c->rows[i].r.wants);
	}
	xfree(c->names);
	xfree(c->rows);
	xfree(c->by_name.heads);
	xfree(c->by_hash.heads);
	xfree(c);
}

static uint32_t *head(const struct table *t, enum ads_kind kind, uint64_t hash)
{
	return &t->heads[(hash + kind) & (t->n_heads - 1)];
}

uint32_t catalog_name(struct catalog *c, enum ads_kind kind, const char *text)
{
	uint32_t *at = head(&c->by_name, kind, hash_str(text));

	for (uint32_t i = *at; i; i = c->names[i].next)
		if (c->names[i].kind == kind && str_eq(c->names[i].text, text))
			return i;
	VEC_ROOM(c->names, c->n_names, c->c_names);
	c->names[c->n_names] = (struct name){ xstrdup(text), kind, *at };
	*at = (uint32_t)c->n_names;
	return (uint32_t)c->n_names++;
}

uint32_t catalog_n_names(const struct catalog *c)
{
	return (uint32_t)c->n_names - 1;
}

const char *catalog_text(const struct catalog *c, uint32_t name)
{
	assert(name && name < c->n_names);
	return c->names[name].text;
}

enum ads_kind catalog_kind(const struct catalog *c, uint32_t name)
{
	assert(name && name < c->n_names);
	return c->names[name].kind;
}

const struct resource *catalog_at(const struct catalog *c, uint32_t resource)
{
	assert(resource && resource < c->n_rows);
	return &c->rows[resource].r;
}

bool catalog_has(const struct catalog *c, enum ads_kind kind, uint64_t hash)
{
	for (uint32_t i = *head(&c->by_hash, kind, hash); i; i = c->rows[i].next)
		if (c->rows[i].r.kind == kind && c->rows[i].r.hash == hash)
			return true;
	return false;
}

/* ---- what a resource asks for ---- */

static void want(struct catalog *c, struct resource *r, enum ads_kind kind, struct wire name)
{
	char text[READER_TEXT_MAX];
	size_t n = (size_t)(name.end - name.p);

	assert(n < sizeof text);
	memcpy(text, name.p, n);
	text[n] = 0;
	r->wants = xrealloc_array(r->wants, r->n_wants + 1, sizeof *r->wants);
	r->wants[r->n_wants++] = catalog_name(c, kind, text);
}

/* Cluster: name 1, type 2 (EDS is 3), eds_cluster_config 3 { service_name 2 }. */
static void look_into_cluster(struct catalog *c, struct resource *r, struct wire w)
{
	struct wire name = { 0 }, service = { 0 };
	struct wire_field f, g;
	bool is_eds = false;

	while (wire_next(&w, &f)) {
		if (f.number == 1)
			name = f.data;
		if (f.number == 2)
			is_eds = f.value == 3;
		while (f.number == 3 && wire_next(&f.data, &g))
			if (g.number == 2)
				service = g.data;
	}
	if (is_eds)
		want(c, r, ADS_EDS, service.p != service.end ? service : name);
}

/* Filter: typed_config 4, an Any { type_url 1, value 2 }; HttpConnectionManager: rds 3 { route_config_name 2 }. */
static void look_into_filter(struct catalog *c, struct resource *r, struct wire filter)
{
	static const char hcm[] = "type.googleapis.com/envoy.extensions.filters.network."
				  "http_connection_manager.v3.HttpConnectionManager";
	struct wire_field f, any, field, rds;

	while (wire_next(&filter, &f)) {
		bool is_hcm = false;

		while (f.number == 4 && wire_next(&f.data, &any)) {
			is_hcm |= any.number == 1 && wire_is(any.data, hcm);
			while (is_hcm && any.number == 2 && wire_next(&any.data, &field))
				while (field.number == 3 && wire_next(&field.data, &rds))
					if (rds.number == 2)
						want(c, r, ADS_RDS, rds.data);
		}
	}
}

/* Listener: filter_chains 3 and default_filter_chain 25; of these: filters 3. */
static void look_into_listener(struct catalog *c, struct resource *r, struct wire w)
{
	struct wire_field f, g;

	while (wire_next(&w, &f))
		while ((f.number == 3 || f.number == 25) && wire_next(&f.data, &g))
			if (g.number == 3)
				look_into_filter(c, r, g.data);
}

uint32_t catalog_resource(struct catalog *c, const struct seen *s)
{
	uint32_t *at = head(&c->by_hash, s->kind, s->hash);
	uint32_t twin = 0;
	struct resource *r;

	for (uint32_t i = *at; i; i = c->rows[i].next) {
		r = &c->rows[i].r;
		if (r->hash != s->hash || r->kind != s->kind)
			continue;
		if (str_eq(r->version, s->version) && str_eq(c->names[r->name].text, s->name))
			return i;
		twin = i;
	}
	VEC_ROOM(c->rows, c->n_rows, c->c_rows);
	r = &c->rows[c->n_rows].r;
	*r = (struct resource){ .kind = s->kind,
				.name = catalog_name(c, s->kind, s->name),
				.hash = s->hash,
				.version = xstrdup(s->version) };
	if (twin) {
		const struct resource *t = &c->rows[twin].r;

		for (; r->n_wants < t->n_wants; r->n_wants++) {
			r->wants = xrealloc_array(r->wants, t->n_wants, sizeof *r->wants);
			r->wants[r->n_wants] = t->wants[r->n_wants];
		}
	} else if (s->kind == ADS_CDS) {
		look_into_cluster(c, r, (struct wire){ s->body, s->body + s->len });
	} else if (s->kind == ADS_LDS) {
		look_into_listener(c, r, (struct wire){ s->body, s->body + s->len });
	}
	c->rows[c->n_rows].next = *at;
	*at = (uint32_t)c->n_rows;
	return (uint32_t)c->n_rows++;
}
