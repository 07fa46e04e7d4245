/* GET /users/me/stats: what somebody watched, counted by the database. The statements do not see one moment, so a watch
 * that comes just now may be in some figures and not in others. */
#include "base/clock.h"
#include "user/library_web.h"
#include "user/messages_stats.h"
#include "user/statements.h"

#include <errno.h>
#include <stdio.h>

enum { YEAR_LEN = 4, MONTH_LEN = 7, HALVES = LIBRARY_RATING_MAX };

/* Columns of the statements. */
enum {
	TOTAL_WATCHES,
	TOTAL_FILMS,
	TOTAL_MINUTES,
	TOTAL_WITH_RUNTIME,
	TOTAL_UNDATED,
	TOTAL_FIRST,
	TOTAL_LAST,
	TOTAL_PENDING
};
enum { PERIOD, PERIOD_WATCHES, PERIOD_FILMS, PERIOD_MINUTES };
enum { TAG_NAME, TAG_FILMS, TAG_RATING };
enum { DECADE, DECADE_FILMS };
enum { REWATCHED_ID, REWATCHED_TITLE, REWATCHED_YEAR, REWATCHED_WATCHES };
enum { RATING, RATING_COUNT };

struct stats {
	struct request *req;
	struct stats_query in;
	char from[16]; /* the first day, and the last */
	char to[16];
	struct stats_reply *out;
};

#define SPAN(s) STORE_S(request_user((s)->req)->id), STORE_S(str_from((s)->from)), STORE_S(str_from((s)->to))

static int ask(struct stats *s, const char *sql, const struct store_value *args, size_t n, struct store_rows *ret)
{
	int r = store_read(user_state()->store, sql, args, n, request_arena(s->req), ret);

	return r < 0 ? user_store_failed(s->req, r, "count a library") : 0;
}

/* One struct a row; *ret is in the arena. */
static int list_new(struct stats *s, size_t n, size_t size, void **ret)
{
	*ret = arena_array(request_arena(s->req), MAX(n, (size_t)1), size);
	return *ret ? 0 : -ENOMEM;
}

static double hours(int64_t minutes)
{
	return (double)minutes / 60;
}

/* Half points to points. */
static struct schema_number points(const struct store_rows *rows, size_t row, size_t column)
{
	return (struct schema_number){ !store_is_null(rows, row, column), store_double(rows, row, column) / 2 };
}

static int totals(struct stats *s)
{
	struct store_rows rows;
	int r = ask(s, sql_stats_totals, STORE_ARGS(SPAN(s)), &rows);

	if (r < 0)
		return r;
	s->out->watches = store_int(&rows, 0, TOTAL_WATCHES);
	s->out->films = store_int(&rows, 0, TOTAL_FILMS);
	s->out->hours = hours(store_int(&rows, 0, TOTAL_MINUTES));
	s->out->watches_without_runtime = s->out->watches - store_int(&rows, 0, TOTAL_WITH_RUNTIME);
	s->out->watches_without_date = store_int(&rows, 0, TOTAL_UNDATED);
	s->out->first_watched_on = store_text(&rows, 0, TOTAL_FIRST);
	s->out->last_watched_on = store_text(&rows, 0, TOTAL_LAST);
	s->out->details_pending = store_int(&rows, 0, TOTAL_PENDING);
	return 0;
}

static int periods(struct stats *s)
{
	int64_t len = s->in.year.is_set ? MONTH_LEN : YEAR_LEN;
	struct store_rows rows;
	void *items;
	int r = ask(s, sql_stats_periods, STORE_ARGS(SPAN(s), STORE_I(len)), &rows);

	if (r == 0)
		r = list_new(s, rows.n, sizeof(struct stats_period), &items);
	for (size_t i = 0; r == 0 && i < rows.n; i++)
		((struct stats_period *)items)[i] = (struct stats_period){
			.period = store_text(&rows, i, PERIOD),
			.watches = store_int(&rows, i, PERIOD_WATCHES),
			.films = store_int(&rows, i, PERIOD_FILMS),
			.hours = hours(store_int(&rows, i, PERIOD_MINUTES)),
		};
	if (r == 0)
		s->out->periods = (struct schema_array){ rows.n, items };
	return r;
}

static int tags(struct stats *s, const char *kind, struct schema_array *ret)
{
	struct store_rows rows;
	void *items;
	int r = ask(s, sql_stats_tags, STORE_ARGS(SPAN(s), STORE_S(str_from(kind)), STORE_I(s->in.top)), &rows);

	if (r == 0)
		r = list_new(s, rows.n, sizeof(struct stats_tag), &items);
	for (size_t i = 0; r == 0 && i < rows.n; i++)
		((struct stats_tag *)items)[i] = (struct stats_tag){
			.name = store_text(&rows, i, TAG_NAME),
			.films = store_int(&rows, i, TAG_FILMS),
			.mean_rating = points(&rows, i, TAG_RATING),
		};
	if (r == 0)
		*ret = (struct schema_array){ rows.n, items };
	return r;
}

static int decades(struct stats *s)
{
	struct store_rows rows;
	void *items;
	int r = ask(s, sql_stats_decades, STORE_ARGS(SPAN(s)), &rows);

	if (r == 0)
		r = list_new(s, rows.n, sizeof(struct stats_decade), &items);
	for (size_t i = 0; r == 0 && i < rows.n; i++)
		((struct stats_decade *)items)[i] =
		        (struct stats_decade){ store_int(&rows, i, DECADE), store_int(&rows, i, DECADE_FILMS) };
	if (r == 0)
		s->out->decades = (struct schema_array){ rows.n, items };
	return r;
}

static int rewatched(struct stats *s)
{
	struct store_rows rows;
	void *items;
	int r = ask(s, sql_stats_rewatched, STORE_ARGS(SPAN(s), STORE_I(s->in.top)), &rows);

	if (r == 0)
		r = list_new(s, rows.n, sizeof(struct stats_rewatched), &items);
	for (size_t i = 0; r == 0 && i < rows.n; i++)
		((struct stats_rewatched *)items)[i] = (struct stats_rewatched){
			.movie_id = store_int(&rows, i, REWATCHED_ID),
			.movie_title = store_text(&rows, i, REWATCHED_TITLE),
			.movie_year = { !store_is_null(&rows, i, REWATCHED_YEAR), store_int(&rows, i, REWATCHED_YEAR) },
			.watches = store_int(&rows, i, REWATCHED_WATCHES),
		};
	if (r == 0)
		s->out->rewatched = (struct schema_array){ rows.n, items };
	return r;
}

/* When the year begins, in UTC. */
static int64_t year_ms(int64_t year)
{
	char text[40];
	int64_t ms = 0;
	int r;

	(void)snprintf(text, sizeof(text), "%04lld-01-01T00:00:00Z", (long long)year);
	r = clock_parse_iso8601(str_from(text), &ms);
	assert(r == 0);
	return ms;
}

static int ratings_of(struct stats *s, struct store_rows *ret)
{
	int64_t from_ms = s->in.year.is_set ? year_ms(s->in.year.value) : INT64_MIN;
	int64_t to_ms = s->in.year.is_set ? year_ms(s->in.year.value + 1) : INT64_MAX;

	return ask(s, sql_stats_ratings,
	           STORE_ARGS(STORE_S(request_user(s->req)->id), STORE_I(from_ms), STORE_I(to_ms)), ret);
}

static int ratings(struct stats *s)
{
	struct stats_ratings *out = arena_alloc(request_arena(s->req), sizeof(*out));
	int64_t *histogram = arena_array(request_arena(s->req), HALVES, sizeof(*histogram));
	int64_t sum = 0;
	struct store_rows rows;
	int r = out && histogram ? ratings_of(s, &rows) : -ENOMEM;

	if (r < 0)
		return r;
	memset(histogram, 0, HALVES * sizeof(*histogram));
	*out = (struct stats_ratings){ .histogram = { HALVES, histogram } };
	for (size_t i = 0; i < rows.n; i++) {
		int64_t halves = store_int(&rows, i, RATING), n = store_int(&rows, i, RATING_COUNT);

		assert(halves >= 1 && halves <= HALVES);
		histogram[halves - 1] = n;
		out->count += n;
		sum += n * halves;
	}
	if (out->count > 0)
		out->mean = (struct schema_number){ true, (double)sum / (double)out->count / 2 };
	s->out->ratings = out;
	return 0;
}

/* Every day there is, and none ("" comes before all of them). */
static void span_set(struct stats *s)
{
	if (!s->in.year.is_set) {
		(void)snprintf(s->from, sizeof(s->from), "%s", "");
		(void)snprintf(s->to, sizeof(s->to), "9999-12-31");
		return;
	}
	(void)snprintf(s->from, sizeof(s->from), "%04d-01-01", (int)s->in.year.value);
	(void)snprintf(s->to, sizeof(s->to), "%04d-12-31", (int)s->in.year.value);
}

static int stats_get(struct request *req)
{
	struct stats_reply out = { 0 };
	struct stats s = { .req = req, .out = &out };
	int r = request_parse(req, NULL, &s.in, NULL);

	if (r < 0)
		return r;
	out.year = s.in.year;
	span_set(&s);
	r = totals(&s);
	if (r == 0)
		r = periods(&s);
	if (r == 0)
		r = tags(&s, "genre", &out.genres);
	if (r == 0)
		r = tags(&s, "director", &out.directors);
	if (r == 0)
		r = decades(&s);
	if (r == 0)
		r = rewatched(&s);
	if (r == 0)
		r = ratings(&s);
	return r < 0 ? r : library_respond_cached(req, &stats_reply_schema, &out);
}

const struct route stats_routes[] = {
	{ .method = HTTP_GET,
	  .path = "/api/v1/users/me/stats",
	  .handler = stats_get,
	  .query = &stats_query_schema,
	  .tag = "library",
	  .auth = HTTP_AUTH_USER,
	  .cacheable = true,
	  .reply = { 200, &stats_reply_schema, NULL, "What I watched, counted." },
	  .errors = { 401, 503 },
	  .summary = "Statistics",
	  .doc = "Films, hours, genres and directors of what I watched, of all time by years or of one year by months. "
	         "Lengths, genres and directors are found out in the background after a film comes into a library." },
	{ 0 },
};
