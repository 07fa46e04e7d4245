/* The routes. Every answer is looked for in the in-process cache first; a miss is filled by one flight a question,
 * however many ask it at once, and the finished reply is shared by reference with all of them and the cache. The flight
 * owns a copy of its question, so it goes on when the request that started it has left. Yields while a flight is under
 * way. Limits: flights_max of the settings, the cache's own bounds, ANSWER_MAX bytes an answer. */
#include "movie/movie.h"

#include "base/clock.h"
#include "movie/question.h"

#include <errno.h>
#include <stdlib.h>

#define KEY_MAX 2048
#define ANSWER_MAX ((size_t)1 << 20)
#define FLIGHT_ARENA_MAX ((size_t)2 << 20)
#define FLIGHT_MS 8000 /* within a request's deadline of 10 s */
#define RETRY_AFTER_S 5

static const struct problem problem_movie_not_found = { 404, "movie-not-found", "There is no such film", LOG_INFO };

/* ---- filling the cache ---- */

struct filling {
	struct movie_state *movies;
	struct arena *arena;
	struct question question;
	struct str key;
};

static void filling_free(void *arg)
{
	struct filling *f = arg;

	arena_free(&f->arena);
	free(f);
}

static int filling_new(struct movie_state *m, const struct question *q, struct str key, struct filling **ret)
{
	struct filling *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->movies = m;
	r = arena_new(FLIGHT_ARENA_MAX, &f->arena);
	if (r == 0)
		r = question_copy(q, f->arena, &f->question);
	if (r == 0)
		r = arena_copy(f->arena, key, &f->key);
	if (r < 0) {
		filling_free(f);
		return r;
	}
	*ret = f;
	return 0;
}

static int64_t ttl_ms(const struct movie_config *config, enum question_kind kind)
{
	switch (kind) {
	case QUESTION_SEARCH:
	case QUESTION_DISCOVER:
		return config->search_ttl_ms;
	case QUESTION_DETAILS:
	case QUESTION_BRIEF:
		return config->details_ttl_ms;
	case QUESTION_GENRES:
		return config->genres_ttl_ms;
	}
	abort();
}

static const char *cache_control(enum question_kind kind)
{
	static const char *const words[] = {
		[QUESTION_SEARCH] = "public, max-age=300",   [QUESTION_DISCOVER] = "public, max-age=300",
		[QUESTION_DETAILS] = "public, max-age=3600", [QUESTION_GENRES] = "public, max-age=86400",
		[QUESTION_BRIEF] = "private, max-age=300",
	};

	return words[kind];
}

/* The work of a flight. A reply too large for the cache is still given to those who wait. */
static int fill(void *arg, void **ret_result)
{
	struct filling *f = arg;
	struct buf body CLEANUP(buf_done);
	struct reply *reply;
	int r;

	buf_init(&body, ANSWER_MAX);
	r = question_ask(&f->question, f->movies->catalogue, f->arena, &body);
	if (r == 0)
		r = reply_new(200, "application/json", buf_str(&body), &reply);
	if (r < 0)
		return r;
	reply_set_cache_control(reply, cache_control(f->question.kind));
	(void)local_cache_put(f->movies->cache, f->key, reply, reply_size(reply),
	                      clock_deadline_in(ttl_ms(f->movies->config, f->question.kind)));
	*ret_result = reply;
	return 0;
}

static int fly(struct movie_state *m, const struct question *q, struct str key, struct reply **ret)
{
	struct filling *f;
	void *result = NULL;
	int r;

	r = filling_new(m, q, key, &f);
	if (r < 0)
		return r;
	r = flight_do(m->flights, key, FLIGHT_MS, fill, f, filling_free, &result, NULL);
	if (r == 0)
		*ret = result;
	return r;
}

/* ---- answering ---- */

static int failed(struct request *req, const struct question *q, int r)
{
	if (r == -ENOENT)
		return request_problem(req, &problem_movie_not_found, "No film has the id %lld.",
		                       (long long)q->of.movie.path.movie_id);
	if (r == -EAGAIN)
		return request_problem_retry(req, &problem_unavailable, RETRY_AFTER_S,
		                             "The source of films gives no answer; try again.");
	return r;
}

static int answer_missed(struct request *req, struct movie_state *m, const struct question *q, struct str key)
{
	struct reply *reply CLEANUP(reply_unref) = NULL;
	int64_t start_us = clock_mono_us();
	int r;

	r = fly(m, q, key, &reply);
	request_timing(req, "catalogue", clock_mono_us() - start_us);
	if (r < 0)
		return failed(req, q, r);
	r = respond_header(req, "X-Cache", STR("MISS"));
	return r < 0 ? r : respond_shared(req, reply);
}

static int answer(struct request *req, struct question *q)
{
	struct reply *reply CLEANUP(reply_unref) = NULL;
	struct movie_state *m = movie_state();
	struct buf key CLEANUP(buf_done);
	int r;

	buf_init(&key, KEY_MAX);
	r = question_key(q, request_arena(req), &key);
	if (r < 0)
		return r;
	reply = local_cache_get(m->cache, buf_str(&key), clock_mono_ms());
	if (!reply)
		return answer_missed(req, m, q, buf_str(&key));
	r = respond_header(req, "X-Cache", STR("HIT"));
	return r < 0 ? r : respond_shared(req, reply);
}

static int movie_search(struct request *req)
{
	struct question q = { .kind = QUESTION_SEARCH };
	int r = request_parse(req, NULL, &q.of.search, NULL);

	return r < 0 ? r : answer(req, &q);
}

static int movie_discover(struct request *req)
{
	struct question q = { .kind = QUESTION_DISCOVER };
	int r = request_parse(req, NULL, &q.of.discover, NULL);

	return r < 0 ? r : answer(req, &q);
}

static int movie_genres(struct request *req)
{
	struct question q = { .kind = QUESTION_GENRES };
	int r = request_parse(req, NULL, &q.of.genres, NULL);

	return r < 0 ? r : answer(req, &q);
}

static int movie_details(struct request *req)
{
	struct question q = { .kind = QUESTION_DETAILS };
	int r = request_parse(req, &q.of.movie.path, &q.of.movie.query, NULL);

	return r < 0 ? r : answer(req, &q);
}

static int movie_brief(struct request *req)
{
	struct question q = { .kind = QUESTION_BRIEF };
	int r = request_parse(req, &q.of.movie.path, NULL, NULL);

	return r < 0 ? r : answer(req, &q);
}

/* ---- state ---- */

static void *ref_reply(void *reply)
{
	return reply_ref(reply);
}

static void unref_reply(void *reply)
{
	struct reply *r = reply;

	reply_unref(&r);
}

int movie_state_init(const struct movie_config *config, struct catalogue **catalogue, struct movie_state *ret)
{
	static const struct flight_ops ops = { ref_reply, unref_reply };
	struct local_cache_options options = {
		.entries_max = (size_t)config->cache_entries_max,
		.bytes_max = (size_t)config->cache_bytes_max,
		.ref = ref_reply,
		.unref = unref_reply,
	};
	struct movie_state m CLEANUP(movie_state_done) = { .config = config, .catalogue = STEAL(*catalogue) };
	int r;

	r = local_cache_new(&options, &m.cache);
	if (r == 0)
		r = flight_group_new((size_t)config->flights_max, &ops, &m.flights);
	if (r < 0)
		return r;
	*ret = m;
	m = (struct movie_state){ 0 };
	return 0;
}

void movie_state_done(struct movie_state *m)
{
	flight_group_free(&m->flights);
	local_cache_free(&m->cache);
	catalogue_free(&m->catalogue);
}

#define TAG .tag = "movies", .cacheable = true

const struct route movie_routes[] = {
	{ .method = HTTP_GET,
	  .path = "/api/v1/movies/search",
	  .handler = movie_search,
	  TAG,
	  .query = &catalogue_search_schema,
	  .reply = { 200, &movie_page_schema, NULL, "One page of films, best match first." },
	  .errors = { 503 },
	  .summary = "Search films by title" },
	{ .method = HTTP_GET,
	  .path = "/api/v1/movies/discover",
	  .handler = movie_discover,
	  TAG,
	  .query = &catalogue_discover_schema,
	  .reply = { 200, &movie_page_schema, NULL, "One page of films." },
	  .errors = { 503 },
	  .summary = "List films by genre and year" },
	{ .method = HTTP_GET,
	  .path = "/api/v1/movies/genres",
	  .handler = movie_genres,
	  TAG,
	  .query = &movie_language_schema,
	  .reply = { 200, &movie_genres_schema, NULL, "All genres." },
	  .errors = { 503 },
	  .summary = "The genres" },
	{ .method = HTTP_GET,
	  .path = "/api/v1/movies/{movie_id}",
	  .handler = movie_details,
	  TAG,
	  .path_params = &movie_path_schema,
	  .query = &movie_language_schema,
	  .reply = { 200, &movie_details_schema, NULL, "The film." },
	  .errors = { 404, 503 },
	  .summary = "One film" },
	{ .method = HTTP_GET,
	  .path = "/internal/movies/{movie_id}/brief",
	  .handler = movie_brief,
	  .path_params = &movie_path_schema,
	  .reply = { 200, &movie_brief_schema, NULL, "The film, in brief." },
	  .errors = { 404, 503 },
	  .summary = "What a favourite needs to know of a film",
	  .internal = true },
	{ 0 },
};
