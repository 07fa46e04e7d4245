/* The tables: what the parameters may be, what comes of defaults, that a reply filled at random keeps to its table and
 * comes back the same, and that each table describes itself. */
#include "movie/question_messages.h"

#include "base/test_rounds.h"
#include "schema/sample.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

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
	if (arena_new((size_t)32 << 20, &arena) < 0)
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
	struct schema_pair pairs[24];
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
		struct question_search search;
		struct question_discover discover;
		struct question_list list;
		struct question_trending trending;
		struct question_details details;
		struct question_place place;
		struct question_find find;
		struct question_path path;
	} in;

	assert_int_equal(parse(schema, text, &in), -EINVAL);
	if (faults.n != 1 || !str_equal(faults.items[0].loc[1], str_from(field)) ||
	    strcmp(faults.items[0].type, type) != 0)
		fail_msg("%s: %.*s %s", text, STR_ARGS(faults.items[0].loc[1]), faults.items[0].type);
}

static void test_search_defaults(void **state)
{
	struct question_search q;

	(void)state;
	assert_int_equal(parse(&question_search_schema, "query= amelie ", &q), 0);
	assert_true(str_equal(q.query, STR("amelie")));
	assert_int_equal(q.page, 1);
	assert_false(q.include_adult || q.year.is_set || q.primary_release_year.is_set);
	assert_true(str_is_null(q.language) && str_is_null(q.region));
}

static void test_search_with_everything(void **state)
{
	struct question_search q;

	(void)state;
	assert_int_equal(parse(&question_search_schema,
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
	const struct schema *s = &question_search_schema;
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
	assert_int_equal(parse(s, "query=a&language=_&region=germany", &(struct question_search){ 0 }), -EINVAL);
	assert_int_equal(faults.n, 2);
}

static void test_two_hundred_letters_are_no_matter_of_bytes(void **state)
{
	static char text[6 + CATALOGUE_QUERY_MAX * 2 + 1] = "query=";
	struct question_search q;

	(void)state;
	for (size_t i = 0; i < CATALOGUE_QUERY_MAX; i++)
		memcpy(text + 6 + i * 2, "é", 2);
	assert_int_equal(parse(&question_search_schema, text, &q), 0);
}

static void test_discover(void **state)
{
	struct question_discover q;

	(void)state;
	assert_int_equal(parse(&question_discover_schema, "", &q), 0);
	assert_true(str_equal(q.sort, STR("popularity.desc")));
	assert_int_equal(q.genre.n, 0);
	assert_int_equal(parse(&question_discover_schema, "genre=878,35&year_from=1990&year_to=1990", &q), 0);
	assert_int_equal(q.genre.n, 2);
	assert_int_equal(((int64_t *)q.genre.items)[1], 35);
}

static void test_discover_with_everything(void **state)
{
	struct question_discover q;

	(void)state;
	assert_int_equal(
	        parse(&question_discover_schema,
	              "genre_any=28,12&release_date_from=1999-01-01&release_date_to=1999-01-01&vote_average_min=7.5&"
	              "vote_average_max=10&vote_count_min=0&vote_count_max=9&runtime_min=90&runtime_max=90&"
	              "original_language=en&certification=PG-13&certification_country=GB&watch_provider=8&"
	              "watch_region=DE&include_adult=1&sort=vote_average.desc&page=2&language=de&region=AT",
	              &q),
	        0);
	assert_int_equal(q.genre_any.n, 2);
	assert_true(q.vote_average_min.value > 7.4 && q.vote_count_min.is_set && q.include_adult);
	assert_true(str_equal(q.certification, STR("PG-13")) && str_equal(q.watch_region, STR("DE")));
}

static void test_discover_refuses(void **state)
{
	const struct schema *s = &question_discover_schema;

	(void)state;
	assert_refused(s, "genre=0", "genre", "value_error");
	assert_refused(s, "genre_any=-5", "genre_any", "value_error");
	assert_refused(s, "watch_provider=2147483648&watch_region=US", "watch_provider", "value_error");
	assert_refused(s, "genre=1,x", "genre", "int_parsing");
	assert_refused(s, "sort=votes", "sort", "enum");
	assert_refused(s, "genre=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20", "genre", "too_long");
	assert_refused(s, "vote_average_min=10.1", "vote_average_min", "less_than_equal");
	assert_refused(s, "vote_count_max=-1", "vote_count_max", "greater_than_equal");
	assert_refused(s, "original_language=EN", "original_language", "string_pattern_mismatch");
	assert_refused(s, "certification=R%7CG|G", "certification", "string_pattern_mismatch");
	assert_refused(s, "release_date_from=1999-02-29", "release_date_from", "date_parsing");
}

static void test_discover_refuses_what_does_not_go_together(void **state)
{
	const struct schema *s = &question_discover_schema;

	(void)state;
	assert_refused(s, "genre=1&genre_any=2", "genre_any", "value_error");
	assert_refused(s, "year=2000&year_from=1999", "year", "value_error");
	assert_refused(s, "year=2000&year_to=2001", "year", "value_error");
	assert_refused(s, "year_from=2000&year_to=1999", "year_to", "value_error");
	assert_refused(s, "release_date_from=2000-01-02&release_date_to=2000-01-01", "release_date_to", "value_error");
	assert_refused(s, "vote_average_min=7.5&vote_average_max=7.4", "vote_average_max", "value_error");
	assert_refused(s, "vote_count_min=2&vote_count_max=1", "vote_count_max", "value_error");
	assert_refused(s, "runtime_min=91&runtime_max=90", "runtime_max", "value_error");
	assert_refused(s, "watch_provider=8", "watch_region", "value_error");
	assert_refused(s, "certification_country=US", "certification", "value_error");
}

static void test_lists_and_trending(void **state)
{
	struct question_list list;
	struct question_trending trending;

	(void)state;
	assert_int_equal(parse(&question_list_schema, "page=7&language=pt-BR&region=BR", &list), 0);
	assert_int_equal(list.page, 7);
	assert_refused(&question_related_schema, "region=BR", "region", "extra_forbidden");
	assert_int_equal(parse(&question_trending_schema, "", &trending), 0);
	assert_true(str_equal(trending.window, STR("day")) && trending.page == 1);
	assert_refused(&question_trending_schema, "window=month", "window", "enum");
}

static void test_a_film_with_parts(void **state)
{
	struct question_details q;
	const struct str *parts;

	(void)state;
	assert_int_equal(parse(&question_details_schema, "include=videos,credits&include=watch_providers", &q), 0);
	parts = q.include.items;
	assert_int_equal(q.include.n, 3);
	assert_true(str_equal(parts[0], STR("videos")) && str_equal(parts[2], STR("watch_providers")));
	assert_refused(&question_details_schema, "include=credits,reviews", "include", "enum");
	assert_int_equal(parse(&question_details_schema, "include=", &q), 0);
	assert_int_equal(q.include.n, 0);
}

static void test_find(void **state)
{
	struct question_find q;

	(void)state;
	assert_int_equal(parse(&question_find_schema, "imdb_id=tt0111161", &q), 0);
	assert_refused(&question_find_schema, "", "imdb_id", "missing");
	assert_refused(&question_find_schema, "imdb_id=nm0000151", "imdb_id", "string_pattern_mismatch");
	assert_refused(&question_find_schema, "imdb_id=tt011116a", "imdb_id", "string_pattern_mismatch");
	assert_refused(&question_find_schema, "imdb_id=tt12345678901", "imdb_id", "string_too_long");
}

static void test_ids(void **state)
{
	struct question_path path;

	(void)state;
	assert_int_equal(parse(&question_path_schema, "movie_id=2147483647", &path), 0);
	assert_refused(&question_path_schema, "movie_id=0", "movie_id", "greater_than_equal");
	assert_refused(&question_path_schema, "movie_id=-1", "movie_id", "greater_than_equal");
	assert_refused(&question_path_schema, "movie_id=2147483648", "movie_id", "less_than_equal");
	assert_refused(&question_path_schema, "movie_id=99999999999999999999", "movie_id", "int_parsing_size");
	assert_refused(&question_path_schema, "movie_id=popular", "movie_id", "int_parsing");
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

static void test_a_part_nobody_asked_for_is_null_and_an_empty_one_is_not(void **state)
{
	struct movie_details film = { .id = 1, .title = STR("M"), .keywords = { 0, &film } };
	struct buf out CLEANUP(buf_done);

	(void)state;
	buf_init(&out, 8192);
	schema_write(&movie_details_schema, &film, &out);
	assert_int_equal(buf_error(&out), 0);
	assert_non_null(strstr(out.data, "\"poster\":null"));
	assert_non_null(strstr(out.data, "\"credits\":null"));
	assert_non_null(strstr(out.data, "\"release_dates\":null,\"keywords\":[]"));
	assert_non_null(strstr(out.data, "\"genres\":[],\"directors\":[]"));
}

/* ---- all tables ---- */

static const struct schema *const replies[] = {
	&movie_item_schema,  &movie_page_schema,          &movie_details_schema, &movie_genres_schema,
	&movie_brief_schema, &movie_credits_schema,       &movie_videos_schema,  &movie_watch_providers_schema,
	&movie_found_schema, &movie_configuration_schema,
};
static const struct schema *const queries[] = {
	&question_search_schema,   &question_discover_schema, &question_list_schema,     &question_related_schema,
	&question_trending_schema, &question_details_schema,  &question_language_schema, &question_region_schema,
	&question_find_schema,     &question_path_schema,
};

static uint64_t seed(void)
{
	const char *given = getenv("TEST_SEED");
	uint64_t chosen = given && *given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

	printf("TEST_SEED=%llu\n", (unsigned long long)chosen);
	return chosen;
}

static void assert_comes_back(const struct schema *s, const void *value)
{
	struct buf json CLEANUP(buf_done);
	void *again = arena_alloc(arena, s->size);

	assert_non_null(again);
	violations_init(&faults, arena);
	if (schema_check(s, value, arena, &faults) < 0)
		fail_msg("%s: %.*s: %s", s->name, STR_ARGS(faults.items[0].loc[1]), faults.items[0].type);
	buf_init(&json, (size_t)8 << 20);
	schema_write(s, value, &json);
	assert_int_equal(buf_error(&json), 0);
	if (schema_parse(s, buf_str(&json), arena, again, &faults) < 0)
		fail_msg("%s: %.*s: %s", s->name, STR_ARGS(faults.items[0].loc[1]), faults.items[0].type);
	assert_true(sample_equal(s, value, again));
}

static void test_replies_come_back_from_json(void **state)
{
	struct sample_random random = { seed() };
	long rounds = test_rounds(5, 500);

	(void)state;
	for (long round = 0; round < rounds; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
			void *value;

			arena_reset(arena);
			value = arena_alloc(arena, replies[i]->size);
			assert_non_null(value);
			sample_fill_message(&random, arena, replies[i], value);
			assert_comes_back(replies[i], value);
		}
	}
}

static void assert_example_is_right(const struct schema *s, const struct schema_field *f)
{
	struct schema one = {
		.name = s->name, .fields = f, .n_fields = 1, .size = s->size, .present_offset = SIZE_MAX
	};
	void *value = arena_alloc(arena, s->size);
	struct str json = arena_printf(arena, "{\"%s\":%s}", f->name, f->example);

	assert_non_null(value);
	violations_init(&faults, arena);
	if (schema_parse(&one, json, arena, value, &faults) < 0)
		fail_msg("%s: %s", s->name, json.data);
}

/* An example that its own rules refuse would mislead the reader of the documents. */
static int assert_described(const struct schema *s, void *arg)
{
	struct buf out CLEANUP(buf_done);

	(void)arg;
	assert_non_null(s->doc);
	assert_in_range(s->n_fields, 1, 64);
	for (size_t i = 0; i < s->n_fields; i++) {
		if (!s->fields[i].name || !s->fields[i].doc || (!s->fields[i].example && !s->fields[i].schema))
			fail_msg("%s: row %zu", s->name, i);
		if (s->fields[i].example)
			assert_example_is_right(s, &s->fields[i]);
	}
	buf_init(&out, 100000);
	schema_describe(s, &out);
	return buf_error(&out);
}

static void test_every_field_is_described(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(replies); i++)
		assert_int_equal(schema_visit(replies[i], assert_described, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++)
		assert_int_equal(schema_visit(queries[i], assert_described, NULL), 0);
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
		MESSAGE_TEST(test_discover_with_everything),
		MESSAGE_TEST(test_discover_refuses),
		MESSAGE_TEST(test_discover_refuses_what_does_not_go_together),
		MESSAGE_TEST(test_lists_and_trending),
		MESSAGE_TEST(test_a_film_with_parts),
		MESSAGE_TEST(test_find),
		MESSAGE_TEST(test_ids),
		MESSAGE_TEST(test_what_is_unknown_is_written_as_null),
		MESSAGE_TEST(test_a_part_nobody_asked_for_is_null_and_an_empty_one_is_not),
		MESSAGE_TEST(test_replies_come_back_from_json),
		MESSAGE_TEST(test_every_field_is_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
