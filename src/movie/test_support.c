/* The test double of the server, the source and the index of films seen, and a request's fiber on a loop. */
#include "movie/test_support.h"

#include "base/clock.h"
#include "fiber/fiber.h"
#include "movie/builtin.h"
#include "movie/seen.h"

#include <errno.h>
#include <stdio.h>
#include <uv.h>

/* ---- the server that only remembers ---- */

struct arena *request_arena(struct request *req)
{
	return req->arena;
}

struct str request_header(const struct request *req, const char *name)
{
	assert_string_equal(name, "Accept-Language");
	return str_from(req->accept_language);
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
	if (strcmp(name, "X-Cache") == 0)
		snprintf(req->cache, sizeof(req->cache), "%.*s", STR_ARGS(value));
	else if (strcmp(name, "Age") == 0)
		snprintf(req->age, sizeof(req->age), "%.*s", STR_ARGS(value));
	else if (strcmp(name, "Vary") == 0)
		snprintf(req->vary, sizeof(req->vary), "%.*s", STR_ARGS(value));
	else if (strcmp(name, "X-Degraded") == 0)
		req->degraded = str_equal(value, STR("true"));
	else if (strcmp(name, "Cache-Control") == 0)
		req->no_store = str_equal(value, STR("no-store"));
	else
		fail_msg("unexpected header %s", name);
	return 0;
}

int respond_header_static(struct request *req, const char *name, const char *value)
{
	return respond_header(req, name, str_from(value));
}

int respond_shared(struct request *req, struct reply *reply)
{
	req->reply = reply_ref(reply);
	return 0;
}

int respond(struct request *req, int status, const struct schema *schema, const void *value)
{
	assert_int_equal(status, 200);
	assert_non_null(value);
	req->schema = schema;
	return 0;
}

int request_problem(struct request *req, const struct problem *p, const char *detail, ...)
{
	(void)detail;
	req->problem = p;
	return -EREMOTEIO;
}

int request_problem_retry(struct request *req, const struct problem *p, int64_t retry_after_s, const char *detail, ...)
{
	(void)detail;
	req->problem = p;
	req->retry_after_s = retry_after_s;
	return -EREMOTEIO;
}

void request_timing(struct request *req, const char *name, int64_t duration_us)
{
	(void)req;
	assert_string_equal(name, "catalogue");
	assert_true(duration_us >= 0);
}

/* ---- an index of films seen that has one answer ---- */

struct seen films_seen;

int seen_search(struct seen *s, const struct question_search *q, struct arena *a, struct movie_page *ret)
{
	(void)a;
	s->searches++;
	*ret = (struct movie_page){ .page = q->page, .source = STR("local") };
	return 0;
}

int seen_brief(struct seen *s, int64_t id, struct arena *a, struct movie_brief *ret)
{
	(void)a;
	s->briefs++;
	if (id == 404)
		return -ENOENT;
	*ret = (struct movie_brief){ .id = id, .title = STR("Seen") };
	return 0;
}

/* ---- a source that counts, waits or is away ---- */

static struct catalogue *real;
struct movie_state movies;
struct movie_config config;

struct movie_state *movie_state(void)
{
	return &movies;
}

static int counted_ask(struct catalogue *c, const struct question *q, struct arena *a, void *ret,
                       struct catalogue_meta *meta)
{
	const struct question_type *type = question_type(q->kind);

	(void)c;
	source.asked++;
	if (type->has_language) {
		struct str asked = *(const struct str *)(const void *)((const char *)&q->of + type->language_offset);

		snprintf(source.language, sizeof(source.language), "%.*s", STR_ARGS(asked));
	}
	if (source.delay_ms > 0 && fiber_sleep_ms(source.delay_ms) < 0)
		return -ETIMEDOUT;
	meta->retry_after_ms = source.retry_ms;
	return source.error < 0 ? source.error : real->ask(real, q, a, ret, meta);
}

struct source source = { .catalogue = { .name = "builtin", .ask = counted_ask } };

/* ---- a loop, a fiber a request ---- */

static uv_loop_t loop;

static void state_end(void *arg)
{
	(void)arg;
	aside_free(&movies.cache);
}

int service_before(void **state)
{
	(void)state;
	config = (struct movie_config){
		.tmdb_language = (char *)(uintptr_t) "en-US",
		.tmdb_timeout_ms = 4000,
		.cache_entries_max = 1000,
		.cache_bytes_max = 1 << 22,
		.cache_compress_min = 4096,
		.search_ttl_ms = 60000,
		.list_ttl_ms = 60000,
		.details_ttl_ms = 60000,
		.genres_ttl_ms = 60000,
		.absent_ttl_ms = 60000,
		.stale_ms = 60000,
		.stale_if_error_ms = 60000,
		.cache_retry_ms = 100,
		.flights_max = 100,
	};
	source.asked = 0;
	source.error = 0;
	source.delay_ms = 0;
	source.retry_ms = 0;
	films_seen = (struct seen){ 0 };
	source.catalogue.is_local = true;
	source.catalogue.knows_languages = false;
	if (uv_loop_init(&loop) < 0 || fiber_runtime_init(&loop, NULL) < 0 || builtin_new(&real) < 0)
		return -1;
	movies = (struct movie_state){
		.config = &config, .builtin = real, .catalogue = &source.catalogue, .seen = &films_seen
	};
	return movie_cache_new(&movies, &loop);
}

void source_is_remote(void)
{
	source.catalogue.is_local = false;
	source.catalogue.knows_languages = true;
}

int service_after(void **state)
{
	(void)state;
	assert_int_equal(fiber_spawn("end", state_end, NULL, NULL), 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	catalogue_free(&real);
	fiber_runtime_done();
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop);
}

static void serve(void *arg)
{
	struct request *req = arg;
	int64_t start_ms = clock_mono_ms();

	fiber_deadline_set(clock_deadline_in(10000));
	req->result = req->route->handler(req);
	req->took_ms = clock_mono_ms() - start_ms;
}

struct request request_new(const char *path)
{
	struct request req = { 0 };

	for (const struct route *route = movie_routes; route->path; route++)
		if (strcmp(route->path, path) == 0)
			req.route = route;
	assert_non_null(req.route);
	assert_int_equal(arena_new((size_t)1 << 18, &req.arena), 0);
	return req;
}

void with(struct request *req, const char *name, const char *value)
{
	assert_true(req->n_query < ARRAY_SIZE(req->query));
	req->query[req->n_query++] = (struct schema_pair){ str_from(name), str_from(value) };
}

void start(struct request *req)
{
	assert_int_equal(fiber_spawn("test", serve, req, NULL), 0);
}

void run(struct request *req)
{
	start(req);
	uv_run(&loop, UV_RUN_DEFAULT);
}

void request_done(struct request *req)
{
	reply_unref(&req->reply);
	arena_free(&req->arena);
}

struct request searched(const char *query)
{
	struct request req = request_new("/api/v1/movies/search");

	with(&req, "query", query);
	run(&req);
	return req;
}

struct request film(const char *path, const char *id)
{
	struct request req = request_new(path);

	req.id = str_from(id);
	run(&req);
	return req;
}

bool says(const struct request *req, const char *part)
{
	return req->reply && memmem(reply_body(req->reply).data, reply_body(req->reply).len, part, strlen(part));
}

bool is_hit(const struct request *req)
{
	return strcmp(req->cache, "HIT; level=l1") == 0;
}

bool is_miss(const struct request *req)
{
	return strcmp(req->cache, "MISS") == 0;
}

void run_all(void)
{
	uv_run(&loop, UV_RUN_DEFAULT);
}
