/* From method and path to a route. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/router.h"

#include <errno.h>

static int handler(struct request *req)
{
	(void)req;
	return 0;
}

static const struct route routes[] = {
	{ HTTP_GET, "/", handler },
	{ HTTP_GET, "/movies", handler },
	{ HTTP_GET, "/movies/{id}", handler },
	{ HTTP_GET, "/movies/search", handler },
	{ HTTP_POST, "/movies/{movie}", handler },
	{ HTTP_GET, "/movies/search/all/{a}/x/{b}", handler },
	{ HTTP_DELETE, "/movies/{id}/{kind}/last", handler },
	{ 0 },
};
static const struct route *const tables[] = { routes, NULL };

static struct router *router;
static struct arena *arena;

static int up(void **state)
{
	(void)state;
	return router_new(tables, &router) < 0 || arena_new(4096, &arena) < 0 ? -1 : 0;
}

static int down(void **state)
{
	(void)state;
	router_free(&router);
	router_free(&router);
	arena_free(&arena);
	return 0;
}

static struct router_match find(enum http_method method, const char *path)
{
	struct router_match m;
	struct target t;

	assert_int_equal(target_parse(str_from(path), &t), 0);
	assert_int_equal(router_find(router, method, &t, arena, &m), 0);
	return m;
}

static const char *path_of(enum http_method method, const char *path)
{
	struct router_match m = find(method, path);

	return m.entry ? m.entry->route->path : m.allowed ? "405" : "404";
}

static void test_paths_find_their_routes(void **state)
{
	(void)state;
	assert_string_equal(path_of(HTTP_GET, "/"), "/");
	assert_string_equal(path_of(HTTP_GET, "/movies"), "/movies");
	assert_string_equal(path_of(HTTP_GET, "/movies/550"), "/movies/{id}");
	assert_string_equal(path_of(HTTP_GET, "/movies/search"), "/movies/search");
	assert_string_equal(path_of(HTTP_GET, "/movies/searches"), "/movies/{id}");
	assert_string_equal(path_of(HTTP_GET, "/movies/s%65arch"), "/movies/search");
}

static void test_what_is_not_there_is_not_found(void **state)
{
	(void)state;
	assert_string_equal(path_of(HTTP_GET, "/movie"), "404");
	assert_string_equal(path_of(HTTP_GET, "/movies/"), "404");
	assert_string_equal(path_of(HTTP_GET, "//movies"), "404");
	assert_string_equal(path_of(HTTP_GET, "/movies/1/2"), "404");
	assert_string_equal(path_of(HTTP_GET, "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r"), "404");
	assert_string_equal(path_of(HTTP_PUT, "/movies/1"), "405");
}

static void test_literal_is_given_up_when_nothing_is_below_it(void **state)
{
	struct router_match m = find(HTTP_DELETE, "/movies/search/all/last");

	(void)state;
	assert_string_equal(m.entry->route->path, "/movies/{id}/{kind}/last");
	assert_int_equal(m.n_params, 2);
	assert_true(str_equal(m.params[0], STR("search")));
	assert_true(str_equal(m.params[1], STR("all")));
}

static void test_parameters_are_decoded_and_named_by_the_route(void **state)
{
	struct router_match m = find(HTTP_GET, "/movies/search/all/%C3%A9%2F/x/2");

	(void)state;
	assert_int_equal(m.n_params, 2);
	assert_true(str_equal(m.params[0], STR("\xc3\xa9/")));
	assert_true(str_equal(m.entry->param_names[0], STR("a")));
	assert_true(str_equal(m.entry->param_names[1], STR("b")));
	m = find(HTTP_POST, "/movies/7");
	assert_true(str_equal(m.entry->param_names[0], STR("movie")));
	assert_string_equal(m.entry->span_name, "POST /movies/{movie}");
}

static void test_methods_of_a_path_are_told(void **state)
{
	(void)state;
	assert_int_equal(find(HTTP_METHODS, "/movies/1").allowed, 1 << HTTP_GET | 1 << HTTP_POST);
	assert_int_equal(find(HTTP_METHODS, "/movies").allowed, 1 << HTTP_GET);
}

static int result_of(const struct route *table)
{
	const struct route *const list[] = { routes, table, NULL };
	struct router *r = NULL;
	int result = router_new(list, &r);

	router_free(&r);
	return result;
}

static void test_tables_that_contradict_themselves_are_refused(void **state)
{
	static const struct route twice[] = { { HTTP_GET, "/movies", handler }, { 0 } };
	static const struct route twice_by_parameter[] = { { HTTP_GET, "/movies/{other}", handler }, { 0 } };
	static const struct route relative[] = { { HTTP_GET, "movies", handler }, { 0 } };
	static const struct route fine[] = { { HTTP_PUT, "/movies", handler }, { 0 } };

	(void)state;
	assert_int_equal(result_of(twice), -EINVAL);
	assert_int_equal(result_of(twice_by_parameter), -EINVAL);
	assert_int_equal(result_of(relative), -EINVAL);
	assert_int_equal(result_of(fine), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths_find_their_routes),
		cmocka_unit_test(test_what_is_not_there_is_not_found),
		cmocka_unit_test(test_literal_is_given_up_when_nothing_is_below_it),
		cmocka_unit_test(test_parameters_are_decoded_and_named_by_the_route),
		cmocka_unit_test(test_methods_of_a_path_are_told),
		cmocka_unit_test(test_tables_that_contradict_themselves_are_refused),
	};

	return cmocka_run_group_tests(tests, up, down);
}
