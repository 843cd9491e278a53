/* What a resource of a connected proxy was made from, and what an object reaches. The model thread gathers, a slice at a
 * time where there is much; what is gathered is printed here.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "daemon/connection.h"
#include "daemon/model_thread.h"
#include "daemon/pages_impl.h"
#include "translate/explain.h"
#include "translate/impact.h"
#include <string.h>

#define SLICE_NS (20 * NS_PER_MS)

/* For the command line, whose exit code it decides. */
static void say(struct http_response *out, const char *status)
{
	http_response_header(out, "Mainsheet-Status", status);
}

static bool wants_json(const struct http_request *r)
{
	return http_accept(r, HTTP_JSON) > http_accept(r, "text/plain");
}

/* ---- explain ---- */

struct explaining {
	const struct connection *connection;
	const char *resource;
	enum explain_outcome outcome;
	struct explanation found;
	struct err why;
};

static void explain_one(void *ctx, struct engine *e)
{
	struct explaining *x = ctx;

	x->outcome = EXPLAIN_NOT_FOUND;
	if (x->connection->proxy)
		x->outcome = explain(e, x->connection->proxy, x->resource, &x->found, &x->why);
	else
		err(&x->why, "the proxy is on its way in or out");
}

static void put_explanation(const struct http_request *r, struct http_response *out,
			    const struct explaining *x)
{
	bool json = wants_json(r);

	switch (x->outcome) {
	case EXPLAIN_BAD_NAME: http_respond(out, 400, "%s\n", x->why.text); break;
	case EXPLAIN_NOT_FOUND: http_respond(out, 404, "%s\n", x->why.text); break;
	case EXPLAIN_FOUND:
		out->type = json ? HTTP_JSON : HTTP_TEXT;
		explanation_print(&x->found, json, http_query(r, "pretty"), &out->body);
		break;
	}
}

void page_explain(struct pages *p, const struct http_request *r, struct http_response *out)
{
	struct explaining x = { .resource = http_query(r, "resource"), .why = ERR_INIT };
	struct connection *c = NULL;

	if (str_empty(x.resource))
		http_respond(out, 400, "resource= is needed, such as resource=cluster/NAME\n");
	else if ((c = pages_find(p, r, out))) {
		x.connection = c;
		if (model_call(p->model, explain_one, &x))
			put_explanation(r, out, &x);
		else
			page_stopping(out);
		explanation_fini(&x.found);
		connection_unref(c);
	}
	say(out, out->status == 200 ? "found" : "not-found");
}

/* ---- impact ---- */

struct reaching {
	struct impact *impact;
	struct connection **v; /* each with its proxy */
	uint32_t n, next;
	bool gone, too_much;
};

/* Connections of one class are dealt with at once. */
static void reach_some(void *ctx, struct engine *e)
{
	struct reaching *x = ctx;
	int64_t until = clock_mono_ns() + SLICE_NS;

	if (!impact_begin(x->impact, e)) {
		x->gone = true;
		return;
	}
	while (x->next < x->n && !x->too_much) {
		const struct connection *c = x->v[x->next++];

		if (c->proxy)
			x->too_much = !impact_add(x->impact, c->proxy, c->proxy_id);
		if (clock_mono_ns() >= until)
			break;
	}
	impact_end(x->impact);
}

/* Those that have said who they are, and whose name has `part` in it; the rest is let go. */
static uint32_t keep_joined(struct connection **v, uint32_t n, const char *part)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		bool joined = false;

		with_lock(&v[i]->lock)
			joined = v[i]->joined && !v[i]->closed;
		if (joined && (str_empty(part) || strstr(v[i]->proxy_id, part)))
			v[kept++] = v[i];
		else
			connection_unref(v[i]);
	}
	return kept;
}

static void put_impact(struct pages *p, const struct http_request *r, struct http_response *out,
		       struct reaching *x)
{
	const char *object = http_query(r, "object");
	bool json = wants_json(r);

	do {
		if (!model_call(p->model, reach_some, x)) {
			page_stopping(out);
			return;
		}
	} while (x->next < x->n && !x->gone && !x->too_much);
	if (x->gone) {
		http_respond(out, 404, "%s: there is no such object\n", object);
	} else if (x->too_much) {
		http_respond(out, 400,
			     "%s reaches more than %u resources: ask for some proxies only, with "
			     "proxyID=\n",
			     object, IMPACT_LINES_MAX);
	} else {
		out->type = json ? HTTP_JSON : HTTP_TEXT;
		impact_print(x->impact, json, http_query(r, "pretty"), &out->body);
	}
}

void page_impact(struct pages *p, const struct http_request *r, struct http_response *out)
{
	const char *object = http_query(r, "object");
	struct arena arena = ARENA_INIT;
	struct object_name name;
	struct reaching x = { 0 };
	struct err e = ERR_INIT;

	if (!object_name_parse(str_or(object, ""), &arena, &name, &e)) {
		http_respond(out, 400, "object=: %s\n", e.text);
	} else {
		x.v = connections_list(p->connections, &x.n);
		x.n = keep_joined(x.v, x.n, http_query(r, "proxyID"));
		x.impact = impact_new(&name);
		put_impact(p, r, out, &x);
		impact_free(x.impact);
		for (uint32_t i = 0; i < x.n; i++)
			connection_unref(x.v[i]);
		xfree(x.v);
	}
	arena_fini(&arena);
	say(out, out->status == 200 ? "found" : "not-found");
}
