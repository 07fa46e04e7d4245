/* Decoded name=value pairs (query, path, form) to struct. Numbers and booleans are read from their one plain spelling:
 * "1", "-2.5", "true"; what int() or strtol() would forgive is a violation. Never yields. */
#include "schema/json_text.h"
#include "schema/layout.h"
#include "schema/parse.h"
#include "schema/value.h"

#include "base/utf8.h"

#include <errno.h>

/* All pairs of one name. */
struct matches {
	const struct schema_pair *pairs;
	size_t n;
	struct str name;
};

static struct str pair_value(const struct schema_pair *pair)
{
	return pair->value.data ? pair->value : STR("");
}

/* The next one at or after *cursor, which moves past it; NULL at the end. */
static const struct schema_pair *match_next(const struct matches *m, size_t *cursor)
{
	while (*cursor < m->n) {
		const struct schema_pair *pair = &m->pairs[(*cursor)++];

		if (str_equal(pair->name, m->name))
			return pair;
	}
	return NULL;
}

static int read_bool(struct walk *w, const struct schema_field *f, struct str text, void *at)
{
	bool is_true = str_equal(text, STR("true")) || str_equal(text, STR("1"));

	if (!is_true && !str_equal(text, STR("false")) && !str_equal(text, STR("0")))
		return walk_fault(w, "bool_parsing", "Input should be a valid boolean, unable to interpret input");
	field_put_bool(f, at, is_true);
	return 0;
}

static int read_int(struct walk *w, const struct schema_field *f, struct str text, void *at)
{
	int64_t value;
	int r;

	r = str_to_int64(text, INT64_MIN, INT64_MAX, &value);
	if (r == -ERANGE)
		return walk_fault(w, "int_parsing_size",
		                  "Unable to parse input string as an integer, exceeded maximum size");
	if (r < 0)
		return walk_fault(w, "int_parsing",
		                  "Input should be a valid integer, unable to parse string as an integer");
	r = value_check_int(w, f, value);
	if (r < 0)
		return r;
	field_put_int(f, at, value);
	return 0;
}

/* A JSON number and nothing else. */
static int number_parse(struct str text, double *ret)
{
	json_auto_t *json = NULL;

	/* jansson would skip white space at both ends. */
	if (text.len == 0 || !strchr("-0123456789", text.data[0]) || !strchr("0123456789", text.data[text.len - 1]))
		return -EINVAL;
	json = json_loadb(text.data, text.len, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
	if (!json_is_real(json))
		return -EINVAL;
	*ret = json_real_value(json);
	return 0;
}

static int read_number(struct walk *w, const struct schema_field *f, struct str text, void *at)
{
	double value;
	int r;

	if (number_parse(text, &value) < 0)
		return walk_fault(w, "float_parsing",
		                  "Input should be a valid number, unable to parse string as a number");
	r = value_check_number(w, f, value);
	if (r < 0)
		return r;
	field_put_number(f, at, value);
	return 0;
}

static int read_string(struct walk *w, const struct schema_field *f, struct str text, struct str *at)
{
	if (!utf8_is_valid(text))
		return walk_fault(w, "string_unicode",
		                  "Input should be a valid string, unable to parse raw data as a unicode string");
	return value_read_string(w, f, text, at);
}

static int read_text(struct walk *w, const struct schema_field *f, struct str text, void *at)
{
	switch (f->type) {
	case SCHEMA_BOOL:
		return read_bool(w, f, text, at);
	case SCHEMA_INT:
		return read_int(w, f, text, at);
	case SCHEMA_NUMBER:
		return read_number(w, f, text, at);
	default:
		assert(field_is_string(f->type)); /* a parameter is no object */
		return read_string(w, f, text, at);
	}
}

static size_t count_items(const struct matches *m)
{
	const struct schema_pair *pair;
	size_t cursor = 0, n = 0;

	while ((pair = match_next(m, &cursor))) {
		struct str value = pair_value(pair);

		n++;
		for (size_t i = 0; i < value.len; i++)
			n += value.data[i] == ',';
	}
	return n;
}

/* The items of one "a,b,c", from number *index on. */
static int read_commas(struct walk *w, const struct schema_field *f, struct str text, char *items, size_t *index)
{
	const struct schema_field item = field_item(f);
	size_t size = field_item_size(f), from = 0;
	int result = 0;

	while (from <= text.len) {
		ptrdiff_t comma = str_index(text, ',', from);
		size_t to = comma < 0 ? text.len : (size_t)comma;
		int r;

		walk_enter_index(w, *index);
		r = read_text(w, &item, str_slice(text, from, to), items + *index * size);
		walk_leave(w);
		if (r < 0 && r != -EINVAL)
			return r;
		result = MIN(result, r);
		(*index)++;
		from = to + 1;
	}
	return result;
}

static int read_list(struct walk *w, const struct schema_field *f, const struct matches *m, struct schema_array *at)
{
	const struct schema_pair *pair;
	size_t n = count_items(m), cursor = 0, index = 0;
	int result, r;
	char *items;

	r = value_check_count(w, f, n);
	if (r < 0)
		return r;
	items = arena_array(w->arena, n, field_item_size(f));
	if (!items)
		return -ENOMEM;
	result = 0;
	while ((pair = match_next(m, &cursor))) {
		r = read_commas(w, f, pair_value(pair), items, &index);
		if (r < 0 && r != -EINVAL)
			return r;
		result = MIN(result, r);
	}
	if (result == 0)
		*at = (struct schema_array){ n, items };
	return result;
}

/* Not given, or (when it may be left out) given without a value. */
static bool is_left_out(const struct schema_field *f, const struct matches *m)
{
	const struct schema_pair *pair;
	size_t cursor = 0;

	while ((pair = match_next(m, &cursor)))
		if ((f->flags & SCHEMA_REQUIRED) || pair->value.len > 0)
			return false;
	return true;
}

static int read_field(struct walk *w, const struct schema_field *f, const struct matches *m, void *at)
{
	size_t cursor = 0;
	const struct schema_pair *first;

	if (f->type == SCHEMA_ARRAY)
		return read_list(w, f, m, at);
	first = match_next(m, &cursor);
	if (match_next(m, &cursor))
		return walk_fault(w, "value_error", "Value error, given more than once");
	return read_text(w, f, pair_value(first), at);
}

static int read_fields(struct walk *w, const struct schema *s, struct matches m, char *value, uint64_t *ret_present)
{
	uint64_t present = 0;
	int result = 0;

	for (size_t i = 0; i < s->n_fields; i++) {
		const struct schema_field *f = &s->fields[i];
		bool is_absent;
		int r;

		m.name = str_from(f->name);
		is_absent = is_left_out(f, &m);
		walk_enter(w, m.name);
		r = is_absent ? parse_absent(w, f, value + f->offset) : read_field(w, f, &m, value + f->offset);
		walk_leave(w);
		if (r < 0 && r != -EINVAL)
			return r;
		result = MIN(result, r);
		if (!is_absent)
			present |= UINT64_C(1) << i;
	}
	*ret_present = present;
	return result;
}

static bool has_field(const struct schema *s, struct str name)
{
	for (size_t i = 0; i < s->n_fields; i++)
		if (str_equal(str_from(s->fields[i].name), name))
			return true;
	return false;
}

static void fault_extras(struct walk *w, const struct schema *s, const struct schema_pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct str name = pairs[i].name.data ? pairs[i].name : STR("");

		if (has_field(s, name))
			continue;
		walk_enter(w, name);
		value_fault_extra(w);
		walk_leave(w);
	}
}

int schema_parse_pairs(const struct schema *s, const char *where, const struct schema_pair *pairs, size_t n,
                       struct arena *a, void *ret_value, struct violations *v)
{
	uint64_t present = 0;
	struct walk w;
	int r;

	memset(ret_value, 0, s->size);
	walk_init(&w, a, v, where);
	r = read_fields(&w, s, (struct matches){ .pairs = pairs, .n = n }, ret_value, &present);
	if (r < 0 && r != -EINVAL)
		return r;
	fault_extras(&w, s, pairs, n);
	if (s->present_offset != SIZE_MAX)
		memcpy((char *)ret_value + s->present_offset, &present, sizeof(present));
	r = w.n_faults > 0 ? -EINVAL : value_check_message(&w, s, ret_value);
	return walk_result(&w, r);
}
