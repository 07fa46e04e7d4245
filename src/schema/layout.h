/* Inside the schema room: how a field lies in its struct (the table at the head of schema.h). */
#ifndef CINESYNC_SCHEMA_LAYOUT_H
#define CINESYNC_SCHEMA_LAYOUT_H

#include "schema/schema.h"

/* What a parser and a checker mean by the limits of a field, defaults filled in. */
#define STRING_LENGTH_MAX 65536
#define ARRAY_ITEMS_MAX 1000

static inline bool field_is_string(enum schema_type type)
{
	return type >= SCHEMA_STRING && type <= SCHEMA_ENUM;
}

/* BOOL, INT, NUMBER as schema_bool, schema_int, schema_number. */
bool field_is_boxed(const struct schema_field *f);
/* The scalar type or SCHEMA_OBJECT of an array's items. */
enum schema_type field_item_type(const struct schema_field *f);
/* The rule for one item of an array: its flags, pattern and values, no range. */
struct schema_field field_item(const struct schema_field *f);
/* Bytes from one item of an array to the next. */
size_t field_item_size(const struct schema_field *f);

/* Nothing is there: an unset box, a null string, object or list. */
bool field_is_absent(const struct schema_field *f, const void *at);
/* Readers and writers of the scalars, boxed or not. The writers set the box. */
bool field_get_bool(const struct schema_field *f, const void *at);
int64_t field_get_int(const struct schema_field *f, const void *at);
double field_get_number(const struct schema_field *f, const void *at);
void field_put_bool(const struct schema_field *f, void *at, bool value);
void field_put_int(const struct schema_field *f, void *at, int64_t value);
void field_put_number(const struct schema_field *f, void *at, double value);

/* Longest string, in code points. */
int64_t field_length_max(const struct schema_field *f);
/* Most items. */
size_t field_items_max(const struct schema_field *f);

#endif
