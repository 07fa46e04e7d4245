/* Struct to JSON, straight into the buffer. The output is one line without blanks, fields in the order of the table.
 * Allocates nothing but the buffer's room; never yields. */
#include "schema/layout.h"
#include "schema/walk.h"

static void write_message(const struct schema *s, const char *value, struct buf *out, int depth);

static void write_value(const struct schema_field *f, const void *at, struct buf *out, int depth);

static void write_array(const struct schema_field *f, const struct schema_array *array, struct buf *out, int depth)
{
	const struct schema_field item = field_item(f);
	size_t size = field_item_size(f);
	const char *at = array->items;

	buf_addc(out, '[');
	for (size_t i = 0; i < array->n; i++, at += size) {
		if (i > 0)
			buf_addc(out, ',');
		if (item.schema)
			write_message(item.schema, at, out, depth);
		else
			write_value(&item, at, out, depth);
	}
	buf_addc(out, ']');
}

static void write_value(const struct schema_field *f, const void *at, struct buf *out, int depth)
{
	switch (f->type) {
	case SCHEMA_BOOL:
		buf_adds(out, field_get_bool(f, at) ? "true" : "false");
		break;
	case SCHEMA_INT:
		buf_add_int(out, field_get_int(f, at));
		break;
	case SCHEMA_NUMBER:
		/* The sum turns -0.0 into 0: as JSON integer "-0" it would come back without its sign. */
		buf_add_double(out, field_get_number(f, at) + 0.0);
		break;
	case SCHEMA_OBJECT:
		write_message(f->schema, *(const void *const *)at, out, depth);
		break;
	case SCHEMA_ARRAY:
		write_array(f, at, out, depth);
		break;
	case SCHEMA_ANY:
		buf_add_str(out, *(const struct str *)at);
		break;
	default:
		buf_add_json(out, *(const struct str *)at);
		break;
	}
}

/* What has no value and may not be null is left out; a list that may not be null is empty. */
static bool is_left_out(const struct schema_field *f, bool is_absent)
{
	return is_absent && f->type != SCHEMA_ARRAY && !(f->flags & (SCHEMA_REQUIRED | SCHEMA_NULLABLE));
}

static void write_message(const struct schema *s, const char *value, struct buf *out, int depth)
{
	char separator = '{';

	if (depth >= WALK_DEPTH_MAX) {
		buf_adds(out, "null");
		return;
	}
	for (size_t i = 0; i < s->n_fields; i++) {
		const struct schema_field *f = &s->fields[i];
		bool is_absent = field_is_absent(f, value + f->offset);

		if (is_left_out(f, is_absent))
			continue;
		buf_addc(out, separator);
		buf_addc(out, '"');
		buf_adds(out, f->name);
		buf_adds(out, "\":");
		if (is_absent && (f->type != SCHEMA_ARRAY || (f->flags & SCHEMA_NULLABLE)))
			buf_adds(out, "null");
		else
			write_value(f, value + f->offset, out, depth + 1);
		separator = ',';
	}
	buf_adds(out, separator == '{' ? "{}" : "}");
}

void schema_write(const struct schema *s, const void *value, struct buf *out)
{
	write_message(s, value, out, 0);
}
