/* The ranking of candidates: a small index of their titles is made for each query and searched by search.c, so that
 * what is forgiven and who comes first is the same as in the built-in catalogue, and films of both sources stand in one
 * order. Each title of a film is an entry of its own; the better one counts. Limit: TITLE_FILMS_MAX titles. */
#include "movie/seen_rank.h"

#include "movie/search.h"

#include <errno.h>
#include <stdlib.h>

/* The titles of the candidates, and whose they are. */
struct entries {
	struct films films;
	size_t *owners;
};

/* What decides the order: first how well, then how popular, then the rest of search.c's rank. */
struct place {
	uint64_t match;
	uint64_t rank;
	double popularity;
	size_t candidate;
};

static void add_entry(struct entries *e, const struct seen_candidate *c, struct str title, size_t owner)
{
	if (str_is_null(title))
		return;
	e->owners[e->films.n] = owner;
	e->films.items[e->films.n++] = (struct film){ .title = title, .year = c->year };
}

static int list_entries(const struct seen_candidate *candidates, size_t n, struct arena *a, struct entries *ret)
{
	struct entries e = { .films.items = arena_array(a, 2 * n, sizeof(*e.films.items)),
		             .owners = arena_array(a, 2 * n, sizeof(*e.owners)) };

	if (!e.films.items || !e.owners)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct seen_candidate *c = &candidates[i];

		add_entry(&e, c, c->title, i);
		if (!str_equal(c->title, c->original_title))
			add_entry(&e, c, c->original_title, i);
	}
	*ret = e;
	return 0;
}

/* Whether a film that was seen has one of the titles of this built-in one. */
static bool was_seen(const struct seen_candidate *candidates, const struct entries *e, const struct title_index *ix,
                     size_t entry)
{
	for (size_t i = 0; i < e->films.n; i++)
		if (!candidates[e->owners[i]].item && e->films.items[i].year == e->films.items[entry].year &&
		    str_equal(ix->titles[i], ix->titles[entry]))
			return true;
	return false;
}

/* One place a film: the hits come best first. */
static int list_places(const struct seen_candidate *candidates, size_t n, const struct entries *e,
                       const struct title_index *ix, const struct search_hits *hits, struct arena *a,
                       struct place **ret, size_t *ret_n)
{
	struct place *places = arena_array(a, n, sizeof(*places));
	bool *placed = arena_array(a, n, sizeof(*placed));
	size_t n_places = 0;

	if (!places || !placed)
		return -ENOMEM;
	for (size_t i = 0; i < hits->n; i++) {
		const struct search_hit *hit = &hits->items[i];
		size_t owner = e->owners[hit->film];

		if (placed[owner] || (candidates[owner].item && was_seen(candidates, e, ix, hit->film)))
			continue;
		placed[owner] = true;
		places[n_places++] =
		        (struct place){ search_hit_match(hit), hit->rank, candidates[owner].popularity, owner };
	}
	*ret = places;
	*ret_n = n_places;
	return 0;
}

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->match != y->match)
		return x->match < y->match ? 1 : -1;
	if (x->popularity < y->popularity || x->popularity > y->popularity)
		return x->popularity < y->popularity ? 1 : -1;
	return (x->rank < y->rank) - (x->rank > y->rank);
}

static int order_of(struct place *places, size_t n, struct arena *a, struct seen_ranking *ret)
{
	size_t *order = arena_array(a, n, sizeof(*order));

	if (!order)
		return -ENOMEM;
	qsort(places, n, sizeof(*places), compare_places);
	for (size_t i = 0; i < n; i++)
		order[i] = places[i].candidate;
	*ret = (struct seen_ranking){ order, n };
	return 0;
}

int seen_rank(const struct seen_candidate *candidates, size_t n, struct str query, int year, struct arena *a,
              struct seen_ranking *ret)
{
	struct title_index *ix CLEANUP(title_index_free) = NULL;
	struct search_hits hits = { 0 };
	struct place *places = NULL;
	struct entries e;
	size_t n_places = 0;
	int r;

	r = list_entries(candidates, n, a, &e);
	if (r == 0)
		r = title_index_new(&e.films, &ix);
	if (r == 0)
		r = search_titles(ix, query, year, a, &hits);
	if (r == 0)
		r = list_places(candidates, n, &e, ix, &hits, a, &places, &n_places);
	if (r < 0)
		return r;
	return order_of(places, n_places, a, ret);
}
