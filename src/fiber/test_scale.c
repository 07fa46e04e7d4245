/* Many fibers, one after the other and at once: nothing grows. */
#include "fiber/fiber.h"
#include "fiber/switch.h"

#include "fiber/test_runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t n_finished;

/* Pages resident, from /proc/self/statm. */
static long resident_pages(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	char line[128];
	char *resident;

	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	resident = strchr(line, ' ');
	assert_non_null(resident);
	return strtol(resident, NULL, 10);
}

static size_t mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	size_t lines = 0;
	int c;

	assert_non_null(f);
	while ((c = fgetc(f)) != EOF)
		lines += c == '\n';
	fclose(f);
	return lines;
}

static void uses_its_stack(void *arg)
{
	volatile char frame[4096];

	(void)arg;
	frame[0] = frame[sizeof(frame) - 1] = 1;
	assert_int_equal(fiber_yield(), 0);
	n_finished += (size_t)frame[0];
}

static void run_batches(size_t batches, size_t size)
{
	for (size_t i = 0; i < batches; i++) {
		for (size_t j = 0; j < size; j++)
			spawn(uses_its_stack, NULL);
		run_until_idle();
	}
}

static void a_hundred_thousand_fibers_leave_nothing_behind(void **state)
{
	size_t batches = RUNNING_ON_VALGRIND ? 10 : 1000;
	size_t mappings_before;
	long pages_before;

	(void)state;
	run_batches(10, 100);
	mappings_before = mappings();
	pages_before = resident_pages();
	n_finished = 0;

	run_batches(batches, 100);

	assert_int_equal(n_finished, batches * 100);
	assert_in_range(mappings(), 1, mappings_before + 8);
	/* Under AddressSanitizer the memory it quarantines counts too: at most 256 MiB; without it, 1 MiB. */
#ifdef FIBER_ASAN
	assert_true(resident_pages() - pages_before < 65536);
#else
	if (!RUNNING_ON_VALGRIND)
		assert_true(resident_pages() - pages_before < 256);
#endif
}

static void sleeps(void *arg)
{
	assert_int_equal(fiber_sleep_ms(*(int64_t *)arg), 0);
	n_finished++;
}

static void ten_thousand_fibers_live_at_once(void **state)
{
	size_t n = RUNNING_ON_VALGRIND ? 200 : 10000;
	size_t mappings_before;
	struct fiber_stats stats;
	int64_t delay_ms = 50;

	(void)state;
	run_batches(4, 100);
	mappings_before = mappings();
	n_finished = 0;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(fiber_start("sleeps", sleeps, &delay_ms, NULL), 0);
	run_until_idle();

	fiber_stats_get(&stats);
	assert_int_equal(n_finished, n);
	assert_int_equal(stats.alive_max, n);
	assert_int_equal(stats.alive, 0);
	assert_true(stats.stacks_pooled <= 256);
	assert_in_range(mappings(), 1, mappings_before + 2 * 256 + 8);
}

static void sleeps_and_yields(void *arg)
{
	uintptr_t seed = (uintptr_t)arg;

	for (int i = 0; i < 20; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		if ((seed >> 33) % 3 == 0)
			assert_int_equal(fiber_sleep_ms((int64_t)((seed >> 40) % 5)), 0);
		else
			assert_int_equal(fiber_yield(), 0);
	}
	n_finished++;
}

static void a_thousand_fibers_with_sleeps_and_yields_all_end(void **state)
{
	size_t n = RUNNING_ON_VALGRIND ? 100 : 1000;

	(void)state;
	n_finished = 0;
	for (uintptr_t i = 0; i < n; i++)
		spawn(sleeps_and_yields, (void *)i);
	run_until_idle();
	assert_int_equal(n_finished, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fiber_test(a_hundred_thousand_fibers_leave_nothing_behind),
		fiber_test(ten_thousand_fibers_live_at_once),
		fiber_test(a_thousand_fibers_with_sleeps_and_yields_all_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
