/* A question's way to its answer: the cache, and what there is instead when the source fails. The fast path, an answer
 * in memory, neither waits nor copies; everything else may yield, within the request's deadline.
 *
 * While TMDB is away: what was ever cached is given stale (cache/aside.c); a search that was not is answered from the
 * films seen (seen.c); the genres and a favourite's words come from what is known here, and are not waited for long.
 * All of that is marked, and none of it is kept. */
#include "movie/movie.h"

#include "base/clock.h"
#include "fiber/fiber.h"
#include "movie/seen.h"

#include <errno.h>

enum {
	ANSWER_MAX = 4 << 20,
	KEY_SIZE_MAX = 2048,
	RETRY_AFTER_S = 5,       /* when the source does not say */
	REFERENCE_WAIT_MS = 300, /* genres are known here as well */
};

static const struct problem problem_movie_not_found = { 404, "movie-not-found", "There is no such film", LOG_INFO };
static const struct problem problem_upstream = { 503, "upstream-unavailable", "The source of films gives no answer",
	                                         LOG_INFO, .is_degraded = true };
static const struct problem problem_credentials = { 502, "upstream-refused",
	                                            "The source of films refuses our credentials", LOG_ERROR,
	                                            .is_degraded = true };
static const struct problem problem_question = { 502, "bad-gateway", "A service behind this one gave a bad answer",
	                                         LOG_ERROR, .is_degraded = true };

/* ---- what is said of an answer ---- */

static const char *cache_words(const struct aside_found *found)
{
	static const char *const words[][3] = {
		[ASIDE_HIT] = { "HIT; level=l1", "HIT; level=l2", "HIT; level=source" },
		[ASIDE_MISS] = { "MISS", "MISS", "MISS" },
		[ASIDE_REVALIDATED] = { "REVALIDATED", "REVALIDATED", "REVALIDATED" },
		[ASIDE_STALE] = { "STALE; level=l1", "STALE; level=l2", "STALE; level=source" },
	};

	return words[found->state][found->level];
}

/* Not to be kept: a client that later learns by 304 that it is unchanged would go on holding it for degraded. */
static int degraded_add(struct request *req)
{
	int r = respond_header_static(req, "X-Degraded", "true");

	return r < 0 ? r : respond_header_static(req, "Cache-Control", "no-store");
}

/* Built-in films do not age. */
static int age_add(struct request *req, int64_t age_s)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + age_s % 10);
	while ((age_s /= 10) > 0);
	return respond_header(req, "Age", (struct str){ digits + at, sizeof(digits) - at });
}

static int headers_add(struct request *req, const struct question *q, const struct aside_found *found)
{
	int r = respond_header_static(req, "X-Cache", cache_words(found));

	if (r == 0 && !movie_state()->catalogue->is_local)
		r = age_add(req, found->age_ms / 1000);
	if (r == 0 && found->is_degraded)
		r = degraded_add(req);
	if (r == 0 && movie_state()->catalogue->knows_languages && question_type(q->kind)->has_language)
		r = respond_header_static(req, "Vary", "Accept-Language");
	return r;
}

static int found_send(struct request *req, const struct question *q, struct aside_found *found)
{
	struct reply *reply CLEANUP(reply_unref) = found->value;
	int r = headers_add(req, q, found);

	return r < 0 ? r : respond_shared(req, reply);
}

/* ---- instead of an answer ---- */

static int local_send(struct request *req, const struct schema *schema, const void *value)
{
	int r = respond_header_static(req, "X-Cache", "MISS");

	if (r == 0)
		r = respond_header_static(req, "X-Degraded", "true");
	return r < 0 ? r : respond(req, 200, schema, value);
}

static int search_locally(struct request *req, const struct movie_state *m, const struct question *q)
{
	struct movie_page page;
	int r = seen_search(m->seen, &q->of.search, request_arena(req), &page);

	return r < 0 ? r : local_send(req, &movie_page_schema, &page);
}

static int brief_locally(struct request *req, const struct movie_state *m, const struct question *q)
{
	struct movie_brief brief;
	int r = seen_brief(m->seen, q->path.movie_id, request_arena(req), &brief);

	return r < 0 ? r : local_send(req, &movie_brief_schema, &brief);
}

static int genres_locally(struct request *req, const struct movie_state *m, const struct question *q)
{
	struct catalogue_meta meta = { 0 };
	struct movie_genres genres;
	int r = m->builtin->ask(m->builtin, q, request_arena(req), &genres, &meta);

	return r < 0 ? r : local_send(req, &movie_genres_schema, &genres);
}

/* 1: there is nothing of the kind here. */
static int answer_locally(struct request *req, const struct movie_state *m, const struct question *q)
{
	if (m->catalogue->is_local)
		return 1;
	if (q->kind == QUESTION_GENRES)
		return genres_locally(req, m, q);
	if (q->kind == QUESTION_SEARCH && m->seen)
		return search_locally(req, m, q);
	if (q->kind == QUESTION_BRIEF && m->seen)
		return brief_locally(req, m, q);
	return 1;
}

static bool source_failed(int r)
{
	return r == -EAGAIN || r == -EACCES || r == -ETIMEDOUT || r == -EBUSY;
}

static int64_t retry_after_s(const struct movie_state *m)
{
	int64_t left_ms = m->retry_at_ms - clock_mono_ms();

	return m->retry_at_ms > 0 && left_ms > 0 ? (left_ms + 999) / 1000 : RETRY_AFTER_S;
}

static int failed(struct request *req, const struct movie_state *m, const struct question *q, int r)
{
	if (source_failed(r) && answer_locally(req, m, q) == 0)
		return 0;
	if (r == -EAGAIN || r == -ETIMEDOUT)
		return request_problem_retry(
		        req, &problem_upstream, retry_after_s(m),
		        "The source of films cannot be asked now, and this was not asked before; try "
		        "again.");
	if (r == -EACCES)
		return request_problem(
		        req, &problem_credentials,
		        "The service's key to the source of films is not taken; its operator has been told.");
	if (r == -EPROTO)
		return request_problem(req, &problem_question, "The source of films did not take the question.");
	return r;
}

static int absent_send(struct request *req, const struct question *q, const struct aside_found *found)
{
	int r = headers_add(req, q, found);

	return r < 0 ? r
	             : request_problem(req, &problem_movie_not_found, "No film has the id %lld.",
	                               (long long)q->path.movie_id);
}

/* ---- the way ---- */

/* Where something is known here, the wait leaves time to say it. */
static int64_t wait_until_ms(const struct movie_state *m, const struct question *q)
{
	int64_t deadline_ms = fiber_deadline();

	if (m->catalogue->is_local)
		return deadline_ms;
	if (q->kind == QUESTION_GENRES)
		return MIN(deadline_ms, clock_deadline_in(REFERENCE_WAIT_MS));
	if (q->kind == QUESTION_BRIEF || q->kind == QUESTION_SEARCH)
		return MIN(deadline_ms, clock_deadline_in(fiber_time_left_ms() / 4 * 3));
	return deadline_ms;
}

static int fetch(struct movie_state *m, const struct question *q, struct str key, struct aside_found *ret)
{
	struct movie_ask ask = { m, q };
	int64_t deadline_ms = fiber_deadline();
	int r;

	fiber_deadline_set(wait_until_ms(m, q));
	r = aside_get(m->cache, key, &movie_source, &ask, ret);
	fiber_deadline_set(deadline_ms);
	return r;
}

static int answer_fetched(struct request *req, struct movie_state *m, const struct question *q, struct str key)
{
	struct aside_found found = { 0 };
	int r = fetch(m, q, key, &found);

	request_timing(req, "catalogue", found.took_us);
	if (r == -ENOENT)
		return absent_send(req, q, &found);
	return r < 0 ? failed(req, m, q, r) : found_send(req, q, &found);
}

/* The language a question is asked in when it names none; null: the source has only one. */
static struct str language_wanted(struct request *req, const struct movie_state *m)
{
	struct str wanted = STR_NULL;

	if (!m->catalogue->knows_languages)
		return STR_NULL;
	wanted = question_accept_language(request_header(req, "Accept-Language"), request_arena(req));
	return wanted.data ? wanted : str_from(m->config->tmdb_language);
}

int movie_answer(struct request *req, struct question *q)
{
	struct movie_state *m = movie_state();
	struct buf key CLEANUP(buf_done);
	struct aside_found found;
	int r;

	buf_init(&key, KEY_SIZE_MAX);
	r = question_normalise(q, m->catalogue->knows_languages, language_wanted(req, m), request_arena(req));
	if (r == 0)
		r = question_key(q, request_arena(req), &key);
	if (r < 0)
		return r;
	if (aside_peek(m->cache, buf_str(&key), &found))
		return found_send(req, q, &found);
	return answer_fetched(req, m, q, buf_str(&key));
}
