/* A document takes many times its size as jansson's values, so how many values it has is looked at first. */
#include "import/json.h"

#include <errno.h>

enum { VALUES_A_ROW = 32, VALUES_MIN = 100000 };

struct str json_str(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value) ? (struct str){ json_string_value(value), json_string_length(value) } : STR("");
}

int64_t json_int(const json_t *object, const char *name, int64_t max)
{
	const json_t *value = json_object_get(object, name);
	int64_t n = json_is_integer(value) ? json_integer_value(value) : 0;

	return n >= 1 && n <= max ? n : 0;
}

/* Each value but the first of a list or object has a comma before it, and each list and object a bracket. */
static bool has_too_many_values(struct str text, size_t rows_max)
{
	size_t max = MAX(rows_max * VALUES_A_ROW, (size_t)VALUES_MIN), n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += text.data[i] == ',' || text.data[i] == '[' || text.data[i] == '{';
	return n > max;
}

static int document_read(struct import_reader *r, const struct import_part *part, const json_t *root,
                         enum import_format *ret_format)
{
	int error;

	r->file = part->name;
	if (cinesync_json_is(root)) {
		*ret_format = IMPORT_CINESYNC;
		error = cinesync_json_read(r, root);
		return error < 0 ? error : 1;
	}
	*ret_format = IMPORT_TRAKT;
	return trakt_json_read(r, root, part->name);
}

static int part_read(struct import_reader *r, const struct import_part *part, enum import_format *ret_format)
{
	json_error_t where;
	json_t *root;
	struct str text;
	int result = text_decode(r, part->data, &text);

	if (result < 0)
		return result;
	if (has_too_many_values(text, r->options->rows_max)) {
		r->reason = "It has more in it than is taken at once; split it.";
		return -EFBIG;
	}
	root = json_loadb(text.data, text.len, JSON_ALLOW_NUL, &where);
	if (!root)
		return reader_refuse(r, "It begins like JSON but is none, or is cut off.");
	result = document_read(r, part, root, ret_format);
	json_decref(root);
	return result;
}

static bool is_json(const struct import_part *part)
{
	return str_is_null(part->name) || str_ends(part->name, STR(".json"));
}

int json_read(struct import_reader *r, const struct import_part *parts, size_t n, enum import_format *ret_format)
{
	bool found = false;
	int result;

	for (size_t i = 0; i < n; i++) {
		if (!is_json(&parts[i]))
			continue;
		result = part_read(r, &parts[i], ret_format);
		if (result < 0)
			return result;
		found |= result == 1;
	}
	return found;
}
