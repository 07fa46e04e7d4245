/* Questions: what makes two the same, copies that live on, answers as JSON. */
#include "movie/question.h"

#include "movie/builtin.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena *arena;

static int arena_before(void **state)
{
	(void)state;
	return arena_new((size_t)1 << 20, &arena);
}

static int arena_after(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static struct str key_of(struct question q)
{
	struct buf key CLEANUP(buf_done);
	struct str copy;

	buf_init(&key, 2048);
	assert_int_equal(question_key(&q, arena, &key), 0);
	assert_int_equal(arena_copy(arena, buf_str(&key), &copy), 0);
	return copy;
}

static bool same(struct question a, struct question b)
{
	return str_equal(key_of(a), key_of(b));
}

static struct question search(const char *query)
{
	return (struct question){ .kind = QUESTION_SEARCH, .of.search = { .query = str_from(query), .page = 1 } };
}

static struct question film(enum question_kind kind, int64_t id)
{
	return (struct question){ .kind = kind, .of.movie.path.movie_id = id };
}

static void test_case_and_spaces_make_no_difference(void **state)
{
	struct question a = search("Star  Wars"), b = search("star wars");

	(void)state;
	assert_true(same(a, b));
	a.of.search.language = STR("en-US");
	b.of.search.language = STR("EN-us");
	assert_true(same(a, b));
}

static void test_what_changes_the_answer_changes_the_key(void **state)
{
	struct question a = search("star wars"), b = a;

	(void)state;
	assert_false(same(a, search("star war")));
	assert_false(same(search("amelie"), search("amélie")));
	b.of.search.page = 2;
	assert_false(same(a, b));
	b = a;
	b.of.search.year = (struct schema_int){ true, 1977 };
	assert_false(same(a, b));
	b = a;
	b.of.search.primary_release_year = (struct schema_int){ true, 1977 };
	assert_false(same(a, b));
	b = a;
	b.of.search.include_adult = true;
	assert_false(same(a, b));
	b = a;
	b.of.search.region = STR("US");
	assert_false(same(a, b));
	assert_false(same(film(QUESTION_DETAILS, 5), film(QUESTION_BRIEF, 5)));
	assert_false(same(film(QUESTION_DETAILS, 5), film(QUESTION_DETAILS, 6)));
}

/* A query cannot look like another question's parameters. */
static void test_a_query_cannot_forge_a_key(void **state)
{
	struct question a = search("x|rUS"), b = search("x");

	(void)state;
	b.of.search.region = STR("US");
	assert_false(same(a, b));
	a = search("a|qx");
	b = search("x");
	b.of.search.include_adult = true;
	assert_false(same(a, b));
}

static void test_order_of_genres_makes_no_difference(void **state)
{
	int64_t ids[] = { 878, 35, 878 }, other[] = { 35, 878 };
	struct question a = { .kind = QUESTION_DISCOVER,
		              .of.discover = { .genre = { 3, ids }, .sort = STR("title.asc"), .page = 1 } };
	struct question b = a;

	(void)state;
	b.of.discover.genre = (struct schema_array){ 2, other };
	assert_true(same(a, b));
	b.of.discover.genre.n = 1;
	assert_false(same(a, b));
}

static void test_a_copy_outlives_its_original(void **state)
{
	int64_t ids[] = { 35 };
	char text[] = "title.asc";
	struct question q = { .kind = QUESTION_DISCOVER,
		              .of.discover = { .genre = { 1, ids }, .sort = { text, 9 }, .page = 1 } };
	struct question copy;

	(void)state;
	assert_int_equal(question_copy(&q, arena, &copy), 0);
	ids[0] = 1;
	memset(text, 'x', sizeof(text));
	assert_int_equal(*(int64_t *)copy.of.discover.genre.items, 35);
	assert_true(str_equal(copy.of.discover.sort, STR("title.asc")));
	assert_true(str_is_null(copy.of.discover.language));
}

static void test_answers_are_json(void **state)
{
	struct catalogue *c CLEANUP(catalogue_free) = NULL;
	struct question questions[] = { search("amelie"),
		                        { .kind = QUESTION_DISCOVER,
		                          .of.discover = { .sort = STR("title.asc"), .page = 1 } },
		                        { .kind = QUESTION_GENRES },
		                        film(QUESTION_DETAILS, 1000000199),
		                        film(QUESTION_BRIEF, 1000000199) };
	static const char *const parts[] = {
		"\"title\":\"Amélie\"", "\"total_results\":3824", "\"name\":\"Western\"",
		"\"directors\":[\"Jean-Pierre Jeunet\"]",
		"{\"id\":1000000199,\"title\":\"Amélie\",\"year\":2001,\"poster_path\":null}"
	};

	(void)state;
	assert_int_equal(builtin_new(&c), 0);
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
		struct buf out CLEANUP(buf_done);

		buf_init(&out, 100000);
		assert_int_equal(question_ask(&questions[i], c, arena, &out), 0);
		assert_non_null(strstr(out.data, parts[i]));
	}
}

static void test_no_such_film(void **state)
{
	struct catalogue *c CLEANUP(catalogue_free) = NULL;
	struct question q = film(QUESTION_BRIEF, 550);
	struct buf out CLEANUP(buf_done);

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(builtin_new(&c), 0);
	assert_int_equal(question_ask(&q, c, arena, &out), -ENOENT);
}

#define QUESTION_TEST(f) cmocka_unit_test_setup_teardown(f, arena_before, arena_after)

int main(void)
{
	const struct CMUnitTest tests[] = {
		QUESTION_TEST(test_case_and_spaces_make_no_difference),
		QUESTION_TEST(test_what_changes_the_answer_changes_the_key),
		QUESTION_TEST(test_a_query_cannot_forge_a_key),
		QUESTION_TEST(test_order_of_genres_makes_no_difference),
		QUESTION_TEST(test_a_copy_outlives_its_original),
		QUESTION_TEST(test_answers_are_json),
		QUESTION_TEST(test_no_such_film),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
