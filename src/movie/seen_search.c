/* Searching the films seen. The two full-text tables give candidates, step by step from the strictest on until there
 * are enough; a built-in film found joins them; seen_rank.c ranks them all on a pool thread, and only the films of the
 * page asked for are read as a whole.
 *
 * Limits: CANDIDATES_MAX films seen and BUILTIN_PAGES_MAX pages of built-in ones a search, so totals and pages end
 * there. A step looks at its first LOOKED_AT_MAX matches, by id (TMDB's lower ids are the older entries, which is where
 * the better known films are), and takes the most popular of these. Memory: SCRATCH_MAX a search. */
#include "movie/seen_internal.h"

#include "fiber/offload.h"
#include "movie/seen_rank.h"
#include "movie/seen_words.h"
#include "movie/statements.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>

#define CANDIDATES_MAX 400
#define LOOKED_AT_MAX 4000
#define BUILTIN_PAGES_MAX 3
#define ENTRIES_MAX (CANDIDATES_MAX + BUILTIN_PAGES_MAX * CATALOGUE_PAGE_SIZE)
#define SCRATCH_MAX ((size_t)12 << 20)
#define LOOSE_BELOW 5 /* as search.c */
#define WORDS_ALONE_MAX 6
/* What a built-in film counts as among those whose popularity TMDB tells: neither hit nor rarity. */
#define POPULARITY_BUILTIN 5.0

/* The most that each step may add: the loose ones leave no room for a flood. */
static const size_t step_max[SEEN_STEPS] = {
	[SEEN_TITLE] = 60, [SEEN_WORDS] = 150, [SEEN_WORDS_BEGUN] = 100, [SEEN_LOOSELY] = 150, [SEEN_MOSTLY] = 100,
};
#define WORD_ALONE_MAX 50

/* Columns of films_by_title and films_by_spelling. */
enum { FOUND_ID, FOUND_TITLE, FOUND_ORIGINAL_TITLE, FOUND_YEAR, FOUND_POPULARITY };

struct search_run {
	struct seen *seen;
	const struct question_search *question;
	int year; /* 0: any */
	struct seen_query query;
	struct seen_candidate candidates[ENTRIES_MAX];
	size_t n;
	struct seen_ranking ranking;
	struct arena *scratch;
};

/* What the caller gets to hear of the store's errors. */
static int error_for_caller(int r)
{
	return r == 0 || r == -ENOMEM || r == -ETIMEDOUT || r == -ECANCELED ? r : -EAGAIN;
}

/* ---- candidates ---- */

static bool is_candidate(const struct search_run *s, int64_t id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->candidates[i].id == id)
			return true;
	return false;
}

static void take_found(struct search_run *s, const struct store_rows *rows)
{
	for (size_t i = 0; i < rows->n && s->n < CANDIDATES_MAX; i++) {
		int64_t id = store_int(rows, i, FOUND_ID);

		if (is_candidate(s, id))
			continue;
		s->candidates[s->n++] = (struct seen_candidate){
			.id = id,
			.title = store_text(rows, i, FOUND_TITLE),
			.original_title = store_text(rows, i, FOUND_ORIGINAL_TITLE),
			.year = (int)store_int(rows, i, FOUND_YEAR),
			.popularity = store_double(rows, i, FOUND_POPULARITY),
		};
	}
}

/* Yields. */
static int look(struct search_run *s, struct str match, bool in_spellings, size_t most)
{
	struct store *store = s->seen->options.store;
	const struct store_value args[] = {
		STORE_S(match),
		STORE_I(LOOKED_AT_MAX),
		STORE_I(seen_since_ms(s->seen)),
		STORE_I(most),
		s->year ? STORE_I(s->year) : STORE_N,
	};
	struct store_rows rows;
	int r;

	if (str_is_null(match) || s->n >= CANDIDATES_MAX)
		return 0;
	if (in_spellings)
		r = store_read(store, sql_films_by_spelling, args, ARRAY_SIZE(args), s->scratch, &rows);
	else
		r = store_read(store, sql_films_by_title, args, ARRAY_SIZE(args) - 1, s->scratch, &rows);
	if (r == 0)
		take_found(s, &rows);
	return error_for_caller(r);
}

/* Yields. */
static int step(struct search_run *s, enum seen_step which)
{
	struct str match;
	int r = seen_match(&s->query, which, &match);

	return r < 0 ? error_for_caller(r) : look(s, match, which >= SEEN_LOOSELY, step_max[which]);
}

/* Yields. */
static int each_word_alone(struct search_run *s)
{
	size_t words = MIN(s->query.n_words, (size_t)WORDS_ALONE_MAX);
	struct str match;
	int r = 0;

	for (size_t i = 0; i < words && r == 0; i++) {
		r = error_for_caller(seen_match_word(&s->query, i, &match));
		if (r == 0)
			r = look(s, match, true, WORD_ALONE_MAX);
	}
	return r;
}

/* Yields. As search.c has it: typing errors are forgiven when no title is the query and little was found, and words
 * that nothing answers when nothing was. */
static int find_seen(struct search_run *s)
{
	bool has_title;
	int r = step(s, SEEN_TITLE);

	has_title = s->n > 0;
	if (r == 0)
		r = step(s, SEEN_WORDS);
	if (r == 0)
		r = step(s, SEEN_WORDS_BEGUN);
	if (r == 0 && !has_title && s->n < LOOSE_BELOW)
		r = step(s, SEEN_LOOSELY);
	if (r == 0 && s->n == 0)
		r = step(s, SEEN_MOSTLY);
	if (r == 0 && s->n == 0)
		r = each_word_alone(s);
	return r;
}

static void take_builtin(struct search_run *s, const struct movie_page *page)
{
	const struct movie_item *items = page->results.items;

	for (size_t i = 0; i < page->results.n && s->n < ENTRIES_MAX; i++)
		s->candidates[s->n++] = (struct seen_candidate){
			.id = items[i].id,
			.title = items[i].title,
			.original_title = items[i].original_title,
			.year = items[i].year.is_set ? (int)items[i].year.value : 0,
			.popularity = items[i].popularity.is_set ? items[i].popularity.value : POPULARITY_BUILTIN,
			.item = &items[i],
		};
}

/* The first pages of what the built-in catalogue finds. Its films lie in the caller's arena: some of them are answered.
 */
static int find_builtin(struct search_run *s, struct arena *a)
{
	struct catalogue *builtin = s->seen->options.builtin;
	struct question q = { .kind = QUESTION_SEARCH, .of.search = *s->question };
	int64_t pages = builtin ? 1 : 0;
	int r = 0;

	for (int64_t page = 1; page <= pages && r == 0; page++) {
		struct catalogue_meta meta = { 0 };
		struct movie_page found = { 0 };

		q.of.search.page = page;
		r = builtin->ask(builtin, &q, a, &found, &meta);
		if (r < 0)
			break;
		take_builtin(s, &found);
		pages = MIN(found.total_pages, (int64_t)BUILTIN_PAGES_MAX);
	}
	return r;
}

static int rank_work(void *arg)
{
	struct search_run *s = arg;

	return seen_rank(s->candidates, s->n, s->question->query, s->year, s->scratch, &s->ranking);
}

/* ---- the page ---- */

static int item_parse(struct str json, struct arena *a, struct movie_item *ret)
{
	return schema_parse_tolerant(&movie_item_schema, json, a, ret);
}

/* Yields. The films of these ids as they were seen. */
static int read_items(struct seen *s, const struct search_run *run, size_t from, size_t to, struct arena *a,
                      struct store_rows *ret)
{
	struct buf ids CLEANUP(buf_done);
	int r;

	buf_init(&ids, 1024);
	buf_addc(&ids, '[');
	for (size_t i = from; i < to; i++) {
		if (i > from)
			buf_addc(&ids, ',');
		buf_add_int(&ids, run->candidates[run->ranking.order[i]].id);
	}
	buf_addc(&ids, ']');
	r = buf_error(&ids);
	if (r < 0)
		return r;
	r = store_read(s->options.store, sql_film_items, STORE_ARGS(STORE_S(buf_str(&ids)), STORE_I(seen_since_ms(s))),
	               a, ret);
	return error_for_caller(r);
}

/* The film out of the rows. -ENOENT: it has gone meanwhile, or was written by a version that kept other things. */
static int item_of(const struct store_rows *rows, int64_t id, struct arena *a, struct movie_item *ret)
{
	for (size_t i = 0; i < rows->n; i++) {
		int r;

		if (store_int(rows, i, 0) != id)
			continue;
		r = item_parse(store_text(rows, i, 1), a, ret);
		return r == -EBADMSG ? -ENOENT : r;
	}
	return -ENOENT;
}

/* Yields. */
static int page_items(struct search_run *s, size_t from, size_t to, struct arena *a, struct schema_array *ret)
{
	struct movie_item *items = arena_array(a, to - from, sizeof(*items));
	struct store_rows rows = { 0 };
	size_t n = 0;
	int r = items ? 0 : -ENOMEM;

	if (r == 0 && to > from)
		r = read_items(s->seen, s, from, to, s->scratch, &rows);
	for (size_t i = from; i < to && r == 0; i++) {
		const struct seen_candidate *c = &s->candidates[s->ranking.order[i]];

		if (c->item)
			items[n] = *c->item;
		else
			r = item_of(&rows, c->id, a, &items[n]);
		n += r == 0;
		r = r == -ENOENT ? 0 : r;
	}
	if (r == 0)
		*ret = (struct schema_array){ n, items };
	return r;
}

/* Yields. */
static int page_of(struct search_run *s, struct arena *a, struct movie_page *ret)
{
	size_t n = s->ranking.n, from = MIN((size_t)(s->question->page - 1) * CATALOGUE_PAGE_SIZE, n);
	size_t to = MIN(from + CATALOGUE_PAGE_SIZE, n);
	struct movie_page page = {
		.page = s->question->page,
		.total_pages = (int64_t)((n + CATALOGUE_PAGE_SIZE - 1) / CATALOGUE_PAGE_SIZE),
		.total_results = (int64_t)n,
		.source = STR("local"),
	};
	int r = page_items(s, from, to, a, &page.results);

	if (r == 0)
		*ret = page;
	return r;
}

/* Yields. */
static int find_and_rank(struct search_run *s, struct arena *a)
{
	const struct offload rank = { .work = rank_work, .arg = s };
	int r = seen_query_init(&s->query, s->question->query, s->year, s->scratch);

	/* Not UTF-8, or too long: no film has such a title. */
	if (r == -EILSEQ || r == -EINVAL)
		return 0;
	if (r == 0 && s->query.n_words == 0)
		return 0;
	if (r == 0)
		r = find_seen(s);
	if (r == 0)
		r = find_builtin(s, a);
	return r < 0 || s->n == 0 ? r : offload_run(&rank);
}

int seen_search(struct seen *s, const struct question_search *q, struct arena *a, struct movie_page *ret)
{
	struct arena *scratch CLEANUP(arena_free) = NULL;
	struct search_run *run;
	int r;

	assert(s->magic == SEEN_MAGIC && q->page >= 1);
	r = arena_new(SCRATCH_MAX, &scratch);
	if (r < 0)
		return r;
	run = arena_alloc(scratch, sizeof(*run));
	if (!run)
		return -ENOMEM;
	run->seen = s;
	run->question = q;
	run->year = question_search_year(q);
	run->scratch = scratch;
	if (run->year >= 0)
		r = find_and_rank(run, a);
	return r < 0 ? r : page_of(run, a, ret);
}

int seen_brief(struct seen *s, int64_t id, struct arena *a, struct movie_brief *ret)
{
	struct arena *scratch CLEANUP(arena_free) = NULL;
	struct store_rows rows;
	struct movie_item item;
	char ids[32];
	int r;

	assert(s->magic == SEEN_MAGIC);
	r = arena_new(SCRATCH_MAX, &scratch);
	if (r < 0)
		return r;
	snprintf(ids, sizeof(ids), "[%lld]", (long long)id);
	r = store_read(s->options.store, sql_film_items, STORE_ARGS(STORE_S(str_from(ids)), STORE_I(seen_since_ms(s))),
	               scratch, &rows);
	if (r < 0)
		return error_for_caller(r);
	r = item_of(&rows, id, a, &item);
	if (r < 0)
		return r;
	*ret = (struct movie_brief){ item.id, item.title, item.year, item.poster_path };
	return 0;
}
