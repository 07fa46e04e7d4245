/* The summaries of statements of every kind. */
#include "store/summary.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void is(const char *sql, const char *expected)
{
	char summary[SQL_SUMMARY_SIZE];

	sql_summary(sql, summary);
	assert_string_equal(summary, expected);
}

static void test_statements(void **state UNUSED)
{
	is("SELECT 1", "SELECT");
	is("select a, b from users u JOIN favourites f ON f.u = u.id WHERE x = $1", "SELECT users favourites");
	is("INSERT INTO outbox (id) VALUES ($1) ON CONFLICT DO UPDATE SET id = $1", "INSERT outbox");
	is("UPDATE users SET name = $1", "UPDATE users");
	is("DELETE FROM sessions WHERE id = $1", "DELETE sessions");
	is("WITH head AS (SELECT 1 FROM outbox FOR UPDATE SKIP LOCKED) UPDATE outbox SET x = 1", "WITH outbox outbox");
	is("SELECT x FROM (SELECT 1 FROM a) JOIN b ON true", "SELECT a b");
	is("CREATE TABLE IF NOT EXISTS t (id int)", "CREATE");
	is("BEGIN", "BEGIN");
	is("", "SQL");
}

/* Nothing that somebody wrote gets in. */
static void test_values_and_comments_are_passed_over(void **state UNUSED)
{
	is("-- FROM secret\nSELECT 'FROM anna@example.org', /* FROM x */ a FROM t", "SELECT t");
	is("SELECT 'it''s FROM here' FROM t", "SELECT t");
	is("SELECT 1 FROM 'not closed", "SELECT");
	is("-- only this", "SQL");
	is("/* nor this", "SQL");
	is("DELETE FROM $1", "DELETE");
}

static void test_it_is_short(void **state UNUSED)
{
	is("SELECT a FROM t1 JOIN t2 JOIN t3 JOIN t4", "SELECT t1 t2 t3");
	is("SELECT a FROM a_table_whose_name_is_longer_than_a_summary_may_be_altogether_xx JOIN t", "SELECT t");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statements),
		cmocka_unit_test(test_values_and_comments_are_passed_over),
		cmocka_unit_test(test_it_is_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
