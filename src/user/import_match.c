/* One film at a time, and no faster than IMPORT_CALLS_PER_S. Owns nothing. */
#include "user/import_match.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "fiber/fiber.h"
#include "user/library.h"
#include "user/messages_import.h"
#include "user/movies.h"
#include "user/statements.h"

#include <errno.h>

enum { QUESTION_MAX = 200 /* bytes of a title that is searched for */, CANDIDATES_SIZE_MAX = 16384 };

/* Columns of film_find. */
enum { FILM_TITLE, FILM_YEAR, FILM_POSTER };

/* ---- asking ---- */

static int pace_wait(struct user_state *u, struct import_pace *pace)
{
	int64_t now_ms = clock_mono_ms(), wait_ms = pace->next_ms - now_ms;

	pace->next_ms = MAX(now_ms, pace->next_ms) + 1000 / u->config->import_calls_per_s;
	return wait_ms > 0 ? fiber_sleep_ms(wait_ms) : 0;
}

static int brief_known(struct user_state *u, int64_t movie_id, struct arena *a, struct movie_brief *ret)
{
	struct store_rows rows;
	int r = store_read(u->store, sql_film_find, STORE_ARGS(STORE_I(movie_id)), a, &rows);

	if (r < 0)
		return r;
	if (rows.n == 0)
		return -ENOENT;
	*ret = (struct movie_brief){
		.id = movie_id,
		.title = store_text(&rows, 0, FILM_TITLE),
		.year = { !store_is_null(&rows, 0, FILM_YEAR), store_int(&rows, 0, FILM_YEAR) },
		.poster_path = store_text(&rows, 0, FILM_POSTER),
	};
	return 0;
}

int import_film_brief(struct user_state *u, struct import_pace *pace, int64_t movie_id, struct arena *a,
                      struct movie_brief *ret)
{
	struct movie_brief brief;
	int r = brief_known(u, movie_id, a, ret);

	if (r != -ENOENT)
		return r;
	r = pace_wait(u, pace);
	if (r == 0)
		r = movies_ask(u, movie_id, a, &brief, NULL);
	if (r == 0)
		r = library_film_keep(&brief, a);
	if (r == 0)
		*ret = brief;
	return r;
}

static int found_keep(const struct movie_found *f, struct arena *a, struct import_film *ret)
{
	struct import_film film = {
		.movie_id = f->id,
		.brief = { .id = f->id, .title = f->title, .year = f->year, .poster_path = f->poster_path },
	};
	int r = library_film_keep(&film.brief, a);

	if (r == 0)
		*ret = film;
	return r;
}

static int by_imdb(struct user_state *u, struct import_pace *pace, struct str imdb_id, struct arena *a,
                   struct import_film *ret)
{
	struct movie_list found;
	int r = pace_wait(u, pace);

	if (r == 0)
		r = movies_find(u, imdb_id, a, &found);
	if (r < 0)
		return r;
	return found.results.n == 0 ? -ENOENT : found_keep(found.results.items, a, ret);
}

static int candidates_write(const struct movie_list *found, struct arena *a, struct str *ret)
{
	const struct movie_found *films = found->results.items;
	struct import_candidate items[IMPORT_CANDIDATES_MAX];
	size_t n = MIN(found->results.n, (size_t)IMPORT_CANDIDATES_MAX);
	struct import_candidates out = { .candidates = { n, items } };
	struct buf json CLEANUP(buf_done);
	int r;

	for (size_t i = 0; i < n; i++)
		items[i] = (struct import_candidate){ films[i].id, films[i].title, films[i].year };
	buf_init(&json, CANDIDATES_SIZE_MAX);
	schema_write(&import_candidates_schema, &out, &json);
	r = buf_error(&json);
	return r < 0 ? r : arena_copy(a, buf_str(&json), ret);
}

/* With the year first: of a common title the right one may stand far below. Then without, since the year may be one
 * off. */
static int by_title(struct user_state *u, struct import_pace *pace, const struct import_row *row, struct arena *a,
                    struct import_film *ret)
{
	struct str question = str_slice(row->title, 0, utf8_cut(row->title, QUESTION_MAX));
	const int64_t years[] = { row->year, 0 };
	struct movie_list found = { 0 };
	int at = -ENOENT, r;

	for (size_t i = row->year > 0 ? 0 : 1; i < ARRAY_SIZE(years) && at == -ENOENT; i++) {
		r = pace_wait(u, pace);
		if (r == 0)
			r = movies_search(u, question, years[i], a, &found);
		if (r < 0)
			return r;
		at = import_pick(row->title, row->year, &found, a);
	}
	if (at >= 0)
		return found_keep((const struct movie_found *)found.results.items + at, a, ret);
	if (at != -ENOENT && at != -ENOTUNIQ)
		return at;
	*ret = (struct import_film){ .reason = at == -ENOENT ? STR(IMPORT_NOT_FOUND) : STR(IMPORT_AMBIGUOUS) };
	return found.results.n > 0 ? candidates_write(&found, a, &ret->candidates) : 0;
}

int import_match(struct user_state *u, struct import_pace *pace, const struct import_row *row, struct arena *a,
                 struct import_film *ret)
{
	struct import_film film = { .reason = STR(IMPORT_NOT_FOUND) };
	int r = -ENOENT;

	if (row->movie_id > 0) {
		film.movie_id = row->movie_id;
		r = import_film_brief(u, pace, row->movie_id, a, &film.brief);
	}
	if (r == -ENOENT && row->imdb_id.data)
		r = by_imdb(u, pace, row->imdb_id, a, &film);
	if (r == -ENOENT && row->title.data)
		r = by_title(u, pace, row, a, &film);
	if (r == -ENOENT) {
		film = (struct import_film){ .reason = STR(IMPORT_NOT_FOUND) };
		r = 0;
	}
	if (r == 0)
		*ret = film;
	return r;
}
