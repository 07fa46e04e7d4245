/* A reply against its own table: the parser's rules, on a struct that we filled ourselves. Violations stand under
 * ["response", …]. Never yields. */
#include "schema/json_text.h"
#include "schema/layout.h"
#include "schema/value.h"

#include "base/utf8.h"

#include <errno.h>

static int check_message(struct walk *w, const struct schema *s, const char *value);
static int check_field(struct walk *w, const struct schema_field *f, const void *at);

static int check_any(struct walk *w, const struct schema_field *f, struct str text)
{
	return json_text_is_valid(text) ? 0 : value_fault_type(w, f);
}

static int check_string(struct walk *w, const struct schema_field *f, struct str s)
{
	if (!utf8_is_valid(s))
		return walk_fault(w, "string_unicode",
		                  "Input should be a valid string, unable to parse raw data as a unicode string");
	return value_check_string(w, f, s);
}

static int check_array(struct walk *w, const struct schema_field *f, const struct schema_array *array)
{
	const struct schema_field item = field_item(f);
	size_t size = field_item_size(f);
	const char *at = array->items;
	int result;

	if (array->n > 0 && !at)
		return value_fault_type(w, f);
	result = value_check_count(w, f, array->n);
	for (size_t i = 0; i < array->n; i++, at += size) {
		int r;

		walk_enter_index(w, i);
		r = item.schema ? check_message(w, item.schema, at) : check_field(w, &item, at);
		walk_leave(w);
		if (r < 0 && r != -EINVAL)
			return r;
		result = MIN(result, r);
	}
	return result;
}

static int check_present(struct walk *w, const struct schema_field *f, const void *at)
{
	switch (f->type) {
	case SCHEMA_BOOL:
		return 0;
	case SCHEMA_INT:
		return value_check_int(w, f, field_get_int(f, at));
	case SCHEMA_NUMBER:
		return value_check_number(w, f, field_get_number(f, at));
	case SCHEMA_OBJECT:
		return check_message(w, f->schema, *(const void *const *)at);
	case SCHEMA_ARRAY:
		return check_array(w, f, at);
	case SCHEMA_ANY:
		return check_any(w, f, *(const struct str *)at);
	default:
		return check_string(w, f, *(const struct str *)at);
	}
}

static int check_field(struct walk *w, const struct schema_field *f, const void *at)
{
	if (!field_is_absent(f, at))
		return check_present(w, f, at);
	if ((f->flags & SCHEMA_NULLABLE) || !(f->flags & SCHEMA_REQUIRED))
		return 0;
	/* A list nobody filled is written as an empty one. */
	return f->type == SCHEMA_ARRAY ? check_array(w, f, at) : value_fault_type(w, f);
}

static int check_message(struct walk *w, const struct schema *s, const char *value)
{
	int result = 0;

	if (w->depth > WALK_DEPTH_MAX)
		return walk_fault(w, "recursion_loop", "Recursion error - cyclic reference detected");
	for (size_t i = 0; i < s->n_fields; i++) {
		int r;

		walk_enter(w, str_from(s->fields[i].name));
		r = check_field(w, &s->fields[i], value + s->fields[i].offset);
		walk_leave(w);
		if (r < 0 && r != -EINVAL)
			return r;
		result = MIN(result, r);
	}
	return result < 0 ? result : value_check_message(w, s, value);
}

int schema_check(const struct schema *s, const void *value, struct arena *a, struct violations *v)
{
	struct walk w;

	walk_init(&w, a, v, "response");
	return walk_result(&w, check_message(&w, s, value));
}
