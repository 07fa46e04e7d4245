/* One short call with one time limit, so many at once; the library's only dependency on another service. Owns nothing.
 */
#include "user/movies.h"

#include "base/clock.h"
#include "fiber/fiber.h"

#include <errno.h>

enum {
	CONNECT_MS = 300,
	ANSWER_MAX = 65536,
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
	log_warning("movie service gave no answer", LOG_STR("reason", why), LOG_INT("detail", detail));
	return -EHOSTDOWN;
}

static int brief_parse(const struct http_answer *answer, struct arena *a, struct movie_brief *ret)
{
	struct violations v;
	int r;

	violations_init(&v, a);
	r = schema_parse_lenient(&movie_brief_schema, answer->body, a, ret, &v);
	return r == -EINVAL ? cannot_say("an answer that is not understood", answer->status) : r;
}

static int brief_call(struct user_state *u, int64_t movie_id, struct arena *a, struct http_answer *ret)
{
	struct str url = arena_printf(a, "%s/internal/movies/%lld/brief", u->config->movie_url, (long long)movie_id);
	struct http_call call = {
		.method = "GET",
		.url = url.data,
		.span_name = "GET /internal/movies/{movie_id}/brief",
		.connect_timeout_ms = CONNECT_MS,
		.timeout_ms = u->config->movie_timeout_ms,
		.answer_max = ANSWER_MAX,
	};
	int r;

	if (str_is_null(url))
		return -ENOMEM;
	r = fiber_semaphore_acquire(&u->movie_calls);
	if (r < 0)
		return r;
	r = http_client_call(u->client, &call, a, ret);
	fiber_semaphore_release(&u->movie_calls);
	return r;
}

int movies_ask(struct user_state *u, int64_t movie_id, struct arena *a, struct movie_brief *ret,
               int64_t *ret_duration_us)
{
	int64_t outer = fiber_deadline();
	struct http_answer answer;
	int r;

	fiber_deadline_set(MIN(outer, clock_deadline_in(u->config->movie_timeout_ms)));
	r = brief_call(u, movie_id, a, &answer);
	fiber_deadline_set(outer);
	if (r == -ECANCELED || r == -ENOMEM)
		return r;
	if (r < 0)
		return cannot_say(error_name(r), 0);
	if (ret_duration_us)
		*ret_duration_us = answer.duration_us;
	if (answer.status == 404)
		return -ENOENT;
	if (answer.status != 200)
		return cannot_say("status", answer.status);
	return brief_parse(&answer, a, ret);
}

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
