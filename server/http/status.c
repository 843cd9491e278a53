/* /proxy-status: first a line for each proxy, as istioctl draws it; then why those that are not in order are not, down to
 * the object and its place in a file. What is read by people is cut where it would scroll away; JSON has it all. */
#include "base/buf.h"
#include "doc/write.h"
#include "http/client.h"
#include "http/table.h"
#include "http/text.h"
#include <string.h>

enum { BLOCKS_MAX = 100, PROBLEMS_MAX = 200 };

static const char *const columns[] = { "CDS", "LDS", "EDS", "RDS" };

static const struct client_type *type_named(const struct client *c, const char *name)
{
	for (uint32_t i = 0; i < c->n_types; i++)
		if (str_eq(c->types[i].name, name))
			return &c->types[i];
	return NULL;
}

static void put_table(struct buf *out, const struct client_view *v)
{
	static const char *const heads[] = { "NAME", "CLUSTER", "ISTIOD", "VERSION" };
	struct table t;

	table_init(&t, ARRAY_LEN(heads) + ARRAY_LEN(columns));
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		table_cell(&t, heads[i]);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		table_cell(&t, columns[i]);
	for (uint32_t i = 0; i < v->n_clients; i++) {
		const struct client *c = &v->clients[i];

		table_cell(&t, c->proxy);
		table_cell(&t, c->cluster);
		table_cell(&t, v->istiod);
		table_cell(&t, c->version);
		for (size_t k = 0; k < ARRAY_LEN(columns); k++) {
			const struct client_type *type = type_named(c, columns[k]);

			table_cell(&t, type ? type->state : "NOT SENT");
		}
	}
	table_print(&t, out);
	table_fini(&t);
}

/* "VirtualService shop/reviews (mesh/reviews.yaml:12)" */
static void put_object(struct buf *out, const struct client_object *o)
{
	text_clean(out, o->title);
	if (str_empty(o->place.file))
		return;
	buf_puts(out, " (");
	text_clean(out, o->place.file);
	if (o->place.line)
		buf_printf(out, ":%u", o->place.line);
	buf_putc(out, ')');
}

static void put_resource(struct buf *out, const struct client_resource *r)
{
	buf_puts(out, "  resource ");
	text_clean(out, r->name);
	buf_puts(out, r->n_objects ? ", made from:\n" : "\n");
	for (uint32_t i = 0; i < r->n_objects; i++) {
		buf_puts(out, "    ");
		put_object(out, &r->objects[i]);
		buf_putc(out, '\n');
	}
	if (r->n_more)
		buf_printf(out, "    ... and %u more\n", r->n_more);
}

static void put_block(struct buf *out, const struct client_view *v, const struct client *c,
		      const struct client_type *t)
{
	char age[TEXT_TIME];
	bool nack = t->error != NULL;

	buf_printf(out, "\n%s ", t->state);
	text_clean(out, c->proxy);
	buf_printf(out, " %s version %s, %s %s ago\n", t->name,
		   nack ? t->error_version : t->version, nack ? "rejected" : "sent",
		   text_age(v->now_ns - (nack ? t->error_ns : t->sent_ns), age));
	if (nack) {
		buf_puts(out, "  error: ");
		text_clean(out, t->error);
		while (out->p[out->len - 1] == ' ')
			out->p[--out->len] = '\0';
		buf_putc(out, '\n');
	} else if (t->acked_ns) {
		buf_printf(out, "  acknowledged: version %s, %s ago\n", t->acked_version,
			   text_age(v->now_ns - t->acked_ns, age));
	} else {
		buf_puts(out, "  acknowledged: nothing yet\n");
	}
	for (uint32_t i = 0; i < t->n_resources; i++)
		put_resource(out, &t->resources[i]);
}

static void put_blocks(struct buf *out, const struct client_view *v)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < v->n_clients; i++) {
		const struct client *c = &v->clients[i];

		if (c->missing && n++ < BLOCKS_MAX) {
			buf_puts(out, "\nLACKING ");
			text_clean(out, c->proxy);
			buf_puts(out,
				 "\n  it is sent nothing, for it does not have the extension ");
			text_clean(out, c->missing);
			buf_putc(out, '\n');
		}
		for (uint32_t k = 0; k < c->n_types; k++)
			if (!c->types[k].is_in_order && n++ < BLOCKS_MAX)
				put_block(out, v, c, &c->types[k]);
	}
	if (n > BLOCKS_MAX)
		buf_printf(out, "\n... and %u more (see -o json)\n", n - BLOCKS_MAX);
}

static void put_problems(struct buf *out, const struct client_view *v)
{
	char line[2048];

	if (v->n_problems)
		buf_puts(out, "\nPROBLEMS\n");
	for (uint32_t i = 0; i < v->n_problems && i < PROBLEMS_MAX; i++) {
		diag_print(&v->problems[i].problem, line, sizeof line);
		text_clean(out, line);
		buf_putc(out, '\n');
	}
	if (v->n_problems > PROBLEMS_MAX)
		buf_printf(out, "... and %u more (see /debug/configz?problems)\n",
			   v->n_problems - PROBLEMS_MAX);
}

void client_status_text(struct buf *out, const struct client_view *v)
{
	put_table(out, v);
	put_blocks(out, v);
	put_problems(out, v);
}

/* ---- JSON ---- */

static void json_time(struct json *j, const char *key, int64_t ns)
{
	char text[TEXT_TIME];

	json_kv_str(j, key, ns ? text_time(ns, text) : NULL);
}

static void json_objects(struct json *j, const struct client_type *t)
{
	json_key(j, "objects");
	json_seq(j);
	for (uint32_t i = 0; i < t->n_resources; i++)
		for (uint32_t k = 0; k < t->resources[i].n_objects; k++) {
			const struct client_object *o = &t->resources[i].objects[k];

			json_map(j);
			json_kv_str(j, "resource", t->resources[i].name);
			json_kv_str(j, "object", o->title);
			json_kv_str(j, "file", str_or(o->place.file, ""));
			json_kv_int(j, "line", o->place.line);
			json_map_end(j);
		}
	json_seq_end(j);
}

static void json_type(struct json *j, const struct client_view *v, const struct client_type *t)
{
	int64_t since = t->error ? t->error_ns : t->is_in_order ? t->acked_ns : t->sent_ns;
	char age[TEXT_TIME];

	json_key(j, t->name);
	json_map(j);
	json_kv_str(j, "state", t->state);
	json_kv_str(j, "version", t->version);
	json_kv_str(j, "ackedVersion", t->acked_version);
	json_kv_str(j, "sent", t->sent_nonce);
	json_kv_str(j, "acked", t->acked_nonce);
	json_time(j, "sentAt", t->sent_ns);
	json_time(j, "ackedAt", t->acked_ns);
	json_kv_str(j, "age", since ? text_age(v->now_ns - since, age) : NULL);
	json_kv_str(j, "error", t->error);
	if (t->error) {
		json_kv_str(j, "errorVersion", t->error_version);
		json_time(j, "errorAt", t->error_ns);
		json_objects(j, t);
	}
	json_map_end(j);
}

void client_status_json(struct json *j, const struct client_view *v)
{
	json_seq(j);
	for (uint32_t i = 0; i < v->n_clients; i++) {
		const struct client *c = &v->clients[i];

		json_map(j);
		json_kv_str(j, "proxy", c->proxy);
		json_kv_str(j, "cluster", c->cluster);
		json_kv_str(j, "istiod", v->istiod);
		json_kv_str(j, "version", c->version);
		json_kv_str(j, "peer", c->peer);
		json_time(j, "connectedAt", c->connected_ns);
		json_kv_bool(j, "inOrder", client_is_in_order(c));
		json_kv_str(j, "missingExtension", c->missing);
		json_key(j, "types");
		json_map(j);
		for (uint32_t k = 0; k < c->n_types; k++)
			json_type(j, v, &c->types[k]);
		json_map_end(j);
		json_key(j, "problems");
		client_problems(j, c->problems, c->n_problems);
		json_map_end(j);
	}
	json_seq_end(j);
}
