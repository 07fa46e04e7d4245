/* Answers of the built-in catalogue about one film, and those that are about none: genres, configuration. Owns nothing,
 * never yields; everything comes from the film's row. */
#include "movie/builtin_inside.h"

#include <errno.h>

static const struct film *film_asked(const struct builtin *b, const struct question *q)
{
	return films_find(&b->films, q->path.movie_id);
}

/* ---- parts ---- */

int builtin_genre_list(uint32_t bits, struct arena *a, struct schema_array *ret)
{
	struct movie_genre *genres = arena_array(a, FILM_GENRES, sizeof(*genres));
	size_t n = 0;

	if (!genres)
		return -ENOMEM;
	for (size_t i = 0; i < FILM_GENRES; i++)
		if (bits & 1u << i)
			genres[n++] = (struct movie_genre){ film_genres[i].id, str_from(film_genres[i].name) };
	*ret = (struct schema_array){ n, genres };
	return 0;
}

static int directors_of(const struct film *film, struct arena *a, struct schema_array *ret)
{
	struct str column = film_column(film, FILM_DIRECTORS), *names, name;
	size_t n = 0, pos = 0;

	while (film_next_part(column, &pos, &name))
		n++;
	names = arena_array(a, n, sizeof(*names));
	if (!names)
		return -ENOMEM;
	pos = 0;
	for (size_t i = 0; i < n; i++)
		(void)film_next_part(column, &pos, &names[i]);
	*ret = (struct schema_array){ n, names };
	return 0;
}

static int companies_of(const struct film *film, struct arena *a, struct schema_array *ret)
{
	struct str distributor = film_column(film, FILM_DISTRIBUTOR);
	struct movie_company *company;

	if (str_is_null(distributor))
		return 0;
	company = arena_alloc(a, sizeof(*company));
	if (!company)
		return -ENOMEM;
	company->name = distributor;
	*ret = (struct schema_array){ 1, company };
	return 0;
}

static int credits_of(const struct builtin *b, const struct film *film, struct arena *a, struct movie_credits *ret)
{
	struct schema_array directors;
	struct movie_crew *crew;
	int r;

	r = directors_of(film, a, &directors);
	if (r < 0)
		return r;
	crew = arena_array(a, directors.n, sizeof(*crew));
	if (!crew)
		return -ENOMEM;
	for (size_t i = 0; i < directors.n; i++)
		crew[i] = (struct movie_crew){ .name = ((const struct str *)directors.items)[i],
			                       .job = STR("Director"),
			                       .department = STR("Directing") };
	*ret = (struct movie_credits){ .id = film_id(&b->films, film),
		                       .crew = { directors.n, crew },
		                       .source = builtin_source(b) };
	return 0;
}

/* Date and rating are those of the United States. An empty list is no null. */
static int releases_of(const struct film *film, struct arena *a, struct schema_array *ret)
{
	struct str certification = film_column(film, FILM_CERTIFICATION), date = STR_NULL;
	struct movie_release_region *region = arena_alloc(a, sizeof(*region));
	struct movie_release *release = arena_alloc(a, sizeof(*release));

	if (!region || !release)
		return -ENOMEM;
	*ret = (struct schema_array){ 0, region };
	if (str_is_null(film->release_date) && str_is_null(certification))
		return 0;
	if (!str_is_null(film->release_date)) {
		date = arena_printf(a, "%.*sT00:00:00.000Z", STR_ARGS(film->release_date));
		if (str_is_null(date))
			return -ENOMEM;
	}
	*release = (struct movie_release){ .release_date = date, .certification = certification };
	*region = (struct movie_release_region){ STR("US"), { 1, release } };
	ret->n = 1;
	return 0;
}

/* ---- what details can include ---- */

/* Asks ourselves what has an endpoint of its own. */
static int part(struct builtin *b, const struct question *details, enum question_kind kind,
                int (*answer)(struct builtin *, const struct question *, struct arena *, void *), struct arena *a,
                void **ret)
{
	struct question q = { .kind = kind, .path = details->path };
	void *value = arena_alloc(a, question_type(kind)->reply->size);
	int r;

	if (question_type(kind)->reply == &movie_page_schema)
		q.of.list.page = 1;
	r = value ? answer(b, &q, a, value) : -ENOMEM;
	if (r == 0)
		*ret = value;
	return r;
}

/* A part that has nothing in it. */
static int empty_part(size_t size, struct arena *a, void **ret)
{
	*ret = arena_alloc(a, size);
	return *ret ? 0 : -ENOMEM;
}

static int include_credits(struct builtin *b, const struct question *q, struct arena *a, struct movie_details *film)
{
	return part(b, q, QUESTION_CREDITS, builtin_credits, a, (void **)&film->credits);
}

static int include_videos(struct builtin *b, const struct question *q, struct arena *a, struct movie_details *film)
{
	return part(b, q, QUESTION_VIDEOS, builtin_videos, a, (void **)&film->videos);
}

static int include_watch_providers(struct builtin *b, const struct question *q, struct arena *a,
                                   struct movie_details *film)
{
	return part(b, q, QUESTION_WATCH_PROVIDERS, builtin_watch_providers, a, (void **)&film->watch_providers);
}

static int include_recommendations(struct builtin *b, const struct question *q, struct arena *a,
                                   struct movie_details *film)
{
	return part(b, q, QUESTION_RECOMMENDATIONS, builtin_recommendations, a, (void **)&film->recommendations);
}

static int include_similar(struct builtin *b, const struct question *q, struct arena *a, struct movie_details *film)
{
	return part(b, q, QUESTION_SIMILAR, builtin_similar, a, (void **)&film->similar);
}

static int include_images(struct builtin *b, const struct question *q, struct arena *a, struct movie_details *film)
{
	(void)b;
	(void)q;
	return empty_part(sizeof(*film->images), a, (void **)&film->images);
}

static int include_external_ids(struct builtin *b, const struct question *q, struct arena *a,
                                struct movie_details *film)
{
	(void)b;
	(void)q;
	return empty_part(sizeof(*film->external_ids), a, (void **)&film->external_ids);
}

static int include_keywords(struct builtin *b, const struct question *q, struct arena *a, struct movie_details *film)
{
	(void)b;
	(void)q;
	return empty_part(0, a, &film->keywords.items);
}

static int include_release_dates(struct builtin *b, const struct question *q, struct arena *a,
                                 struct movie_details *film)
{
	return releases_of(film_asked(b, q), a, &film->release_dates);
}

static int include_parts(struct builtin *b, const struct question *q, struct arena *a, struct movie_details *film)
{
	static const struct {
		const char *name;
		int (*include)(struct builtin *, const struct question *, struct arena *, struct movie_details *);
	} parts[] = {
		{ "credits", include_credits },
		{ "external_ids", include_external_ids },
		{ "images", include_images },
		{ "keywords", include_keywords },
		{ "recommendations", include_recommendations },
		{ "release_dates", include_release_dates },
		{ "similar", include_similar },
		{ "videos", include_videos },
		{ "watch_providers", include_watch_providers },
	};
	int r = 0;

	static_assert(ARRAY_SIZE(parts) == QUESTION_INCLUDES, "every part that can be asked for");
	for (size_t i = 0; i < ARRAY_SIZE(parts) && r == 0; i++)
		if (question_has_include(q, parts[i].name))
			r = parts[i].include(b, q, a, film);
	return r;
}

/* ---- answers ---- */

/* The rating is the United States'; that of another country is not known. */
static struct str certification_in(const struct film *film, struct str region)
{
	bool is_known = str_is_null(region) || str_equal(region, STR("US"));

	return is_known ? film_column(film, FILM_CERTIFICATION) : STR_NULL;
}

static int details_of(struct builtin *b, const struct film *film, struct arena *a, struct movie_details *ret)
{
	int r;

	*ret = (struct movie_details){
		.id = film_id(&b->films, film),
		.title = film->title,
		.release_date = film->release_date,
		.year = builtin_known(film->year),
		.runtime = builtin_known(film->runtime),
		.source = builtin_source(b),
	};
	r = builtin_genre_list(film->genres, a, &ret->genres);
	if (r == 0)
		r = directors_of(film, a, &ret->directors);
	if (r == 0)
		r = companies_of(film, a, &ret->production_companies);
	return r;
}

int builtin_details(struct builtin *b, const struct question *q, struct arena *a, void *ret)
{
	const struct film *film = film_asked(b, q);
	struct movie_details details;
	int r;

	if (!film)
		return -ENOENT;
	r = details_of(b, film, a, &details);
	details.certification = certification_in(film, q->of.details.region);
	if (r == 0)
		r = include_parts(b, q, a, &details);
	if (r == 0)
		memcpy(ret, &details, sizeof(details));
	return r;
}

int builtin_brief(struct builtin *b, const struct question *q, struct arena *a, void *ret)
{
	const struct film *film = film_asked(b, q);

	(void)a;
	if (!film)
		return -ENOENT;
	*(struct movie_brief *)ret = (struct movie_brief){
		.id = q->path.movie_id,
		.title = film->title,
		.year = builtin_known(film->year),
	};
	return 0;
}

int builtin_credits(struct builtin *b, const struct question *q, struct arena *a, void *ret)
{
	const struct film *film = film_asked(b, q);

	return film ? credits_of(b, film, a, ret) : -ENOENT;
}

int builtin_videos(struct builtin *b, const struct question *q, struct arena *a, void *ret)
{
	(void)a;
	if (!film_asked(b, q))
		return -ENOENT;
	*(struct movie_videos *)ret = (struct movie_videos){ .id = q->path.movie_id, .source = builtin_source(b) };
	return 0;
}

int builtin_watch_providers(struct builtin *b, const struct question *q, struct arena *a, void *ret)
{
	(void)a;
	if (!film_asked(b, q))
		return -ENOENT;
	*(struct movie_watch_providers *)ret =
	        (struct movie_watch_providers){ .id = q->path.movie_id, .source = builtin_source(b) };
	return 0;
}

int builtin_genres(struct builtin *b, const struct question *q, struct arena *a, void *ret)
{
	struct movie_genres genres = { .source = builtin_source(b) };
	int r;

	(void)q;
	r = builtin_genre_list((1u << FILM_GENRES) - 1, a, &genres.genres);
	if (r == 0)
		memcpy(ret, &genres, sizeof(genres));
	return r;
}

int builtin_configuration(struct builtin *b, const struct question *q, struct arena *a, void *ret)
{
	struct movie_attribution *attribution = arena_alloc(a, sizeof(*attribution));

	(void)q;
	if (!attribution)
		return -ENOMEM;
	attribution->builtin = STR(ATTRIBUTION_BUILTIN);
	*(struct movie_configuration *)ret =
	        (struct movie_configuration){ .attribution = attribution, .source = builtin_source(b) };
	return 0;
}
