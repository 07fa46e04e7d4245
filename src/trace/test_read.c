/* The readers: what our own writers write comes back the same from both; hostile bytes are refused; limits hold. */
#include "trace/test_support.h"

#include "base/random.h"
#include "telemetry/otlp.h"
#include "trace/read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { BODY_MAX = 1 << 20, SPANS_MAX = 64 };

struct taken {
	struct trace_span *spans[SPANS_MAX];
	struct trace_process *processes[SPANS_MAX];
	size_t n;
};

static int span_take(void *arg, const struct trace_span *span, const char **ret_reason)
{
	struct taken *t = arg;
	size_t size;

	if (t->n == SPANS_MAX) {
		*ret_reason = "enough";
		return -ENOSPC;
	}
	t->spans[t->n] = trace_span_copy(span, &size);
	t->processes[t->n++] = trace_process_copy(span->process, &size);
	return 0;
}

static void taken_done(struct taken *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->spans[i]);
		free(t->processes[i]);
	}
}

typedef int read_fn(struct str body, const struct read_options *options, struct read_result *ret);

static int read_with(read_fn *fn, struct str body, struct taken *t, struct read_result *ret)
{
	struct read_options options = { .text_max = 256, .take = span_take, .arg = t };

	return fn(body, &options, ret);
}

static void nowhere(const struct span *s UNUSED, void *arg UNUSED)
{
}

/* A body of our own, of one span with everything in it. */
static void body_make(const struct otlp_encoding *e, struct buf *ret)
{
	struct buf resource CLEANUP(buf_done);
	struct otlp_request r;
	struct context parent;
	struct span s;

	span_sink_set(nowhere, NULL);
	assert_true(trace_parse(STR("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03"), STR("foo=1"), &parent));
	span_start(&s, "GET /movies/{id}", SPAN_SERVER, &parent);
	span_set_str(&s, "text", STR("a \"quoted\" \xc3\xa9"));
	span_set_int(&s, "int", -5);
	span_set_bool(&s, "bool", true);
	span_set_double(&s, "double", 0.5);
	span_event(&s, "retry", "reason", STR("timeout"));
	span_fail(&s, "503");
	span_end(&s);
	span_sink_set(NULL, NULL);
	s.start_real_ns = NOON;
	s.end_mono_ns = s.start_mono_ns + 5 * MS;
	s.events[0].mono_ns = s.start_mono_ns + MS;
	buf_init(&resource, BODY_MAX);
	e->resource_add(&resource, STR("service.name"), STR("cinesync-movie"));
	e->resource_add(&resource, STR("host.name"), STR("here"));
	buf_init(ret, BODY_MAX);
	e->begin(&r, ret, buf_str(&resource), "1.2.3");
	e->add(&r, &s);
	e->end(&r);
	assert_int_equal(buf_error(ret), 0);
}

static const struct trace_attribute *found(const struct trace_span *s, const char *key)
{
	const struct trace_attribute *a = trace_attribute_find(s->attributes, s->n_attributes, str_from(key));

	assert_non_null(a);
	return a;
}

static void span_check(const struct trace_span *s, const struct trace_process *p)
{
	static const uint8_t parent[] = { 0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7 };

	assert_true(s->trace_id[0] == 0x4b && s->trace_id[15] == 0x36);
	assert_memory_equal(s->parent_id, parent, sizeof(parent));
	assert_true(str_equal(s->name, STR("GET /movies/{id}")) && str_equal(s->state, STR("foo=1")));
	assert_true(s->kind == TRACE_SERVER && s->status == TRACE_STATUS_ERROR);
	assert_true(s->start_ns == NOON && s->end_ns == NOON + 5 * MS);
	assert_true(str_equal(found(s, "text")->text, STR("a \"quoted\" \xc3\xa9")));
	assert_true(found(s, "int")->kind == TRACE_INT && found(s, "int")->value.integer == -5);
	assert_true(found(s, "bool")->kind == TRACE_BOOL && found(s, "bool")->value.boolean);
	assert_true(found(s, "double")->kind == TRACE_DOUBLE && found(s, "double")->value.number == 0.5);
	assert_int_equal(s->n_events, 1);
	assert_true(s->events[0].at_ns == NOON + MS && str_equal(s->events[0].name, STR("retry")));
	assert_true(str_equal(s->events[0].attributes[0].text, STR("timeout")));
	assert_true(str_equal(s->scope, STR("cinesync")) && str_equal(p->service, STR("cinesync-movie")));
	assert_true(p->n_attributes == 1 && str_equal(p->attributes[0].key, STR("host.name")));
}

static void test_what_we_write_is_read(void **state UNUSED)
{
	const struct {
		const struct otlp_encoding *encoding;
		read_fn *fn;
	} both[] = { { &otlp_protobuf, read_protobuf }, { &otlp_json, read_json } };

	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		struct taken t CLEANUP(taken_done) = { .n = 0 };
		struct buf body CLEANUP(buf_done);
		struct read_result result;

		body_make(both[i].encoding, &body);
		assert_int_equal(read_with(both[i].fn, buf_str(&body), &t, &result), 0);
		assert_true(result.taken == 1 && result.refused == 0 && t.n == 1);
		span_check(t.spans[0], t.processes[0]);
	}
}

/* Cut anywhere, and with any byte changed: nothing but an answer; and what cannot be read leaves nothing behind. */
static void test_damaged_bodies(void **state UNUSED)
{
	struct buf body CLEANUP(buf_done);
	size_t bad = 0;

	body_make(&otlp_protobuf, &body);
	for (size_t i = 0; i < 20000; i++) {
		struct taken t CLEANUP(taken_done) = { .n = 0 };
		struct read_result result;
		char *copy = malloc(body.len);
		size_t len = body.len;
		int r;

		memcpy(copy, body.data, body.len);
		if (i < body.len)
			len = i;
		else
			copy[random_below(len)] = (char)random_below(256);
		r = read_with(read_protobuf, (struct str){ copy, len }, &t, &result);
		assert_true(r == 0 || r == -EBADMSG);
		assert_true(r == 0 || t.n == 0);
		bad += r < 0;
		free(copy);
	}
	assert_true(bad > 100);
}

static void test_no_requests(void **state UNUSED)
{
	static const struct {
		read_fn *fn;
		struct str body;
		int r;
	} rows[] = {
		{ read_protobuf, { "", 0 }, 0 },
		{ read_protobuf, { "\x0a\x00", 2 }, 0 },        /* a resource of nothing */
		{ read_protobuf, { "\x7a\x01x", 3 }, 0 },       /* an unknown field */
		{ read_protobuf, { "\x08\x01", 2 }, 0 },        /* a known one of another type */
		{ read_protobuf, { "\x0a\x05", 2 }, -EBADMSG }, /* longer than what is there */
		{ read_protobuf, { "\x0b\x0c", 2 }, -EBADMSG }, /* a group */
		{ read_protobuf, { "\x02\x00", 2 }, -EBADMSG }, /* field 0 */
		{ read_protobuf, { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10 }, -EBADMSG }, /* no end */
		{ read_protobuf, { "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 }, -EBADMSG },
		{ read_protobuf, { "{}", 2 }, -EBADMSG },
		{ read_json, { "{}", 2 }, 0 },
		{ read_json, { "{\"resourceSpans\":[]}", 20 }, 0 },
		{ read_json, { "{\"resourceSpans\":null,\"more\":1}", 31 }, 0 },
		{ read_json, { "", 0 }, -EBADMSG },
		{ read_json, { "[]", 2 }, -EBADMSG },
		{ read_json, { "{\"resourceSpans\":7}", 19 }, -EBADMSG },
		{ read_json, { "{\"resourceSpans\":[7]}", 21 }, -EBADMSG },
		{ read_json, { "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":{}}]}]}", 49 }, -EBADMSG },
		{ read_json, { "{\"resourceSpans\":[", 18 }, -EBADMSG },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct taken t CLEANUP(taken_done) = { .n = 0 };
		struct read_result result;
		int r = read_with(rows[i].fn, rows[i].body, &t, &result);

		if (r != rows[i].r)
			fail_msg("row %zu: %d", i, r);
		assert_int_equal(t.n, 0);
	}
}

#define SPAN_IDS "'traceId':'4bf92f3577b34da6a3ce929d0e0e4736','spanId':'00f067aa0ba902b7'"
#define SPAN_TIMES "'startTimeUnixNano':'1790000000000000000','endTimeUnixNano':1790000000001000000"

/* One span with these members, by JSON with ' for ". */
static int read_one(const char *members, struct taken *t, struct read_result *ret)
{
	struct buf body CLEANUP(buf_done);

	buf_init(&body, BODY_MAX);
	buf_addf(&body, "{'resourceSpans':[{'scopeSpans':[{'spans':[{%s}]}]}]}", members);
	for (size_t i = 0; i < body.len; i++)
		if (body.data[i] == '\'')
			body.data[i] = '"';
	return read_with(read_json, buf_str(&body), t, ret);
}

static void test_spans_that_are_none(void **state UNUSED)
{
	static const char *const rows[] = {
		"",
		SPAN_TIMES,
		SPAN_IDS,
		"'traceId':'00000000000000000000000000000000','spanId':'00f067aa0ba902b7'," SPAN_TIMES,
		"'traceId':'4bf92f35','spanId':'00f067aa0ba902b7'," SPAN_TIMES,
		"'traceId':'4bf92f3577b34da6a3ce929d0e0e473x','spanId':'00f067aa0ba902b7'," SPAN_TIMES,
		SPAN_IDS ",'startTimeUnixNano':'-1','endTimeUnixNano':'5'",
		SPAN_IDS ",'startTimeUnixNano':'99999999999999999999','endTimeUnixNano':'5'",
		"'traceId':7,'spanId':[]," SPAN_TIMES,
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct taken t CLEANUP(taken_done) = { .n = 0 };
		struct read_result result;

		assert_int_equal(read_one(rows[i], &t, &result), 0);
		if (result.taken != 0 || result.refused != 1 || !result.reason)
			fail_msg("row %zu", i);
	}
}

static void test_values_of_every_kind(void **state UNUSED)
{
	static const char members[] = SPAN_IDS
	        "," SPAN_TIMES ",'name':'','kind':9,'attributes':["
	        "{'key':'list','value':{'arrayValue':{'values':[{'intValue':'1'},{'stringValue':'x'},{}]}}},"
	        "{'key':'map','value':{'kvlistValue':{'values':[{'key':'k','value':{'boolValue':false}}]}}},"
	        "{'key':'bytes','value':{'bytesValue':'AAE='}},{'key':'nothing'},{'key':'odd','value':{'intValue':'x'}}"
	        ",7]"
	        ",'status':{'code':2,'message':'why'},'links':[{'traceId':'4bf92f3577b34da6a3ce929d0e0e4736'}]";
	struct taken t CLEANUP(taken_done) = { .n = 0 };
	struct read_result result;
	const struct trace_span *s;

	assert_int_equal(read_one(members, &t, &result), 0);
	assert_int_equal(result.taken, 1);
	s = t.spans[0];
	assert_true(str_equal(s->name, STR("(no name)")) && s->kind == TRACE_UNSPECIFIED);
	assert_true(str_equal(found(s, "list")->text, STR("[1,\"x\",null]")));
	assert_true(str_equal(found(s, "map")->text, STR("{\"k\":false}")));
	assert_true(str_equal(found(s, "bytes")->text, STR("AAE=")));
	assert_true(str_equal(found(s, "nothing")->text, STR("")));
	assert_true(str_equal(s->status_text, STR("why")) && s->n_links == 1);
	assert_true(str_equal(t.processes[0]->service, STR("unknown_service")));
}

/* KeyValue { key, value: { array: { values … } } }, nested deeper than anybody looks. */
static void test_nesting_has_an_end(void **state UNUSED)
{
	struct buf value CLEANUP(buf_done), outer CLEANUP(buf_done);
	struct taken t CLEANUP(taken_done) = { .n = 0 };
	struct read_result result;

	buf_init(&value, BODY_MAX);
	buf_init(&outer, BODY_MAX);
	for (int depth = 0; depth < 2000; depth++)
		buf_adds(&value, "{'arrayValue':{'values':[");
	for (int depth = 0; depth < 2000; depth++)
		buf_adds(&value, "]}}");
	buf_addf(&outer, SPAN_IDS "," SPAN_TIMES ",'attributes':[{'key':'deep','value':%s}]", value.data);
	/* jansson's own limit is 2,048 levels. */
	assert_int_equal(read_one(outer.data, &t, &result), -EBADMSG);
	buf_reset(&value);
	buf_reset(&outer);
	for (int depth = 0; depth < 100; depth++)
		buf_adds(&value, "{'arrayValue':{'values':[");
	for (int depth = 0; depth < 100; depth++)
		buf_adds(&value, "]}}");
	buf_addf(&outer, SPAN_IDS "," SPAN_TIMES ",'attributes':[{'key':'deep','value':%s}]", value.data);
	assert_int_equal(read_one(outer.data, &t, &result), 0);
	assert_true(str_equal(found(t.spans[0], "deep")->text, STR("[[[[[[[[[\"\xe2\x80\xa6\"]]]]]]]]]")));
}

static void test_texts_are_cut_and_made_whole(void **state UNUSED)
{
	struct buf members CLEANUP(buf_done);
	struct taken t CLEANUP(taken_done) = { .n = 0 };
	struct read_result result;

	buf_init(&members, BODY_MAX);
	buf_adds(&members, SPAN_IDS
	         "," SPAN_TIMES
	         ",'name':'a\\nb\\u0085\xd0\xb4\\u0000c','attributes':[{'key':'long','value':{'stringValue':'x");
	for (int i = 0; i < 500; i++)
		buf_adds(&members, "\xc3\xa9");
	buf_adds(&members, "'}}]");
	assert_int_equal(read_one(members.data, &t, &result), 0);
	assert_true(str_equal(t.spans[0]->name, STR("a b  \xd0\xb4 c")));
	assert_int_equal(found(t.spans[0], "long")->text.len, 255); /* 256 would be half a character */
}

static void test_more_attributes_than_are_kept(void **state UNUSED)
{
	struct buf members CLEANUP(buf_done);
	struct taken t CLEANUP(taken_done) = { .n = 0 };
	struct read_result result;

	buf_init(&members, BODY_MAX);
	buf_adds(&members, SPAN_IDS "," SPAN_TIMES ",'droppedAttributesCount':3,'attributes':[");
	for (int i = 0; i < 200; i++)
		buf_addf(&members, "%s{'key':'k%d','value':{'intValue':'%d'}}", i > 0 ? "," : "", i, i);
	buf_adds(&members, "]");
	assert_int_equal(read_one(members.data, &t, &result), 0);
	assert_int_equal(t.spans[0]->n_attributes, TRACE_ATTRIBUTES_MAX);
	assert_int_equal(t.spans[0]->n_dropped, 3 + 200 - TRACE_ATTRIBUTES_MAX);
}

static void test_too_many_values(void **state UNUSED)
{
	struct buf body CLEANUP(buf_done);
	struct taken t CLEANUP(taken_done) = { .n = 0 };
	struct read_result result;

	buf_init(&body, (size_t)4 << 20);
	buf_adds(&body, "{\"resourceSpans\":[{}");
	for (int i = 0; i < READ_JSON_VALUES_MAX; i++)
		buf_adds(&body, ",{}");
	buf_adds(&body, "]}");
	assert_int_equal(read_with(read_json, buf_str(&body), &t, &result), -E2BIG);
}

static void test_the_answers(void **state UNUSED)
{
	struct read_result good = { .taken = 3 }, partial = { .taken = 1, .refused = 300, .reason = "a \"reason\"" };
	struct buf out CLEANUP(buf_done), reason CLEANUP(buf_done);

	buf_init(&out, 4096);
	buf_init(&reason, 4096);
	read_answer_protobuf(&good, &out);
	assert_int_equal(out.len, 0);
	read_answer_protobuf(&partial, &out);
	assert_int_equal(otlp_protobuf.rejected(buf_str(&out), &reason), 300);
	assert_true(str_equal(buf_str(&reason), STR("a \"reason\"")));
	buf_reset(&out);
	buf_reset(&reason);
	read_answer_json(&good, &out);
	assert_string_equal(out.data, "{}");
	buf_reset(&out);
	read_answer_json(&partial, &out);
	assert_int_equal(otlp_json.rejected(buf_str(&out), &reason), 300);
	assert_true(str_equal(buf_str(&reason), STR("a \"reason\"")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_we_write_is_read),
		cmocka_unit_test(test_damaged_bodies),
		cmocka_unit_test(test_no_requests),
		cmocka_unit_test(test_spans_that_are_none),
		cmocka_unit_test(test_values_of_every_kind),
		cmocka_unit_test(test_nesting_has_an_end),
		cmocka_unit_test(test_texts_are_cut_and_made_whole),
		cmocka_unit_test(test_more_attributes_than_are_kept),
		cmocka_unit_test(test_too_many_values),
		cmocka_unit_test(test_the_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
