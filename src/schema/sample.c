/* Sample messages for the tests: the table, the generator, the comparison. Everything lies in the caller's arena, which
 * must be large enough: running out is an assertion here. */
#include "schema/sample.h"

#include "base/utf8.h"
#include "schema/layout.h"

#include <stdlib.h>

#define FIELD(struct_, name_, type_, ...)                                                               \
	{                                                                                               \
		.name = #name_, .type = (type_), .offset = offsetof(struct struct_, name_), __VA_ARGS__ \
	}
#define LINKS_MAX 3    /* inner messages in a chain */
#define LENGTH_MAX 100 /* code points; a table may allow far more */
#define ITEMS_MAX 10

static const char *const colours[] = { "red", "green", "dark \"blue\"", NULL };

static const struct schema sample_inner_schema;

static const struct schema_field inner_fields[] = {
	FIELD(sample_inner, id, SCHEMA_INT, .flags = SCHEMA_REQUIRED),
	FIELD(sample_inner, label, SCHEMA_STRING, .max = 20),
	FIELD(sample_inner, score, SCHEMA_NUMBER, .flags = SCHEMA_NULLABLE),
	FIELD(sample_inner, next, SCHEMA_OBJECT, .flags = SCHEMA_NULLABLE, .schema = &sample_inner_schema),
};

static const struct schema sample_inner_schema =
        SCHEMA("SampleInner", struct sample_inner, inner_fields, "A part of a sample.");

static const struct schema_field fields[] = {
	FIELD(sample, flag, SCHEMA_BOOL, .flags = SCHEMA_REQUIRED),
	FIELD(sample, flag_optional, SCHEMA_BOOL),
	FIELD(sample, flag_nullable, SCHEMA_BOOL, .flags = SCHEMA_NULLABLE | SCHEMA_REQUIRED),
	FIELD(sample, count, SCHEMA_INT, .flags = SCHEMA_REQUIRED, .min = -5, .max = 1000),
	FIELD(sample, count_default, SCHEMA_INT, .def = "20", .min = 1, .max = 100),
	FIELD(sample, count_boxed_default, SCHEMA_INT, .flags = SCHEMA_OPTIONAL_TYPE, .def = "-1"),
	FIELD(sample, count_nullable, SCHEMA_INT, .flags = SCHEMA_NULLABLE),
	FIELD(sample, ratio, SCHEMA_NUMBER, .flags = SCHEMA_REQUIRED),
	FIELD(sample, ratio_optional, SCHEMA_NUMBER, .min = 0, .max = 10),
	FIELD(sample, text, SCHEMA_STRING, .flags = SCHEMA_REQUIRED, .min = 1, .max = 40),
	FIELD(sample, text_optional, SCHEMA_STRING),
	FIELD(sample, text_nullable, SCHEMA_STRING, .flags = SCHEMA_NULLABLE | SCHEMA_REQUIRED, .max = 10),
	FIELD(sample, text_default, SCHEMA_STRING, .def = "\"a\\u00e9\\n\"", .flags = SCHEMA_MULTILINE),
	FIELD(sample, text_trimmed, SCHEMA_STRING, .flags = SCHEMA_TRIM, .max = 10),
	FIELD(sample, text_lines, SCHEMA_STRING, .flags = SCHEMA_MULTILINE, .max = 50),
	FIELD(sample, code, SCHEMA_STRING, .pattern = "[a-z]{2,4}-[0-9]+|none"),
	FIELD(sample, secret, SCHEMA_STRING, .flags = SCHEMA_SECRET | SCHEMA_NUL_OK, .max = 30),
	FIELD(sample, email, SCHEMA_EMAIL),
	FIELD(sample, uuid, SCHEMA_UUID, .flags = SCHEMA_NULLABLE),
	FIELD(sample, date, SCHEMA_DATE),
	FIELD(sample, datetime, SCHEMA_DATETIME),
	FIELD(sample, uri, SCHEMA_URI),
	FIELD(sample, language, SCHEMA_LANGUAGE, .def = "\"en-US\""),
	FIELD(sample, region, SCHEMA_REGION),
	FIELD(sample, colour, SCHEMA_ENUM, .values = colours, .def = "\"red\""),
	FIELD(sample, colour_nullable, SCHEMA_ENUM, .flags = SCHEMA_NULLABLE, .values = colours),
	FIELD(sample, any, SCHEMA_ANY),
	FIELD(sample, inner, SCHEMA_OBJECT, .flags = SCHEMA_REQUIRED, .schema = &sample_inner_schema),
	FIELD(sample, inner_nullable, SCHEMA_OBJECT, .flags = SCHEMA_NULLABLE, .schema = &sample_inner_schema),
	FIELD(sample, flags, SCHEMA_ARRAY, .item = SCHEMA_BOOL, .max = 5),
	FIELD(sample, counts, SCHEMA_ARRAY, .flags = SCHEMA_REQUIRED, .item = SCHEMA_INT, .min = 1, .max = 9),
	FIELD(sample, ratios, SCHEMA_ARRAY, .item = SCHEMA_NUMBER, .max = 5),
	FIELD(sample, texts_nullable, SCHEMA_ARRAY, .flags = SCHEMA_NULLABLE, .item = SCHEMA_STRING, .max = 4),
	FIELD(sample, colours, SCHEMA_ARRAY, .item = SCHEMA_ENUM, .values = colours, .def = "[\"green\"]", .max = 4),
	FIELD(sample, inners, SCHEMA_ARRAY, .schema = &sample_inner_schema, .max = 3),
};

const struct schema sample_schema = {
	.name = "Sample",
	.fields = fields,
	.n_fields = ARRAY_SIZE(fields),
	.size = sizeof(struct sample),
	.present_offset = offsetof(struct sample, present),
};

uint64_t sample_next(struct sample_random *random)
{
	uint64_t z = (random->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

size_t sample_below(struct sample_random *random, size_t bound)
{
	return (size_t)(sample_next(random) % bound);
}

static bool toss(struct sample_random *random)
{
	return sample_next(random) & 1;
}

struct generator {
	struct sample_random *random;
	struct arena *arena;
	int links;
};

static void fill_message(struct generator *g, const struct schema *s, char *value);

static uint32_t random_code_point(struct generator *g, const struct schema_field *f)
{
	static const uint32_t spots[] = { '"',    '\\',   '/',    '<',    ' ',     'a',     0xa0,
		                          0xe9,   0x2028, 0xfffd, 0xffff, 0x10000, 0x1f600, 0x10ffff,
		                          0xd7ff, 0xe000, '\n',   '\r',   '\t',    0 };
	size_t n = ARRAY_SIZE(spots) - 4;

	if (toss(g->random))
		return (uint32_t)('!' + sample_below(g->random, 94));
	if ((f->flags & SCHEMA_NUL_OK) && sample_below(g->random, 4) == 0)
		return 0;
	if (f->flags & SCHEMA_MULTILINE)
		n += 3;
	return spots[sample_below(g->random, n)];
}

static struct str random_text(struct generator *g, const struct schema_field *f)
{
	size_t max = f->max > 0 ? (size_t)MIN(f->max, LENGTH_MAX) : 30, len = 0;
	size_t n = (size_t)f->min + sample_below(g->random, max - (size_t)f->min + 1);
	char *text = arena_alloc(g->arena, n * 4 + 1);

	assert(text);
	for (size_t i = 0; i < n; i++) {
		bool is_end = i == 0 || i == n - 1;
		uint32_t cp = (f->flags & SCHEMA_TRIM) && is_end ? 'x' : random_code_point(g, f);

		len += utf8_encode(cp, text + len);
	}
	return (struct str){ text, len };
}

static struct str random_choice(struct generator *g, const char *const *values, size_t n)
{
	return str_from(values[sample_below(g->random, n)]);
}

static size_t count_values(const struct schema_field *f)
{
	size_t n = 0;

	while (f->values[n])
		n++;
	return n;
}

static struct str random_formatted(struct generator *g, const struct schema_field *f)
{
	static const char *const choices[][4] = {
		[SCHEMA_EMAIL] = { "a@b.example", "Ann.O'Neil+films@xn--mnchen-3ya.de", "имя@почта.рф", "x@y.museum" },
		[SCHEMA_DATE] = { "2024-02-29", "0001-01-01", "9999-12-31", "1999-10-15" },
		[SCHEMA_DATETIME] = { "2026-11-22T22:24:02.123Z", "1985-04-12T23:20:50.52+05:30",
		                      "1990-12-31T23:59:60Z", "2000-01-01T00:00:00-00:00" },
		[SCHEMA_URI] = { "https://example.org", "http://[::1]:8080/a?b=c#d", "https://a.b/%C3%A9?x=1,2",
		                 "HTTP://EXAMPLE.ORG:65535/" },
		[SCHEMA_LANGUAGE] = { "en", "zh-Hant-TW", "de-CH-1996", "sl-rozaj-biske-x-a" },
		[SCHEMA_REGION] = { "US", "GB", "RU", "ZZ" },
		[SCHEMA_ANY] = { "{\"a\":[1,null,true]}", "[]", "null", "\"x\\u0000y\"" },
	};
	uint64_t bits = sample_next(g->random);

	if (f->type == SCHEMA_UUID)
		return arena_printf(g->arena, "%08x-%04x-7000-8000-%012llx", (unsigned)bits, (unsigned)(bits >> 48),
		                    (unsigned long long)(bits >> 16));
	if (f->pattern)
		return toss(g->random) ? STR("none") : arena_printf(g->arena, "ab-%u", (unsigned)bits);
	if (f->type == SCHEMA_ENUM)
		return random_choice(g, f->values, count_values(f));
	if (f->type == SCHEMA_STRING)
		return random_text(g, f);
	return random_choice(g, choices[f->type], ARRAY_SIZE(choices[0]));
}

static int64_t random_int(struct generator *g, const struct schema_field *f)
{
	static const int64_t spots[] = { 0, 1, -1, INT64_MAX, INT64_MIN, INT64_C(1) << 53 };

	if (f->min != 0 || f->max != 0)
		return f->min + (int64_t)sample_below(g->random, (size_t)(f->max - f->min) + 1);
	if (toss(g->random))
		return spots[sample_below(g->random, ARRAY_SIZE(spots))];
	return (int64_t)sample_next(g->random);
}

static double random_double(struct generator *g, const struct schema_field *f)
{
	static const double spots[] = { 0, -0.0, 1e15, 1e21, 1.7976931348623157e308, 5e-324, 0.1, -8.438, 123456789 };
	double unit = (double)(sample_next(g->random) >> 11) * 0x1p-53;

	if (f->min != 0 || f->max != 0)
		return (double)f->min + unit * (double)(f->max - f->min);
	return toss(g->random) ? spots[sample_below(g->random, ARRAY_SIZE(spots))] : (unit - 0.5) * 1e6;
}

static void fill_value(struct generator *g, const struct schema_field *f, void *at);

static struct schema_array random_array(struct generator *g, const struct schema_field *f)
{
	const struct schema_field item = field_item(f);
	size_t n = (size_t)f->min + sample_below(g->random, (size_t)MIN(f->max - f->min, ITEMS_MAX) + 1);
	size_t size = field_item_size(f);
	char *items = arena_array(g->arena, n, size);

	assert(items);
	for (size_t i = 0; i < n; i++) {
		if (item.schema)
			fill_message(g, item.schema, items + i * size);
		else
			fill_value(g, &item, items + i * size);
	}
	return (struct schema_array){ n, items };
}

static void *random_object(struct generator *g, const struct schema_field *f)
{
	void *value = arena_alloc(g->arena, f->schema->size);

	assert(value);
	fill_message(g, f->schema, value);
	return value;
}

static void fill_value(struct generator *g, const struct schema_field *f, void *at)
{
	switch (f->type) {
	case SCHEMA_BOOL:
		field_put_bool(f, at, toss(g->random));
		break;
	case SCHEMA_INT:
		field_put_int(f, at, random_int(g, f));
		break;
	case SCHEMA_NUMBER:
		field_put_number(f, at, random_double(g, f));
		break;
	case SCHEMA_OBJECT:
		*(void **)at = random_object(g, f);
		break;
	case SCHEMA_ARRAY:
		*(struct schema_array *)at = random_array(g, f);
		break;
	default:
		*(struct str *)at = random_formatted(g, f);
		break;
	}
}

/* A field with a default comes back filled, so it has to be filled. */
static bool may_be_absent(const struct schema_field *f)
{
	return (f->flags & SCHEMA_NULLABLE) || (!(f->flags & SCHEMA_REQUIRED) && !f->def);
}

static void fill_message(struct generator *g, const struct schema *s, char *value)
{
	g->links++;
	for (size_t i = 0; i < s->n_fields; i++) {
		const struct schema_field *f = &s->fields[i];
		bool is_last = f->type == SCHEMA_OBJECT && g->links > LINKS_MAX;

		if (may_be_absent(f) && (is_last || toss(g->random)))
			continue;
		fill_value(g, f, value + f->offset);
	}
	g->links--;
}

void sample_fill_message(struct sample_random *random, struct arena *a, const struct schema *s, void *ret)
{
	struct generator g = { .random = random, .arena = a };

	memset(ret, 0, s->size);
	fill_message(&g, s, ret);
}

void sample_fill(struct sample_random *random, struct arena *a, struct sample *ret)
{
	sample_fill_message(random, a, &sample_schema, ret);
}

static bool array_equal(const struct schema_field *f, const struct schema_array *a, const struct schema_array *b);

static bool value_equal(const struct schema_field *f, const void *a, const void *b)
{
	switch (f->type) {
	case SCHEMA_BOOL:
		return field_get_bool(f, a) == field_get_bool(f, b);
	case SCHEMA_INT:
		return field_get_int(f, a) == field_get_int(f, b);
	case SCHEMA_NUMBER:
		return field_get_number(f, a) == field_get_number(f, b);
	case SCHEMA_OBJECT:
		return sample_equal(f->schema, *(void *const *)a, *(void *const *)b);
	case SCHEMA_ARRAY:
		return array_equal(f, a, b);
	default:
		return str_equal(*(const struct str *)a, *(const struct str *)b);
	}
}

static bool array_equal(const struct schema_field *f, const struct schema_array *a, const struct schema_array *b)
{
	const struct schema_field item = field_item(f);
	size_t size = field_item_size(f);

	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const char *left = (const char *)a->items + i * size, *right = (const char *)b->items + i * size;

		if (item.schema ? !sample_equal(item.schema, left, right) : !value_equal(&item, left, right))
			return false;
	}
	return true;
}

bool sample_equal(const struct schema *s, const void *a, const void *b)
{
	for (size_t i = 0; i < s->n_fields; i++) {
		const struct schema_field *f = &s->fields[i];
		const char *left = (const char *)a + f->offset, *right = (const char *)b + f->offset;
		/* A list that may not be null is written as [] when nobody filled it. */
		bool is_list = f->type == SCHEMA_ARRAY && !(f->flags & SCHEMA_NULLABLE);

		if (!is_list && field_is_absent(f, left) != field_is_absent(f, right))
			return false;
		if (!is_list && field_is_absent(f, left))
			continue;
		if (!value_equal(f, left, right))
			return false;
	}
	return true;
}

static bool round_trip_holds(const struct sample *value, struct arena *a)
{
	struct buf first CLEANUP(buf_done), second CLEANUP(buf_done);
	struct violations v;
	struct sample again;

	buf_init(&first, SIZE_MAX);
	buf_init(&second, SIZE_MAX);
	violations_init(&v, a);
	if (schema_check(&sample_schema, value, a, &v) < 0)
		return false;
	schema_write(&sample_schema, value, &first);
	if (schema_parse(&sample_schema, buf_str(&first), a, &again, &v) < 0)
		return false;
	schema_write(&sample_schema, &again, &second);
	return sample_equal(&sample_schema, value, &again) && str_equal(buf_str(&first), buf_str(&second));
}

bool sample_holds(struct str text, struct arena *a, bool *ret_taken)
{
	struct sample strict, lenient, tolerant;
	struct violations v;
	int r;

	violations_init(&v, a);
	r = schema_parse(&sample_schema, text, a, &strict, &v);
	*ret_taken = r == 0;
	if ((r == 0) != (v.n == 0) || (r == 0 && !round_trip_holds(&strict, a)))
		return false;
	violations_init(&v, a);
	r = schema_parse_lenient(&sample_schema, text, a, &lenient, &v);
	if (*ret_taken ? r < 0 || !sample_equal(&sample_schema, &strict, &lenient)
	               : r == 0 && !round_trip_holds(&lenient, a))
		return false;
	return schema_parse_tolerant(&sample_schema, text, a, &tolerant) < 0 ? r < 0 : round_trip_holds(&tolerant, a);
}
