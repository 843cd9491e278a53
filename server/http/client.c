/* istiod's pages about connections, and problems as JSON. */
#include "http/client.h"
#include "doc/write.h"
#include "http/text.h"
#include <stdio.h>
#include <string.h>

int client_compare(const struct client *a, const struct client *b)
{
	int c = strcmp(a->cluster, b->cluster);

	c = c ? c : strcmp(a->ns, b->ns);
	c = c ? c : strcmp(a->proxy, b->proxy);
	return c ? c : strcmp(a->id, b->id);
}

bool client_is_in_order(const struct client *c)
{
	for (uint32_t i = 0; i < c->n_types; i++)
		if (!c->types[i].is_in_order)
			return false;
	return !c->missing;
}

/* istiod leaves out what is empty. */
static void put_filled(struct json *j, const char *key, const char *value)
{
	if (!str_empty(value))
		json_kv_str(j, key, value);
}

static void put_time(struct json *j, const char *key, int64_t ns)
{
	char text[TEXT_TIME];

	if (ns)
		json_kv_str(j, key, text_time(ns, text));
}

static void put_nonce(struct json *j, const struct client_type *t, const char *what,
		      const char *nonce)
{
	char key[64];

	snprintf(key, sizeof key, "%s_%s", t->field, what);
	put_filled(j, key, nonce);
}

static void put_sync(struct json *j, const struct client *c)
{
	json_map(j);
	put_filled(j, "cluster_id", c->cluster);
	put_filled(j, "proxy", c->proxy);
	put_filled(j, "proxy_type", c->kind);
	put_filled(j, "istio_version", c->version);
	for (uint32_t i = 0; i < c->n_types; i++) {
		if (!c->types[i].field)
			continue;
		put_nonce(j, &c->types[i], "sent", c->types[i].sent_nonce);
		put_nonce(j, &c->types[i], "acked", c->types[i].acked_nonce);
	}
	if (c->n_types) {
		json_key(j, "resources");
		json_map(j);
		for (uint32_t i = 0; i < c->n_types; i++) {
			const struct client_type *t = &c->types[i];

			json_key(j, t->url);
			json_map(j);
			put_filled(j, "sent", t->sent_nonce);
			put_filled(j, "acked", t->acked_nonce);
			put_time(j, "sentTime", t->sent_ns);
			put_filled(j, "lastError", t->error);
			json_map_end(j);
		}
		json_map_end(j);
	}
	json_map_end(j);
}

void client_syncz(struct json *j, const struct client_view *v)
{
	json_seq(j);
	for (uint32_t i = 0; i < v->n_clients; i++)
		put_sync(j, &v->clients[i]);
	json_seq_end(j);
}

static void put_watches(struct json *j, const struct client *c)
{
	json_key(j, "metadata");
	json_map(j);
	put_filled(j, "CLUSTER_ID", c->cluster);
	put_filled(j, "ISTIO_VERSION", c->version);
	put_filled(j, "NAMESPACE", c->ns);
	json_map_end(j);
	json_key(j, "watches");
	json_map(j);
	for (uint32_t i = 0; i < c->n_types; i++) {
		json_key(j, c->types[i].name);
		json_seq(j);
		for (uint32_t k = 0; k < c->types[i].n_names; k++)
			json_str(j, c->types[i].names[k]);
		json_seq_end(j);
	}
	json_map_end(j);
}

void client_connections(struct json *j, const struct client_view *v, bool full)
{
	json_map(j);
	json_kv_int(j, "totalClients", v->n_clients);
	json_key(j, "clients");
	json_seq(j);
	for (uint32_t i = 0; i < v->n_clients; i++) {
		const struct client *c = &v->clients[i];

		json_map(j);
		json_kv_str(j, "connectionId", c->id);
		put_time(j, "connectedAt", c->connected_ns);
		json_kv_str(j, "address", c->peer);
		if (full)
			put_watches(j, c);
		json_map_end(j);
	}
	json_seq_end(j);
	json_map_end(j);
}

void client_problems(struct json *j, const struct client_problem *v, uint32_t n)
{
	json_seq(j);
	for (uint32_t i = 0; i < n; i++) {
		const struct problem *p = &v[i].problem;
		char text[TEXT_TIME];

		json_map(j);
		json_kv_str(j, "severity", p->severity == SEVERITY_ERROR ? "error" : "warning");
		json_kv_str(j, "object", str_or(p->object, ""));
		json_kv_str(j, "file", str_or(p->place.file, ""));
		json_kv_int(j, "line", p->place.line);
		json_kv_int(j, "column", p->place.column);
		json_kv_str(j, "path", str_or(p->path, ""));
		json_kv_str(j, "reason", str_or(p->reason, ""));
		json_kv_str(j, "since", v[i].since_ns ? text_time(v[i].since_ns, text) : NULL);
		json_kv_bool(j, "inForce", v[i].in_force);
		json_map_end(j);
	}
	json_seq_end(j);
}
