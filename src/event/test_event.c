/* The envelope: there and back, and everything that is not one. */
#include "event/event.h"

#include "base/context.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct greeting {
	struct str name;
	struct str text;
};

static const struct schema_field greeting_fields[] = {
	{ .name = "name", .type = SCHEMA_STRING, .flags = SCHEMA_REQUIRED, .offset = offsetof(struct greeting, name) },
	{ .name = "text",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE | SCHEMA_MULTILINE,
	  .max = 200000,
	  .offset = offsetof(struct greeting, text) },
};
static const struct schema greeting_schema = SCHEMA("Greeting", struct greeting, greeting_fields, "For tests.");

static int setup(void **state)
{
	struct arena *a = NULL;

	if (arena_new(4 << 20, &a) < 0)
		return -1;
	*state = a;
	return 0;
}

static int teardown(void **state)
{
	struct arena *a = *state;

	arena_free(&a);
	return 0;
}

static struct event make(struct arena *a)
{
	const struct greeting g = { .name = STR("Zoë \"Z\""), .text = STR("one\ntwo") };
	struct event e;

	assert_int_equal(
	        event_make(a, "/cinesync/test", "com.cinesync.greeting.v1", STR("user-1"), &greeting_schema, &g, &e),
	        0);
	return e;
}

static struct str written(struct arena *a, const struct event *e)
{
	struct buf out CLEANUP(buf_done);
	struct str copy;

	buf_init(&out, 1 << 20);
	assert_int_equal(event_write(e, &out), 0);
	copy = arena_str(a, buf_str(&out));
	assert_non_null(copy.data);
	return copy;
}

static int parse(struct arena *a, struct str json, struct event *ret, size_t *ret_violations)
{
	struct violations v;
	int r;

	violations_init(&v, a);
	r = event_parse(json, a, ret, &v);
	*ret_violations = v.n;
	return r;
}

static void assert_str(struct str s, struct str wanted)
{
	if (!str_equal(s, wanted))
		fail_msg("\"%.*s\" is not \"%.*s\"", STR_ARGS(s), STR_ARGS(wanted));
}

static void test_round_trip(void **state)
{
	struct event e = make(*state);
	struct event back;
	struct greeting g;
	struct violations v;
	size_t n;

	assert_int_equal(parse(*state, written(*state, &e), &back, &n), 0);
	assert_str(back.specversion, STR("1.0"));
	assert_str(back.id, e.id);
	assert_str(back.source, STR("/cinesync/test"));
	assert_str(back.type, STR("com.cinesync.greeting.v1"));
	assert_str(back.subject, STR("user-1"));
	assert_str(back.time, e.time);
	assert_str(back.datacontenttype, STR("application/json"));
	assert_true(str_is_null(back.traceparent));
	violations_init(&v, *state);
	assert_int_equal(event_data(&back, &greeting_schema, *state, &g, &v), 0);
	assert_str(g.name, STR("Zoë \"Z\""));
	assert_str(g.text, STR("one\ntwo"));
}

static void test_ids_differ(void **state)
{
	struct event a = make(*state);
	struct event b = make(*state);

	assert_false(str_equal(a.id, b.id));
	assert_int_equal(a.id.len, 36);
}

static void test_takes_the_current_trace(void **state)
{
	struct context c = { .trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
		             .span_id = "00f067aa0ba902b7",
		             .trace_flags = 1,
		             .tracestate = "vendor=1" };
	struct event e;
	struct event back;
	size_t n;

	context_current = &c;
	e = make(*state);
	context_current = NULL;
	assert_int_equal(parse(*state, written(*state, &e), &back, &n), 0);
	assert_str(back.traceparent, STR("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
	assert_str(back.tracestate, STR("vendor=1"));
}

static void test_least_and_foreign_envelopes(void **state)
{
	static const struct str good[] = {
		STR("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\"}"),
		STR("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"comexampleextension\":5,"
		    "\"dataschema\":\"https://example.com/x\",\"subject\":null,\"data\":[1,{\"a\":null}]}"),
		STR("{\"data\":\"text\",\"datacontenttype\":\"application/json; charset=utf-8\",\"type\":\"t\","
		    "\"source\":\"urn:x\",\"id\":\"1\",\"specversion\":\"1.0\"}"),
		STR("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\","
		    "\"datacontenttype\":\"application/geo+json\"}"),
	};
	struct event e;
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(parse(*state, good[i], &e, &n), 0);
		assert_true(str_is_null(e.subject));
	}
}

static void test_hostile_envelopes(void **state)
{
	static const struct str bad[] = {
		STR(""),
		STR("null"),
		STR("[]"),
		STR("{"),
		STR("{}"),
		STR("\xff"),
		STR("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\"}"),
		STR("{\"specversion\":\"1.0\",\"source\":\"/s\",\"type\":\"t\"}"),
		STR("{\"specversion\":\"1.0\",\"id\":\"1\",\"type\":\"t\"}"),
		STR("{\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\"}"),
		STR("{\"specversion\":\"0.3\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\"}"),
		STR("{\"specversion\":1.0,\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\"}"),
		STR("{\"specversion\":\"1.0\",\"id\":\"\",\"source\":\"/s\",\"type\":\"t\"}"),
		STR("{\"specversion\":\"1.0\",\"id\":7,\"source\":\"/s\",\"type\":\"t\"}"),
		STR("{\"specversion\":\"1.0\",\"id\":null,\"source\":\"/s\",\"type\":\"t\"}"),
		STR("{\"specversion\":\"1.0\",\"id\":\"a\\u0000b\",\"source\":\"/s\",\"type\":\"t\"}"),
		STR("{\"specversion\":\"1.0\",\"id\":\"1\",\"id\":\"2\",\"source\":\"/s\",\"type\":\"t\"}"),
		STR("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"time\":\"yesterday\"}"),
		STR("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\"} trailing"),
		STR("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\","
		    "\"datacontenttype\":\"application/xml\",\"data\":\"<a/>\"}"),
	};
	struct event e = { .id = STR("untouched") };
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (parse(*state, bad[i], &e, &n) != -EINVAL || n == 0)
			fail_msg("taken: %s", bad[i].data);
		assert_str(e.id, STR("untouched"));
	}
}

/* An envelope whose data is as long as it takes. */
static struct str envelope_of(struct arena *a, size_t size)
{
	static const char head[] = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"data\":\"";
	char *text = arena_alloc(a, size + 1);

	assert_non_null(text);
	memset(text, 'x', size);
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + size - 2, "\"}", 2);
	return (struct str){ text, size };
}

static void test_size_limit(void **state)
{
	struct event e;
	size_t n;

	assert_int_equal(parse(*state, envelope_of(*state, EVENT_SIZE_MAX), &e, &n), 0);
	assert_int_equal(parse(*state, envelope_of(*state, EVENT_SIZE_MAX + 1), &e, &n), -EINVAL);
	assert_int_equal(n, 1);
}

static void test_too_much_data(void **state)
{
	struct greeting g = { .name = STR("x"), .text = envelope_of(*state, EVENT_SIZE_MAX) };
	struct buf out CLEANUP(buf_done);
	struct event e;

	assert_int_equal(event_make(*state, "/s", "t", STR("u"), &greeting_schema, &g, &e), -EMSGSIZE);
	g.text.len = EVENT_SIZE_MAX - 200;
	assert_int_equal(event_make(*state, "/s", "t", STR("u"), &greeting_schema, &g, &e), 0);
	buf_init(&out, 1 << 20);
	assert_int_equal(event_write(&e, &out), -EMSGSIZE);
}

static void test_data_is_additive_and_needed(void **state)
{
	struct event e = { .data = STR("{\"name\":\"n\",\"added_later\":1}") };
	struct greeting g;
	struct violations v;

	violations_init(&v, *state);
	assert_int_equal(event_data(&e, &greeting_schema, *state, &g, &v), 0);
	e.data = STR("{\"name\":1}");
	assert_int_equal(event_data(&e, &greeting_schema, *state, &g, &v), -EINVAL);
	assert_int_equal(v.n, 1);
	e.data = STR_NULL;
	assert_int_equal(event_data(&e, &greeting_schema, *state, &g, &v), -EINVAL);
	assert_int_equal(v.n, 2);
}

static void test_small_arena(void **state)
{
	const struct greeting g = { .name = STR("a name of some length, more than the arena") };
	struct arena *small CLEANUP(arena_free) = NULL;
	struct event e;

	(void)state;
	assert_int_equal(arena_new(128, &small), 0);
	assert_int_equal(event_make(small, "/s", "t", STR("u"), &greeting_schema, &g, &e), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ids_differ, setup, teardown),
		cmocka_unit_test_setup_teardown(test_takes_the_current_trace, setup, teardown),
		cmocka_unit_test_setup_teardown(test_least_and_foreign_envelopes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_envelopes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_size_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_much_data, setup, teardown),
		cmocka_unit_test_setup_teardown(test_data_is_additive_and_needed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_small_arena, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
