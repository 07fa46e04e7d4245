/* Telling films apart by what a file says of them. Owns nothing; nothing here yields. */
#include "base/utf8.h"
#include "user/import_match.h"
#include "user/library.h"

#include <errno.h>

int import_film_key(const struct import_row *row, struct arena *a, struct str *ret)
{
	struct str title = STR("");
	int r = row->title.data ? library_title_key(row->title, a, &title) : 0;

	if (r < 0)
		return r;
	/* A title without letters ("$") has no key but itself. */
	if (title.len == 0 && row->title.data)
		title = str_slice(row->title, 0, utf8_cut(row->title, LIBRARY_TITLE_KEY_MAX));
	*ret = arena_printf(a, "%lld/%.*s/%lld/%.*s", (long long)row->movie_id,
	                    STR_ARGS(row->imdb_id.data ? row->imdb_id : STR("")), (long long)row->year,
	                    STR_ARGS(title));
	return str_is_null(*ret) ? -ENOMEM : 0;
}

/* ---- which of them ---- */

struct pick {
	int at; /* -1: none */
	int n;
	int64_t votes;       /* of that at */
	int64_t votes_other; /* most of the others */
};

static void pick_add(struct pick *p, int at, int64_t votes)
{
	p->n++;
	if (p->at < 0 || votes > p->votes) {
		p->votes_other = p->at < 0 ? 0 : p->votes;
		p->votes = votes;
		p->at = at;
	} else {
		p->votes_other = MAX(p->votes_other, votes);
	}
}

/* Far more people know it than all others of that name. */
static bool pick_stands_out(const struct pick *p)
{
	return p->votes >= 50 && p->votes / 10 >= p->votes_other;
}

static int pick_settle(const struct pick *p)
{
	return p->n == 1 || pick_stands_out(p) ? p->at : -ENOTUNIQ;
}

static int same_title(struct str key, struct str title, struct arena *a, bool *ret)
{
	struct str other;
	int r;

	*ret = false;
	if (str_is_null(title))
		return 0;
	r = library_title_key(title, a, &other);
	if (r == 0)
		*ret = str_equal(key, other);
	return r == -EILSEQ ? 0 : r;
}

static int fits(struct str title, struct str key, const struct movie_found *f, struct arena *a, bool *ret)
{
	int r;

	*ret = true;
	if (key.len == 0) { /* "$" */
		*ret = str_equal(title, f->title);
		return 0;
	}
	r = same_title(key, f->title, a, ret);
	return r < 0 || *ret ? r : same_title(key, f->original_title, a, ret);
}

int import_pick(struct str title, int64_t year, const struct movie_list *found, struct arena *a)
{
	struct pick exact = { .at = -1 }, near = { .at = -1 };
	const struct movie_found *films = found->results.items;
	struct str key;
	int r = library_title_key(title, a, &key);

	if (r < 0)
		return r == -EILSEQ ? -ENOENT : r;
	for (size_t i = 0; i < found->results.n; i++) {
		const struct movie_found *f = &films[i];
		int64_t votes = f->vote_count.is_set ? f->vote_count.value : 0;
		int64_t off = year > 0 && f->year.is_set ? f->year.value - year : 0;
		bool is_same;

		r = fits(title, key, f, a, &is_same);
		if (r < 0)
			return r;
		if (!is_same)
			continue;
		if (year == 0 || (f->year.is_set && off == 0))
			pick_add(&exact, (int)i, votes);
		else if (f->year.is_set && (off == 1 || off == -1))
			pick_add(&near, (int)i, votes);
	}
	if (exact.n > 0)
		return pick_settle(&exact);
	return near.n > 0 ? pick_settle(&near) : -ENOENT;
}
