/* What TMDB tells of a film beside its own facts: people, videos, images, where to see it. Read by themselves, or as
 * parts of the details. Never yields. */
#include "movie/tmdb_read.h"

#include "movie/tmdb_image.h"
#include "movie/tmdb_messages.h"

#include "base/buf.h"

#include <errno.h>
#include <stdlib.h>

#define URL_MAX 500 /* bytes: of a video's page, as answered */

/* ---- people ---- */

int tmdb_finish_credits(const struct tmdb_reading *r, struct movie_credits *credits)
{
	struct movie_cast *cast = credits->cast.items;
	struct movie_crew *crew = credits->crew.items;
	int err = 0;

	for (size_t i = 0; i < credits->cast.n && err == 0; i++)
		err = tmdb_profile(r->image_base, &cast[i].profile_path, r->arena, &cast[i].profile);
	for (size_t i = 0; i < credits->crew.n && err == 0; i++)
		err = tmdb_profile(r->image_base, &crew[i].profile_path, r->arena, &crew[i].profile);
	credits->id = r->question->path.movie_id;
	credits->source = STR("tmdb");
	return err;
}

int tmdb_read_credits(const struct tmdb_reading *r, struct str body, struct movie_credits *ret)
{
	struct movie_credits credits;
	int err = schema_parse_tolerant(&tmdb_credits_schema, body, r->arena, &credits);

	if (err == 0 && !credits.cast.items && !credits.crew.items)
		err = -EBADMSG;
	if (err == 0)
		err = tmdb_finish_credits(r, &credits);
	if (err == 0)
		*ret = credits;
	return err;
}

/* ---- videos ---- */

/* Null for a site that we do not know, and for a URL longer than we answer. */
static int video_url(struct arena *a, const struct movie_video *video, struct str *ret)
{
	struct buf url CLEANUP(buf_done);
	int r;

	buf_init(&url, URL_MAX);
	if (str_equal_nocase(video->site, STR("YouTube")))
		buf_adds(&url, "https://www.youtube.com/watch?v=");
	else if (str_equal_nocase(video->site, STR("Vimeo")))
		buf_adds(&url, "https://vimeo.com/");
	else
		return 0;
	buf_add_percent(&url, video->key);
	r = buf_error(&url);
	if (r == -ENOBUFS)
		return 0;
	return r < 0 ? r : arena_copy(a, buf_str(&url), ret);
}

int tmdb_finish_videos(const struct tmdb_reading *r, struct movie_videos *videos)
{
	struct movie_video *items = videos->results.items;
	int err = 0;

	for (size_t i = 0; i < videos->results.n && err == 0; i++)
		err = video_url(r->arena, &items[i], &items[i].url);
	videos->id = r->question->path.movie_id;
	videos->source = STR("tmdb");
	return err;
}

int tmdb_read_videos(const struct tmdb_reading *r, struct str body, struct movie_videos *ret)
{
	struct movie_videos videos;
	int err = schema_parse_tolerant(&tmdb_videos_schema, body, r->arena, &videos);

	if (err == 0 && !videos.results.items)
		err = -EBADMSG;
	if (err == 0)
		err = tmdb_finish_videos(r, &videos);
	if (err == 0)
		*ret = videos;
	return err;
}

/* ---- images ---- */

/* Leaves out what has no path. */
static int finish_image_list(const struct tmdb_reading *r, struct schema_array *list)
{
	struct movie_image *images = list->items;
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		struct movie_image image = images[i];
		int err = tmdb_original(r->image_base, image.file_path, r->arena, &image.url);

		if (err < 0)
			return err;
		if (image.vote_count.is_set && image.vote_count.value == 0)
			image.vote_average = (struct schema_number){ .is_set = false };
		if (!str_is_null(image.url))
			images[n++] = image;
	}
	list->n = n;
	return 0;
}

int tmdb_finish_images(const struct tmdb_reading *r, struct movie_images *images)
{
	int err = finish_image_list(r, &images->backdrops);

	if (err == 0)
		err = finish_image_list(r, &images->posters);
	if (err == 0)
		err = finish_image_list(r, &images->logos);
	return err;
}

/* ---- where to see it ---- */

static int finish_offer(const struct tmdb_reading *r, struct schema_array *offer)
{
	struct movie_provider *providers = offer->items;
	int err = 0;

	for (size_t i = 0; i < offer->n && err == 0; i++)
		err = tmdb_logo(r->image_base, &providers[i].logo_path, r->arena, &providers[i].logo);
	return err;
}

static int finish_provider_region(const struct tmdb_reading *r, struct movie_provider_region *region)
{
	struct schema_array *offers[] = { &region->flatrate, &region->free, &region->ads, &region->rent, &region->buy };
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(offers) && err == 0; i++)
		err = finish_offer(r, offers[i]);
	return err;
}

static int compare_regions(const void *a, const void *b)
{
	const struct movie_provider_region *left = a, *right = b;

	return memcmp(left->region.data, right->region.data, 2);
}

int tmdb_finish_watch_providers(const struct tmdb_reading *r, struct str region,
                                struct movie_watch_providers *providers)
{
	struct movie_provider_region *regions = providers->results.items;
	size_t n = 0;

	for (size_t i = 0; i < providers->results.n; i++) {
		int err;

		if (!str_is_null(region) && !str_equal(regions[i].region, region))
			continue;
		regions[n] = regions[i];
		err = finish_provider_region(r, &regions[n++]);
		if (err < 0)
			return err;
	}
	if (n > 1)
		qsort(regions, n, sizeof(*regions), compare_regions);
	providers->results.n = n;
	providers->id = r->question->path.movie_id;
	providers->attribution = STR(ATTRIBUTION_JUSTWATCH);
	providers->source = STR("tmdb");
	return 0;
}

int tmdb_read_watch_providers(const struct tmdb_reading *r, struct str body, struct movie_watch_providers *ret)
{
	struct movie_watch_providers providers;
	int err = schema_parse_tolerant(&tmdb_watch_providers_schema, body, r->arena, &providers);

	if (err == 0 && !providers.results.items)
		err = -EBADMSG;
	if (err == 0)
		err = tmdb_finish_watch_providers(r, r->question->of.place.region, &providers);
	if (err == 0)
		*ret = providers;
	return err;
}
