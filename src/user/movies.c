/* One short call with one time limit, so many at once; the library's only dependency on another service. Owns nothing.
 */
#include "user/movies.h"

#include "base/clock.h"
#include "fiber/fiber.h"

#include <errno.h>

enum {
	CONNECT_MS = 300,
	ANSWER_MAX = 65536,
	LIST_MAX = 1 << 20,
	RETRY_AFTER_S = 5,
	CHECK_MS = 500,
	CALLS_WAITING = 16, /* a call in line for each one under way, times this */
};

const struct problem problem_movie_not_found = { 404, "movie-not-found", "There is no such film", LOG_INFO };
const struct problem problem_movie_service_unavailable = { 503, "movie-service-unavailable",
	                                                   "The movie service cannot say whether this film exists",
	                                                   LOG_WARNING };

void movies_begin(struct user_state *u)
{
	fiber_semaphore_init(&u->movie_calls, (size_t)u->config->movie_calls_max,
	                     (size_t)u->config->movie_calls_max * CALLS_WAITING);
}

static int cannot_say(const char *why, int64_t detail)
{
	log_warning("movie service gave no answer", LOG_STR("reason", why), LOG_INT("status", detail));
	return -EHOSTDOWN;
}

/* Whatever it says must fit its schema; what it says beyond that is not our business. */
static int answer_parse(const struct http_answer *answer, const struct schema *schema, struct arena *a, void *ret)
{
	struct violations v;
	int r;

	violations_init(&v, a);
	r = schema_parse_lenient(schema, answer->body, a, ret, &v);
	return r == -EINVAL ? cannot_say("an answer that is not understood", answer->status) : r;
}

static int call_in_line(struct user_state *u, const struct http_call *call, struct arena *a, struct http_answer *ret)
{
	int r = fiber_semaphore_acquire(&u->movie_calls);

	if (r < 0)
		return r;
	r = http_client_call(u->client, call, a, ret);
	fiber_semaphore_release(&u->movie_calls);
	return r;
}

static bool is_bad_question(int status)
{
	return status == 400 || status == 414 || status == 422;
}

/* url: null: no memory. 0: it answered 200; -ENOENT: 404; -EBADMSG: it does not take such a question. */
static int get(struct user_state *u, struct str url, const char *span_name, size_t answer_max, struct arena *a,
               struct http_answer *ret)
{
	int64_t outer = fiber_deadline();
	struct http_call call = {
		.method = "GET",
		.url = url.data,
		.span_name = span_name,
		.connect_timeout_ms = CONNECT_MS,
		.timeout_ms = u->config->movie_timeout_ms,
		.answer_max = answer_max,
		.is_repeatable = true,
	};
	int r;

	if (str_is_null(url))
		return -ENOMEM;
	fiber_deadline_set(MIN(outer, clock_deadline_in(u->config->movie_timeout_ms)));
	r = call_in_line(u, &call, a, ret);
	fiber_deadline_set(outer);
	if (r == -ECANCELED || r == -ENOMEM)
		return r;
	if (r < 0)
		return cannot_say(error_name(r), 0);
	if (ret->status == 404)
		return -ENOENT;
	if (is_bad_question(ret->status))
		return -EBADMSG;
	return ret->status == 200 ? 0 : cannot_say("status", ret->status);
}

int movies_ask(struct user_state *u, int64_t movie_id, struct arena *a, struct movie_brief *ret,
               int64_t *ret_duration_us)
{
	struct str url = arena_printf(a, "%s/internal/movies/%lld/brief", u->config->movie_url, (long long)movie_id);
	struct http_answer answer = { 0 };
	int r = get(u, url, "GET /internal/movies/{movie_id}/brief", ANSWER_MAX, a, &answer);

	if (ret_duration_us && answer.status > 0)
		*ret_duration_us = answer.duration_us;
	if (r == -EBADMSG)
		return cannot_say("status", answer.status);
	return r < 0 ? r : answer_parse(&answer, &movie_brief_schema, a, ret);
}

int movies_facts(struct user_state *u, int64_t movie_id, struct arena *a, struct movie_facts *ret)
{
	struct str url = arena_printf(a, "%s/api/v1/movies/%lld", u->config->movie_url, (long long)movie_id);
	struct http_answer answer = { 0 };
	int r = get(u, url, "GET /api/v1/movies/{movie_id}", LIST_MAX, a, &answer);

	if (r == -EBADMSG)
		return cannot_say("status", answer.status);
	return r < 0 ? r : answer_parse(&answer, &movie_facts_schema, a, ret);
}

/* ---- looking for films ---- */

static int list_get(struct user_state *u, struct str url, const char *span_name, struct arena *a,
                    struct movie_list *ret)
{
	struct http_answer answer;
	struct movie_list list = { 0 };
	int r = get(u, url, span_name, LIST_MAX, a, &answer);

	if (r == -ENOENT)
		return cannot_say("status", 404);
	if (r == -EBADMSG) { /* a title or a year that no film has */
		*ret = list;
		return 0;
	}
	if (r == 0)
		r = answer_parse(&answer, &movie_list_schema, a, &list);
	if (r < 0)
		return r;
	if (list.source.data && str_equal(list.source, STR("local")))
		return cannot_say("only films seen before are known", 200);
	*ret = list;
	return 0;
}

int movies_find(struct user_state *u, struct str imdb_id, struct arena *a, struct movie_list *ret)
{
	return list_get(u,
	                arena_printf(a, "%s/api/v1/movies/find?imdb_id=%.*s", u->config->movie_url, STR_ARGS(imdb_id)),
	                "GET /api/v1/movies/find", a, ret);
}

int movies_search(struct user_state *u, struct str title, int64_t year, struct arena *a, struct movie_list *ret)
{
	struct buf url CLEANUP(buf_done);
	struct str kept;

	buf_init(&url, ANSWER_MAX);
	buf_addf(&url, "%s/api/v1/movies/search?query=", u->config->movie_url);
	buf_add_percent(&url, title);
	if (year > 0)
		buf_addf(&url, "&year=%lld", (long long)year);
	kept = buf_error(&url) < 0 ? STR_NULL : arena_str(a, buf_str(&url));
	return list_get(u, kept, "GET /api/v1/movies/search", a, ret);
}

/* ---- for handlers and health ---- */

int movies_failed(struct request *req, int r, int64_t movie_id)
{
	if (r == -ENOENT)
		return request_problem(req, &problem_movie_not_found, "No film has the id %lld.", (long long)movie_id);
	if (r == -EHOSTDOWN)
		return request_problem_retry(req, &problem_movie_service_unavailable, RETRY_AFTER_S,
		                             "Nothing was changed; try again in a few seconds.");
	return r;
}

int movies_check(struct user_state *u, struct buf *ret_reason)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct http_answer answer;
	struct http_call call = { .method = "GET", .timeout_ms = CHECK_MS, .connect_timeout_ms = CONNECT_MS };
	struct str url;
	int r = arena_new(4 * ANSWER_MAX, &a);

	if (r < 0)
		return r;
	url = arena_printf(a, "%s/livez", u->config->movie_url);
	if (str_is_null(url))
		return -ENOMEM;
	call.url = url.data;
	r = http_client_call(u->client, &call, a, &answer);
	if (r == 0 && answer.status != 200)
		r = -EPROTO;
	if (r < 0)
		buf_addf(ret_reason, "no answer from MOVIE_URL (%s)", error_name(r));
	return r;
}
