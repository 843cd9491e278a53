/* Answers about a proxy, and the texts that its facts are made of. Labels are one text, so that facts stay a plain struct
 * and a selector is one key; matching compares pieces of text and allocates nothing.
 */
#include "model/proxy.h"
#include "base/buf.h"
#include "doc/read.h"
#include "model/cells.h"
#include "model/mesh.h"
#include "model/proxy_cell.h"
#include "schema/object.h"
#include "types.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- labels as text ---- */

static void put_escaped(struct buf *b, const char *s)
{
	for (; *s; s++) {
		if (*s == '%' || *s == ',' || *s == '=')
			buf_printf(b, "%%%02X", (unsigned)*s);
		else
			buf_putc(b, *s);
	}
}

static void put_labels(struct buf *b, const struct str_map *m)
{
	for (uint32_t i = 0; m && i < m->n; i++) {
		if (i)
			buf_putc(b, ',');
		put_escaped(b, m->v[i].key);
		buf_putc(b, '=');
		put_escaped(b, str_or(m->v[i].value, ""));
	}
}

const char *labels_text(struct arena *a, const struct str_map *m)
{
	cleanup(buf_fini) struct buf b = BUF_INIT;

	put_labels(&b, m);
	return arena_strdup(a, buf_str(&b));
}

uint32_t proxy_selector_key(struct keys *k, const struct str_map *m)
{
	cleanup(buf_fini) struct buf b = BUF_INIT;

	put_labels(&b, m);
	return key_str(k, buf_str(&b));
}

static unsigned hex_digit(char c)
{
	return c >= 'A' ? (unsigned)(c - 'A') + 10 : (unsigned)(c - '0');
}

static const char *unescape(struct arena *a, const char *s, size_t n)
{
	char *out = arena_alloc(a, n + 1), *p = out;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '%' && i + 2 < n) {
			*p++ = (char)(hex_digit(s[i + 1]) << 4 | hex_digit(s[i + 2]));
			i += 2;
		} else {
			*p++ = s[i];
		}
	}
	return out;
}

struct str_map labels_parse(struct arena *a, const char *text)
{
	struct str_pair *v = NULL;
	uint32_t n = 0, cap = 0;

	while (*text) {
		size_t len = strcspn(text, ","), key = strcspn(text, "=");

		assert(key < len);
		*ARENA_PUSH(a, v, n, cap) = (struct str_pair){
			unescape(a, text, key),
			unescape(a, text + key + 1, len - key - 1),
		};
		text += len + (text[len] == ',');
	}
	return (struct str_map){ v, n, true };
}

/* Is the piece "k=v" of that length among those of the text? */
static bool has_piece(const char *text, const char *piece, size_t n)
{
	while (*text) {
		size_t len = strcspn(text, ",");

		if (len == n && !memcmp(text, piece, n))
			return true;
		text += len + (text[len] == ',');
	}
	return false;
}

static bool text_matches(const char *selector, const char *labels)
{
	while (*selector) {
		size_t len = strcspn(selector, ",");

		if (!has_piece(labels, selector, len))
			return false;
		selector += len + (selector[len] == ',');
	}
	return true;
}

bool labels_match(const struct str_map *selector, const struct str_map *labels)
{
	for (uint32_t i = 0; selector && i < selector->n; i++) {
		const char *v = labels ? str_map_get(labels, selector->v[i].key) : NULL;

		if (!v || strcmp(v, str_or(selector->v[i].value, "")))
			return false;
	}
	return true;
}

/* ---- answers ---- */

/* The value's key was interned with the facts (proxy_facts.c). */
static uint32_t label_value(const struct keys *k, const char *labels, const char *name)
{
	cleanup(buf_fini) struct buf key = BUF_INIT;
	cleanup(arena_fini) struct arena a = ARENA_INIT;

	put_escaped(&key, name);
	buf_putc(&key, '=');
	for (const char *s = labels; *s;) {
		size_t len = strcspn(s, ",");

		if (len >= key.len && !memcmp(s, key.p, key.len))
			return key_find(k, unescape(&a, s + key.len, len - key.len));
		s += len + (s[len] == ',');
	}
	return 0;
}

static bool sees_network(const struct keys *k, uint32_t view, uint32_t network)
{
	const char *name = network ? key_text(k, network) : "";

	return view == KEY_EMPTY || !*name || has_piece(key_text(k, view), name, strlen(name));
}

uint32_t proxy_answer(const struct keys *k, const void *facts, unsigned question, uint32_t arg)
{
	const struct proxy_facts *f = facts;

	switch ((enum question)question) {
	case ASK_NS_IS: return f->ns == arg;
	case ASK_LABELS_MATCH: return text_matches(key_text(k, arg), key_text(k, f->labels));
	case ASK_IS_ROUTER: return f->type == PROXY_ROUTER;
	case ASK_HAS_V4: return !!(f->ip_family & 1);
	case ASK_HAS_V6: return !!(f->ip_family & 2);
	case ASK_V6_FIRST: return !!(f->ip_family & 4);
	case ASK_FLAG: return !!(f->flags & 1u << arg);
	case ASK_EXTENSION: return !!(f->extensions & 1u << arg);
	case ASK_VERSION: return f->version >= arg;
	case ASK_CLUSTER_IS: return f->cluster == KEY_EMPTY || f->cluster == arg;
	case ASK_SEES_NETWORK: return sees_network(k, f->network_view, arg);
	case ASK_NODE_IS: return f->node_name == arg;
	case ASK_DNS_DOMAIN_IS: return f->dns_domain == arg;
	case ASK_DNS_SUFFIX_IS:
		return str_eq(strstr(key_text(k, f->dns_domain), ".svc."), key_text(k, arg));
	case ASK_NS: return f->ns;
	case ASK_MODE: return f->mode;
	case ASK_CLUSTER: return f->cluster;
	case ASK_NETWORK: return f->network;
	case ASK_LOCALITY: return f->locality;
	case ASK_LABEL: return label_value(k, key_text(k, f->labels), key_text(k, arg));
	case ASK_LABELS: return f->labels != KEY_EMPTY;
	case ASK_DNS_DOMAIN: return f->dns_domain;
	case ASK_META: return f->meta[arg];
	case ASK_PROXY_CONFIG: return f->proxy_config;
	case ASK_TARGETS: return f->targets;
	case ASK_OWN_ADDRESSES: return f->own_addresses;
	case ASK_MESH_ID: return f->mesh_id;
	case ASK_WORKLOAD_NAME: return f->workload_name;
	}
	assert(!"a question that nobody answers");
	return 0;
}

const struct mesh_proxy_config *proxy_config_of(struct run *run)
{
	struct diag diag = DIAG_INIT;
	const struct mesh_proxy_config *c;
	const struct node *n;
	const char *text;
	uint32_t key = ask(run, ASK_PROXY_CONFIG, 0);

	if (!key)
		return mesh_get(run, default_config);
	text = run_text(run, key);
	n = json_read(text, strlen(text), NULL, run_arena(run), &diag);
	c = n ? struct_decode(&mesh_proxy_config_type, n, run_arena(run), "", true, &diag) : NULL;
	assert(c); /* we printed it */
	diag_fini(&diag);
	return c;
}

/* ---- service targets: a line each, fields between tabs ---- */

static const char *field(struct arena *a, const char **text)
{
	size_t len = strcspn(*text, "\t\n");
	const char *v = arena_strndup(a, *text, len);

	*text += len + ((*text)[len] != '\0');
	return v;
}

static uint16_t number(struct arena *a, const char **text)
{
	return (uint16_t)strtoul(field(a, text), NULL, 10);
}

const struct service_target *proxy_targets(struct run *run, uint32_t *ret_n)
{
	uint32_t key = ask(run, ASK_TARGETS, 0), n = 0, cap = 0;
	const char *text = key ? run_text(run, key) : "";
	struct arena *a = run_arena(run);
	struct service_target *v = NULL;

	while (*text) {
		struct service_target t = { 0 };

		t.ns = field(a, &text);
		t.host = field(a, &text);
		t.name = field(a, &text);
		t.port_name = field(a, &text);
		t.port = number(a, &text);
		t.target_port = number(a, &text);
		t.protocol = (uint8_t)number(a, &text);
		*ARENA_PUSH(a, v, n, cap) = t;
		/* Read when the facts were made, and a source of what is made from them. */
		cite_cell(run, CELL_SVC_NS_HOST,
			  run_pair(run, run_key(run, t.ns), run_key(run, t.host)));
	}
	*ret_n = n;
	return v;
}
