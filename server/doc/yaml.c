/* YAML through libyaml's events. The text is first cut into parts at the lines that start with "---": such a line
 * begins a document wherever it stands, even inside quotes. Each part gets a parser of its own, so that a syntax
 * error costs one document and line numbers of the others stay right without any recovery in the parser. */
#include "base/map.h"
#include "doc/build.h"
#include "doc/scalar.h"
#include <assert.h>
#include <string.h>
#include <yaml.h>

/* libyaml looks directives up one by one, and anchors hang in a table that is not keyed; nobody has use for many. */
enum { YAML_MAX_DIRECTIVES = 64, YAML_MAX_ANCHORS = 10000 };

struct anchor {
	struct built built; /* node is NULL while the anchored node is still open */
};

struct reader {
	struct build build;
	const char *text; /* of the current part */
	size_t len;
	uint32_t line; /* its first, from 1 */
	struct map anchors;
	bool is_empty, has_too_many;
	struct docs docs;
	uint32_t cap_docs;
};

static struct place place_of(const struct reader *r, yaml_mark_t mark)
{
	return (struct place){ .file = r->build.file,
			       .line = r->line + (uint32_t)mark.line,
			       .column = (uint32_t)mark.column + 1 };
}

/* The length of the line break at p, as libyaml counts lines: CR LF, LF, CR, NEL, LS, PS. */
static size_t break_len(const char *p, const char *end)
{
	if (*p == '\n')
		return 1;
	if (*p == '\r')
		return end - p > 1 && p[1] == '\n' ? 2 : 1;
	if (end - p > 1 && !memcmp(p, "\xc2\x85", 2))
		return 2;
	if (end - p > 2 && (!memcmp(p, "\xe2\x80\xa8", 3) || !memcmp(p, "\xe2\x80\xa9", 3)))
		return 3;
	return 0;
}

/* The start of the next line, or end. */
static const char *next_line(const char *p, const char *end)
{
	for (; p < end; p++) {
		size_t n = break_len(p, end);

		if (n)
			return p + n;
	}
	return end;
}

static struct place place_at_offset(const struct reader *r, size_t offset)
{
	const char *end = r->text + r->len, *at = r->text + MIN(offset, r->len), *line = r->text;
	struct place place = { .file = r->build.file, .line = r->line, .column = 1 };

	for (const char *next; (next = next_line(line, end)) <= at && next < end; line = next)
		place.line++;
	for (const char *p = line; p < at; p++)
		place.column += ((unsigned char)*p & 0xc0) != 0x80;
	return place;
}

/* Is the indentation of this line of the part made with a tab? libyaml's own words for that help nobody. */
static bool is_tab_indented(const struct reader *r, size_t line)
{
	const char *p = r->text, *end = r->text + r->len;

	while (line-- && p < end)
		p = next_line(p, end);
	while (p < end && *p == ' ')
		p++;
	return p < end && *p == '\t';
}

static void report_syntax(struct reader *r, const yaml_parser_t *parser)
{
	const char *problem = str_or(parser->problem, "syntax error");

	if (parser->error == YAML_READER_ERROR) {
		struct place place = place_at_offset(r, parser->problem_offset);

		if (parser->problem_value >= 0)
			build_error(&r->build, place, "%s (0x%02x)", problem,
				    (unsigned)parser->problem_value);
		else
			build_error(&r->build, place, "%s", problem);
		return;
	}
	if (parser->error == YAML_SCANNER_ERROR && is_tab_indented(r, parser->problem_mark.line))
		problem = "a tab cannot indent";
	if (str_eq(problem, "found unexpected end of stream"))
		problem = "found unexpected end of document"; /* the stream is only our part */
	if (parser->context && parser->context_mark.line != parser->problem_mark.line)
		build_error(&r->build, place_of(r, parser->problem_mark), "%s, %s from line %u",
			    problem, parser->context, place_of(r, parser->context_mark).line);
	else if (parser->context)
		build_error(&r->build, place_of(r, parser->problem_mark), "%s, %s", problem,
			    parser->context);
	else
		build_error(&r->build, place_of(r, parser->problem_mark), "%s", problem);
}

static struct anchor *anchor_add(struct reader *r, const yaml_char_t *name, yaml_mark_t mark)
{
	struct anchor *a;

	if (!name)
		return NULL;
	if (r->anchors.n == YAML_MAX_ANCHORS && !map_has(&r->anchors, (const char *)name)) {
		if (!r->has_too_many)
			build_error(&r->build, place_of(r, mark), "more than %d anchors",
				    (int)YAML_MAX_ANCHORS);
		r->has_too_many = true;
		return NULL;
	}
	a = arena_new(r->build.arena, struct anchor);
	/* A name may be given again: aliases behind it mean the newer node. */
	map_set(&r->anchors, arena_strdup(r->build.arena, (const char *)name), a);
	return a;
}

/* A node in place of a key. */
static void take_key(struct reader *r, const struct node *n, struct place place, bool merge)
{
	const char *key = scalar_key(n, r->build.arena);

	if (!key) {
		build_error(&r->build, place, "a key cannot be a %s", node_type_name(n->type));
		key = "";
	}
	build_key(&r->build, key, place, merge);
}

static bool on_scalar(struct reader *r, const yaml_event_t *e)
{
	const char *value = (const char *)e->data.scalar.value;
	const char *tag = (const char *)e->data.scalar.tag, *reason = NULL;
	size_t len = e->data.scalar.length;
	bool plain = e->data.scalar.plain_implicit;
	struct place place = place_of(r, e->start_mark);
	struct node *n = build_node(&r->build, NODE_NULL, place);
	struct anchor *anchor = anchor_add(r, e->data.scalar.anchor, e->start_mark);
	struct built built = { .node = n, .n_nodes = 1 };

	if (memchr(value, 0, len)) {
		build_error(&r->build, place, "text contains a NUL");
		len = strlen(value);
	}
	if (!r->build.depth && !len && plain && !anchor)
		r->is_empty = true;
	value = arena_strndup(r->build.arena, value, len);
	if (!scalar_resolve(value, len, tag, !plain, r->build.arena, n, &reason))
		build_error(&r->build, place, "%s", reason);
	if (anchor)
		anchor->built = built;
	if (build_wants_key(&r->build)) {
		bool merge =
			!strcmp(value, "<<") && (plain || str_eq(tag, "tag:yaml.org,2002:merge"));

		take_key(r, n, place, merge);
		return true;
	}
	return build_value(&r->build, built);
}

static bool on_alias(struct reader *r, const yaml_event_t *e)
{
	const char *name = (const char *)e->data.alias.anchor;
	struct place place = place_of(r, e->start_mark);
	const struct anchor *a = map_get(&r->anchors, name);
	struct built built;

	if (a && a->built.node) {
		built = a->built;
	} else {
		build_error(&r->build, place,
			    a ? "anchor \"%.100s\" contains itself" : "unknown anchor \"%.100s\"",
			    name);
		built = (struct built){ .node = build_node(&r->build, NODE_NULL, place),
					.n_nodes = 1 };
	}
	if (build_wants_key(&r->build)) {
		take_key(r, built.node, place, false);
		return true;
	}
	return build_alias(&r->build, built, place);
}

static bool on_close(struct reader *r)
{
	void *anchor;
	struct built built = build_close(&r->build, &anchor);

	if (anchor)
		((struct anchor *)anchor)->built = built;
	if (build_wants_key(&r->build)) {
		take_key(r, built.node, built.node->place, false);
		return true;
	}
	return build_value(&r->build, built);
}

static void begin_document(struct reader *r)
{
	build_reset(&r->build);
	map_clear(&r->anchors);
	r->is_empty = r->has_too_many = false;
}

static void end_document(struct reader *r)
{
	if (r->build.bad || r->is_empty)
		return;
	assert(r->build.root);
	*ARENA_PUSH(r->build.arena, r->docs.v, r->docs.n, r->cap_docs) = r->build.root;
}

/* False: give this part up. */
static bool on_event(struct reader *r, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT: begin_document(r); return true;
	case YAML_DOCUMENT_END_EVENT: end_document(r); return true;
	case YAML_SCALAR_EVENT: return on_scalar(r, e);
	case YAML_ALIAS_EVENT: return on_alias(r, e);
	case YAML_SEQUENCE_START_EVENT:
		return build_open(&r->build, NODE_SEQ, place_of(r, e->start_mark),
				  anchor_add(r, e->data.sequence_start.anchor, e->start_mark));
	case YAML_MAPPING_START_EVENT:
		return build_open(&r->build, NODE_MAP, place_of(r, e->start_mark),
				  anchor_add(r, e->data.mapping_start.anchor, e->start_mark));
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT: return on_close(r);
	default: return true;
	}
}

static bool read_part(struct reader *r)
{
	yaml_parser_t parser;
	yaml_event_t event;
	bool go_on = true, all_good = true;

	if (!yaml_parser_initialize(&parser)) {
		build_error(&r->build, (struct place){ .file = r->build.file, .line = r->line },
			    "out of memory");
		return false;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)r->text, r->len);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	build_reset(&r->build);
	while (go_on) {
		if (!yaml_parser_parse(&parser, &event)) {
			report_syntax(r, &parser);
			go_on = false;
		} else {
			go_on = on_event(r, &event) && event.type != YAML_STREAM_END_EVENT;
			yaml_event_delete(&event);
		}
		all_good &= !r->build.bad;
	}
	yaml_parser_delete(&parser);
	return all_good;
}

static bool starts_marker(const char *p, const char *end, const char *marker)
{
	if (end - p < 3 || memcmp(p, marker, 3) != 0)
		return false;
	return end - p == 3 || p[3] == ' ' || p[3] == '\t' || break_len(p + 3, end);
}

/* Nothing but space and comments on this line? */
static bool is_blank(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p == end || *p == '#' || break_len(p, end);
}

/* Finds the end of the part that starts at p: the next "---" at the start of a line, but before the directives that
 * belong to it. Counts lines and directives on the way. */
static const char *part_end(const char *p, const char *end, uint32_t *ret_lines,
			    uint32_t *ret_directives)
{
	const char *directives =
		NULL; /* where a run of directives began that may belong to the next "---" */
	uint32_t lines = 0, lines_before = 0, n = 0, n_before = 0;
	bool at_start = !starts_marker(p, end, "---"); /* directives are possible here */

	for (const char *line = p; line < end; line = next_line(line, end), lines++) {
		if (line > p && starts_marker(line, end, "---")) {
			/* Directives at the very start of the part stay: then the marker is its own. */
			if (at_start && directives == p)
				;
			else if (at_start && directives) {
				*ret_lines = lines_before;
				*ret_directives = n_before;
				return directives;
			} else {
				*ret_lines = lines;
				*ret_directives = n;
				return line;
			}
			at_start = false;
			directives = NULL;
		} else if (starts_marker(line, end, "...")) {
			at_start = true;
			directives = NULL;
		} else if (*line == '%') {
			if (at_start && !directives) {
				directives = line;
				lines_before = lines;
				n_before = n;
			}
			n++;
		} else if (!is_blank(line, end)) {
			at_start = false;
			directives = NULL;
		}
	}
	*ret_lines = lines;
	*ret_directives = n;
	return end;
}

bool yaml_read(const char *text, size_t len, const char *file, struct arena *arena,
	       struct docs *ret, struct diag *diag)
{
	struct reader r = { .line = 1 };
	const char *end = text + len, *next;
	uint32_t lines, n_directives;
	bool all_good = true;

	*ret = (struct docs){ 0 };
	if (len > DOC_MAX_BYTES) {
		diag_error(diag, (struct place){ .file = file }, "", "larger than %d MiB",
			   DOC_MAX_BYTES >> 20);
		return false;
	}
	build_init(&r.build, file, arena, diag);
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	for (const char *p = text; p < end; p = next) {
		next = part_end(p, end, &lines, &n_directives);
		r.text = p;
		r.len = (size_t)(next - p);
		if (n_directives > YAML_MAX_DIRECTIVES) {
			build_reset(&r.build);
			build_error(&r.build, (struct place){ .file = file, .line = r.line },
				    "more than %d directives", (int)YAML_MAX_DIRECTIVES);
			all_good = false;
		} else if (!read_part(&r)) {
			all_good = false;
		}
		r.line += lines;
	}
	build_fini(&r.build);
	map_fini(&r.anchors);
	*ret = r.docs;
	return all_good;
}
