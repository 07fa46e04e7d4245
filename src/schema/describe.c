/* Tables to JSON Schema (draft 2020-12), as the components of an OpenAPI 3.1 document hold it. Never yields. */
#include "schema/layout.h"
#include "schema/schema.h"

#include <errno.h>

#define MESSAGES_MAX 256 /* that one visit can reach */

struct type_words {
	const char *type;
	const char *format;
	const char *pattern;
};

static const struct type_words *type_words(enum schema_type type)
{
	static const struct type_words words[] = {
		[SCHEMA_BOOL] = { .type = "boolean" },
		[SCHEMA_INT] = { .type = "integer", .format = "int64" },
		[SCHEMA_NUMBER] = { .type = "number", .format = "double" },
		[SCHEMA_STRING] = { .type = "string" },
		[SCHEMA_EMAIL] = { .type = "string", .format = "email" },
		[SCHEMA_UUID] = { .type = "string", .format = "uuid" },
		[SCHEMA_DATE] = { .type = "string", .format = "date" },
		[SCHEMA_DATETIME] = { .type = "string", .format = "date-time" },
		[SCHEMA_URI] = { .type = "string", .format = "uri" },
		[SCHEMA_LANGUAGE] = { .type = "string", .pattern = "^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$" },
		[SCHEMA_REGION] = { .type = "string", .pattern = "^[A-Z]{2}$" },
		[SCHEMA_ENUM] = { .type = "string" },
		[SCHEMA_OBJECT] = { .type = "object" },
		[SCHEMA_ARRAY] = { .type = "array" },
		[SCHEMA_ANY] = { .type = NULL },
	};

	return &words[type];
}

/* A member; value is JSON text. The first one of an object follows its brace. */
static void add_raw(struct buf *out, const char *name, const char *value)
{
	if (out->len > 0 && out->data[out->len - 1] != '{')
		buf_addc(out, ',');
	buf_add_json(out, str_from(name));
	buf_addc(out, ':');
	buf_adds(out, value);
}

static void add_text(struct buf *out, const char *name, const char *value)
{
	add_raw(out, name, "");
	buf_add_json(out, str_from(value));
}

static void add_int(struct buf *out, const char *name, int64_t value)
{
	add_raw(out, name, "");
	buf_add_int(out, value);
}

static void describe_type(const struct schema_field *f, struct buf *out)
{
	const struct type_words *words = type_words(f->type);

	if (words->type && (f->flags & SCHEMA_NULLABLE)) {
		add_raw(out, "type", "[");
		buf_add_json(out, str_from(words->type));
		buf_adds(out, ",\"null\"]");
	} else if (words->type) {
		add_text(out, "type", words->type);
	}
	if (words->format)
		add_text(out, "format", words->format);
	else if (f->type == SCHEMA_STRING && (f->flags & SCHEMA_SECRET))
		add_text(out, "format", "password");
}

static void describe_enum(const struct schema_field *f, struct buf *out)
{
	add_raw(out, "enum", "[");
	for (const char *const *value = f->values; *value; value++) {
		if (value != f->values)
			buf_addc(out, ',');
		buf_add_json(out, str_from(*value));
	}
	if (f->flags & SCHEMA_NULLABLE)
		buf_adds(out, ",null");
	buf_addc(out, ']');
}

/* ECMA patterns find a part; ours match the whole. */
static void describe_pattern(const struct schema_field *f, struct buf *out)
{
	if (!f->pattern) {
		if (type_words(f->type)->pattern)
			add_text(out, "pattern", type_words(f->type)->pattern);
		return;
	}
	add_raw(out, "pattern", "");
	buf_adds(out, "\"^(?:");
	for (const char *p = f->pattern; *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *p);
	}
	buf_adds(out, ")$\"");
}

static void describe_string_limits(const struct schema_field *f, struct buf *out)
{
	bool has_natural_length = f->type == SCHEMA_UUID || f->type == SCHEMA_DATE || f->type == SCHEMA_DATETIME ||
	                          f->type == SCHEMA_REGION;

	if (f->type == SCHEMA_ENUM) {
		describe_enum(f, out);
		return;
	}
	if (f->min > 0)
		add_int(out, "minLength", f->min);
	if (f->max > 0 || !has_natural_length)
		add_int(out, "maxLength", field_length_max(f));
	describe_pattern(f, out);
}

static void describe_reference(const struct schema *s, struct buf *out)
{
	add_raw(out, "$ref", "");
	buf_addf(out, "\"#/components/schemas/%s\"", s->name);
}

static void describe_items(const struct schema_field *f, struct buf *out)
{
	struct schema_field item = field_item(f);

	add_raw(out, "items", "");
	if (item.schema) {
		buf_addc(out, '{');
		describe_reference(item.schema, out);
		buf_addc(out, '}');
	} else {
		item.flags &= ~(unsigned)SCHEMA_SECRET;
		schema_describe_field(&item, out);
	}
	if (f->min > 0)
		add_int(out, "minItems", f->min);
	add_int(out, "maxItems", (int64_t)field_items_max(f));
}

static void describe_limits(const struct schema_field *f, struct buf *out)
{
	bool is_number = f->type == SCHEMA_INT || f->type == SCHEMA_NUMBER;

	if (f->type == SCHEMA_ARRAY)
		describe_items(f, out);
	else if (field_is_string(f->type))
		describe_string_limits(f, out);
	else if (is_number && (f->min != 0 || f->max != 0)) {
		add_int(out, "minimum", f->min);
		add_int(out, "maximum", f->max);
	}
}

static void describe_object(const struct schema_field *f, struct buf *out)
{
	if (!(f->flags & SCHEMA_NULLABLE)) {
		describe_reference(f->schema, out);
		return;
	}
	add_raw(out, "anyOf", "[{");
	describe_reference(f->schema, out);
	buf_adds(out, "},{\"type\":\"null\"}]");
}

static void describe_notes(const struct schema_field *f, struct buf *out)
{
	if (f->doc)
		add_text(out, "description", f->doc);
	if (f->def)
		add_raw(out, "default", f->def);
	if (f->example) {
		add_raw(out, "examples", "[");
		buf_adds(out, f->example);
		buf_addc(out, ']');
	}
	if (f->flags & SCHEMA_SECRET)
		add_raw(out, "writeOnly", "true");
}

void schema_describe_field(const struct schema_field *f, struct buf *out)
{
	buf_addc(out, '{');
	if (f->type == SCHEMA_OBJECT) {
		describe_object(f, out);
	} else {
		describe_type(f, out);
		describe_limits(f, out);
	}
	describe_notes(f, out);
	buf_addc(out, '}');
}

static void describe_properties(const struct schema *s, struct buf *out)
{
	add_raw(out, "properties", "{");
	for (size_t i = 0; i < s->n_fields; i++) {
		add_raw(out, s->fields[i].name, "");
		schema_describe_field(&s->fields[i], out);
	}
	buf_addc(out, '}');
}

static void describe_required(const struct schema *s, struct buf *out)
{
	char separator = '[';

	for (size_t i = 0; i < s->n_fields; i++) {
		if (!(s->fields[i].flags & SCHEMA_REQUIRED))
			continue;
		if (separator == '[')
			add_raw(out, "required", "");
		buf_addc(out, separator);
		buf_add_json(out, str_from(s->fields[i].name));
		separator = ',';
	}
	if (separator == ',')
		buf_addc(out, ']');
}

static void describe(const struct schema *s, bool is_closed, struct buf *out)
{
	buf_addc(out, '{');
	add_text(out, "type", "object");
	add_text(out, "title", s->name);
	if (s->doc)
		add_text(out, "description", s->doc);
	describe_properties(s, out);
	describe_required(s, out);
	if (is_closed)
		add_raw(out, "additionalProperties", "false");
	buf_addc(out, '}');
}

void schema_describe(const struct schema *s, struct buf *out)
{
	describe(s, true, out);
}

void schema_describe_open(const struct schema *s, struct buf *out)
{
	describe(s, false, out);
}

struct visit {
	const struct schema *seen[MESSAGES_MAX];
	size_t n_seen;
};

/* Puts s behind what was seen, unless it is there. */
static int visit_add(struct visit *v, const struct schema *s)
{
	for (size_t i = 0; i < v->n_seen; i++)
		if (v->seen[i] == s)
			return 0;
	if (v->n_seen == MESSAGES_MAX)
		return -ENOSPC;
	v->seen[v->n_seen++] = s;
	return 0;
}

int schema_visit(const struct schema *s, int (*visit)(const struct schema *s, void *arg), void *arg)
{
	struct visit v = { .n_seen = 0 };
	int r;

	r = visit_add(&v, s);
	/* The list of those seen is the queue, too. */
	for (size_t next = 0; r >= 0 && next < v.n_seen; next++) {
		const struct schema *at = v.seen[next];

		r = visit(at, arg);
		for (size_t i = 0; r >= 0 && i < at->n_fields; i++)
			if (at->fields[i].schema)
				r = visit_add(&v, at->fields[i].schema);
	}
	return r < 0 ? r : 0;
}
