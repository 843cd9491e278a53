/* From nodes to structs. A struct is a loop over the document's keys; what to do with a value follows from the field's
 * shape (shape.c) and the table of elements below. Every problem is reported with its place and path, and decoding goes
 * on behind it. The result points into the document and the scratch arena; pack.c makes it stand alone.
 *
 * The recursion follows the schema, which is finite, not the document.
 */
#include "base/clock.h"
#include "schema/interpret.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads one value to `at`; false if it could not. */
typedef bool (*put_fn)(const struct decode *, const struct field *, const struct limits *,
		       const struct node *, const struct path *, void *at);

void decode_problem(const struct decode *d, const struct node *n, const struct path *p,
		    const char *fmt, ...)
{
	char reason[512];
	va_list ap;

	/* Beyond the cap a problem is only counted: a hostile document must not cost texts either. */
	if (d->diag->n >= DIAG_MAX) {
		diag_error(d->diag, n->place, "", "%s", "");
		return;
	}
	va_start(ap, fmt);
	vsnprintf(reason, sizeof reason, fmt, ap);
	va_end(ap);
	diag_error(d->diag, n->place, decode_path_text(d->arena, p), "%s", reason);
}

static bool mismatch(const struct decode *d, const char *want, const struct node *n,
		     const struct path *p)
{
	bool is_scalar = n->type != NODE_SEQ && n->type != NODE_MAP && n->type != NODE_NULL;

	decode_problem(d, n, p, "must be %s, not %s%s%.60s%s", want, node_type_name(n->type),
		       is_scalar ? " " : "", is_scalar ? str_or(n->text, "") : "",
		       is_scalar && !strcmp(want, "a string") ? " (quote it?)" : "");
	return false;
}

static bool put_string(const struct decode *d, const struct field *f, const struct limits *l,
		       const struct node *n, const struct path *p, void *at)
{
	if (n->type != NODE_STRING)
		return mismatch(d, "a string", n, p);
	validate_string(d, l, n, p);
	*(const char **)at = n->s;
	return true;
}

static bool put_bool(const struct decode *d, const struct field *f, const struct limits *l,
		     const struct node *n, const struct path *p, void *at)
{
	if (n->type != NODE_BOOL)
		return mismatch(d, "a boolean", n, p);
	*(struct opt_bool *)at = (struct opt_bool){ true, n->b };
	return true;
}

/* An integer may be written 1.0 or 1e3, as JSON has but one kind of number. */
static bool read_int(const struct decode *d, const struct limits *l, const struct node *n,
		     const struct path *p, int64_t *ret)
{
	if (n->type == NODE_INT)
		*ret = n->i;
	else if (n->type == NODE_FLOAT && fabs(n->f) < 0x1p53 && n->f == trunc(n->f))
		*ret = (int64_t)n->f;
	else
		return mismatch(d, "an integer", n, p);
	if (l)
		validate_number(d, l, (double)*ret, n, p);
	return true;
}

static bool put_opt_int(const struct decode *d, const struct field *f, const struct limits *l,
			const struct node *n, const struct path *p, void *at)
{
	struct opt_int *v = at;

	return v->set = read_int(d, l, n, p, &v->v);
}

static bool put_int(const struct decode *d, const struct field *f, const struct limits *l,
		    const struct node *n, const struct path *p, void *at)
{
	return read_int(d, l, n, p, at);
}

static bool put_double(const struct decode *d, const struct field *f, const struct limits *l,
		       const struct node *n, const struct path *p, void *at)
{
	double v;

	if (n->type != NODE_INT && n->type != NODE_FLOAT)
		return mismatch(d, "a number", n, p);
	v = n->type == NODE_INT ? (double)n->i : n->f;
	if (!isfinite(v))
		return mismatch(d, "a finite number", n, p);
	validate_number(d, l, v, n, p);
	*(struct opt_double *)at = (struct opt_double){ true, v + 0.0 }; /* -0 is 0 */
	return true;
}

static bool put_duration(const struct decode *d, const struct field *f, const struct limits *l,
			 const struct node *n, const struct path *p, void *at)
{
	struct opt_duration *v = at;

	if (n->type != NODE_STRING || !duration_parse(n->s, &v->v))
		return mismatch(d, "a duration such as 1.5s or 1h30m", n, p);
	validate_string(d, l, n, p);
	return v->set = true;
}

static bool put_time(const struct decode *d, const struct field *f, const struct limits *l,
		     const struct node *n, const struct path *p, void *at)
{
	struct opt_time *v = at;

	if (n->type != NODE_STRING || !clock_parse(n->s, &v->v))
		return mismatch(d, "a time such as 2024-01-31T00:00:00Z", n, p);
	return v->set = true;
}

static bool put_bytes(const struct decode *d, const struct field *f, const struct limits *l,
		      const struct node *n, const struct path *p, void *at)
{
	if (n->type != NODE_STRING || !scalar_base64_decode(d->arena, n->s, at))
		return mismatch(d, "bytes in base64", n, p);
	validate_string(d, l, n, p);
	return true;
}

static const char *list_values(struct arena *a, const char *const *values)
{
	const char *out = values[0];

	for (size_t i = 1; values[i]; i++)
		out = arena_printf(a, "%s, %s", out, values[i]);
	return out;
}

static bool put_enum(const struct decode *d, const struct field *f, const struct limits *l,
		     const struct node *n, const struct path *p, void *at)
{
	if (n->type != NODE_STRING)
		return mismatch(d, "a string", n, p);
	for (int i = 0; f->enum_values[i]; i++) {
		if (!strcmp(f->enum_values[i], n->s)) {
			*(int *)at = i + 1;
			return true;
		}
	}
	decode_problem(d, n, p, "%.60s is none of %s", n->s, list_values(d->arena, f->enum_values));
	return false;
}

static bool put_int_or_str(const struct decode *d, const struct field *f, const struct limits *l,
			   const struct node *n, const struct path *p, void *at)
{
	struct int_or_str *v = at;

	if (n->type == NODE_STRING)
		*v = (struct int_or_str){ .is_str = true, .s = n->s };
	else if (n->type != NODE_INT && n->type != NODE_FLOAT)
		return mismatch(d, "an integer or a string", n, p);
	else if (!read_int(d, NULL, n, p, &v->i))
		return false;
	return v->set = true;
}

/* Infinity and NaN are numbers of YAML that have no text in JSON. The reader caps the depth. */
static const struct node *find_infinite(const struct node *n)
{
	const struct node *found = n->type == NODE_FLOAT && !isfinite(n->f) ? n : NULL;

	for (uint32_t i = 0; n->type == NODE_SEQ && !found && i < n->n; i++)
		found = find_infinite(n->seq[i]);
	for (uint32_t i = 0; n->type == NODE_MAP && !found && i < n->n; i++)
		found = find_infinite(n->map[i].value);
	return found;
}

static bool put_node(const struct decode *d, const struct field *f, const struct limits *l,
		     const struct node *n, const struct path *p, void *at)
{
	if (f->only_map && n->type != NODE_MAP)
		return mismatch(d, "a map", n, p);
	if (find_infinite(n))
		return mismatch(d, "a finite number", find_infinite(n), p);
	*(const struct node **)at = n;
	return true;
}

static bool put_struct(const struct decode *d, const struct field *f, const struct limits *l,
		       const struct node *n, const struct path *p, void *at)
{
	return decode_struct(d, f->of, n, p, at);
}

static bool put_struct_ptr(const struct decode *d, const struct field *f, const struct limits *l,
			   const struct node *n, const struct path *p, void *at)
{
	void *v = arena_alloc(d->arena, f->of->size);

	if (!decode_struct(d, f->of, n, p, v))
		return false;
	*(const void **)at = v;
	return true;
}

static bool put_str_list(const struct decode *d, const struct field *f, const struct limits *l,
			 const struct node *n, const struct path *p, void *at)
{
	const char **v;

	if (n->type != NODE_SEQ)
		return mismatch(d, "a list", n, p);
	v = arena_array(d->arena, const char *, n->n);
	for (uint32_t i = 0; i < n->n; i++) {
		struct path ip = { .up = p, .index = i };

		if (n->seq[i]->type != NODE_STRING)
			mismatch(d, "a string", n->seq[i], &ip);
		v[i] = n->seq[i]->type == NODE_STRING ? n->seq[i]->s : "";
	}
	*(struct str_list *)at = (struct str_list){ .v = v, .n = n->n, .set = true };
	return true;
}

static const put_fn put_elem[ELEM_COUNT] = {
	[ELEM_STRING] = put_string,   [ELEM_BOOL] = put_bool,
	[ELEM_OPT_INT] = put_opt_int, [ELEM_INT] = put_int,
	[ELEM_DOUBLE] = put_double,   [ELEM_DURATION] = put_duration,
	[ELEM_TIME] = put_time,       [ELEM_BYTES] = put_bytes,
	[ELEM_ENUM] = put_enum,       [ELEM_INT_OR_STR] = put_int_or_str,
	[ELEM_NODE] = put_node,       [ELEM_STRUCT_PTR] = put_struct_ptr,
	[ELEM_STRUCT] = put_struct,   [ELEM_STR_LIST] = put_str_list,
};

static bool put_item(const struct decode *d, const struct field *f, const struct node *n,
		     const struct path *p, void *at)
{
	struct limits l = {
		.minimum = f->minimum,
		.maximum = f->maximum,
		.min_len = f->item_min_len,
		.max_len = f->item_max_len,
		.pattern = f->item_pattern,
	};

	if (!put_elem[shapes[f->type].elem](d, f, &l, n, p, at))
		return false;
	validate_rules(d, f->item_rules, n, p);
	return true;
}

static bool decode_list(const struct decode *d, const struct field *f, const struct node *n,
			const struct path *p, void *at)
{
	size_t stride = shape_stride(f);
	struct any_list l = { .n = n->n, .set = true };
	char *v;

	if (n->type != NODE_SEQ)
		return mismatch(d, "a list", n, p);
	l.v = v = arena_alloc_array(d->arena, n->n, stride);
	for (uint32_t i = 0; i < n->n; i++)
		put_item(d, f, n->seq[i], &(struct path){ .up = p, .index = i }, v + i * stride);
	validate_unique(d, f, n, p);
	memcpy(at, &l, sizeof l);
	return true;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool decode_map(const struct decode *d, const struct field *f, const struct node *n,
		       const struct path *p, void *at)
{
	static const struct node empty = { .type = NODE_STRING, .s = "", .text = "" };
	size_t stride = shape_stride(f);
	struct any_list l = { .n = n->n, .set = true };
	char *v;

	if (n->type != NODE_MAP)
		return mismatch(d, "a map", n, p);
	l.v = v = arena_alloc_array(d->arena, n->n, stride);
	for (uint32_t i = 0; i < n->n; i++) {
		const struct node_entry *e = &n->map[i];
		/* Go reads null as an empty string here, and people leave annotations empty. */
		bool is_empty = e->value->type == NODE_NULL && shapes[f->type].elem == ELEM_STRING;

		*(const char **)(void *)(v + i * stride) = e->key;
		put_item(d, f, is_empty ? &empty : e->value,
			 &(struct path){ .up = p, .key = e->key }, v + i * stride + MAP_VALUE);
	}
	qsort(v, n->n, stride, by_key);
	memcpy(at, &l, sizeof l);
	return true;
}

static void decode_field(const struct decode *d, const struct field *f, const struct node *n,
			 const struct path *p, void *at)
{
	struct limits l = {
		.minimum = f->minimum,
		.maximum = f->maximum,
		.min_len = f->min_len,
		.max_len = f->max_len,
		.pattern = f->pattern,
	};
	enum holder holder = shapes[f->type].holder;
	bool ok;

	if (holder == ONE) {
		ok = put_elem[shapes[f->type].elem](d, f, &l, n, p, at);
	} else {
		ok = (holder == LIST ? decode_list : decode_map)(d, f, n, p, at);
		if (ok)
			validate_count(d, &l, holder == LIST ? "item" : "entry", n, p);
	}
	if (ok)
		validate_rules(d, f->rules, n, p);
}

static const struct field *find_field(const struct struct_type *t, const char *json)
{
	uint32_t lo = 0, hi = t->n_fields;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = strcmp(t->fields[mid].json, json);

		if (!c)
			return &t->fields[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static const char *nth_field(const void *ctx, uint32_t i)
{
	return ((const struct struct_type *)ctx)->fields[i].json;
}

static void report_unknown(const struct decode *d, const struct struct_type *t,
			   const struct node_entry *e, const struct path *p)
{
	struct path fp = { .up = p, .name = e->key };
	const char *meant;

	if (t->open || d->lenient)
		return;
	if (d->diag->n >= DIAG_MAX) {
		diag_warn(d->diag, e->key_place, "", "%s", "");
		return;
	}
	meant = spell_nearest(e->key, nth_field, t, t->n_fields);
	if (meant)
		diag_warn(d->diag, e->key_place, decode_path_text(d->arena, &fp),
			  "unknown field (did you mean %s?)", meant);
	else
		diag_warn(d->diag, e->key_place, decode_path_text(d->arena, &fp), "unknown field");
}

/* The other spelling of an alias must not be there too. */
static void check_alias(const struct decode *d, const struct struct_type *t, const struct field *f,
			const struct node *n, const struct path *p)
{
	for (uint32_t i = 0; i < t->n_fields; i++) {
		const struct field *other = &t->fields[i];
		const struct node *v;

		if (other == f || other->offset != f->offset)
			continue;
		v = node_get(n, other->json);
		if (v && v->type != NODE_NULL)
			decode_problem(d, v, p, "%s and %s are one field", other->json, f->json);
	}
}

static bool is_beside_top(const struct decode *d, const struct path *p, const char *key)
{
	if (p || !d->is_object)
		return false;
	return !strcmp(key, "apiVersion") || !strcmp(key, "kind") || !strcmp(key, "metadata") ||
	       (d->skip_status && !strcmp(key, "status"));
}

enum { MAX_FIELDS = 256 };

bool decode_struct(const struct decode *d, const struct struct_type *t, const struct node *n,
		   const struct path *p, void *out)
{
	bool seen[MAX_FIELDS] = { false };

	if (n->type != NODE_MAP)
		return mismatch(d, "a map", n, p);
	assert(t->n_fields <= MAX_FIELDS);
	for (uint32_t i = 0; i < n->n; i++) {
		const struct node_entry *e = &n->map[i];
		struct path fp = { .up = p, .name = e->key };
		const struct field *f;

		if (is_beside_top(d, p, e->key))
			continue;
		f = find_field(t, e->key);
		if (!f) {
			report_unknown(d, t, e, p);
			continue;
		}
		if (e->value->type == NODE_NULL)
			continue;
		seen[f - t->fields] = true;
		if (f->alias)
			check_alias(d, t, f, n, p);
		decode_field(d, f, e->value, &fp, shape_at_mut(out, f->offset));
	}
	for (uint32_t i = 0; i < t->n_fields; i++)
		if (t->fields[i].required && !seen[i])
			decode_problem(d, n, &(struct path){ .up = p, .name = t->fields[i].json },
				       "required, but not there");
	validate_conditions(d, t, n, p);
	validate_rules(d, t->rules, n, p);
	return true;
}
