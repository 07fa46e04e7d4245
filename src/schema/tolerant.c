/* JSON of a capricious source to struct: parse.c's counterpart that takes what fits and leaves out the rest. The rules
 * for one value are value.c's, asked without words; -EINVAL means "does not fit" and goes no further than to the field
 * or the item it is about. Recursion is bounded by the depth limit of json_text.h. What was read of an item that is
 * left out stays in the arena unused. Never yields. */
#include "schema/json_text.h"
#include "schema/layout.h"
#include "schema/parse.h"
#include "schema/value.h"

#include "base/utf8.h"

#include <errno.h>
#include <math.h>

#define FIELDS_MAX 64 /* bits in `present` */

static int read_message(struct walk *w, const struct schema *s, const json_t *json, struct str name, void *value);
static int read_value(struct walk *w, const struct schema_field *f, const json_t *json, void *at);

static int read_bool(const struct schema_field *f, const json_t *json, void *at)
{
	if (!json_is_boolean(json))
		return -EINVAL;
	field_put_bool(f, at, json_is_true(json));
	return 0;
}

/* A real that is a whole number within int64_t. */
static bool is_whole(double value)
{
	return value >= -0x1p63 && value < 0x1p63 && trunc(value) == value;
}

static int read_int(struct walk *w, const struct schema_field *f, const json_t *json, void *at)
{
	int64_t value;
	int r;

	if (json_is_integer(json))
		value = json_integer_value(json);
	else if (json_is_real(json) && is_whole(json_real_value(json)))
		value = (int64_t)json_real_value(json);
	else
		return -EINVAL;
	r = value_check_int(w, f, value);
	if (r == 0)
		field_put_int(f, at, value);
	return r;
}

static int read_number(struct walk *w, const struct schema_field *f, const json_t *json, void *at)
{
	int r;

	if (!json_is_number(json))
		return -EINVAL;
	r = value_check_number(w, f, json_number_value(json));
	if (r == 0)
		field_put_number(f, at, json_number_value(json));
	return r;
}

/* ---- strings ---- */

static bool is_allowed(const struct schema_field *f, uint32_t cp)
{
	if (cp == 0)
		return f->flags & SCHEMA_NUL_OK;
	if (cp == '\n' || cp == '\r' || cp == '\t')
		return f->flags & SCHEMA_MULTILINE;
	return cp >= 0x20 && (cp < 0x7f || cp >= 0xa0);
}

/* The text within its maximum, with spaces for the controls it may not have. s is valid UTF-8. */
static int string_mend(struct arena *a, const struct schema_field *f, struct str s, struct str *ret)
{
	int64_t left = field_length_max(f);
	char *text = arena_alloc(a, s.len + 1);
	size_t pos = 0, from = 0, len = 0;
	uint32_t cp;

	if (!text)
		return -ENOMEM;
	for (; left > 0 && utf8_next(s, &pos, &cp) == 0; left--, from = pos) {
		bool is_kept = is_allowed(f, cp);

		memcpy(text + len, is_kept ? s.data + from : " ", is_kept ? pos - from : 1);
		len += is_kept ? pos - from : 1;
	}
	*ret = (struct str){ text, len };
	return 0;
}

static int read_text(struct walk *w, const struct schema_field *f, struct str s, struct str *at)
{
	struct str mended;
	int r;

	if (s.len == 0 && (f->flags & SCHEMA_NULLABLE))
		return -EINVAL;
	r = value_read_string(w, f, s, at);
	if (r != -EINVAL || f->type != SCHEMA_STRING || f->pattern)
		return r;
	r = string_mend(w->arena, f, s, &mended);
	return r < 0 ? r : value_read_string(w, f, mended, at);
}

static int read_string(struct walk *w, const struct schema_field *f, const json_t *json, struct str *at)
{
	if (!json_is_string(json))
		return -EINVAL;
	return read_text(w, f, (struct str){ json_string_value(json), json_string_length(json) }, at);
}

/* ---- lists and messages ---- */

static int read_object(struct walk *w, const struct schema_field *f, const json_t *json, void **at)
{
	void *value;
	int r;

	if (!json_is_object(json))
		return -EINVAL;
	value = arena_alloc(w->arena, f->schema->size);
	if (!value)
		return -ENOMEM;
	r = read_message(w, f->schema, json, STR_NULL, value);
	if (r == 0)
		*at = value;
	return r;
}

/* One item, into zeroed room. name: by which it was sent, or null. */
static int read_item(struct walk *w, const struct schema_field *item, const json_t *json, struct str name, void *at)
{
	return item->schema ? read_message(w, item->schema, json, name, at) : read_value(w, item, json, at);
}

/* A list being filled. */
struct items {
	char *data;
	size_t n;
	size_t max;
	size_t size;
};

/* Takes the item, or leaves its room to the next one. */
static int items_add(struct walk *w, const struct schema_field *item, const json_t *json, struct str name,
                     struct items *items)
{
	char *at = items->data + items->n * items->size;
	int r = read_item(w, item, json, name, at);

	if (r == 0)
		items->n++;
	if (r != -EINVAL)
		return r;
	memset(at, 0, items->size);
	return 0;
}

static int items_begin(struct walk *w, const struct schema_field *f, size_t n, struct items *ret)
{
	*ret = (struct items){ .max = MIN(n, field_items_max(f)), .size = field_item_size(f) };
	ret->data = arena_array(w->arena, ret->max, ret->size);
	return ret->data ? 0 : -ENOMEM;
}

static int items_end(struct walk *w, const struct schema_field *f, const struct items *items, struct schema_array *at)
{
	int r = value_check_count(w, f, items->n);

	if (r == 0)
		*at = (struct schema_array){ items->n, items->data };
	return r;
}

static int read_array(struct walk *w, const struct schema_field *f, const json_t *json, struct schema_array *at)
{
	const struct schema_field item = field_item(f);
	size_t n = json_array_size(json);
	struct items items;
	int r;

	if (!json_is_array(json))
		return -EINVAL;
	r = items_begin(w, f, n, &items);
	for (size_t i = 0; i < n && r == 0 && items.n < items.max; i++)
		r = items_add(w, &item, json_array_get(json, i), STR_NULL, &items);
	return r < 0 ? r : items_end(w, f, &items, at);
}

static int read_named(struct walk *w, const struct schema_field *f, const json_t *json, struct schema_array *at)
{
	json_t *object = (json_t *)json; /* jansson's iterator takes no const */
	const struct schema_field item = field_item(f);
	struct items items;
	int r;

	if (!json_is_object(json))
		return -EINVAL;
	r = items_begin(w, f, json_object_size(json), &items);
	for (void *i = json_object_iter(object); i && r == 0 && items.n < items.max;
	     i = json_object_iter_next(object, i))
		r = items_add(w, &item, json_object_iter_value(i), str_from(json_object_iter_key(i)), &items);
	return r < 0 ? r : items_end(w, f, &items, at);
}

static int read_value(struct walk *w, const struct schema_field *f, const json_t *json, void *at)
{
	switch (f->type) {
	case SCHEMA_BOOL:
		return read_bool(f, json, at);
	case SCHEMA_INT:
		return read_int(w, f, json, at);
	case SCHEMA_NUMBER:
		return read_number(w, f, json, at);
	case SCHEMA_OBJECT:
		return read_object(w, f, json, at);
	case SCHEMA_ARRAY:
		return f->flags & SCHEMA_BY_NAME ? read_named(w, f, json, at) : read_array(w, f, json, at);
	case SCHEMA_ANY:
		return parse_any(w, json, at);
	default:
		return read_string(w, f, json, at);
	}
}

/* What is not there or does not fit. */
static int read_absent(struct walk *w, const struct schema_field *f, void *at)
{
	if ((f->flags & SCHEMA_REQUIRED) && (f->flags & SCHEMA_NULLABLE))
		return 0;
	return parse_absent(w, f, at);
}

static int read_field(struct walk *w, const struct schema_field *f, const json_t *json, void *at, bool *ret_is_present)
{
	int r = json && !json_is_null(json) ? read_value(w, f, json, at) : -EINVAL;

	*ret_is_present = r == 0 || json_is_null(json);
	if (json_is_null(json) && (f->flags & SCHEMA_NULLABLE))
		return 0;
	return r == -EINVAL ? read_absent(w, f, at) : r;
}

/* value is zeroed. name: of the member that the message is, for its first field; or null. */
static int read_message(struct walk *w, const struct schema *s, const json_t *json, struct str name, void *value)
{
	uint64_t present = 0;
	int r = 0;

	assert(s->n_fields <= FIELDS_MAX);
	if (!json_is_object(json))
		return -EINVAL;
	for (size_t i = 0; i < s->n_fields && r == 0; i++) {
		const struct schema_field *f = &s->fields[i];
		char *at = (char *)value + f->offset;
		bool is_present = true;

		if (i == 0 && name.data)
			r = read_text(w, f, name, (struct str *)(void *)at);
		else
			r = read_field(w, f, json_object_get(json, f->name), at, &is_present);
		present |= (uint64_t)is_present << i;
	}
	if (r < 0)
		return r;
	if (s->present_offset != SIZE_MAX)
		memcpy((char *)value + s->present_offset, &present, sizeof(present));
	return value_check_message(w, s, value);
}

int schema_parse_tolerant(const struct schema *s, struct str json, struct arena *a, void *ret_value)
{
	json_auto_t *root = NULL;
	struct walk w;
	int r;

	memset(ret_value, 0, s->size);
	walk_init(&w, a, NULL, "body");
	r = json_text_load_tolerant(json, &root);
	if (r == 0)
		r = read_message(&w, s, root, STR_NULL, ret_value);
	return r == -EINVAL ? -EBADMSG : r;
}
