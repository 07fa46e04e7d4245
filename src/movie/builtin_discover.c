/* Discover: a walk through all films in one of the orders made at start. What is not known of a film does not match a
 * filter on it. Owns nothing, never yields; takes some ten microseconds, some hundred when certifications are compared.
 */
#include "movie/builtin_inside.h"

#include <errno.h>

struct filter {
	const struct question_discover *q;
	uint32_t genres;     /* bits: all of them */
	uint32_t genres_any; /* bits: one of them; 0: any film */
	bool is_hopeless;    /* asks for what is known of no film */
};

static uint32_t genre_bits(const struct schema_array *genres, bool *ret_is_unknown)
{
	const int64_t *ids = genres->items;
	uint32_t bits = 0;

	*ret_is_unknown = false;
	for (size_t i = 0; i < genres->n; i++) {
		int index = film_genre_index(ids[i]);

		if (index < 0)
			*ret_is_unknown = true;
		else
			bits |= (uint32_t)1 << index;
	}
	return bits;
}

static bool asks_for_the_unknown(const struct question_discover *q)
{
	return q->vote_average_min.is_set || q->vote_average_max.is_set || q->vote_count_min.is_set ||
	       q->vote_count_max.is_set || !str_is_null(q->original_language) || q->watch_provider.n > 0 ||
	       !str_is_null(q->watch_region) ||
	       (!str_is_null(q->certification) && !str_is_null(q->certification_country) &&
	        !str_equal(q->certification_country, STR("US")));
}

static struct filter filter_of(const struct question_discover *q)
{
	struct filter f = { .q = q };
	bool is_unknown, is_any_unknown;

	f.genres = genre_bits(&q->genre, &is_unknown);
	f.genres_any = genre_bits(&q->genre_any, &is_any_unknown);
	f.is_hopeless = is_unknown || (q->genre_any.n > 0 && f.genres_any == 0) || asks_for_the_unknown(q);
	return f;
}

static bool is_within(struct schema_int min, struct schema_int max, int value)
{
	return (!min.is_set || value >= min.value) && (!max.is_set || value <= max.value);
}

static bool is_of_years(const struct film *film, const struct question_discover *q)
{
	return is_within(q->year_from, q->year_to, film->year) && (!q->year.is_set || film->year == q->year.value);
}

static bool is_of_days(const struct film *film, const struct question_discover *q)
{
	struct str date = film->release_date, from = q->release_date_from, to = q->release_date_to;

	if (str_is_null(from) && str_is_null(to))
		return true;
	return !str_is_null(date) && (str_is_null(from) || builtin_compare(date, from) >= 0) &&
	       (str_is_null(to) || builtin_compare(date, to) <= 0);
}

static bool is_of_length(const struct film *film, const struct question_discover *q)
{
	if (!q->runtime_min.is_set && !q->runtime_max.is_set)
		return true;
	return film->runtime != 0 && is_within(q->runtime_min, q->runtime_max, film->runtime);
}

static bool is_wanted(const struct film *film, const struct filter *f)
{
	const struct question_discover *q = f->q;

	return (film->genres & f->genres) == f->genres && (f->genres_any == 0 || (film->genres & f->genres_any)) &&
	       is_of_years(film, q) && is_of_days(film, q) && is_of_length(film, q) &&
	       (str_is_null(q->certification) || str_equal(film_column(film, FILM_CERTIFICATION), q->certification));
}

/* Votes and revenue are not known: films come as for popularity.desc, whichever way round. */
static enum order order_asked(struct str sort, bool *ret_backwards)
{
	*ret_backwards = str_ends(sort, STR(".desc"));
	if (str_starts(sort, STR("title.")))
		return BY_TITLE;
	if (str_starts(sort, STR("primary_release_date.")))
		return BY_DATE;
	if (!str_starts(sort, STR("popularity.")))
		*ret_backwards = true;
	return BY_PROMINENCE;
}

int builtin_discover(struct builtin *b, const struct question *q, struct arena *a, void *ret)
{
	const struct filter filter = filter_of(&q->of.discover);
	size_t n_all = filter.is_hopeless ? 0 : b->films.n, n = 0;
	uint16_t *films = arena_array(a, n_all, sizeof(*films));
	bool backwards;
	enum order order = order_asked(q->of.discover.sort, &backwards);

	if (!films)
		return -ENOMEM;
	for (size_t i = 0; i < n_all; i++) {
		uint16_t film = b->orders[order][backwards ? n_all - 1 - i : i];

		if (is_wanted(&b->films.items[film], &filter))
			films[n++] = film;
	}
	return builtin_page(b, films, n, q->of.discover.page, a, ret);
}
