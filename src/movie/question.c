/* Questions: the table of their kinds, their one form, copies, asking. Owns nothing; only question_ask() may yield. */
#include "movie/question.h"

#include "movie/language.h"
#include "movie/question_messages.h"

#include <errno.h>
#include <stdlib.h>

/* ---- kinds ---- */

#define LANGUAGE_AT(type) .has_language = true, .language_offset = offsetof(struct type, language)

static const struct question_type types[QUESTION_KINDS] = {
	[QUESTION_SEARCH] = { .name = "search",
	                      .query = &question_search_schema,
	                      .reply = &movie_page_schema,
	                      .life = LIFE_SEARCH,
	                      LANGUAGE_AT(question_search) },
	[QUESTION_DISCOVER] = { .name = "discover",
	                        .query = &question_discover_schema,
	                        .reply = &movie_page_schema,
	                        .life = LIFE_LIST,
	                        LANGUAGE_AT(question_discover) },
	[QUESTION_POPULAR] = { .name = "popular",
	                       .query = &question_list_schema,
	                       .reply = &movie_page_schema,
	                       .life = LIFE_LIST,
	                       LANGUAGE_AT(question_list) },
	[QUESTION_TOP_RATED] = { .name = "top-rated",
	                         .query = &question_list_schema,
	                         .reply = &movie_page_schema,
	                         .life = LIFE_LIST,
	                         LANGUAGE_AT(question_list) },
	[QUESTION_NOW_PLAYING] = { .name = "now-playing",
	                           .query = &question_list_schema,
	                           .reply = &movie_page_schema,
	                           .life = LIFE_LIST,
	                           LANGUAGE_AT(question_list) },
	[QUESTION_UPCOMING] = { .name = "upcoming",
	                        .query = &question_list_schema,
	                        .reply = &movie_page_schema,
	                        .life = LIFE_LIST,
	                        LANGUAGE_AT(question_list) },
	[QUESTION_TRENDING] = { .name = "trending",
	                        .query = &question_trending_schema,
	                        .reply = &movie_page_schema,
	                        .life = LIFE_LIST,
	                        LANGUAGE_AT(question_trending) },
	[QUESTION_GENRES] = { .name = "genres",
	                      .query = &question_language_schema,
	                      .reply = &movie_genres_schema,
	                      .life = LIFE_REFERENCE,
	                      LANGUAGE_AT(question_place) },
	[QUESTION_CONFIGURATION] = { .name = "configuration",
	                             .reply = &movie_configuration_schema,
	                             .life = LIFE_REFERENCE },
	[QUESTION_FIND] = { .name = "find",
	                    .query = &question_find_schema,
	                    .reply = &movie_found_schema,
	                    .life = LIFE_SEARCH,
	                    LANGUAGE_AT(question_find) },
	[QUESTION_DETAILS] = { .name = "details",
	                       .query = &question_details_schema,
	                       .reply = &movie_details_schema,
	                       .life = LIFE_DETAILS,
	                       .has_path = true,
	                       LANGUAGE_AT(question_details) },
	[QUESTION_CREDITS] = { .name = "credits",
	                       .query = &question_language_schema,
	                       .reply = &movie_credits_schema,
	                       .life = LIFE_DETAILS,
	                       .has_path = true,
	                       LANGUAGE_AT(question_place) },
	[QUESTION_VIDEOS] = { .name = "videos",
	                      .query = &question_language_schema,
	                      .reply = &movie_videos_schema,
	                      .life = LIFE_DETAILS,
	                      .has_path = true,
	                      LANGUAGE_AT(question_place) },
	[QUESTION_WATCH_PROVIDERS] = { .name = "watch-providers",
	                               .query = &question_region_schema,
	                               .reply = &movie_watch_providers_schema,
	                               .life = LIFE_DETAILS,
	                               .has_path = true },
	[QUESTION_RECOMMENDATIONS] = { .name = "recommendations",
	                               .query = &question_related_schema,
	                               .reply = &movie_page_schema,
	                               .life = LIFE_LIST,
	                               .has_path = true,
	                               LANGUAGE_AT(question_list) },
	[QUESTION_SIMILAR] = { .name = "similar",
	                       .query = &question_related_schema,
	                       .reply = &movie_page_schema,
	                       .life = LIFE_LIST,
	                       .has_path = true,
	                       LANGUAGE_AT(question_list) },
	[QUESTION_BRIEF] = { .name = "brief", .reply = &movie_brief_schema, .life = LIFE_DETAILS, .has_path = true },
};

const struct question_type *question_type(enum question_kind kind)
{
	assert(kind < QUESTION_KINDS);
	return &types[kind];
}

int question_search_year(const struct question_search *q)
{
	if (q->year.is_set && q->primary_release_year.is_set && q->year.value != q->primary_release_year.value)
		return -1;
	if (q->primary_release_year.is_set)
		return (int)q->primary_release_year.value;
	return q->year.is_set ? (int)q->year.value : 0;
}

bool question_has_include(const struct question *q, const char *include)
{
	const struct str *items = q->of.details.include.items;

	assert(q->kind == QUESTION_DETAILS);
	for (size_t i = 0; i < q->of.details.include.n; i++)
		if (str_equal(items[i], str_from(include)))
			return true;
	return false;
}

/* ---- one form ---- */

static int compare_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int compare_words(const void *a, const void *b)
{
	const struct str *x = a, *y = b;
	int order = memcmp(x->data, y->data, MIN(x->len, y->len));

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

static void sort_single(struct schema_array *list, size_t size, int (*compare)(const void *, const void *))
{
	char *items = list->items;
	size_t n = 0;

	if (list->n < 2)
		return;
	qsort(items, list->n, size, compare);
	for (size_t i = 1; i < list->n; i++)
		if (compare(items + n * size, items + i * size) != 0 && ++n != i)
			memcpy(items + n * size, items + i * size, size);
	list->n = n + 1;
}

static void normalise_discover(struct question_discover *q)
{
	sort_single(&q->genre, sizeof(int64_t), compare_ids);
	sort_single(&q->genre_any, sizeof(int64_t), compare_ids);
	sort_single(&q->watch_provider, sizeof(int64_t), compare_ids);
	if (!str_is_null(q->certification) && str_is_null(q->certification_country))
		q->certification_country = STR("US");
}

static void normalise_details(struct question_details *q)
{
	sort_single(&q->include, sizeof(struct str), compare_words);
	if (str_equal(q->region, STR("US")))
		q->region = STR_NULL;
}

/* The region whose dates are shown; others say which facts are meant, which makes a difference everywhere. */
static struct str *shown_region(struct question *q)
{
	switch (q->kind) {
	case QUESTION_SEARCH:
		return &q->of.search.region;
	case QUESTION_DISCOVER:
		return &q->of.discover.region;
	case QUESTION_POPULAR:
	case QUESTION_TOP_RATED:
	case QUESTION_NOW_PLAYING:
	case QUESTION_UPCOMING:
		return &q->of.list.region;
	default:
		return NULL;
	}
}

static struct str *language_of(struct question *q)
{
	const struct question_type *type = question_type(q->kind);

	return type->has_language ? (struct str *)((char *)&q->of + type->language_offset) : NULL;
}

int question_normalise(struct question *q, bool knows_languages, struct str default_language, struct arena *a)
{
	struct str *language = language_of(q), *region = shown_region(q);

	if (q->kind == QUESTION_DISCOVER)
		normalise_discover(&q->of.discover);
	else if (q->kind == QUESTION_DETAILS)
		normalise_details(&q->of.details);
	if (!knows_languages && region)
		*region = STR_NULL;
	if (!language)
		return 0;
	if (!knows_languages) {
		*language = STR_NULL;
		return 0;
	}
	return language_canonical(str_is_null(*language) ? default_language : *language, a, language);
}

/* ---- copy ---- */

static int copy_words(const struct schema_array *list, struct arena *a, struct schema_array *ret)
{
	struct str *words = arena_array(a, list->n, sizeof(*words));
	const struct str *from = list->items;
	int r = words ? 0 : -ENOMEM;

	for (size_t i = 0; i < list->n && r == 0; i++)
		r = arena_copy(a, from[i], &words[i]);
	if (r == 0)
		*ret = (struct schema_array){ list->n, words };
	return r;
}

static int copy_ids(const struct schema_array *list, struct arena *a, struct schema_array *ret)
{
	int64_t *ids = arena_array(a, list->n, sizeof(*ids));

	if (!ids)
		return -ENOMEM;
	if (list->n > 0)
		memcpy(ids, list->items, list->n * sizeof(*ids));
	*ret = (struct schema_array){ list->n, ids };
	return 0;
}

/* The lists of questions are of numbers or of words. */
static int copy_field(const struct schema_field *f, void *at, struct arena *a)
{
	if (f->type == SCHEMA_ARRAY && f->item == SCHEMA_INT)
		return copy_ids(at, a, at);
	if (f->type == SCHEMA_ARRAY)
		return copy_words(at, a, at);
	if (f->type >= SCHEMA_STRING && f->type <= SCHEMA_ENUM)
		return arena_copy(a, *(struct str *)at, at);
	return 0;
}

int question_copy(const struct question *q, struct arena *a, struct question *ret)
{
	const struct schema *s = question_type(q->kind)->query;
	struct question copy = *q;
	int r = 0;

	for (size_t i = 0; s && i < s->n_fields && r == 0; i++)
		r = copy_field(&s->fields[i], (char *)&copy.of + s->fields[i].offset, a);
	if (r == 0)
		*ret = copy;
	return r;
}

/* ---- ask ---- */

int question_ask(const struct question *q, struct catalogue *c, struct arena *a, struct catalogue_meta *meta,
                 struct buf *ret)
{
	const struct schema *reply = question_type(q->kind)->reply;
	void *value = arena_alloc(a, reply->size);
	int r = value ? c->ask(c, q, a, value, meta) : -ENOMEM;

	if (r < 0 || meta->is_unchanged)
		return r;
	schema_write(reply, value, ret);
	return buf_error(ret);
}
