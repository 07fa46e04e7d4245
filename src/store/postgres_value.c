/* Encoding and decoding. Results come in PostgreSQL's binary formats (network byte order). */
#include "store/postgres_value.h"

#include "base/fault.h"
#include "base/utf8.h"

#include <endian.h>
#include <errno.h>
#include <libpq-fe.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Object ids of built-in types (PostgreSQL's catalog, pg_type.dat): they never change. */
enum {
	OID_BOOL = 16,
	OID_BYTEA = 17,
	OID_CHAR = 18,
	OID_NAME = 19,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
	OID_TEXT = 25,
	OID_OID = 26,
	OID_JSON = 114,
	OID_FLOAT4 = 700,
	OID_FLOAT8 = 701,
	OID_UNKNOWN = 705,
	OID_BPCHAR = 1042,
	OID_VARCHAR = 1043,
	OID_VOID = 2278,
	OID_UUID = 2950,
	OID_JSONB = 3802,
	OID_OWN_FIRST = 16384, /* made by CREATE TYPE or an extension */
};

enum { JSONB_VERSION = 1, UUID_BYTES = 16, UUID_TEXT = 36, ROWS_FIRST = 16 };

/* ---- parameters ---- */

static void number_write(double d, char ret[32])
{
	if (isnan(d))
		snprintf(ret, 32, "NaN");
	else if (isinf(d))
		snprintf(ret, 32, d > 0 ? "Infinity" : "-Infinity");
	else
		snprintf(ret, 32, "%.17g", d);
}

static int param_make(const struct store_value *v, size_t i, struct postgres_params *p)
{
	struct str text;
	int r;

	p->types[i] = 0;
	p->formats[i] = 0;
	p->lengths[i] = 0;
	p->values[i] = p->numbers[i];
	switch (v->type) {
	case STORE_NULL:
		p->values[i] = NULL;
		return 0;
	case STORE_INT:
		p->types[i] = OID_INT8;
		snprintf(p->numbers[i], sizeof(p->numbers[i]), "%lld", (long long)v->value.integer);
		return 0;
	case STORE_DOUBLE:
		p->types[i] = OID_FLOAT8;
		number_write(v->value.number, p->numbers[i]);
		return 0;
	case STORE_BOOL:
		p->types[i] = OID_BOOL;
		snprintf(p->numbers[i], sizeof(p->numbers[i]), v->value.boolean ? "t" : "f");
		return 0;
	case STORE_BLOB:
		p->types[i] = OID_BYTEA;
		p->formats[i] = 1;
		p->lengths[i] = (int)v->value.text.len;
		p->values[i] = v->value.text.data;
		return 0;
	case STORE_TEXT:
		break;
	}
	/* Not wiped here: the caller's arena is, when it holds secrets. */
	r = arena_copy(p->arena, v->value.text, &text);
	if (r == 0)
		p->values[i] = text.data;
	return r;
}

int postgres_params_make(const struct store_value *args, size_t n, struct arena *a, struct postgres_params *ret)
{
	int r = 0;

	assert(n <= STORE_ARGS_MAX);
	ret->arena = a;
	for (size_t i = 0; i < n && r == 0; i++)
		r = param_make(&args[i], i, ret);
	return r;
}

/* ---- rows ---- */

static uint64_t big_endian(const char *data, int len)
{
	uint64_t v = 0;

	for (int i = 0; i < len; i++)
		v = v << 8 | (uint8_t)data[i];
	return v;
}

static int64_t integer(const char *data, int len)
{
	uint64_t v = big_endian(data, len);

	if (len == 2)
		return (int16_t)v;
	return len == 4 ? (int32_t)v : (int64_t)v;
}

static double number(const char *data, int len)
{
	uint64_t bits = big_endian(data, len);
	uint32_t bits32 = (uint32_t)bits;
	float f;
	double d;

	if (len == 4) {
		memcpy(&f, &bits32, sizeof(f));
		return (double)f;
	}
	memcpy(&d, &bits, sizeof(d));
	return d;
}

static int uuid_text(const char *data, struct arena *a, struct str *ret)
{
	static const char digits[] = "0123456789abcdef";
	char text[UUID_TEXT];
	size_t at = 0;

	for (size_t i = 0; i < UUID_BYTES; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text[at++] = '-';
		text[at++] = digits[(uint8_t)data[i] >> 4];
		text[at++] = digits[(uint8_t)data[i] & 15];
	}
	return arena_copy(a, (struct str){ text, sizeof(text) }, ret);
}

static int text_take(const char *data, int len, enum store_type type, struct arena *a, struct store_value *ret)
{
	ret->type = type;
	return arena_copy(a, (struct str){ data, (size_t)len }, &ret->value.text);
}

/* Enumerations and texts of other kinds (citext) come as their text; what else there is holds bytes that no text has.
 */
static int own_take(const char *data, int len, struct arena *a, struct store_value *ret)
{
	struct str text = { data, (size_t)len };

	if (!utf8_is_valid(text) || memchr(data, '\0', text.len))
		return -EPROTO;
	return text_take(data, len, STORE_TEXT, a, ret);
}

static int jsonb_take(const char *data, int len, struct arena *a, struct store_value *ret)
{
	if (len < 1 || data[0] != JSONB_VERSION)
		return -EPROTO;
	return text_take(data + 1, len - 1, STORE_TEXT, a, ret);
}

static int value_read(unsigned type, const char *data, int len, struct arena *a, struct store_value *ret)
{
	switch (type) {
	case OID_BOOL:
		*ret = STORE_B(data[0] != 0);
		return 0;
	case OID_INT2:
	case OID_INT4:
	case OID_INT8:
		*ret = STORE_I(integer(data, len));
		return 0;
	case OID_OID:
		*ret = STORE_I(big_endian(data, len));
		return 0;
	case OID_FLOAT4:
	case OID_FLOAT8:
		*ret = STORE_D(number(data, len));
		return 0;
	case OID_BYTEA:
		return text_take(data, len, STORE_BLOB, a, ret);
	case OID_UUID:
		ret->type = STORE_TEXT;
		return len == UUID_BYTES ? uuid_text(data, a, &ret->value.text) : -EPROTO;
	case OID_CHAR:
	case OID_NAME:
	case OID_TEXT:
	case OID_JSON:
	case OID_UNKNOWN:
	case OID_BPCHAR:
	case OID_VARCHAR:
		return text_take(data, len, STORE_TEXT, a, ret);
	case OID_JSONB:
		return jsonb_take(data, len, a, ret);
	case OID_VOID:
		*ret = STORE_N;
		return 0;
	default:
		return type >= OID_OWN_FIRST ? own_take(data, len, a, ret) : -EPROTO;
	}
}

static int rows_reserve(struct postgres_rows *rows, size_t more)
{
	size_t least = MAX(rows->n + more, (size_t)ROWS_FIRST);
	size_t cap = MAX(rows->cap * 2, least);
	struct store_value *values;

	if (rows->n + more <= rows->cap)
		return 0;
	values = fault_hit("alloc") ? NULL
	                            : reallocarray(rows->values, cap * MAX(rows->columns, (size_t)1), sizeof(*values));
	if (!values)
		return -ENOMEM;
	rows->values = values;
	rows->cap = cap;
	return 0;
}

void postgres_rows_done(struct postgres_rows *rows)
{
	free(rows->values);
}

int postgres_rows_move(const struct postgres_rows *rows, int64_t affected, struct store_words *words,
                       struct store_rows *ret)
{
	size_t n = rows->n * rows->columns;
	struct store_value *values = arena_array(rows->arena, MAX(n, (size_t)1), sizeof(*values));

	if (!values) {
		store_words_set(words, "no memory for the rows");
		return -ENOMEM;
	}
	if (n > 0)
		memcpy(values, rows->values, n * sizeof(*values));
	*ret = (struct store_rows){ .n = rows->n, .columns = rows->columns, .affected = affected, .values = values };
	return 0;
}

static int row_add(struct postgres_rows *rows, const struct pg_result *result, int row, struct store_words *words)
{
	struct store_value *to = &rows->values[rows->n * rows->columns];
	int r;

	for (int column = 0; column < (int)rows->columns; column++) {
		to[column] = STORE_N;
		if (PQgetisnull(result, row, column))
			continue;
		r = value_read(PQftype(result, column), PQgetvalue(result, row, column),
		               PQgetlength(result, row, column), rows->arena, &to[column]);
		if (r == -EPROTO)
			store_words_set(words, "column %d has a type (%u) that needs a CAST", column + 1,
			                PQftype(result, column));
		if (r == -ENOMEM)
			store_words_set(words, "no memory for the rows");
		if (r < 0)
			return r;
	}
	rows->n++;
	return 0;
}

int postgres_rows_add(struct postgres_rows *rows, const struct pg_result *result, struct store_words *words)
{
	int n = PQntuples(result);
	int r;

	rows->columns = (size_t)PQnfields(result);
	if (rows->n + (size_t)n > STORE_ROWS_MAX) {
		store_words_set(words, "more than %d rows", STORE_ROWS_MAX);
		return -EMSGSIZE;
	}
	r = rows_reserve(rows, (size_t)n);
	if (r < 0)
		store_words_set(words, "no memory for the rows");
	for (int i = 0; i < n && r == 0; i++)
		r = row_add(rows, result, i, words);
	return r;
}
