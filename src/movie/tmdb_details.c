/* One film as TMDB tells it, with the parts that were asked for. Directors come out of the crew and the certification
 * out of the release dates, which TMDB is always asked for; they are answered as parts only when `include` names them.
 * A part that was asked for and not sent is an empty one. Never yields. */
#include "movie/tmdb_read.h"

#include "movie/tmdb_image.h"
#include "movie/tmdb_messages.h"

#include <errno.h>

#define DIRECTORS_MAX 200
#define RELEASE_THEATRICAL 3

static bool is_asked(const struct tmdb_reading *r, const char *include)
{
	return question_has_include(r->question, include);
}

/* ---- what is found in the parts ---- */

static bool has_name(const struct str *names, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_equal(names[i], name))
			return true;
	return false;
}

static int directors_of(const struct movie_credits *credits, struct arena *a, struct schema_array *ret)
{
	size_t n_crew = credits ? credits->crew.n : 0, n = 0;
	const struct movie_crew *crew = credits ? credits->crew.items : NULL;
	struct str *names = arena_array(a, MIN(n_crew, (size_t)DIRECTORS_MAX), sizeof(*names));

	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < n_crew && n < DIRECTORS_MAX; i++)
		if (str_equal(crew[i].job, STR("Director")) && !has_name(names, n, crew[i].name))
			names[n++] = crew[i].name;
	*ret = (struct schema_array){ n, names };
	return 0;
}

/* That of the cinemas, else the first one. */
static struct str certification_in(const struct movie_release_region *region)
{
	const struct movie_release *releases = region->release_dates.items;
	struct str first = STR_NULL;

	for (size_t i = 0; i < region->release_dates.n; i++) {
		if (str_is_null(releases[i].certification))
			continue;
		if (releases[i].type.is_set && releases[i].type.value == RELEASE_THEATRICAL)
			return releases[i].certification;
		if (str_is_null(first))
			first = releases[i].certification;
	}
	return first;
}

static struct str certification_of(const struct tmdb_reading *r, const struct tmdb_list *releases)
{
	struct str asked = r->question->of.details.region;
	const struct movie_release_region *regions = releases ? releases->items.items : NULL;

	for (size_t i = 0; releases && i < releases->items.n; i++)
		if (str_equal(regions[i].region, str_is_null(asked) ? STR("US") : asked))
			return certification_in(&regions[i]);
	return STR_NULL;
}

/* ---- parts ---- */

/* What was sent, or an empty one. NULL: out of memory. */
static void *part_or_empty(struct arena *a, void *part, size_t size)
{
	return part ? part : arena_alloc(a, size);
}

/* The list in a part, never a null one. */
static int list_or_empty(struct arena *a, const struct tmdb_list *list, struct schema_array *ret)
{
	if (list && list->items.items) {
		*ret = list->items;
		return 0;
	}
	*ret = (struct schema_array){ 0, arena_alloc(a, 0) };
	return ret->items ? 0 : -ENOMEM;
}

/* NULL in *ret: not asked for. The same below. */
static int part_page(const struct tmdb_reading *r, const char *include, struct tmdb_page *sent, struct movie_page **ret)
{
	struct tmdb_page none = { .dates = NULL };
	struct movie_page *page;

	*ret = NULL;
	if (!is_asked(r, include))
		return 0;
	page = arena_alloc(r->arena, sizeof(*page));
	*ret = page;
	return page ? tmdb_finish_page(r, sent ? sent : &none, 1, page) : -ENOMEM;
}

static int part_credits(const struct tmdb_reading *r, struct movie_credits **credits)
{
	*credits = is_asked(r, "credits") ? part_or_empty(r->arena, *credits, sizeof(**credits)) : NULL;
	if (!*credits)
		return is_asked(r, "credits") ? -ENOMEM : 0;
	return tmdb_finish_credits(r, *credits);
}

static int part_videos(const struct tmdb_reading *r, struct movie_videos **videos)
{
	*videos = is_asked(r, "videos") ? part_or_empty(r->arena, *videos, sizeof(**videos)) : NULL;
	if (!*videos)
		return is_asked(r, "videos") ? -ENOMEM : 0;
	return tmdb_finish_videos(r, *videos);
}

static int part_images(const struct tmdb_reading *r, struct movie_images **images)
{
	*images = is_asked(r, "images") ? part_or_empty(r->arena, *images, sizeof(**images)) : NULL;
	if (!*images)
		return is_asked(r, "images") ? -ENOMEM : 0;
	return tmdb_finish_images(r, *images);
}

static int part_watch_providers(const struct tmdb_reading *r, struct movie_watch_providers **providers)
{
	bool asked = is_asked(r, "watch_providers");

	*providers = asked ? part_or_empty(r->arena, *providers, sizeof(**providers)) : NULL;
	if (!*providers)
		return asked ? -ENOMEM : 0;
	return tmdb_finish_watch_providers(r, r->question->of.details.region, *providers);
}

static int part_external_ids(const struct tmdb_reading *r, struct movie_external_ids **ids)
{
	bool asked = is_asked(r, "external_ids");

	*ids = asked ? part_or_empty(r->arena, *ids, sizeof(**ids)) : NULL;
	return *ids || !asked ? 0 : -ENOMEM;
}

static int finish_parts(const struct tmdb_reading *r, struct tmdb_details *sent)
{
	struct movie_details *film = &sent->film;
	int err = part_credits(r, &film->credits);

	if (err == 0)
		err = part_videos(r, &film->videos);
	if (err == 0)
		err = part_page(r, "recommendations", sent->recommendations, &film->recommendations);
	if (err == 0)
		err = part_page(r, "similar", sent->similar, &film->similar);
	if (err == 0)
		err = part_images(r, &film->images);
	if (err == 0)
		err = part_watch_providers(r, &film->watch_providers);
	if (err == 0)
		err = part_external_ids(r, &film->external_ids);
	if (err == 0 && is_asked(r, "release_dates"))
		err = list_or_empty(r->arena, sent->release_dates, &film->release_dates);
	if (err == 0 && is_asked(r, "keywords"))
		err = list_or_empty(r->arena, sent->keywords, &film->keywords);
	return err;
}

/* ---- the film ---- */

/* What TMDB does not know is 0 there. */
static void unset_zero(struct schema_int *value)
{
	if (value->value == 0)
		value->is_set = false;
}

static void finish_facts(struct tmdb_details *sent)
{
	struct movie_details *film = &sent->film;
	struct movie_company *companies = film->production_companies.items;

	film->year = tmdb_year(film->release_date);
	unset_zero(&film->runtime);
	unset_zero(&film->budget);
	unset_zero(&film->revenue);
	if (film->vote_count.is_set && film->vote_count.value == 0)
		film->vote_average = (struct schema_number){ .is_set = false };
	if (film->homepage.len > TMDB_HOMEPAGE_MAX)
		film->homepage = STR_NULL;
	if (film->origin_country.n == 0)
		film->origin_country = sent->production_countries;
	for (size_t i = 0; i < film->production_companies.n; i++)
		tmdb_path_check(&companies[i].logo_path);
	if (film->belongs_to_collection) {
		tmdb_path_check(&film->belongs_to_collection->poster_path);
		tmdb_path_check(&film->belongs_to_collection->backdrop_path);
	}
	film->source = STR("tmdb");
}

static int finish_details(const struct tmdb_reading *r, struct tmdb_details *sent)
{
	struct movie_details *film = &sent->film;
	int err;

	finish_facts(sent);
	film->certification = certification_of(r, sent->release_dates);
	err = directors_of(film->credits, r->arena, &film->directors);
	if (err == 0)
		err = tmdb_poster(r->image_base, &film->poster_path, r->arena, &film->poster);
	if (err == 0)
		err = tmdb_backdrop(r->image_base, &film->backdrop_path, r->arena, &film->backdrop);
	return err < 0 ? err : finish_parts(r, sent);
}

/* Whether it is about the film asked for, and names it. */
static bool is_film(const struct tmdb_reading *r, int64_t id, struct str *title, struct str original_title)
{
	if (str_is_null(*title))
		*title = original_title;
	return id == r->question->path.movie_id && !str_is_null(*title);
}

int tmdb_read_details(const struct tmdb_reading *r, struct str body, struct movie_details *ret)
{
	struct tmdb_details sent;
	int err = schema_parse_tolerant(&tmdb_details_schema, body, r->arena, &sent);

	if (err == 0 && !is_film(r, sent.film.id, &sent.film.title, sent.film.original_title))
		err = -EBADMSG;
	if (err == 0)
		err = finish_details(r, &sent);
	if (err == 0)
		*ret = sent.film;
	return err;
}

int tmdb_read_brief(const struct tmdb_reading *r, struct str body, struct movie_brief *ret)
{
	struct tmdb_brief sent;
	int err = schema_parse_tolerant(&tmdb_brief_schema, body, r->arena, &sent);

	if (err < 0)
		return err;
	if (!is_film(r, sent.id, &sent.title, sent.original_title))
		return -EBADMSG;
	tmdb_path_check(&sent.poster_path);
	*ret = (struct movie_brief){ sent.id, sent.title, tmdb_year(sent.release_date), sent.poster_path };
	return 0;
}
