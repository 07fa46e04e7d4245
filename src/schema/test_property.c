/* Properties of every message, tried on random values and on damaged JSON. TEST_SEED repeats a run, TEST_ROUNDS makes
 * it longer. */
#include "base/test_rounds.h"
#include "schema/sample.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define ROUNDS 5000
#define ROUNDS_LONG 200000
#define TEXT_MAX 16384
#define ARENA_SIZE_MAX (16u << 20)

static uint64_t seed;
static int64_t rounds = ROUNDS;

static int64_t setting(const char *name, int64_t otherwise)
{
	const char *text = getenv(name);
	int64_t value;

	if (!text || str_to_int64(str_from(text), 0, INT64_MAX, &value) < 0)
		return otherwise;
	return value;
}

static void sample_write(struct sample_random *random, struct arena *a, struct buf *out)
{
	struct sample value;

	sample_fill(random, a, &value);
	buf_reset(out);
	schema_write(&sample_schema, &value, out);
	assert_int_equal(buf_error(out), 0);
}

static void test_write_parse_round_trip(void **state)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct buf first CLEANUP(buf_done), second CLEANUP(buf_done);

	(void)state;
	buf_init(&first, SIZE_MAX);
	buf_init(&second, SIZE_MAX);
	assert_int_equal(arena_new(ARENA_SIZE_MAX, &a), 0);
	for (int64_t i = 0; i < rounds; i++, arena_reset(a)) {
		struct sample_random random = { seed + (uint64_t)i };
		struct sample given, again;
		struct violations v;

		/* given a right value */
		sample_fill(&random, a, &given);
		violations_init(&v, a);
		assert_int_equal(schema_check(&sample_schema, &given, a, &v), 0);
		/* when it is written, read and written again */
		buf_reset(&first);
		buf_reset(&second);
		schema_write(&sample_schema, &given, &first);
		assert_int_equal(schema_parse(&sample_schema, buf_str(&first), a, &again, &v), 0);
		schema_write(&sample_schema, &again, &second);
		/* then neither the value nor the text has changed */
		assert_true(sample_equal(&sample_schema, &given, &again));
		assert_string_equal(buf_str(&first).data, buf_str(&second).data);
	}
}

static void text_insert(char *text, size_t *len, size_t at, const char *what, size_t n)
{
	if (*len + n > TEXT_MAX)
		return;
	memmove(text + at + n, text + at, *len - at);
	memcpy(text + at, what, n);
	*len += n;
}

static void mutate(struct sample_random *random, char *text, size_t *len)
{
	static const char *const tokens[] = {
		"{",       "}",    "[",        "]", ",",  ":",        "\"",
		"null",    "true", "1e999",    "-", "0",  ".5",       "\\u0000",
		"\\ud800", "\xff", "\xc0\x80", " ", "\n", "\"x\":1,", "99999999999999999999",
		"\x7f"
	};
	size_t at = *len ? sample_below(random, *len) : 0;
	const char *token = tokens[sample_below(random, ARRAY_SIZE(tokens))];
	char piece[40];
	size_t n;

	switch (sample_below(random, 5)) {
	case 0: /* a bit */
		if (*len == 0)
			break;
		text[at] = (char)(text[at] ^ (1 << sample_below(random, 8)));
		break;
	case 1: /* an end */
		*len = at;
		break;
	case 2: /* a piece out */
		n = MIN(sample_below(random, 12), *len - at);
		memmove(text + at, text + at + n, *len - at - n);
		*len -= n;
		break;
	case 3: /* a piece twice */
		n = MIN(sample_below(random, sizeof(piece)), *len - at);
		memcpy(piece, text + at, n);
		text_insert(text, len, sample_below(random, *len + 1), piece, n);
		break;
	default:
		text_insert(text, len, at, token, strlen(token));
		break;
	}
}

static void test_damaged_json_never_gives_a_wrong_struct(void **state)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct buf out CLEANUP(buf_done);
	int64_t n_taken = 0;

	(void)state;
	buf_init(&out, TEXT_MAX);
	assert_int_equal(arena_new(ARENA_SIZE_MAX, &a), 0);
	for (int64_t i = 0; i < rounds; i++, arena_reset(a)) {
		struct sample_random random = { ~seed + (uint64_t)i };
		char *text = malloc(TEXT_MAX);
		bool is_taken;
		size_t len;

		/* given a right message with one to three faults */
		sample_write(&random, a, &out);
		assert_non_null(text);
		len = buf_str(&out).len;
		memcpy(text, buf_str(&out).data, len);
		for (size_t n = 1 + sample_below(&random, 3); n > 0; n--)
			mutate(&random, text, &len);
		/* when it is read, from a block that ends where the text ends */
		text = realloc(text, len ? len : 1);
		assert_non_null(text);
		/* then what is taken is right in every respect */
		if (!sample_holds((struct str){ text, len }, a, &is_taken))
			fail_msg("seed %" PRIu64 ", round %" PRId64 ": %.*s", seed, i, (int)len, text);
		n_taken += is_taken;
		free(text);
	}
	print_message("%" PRId64 " of %" PRId64 " damaged messages were still right\n", n_taken, rounds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write_parse_round_trip),
		cmocka_unit_test(test_damaged_json_never_gives_a_wrong_struct),
	};

	seed = (uint64_t)setting("TEST_SEED", (int64_t)time(NULL));
	rounds = test_rounds(ROUNDS, ROUNDS_LONG);
	print_message("TEST_SEED=%" PRIu64 " TEST_ROUNDS=%" PRId64 "\n", seed, rounds);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
