/* Query, path and form parameters to struct. */
#include "schema/testing.h"

struct search {
	uint64_t present;
	struct str query;
	int64_t page;
	struct schema_int year;
	bool include_adult;
	struct schema_number score;
	struct str language;
	struct schema_array genres;
	struct schema_array words;
};

static const struct schema_field search_fields[] = {
	{ .name = "query",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = 20,
	  .offset = offsetof(struct search, query) },
	{ .name = "page",
	  .type = SCHEMA_INT,
	  .min = 1,
	  .max = 500,
	  .def = "1",
	  .offset = offsetof(struct search, page) },
	{ .name = "year", .type = SCHEMA_INT, .offset = offsetof(struct search, year) },
	{ .name = "include_adult",
	  .type = SCHEMA_BOOL,
	  .def = "false",
	  .offset = offsetof(struct search, include_adult) },
	{ .name = "score", .type = SCHEMA_NUMBER, .offset = offsetof(struct search, score) },
	{ .name = "language",
	  .type = SCHEMA_LANGUAGE,
	  .def = "\"en-US\"",
	  .offset = offsetof(struct search, language) },
	{ .name = "genres",
	  .type = SCHEMA_ARRAY,
	  .item = SCHEMA_INT,
	  .max = 4,
	  .offset = offsetof(struct search, genres) },
	{ .name = "words", .type = SCHEMA_ARRAY, .item = SCHEMA_STRING, .offset = offsetof(struct search, words) },
};

static const struct schema search_schema = {
	.name = "Search",
	.fields = search_fields,
	.n_fields = ARRAY_SIZE(search_fields),
	.size = sizeof(struct search),
	.present_offset = offsetof(struct search, present),
};

#define PAIR(name_, value_)             \
	{                               \
		STR(name_), STR(value_) \
	}

static int search_parse(struct arena *a, const struct schema_pair *pairs, size_t n, struct search *ret,
                        const char **ret_words)
{
	struct violations v;
	int r;

	violations_init(&v, a);
	r = schema_parse_pairs(&search_schema, "query", pairs, n, a, ret, &v);
	*ret_words = testing_words(a, &v);
	return r;
}

#define PARSE(a, ret, ret_words, ...)                                \
	search_parse(a, (const struct schema_pair[]){ __VA_ARGS__ }, \
	             ARRAY_SIZE(((const struct schema_pair[]){ __VA_ARGS__ })), ret, ret_words)

static void test_values_and_defaults_arrive(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct search search;
	const char *words;

	(void)state;
	assert_int_equal(
	        PARSE(a, &search, &words, PAIR("year", "1995"), PAIR("query", "Amélie & co"), PAIR("score", "-7.5e0")),
	        0);
	testing_str(search.query, "Amélie & co");
	assert_int_equal(search.page, 1);
	assert_true(search.year.is_set);
	assert_int_equal(search.year.value, 1995);
	assert_false(search.include_adult);
	assert_true(search.score.value == -7.5);
	testing_str(search.language, "en-US");
	assert_int_equal(search.genres.n, 0);
	assert_int_equal(search.present, 1u << 0 | 1u << 2 | 1u << 4);
}

static void test_empty_optional_counts_as_absent(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct search search;
	const char *words;

	(void)state;
	assert_int_equal(PARSE(a, &search, &words, PAIR("query", "x"), PAIR("page", ""), PAIR("year", ""),
	                       PAIR("language", ""), PAIR("genres", ""), PAIR("include_adult", "")),
	                 0);
	assert_int_equal(search.page, 1);
	assert_false(search.year.is_set);
	testing_str(search.language, "en-US");
	assert_int_equal(search.present, 1);
	assert_int_equal(PARSE(a, &search, &words, PAIR("query", "")), -EINVAL);
	assert_string_equal(words, "query.query string_too_short");
}

static void test_all_violations_are_listed(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct search search;
	const char *words;

	(void)state;
	assert_int_equal(PARSE(a, &search, &words, PAIR("page", "0"), PAIR("year", "1995.0"),
	                       PAIR("include_adult", "yes"), PAIR("score", "1,5"), PAIR("language", "en_US"),
	                       PAIR("genres", "1,x"), PAIR("genres", "3,"), PAIR("Query", "x"), PAIR("", "")),
	                 -EINVAL);
	assert_string_equal(words,
	                    "query.query missing; query.page greater_than_equal; query.year int_parsing; "
	                    "query.include_adult bool_parsing; query.score float_parsing; query.language value_error; "
	                    "query.genres.1 int_parsing; query.genres.3 int_parsing; query.Query extra_forbidden; "
	                    "query. extra_forbidden");
}

static const char *word_of(struct arena *a, const char *name, const char *value)
{
	const struct schema_pair pairs[] = { PAIR("query", "x"), { str_from(name), str_from(value) } };
	struct search search;
	const char *words;

	return search_parse(a, pairs, 2, &search, &words) == 0 ? "" : words;
}

static void test_integers_are_strict(void **state)
{
	static const char *const bad[] = { "x",     "1e9", "+1", " 1",  "1 ", "01", "0x10",
		                           "1_000", "--1", "-",  "1.0", "٣",  "1\n" };
	struct arena *a CLEANUP(arena_free) = testing_arena();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_string_equal(word_of(a, "year", bad[i]), "query.year int_parsing");
	assert_string_equal(word_of(a, "year", "99999999999999999999"), "query.year int_parsing_size");
	assert_string_equal(word_of(a, "page", "501"), "query.page less_than_equal");
	assert_string_equal(word_of(a, "page", "-1"), "query.page greater_than_equal");
	assert_string_equal(word_of(a, "year", "-9223372036854775808"), "");
}

static void test_numbers_and_booleans_are_strict(void **state)
{
	static const char *const bad[] = { "x",  "NaN", "inf", "1e999", " 1",   "1 ",  "01",
		                           ".5", "5.",  "1e",  "0x1p3", "true", "[1]", "1,5" };
	static const char *const good[] = { "0", "-0", "1", "1.5", "-2e3", "123456789012345678901234567890" };
	struct arena *a CLEANUP(arena_free) = testing_arena();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_string_equal(word_of(a, "score", bad[i]), "query.score float_parsing");
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_string_equal(word_of(a, "score", good[i]), "");
	assert_string_equal(word_of(a, "include_adult", "true"), "");
	assert_string_equal(word_of(a, "include_adult", "0"), "");
	assert_string_equal(word_of(a, "include_adult", "True"), "query.include_adult bool_parsing");
	assert_string_equal(word_of(a, "include_adult", "2"), "query.include_adult bool_parsing");
}

static void test_given_twice(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();

	(void)state;
	assert_string_equal(word_of(a, "query", "y"), "query.query value_error");
	assert_string_equal(word_of(a, "query", ""), "query.query value_error");
}

static void test_bytes_that_are_no_text(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();
	const struct schema_pair pairs[] = { { STR("query"), BYTES("a\xff") },
		                             { BYTES("\xff\0x"), STR("1") },
		                             { STR_NULL, STR_NULL } };
	struct violations v;
	struct search search;
	struct buf out CLEANUP(buf_done);

	(void)state;
	violations_init(&v, a);
	assert_int_equal(schema_parse_pairs(&search_schema, "query", pairs, 3, a, &search, &v), -EINVAL);
	buf_init(&out, SIZE_MAX);
	violations_write(&v, &out);
	testing_str(
	        buf_str(&out),
	        "[{\"loc\":[\"query\",\"query\"],\"msg\":\"Input should be a valid string, unable to parse raw data as "
	        "a "
	        "unicode "
	        "string\",\"type\":\"string_unicode\"},{\"loc\":[\"query\",\"\xef\xbf\xbd\\u0000x\"],\"msg\":\"Extra "
	        "inputs are not permitted\",\"type\":\"extra_forbidden\"},{\"loc\":[\"query\",\"\"],\"msg\":\"Extra "
	        "inputs "
	        "are not permitted\",\"type\":\"extra_forbidden\"}]");
	assert_string_equal(word_of(a, "words", "a,\xff"), "query.words.1 string_unicode");
}

static void test_lists_collect_repeats_and_commas(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct search search;
	const char *words;
	const int64_t *genres;

	(void)state;
	assert_int_equal(PARSE(a, &search, &words, PAIR("genres", "28,12"), PAIR("query", "x"), PAIR("genres", "-7"),
	                       PAIR("words", "a,,b")),
	                 0);
	genres = search.genres.items;
	assert_int_equal(search.genres.n, 3);
	assert_int_equal(genres[0], 28);
	assert_int_equal(genres[1], 12);
	assert_int_equal(genres[2], -7);
	assert_int_equal(search.words.n, 3);
	testing_str(((struct str *)search.words.items)[1], "");
	assert_string_equal(word_of(a, "genres", "1,2,3,4,5"), "query.genres too_long");
	assert_string_equal(word_of(a, "genres", ",,,,,,,,"), "query.genres too_long");
}

static void test_no_pairs(void **state)
{
	struct arena *a CLEANUP(arena_free) = testing_arena();
	struct search search;
	const char *words;

	(void)state;
	assert_int_equal(search_parse(a, NULL, 0, &search, &words), -EINVAL);
	assert_string_equal(words, "query.query missing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_and_defaults_arrive),
		cmocka_unit_test(test_empty_optional_counts_as_absent),
		cmocka_unit_test(test_all_violations_are_listed),
		cmocka_unit_test(test_integers_are_strict),
		cmocka_unit_test(test_numbers_and_booleans_are_strict),
		cmocka_unit_test(test_given_twice),
		cmocka_unit_test(test_bytes_that_are_no_text),
		cmocka_unit_test(test_lists_collect_repeats_and_commas),
		cmocka_unit_test(test_no_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
