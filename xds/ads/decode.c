/* Both request messages as one table of fields. What is repeated is counted first, so that arrays are allocated once; a
 * string that is given more than once counts the last time, as protobuf has it. */
#include "ads/decode.h"
#include "base/arena.h"
#include "base/err.h"
#include "snapshot/wire.h"
#include <string.h>

enum role {
	ROLE_NONE,
	ROLE_VERSION,
	ROLE_NODE,
	ROLE_TYPE,
	ROLE_ADD,
	ROLE_REMOVE,
	ROLE_HELD,
	ROLE_NONCE,
	ROLE_ERROR
};
enum { N_FIELDS = 8, ERROR_MAX = 1 << 16, TEXT_MAX = 4096 };

static const uint8_t roles[][N_FIELDS] = {
	[XDS_SOTW] = { 0, ROLE_VERSION, ROLE_NODE, ROLE_ADD, ROLE_TYPE, ROLE_NONCE, ROLE_ERROR },
	[XDS_DELTA] = { 0, ROLE_NODE, ROLE_TYPE, ROLE_ADD, ROLE_REMOVE, ROLE_HELD, ROLE_NONCE,
			ROLE_ERROR },
};

static enum role role_of(enum xds_protocol p, const struct wire_field *f)
{
	return f->number < N_FIELDS && f->type == WIRE_BYTES ? roles[p][f->number] : ROLE_NONE;
}

static bool get_string(struct arena *a, const struct wire_field *f, size_t max, const char **ret,
		       struct err *e)
{
	if (f->len > max)
		return err(e, "a string of %zu bytes in the request", f->len);
	if (f->len && memchr(f->bytes, 0, f->len))
		return err(e, "a zero byte in a string of the request");
	*ret = arena_strndup(a, (const char *)f->bytes, f->len);
	return true;
}

static bool get_held(struct arena *a, const struct wire_field *entry, struct claim *ret,
		     struct err *e)
{
	const uint8_t *p = entry->bytes, *end = p + entry->len;
	struct wire_field f;

	*ret = (struct claim){ "", "" };
	while (wire_next(&p, end, &f)) {
		if (f.type != WIRE_BYTES || f.number < 1 || f.number > 2)
			continue;
		if (!get_string(a, &f, RESOURCE_NAME_MAX,
				f.number == 1 ? &ret->name : &ret->version, e))
			return false;
	}
	return p || entry->len == 0 || err(e, "malformed initial_resource_versions");
}

/* google.rpc.Status. The text may be cut, it is only for people. */
static bool get_error(struct arena *a, const struct wire_field *status, struct ads_request *ret,
		      struct err *e)
{
	const uint8_t *p = status->bytes, *end = p + status->len;
	struct wire_field f;

	ret->has_error = true;
	while (wire_next(&p, end, &f)) {
		if (f.number == 1 && f.type == WIRE_VARINT)
			ret->error_code = (int32_t)f.value;
		if (f.number != 2 || f.type != WIRE_BYTES)
			continue;
		f.len = MIN(f.len, (size_t)ERROR_MAX);
		if (!get_string(a, &f, ERROR_MAX, &ret->error, e))
			return false;
	}
	return p || status->len == 0 || err(e, "malformed error_detail");
}

struct counts {
	size_t add, remove, held;
};

static bool count(enum xds_protocol protocol, const uint8_t *p, const uint8_t *end,
		  struct counts *ret, struct err *e)
{
	struct wire_field f;

	while (wire_next(&p, end, &f)) {
		enum role role = role_of(protocol, &f);

		ret->add += role == ROLE_ADD;
		ret->remove += role == ROLE_REMOVE;
		ret->held += role == ROLE_HELD;
	}
	if (!p && end)
		return err(e, "malformed request");
	if (ret->add > NAMES_MAX || ret->remove > NAMES_MAX || ret->held > NAMES_MAX)
		return err(e, "more than %d resource names in one request", NAMES_MAX);
	return true;
}

struct lists {
	const char **add, **remove;
	struct claim *held;
};

static bool take(struct arena *a, const struct wire_field *f, enum role role, struct ads_request *q,
		 struct lists *l, struct err *e)
{
	switch (role) {
	case ROLE_NONE: return true;
	case ROLE_VERSION: return get_string(a, f, TEXT_MAX, &q->version_info, e);
	case ROLE_TYPE: return get_string(a, f, TEXT_MAX, &q->type_url, e);
	case ROLE_NONCE: return get_string(a, f, TEXT_MAX, &q->nonce, e);
	case ROLE_ADD: return get_string(a, f, RESOURCE_NAME_MAX, &l->add[q->n_subscribe++], e);
	case ROLE_REMOVE:
		return get_string(a, f, RESOURCE_NAME_MAX, &l->remove[q->n_unsubscribe++], e);
	case ROLE_HELD: return get_held(a, f, &l->held[q->n_held++], e);
	case ROLE_ERROR: return get_error(a, f, q, e);
	case ROLE_NODE:
		q->node = f->bytes;
		q->node_len = f->len;
		return true;
	}
	return true;
}

bool ads_decode(struct arena *a, enum xds_protocol protocol, const void *bytes, size_t n,
		struct ads_request *ret, struct err *e)
{
	const uint8_t *p = bytes, *end = p + n;
	struct ads_request q = { .type_url = "", .nonce = "", .version_info = "", .error = "" };
	struct counts counts = { 0 };
	struct wire_field f;
	struct lists l;

	if (n && !count(protocol, p, end, &counts, e))
		return false;
	l = (struct lists){ arena_array(a, const char *, counts.add),
			    arena_array(a, const char *, counts.remove),
			    arena_array(a, struct claim, counts.held) };
	while (n && wire_next(&p, end, &f)) {
		if (!take(a, &f, role_of(protocol, &f), &q, &l, e))
			return false;
	}
	q.subscribe = l.add;
	q.unsubscribe = l.remove;
	q.held = l.held;
	*ret = q;
	return true;
}
