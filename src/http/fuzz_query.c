/* A fuzz target: any bytes as the query of a request, from percent-escapes to the struct a handler gets, through a
 * table with every kind of parameter. What is taken keeps the table's promises, and asking for it again in its plainest
 * spelling gives the same. As an ordinary program it tries the files named. */
#include "http/target.h"

#include "base/fuzz.h"

#include <errno.h>

enum { ARENA_SIZE_MAX = 16 << 20, TEXT_SIZE_MAX = 4 << 20, LIST_MAX = 8 };

struct wanted {
	struct str query;
	int64_t page;
	struct schema_int year;
	bool adult;
	struct schema_bool seen;
	struct schema_number score;
	struct str language;
	struct str region;
	struct str date;
	struct str uuid;
	struct str sort;
	struct str code;
	struct schema_array genres;
	struct schema_array words;
};

static const char *const sorts[] = { "title", "year", NULL };

#define FIELD(name_, type_, ...)                                                                       \
	{                                                                                              \
		.name = #name_, .type = (type_), .offset = offsetof(struct wanted, name_), __VA_ARGS__ \
	}

static const struct schema_field fields[] = {
	FIELD(query, SCHEMA_STRING, .flags = SCHEMA_REQUIRED, .min = 1, .max = 20),
	FIELD(page, SCHEMA_INT, .min = 1, .max = 500, .def = "1"),
	FIELD(year, SCHEMA_INT),
	FIELD(adult, SCHEMA_BOOL, .def = "false"),
	FIELD(seen, SCHEMA_BOOL),
	FIELD(score, SCHEMA_NUMBER, .min = 0, .max = 10),
	FIELD(language, SCHEMA_LANGUAGE),
	FIELD(region, SCHEMA_REGION),
	FIELD(date, SCHEMA_DATE),
	FIELD(uuid, SCHEMA_UUID),
	FIELD(sort, SCHEMA_ENUM, .values = sorts),
	FIELD(code, SCHEMA_STRING, .pattern = "[a-z]{2,4}"),
	FIELD(genres, SCHEMA_ARRAY, .item = SCHEMA_INT, .max = LIST_MAX),
	FIELD(words, SCHEMA_ARRAY, .item = SCHEMA_STRING, .max = LIST_MAX),
};
static const struct schema schema = SCHEMA("Wanted", struct wanted, fields, "What the query of the target may be.");

/* 0, and *ret is filled. */
static int query_read(struct str query, struct arena *a, struct wanted *ret)
{
	struct schema_pair *pairs = NULL;
	struct violations v;
	size_t n = 0;
	int r = target_pairs(query, a, &pairs, &n);

	if (r < 0)
		return r;
	violations_init(&v, a);
	r = schema_parse_pairs(&schema, "query", pairs, n, a, ret, &v);
	must(r == -ENOMEM || (r == 0) == (v.n == 0));
	return r;
}

static void text_put(struct buf *b, const char *name, struct str value)
{
	if (value.len == 0)
		return;
	buf_addf(b, "&%s=", name);
	buf_add_percent(b, value);
}

static void int_put(struct buf *b, const char *name, int64_t value)
{
	buf_addf(b, "&%s=%lld", name, (long long)value);
}

static void lists_put(struct buf *b, const struct wanted *w)
{
	for (size_t i = 0; i < w->genres.n; i++)
		int_put(b, "genres", ((const int64_t *)w->genres.items)[i]);
	for (size_t i = 0; i < w->words.n; i++)
		text_put(b, "words", ((const struct str *)w->words.items)[i]);
}

static void query_write(const struct wanted *w, struct buf *b)
{
	text_put(b, "query", w->query);
	int_put(b, "page", w->page);
	if (w->year.is_set)
		int_put(b, "year", w->year.value);
	int_put(b, "adult", w->adult);
	if (w->seen.is_set)
		int_put(b, "seen", w->seen.value);
	if (w->score.is_set) {
		buf_adds(b, "&score=");
		buf_add_double(b, w->score.value);
	}
	text_put(b, "language", w->language);
	text_put(b, "region", w->region);
	text_put(b, "date", w->date);
	text_put(b, "uuid", w->uuid);
	text_put(b, "sort", w->sort);
	text_put(b, "code", w->code);
	lists_put(b, w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf first CLEANUP(buf_done), second CLEANUP(buf_done);
	struct arena *a CLEANUP(arena_free) = NULL;
	struct wanted wanted, again;
	struct violations v;

	buf_init(&first, TEXT_SIZE_MAX);
	buf_init(&second, TEXT_SIZE_MAX);
	if (size == 0 || arena_new(ARENA_SIZE_MAX, &a) < 0)
		return 0;
	if (query_read((struct str){ (const char *)data, size }, a, &wanted) < 0)
		return 0;
	violations_init(&v, a);
	must(schema_check(&schema, &wanted, a, &v) != -EINVAL);
	query_write(&wanted, &first);
	must(buf_error(&first) == 0 && query_read(buf_str(&first), a, &again) == 0);
	query_write(&again, &second);
	must(str_equal(buf_str(&first), buf_str(&second)));
	return 0;
}
