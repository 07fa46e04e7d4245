/* The handlers, called as the server calls them, with a server that only remembers: what is shared, what is cached,
 * what is asked of the source and how often, what becomes a problem. */
#include "movie/movie.h"

#include "base/clock.h"
#include "movie/builtin.h"

#include <errno.h>
#include <stdio.h>
#include <uv.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- the server that only remembers ---- */

struct request {
	const struct route *route;
	struct arena *arena;
	struct schema_pair query[4];
	size_t n_query;
	struct str id;
	struct reply *reply;
	const struct problem *problem;
	int64_t retry_after_s;
	bool hit;
	bool miss;
	int result;
};

struct arena *request_arena(struct request *req)
{
	return req->arena;
}

int request_parse(struct request *req, void *ret_path, void *ret_query, void *ret_body)
{
	struct schema_pair id = { STR("movie_id"), req->id };
	struct violations v;
	int r = 0;

	assert_null(ret_body);
	assert_int_equal(!ret_path, !req->route->path_params);
	assert_int_equal(!ret_query, !req->route->query);
	violations_init(&v, req->arena);
	if (ret_path)
		r = schema_parse_pairs(req->route->path_params, "path", &id, 1, req->arena, ret_path, &v);
	if (r == 0 && ret_query)
		r = schema_parse_pairs(req->route->query, "query", req->query, req->n_query, req->arena, ret_query, &v);
	return r;
}

int respond_header(struct request *req, const char *name, struct str value)
{
	assert_string_equal(name, "X-Cache");
	req->hit = str_equal(value, STR("HIT"));
	req->miss = str_equal(value, STR("MISS"));
	return 0;
}

int respond_shared(struct request *req, struct reply *reply)
{
	req->reply = reply_ref(reply);
	return 0;
}

int request_problem(struct request *req, const struct problem *p, const char *detail, ...)
{
	(void)detail;
	req->problem = p;
	return -EPROTO;
}

int request_problem_retry(struct request *req, const struct problem *p, int64_t retry_after_s, const char *detail, ...)
{
	(void)detail;
	req->problem = p;
	req->retry_after_s = retry_after_s;
	return -EPROTO;
}

void request_timing(struct request *req, const char *name, int64_t duration_us)
{
	(void)req;
	assert_string_equal(name, "catalogue");
	assert_true(duration_us >= 0);
}

/* ---- a source that counts, waits or is away ---- */

static struct catalogue *real;
static struct movie_state movies;
static size_t asked;
static int source_error;
static int64_t source_delay_ms;

struct movie_state *movie_state(void)
{
	return &movies;
}

static int outcome(void)
{
	asked++;
	if (source_delay_ms > 0 && fiber_sleep_ms(source_delay_ms) < 0)
		return -ETIMEDOUT;
	return source_error;
}

static int counted_search(struct catalogue *c, const struct catalogue_search *q, struct arena *a,
                          struct movie_page *ret)
{
	int r = outcome();

	(void)c;
	return r < 0 ? r : real->search(real, q, a, ret);
}

static int counted_discover(struct catalogue *c, const struct catalogue_discover *q, struct arena *a,
                            struct movie_page *ret)
{
	int r = outcome();

	(void)c;
	return r < 0 ? r : real->discover(real, q, a, ret);
}

static int counted_details(struct catalogue *c, int64_t id, struct str language, struct arena *a,
                           struct movie_details *ret)
{
	int r = outcome();

	(void)c;
	return r < 0 ? r : real->details(real, id, language, a, ret);
}

static int counted_genres(struct catalogue *c, struct str language, struct arena *a, struct movie_genres *ret)
{
	int r = outcome();

	(void)c;
	return r < 0 ? r : real->genres(real, language, a, ret);
}

static void counted_free(struct catalogue *c)
{
	(void)c;
	catalogue_free(&real);
}

static struct catalogue counted = {
	.name = "builtin",
	.search = counted_search,
	.discover = counted_discover,
	.details = counted_details,
	.genres = counted_genres,
	.free = counted_free,
};

/* ---- a loop, a fiber a request ---- */

static uv_loop_t loop;
static struct movie_config config;

static int service_before(void **state)
{
	struct catalogue *c = &counted;

	(void)state;
	config = (struct movie_config){ 1000, 1 << 22, 60000, 60000, 60000, 100 };
	asked = 0;
	source_error = 0;
	source_delay_ms = 0;
	if (uv_loop_init(&loop) < 0 || fiber_runtime_init(&loop, NULL) < 0 || builtin_new(&real) < 0)
		return -1;
	return movie_state_init(&config, &c, &movies);
}

static int service_after(void **state)
{
	(void)state;
	movie_state_done(&movies);
	fiber_runtime_done();
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop);
}

static void serve(void *arg)
{
	struct request *req = arg;

	req->result = req->route->handler(req);
}

static struct request request_new(const char *path)
{
	struct request req = { 0 };

	for (const struct route *route = movie_routes; route->path; route++)
		if (strcmp(route->path, path) == 0)
			req.route = route;
	assert_non_null(req.route);
	assert_int_equal(arena_new((size_t)1 << 18, &req.arena), 0);
	return req;
}

static void with(struct request *req, const char *name, const char *value)
{
	assert_true(req->n_query < ARRAY_SIZE(req->query));
	req->query[req->n_query++] = (struct schema_pair){ str_from(name), str_from(value) };
}

static void start(struct request *req)
{
	assert_int_equal(fiber_spawn("test", serve, req, NULL), 0);
}

static void run(struct request *req)
{
	start(req);
	uv_run(&loop, UV_RUN_DEFAULT);
}

static void request_done(struct request *req)
{
	reply_unref(&req->reply);
	arena_free(&req->arena);
}

static struct request searched(const char *query)
{
	struct request req = request_new("/api/v1/movies/search");

	with(&req, "query", query);
	run(&req);
	return req;
}

static struct request film(const char *path, const char *id)
{
	struct request req = request_new(path);

	req.id = str_from(id);
	run(&req);
	return req;
}

static bool says(const struct request *req, const char *part)
{
	return req->reply && memmem(reply_body(req->reply).data, reply_body(req->reply).len, part, strlen(part));
}

/* ---- tests ---- */

static void test_the_second_time_comes_from_memory(void **state)
{
	struct request first CLEANUP(request_done) = searched("amelie");
	struct request second CLEANUP(request_done) = searched("  AMELIE ");

	(void)state;
	assert_int_equal(first.result, 0);
	assert_true(first.miss && says(&first, "\"title\":\"Amélie\""));
	assert_int_equal(reply_status(first.reply), 200);
	assert_string_equal(reply_cache_control(first.reply), "public, max-age=300");
	assert_true(second.hit);
	assert_ptr_equal(first.reply, second.reply);
	assert_int_equal(asked, 1);
}

static void test_defaults_and_order_make_no_difference(void **state)
{
	struct request first CLEANUP(request_done) = searched("jaws");
	struct request second CLEANUP(request_done) = request_new("/api/v1/movies/search");

	(void)state;
	with(&second, "include_adult", "false");
	with(&second, "page", "1");
	with(&second, "query", "jaws");
	run(&second);
	assert_true(second.hit);
}

static void test_many_at_once_ask_once(void **state)
{
	struct request requests[20];

	(void)state;
	source_delay_ms = 5;
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		requests[i] = request_new("/api/v1/movies/search");
		with(&requests[i], "query", i % 2 ? "Jaws" : "jaws");
		start(&requests[i]);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(asked, 1);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		assert_int_equal(requests[i].result, 0);
		assert_ptr_equal(requests[i].reply, requests[0].reply);
	}
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		request_done(&requests[i]);
}

static void test_an_answer_grows_old(void **state)
{
	struct request first CLEANUP(request_done) = { 0 };
	struct request second CLEANUP(request_done) = { 0 };

	(void)state;
	config.search_ttl_ms = 0;
	first = searched("jaws");
	second = searched("jaws");
	assert_true(second.miss);
	assert_int_equal(asked, 2);
}

static void test_a_film(void **state)
{
	struct request req CLEANUP(request_done) = film("/api/v1/movies/{movie_id}", "1000000199");

	(void)state;
	assert_int_equal(req.result, 0);
	assert_true(says(&req, "\"directors\":[\"Jean-Pierre Jeunet\"]"));
	assert_string_equal(reply_cache_control(req.reply), "public, max-age=3600");
}

static void test_no_such_film_is_a_problem_and_not_kept(void **state)
{
	struct request first CLEANUP(request_done) = film("/api/v1/movies/{movie_id}", "550");
	struct request second CLEANUP(request_done) = film("/internal/movies/{movie_id}/brief", "550");

	(void)state;
	assert_int_equal(first.problem->status, 404);
	assert_string_equal(first.problem->code, "movie-not-found");
	assert_string_equal(second.problem->code, "movie-not-found");
	assert_null(first.reply);
}

static void test_the_brief_is_brief(void **state)
{
	struct request req CLEANUP(request_done) = film("/internal/movies/{movie_id}/brief", "1000000199");

	(void)state;
	assert_true(str_equal(reply_body(req.reply),
	                      STR("{\"id\":1000000199,\"title\":\"Amélie\",\"year\":2001,\"poster_path\":null}")));
}

static void test_genres_and_discover(void **state)
{
	struct request genres CLEANUP(request_done) = request_new("/api/v1/movies/genres");
	struct request list CLEANUP(request_done) = request_new("/api/v1/movies/discover");

	(void)state;
	run(&genres);
	assert_true(says(&genres, "{\"id\":878,\"name\":\"Science Fiction\"}"));
	assert_string_equal(reply_cache_control(genres.reply), "public, max-age=86400");
	with(&list, "genre", "878,35");
	with(&list, "sort", "title.asc");
	run(&list);
	assert_int_equal(list.result, 0);
	assert_true(says(&list, "\"page\":1"));
}

static void test_a_source_that_is_away_is_503_with_retry_after(void **state)
{
	struct request away CLEANUP(request_done) = { 0 };
	struct request back CLEANUP(request_done) = { 0 };

	(void)state;
	source_error = -EAGAIN;
	away = searched("jaws");
	assert_int_equal(away.problem->status, 503);
	assert_true(away.retry_after_s > 0);
	source_error = 0;
	back = searched("jaws");
	assert_true(back.miss && says(&back, "Jaws"));
}

static void test_a_bad_request_asks_nothing(void **state)
{
	struct request req CLEANUP(request_done) = searched("");

	(void)state;
	assert_int_equal(req.result, -EINVAL);
	assert_int_equal(asked, 0);
}

/* 2,000 different questions through a cache of 1,000: bounded, and every answer right. */
static void test_the_cache_stays_within_its_bounds(void **state)
{
	struct local_cache_stats stats;

	(void)state;
	for (unsigned i = 1; i <= 2000; i++) {
		struct request req CLEANUP(request_done) = { 0 };
		char id[16];

		snprintf(id, sizeof(id), "%u", 1000000000 + i);
		req = film("/internal/movies/{movie_id}/brief", id);
		assert_true(says(&req, id));
	}
	local_cache_stats_get(movies.cache, &stats);
	assert_int_equal(stats.entries, 1000);
	assert_int_equal(stats.evicted, 1000);
}

#define HANDLER_TEST(f) cmocka_unit_test_setup_teardown(f, service_before, service_after)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HANDLER_TEST(test_the_second_time_comes_from_memory),
		HANDLER_TEST(test_defaults_and_order_make_no_difference),
		HANDLER_TEST(test_many_at_once_ask_once),
		HANDLER_TEST(test_an_answer_grows_old),
		HANDLER_TEST(test_a_film),
		HANDLER_TEST(test_no_such_film_is_a_problem_and_not_kept),
		HANDLER_TEST(test_the_brief_is_brief),
		HANDLER_TEST(test_genres_and_discover),
		HANDLER_TEST(test_a_source_that_is_away_is_503_with_retry_after),
		HANDLER_TEST(test_a_bad_request_asks_nothing),
		HANDLER_TEST(test_the_cache_stays_within_its_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
