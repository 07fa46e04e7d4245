/* What the tests of questions share: an arena, dice, and questions to ask. */
#ifndef CINESYNC_MOVIE_QUESTION_TESTING_H
#define CINESYNC_MOVIE_QUESTION_TESTING_H

#include "base/test_rounds.h"
#include "movie/question.h"
#include "schema/sample.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

static struct arena *arena;
static struct sample_random dice;

static inline int arena_before(void **state)
{
	const char *given = getenv("TEST_SEED");

	(void)state;
	dice.state = given && *given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	return arena_new((size_t)64 << 20, &arena);
}

static inline int arena_after(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static inline struct str key_of(struct question q)
{
	struct buf key CLEANUP(buf_done);
	struct str copy;

	buf_init(&key, 4096);
	buf_adds(&key, "before:");
	assert_int_equal(question_key(&q, arena, &key), 0);
	assert_true(str_starts(buf_str(&key), STR("before:")));
	assert_int_equal(arena_copy(arena, str_slice(buf_str(&key), 7, key.len), &copy), 0);
	return copy;
}

static inline bool same(struct question a, struct question b)
{
	return str_equal(key_of(a), key_of(b));
}

static inline void normalise(struct question *q, bool knows_languages)
{
	assert_int_equal(question_normalise(q, knows_languages, STR("pt-br"), arena), 0);
}

static inline struct question search(const char *query)
{
	return (struct question){ .kind = QUESTION_SEARCH, .of.search = { .query = str_from(query), .page = 1 } };
}

static inline struct question film(enum question_kind kind, int64_t id)
{
	return (struct question){ .kind = kind, .path.movie_id = id };
}

/* Whatever its table lets through, and some more: patterns are not kept to. */
static inline struct question random_question(enum question_kind kind)
{
	struct question q = { .kind = kind };

	if (question_type(kind)->query)
		sample_fill_message(&dice, arena, question_type(kind)->query, &q.of);
	if (question_type(kind)->has_path)
		q.path.movie_id = 1 + (int64_t)sample_below(&dice, INT32_MAX);
	return q;
}

#define QUESTION_TEST(f) cmocka_unit_test_setup_teardown(f, arena_before, arena_after)

#endif
