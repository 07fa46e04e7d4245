/* The table of films: reading, refusing, ids, genres; and the real table. */
#include "movie/films.h"

#include "base/fault.h"
#include "movie/catalogue_data.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HEADER "title\tyear\trelease_date\tgenres\truntime_min\tdirectors\tmpaa\tdistributor\tsources\n"

static const char small_table[] =
        HEADER "First\t1999\t1999-03-31\tSci-Fi|Film-Noir\t136\tA. One|B. Two\tR\tStudio\tvega+mds\n"
               "Second\t2001\t\t\t\t\t\t\tvega\n"
               "Third\t2002\t\tMusical\t\tC. Three\t\t\tvega\n";

static int read_film(const char *text)
{
	struct films films CLEANUP(films_done) = { 0 };
	size_t line = 0;
	int r = films_read(str_from(text), &films, &line);

	return r == -EBADMSG ? -(int)line : r;
}

static void test_reads_a_film(void **state)
{
	struct films films CLEANUP(films_done) = { 0 };
	const struct film *film;
	size_t line;

	(void)state;
	assert_int_equal(films_read(str_from(small_table), &films, &line), 0);
	assert_int_equal(films.n, 3);
	film = films_find(&films, FILM_ID_BASE + 1);
	assert_true(str_equal(film->title, STR("First")));
	assert_int_equal(film->year, 1999);
	assert_int_equal(film->runtime, 136);
	assert_int_equal(film->genres, 1u << film_genre_index(878));
	assert_int_equal(film->prominence, 2);
	assert_true(str_equal(film->release_date, STR("1999-03-31")));
	assert_true(str_equal(film_column(film, FILM_SOURCES), STR("vega+mds")));
	assert_int_equal(film_id(&films, film), FILM_ID_BASE + 1);
}

static void test_what_is_unknown_is_null(void **state)
{
	struct films films CLEANUP(films_done) = { 0 };
	const struct film *film;
	size_t line;

	(void)state;
	assert_int_equal(films_read(str_from(small_table), &films, &line), 0);
	film = films_find(&films, FILM_ID_BASE + 2);
	assert_int_equal(film->runtime, 0);
	assert_int_equal(film->genres, 0);
	assert_int_equal(film->prominence, 0);
	assert_true(str_is_null(film->release_date));
	assert_true(str_is_null(film_column(film, FILM_DISTRIBUTOR)));
	assert_int_equal(films_find(&films, FILM_ID_BASE + 3)->prominence, 1);
}

static void test_parts_of_a_column(void **state)
{
	struct str part;
	size_t pos = 0;

	(void)state;
	assert_true(film_next_part(STR("A. One|B. Two"), &pos, &part));
	assert_true(str_equal(part, STR("A. One")));
	assert_true(film_next_part(STR("A. One|B. Two"), &pos, &part));
	assert_true(str_equal(part, STR("B. Two")));
	assert_false(film_next_part(STR("A. One|B. Two"), &pos, &part));
	pos = 0;
	assert_false(film_next_part(STR_NULL, &pos, &part));
}

static void test_ids_outside_the_table(void **state)
{
	struct films films CLEANUP(films_done) = { 0 };
	size_t line;

	(void)state;
	assert_int_equal(films_read(str_from(small_table), &films, &line), 0);
	assert_null(films_find(&films, FILM_ID_BASE));
	assert_null(films_find(&films, FILM_ID_BASE + 4));
	assert_null(films_find(&films, 550));
	assert_null(films_find(&films, -1));
	assert_null(films_find(&films, INT64_MAX));
	assert_null(films_find(&films, INT64_MIN));
}

static void test_genres_by_id(void **state)
{
	(void)state;
	assert_string_equal(film_genres[film_genre_index(10402)].name, "Music");
	assert_string_equal(film_genres[film_genre_index(28)].name, "Action");
	assert_int_equal(film_genre_index(1), -1);
	for (size_t i = 1; i < FILM_GENRES; i++)
		assert_true(strcmp(film_genres[i - 1].name, film_genres[i].name) < 0);
}

static void test_a_faulty_line_is_named(void **state)
{
	(void)state;
	assert_int_equal(read_film(HEADER), 0);
	assert_int_equal(read_film(HEADER "A\t1999\t\t\t\t\t\t\tvega\nB\t1999\t\t\t\t\t\tvega\n"), -3);
	assert_int_equal(read_film(HEADER "A\t\t\t\t\t\t\t\tvega\n"), -2);
	assert_int_equal(read_film(HEADER "A\t99\t\t\t\t\t\t\tvega\n"), -2);
	assert_int_equal(read_film(HEADER "A\t1999\t1999-02-30\t\t\t\t\t\tvega\n"), -2);
	assert_int_equal(read_film(HEADER "A\t1999\t\tNonsense\t\t\t\t\tvega\n"), -2);
	assert_int_equal(read_film(HEADER "\t1999\t\t\t\t\t\t\tvega\n"), -2);
	assert_int_equal(read_film(HEADER "A\xff\t1999\t\t\t\t\t\t\tvega\n"), -2);
	assert_int_equal(read_film(HEADER "A\t1999\t\t\tlong\t\t\t\tvega\n"), -2);
}

static void test_the_real_table(void **state)
{
	struct films films CLEANUP(films_done) = { 0 };
	size_t line = 0, dated = 0;

	(void)state;
	assert_int_equal(catalogue_data_n, 1);
	assert_int_equal(films_read(catalogue_data[0].data, &films, &line), 0);
	assert_int_equal(films.n, 3824);
	/* Rows are append-only: these ids are for ever. */
	assert_true(str_equal(films_find(&films, FILM_ID_BASE + 199)->title, STR("Amélie")));
	assert_true(str_equal(films_find(&films, FILM_ID_BASE + 1)->title, STR("(500) Days of Summer")));
	for (size_t i = 0; i < films.n; i++)
		dated += !str_is_null(films.items[i].release_date);
	assert_true(dated > 2500);
}

static void test_out_of_memory(void **state)
{
	(void)state;
	fault_set("alloc:1");
	assert_int_equal(read_film(small_table), -ENOMEM);
	fault_set(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_a_film),      cmocka_unit_test(test_what_is_unknown_is_null),
		cmocka_unit_test(test_parts_of_a_column), cmocka_unit_test(test_ids_outside_the_table),
		cmocka_unit_test(test_genres_by_id),      cmocka_unit_test(test_a_faulty_line_is_named),
		cmocka_unit_test(test_the_real_table),    cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
