/* Which template a path belongs to. */
#include "gateway/routes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>

#define DOCUMENT                                                                           \
	"{\"openapi\":\"3.1.0\",\"paths\":{"                                               \
	"\"/api/v1/movies/{movie_id}\":{\"parameters\":[],\"get\":{}},"                    \
	"\"/api/v1/movies/search\":{\"get\":{}},"                                          \
	"\"/api/v1/movies/{movie_id}/credits\":{\"get\":{}},"                              \
	"\"/api/v1/users/me/favorites\":{\"get\":{},\"post\":{}},"                         \
	"\"/api/v1/users/me/favorites/{movie_id}\":{\"put\":{},\"get\":{},\"delete\":{}}," \
	"\"/api/v1/lists/shared/{token}\":{\"get\":{}}}}"

static const struct {
	const char *path;
	const char *template; /* NULL: none */
} paths[] = {
	{ "/api/v1/movies/550", "/api/v1/movies/{movie_id}" },
	{ "/api/v1/movies/search", "/api/v1/movies/search" },
	{ "/api/v1/movies/search/", NULL },
	{ "/api/v1/movies/", NULL },
	{ "/api/v1/movies", NULL },
	{ "/api/v1/movies/%2e%2e", "/api/v1/movies/{movie_id}" },
	{ "/api/v1/movies/search/credits", "/api/v1/movies/{movie_id}/credits" },
	{ "/api/v1/movies//credits", NULL },
	{ "/api/v1/users/me/favorites", "/api/v1/users/me/favorites" },
	{ "/api/v1/users/me/favorites/1", "/api/v1/users/me/favorites/{movie_id}" },
	{ "/api/v1/lists/shared/secret", "/api/v1/lists/shared/{token}" },
	{ "/API/v1/movies/550", NULL },
	{ "", NULL },
	{ "/", NULL },
	{ "*", NULL },
	{ "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t", NULL },
};

static struct routes *parsed(void)
{
	struct routes *routes = NULL;

	assert_int_equal(routes_parse(STR(DOCUMENT), &routes), 0);
	return routes;
}

static void test_a_path_has_one_template(void **state)
{
	struct routes *routes CLEANUP(routes_free) = parsed();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const struct route *route = routes_find(routes, str_from(paths[i].path));

		if (!paths[i].template)
			assert_null(route);
		else
			assert_string_equal(route->path, paths[i].template);
	}
}

static void test_an_operation_is_a_path_and_a_method(void **state)
{
	struct routes *routes CLEANUP(routes_free) = parsed();
	const struct route *film = routes_find(routes, STR("/api/v1/movies/1"));
	const struct route *favorites = routes_find(routes, STR("/api/v1/users/me/favorites"));

	(void)state;
	assert_true(route_takes(film, ROUTE_GET) && route_takes(film, ROUTE_HEAD));
	assert_false(route_takes(film, ROUTE_POST) || route_takes(film, ROUTE_OTHER) ||
	             route_takes(film, ROUTE_OPTIONS));
	assert_true(route_takes(favorites, ROUTE_POST));
	assert_false(route_takes(favorites, ROUTE_DELETE));
}

static void test_a_secret_in_a_path_is_known(void **state)
{
	struct routes *routes CLEANUP(routes_free) = parsed();

	(void)state;
	assert_true(routes_find(routes, STR("/api/v1/lists/shared/x"))->has_secret);
	assert_false(routes_find(routes, STR("/api/v1/movies/1"))->has_secret);
}

static void test_names_of_methods_are_few(void **state)
{
	(void)state;
	for (enum route_method m = 0; m < ROUTE_OTHER; m++)
		assert_int_equal(route_method_from(str_from(route_method_name(m))), m);
	assert_int_equal(route_method_from(STR("get")), ROUTE_OTHER);
	assert_int_equal(route_method_from(STR("BREW")), ROUTE_OTHER);
	assert_string_equal(route_method_name(ROUTE_OTHER), "_OTHER");
}

static void test_what_is_no_document_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"null",
		"{}",
		"{\"paths\":[]}",
		"{\"paths\":{\"x\":{}}}",
		"{\"paths\":{\"/a\":{},\"/a\":{}}}",
		"{\"paths\":{\"/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q\":{}}}",
	};
	struct routes *routes = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(routes_parse(str_from(texts[i]), &routes), -EINVAL);
	assert_null(routes);
	assert_int_equal(routes_parse(STR("{\"paths\":{}}"), &routes), 0);
	assert_null(routes_find(routes, STR("/")));
	routes_free(&routes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_path_has_one_template),
		cmocka_unit_test(test_an_operation_is_a_path_and_a_method),
		cmocka_unit_test(test_a_secret_in_a_path_is_known),
		cmocka_unit_test(test_names_of_methods_are_few),
		cmocka_unit_test(test_what_is_no_document_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
