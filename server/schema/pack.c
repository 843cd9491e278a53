/* Copies a decoded struct with all it points to into one block that fits exactly: structs and arrays in front, aligned
 * to 8, strings and bytes behind them, without padding. The same walk first measures, then copies; this is what keeps an
 * object about as small as its text.
 */
#include "schema/interpret.h"

#include <string.h>

enum { WORD = 8 };

static void *pack_words(struct pack *p, const void *src, size_t n)
{
	size_t at = p->n_words;

	p->n_words += (n + WORD - 1) / WORD * WORD;
	if (!p->words)
		return NULL;
	return n ? memcpy(p->words + at, src, n) : p->words + at;
}

static const void *pack_chars(struct pack *p, const void *src, size_t n)
{
	size_t at = p->n_chars;

	p->n_chars += n;
	if (!p->words)
		return NULL;
	return n ? memcpy(p->chars + at, src, n) : p->chars + at;
}

const char *pack_str(struct pack *p, const char *s)
{
	return s ? pack_chars(p, s, strlen(s) + 1) : NULL;
}

void pack_begin(struct pack *p, void *block)
{
	p->words = block;
	p->chars = p->words + p->n_words;
	p->n_words = p->n_chars = 0;
}

static const struct node *pack_node(struct pack *p, const struct node *from)
{
	struct node *n = pack_words(p, from, sizeof *n);
	const struct node **seq;
	struct node_entry *map;

	if (n)
		n->place.file = p->file;
	if (n && n->type == NODE_FLOAT)
		n->f += 0.0; /* -0 is 0, which is how "-0" reads again */
	switch (from->type) {
	case NODE_SEQ:
		seq = pack_words(p, from->seq, from->n * sizeof *seq);
		for (uint32_t i = 0; i < from->n; i++) {
			const struct node *item = pack_node(p, from->seq[i]);

			if (n)
				seq[i] = item;
		}
		if (n)
			n->seq = seq;
		break;
	case NODE_MAP:
		map = pack_words(p, from->map, from->n * sizeof *map);
		for (uint32_t i = 0; i < from->n; i++) {
			const char *key = pack_str(p, from->map[i].key);
			const struct node *value = pack_node(p, from->map[i].value);

			if (n) {
				map[i].key = key;
				map[i].key_place.file = p->file;
				map[i].value = value;
			}
		}
		if (n)
			n->map = map;
		break;
	case NODE_STRING: {
		const char *s = pack_str(p, from->s);
		/* How a string was quoted is of no use once it is decoded. */
		if (n)
			n->s = n->text = s;
		break;
	}
	default: {
		const char *text = pack_str(p, from->text);

		if (n)
			n->text = text;
	}
	}
	return n;
}

static void pack_fields(struct pack *, const struct struct_type *, const void *from, void *to);

/* `to` is a copy of `from`, or NULL while measuring. */
static void pack_value(struct pack *p, const struct field *f, enum elem e, const void *from,
		       void *to)
{
	const void *v = NULL;

	switch (e) {
	case ELEM_STRING:
		v = pack_str(p, *(const char *const *)from);
		if (to)
			*(const void **)to = v;
		break;
	case ELEM_NODE:
		if (*(const void *const *)from)
			v = pack_node(p, *(const struct node *const *)from);
		if (to)
			*(const void **)to = v;
		break;
	case ELEM_STRUCT_PTR:
		if (*(const void *const *)from)
			v = pack_struct(p, f->of, *(const void *const *)from);
		if (to)
			*(const void **)to = v;
		break;
	case ELEM_STRUCT: pack_fields(p, f->of, from, to); break;
	case ELEM_BYTES:
		v = pack_chars(p, ((const struct opt_bytes *)from)->v,
			       ((const struct opt_bytes *)from)->n);
		if (to)
			((struct opt_bytes *)to)->v = v;
		break;
	case ELEM_INT_OR_STR:
		v = pack_str(p, ((const struct int_or_str *)from)->s);
		if (to)
			((struct int_or_str *)to)->s = v;
		break;
	case ELEM_STR_LIST: {
		const struct str_list *l = from;
		const char **items = pack_words(p, l->v, l->n * sizeof *items);

		for (uint32_t i = 0; i < l->n; i++) {
			const char *s = pack_str(p, l->v[i]);

			if (items)
				items[i] = s;
		}
		if (to)
			((struct str_list *)to)->v = items;
		break;
	}
	default: break; /* no pointers inside */
	}
}

static void pack_list(struct pack *p, const struct field *f, const void *from, void *to)
{
	size_t stride = shape_stride(f);
	bool is_map = shapes[f->type].holder == MAP;
	struct any_list l = shape_list(f, from);
	char *v = pack_words(p, l.v, l.n * stride);

	for (uint32_t i = 0; i < l.n; i++) {
		const void *src = shape_at(l.v, i * stride);
		char *dst = v ? v + i * stride : NULL;

		if (is_map) {
			const char *key = pack_str(p, *(const char *const *)src);

			if (dst)
				*(const char **)(void *)dst = key;
		}
		pack_value(p, f, shapes[f->type].elem, shape_at(src, is_map ? MAP_VALUE : 0),
			   dst ? dst + (is_map ? MAP_VALUE : 0) : NULL);
	}
	l.v = l.set ? v : NULL;
	if (to)
		memcpy(shape_at_mut(to, f->offset), &l, sizeof l);
}

static void pack_fields(struct pack *p, const struct struct_type *t, const void *from, void *to)
{
	for (uint32_t i = 0; i < t->n_fields; i++) {
		const struct field *f = &t->fields[i];

		if (f->alias)
			continue;
		if (shapes[f->type].holder != ONE)
			pack_list(p, f, from, to);
		else
			pack_value(p, f, shapes[f->type].elem, shape_at(from, f->offset),
				   to ? shape_at_mut(to, f->offset) : NULL);
	}
}

void *pack_struct(struct pack *p, const struct struct_type *t, const void *v)
{
	void *to = pack_words(p, v, t->size);

	pack_fields(p, t, v, to);
	return to;
}
