/* How a field lies in its struct. Pure functions of the table; own nothing, allocate nothing. */
#include "schema/layout.h"

#define LANGUAGE_LENGTH_MAX 64
#define URI_LENGTH_MAX 2048
#define EMAIL_LENGTH_MAX 254

bool field_is_boxed(const struct schema_field *f)
{
	bool is_plain = (f->flags & SCHEMA_REQUIRED) || f->def;

	if (f->type != SCHEMA_BOOL && f->type != SCHEMA_INT && f->type != SCHEMA_NUMBER)
		return false;
	return (f->flags & (SCHEMA_NULLABLE | SCHEMA_OPTIONAL_TYPE)) || !is_plain;
}

enum schema_type field_item_type(const struct schema_field *f)
{
	return f->schema ? SCHEMA_OBJECT : f->item;
}

struct schema_field field_item(const struct schema_field *f)
{
	const unsigned inherited = SCHEMA_SECRET | SCHEMA_NUL_OK | SCHEMA_TRIM | SCHEMA_MULTILINE;

	return (struct schema_field){
		.name = f->name,
		.type = field_item_type(f),
		.flags = SCHEMA_REQUIRED | (f->flags & inherited),
		.pattern = f->pattern,
		.values = f->values,
		.schema = f->schema,
	};
}

size_t field_item_size(const struct schema_field *f)
{
	assert(field_item_type(f) != SCHEMA_ARRAY); /* a list of lists has no layout */
	switch (field_item_type(f)) {
	case SCHEMA_OBJECT:
		return f->schema->size;
	case SCHEMA_BOOL:
		return sizeof(bool);
	case SCHEMA_INT:
		return sizeof(int64_t);
	case SCHEMA_NUMBER:
		return sizeof(double);
	default:
		return sizeof(struct str);
	}
}

bool field_is_absent(const struct schema_field *f, const void *at)
{
	switch (f->type) {
	case SCHEMA_BOOL:
		return field_is_boxed(f) && !((const struct schema_bool *)at)->is_set;
	case SCHEMA_INT:
		return field_is_boxed(f) && !((const struct schema_int *)at)->is_set;
	case SCHEMA_NUMBER:
		return field_is_boxed(f) && !((const struct schema_number *)at)->is_set;
	case SCHEMA_OBJECT:
		return !*(void *const *)at;
	case SCHEMA_ARRAY:
		return !((const struct schema_array *)at)->items && ((const struct schema_array *)at)->n == 0;
	default:
		return str_is_null(*(const struct str *)at);
	}
}

bool field_get_bool(const struct schema_field *f, const void *at)
{
	return field_is_boxed(f) ? ((const struct schema_bool *)at)->value : *(const bool *)at;
}

int64_t field_get_int(const struct schema_field *f, const void *at)
{
	return field_is_boxed(f) ? ((const struct schema_int *)at)->value : *(const int64_t *)at;
}

double field_get_number(const struct schema_field *f, const void *at)
{
	return field_is_boxed(f) ? ((const struct schema_number *)at)->value : *(const double *)at;
}

void field_put_bool(const struct schema_field *f, void *at, bool value)
{
	if (field_is_boxed(f))
		*(struct schema_bool *)at = (struct schema_bool){ true, value };
	else
		*(bool *)at = value;
}

void field_put_int(const struct schema_field *f, void *at, int64_t value)
{
	if (field_is_boxed(f))
		*(struct schema_int *)at = (struct schema_int){ true, value };
	else
		*(int64_t *)at = value;
}

void field_put_number(const struct schema_field *f, void *at, double value)
{
	if (field_is_boxed(f))
		*(struct schema_number *)at = (struct schema_number){ true, value };
	else
		*(double *)at = value;
}

int64_t field_length_max(const struct schema_field *f)
{
	if (f->max > 0)
		return f->max;
	switch (f->type) {
	case SCHEMA_LANGUAGE:
		return LANGUAGE_LENGTH_MAX;
	case SCHEMA_URI:
		return URI_LENGTH_MAX;
	case SCHEMA_EMAIL:
		return EMAIL_LENGTH_MAX;
	default:
		return STRING_LENGTH_MAX;
	}
}

size_t field_items_max(const struct schema_field *f)
{
	return f->max > 0 ? (size_t)f->max : ARRAY_ITEMS_MAX;
}
