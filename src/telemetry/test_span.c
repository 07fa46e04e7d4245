/* Spans: parents, the current context, attributes, the sink. */
#include "telemetry/trace.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>

static void fill(struct span *s)
{
	memset(s, 0xa5, sizeof(*s)); /* nothing may be taken from what was there before */
}

static void nowhere(const struct span *s UNUSED, void *arg UNUSED)
{
}

/* Somebody wants to know. */
static int sink_set(void **state UNUSED)
{
	span_sink_set(nowhere, NULL);
	return 0;
}

static void test_root_becomes_current_and_gives_back(void **state UNUSED)
{
	struct span s;

	fill(&s);
	assert_null(context_current);
	span_start(&s, "root", SPAN_SERVER, NULL);
	assert_ptr_equal(context_current, &s.context);
	assert_int_equal(strlen(s.context.trace_id), 32);
	assert_int_equal(strlen(s.context.span_id), 16);
	assert_string_equal(s.parent_id, "");
	assert_int_equal(s.n_attributes, 0);
	assert_true(span_duration_us(&s) >= 0);
	span_end(&s);
	assert_null(context_current);
	assert_true(s.end_mono_ns >= s.start_mono_ns);
	assert_null(s.error);
}

static void test_child_of_current(void **state UNUSED)
{
	struct span outer, inner;

	fill(&inner);
	span_start(&outer, "outer", SPAN_SERVER, NULL);
	span_start(&inner, "inner", SPAN_CLIENT, NULL);
	assert_string_equal(inner.context.trace_id, outer.context.trace_id);
	assert_string_equal(inner.parent_id, outer.context.span_id);
	assert_string_not_equal(inner.context.span_id, outer.context.span_id);
	assert_int_equal(inner.context.trace_flags, outer.context.trace_flags);
	span_end(&inner);
	assert_ptr_equal(context_current, &outer.context);
	span_end(&outer);
}

static void test_child_of_remote_parent_inherits_all(void **state UNUSED)
{
	struct context remote;
	struct span s;

	fill(&s);
	assert_true(trace_parse(STR("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03"), STR("foo=1,bar=2"),
	                        &remote));
	span_start(&s, "GET /", SPAN_SERVER, &remote);
	assert_string_equal(s.context.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
	assert_string_equal(s.parent_id, "00f067aa0ba902b7");
	assert_string_equal(s.context.tracestate, "foo=1,bar=2");
	assert_int_equal(s.context.trace_flags, 3);
	span_end(&s);
}

static void test_parent_without_ids_gives_a_root(void **state UNUSED)
{
	struct context empty = { 0 };
	struct span s;

	span_start(&s, "root", SPAN_INTERNAL, &empty);
	assert_string_equal(s.parent_id, "");
	assert_int_equal(strlen(s.context.trace_id), 32);
	span_end(&s);
}

static void test_attributes(void **state UNUSED)
{
	struct span s;

	fill(&s);
	span_start(&s, "work", SPAN_INTERNAL, NULL);
	span_set_str(&s, "a", STR("text"));
	span_set_int(&s, "b", -7);
	span_set_bool(&s, "c", true);
	span_set_double(&s, "d", 0.5);
	span_set_str(&s, "e", STR_NULL);
	span_set_int(&s, "a", 3); /* replaces */
	span_set_str(&s, "b", STR("now text"));
	span_fail(&s, "timeout");
	span_end(&s);
	assert_int_equal(s.n_attributes, 5);
	assert_int_equal(s.attributes[0].kind, SPAN_ATTRIBUTE_INT);
	assert_int_equal(s.attributes[0].value.integer, 3);
	assert_true(str_equal(span_attribute_text(&s, &s.attributes[1]), STR("now text")));
	assert_true(s.attributes[2].value.boolean);
	assert_true(s.attributes[3].value.number == 0.5);
	assert_int_equal(span_attribute_text(&s, &s.attributes[4]).len, 0);
	assert_string_equal(s.error, "timeout");
}

static void test_attributes_over_the_limit_are_counted(void **state UNUSED)
{
	static const char *const keys[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j",
		                            "k", "l", "m", "n", "o", "p", "q", "r", "s" };
	struct span s;

	span_start(&s, "work", SPAN_INTERNAL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		span_set_int(&s, keys[i], (int64_t)i);
	span_set_str(&s, "a", STR("still replaced"));
	span_end(&s);
	assert_int_equal(s.n_attributes, SPAN_ATTRIBUTES_MAX);
	assert_int_equal(s.n_dropped, ARRAY_SIZE(keys) - SPAN_ATTRIBUTES_MAX);
	assert_int_equal(s.attributes[0].kind, SPAN_ATTRIBUTE_STR);
}

static void test_text_is_cut_at_a_character(void **state UNUSED)
{
	char text[SPAN_VALUE_SIZE_MAX + 2];
	struct str cut;
	struct span s;

	/* given 255 bytes and then a two-byte character across the limit */
	memset(text, 'x', sizeof(text));
	memcpy(text + SPAN_VALUE_SIZE_MAX - 1, "\xc3\xa9", 2);
	span_start(&s, "work", SPAN_INTERNAL, NULL);
	span_set_str(&s, "a", (struct str){ text, sizeof(text) });
	cut = span_attribute_text(&s, &s.attributes[0]);
	assert_int_equal(cut.len, SPAN_VALUE_SIZE_MAX - 1);
	assert_int_equal(cut.data[cut.len - 1], 'x');
	span_end(&s);
}

static void test_text_of_all_attributes_is_bounded(void **state UNUSED)
{
	static const char *const keys[] = { "a", "b", "c", "d", "e", "f" };
	char text[400];
	struct span s;

	memset(text, 'x', sizeof(text));
	span_start(&s, "work", SPAN_INTERNAL, NULL);
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
			span_set_str(&s, keys[i], (struct str){ text, sizeof(text) });
	assert_int_equal(s.text_len, SPAN_TEXT_SIZE);
	span_end(&s);
}

static void test_events(void **state UNUSED)
{
	struct span s;

	fill(&s);
	span_start(&s, "work", SPAN_INTERNAL, NULL);
	span_set_str(&s, "a", STR("one"));
	span_event(&s, "retry", "reason", STR("timeout"));
	for (int i = 0; i < SPAN_EVENTS_MAX + 2; i++)
		span_event(&s, "again", NULL, STR_NULL);
	span_end(&s);
	assert_int_equal(s.n_events, SPAN_EVENTS_MAX);
	assert_int_equal(s.n_events_dropped, 3);
	assert_string_equal(s.events[0].name, "retry");
	assert_true(str_equal(span_attribute_text(&s, &s.events[0].attribute), STR("timeout")));
	assert_true(s.events[0].mono_ns >= s.start_mono_ns && s.events[0].mono_ns <= s.end_mono_ns);
	assert_null(s.events[1].attribute.key);
}

static void test_only_a_parent_that_is_given_is_remote(void **state UNUSED)
{
	struct context remote;
	struct span outer, inner;

	trace_new(&remote);
	fill(&outer);
	fill(&inner);
	span_start(&outer, "outer", SPAN_SERVER, &remote);
	span_start(&inner, "inner", SPAN_INTERNAL, NULL);
	assert_true(outer.parent_is_remote && !inner.parent_is_remote);
	span_end(&inner);
	span_end(&outer);
}

static void test_nothing_is_written_that_nobody_wants(void **state UNUSED)
{
	struct span s;

	/* given no sink, the span still has its ids, and its children theirs */
	span_sink_set(NULL, NULL);
	fill(&s);
	span_start(&s, "work", SPAN_INTERNAL, NULL);
	assert_false(s.is_recording);
	span_set_str(&s, "a", STR("one"));
	span_event(&s, "retry", NULL, STR_NULL);
	span_end(&s);
	span_sink_set(nowhere, NULL);
	assert_int_equal(s.n_attributes + s.n_events + s.n_dropped + s.n_events_dropped, 0);
	assert_int_equal(strlen(s.context.span_id), 16);
}

static void sink_copy(const struct span *s, void *arg)
{
	struct span *last = arg;

	*last = *s;
	assert_ptr_not_equal(context_current, &s->context);
}

static void test_sink_gets_sampled_spans_only(void **state UNUSED)
{
	static struct span last;
	struct context parent;
	struct span s;

	last.name = NULL;
	span_sink_set(sink_copy, &last);
	trace_new(&parent);
	parent.trace_flags = TRACE_FLAG_RANDOM;
	span_start(&s, "unsampled", SPAN_CLIENT, &parent);
	span_end(&s);
	assert_null(last.name);

	parent.trace_flags |= TRACE_FLAG_SAMPLED;
	span_start(&s, "sampled", SPAN_CLIENT, &parent);
	span_set_str(&s, "k", STR("v"));
	span_end(&s);
	span_sink_set(nowhere, NULL);
	assert_string_equal(last.name, "sampled");
	assert_true(str_equal(span_attribute_text(&last, &last.attributes[0]), STR("v")));
	assert_int_equal(span_duration_us(&last), span_duration_us(&s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root_becomes_current_and_gives_back),
		cmocka_unit_test(test_child_of_current),
		cmocka_unit_test(test_child_of_remote_parent_inherits_all),
		cmocka_unit_test(test_parent_without_ids_gives_a_root),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_attributes_over_the_limit_are_counted),
		cmocka_unit_test(test_text_is_cut_at_a_character),
		cmocka_unit_test(test_text_of_all_attributes_is_bounded),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_only_a_parent_that_is_given_is_remote),
		cmocka_unit_test(test_nothing_is_written_that_nobody_wants),
		cmocka_unit_test(test_sink_gets_sampled_spans_only),
	};

	return cmocka_run_group_tests(tests, sink_set, NULL);
}
