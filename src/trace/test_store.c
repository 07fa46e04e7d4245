/* What the store keeps, what goes first, and that its memory has an end. */
#include "trace/test_support.h"

#include "base/random.h"

#include <errno.h>
#include <stdlib.h>

#define BYTES_MAX ((size_t)16 << 20)

static struct store_stats stats_of(const struct store *s)
{
	struct store_stats stats;

	store_stats_get(s, &stats);
	return stats;
}

static void test_a_span_is_kept_whole(void **state UNUSED)
{
	struct store *s CLEANUP(store_free) = store_make(10, BYTES_MAX);
	struct trace_attribute attributes[] = { text_attribute("http.route", "/movies"),
		                                { .key = STR("n"), .kind = TRACE_INT } };
	struct trace_event event = { NOON, STR("retry"), attributes, 1 };
	struct trace_link link = { { 1 }, { 2 } };
	struct trace_span span = span_of(1, 2, 3);
	const struct trace_span *kept;
	uint8_t id[TRACE_ID_LEN];

	attributes[1].value.integer = -5;
	span.attributes = attributes;
	span.n_attributes = 2;
	span.events = &event;
	span.n_events = 1;
	span.links = &link;
	span.n_links = 1;
	span.status_text = STR("why");
	store_take(s, &span);
	/* Nothing of it points to where it came from. */
	memset(attributes, 0, sizeof(attributes));
	memset(&event, 0, sizeof(event));
	id_make(1, id);
	kept = store_find(s, id)->spans[0];
	assert_true(str_equal(kept->name, span.name) && str_equal(kept->status_text, STR("why")));
	assert_true(kept->n_attributes == 2 && str_equal(kept->attributes[0].text, STR("/movies")));
	assert_int_equal(kept->attributes[1].value.integer, -5);
	assert_true(kept->n_events == 1 && str_equal(kept->events[0].name, STR("retry")));
	assert_true(str_equal(kept->events[0].attributes[0].key, STR("http.route")));
	assert_true(kept->n_links == 1 && kept->links[0].span_id[0] == 2);
	assert_true(str_equal(kept->process->service, STR("cinesync-movie")) && kept->process != span.process);
}

static void test_spans_of_one_process_share_it(void **state UNUSED)
{
	struct store *s CLEANUP(store_free) = store_make(10, BYTES_MAX);
	struct trace_span one = span_of(1, 1, 0), two = span_of(2, 1, 0), other = span_of(2, 2, 1);

	other.process = process_of("cinesync-user");
	store_take(s, &one);
	store_take(s, &two);
	store_take(s, &other);
	assert_int_equal(stats_of(s).processes, 2);
}

static void test_a_span_that_comes_again_counts_once(void **state UNUSED)
{
	struct store *s CLEANUP(store_free) = store_make(10, BYTES_MAX);
	struct trace_span span = span_of(1, 1, 0);

	store_take(s, &span);
	store_take(s, &span);
	assert_int_equal(stats_of(s).spans, 1);
	assert_int_equal(stats_of(s).duplicates, 1);
}

static void test_the_oldest_goes(void **state UNUSED)
{
	struct store *s CLEANUP(store_free) = store_make(3, BYTES_MAX);
	struct trace_span span;

	for (unsigned i = 1; i <= 3; i++) {
		span = span_of(i, 1, 0);
		store_take(s, &span);
	}
	/* A new span makes the first the last that changed. */
	span = span_of(1, 2, 1);
	store_take(s, &span);
	span = span_of(4, 1, 0);
	store_take(s, &span);
	assert_true(store_has(s, 1) && !store_has(s, 2) && store_has(s, 3) && store_has(s, 4));
	assert_int_equal(stats_of(s).evicted, 1);
}

static void test_slow_and_failed_stay_longest(void **state UNUSED)
{
	struct store *s CLEANUP(store_free) = store_make(10, BYTES_MAX);
	struct trace_span span = span_of(1, 1, 0);

	span.status = TRACE_STATUS_ERROR;
	store_take(s, &span);
	span = span_of(2, 1, 0);
	span.end_ns = NOON + 500 * MS;
	store_take(s, &span);
	for (unsigned i = 3; i < 103; i++) {
		span = span_of(i, 1, 0);
		store_take(s, &span);
	}
	assert_true(store_has(s, 1) && store_has(s, 2) && store_has(s, 102) && !store_has(s, 94));
	assert_int_equal(stats_of(s).traces, 10);
	assert_int_equal(stats_of(s).evicted_kept, 0);
}

static void test_a_flood_of_errors_leaves_room_for_the_others(void **state UNUSED)
{
	struct store *s CLEANUP(store_free) = store_make(10, BYTES_MAX);
	struct trace_span span;

	for (unsigned i = 1; i <= 5; i++) {
		span = span_of(i, 1, 0);
		store_take(s, &span);
	}
	for (unsigned i = 100; i < 200; i++) {
		span = span_of(i, 1, 0);
		span.status = TRACE_STATUS_ERROR;
		store_take(s, &span);
	}
	for (unsigned i = 1; i <= 5; i++)
		assert_true(store_has(s, i));
	assert_true(store_has(s, 199) && !store_has(s, 100));
	assert_int_equal(stats_of(s).traces_kept, 5);
}

static void test_a_full_trace_refuses(void **state UNUSED)
{
	struct store *s CLEANUP(store_free) = store_make(10, BYTES_MAX);
	const char *reason = NULL;
	struct trace_span span;
	uint8_t id[TRACE_ID_LEN];

	for (unsigned i = 1; i <= 100; i++) {
		span = span_of(1, i, 0);
		store_take(s, &span);
	}
	span = span_of(1, 101, 0);
	assert_int_equal(store_add(s, &span, &reason), -ENOSPC);
	assert_non_null(reason);
	id_make(1, id);
	assert_int_equal(store_find(s, id)->refused, 1);
	assert_int_equal(stats_of(s).refused, 1);
}

static void test_a_trace_takes_its_share_of_memory(void **state UNUSED)
{
	struct store *s CLEANUP(store_free) = store_make(10, 1 << 20);
	char *large = calloc(1, 60001);
	struct trace_attribute attribute;
	const char *reason = NULL;
	unsigned id = 0;
	int r;

	memset(large, 'x', 60000);
	attribute = text_attribute("large", large);
	do {
		struct trace_span span = span_of(1, ++id, 0);

		span.attributes = &attribute;
		span.n_attributes = 1;
		r = store_add(s, &span, &reason);
	} while (r == 0);
	assert_int_equal(r, -ENOSPC);
	assert_int_equal(id, 3); /* an eighth of 1 MiB has room for two of them */
	free(large);
}

/* Whatever comes: never over a limit, and nothing is left or lost. */
static void test_random(void **state UNUSED)
{
	enum { TRACES = 20, BYTES = 1 << 20 };
	struct store *s CLEANUP(store_free) = store_make(TRACES, BYTES);
	char *text = calloc(1, 20001);

	memset(text, 'x', 20000);
	for (int i = 0; i < 20000; i++) {
		struct trace_span span = span_of((unsigned)random_below(60), (unsigned)random_below(30) + 1, 0);
		struct trace_attribute attribute = text_attribute("text", text);
		const char *reason = NULL;
		struct store_stats stats;

		attribute.text.len = random_below(20000);
		span.attributes = &attribute;
		span.n_attributes = 1;
		span.status = random_below(3) == 0 ? TRACE_STATUS_ERROR : TRACE_STATUS_UNSET;
		span.process = process_of(random_below(2) ? "cinesync-user" : "cinesync-movie");
		(void)!store_add(s, &span, &reason);
		store_stats_get(s, &stats);
		assert_true(stats.traces <= TRACES && stats.bytes <= BYTES && stats.traces_kept <= stats.traces);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_span_is_kept_whole),
		cmocka_unit_test(test_spans_of_one_process_share_it),
		cmocka_unit_test(test_a_span_that_comes_again_counts_once),
		cmocka_unit_test(test_the_oldest_goes),
		cmocka_unit_test(test_slow_and_failed_stay_longest),
		cmocka_unit_test(test_a_flood_of_errors_leaves_room_for_the_others),
		cmocka_unit_test(test_a_full_trace_refuses),
		cmocka_unit_test(test_a_trace_takes_its_share_of_memory),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
