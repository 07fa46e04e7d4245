/* One short call with one time limit; the favourites' only dependency on another service. */
#include "user/movies.h"

#include "base/clock.h"

#include <errno.h>

enum {
	CONNECT_MS = 300,
	ANSWER_MAX = 65536,
	RETRY_AFTER_S = 5,
	CHECK_MS = 500,
};

const struct problem problem_movie_not_found = { 404, "movie-not-found", "There is no such film", LOG_INFO };
const struct problem problem_movie_service_unavailable = { 503, "movie-service-unavailable",
	                                                   "The movie service cannot say whether this film exists",
	                                                   LOG_WARNING };

static int unavailable(struct request *req, const char *why, int64_t detail)
{
	log_warning("movie service gave no answer", LOG_STR("reason", why), LOG_INT("detail", detail));
	return request_problem_retry(req, &problem_movie_service_unavailable, RETRY_AFTER_S,
	                             "Nothing was changed; try again in a few seconds.");
}

static int brief_parse(struct request *req, const struct http_answer *answer, struct movie_brief *ret)
{
	struct violations v;

	violations_init(&v, request_arena(req));
	if (schema_parse_lenient(&movie_brief_schema, answer->body, request_arena(req), ret, &v) < 0)
		return unavailable(req, "an answer that is not understood", answer->status);
	return 0;
}

int movies_brief(struct request *req, int64_t movie_id, struct movie_brief *ret)
{
	struct user_state *u = user_state();
	struct http_answer answer;
	struct str url = arena_printf(request_arena(req), "%s/internal/movies/%lld/brief", u->config->movie_url,
	                              (long long)movie_id);
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
	r = http_client_call(u->client, &call, request_arena(req), &answer);
	if (r == -ECANCELED || r == -ENOMEM)
		return r;
	if (r < 0)
		return unavailable(req, error_name(r), 0);
	request_timing(req, "movie", answer.duration_us);
	if (answer.status == 404)
		return request_problem(req, &problem_movie_not_found, "No film has the id %lld.", (long long)movie_id);
	if (answer.status != 200)
		return unavailable(req, "status", answer.status);
	return brief_parse(req, &answer, ret);
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
