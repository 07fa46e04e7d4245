/* A catalogue around another one: notes the films of every list and every film opened. Owns the inner one. Yields as
 * that one does; noting does not. */
#include "movie/observed.h"

#include "movie/seen.h"

#include <errno.h>
#include <stdlib.h>

struct observed {
	struct catalogue catalogue;
	struct catalogue *inner;
	struct seen *seen;
};

static struct observed *observed_of(const struct catalogue *c)
{
	return CONTAINER_OF(c, struct observed, catalogue);
}

static void note_film(struct seen *seen, const struct movie_details *d, struct arena *a)
{
	struct movie_item item = {
		.id = d->id,
		.title = d->title,
		.original_title = d->original_title,
		.original_language = d->original_language,
		.overview = d->overview,
		.release_date = d->release_date,
		.year = d->year,
		.poster_path = d->poster_path,
		.backdrop_path = d->backdrop_path,
		.poster = d->poster,
		.backdrop = d->backdrop,
		.adult = d->adult,
		.video = d->video,
		.popularity = d->popularity,
		.vote_average = d->vote_average,
		.vote_count = d->vote_count,
	};
	const struct movie_genre *genres = d->genres.items;
	int64_t *ids = arena_array(a, d->genres.n, sizeof(*ids));

	if (!ids)
		return;
	for (size_t i = 0; i < d->genres.n; i++)
		ids[i] = genres[i].id;
	item.genre_ids = (struct schema_array){ d->genres.n, ids };
	seen_add(seen, &item, 1);
}

static void note(struct observed *o, const struct question *q, const void *answer, struct arena *a)
{
	const struct schema *reply = question_type(q->kind)->reply;

	if (reply == &movie_page_schema) {
		const struct movie_page *page = answer;

		seen_add(o->seen, page->results.items, page->results.n);
	} else if (reply == &movie_details_schema) {
		note_film(o->seen, answer, a);
	}
}

static int observed_ask(struct catalogue *c, const struct question *q, struct arena *a, void *ret,
                        struct catalogue_meta *meta)
{
	struct observed *o = observed_of(c);
	int r = o->inner->ask(o->inner, q, a, ret, meta);

	if (r == 0 && !meta->is_unchanged)
		note(o, q, ret, a);
	return r;
}

static const char *observed_describe(const struct catalogue *c)
{
	const struct catalogue *inner = observed_of(c)->inner;

	return inner->describe(inner);
}

static void observed_free(struct catalogue *c)
{
	struct observed *o = observed_of(c);

	catalogue_free(&o->inner);
	free(o);
}

int observed_new(struct catalogue **inner, struct seen *seen, struct catalogue **ret)
{
	struct catalogue *own CLEANUP(catalogue_free) = STEAL(*inner);
	struct observed *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->catalogue = *own;
	o->catalogue.ask = observed_ask;
	o->catalogue.describe = observed_describe;
	o->catalogue.free = observed_free;
	o->inner = STEAL(own);
	o->seen = seen;
	*ret = &o->catalogue;
	return 0;
}
