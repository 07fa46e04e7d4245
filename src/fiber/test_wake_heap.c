#include "fiber/wake_heap.h"

#include "fiber/test_runtime.h"

#define N 1000

static unsigned seed = 1;

static unsigned next_random(void)
{
	seed = seed * 1103515245u + 12345u;
	return seed >> 8;
}

static void heap_gives_entries_in_order_of_time(void **state)
{
	struct wake_heap h CLEANUP(wake_heap_done) = { 0 };
	struct wake_entry entries[N] = { 0 };
	int64_t last_ms = INT64_MIN;

	(void)state;
	assert_int_equal(wake_heap_reserve(&h, N), 0);
	for (size_t i = 0; i < N; i++) {
		entries[i].at_ms = next_random() % 100;
		wake_heap_add(&h, &entries[i]);
	}

	for (size_t i = 0; i < N; i++) {
		struct wake_entry *first = wake_heap_first(&h);

		assert_true(first->at_ms >= last_ms);
		last_ms = first->at_ms;
		wake_heap_remove(&h, first);
	}
	assert_null(wake_heap_first(&h));
}

static void heap_stays_in_order_when_entries_leave_from_the_middle(void **state)
{
	struct wake_heap h CLEANUP(wake_heap_done) = { 0 };
	struct wake_entry entries[N] = { 0 };

	(void)state;
	assert_int_equal(wake_heap_reserve(&h, N), 0);
	for (size_t i = 0; i < 50000; i++) {
		struct wake_entry *e = &entries[next_random() % N];

		if (e->place != 0) {
			wake_heap_remove(&h, e);
			assert_int_equal(e->place, 0);
		} else {
			e->at_ms = next_random();
			wake_heap_add(&h, e);
		}
		for (size_t place = 2; i % 100 == 0 && place <= h.count; place++)
			assert_true(h.entries[place / 2]->at_ms <= h.entries[place]->at_ms);
	}
}

static void removing_what_is_not_in_it_is_harmless(void **state)
{
	struct wake_heap h CLEANUP(wake_heap_done) = { 0 };
	struct wake_entry e = { 0 };

	(void)state;
	wake_heap_remove(&h, &e);
	assert_null(wake_heap_first(&h));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heap_gives_entries_in_order_of_time),
		cmocka_unit_test(heap_stays_in_order_when_entries_leave_from_the_middle),
		cmocka_unit_test(removing_what_is_not_in_it_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
