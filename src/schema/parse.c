/* JSON to struct. The jansson tree lives for one call; what stays lies in the caller's arena. Strict: no value is
 * coerced, not even 1.0 to an integer. Recursion is bounded by the depth limit of json_text_load(). Never yields. */
#include "schema/parse.h"

#include "schema/json_text.h"
#include "schema/layout.h"
#include "schema/value.h"

#include <errno.h>
#include <stdlib.h>

#define FIELDS_MAX 64 /* bits in `present` */

static int read_message(struct walk *w, const struct schema *s, const json_t *json, void *value);
static int read_present(struct walk *w, const struct schema_field *f, const json_t *json, void *at);

static int read_bool(struct walk *w, const struct schema_field *f, const json_t *json, void *at)
{
	if (!json_is_boolean(json))
		return value_fault_type(w, f);
	field_put_bool(f, at, json_is_true(json));
	return 0;
}

static int read_int(struct walk *w, const struct schema_field *f, const json_t *json, void *at)
{
	int r;

	if (!json_is_integer(json))
		return value_fault_type(w, f);
	r = value_check_int(w, f, json_integer_value(json));
	if (r < 0)
		return r;
	field_put_int(f, at, json_integer_value(json));
	return 0;
}

static int read_number(struct walk *w, const struct schema_field *f, const json_t *json, void *at)
{
	int r;

	if (!json_is_number(json))
		return value_fault_type(w, f);
	r = value_check_number(w, f, json_number_value(json));
	if (r < 0)
		return r;
	field_put_number(f, at, json_number_value(json));
	return 0;
}

static int read_string(struct walk *w, const struct schema_field *f, const json_t *json, struct str *at)
{
	if (!json_is_string(json))
		return value_fault_type(w, f);
	return value_read_string(w, f, (struct str){ json_string_value(json), json_string_length(json) }, at);
}

int parse_any(struct walk *w, const json_t *json, struct str *ret)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
	int r;

	if (!text)
		return -ENOMEM;
	r = arena_copy(w->arena, str_from(text), ret);
	free(text);
	return r;
}

static int read_object(struct walk *w, const struct schema_field *f, const json_t *json, void **at)
{
	void *value = arena_alloc(w->arena, f->schema->size);
	int r;

	if (!value)
		return -ENOMEM;
	r = read_message(w, f->schema, json, value);
	if (r < 0)
		return r;
	*at = value;
	return 0;
}

static int read_items(struct walk *w, const struct schema_field *f, const json_t *json, char *items)
{
	const struct schema_field item = field_item(f);
	size_t size = field_item_size(f);
	int result = 0;

	for (size_t i = 0; i < json_array_size(json); i++) {
		const json_t *element = json_array_get(json, i);
		int r;

		walk_enter_index(w, i);
		if (item.schema)
			r = read_message(w, item.schema, element, items + i * size);
		else
			r = read_present(w, &item, element, items + i * size);
		walk_leave(w);
		if (r < 0 && r != -EINVAL)
			return r;
		result = MIN(result, r);
	}
	return result;
}

static int read_array(struct walk *w, const struct schema_field *f, const json_t *json, struct schema_array *at)
{
	size_t n = json_array_size(json);
	void *items;
	int r;

	if (!json_is_array(json))
		return value_fault_type(w, f);
	r = value_check_count(w, f, n);
	if (r < 0)
		return r;
	items = arena_array(w->arena, n, field_item_size(f));
	if (!items)
		return -ENOMEM;
	r = read_items(w, f, json, items);
	if (r < 0)
		return r;
	*at = (struct schema_array){ n, items };
	return 0;
}

/* A value that is there. Null leaves a nullable field as zeroed. */
static int read_present(struct walk *w, const struct schema_field *f, const json_t *json, void *at)
{
	if (json_is_null(json) && (f->flags & SCHEMA_NULLABLE))
		return 0;
	switch (f->type) {
	case SCHEMA_BOOL:
		return read_bool(w, f, json, at);
	case SCHEMA_INT:
		return read_int(w, f, json, at);
	case SCHEMA_NUMBER:
		return read_number(w, f, json, at);
	case SCHEMA_OBJECT:
		return read_object(w, f, json, at);
	case SCHEMA_ARRAY:
		return read_array(w, f, json, at);
	case SCHEMA_ANY:
		return parse_any(w, json, at);
	default:
		return read_string(w, f, json, at);
	}
}

static int read_default(struct walk *w, const struct schema_field *f, void *at)
{
	json_auto_t *json = json_loads(f->def, JSON_DECODE_ANY, NULL);
	int r;

	if (!json)
		return -ENOMEM;
	r = read_present(w, f, json, at);
	assert(r != -EINVAL); /* a default breaks the rules of its own field */
	return r;
}

/* The common defaults without a JSON parser; false: not one of them. */
static bool read_default_fast(const struct schema_field *f, struct arena *a, void *at, int *ret_r)
{
	struct str def = str_from(f->def);
	int64_t number;

	*ret_r = 0;
	if (f->type == SCHEMA_BOOL && !str_equal(def, STR("null"))) {
		field_put_bool(f, at, str_equal(def, STR("true")));
		return true;
	}
	if (f->type == SCHEMA_INT && str_to_int64(def, INT64_MIN, INT64_MAX, &number) == 0) {
		field_put_int(f, at, number);
		return true;
	}
	if (field_is_string(f->type) && def.len >= 2 && def.data[0] == '"' && str_index(def, '\\', 0) < 0) {
		*ret_r = arena_copy(a, str_slice(def, 1, def.len - 1), at);
		return true;
	}
	return false;
}

int parse_absent(struct walk *w, const struct schema_field *f, void *at)
{
	int r;

	if (f->flags & SCHEMA_REQUIRED)
		return value_fault_missing(w);
	if (!f->def)
		return 0;
	return read_default_fast(f, w->arena, at, &r) ? r : read_default(w, f, at);
}

static bool has_field(const struct schema *s, const char *name)
{
	for (size_t i = 0; i < s->n_fields; i++)
		if (strcmp(s->fields[i].name, name) == 0)
			return true;
	return false;
}

/* Notes the n names that are not in the table; when the list is full, the rest is only counted. */
static int fault_extras(struct walk *w, const struct schema *s, const json_t *json, size_t n)
{
	json_t *object = (json_t *)json; /* jansson's iterator takes no const */

	for (void *i = json_object_iter(object); i && w->violations->n < VIOLATIONS_MAX;
	     i = json_object_iter_next(object, i)) {
		const char *name = json_object_iter_key(i);

		if (has_field(s, name))
			continue;
		walk_enter(w, str_from(name));
		value_fault_extra(w);
		walk_leave(w);
		n--;
	}
	w->n_faults += n;
	w->violations->dropped += n;
	return -EINVAL;
}

static int read_fields(struct walk *w, const struct schema *s, const json_t *json, char *value, uint64_t *ret_present)
{
	uint64_t present = 0;
	int result = 0;

	for (size_t i = 0; i < s->n_fields; i++) {
		const struct schema_field *f = &s->fields[i];
		const json_t *item = json_object_get(json, f->name);
		void *at = value + f->offset;
		int r;

		walk_enter(w, str_from(f->name));
		r = item ? read_present(w, f, item, at) : parse_absent(w, f, at);
		walk_leave(w);
		if (r < 0 && r != -EINVAL)
			return r;
		result = MIN(result, r);
		if (item)
			present |= UINT64_C(1) << i;
	}
	*ret_present = present;
	return result;
}

/* value is zeroed. */
static int read_message(struct walk *w, const struct schema *s, const json_t *json, void *value)
{
	static const struct schema_field object = { .type = SCHEMA_OBJECT };
	uint64_t present = 0;
	size_t n_extra;
	int r;

	assert(s->n_fields <= FIELDS_MAX);
	if (!json_is_object(json))
		return value_fault_type(w, &object);
	r = read_fields(w, s, json, value, &present);
	if (r < 0 && r != -EINVAL)
		return r;
	n_extra = json_object_size(json) - (size_t)__builtin_popcountll(present);
	if (n_extra > 0 && !w->lenient)
		r = fault_extras(w, s, json, n_extra);
	if (s->present_offset != SIZE_MAX)
		memcpy((char *)value + s->present_offset, &present, sizeof(present));
	return r < 0 ? r : value_check_message(w, s, value);
}

static int parse(const struct schema *s, struct str text, struct arena *a, void *value, struct violations *v,
                 bool is_lenient)
{
	json_auto_t *json = NULL;
	struct walk w;
	int r;

	memset(value, 0, s->size);
	walk_init(&w, a, v, "body");
	w.lenient = is_lenient;
	r = json_text_load(&w, text, &json);
	if (r == 0)
		r = read_message(&w, s, json, value);
	return walk_result(&w, r);
}

int schema_parse(const struct schema *s, struct str json, struct arena *a, void *ret_value, struct violations *v)
{
	return parse(s, json, a, ret_value, v, false);
}

int schema_parse_lenient(const struct schema *s, struct str json, struct arena *a, void *ret_value,
                         struct violations *v)
{
	return parse(s, json, a, ret_value, v, true);
}
