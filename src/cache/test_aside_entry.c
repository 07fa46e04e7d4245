/* Entries: their form in L2 and what is refused as such, the draws, the lives. */
#include "cache/test_aside_fixture.h"
#include <xxhash.h>

#include <math.h>

static const struct str key = { "movie/603", 9 };

static struct aside_entry *entry(const char *text, struct str validator)
{
	const struct aside_life life = { 1000, 2000, 4000 };
	struct aside_entry *e =
	        aside_entry_new(&text_ops, text ? text_new(str_from(text)) : NULL, &life, validator, 37);

	assert_non_null(e);
	return e;
}

/* Into memory of exactly that size, so that a read past it is seen. */
static char *envelope(const char *text, struct str validator, size_t *ret_len)
{
	struct aside_entry *e CLEANUP(aside_entry_unref) = entry(text, validator);
	struct buf b CLEANUP(buf_done) = { 0 };
	char *copy;

	buf_init(&b, 10000);
	aside_entry_encode(e, key, &b);
	assert_int_equal(buf_error(&b), 0);
	copy = malloc(b.len);
	assert_non_null(copy);
	memcpy(copy, b.data, b.len);
	*ret_len = b.len;
	return copy;
}

static int decode(const char *bytes, size_t len)
{
	struct aside_entry *e CLEANUP(aside_entry_unref) = NULL;

	return aside_entry_decode(&text_ops, key, (struct str){ bytes, len }, &e);
}

static void an_entry_comes_back_as_it_went(void **state)
{
	struct aside_entry *e CLEANUP(aside_entry_unref) = NULL;
	size_t len;
	char *bytes = envelope("the value", STR("\"v1\""), &len);

	(void)state;
	now_ms += 500;
	assert_int_equal(aside_entry_decode(&text_ops, key, (struct str){ bytes, len }, &e), 0);
	assert_string_equal(((struct text *)e->value)->bytes, "the value");
	assert_int_equal(e->created_ms, test_real() - 500);
	assert_int_equal(e->born_ms, now_ms - 500);
	assert_int_equal(e->life.fresh_ms, 1000);
	assert_int_equal(e->life.stale_ms, 2000);
	assert_int_equal(e->life.error_ms, 4000);
	assert_int_equal(e->delta_ms, 37);
	assert_true(str_equal(aside_entry_validator(e), STR("\"v1\"")));
	free(bytes);
}

static void an_absent_one_too(void **state)
{
	struct aside_entry *e CLEANUP(aside_entry_unref) = NULL;
	size_t len;
	char *bytes = envelope(NULL, STR_NULL, &len);

	(void)state;
	assert_int_equal(aside_entry_decode(&text_ops, key, (struct str){ bytes, len }, &e), 0);
	assert_null(e->value);
	assert_true(str_is_null(aside_entry_validator(e)));
	free(bytes);
}

static void no_flipped_bit_is_accepted(void **state)
{
	size_t len;
	char *bytes = envelope("the value", STR("\"v1\""), &len);

	(void)state;
	for (size_t bit = 0; bit < len * 8; bit++) {
		bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
		assert_int_equal(decode(bytes, len), -EBADMSG);
		bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
	}
	for (size_t i = 0; i < len; i++) {
		char was = bytes[i];

		for (int value = 0; value < 256; value++) {
			bytes[i] = (char)value;
			assert_int_equal(decode(bytes, len), bytes[i] == was ? 0 : -EBADMSG);
		}
		bytes[i] = was;
	}
	free(bytes);
}

static void no_part_of_one_is_accepted(void **state)
{
	size_t len;
	char *bytes = envelope("the value", STR("\"v1\""), &len);

	(void)state;
	for (size_t shorter = 0; shorter < len; shorter++) {
		char *part = malloc(shorter + 1);

		assert_non_null(part);
		memcpy(part, bytes, shorter);
		assert_int_equal(decode(part, shorter), -EBADMSG);
		free(part);
	}
	free(bytes);
}

static void nor_one_with_more_behind(void **state)
{
	size_t len;
	char *bytes = envelope("the value", STR_NULL, &len);
	char *longer = malloc(len + 1);

	(void)state;
	assert_non_null(longer);
	memcpy(longer, bytes, len);
	longer[len] = '\0';
	assert_int_equal(decode(longer, len + 1), -EBADMSG);
	free(longer);
	free(bytes);
}

static void nor_that_of_another_key(void **state)
{
	struct aside_entry *e = NULL;
	size_t len;
	char *bytes = envelope("the value", STR_NULL, &len);

	(void)state;
	assert_int_equal(aside_entry_decode(&text_ops, STR("movie/604"), (struct str){ bytes, len }, &e), -EBADMSG);
	free(bytes);
}

/* Sets a field and makes the checksum right again. */
static int decode_with(size_t at, size_t size, uint64_t number)
{
	size_t len;
	char *bytes = envelope("value", STR("v"), &len);
	uint64_t sum;
	int r;

	for (size_t i = 0; i < size; i++)
		bytes[at + i] = (char)(uint8_t)(number >> 8 * i);
	sum = XXH3_64bits_withSeed(bytes + 12, len - 12, XXH3_64bits(key.data, key.len));
	for (size_t i = 0; i < 8; i++)
		bytes[4 + i] = (char)(uint8_t)(sum >> 8 * i);
	r = decode(bytes, len);
	free(bytes);
	return r;
}

static void fields_that_make_no_sense_are_refused(void **state)
{
	(void)state;
	assert_int_equal(decode_with(12, 1, 1), 0);
	assert_int_equal(decode_with(12, 1, 2), -EBADMSG);
	assert_int_equal(decode_with(13, 1, 1), -EBADMSG);
	assert_int_equal(decode_with(13, 1, 2), -EBADMSG);
	assert_int_equal(decode_with(14, 2, 0), -EBADMSG);
	assert_int_equal(decode_with(14, 2, 7), -EBADMSG);
	assert_int_equal(decode_with(14, 2, 0xffff), -EBADMSG);
	assert_int_equal(decode_with(16, 8, UINT64_MAX), -EBADMSG);
	for (size_t at = 24; at <= 48; at += 8) {
		assert_int_equal(decode_with(at, 8, 1), 0);
		assert_int_equal(decode_with(at, 8, UINT64_MAX), -EBADMSG);
		assert_int_equal(decode_with(at, 8, ASIDE_AGE_MAX_MS + 1), -EBADMSG);
	}
	assert_int_equal(decode_with(24, 8, ASIDE_AGE_MAX_MS), -EBADMSG);
	assert_int_equal(decode_with(48, 8, 0), -EBADMSG);
	assert_int_equal(decode_with(56, 8, UINT64_MAX), -EBADMSG);
	assert_int_equal(decode_with(56, 8, 4), -EBADMSG);
}

static void the_future_is_refused_and_a_clock_that_is_off_is_not(void **state)
{
	(void)state;
	assert_int_equal(decode_with(16, 8, (uint64_t)test_real() + 60000), 0);
	assert_int_equal(decode_with(16, 8, (uint64_t)test_real() + 60001), -EBADMSG);
}

static void the_past_is_over(void **state)
{
	(void)state;
	assert_int_equal(decode_with(16, 8, (uint64_t)test_real() - 6999), 0);
	assert_int_equal(decode_with(16, 8, (uint64_t)test_real() - 7000), -ESTALE);
}

static void what_decode_refuses_is_refused(void **state)
{
	size_t len;
	char *bytes = envelope("foreign", STR_NULL, &len);

	(void)state;
	assert_int_equal(decode(bytes, len), -EBADMSG);
	free(bytes);
}

static void a_long_validator_is_not_kept(void **state)
{
	char longest[ASIDE_VALIDATOR_MAX + 1];
	struct aside_entry *fits CLEANUP(aside_entry_unref) = NULL;
	struct aside_entry *too_long CLEANUP(aside_entry_unref) = NULL;

	(void)state;
	memset(longest, 'v', sizeof(longest));
	fits = entry("value", (struct str){ longest, ASIDE_VALIDATOR_MAX });
	too_long = entry("value", (struct str){ longest, ASIDE_VALIDATOR_MAX + 1 });
	assert_int_equal(aside_entry_validator(fits).len, ASIDE_VALIDATOR_MAX);
	assert_true(str_is_null(aside_entry_validator(too_long)));
}

static void lives_are_drawn_within_their_bounds(void **state)
{
	const struct aside_life life = { 1000, 2000, 4000 }, negative = { -1, -1, -1 };
	const struct aside_life endless = { INT64_MAX, INT64_MAX, INT64_MAX };

	(void)state;
	assert_int_equal(aside_life_draw(&life, 0.5, 0).fresh_ms, 1000);
	assert_int_equal(aside_life_draw(&life, 0.5, 0.5).fresh_ms, 750);
	assert_int_equal(aside_life_draw(&life, 0, 0.9).fresh_ms, 1000);
	assert_int_equal(aside_life_sum(&(struct aside_life){ 1, 2, 3 }), 6);
	for (double u = 0; u < 1; u += 0.1) {
		struct aside_life none = aside_life_draw(&negative, 0.5, u);
		struct aside_life most = aside_life_draw(&endless, 0.5, u);

		assert_int_equal(aside_life_sum(&none), 0);
		assert_int_equal(aside_life_sum(&most), ASIDE_AGE_MAX_MS);
	}
}

/* The paper's promise, over seeded draws. */
static void early_draws_are_exponential(void **state)
{
	const int64_t left[] = { 0, 10, 50, 100, 200, 300, 400 };
	/* With fewer the draws themselves would be further off. */
	long draws = MAX(test_rounds(400000, 4000000), 400000L);

	(void)state;
	srandom(2015);
	for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
		double expected = exp(-(double)left[i] / (50 * 2.0));
		long hits = 0;

		for (long n = 0; n < draws; n++)
			hits += aside_early(left[i], 50, 2.0, (double)random() / ((double)RAND_MAX + 1));
		assert_true(fabs((double)hits / (double)draws / expected - 1) < 0.03);
	}
}

static void early_is_never_without_beta_and_always_at_the_end(void **state)
{
	(void)state;
	assert_false(aside_early(0, 100, 0, 0));
	assert_true(aside_early(0, 100, 1, 0.999999));
	assert_true(aside_early(-5, 100, 1, 0.999999));
	assert_false(aside_early(1000000, 1, 1, 0));
}

#define entry_test(f) cmocka_unit_test_setup_teardown(f, plain_up, fixture_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		entry_test(an_entry_comes_back_as_it_went),
		entry_test(an_absent_one_too),
		entry_test(no_flipped_bit_is_accepted),
		entry_test(no_part_of_one_is_accepted),
		entry_test(nor_one_with_more_behind),
		entry_test(nor_that_of_another_key),
		entry_test(fields_that_make_no_sense_are_refused),
		entry_test(the_future_is_refused_and_a_clock_that_is_off_is_not),
		entry_test(the_past_is_over),
		entry_test(what_decode_refuses_is_refused),
		entry_test(a_long_validator_is_not_kept),
		entry_test(lives_are_drawn_within_their_bounds),
		entry_test(early_draws_are_exponential),
		entry_test(early_is_never_without_beta_and_always_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
