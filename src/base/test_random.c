/* Randomness and UUIDs. */
#include "base/random.h"

#include "base/clock.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_fill_fills_every_size(void **state)
{
	(void)state;
	for (size_t len = 0; len <= 2000; len += 13) {
		unsigned char bytes[2001];
		size_t zeros = 0;

		memset(bytes, 0, sizeof(bytes));
		random_fill(bytes, len);
		for (size_t i = 0; i < len; i++)
			zeros += bytes[i] == 0;
		/* About one in 256 is due; a hole of the pool's size would be many more. */
		assert_true(zeros < 8 + len / 16);
		assert_int_equal(bytes[len], 0);
	}
}

static void test_a_child_process_draws_other_numbers(void **state)
{
	unsigned char ours[16], theirs[16];
	int pipe_fds[2], status = -1;
	pid_t child;

	(void)state;
	random_fill(ours, sizeof(ours));
	assert_int_equal(pipe(pipe_fds), 0);
	child = fork();
	if (child == 0) {
		random_fill(theirs, sizeof(theirs));
		_exit(write(pipe_fds[1], theirs, sizeof(theirs)) == (ssize_t)sizeof(theirs) ? 0 : 1);
	}
	random_fill(ours, sizeof(ours));
	assert_int_equal(read(pipe_fds[0], theirs, sizeof(theirs)), sizeof(theirs));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_memory_not_equal(ours, theirs, sizeof(ours));
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* Every bit is set half of the time, and no number comes twice. */
static void test_quick_numbers_are_even(void **state)
{
	enum { N = 20000 };
	static uint64_t seen[N];
	unsigned ones[64] = { 0 };

	(void)state;
	for (size_t i = 0; i < N; i++) {
		seen[i] = random_quick();
		for (size_t bit = 0; bit < 64; bit++)
			ones[bit] += (unsigned)(seen[i] >> bit & 1);
	}
	/* Seven standard deviations of 70 each. */
	for (size_t bit = 0; bit < 64; bit++)
		assert_in_range(ones[bit], N / 2 - 500, N / 2 + 500);
	for (size_t i = 1; i < N; i++)
		assert_int_not_equal(seen[i], seen[i - 1]);
}

static void test_a_child_has_quick_numbers_of_its_own(void **state)
{
	uint64_t ours, theirs = 0;
	int ends[2];
	pid_t pid;

	(void)state;
	(void)random_quick();
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		theirs = random_quick();
		_exit(write(ends[1], &theirs, sizeof(theirs)) == sizeof(theirs) ? 0 : 1);
	}
	assert_true(pid > 0);
	ours = random_quick();
	assert_int_equal(read(ends[0], &theirs, sizeof(theirs)), sizeof(theirs));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(ends[0]);
	close(ends[1]);
	assert_int_not_equal(ours, theirs);
}

static void test_below_is_even_and_bounded(void **state)
{
	int counts[6] = { 0 };

	(void)state;
	for (int i = 0; i < 60000; i++)
		counts[random_below(6)]++;
	/* 10000 expected, standard deviation 91. */
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		assert_in_range(counts[i], 9300, 10700);
	assert_int_equal(random_below(1), 0);
	assert_true(random_below(UINT64_MAX) < UINT64_MAX);
}

static void test_unit_stays_below_one(void **state)
{
	double sum = 0;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		double value = random_unit();

		assert_true(value >= 0 && value < 1);
		sum += value;
	}
	assert_true(sum > 4700 && sum < 5300);
}

static void test_uuid_v7_layout(void **state)
{
	char first[UUID_SIZE], second[UUID_SIZE], head[14];
	int64_t before_ms = clock_real_ms(), ms;

	(void)state;
	uuid_v7(first);
	uuid_v7(second);
	assert_true(uuid_is_valid(str_from(first)));
	assert_string_not_equal(first, second);
	assert_int_equal(first[14], '7');
	assert_non_null(strchr("89ab", first[19]));
	memcpy(head, first, 8);
	memcpy(head + 8, first + 9, 4);
	head[12] = '\0';
	ms = strtoll(head, NULL, 16);
	assert_true(ms >= before_ms && ms <= clock_real_ms());
}

static void test_uuid_is_valid(void **state)
{
	static const char *const bad[] = {
		"",
		"0190163d-8694-739b-aea5-966c26f8ad9",
		"0190163d-8694-739b-aea5-966c26f8ad911",
		"0190163d-8694-739b-aea5_966c26f8ad91",
		"0190163d-8694-739b-aea5-966c26f8ad9g",
		"0190163d08694-739b-aea5-966c26f8ad91",
		"{190163d-8694-739b-aea5-966c26f8ad91",
	};

	(void)state;
	assert_true(uuid_is_valid(STR("0190163d-8694-739b-AEA5-966c26f8ad91")));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(uuid_is_valid(str_from(bad[i])));
	assert_false(uuid_is_valid(STR_NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fill_fills_every_size),
		cmocka_unit_test(test_a_child_process_draws_other_numbers),
		cmocka_unit_test(test_quick_numbers_are_even),
		cmocka_unit_test(test_a_child_has_quick_numbers_of_its_own),
		cmocka_unit_test(test_below_is_even_and_bounded),
		cmocka_unit_test(test_unit_stays_below_one),
		cmocka_unit_test(test_uuid_v7_layout),
		cmocka_unit_test(test_uuid_is_valid),
	};

	return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
