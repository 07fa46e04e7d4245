/* For the tests of the TMDB source: the sample answers, and reading them. */
#ifndef CINESYNC_MOVIE_TEST_TMDB_SUPPORT_H
#define CINESYNC_MOVIE_TEST_TMDB_SUPPORT_H

#include "base/embed.h"
#include "movie/question.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* tmdb_samples/ as the build compiled it in. */
extern const struct embedded_file tmdb_samples[];
extern const size_t tmdb_samples_n;

#define TESTING_IMAGES "https://images.example.com/t/p/"
#define TESTING_FILM 101

static inline struct arena *testing_arena(void)
{
	struct arena *a = NULL;

	assert_int_equal(arena_new((size_t)4 << 20, &a), 0);
	return a;
}

static inline struct str testing_sample(const char *name)
{
	struct str sample = embedded_find(tmdb_samples, tmdb_samples_n, name);

	assert_non_null(sample.data);
	return sample;
}

static inline void testing_str(struct str s, const char *expected)
{
	if (!s.data || !str_equal(s, str_from(expected)))
		fail_msg("\"%.*s\" is not \"%s\"", STR_ARGS(s), expected);
}

/* The reply keeps to its table. */
static inline void testing_keeps_to(const struct schema *schema, const void *value, struct arena *a)
{
	struct violations v;

	violations_init(&v, a);
	if (schema_check(schema, value, a, &v) < 0) {
		struct buf text CLEANUP(buf_done);

		buf_init(&text, SIZE_MAX);
		violations_write(&v, &text);
		fail_msg("%s: %s", schema->name, buf_str(&text).data);
	}
}

/* A list of all that details can include. */
static inline struct schema_array testing_all_includes(void)
{
	static struct str includes[QUESTION_INCLUDES];

	for (size_t i = 0; i < QUESTION_INCLUDES; i++)
		includes[i] = str_from(question_includes[i]);
	return (struct schema_array){ QUESTION_INCLUDES, includes };
}

#endif
