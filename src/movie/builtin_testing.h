/* What the tests of the built-in catalogue share: the catalogue, an arena, and questions whose answers keep to their
 * tables. */
#ifndef CINESYNC_MOVIE_BUILTIN_TESTING_H
#define CINESYNC_MOVIE_BUILTIN_TESTING_H

#include "movie/builtin.h"
#include "movie/builtin_inside.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define FILMS 3824

static struct catalogue *catalogue;
static struct arena *arena;

static inline int catalogue_before(void **state)
{
	(void)state;
	return builtin_new(&catalogue) < 0 ? -1 : arena_new((size_t)1 << 20, &arena);
}

static inline int catalogue_after(void **state)
{
	(void)state;
	catalogue_free(&catalogue);
	arena_free(&arena);
	return 0;
}

static inline struct schema_int number(int64_t value)
{
	return (struct schema_int){ true, value };
}

static inline void assert_keeps_to(const struct schema *schema, const void *value)
{
	struct violations v;

	violations_init(&v, arena);
	if (schema_check(schema, value, arena, &v) < 0)
		fail_msg("%s: %.*s", v.items[0].type, STR_ARGS(v.items[0].msg));
}

static inline int ask(const struct question *q, void *ret)
{
	struct catalogue_meta meta = { 0 };
	int r = catalogue->ask(catalogue, q, arena, ret, &meta);

	if (r == 0)
		assert_keeps_to(question_type(q->kind)->reply, ret);
	return r;
}

static inline struct movie_page page_of(struct question q)
{
	struct movie_page page;

	assert_int_equal(ask(&q, &page), 0);
	assert_true(str_equal(page.source, STR("builtin")));
	assert_null(page.dates);
	return page;
}

static inline struct movie_page search(const struct question_search *q)
{
	return page_of((struct question){ .kind = QUESTION_SEARCH, .of.search = *q });
}

static inline struct movie_page discover(struct question_discover q)
{
	if (str_is_null(q.sort))
		q.sort = STR("popularity.desc");
	q.page = q.page ? q.page : 1;
	return page_of((struct question){ .kind = QUESTION_DISCOVER, .of.discover = q });
}

static inline struct movie_page list(enum question_kind kind, int64_t page)
{
	return page_of((struct question){ .kind = kind, .of.list.page = page });
}

static inline struct movie_page related(enum question_kind kind, int64_t row, int64_t page)
{
	return page_of((struct question){ .kind = kind, .path.movie_id = FILM_ID_BASE + row, .of.list.page = page });
}

/* With the parts, parted by commas. */
static inline struct movie_details details(int64_t row, const char *include)
{
	struct question q = { .kind = QUESTION_DETAILS, .path.movie_id = FILM_ID_BASE + row };
	const struct schema_pair pair = { STR("include"), str_from(include) };
	struct movie_details film;
	struct violations v;

	violations_init(&v, arena);
	assert_int_equal(schema_parse_pairs(question_type(q.kind)->query, "query", &pair, 1, arena, &q.of, &v), 0);
	assert_int_equal(ask(&q, &film), 0);
	return film;
}

static inline const struct movie_item *item(const struct movie_page *page, size_t i)
{
	assert_true(i < page->results.n);
	return (const struct movie_item *)page->results.items + i;
}

static inline bool has_genre(const struct movie_item *film, int64_t id)
{
	for (size_t i = 0; i < film->genre_ids.n; i++)
		if (((const int64_t *)film->genre_ids.items)[i] == id)
			return true;
	return false;
}

static inline int64_t row_of(const char *title)
{
	struct movie_page page = search(&(struct question_search){ .query = str_from(title), .page = 1 });

	assert_true(str_equal(item(&page, 0)->title, str_from(title)));
	return item(&page, 0)->id - FILM_ID_BASE;
}

#define CATALOGUE_TEST(f) cmocka_unit_test_setup_teardown(f, catalogue_before, catalogue_after)

#endif
