/* Shared replies, entity tags, problems: the small pure parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/etag.h"
#include "http/problem.h"
#include "http/reply.h"

#include <errno.h>

static void test_reply_is_a_counted_copy(void **state)
{
	char body[] = "{\"a\":1}";
	char type[] = "application/json";
	struct reply *r;
	struct reply *other;

	(void)state;
	assert_int_equal(reply_new(200, type, str_from(body), &r), 0);
	body[2] = 'x';
	type[0] = 'x';
	assert_string_equal(reply_body(r).data, "{\"a\":1}");
	assert_string_equal(reply_type(r), "application/json");
	assert_int_equal(reply_status(r), 200);
	assert_null(reply_cache_control(r));
	assert_true(reply_size(r) > 24);
	other = reply_ref(r);
	reply_unref(&r);
	assert_null(r);
	reply_set_cache_control(other, "public, max-age=1");
	assert_string_equal(reply_cache_control(other), "public, max-age=1");
	reply_unref(&other);
	reply_unref(&other);
	reply_unref(NULL);
}

static void test_reply_may_be_empty(void **state)
{
	struct reply *r;

	(void)state;
	assert_int_equal(reply_new(200, "text/plain", STR_NULL, &r), 0);
	assert_int_equal(reply_body(r).len, 0);
	assert_string_equal(reply_body(r).data, "");
	reply_unref(&r);
}

static void test_tag_is_of_body_and_type(void **state)
{
	char a[ETAG_SIZE];
	char b[ETAG_SIZE];

	(void)state;
	etag_make("t/a", STR("body"), a);
	etag_make("t/a", STR("body"), b);
	assert_string_equal(a, b);
	assert_int_equal(strlen(a), 18);
	etag_make_gzip(b);
	assert_string_not_equal(a, b);
	assert_int_equal(strlen(b), ETAG_SIZE - 1);
	etag_make("t/a", STR("body"), b);
	assert_true(a[0] == '"' && a[17] == '"');
	etag_make("t/b", STR("body"), b);
	assert_string_not_equal(a, b);
	etag_make("t/a", STR("Body"), b);
	assert_string_not_equal(a, b);
}

static void test_if_none_match_as_in_rfc_9110(void **state)
{
	static const char *const yes[] = { "\"a\"", " \"a\" ", "W/\"a\"", "\"b\", \"a\"",   "\"b\",W/\"a\"",
		                           "*",     " * ",     ",,\"a\"", "\"x,y\" , \"a\"" };
	static const char *const no[] = { "", "\"b\"", "a", "\"a", "w/\"a\"", "\"b\" x \"a\"", "**", "W/", "\"A\"" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		assert_true(etag_matches(str_from(yes[i]), "\"a\""));
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		assert_false(etag_matches(str_from(no[i]), "\"a\""));
	assert_false(etag_matches(STR_NULL, "\"a\""));
}

static void test_every_error_has_its_problem(void **state)
{
	(void)state;
	assert_ptr_equal(problem_from_error(-ENOENT), &problem_not_found);
	assert_ptr_equal(problem_from_error(-EEXIST), &problem_conflict);
	assert_ptr_equal(problem_from_error(-EBUSY), &problem_overloaded);
	assert_ptr_equal(problem_from_error(-EAGAIN), &problem_unavailable);
	assert_ptr_equal(problem_from_error(-ETIMEDOUT), &problem_deadline_exceeded);
	assert_ptr_equal(problem_from_error(-EACCES), &problem_forbidden);
	assert_ptr_equal(problem_from_error(-EDOM), &problem_internal);
	assert_ptr_equal(problem_from_error(0), &problem_internal);
}

static void test_problems_are_well_made_and_codes_are_unique(void **state)
{
	const struct problem *const *list = problem_list();

	(void)state;
	for (size_t i = 0; list[i]; i++) {
		assert_in_range(list[i]->status, 400, 599);
		assert_true(list[i]->title[0] != '\0');
		assert_int_equal(strspn(list[i]->code, "abcdefghijklmnopqrstuvwxyz-"), strlen(list[i]->code));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(list[i]->code, list[k]->code);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reply_is_a_counted_copy),
		cmocka_unit_test(test_reply_may_be_empty),
		cmocka_unit_test(test_tag_is_of_body_and_type),
		cmocka_unit_test(test_if_none_match_as_in_rfc_9110),
		cmocka_unit_test(test_every_error_has_its_problem),
		cmocka_unit_test(test_problems_are_well_made_and_codes_are_unique),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
