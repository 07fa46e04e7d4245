/* The tables: what the parameters may be, what comes of defaults, and that each table describes itself. */
#include "movie/catalogue.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena *arena;
static struct violations faults;

static int arena_before(void **state)
{
	(void)state;
	if (arena_new((size_t)1 << 18, &arena) < 0)
		return -1;
	violations_init(&faults, arena);
	return 0;
}

static int arena_after(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

/* "a=1&b=2" without any decoding. */
static int parse(const struct schema *schema, const char *text, void *ret)
{
	struct schema_pair pairs[8];
	struct str all = str_from(text);
	size_t n = 0, from = 0;

	while (from < all.len) {
		ptrdiff_t end = str_index(all, '&', from), equals;
		struct str pair = str_slice(all, from, end < 0 ? all.len : (size_t)end);

		equals = str_index(pair, '=', 0);
		assert_true(equals > 0 && n < ARRAY_SIZE(pairs));
		pairs[n++] = (struct schema_pair){ str_slice(pair, 0, (size_t)equals),
			                           str_slice(pair, (size_t)equals + 1, pair.len) };
		from += pair.len + 1;
	}
	violations_init(&faults, arena);
	return schema_parse_pairs(schema, "query", pairs, n, arena, ret, &faults);
}

static void assert_refused(const struct schema *schema, const char *text, const char *field, const char *type)
{
	union {
		struct catalogue_search search;
		struct catalogue_discover discover;
		struct movie_path path;
		struct movie_language language;
	} in;

	assert_int_equal(parse(schema, text, &in), -EINVAL);
	if (faults.n != 1 || !str_equal(faults.items[0].loc[1], str_from(field)) ||
	    strcmp(faults.items[0].type, type) != 0)
		fail_msg("%s: %.*s %s", text, STR_ARGS(faults.items[0].loc[1]), faults.items[0].type);
}

static void test_search_defaults(void **state)
{
	struct catalogue_search q;

	(void)state;
	assert_int_equal(parse(&catalogue_search_schema, "query= amelie ", &q), 0);
	assert_true(str_equal(q.query, STR("amelie")));
	assert_int_equal(q.page, 1);
	assert_false(q.include_adult || q.year.is_set || q.primary_release_year.is_set);
	assert_true(str_is_null(q.language) && str_is_null(q.region));
}

static void test_search_with_everything(void **state)
{
	struct catalogue_search q;

	(void)state;
	assert_int_equal(parse(&catalogue_search_schema,
	                       "query=a&page=500&year=1874&primary_release_year=2100&language=ru-RU&region=DE&include_"
	                       "adult=true",
	                       &q),
	                 0);
	assert_int_equal(q.page, 500);
	assert_int_equal(q.year.value, 1874);
	assert_int_equal(q.primary_release_year.value, 2100);
	assert_true(q.include_adult);
	assert_true(str_equal(q.language, STR("ru-RU")));
	assert_true(str_equal(q.region, STR("DE")));
}

static void test_search_refuses(void **state)
{
	const struct schema *s = &catalogue_search_schema;
	static char text[CATALOGUE_QUERY_MAX + 16] = "query=";

	(void)state;
	assert_refused(s, "page=1", "query", "missing");
	assert_refused(s, "query=", "query", "string_too_short");
	assert_refused(s, "query=   ", "query", "string_too_short");
	memset(text + 6, 'x', CATALOGUE_QUERY_MAX + 1);
	assert_refused(s, text, "query", "string_too_long");
	assert_refused(s, "query=a&page=0", "page", "greater_than_equal");
	assert_refused(s, "query=a&page=501", "page", "less_than_equal");
	assert_refused(s, "query=a&page=1e9", "page", "int_parsing");
	assert_refused(s, "query=a&year=1873", "year", "greater_than_equal");
	assert_refused(s, "query=a&year=2101", "year", "less_than_equal");
	assert_refused(s, "query=a&include_adult=maybe", "include_adult", "bool_parsing");
	assert_refused(s, "query=a&nonsense=1", "nonsense", "extra_forbidden");
	assert_int_equal(parse(s, "query=a&language=_&region=germany", &(struct catalogue_search){ 0 }), -EINVAL);
	assert_int_equal(faults.n, 2);
}

static void test_two_hundred_letters_are_no_matter_of_bytes(void **state)
{
	static char text[6 + CATALOGUE_QUERY_MAX * 2 + 1] = "query=";
	struct catalogue_search q;

	(void)state;
	for (size_t i = 0; i < CATALOGUE_QUERY_MAX; i++)
		memcpy(text + 6 + i * 2, "é", 2);
	assert_int_equal(parse(&catalogue_search_schema, text, &q), 0);
}

static void test_discover(void **state)
{
	struct catalogue_discover q;

	(void)state;
	assert_int_equal(parse(&catalogue_discover_schema, "", &q), 0);
	assert_true(str_equal(q.sort, STR("popularity.desc")));
	assert_int_equal(q.genre.n, 0);
	assert_int_equal(parse(&catalogue_discover_schema, "genre=878,35&year_from=1990&year_to=1990", &q), 0);
	assert_int_equal(q.genre.n, 2);
	assert_int_equal(((int64_t *)q.genre.items)[1], 35);
}

static void test_discover_refuses(void **state)
{
	const struct schema *s = &catalogue_discover_schema;

	(void)state;
	assert_refused(s, "year_from=2000&year_to=1999", "year_to", "value_error");
	assert_refused(s, "genre=0", "genre", "value_error");
	assert_refused(s, "genre=-5", "genre", "value_error");
	assert_refused(s, "genre=1,x", "genre", "int_parsing");
	assert_refused(s, "sort=votes", "sort", "enum");
	assert_refused(s, "genre=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20", "genre", "too_long");
}

static void test_ids(void **state)
{
	struct movie_path path;

	(void)state;
	assert_int_equal(parse(&movie_path_schema, "movie_id=2147483647", &path), 0);
	assert_refused(&movie_path_schema, "movie_id=0", "movie_id", "greater_than_equal");
	assert_refused(&movie_path_schema, "movie_id=-1", "movie_id", "greater_than_equal");
	assert_refused(&movie_path_schema, "movie_id=2147483648", "movie_id", "less_than_equal");
	assert_refused(&movie_path_schema, "movie_id=99999999999999999999", "movie_id", "int_parsing_size");
	assert_refused(&movie_path_schema, "movie_id=popular", "movie_id", "int_parsing");
}

static void test_what_is_unknown_is_written_as_null(void **state)
{
	struct movie_item item = { .id = 1, .title = STR("M") };
	struct buf out CLEANUP(buf_done);

	(void)state;
	buf_init(&out, 4096);
	schema_write(&movie_item_schema, &item, &out);
	assert_int_equal(buf_error(&out), 0);
	assert_non_null(strstr(out.data, "\"id\":1,\"title\":\"M\",\"original_title\":null"));
	assert_non_null(strstr(out.data, "\"year\":null,\"genre_ids\":[],\"poster_path\":null"));
	assert_non_null(strstr(out.data, "\"adult\":null"));
}

static void test_every_field_is_described(void **state)
{
	const struct schema *const all[] = { &movie_item_schema,         &movie_page_schema,  &movie_details_schema,
		                             &movie_genres_schema,       &movie_brief_schema, &catalogue_search_schema,
		                             &catalogue_discover_schema, &movie_path_schema,  &movie_language_schema };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		assert_non_null(all[i]->doc);
		for (size_t k = 0; k < all[i]->n_fields; k++)
			assert_true(all[i]->fields[k].name && all[i]->fields[k].doc);
	}
}

#define MESSAGE_TEST(f) cmocka_unit_test_setup_teardown(f, arena_before, arena_after)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MESSAGE_TEST(test_search_defaults),
		MESSAGE_TEST(test_search_with_everything),
		MESSAGE_TEST(test_search_refuses),
		MESSAGE_TEST(test_two_hundred_letters_are_no_matter_of_bytes),
		MESSAGE_TEST(test_discover),
		MESSAGE_TEST(test_discover_refuses),
		MESSAGE_TEST(test_ids),
		MESSAGE_TEST(test_what_is_unknown_is_written_as_null),
		MESSAGE_TEST(test_every_field_is_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
