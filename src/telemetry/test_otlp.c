/* Spans as OTLP: every field in both encodings. What other people's decoders say is in tests/system and tests/clients.
 */
#include "telemetry/otlp.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#define BODY_MAX 65536

static void nowhere(const struct span *s UNUSED, void *arg UNUSED)
{
}

/* Everything about it is known, its times too. */
static void span_make(struct span *s)
{
	struct context parent;

	span_sink_set(nowhere, NULL);
	assert_true(trace_parse(STR("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03"), STR("foo=1"), &parent));
	span_start(s, "GET /movies/{id}", SPAN_SERVER, &parent);
	memcpy(s->context.span_id, "0123456789abcdef", 16);
	span_set_str(s, "text", STR("a \"quoted\" \xc3\xa9"));
	span_set_int(s, "int", -5);
	span_set_bool(s, "bool", true);
	span_set_double(s, "double", 0.5);
	span_event(s, "retry", "reason", STR("timeout"));
	span_event(s, "plain", NULL, STR_NULL);
	span_fail(s, "503");
	span_end(s);
	s->start_real_ns = 1000000000;
	s->start_mono_ns = 500;
	s->end_mono_ns = 1500;
	s->events[0].mono_ns = 600;
	s->events[1].mono_ns = 700;
	span_sink_set(NULL, NULL);
}

static void request_make(const struct otlp_encoding *e, const struct span *s, size_t n, struct buf *ret)
{
	struct buf resource CLEANUP(buf_done);
	struct otlp_request r;

	buf_init(&resource, BODY_MAX);
	e->resource_add(&resource, STR("service.name"), STR("cinesync-movie"));
	e->resource_add(&resource, STR("empty"), STR(""));
	buf_init(ret, BODY_MAX);
	e->begin(&r, ret, buf_str(&resource), "1.2.3");
	for (size_t i = 0; i < n; i++)
		e->add(&r, s);
	e->end(&r);
	assert_int_equal(r.n, n);
	assert_int_equal(buf_error(ret), 0);
}

static void test_json_has_everything(void **state UNUSED)
{
	static const char expected[] =
	        "{'resourceSpans':[{'resource':{'attributes':["
	        "{'key':'service.name','value':{'stringValue':'cinesync-movie'}},"
	        "{'key':'empty','value':{'stringValue':''}}]},"
	        "'scopeSpans':[{'scope':{'name':'cinesync','version':'1.2.3'},'spans':["
	        "{'traceId':'4bf92f3577b34da6a3ce929d0e0e4736','spanId':'0123456789abcdef',"
	        "'parentSpanId':'00f067aa0ba902b7','flags':771,'traceState':'foo=1','name':'GET /movies/{id}','kind':2,"
	        "'startTimeUnixNano':'1000000000','endTimeUnixNano':'1000001000','attributes':["
	        "{'key':'text','value':{'stringValue':'a \\'quoted\\' \xc3\xa9'}},"
	        "{'key':'int','value':{'intValue':'-5'}},{'key':'bool','value':{'boolValue':true}},"
	        "{'key':'double','value':{'doubleValue':0.5}},{'key':'error.type','value':{'stringValue':'503'}}],"
	        "'events':[{'timeUnixNano':'1000000100','name':'retry','attributes':["
	        "{'key':'reason','value':{'stringValue':'timeout'}}]},{'timeUnixNano':'1000000200','name':'plain'}],"
	        "'status':{'code':2}}]}]}]}";
	struct buf body CLEANUP(buf_done);
	char text[sizeof(expected)];
	struct span s;

	for (size_t i = 0; i < sizeof(expected); i++)
		text[i] = expected[i] == '\'' ? '"' : expected[i];
	span_make(&s);
	request_make(&otlp_json, &s, 1, &body);
	assert_string_equal(body.data, text);
}

static void test_json_of_many_is_json(void **state UNUSED)
{
	struct buf body CLEANUP(buf_done);
	struct span s;
	json_t *root, *spans;

	span_make(&s);
	request_make(&otlp_json, &s, 3, &body);
	root = json_loadb(body.data, body.len, JSON_REJECT_DUPLICATES, NULL);
	spans = json_array_get(json_object_get(json_array_get(json_object_get(root, "resourceSpans"), 0), "scopeSpans"),
	                       0);
	assert_int_equal(json_array_size(json_object_get(spans, "spans")), 3);
	json_decref(root);
}

/* Put together from the .proto files. */
static void test_protobuf_has_everything(void **state UNUSED)
{
	static const char expected[] =
	        "0aca82808000" /* resource_spans, its length in five bytes */
	        "0aaf808080000a200a0c736572766963652e6e616d6512100a0e63696e6573796e632d6d6f7669650a0b0a05656d7074791202"
	        "0a00"                                               /* resource */
	        "128f82808000"                                       /* scope_spans */
	        "0a110a0863696e6573796e631205312e322e33"             /* scope */
	        "12f901"                                             /* span */
	        "0a104bf92f3577b34da6a3ce929d0e0e4736"               /* trace_id */
	        "12080123456789abcdef"                               /* span_id */
	        "220800f067aa0ba902b7"                               /* parent_span_id */
	        "3002"                                               /* kind */
	        "3900ca9a3b00000000"                                 /* start_time_unix_nano */
	        "41e8cd9a3b00000000"                                 /* end_time_unix_nano */
	        "850103030000"                                       /* flags */
	        "1a05666f6f3d31"                                     /* trace_state */
	        "2a10474554202f6d6f766965732f7b69647d"               /* name */
	        "4a170a0474657874120f0a0d61202271756f7465642220c3a9" /* text */
	        "4a120a03696e74120b18fbffffffffffffffff01"           /* int */
	        "4a0a0a04626f6f6c12021001"                           /* bool */
	        "4a130a06646f75626c65120921000000000000e03f"         /* double */
	        "4a130a0a6572726f722e7479706512050a03353033"         /* error.type */
	        "5a250964ca9a3b00000000120572657472791a130a06726561736f6e12090a0774696d656f7574" /* event retry */
	        "5a1009c8ca9a3b000000001205706c61696e"                                           /* event plain */
	        "7a021802" /* status */;
	struct buf body CLEANUP(buf_done);
	struct buf hex CLEANUP(buf_done);
	struct span s;

	span_make(&s);
	request_make(&otlp_protobuf, &s, 1, &body);
	buf_init(&hex, 4096);
	buf_add_hex(&hex, body.data, body.len);
	assert_string_equal(hex.data, expected);
}

/* One key is set before, one after the preset is used: the preset's values count. */
static void preset_span_make(struct span *s, struct span_preset *p, struct str route)
{
	span_sink_set(nowhere, NULL);
	*p = (struct span_preset){ 0 };
	span_preset_str(p, "http.route", route);
	span_preset_int(p, "http.response.status_code", 200);
	span_preset_str(p, "empty", STR(""));
	span_start(s, "x", SPAN_INTERNAL, NULL);
	span_set_str(s, "own", STR("1"));
	span_set_int(s, "http.response.status_code", 500);
	span_set_lasting(s, "url.path", STR("/movies/603"));
	span_preset_use(s, p);
	span_set_str(s, "http.route", STR("/other"));
	span_set_lasting(s, "none", STR(""));
	span_end(s);
	span_sink_set(NULL, NULL);
	assert_true(s->n_attributes == 3 && s->n_dropped == 0);
}

static json_t *attributes_of(const struct buf *body)
{
	json_t *root = json_loadb(body->data, body->len, JSON_REJECT_DUPLICATES, NULL), *spans, *list;

	spans = json_array_get(json_object_get(json_array_get(json_object_get(root, "resourceSpans"), 0), "scopeSpans"),
	                       0);
	list = json_incref(json_object_get(json_array_get(json_object_get(spans, "spans"), 0), "attributes"));
	json_decref(root);
	return list;
}

static void attribute_is(const json_t *attributes, size_t at, const char *key, const char *value)
{
	json_t *a = json_array_get(attributes, at);
	char *text = json_dumps(json_object_get(a, "value"), JSON_COMPACT);

	assert_string_equal(json_string_value(json_object_get(a, "key")), key);
	assert_string_equal(text, value);
	free(text);
}

static void test_a_preset_in_json(void **state UNUSED)
{
	struct buf body CLEANUP(buf_done);
	struct span_preset p;
	struct span s;
	json_t *attributes;

	preset_span_make(&s, &p, STR("/movies/{id}"));
	request_make(&otlp_json, &s, 1, &body);
	attributes = attributes_of(&body);
	assert_int_equal(json_array_size(attributes), 6);
	attribute_is(attributes, 0, "http.route", "{\"stringValue\":\"/movies/{id}\"}");
	attribute_is(attributes, 1, "http.response.status_code", "{\"intValue\":\"200\"}");
	attribute_is(attributes, 2, "empty", "{\"stringValue\":\"\"}");
	attribute_is(attributes, 3, "own", "{\"stringValue\":\"1\"}");
	attribute_is(attributes, 4, "url.path", "{\"stringValue\":\"/movies/603\"}");
	attribute_is(attributes, 5, "none", "{\"stringValue\":\"\"}");
	json_decref(attributes);
}

/* The same span without the preset's bytes. */
static void test_a_preset_is_the_same_in_bytes(void **state UNUSED)
{
	struct buf whole CLEANUP(buf_done);
	struct buf single CLEANUP(buf_done);
	struct span_preset p;
	struct span s;

	preset_span_make(&s, &p, STR("/movies/{id}"));
	assert_true(!p.is_long && p.n_bytes > 0);
	request_make(&otlp_protobuf, &s, 3, &whole);
	p.is_long = true;
	request_make(&otlp_protobuf, &s, 3, &single);
	assert_int_equal(whole.len, single.len);
	assert_memory_equal(whole.data, single.data, whole.len);
}

static void test_a_preset_that_is_too_long_loses_nothing(void **state UNUSED)
{
	struct buf body CLEANUP(buf_done);
	struct span_preset p;
	struct span s;
	char route[SPAN_VALUE_SIZE_MAX + 1];

	memset(route, 'r', sizeof(route));
	preset_span_make(&s, &p, (struct str){ route, sizeof(route) });
	assert_true(p.is_long && p.attributes[0].text_len == SPAN_VALUE_SIZE_MAX);
	request_make(&otlp_protobuf, &s, 1, &body);
	assert_non_null(memmem(body.data, body.len, route, SPAN_VALUE_SIZE_MAX));
	assert_null(memmem(body.data, body.len, route, SPAN_VALUE_SIZE_MAX + 1));
	assert_non_null(memmem(body.data, body.len, "/movies/603", 11));
}

/* Every place full, every text as long as it may be. */
static void test_the_largest_span_fits(void **state UNUSED)
{
	static char keys[SPAN_ATTRIBUTES_MAX + SPAN_PRESET_ATTRIBUTES_MAX + SPAN_EVENTS_MAX][100];
	static char text[SPAN_VALUE_SIZE_MAX];
	struct str value = { text, sizeof(text) };
	struct span_preset p = { 0 };
	struct buf body CLEANUP(buf_done);
	struct span s;
	size_t k = 0;

	memset(text, 'v', sizeof(text));
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		memset(keys[i], 'a' + (int)(i % 26), sizeof(keys[i]) - 1 - i / 26);
	span_sink_set(nowhere, NULL);
	span_start(&s, keys[0], SPAN_INTERNAL, NULL);
	memset(s.context.tracestate, 't', TRACESTATE_SIZE - 1);
	s.context.tracestate[TRACESTATE_SIZE - 1] = '\0';
	for (size_t i = 0; i < SPAN_ATTRIBUTES_MAX; i++)
		span_set_lasting(&s, keys[k++], value);
	for (size_t i = 0; i < SPAN_PRESET_ATTRIBUTES_MAX; i++)
		span_preset_str(&p, keys[k++], value);
	span_preset_use(&s, &p);
	for (size_t i = 0; i < SPAN_EVENTS_MAX; i++)
		span_event(&s, keys[k + i], keys[k + i], value);
	span_fail(&s, keys[1]);
	span_end(&s);
	span_sink_set(NULL, NULL);
	assert_int_equal(s.n_attributes, SPAN_ATTRIBUTES_MAX);
	request_make(&otlp_protobuf, &s, 1, &body);
}

static void test_a_text_that_is_not_utf8_spoils_nothing(void **state UNUSED)
{
	static const char mended[] = "\x0a\x05"
	                             "a?b?c";
	struct buf body CLEANUP(buf_done);
	struct span s;

	span_sink_set(nowhere, NULL);
	span_start(&s, "x", SPAN_INTERNAL, NULL);
	span_set_str(&s, "text",
	             STR("a\xff"
	                 "b\xc3"
	                 "c"));
	span_end(&s);
	span_sink_set(NULL, NULL);
	request_make(&otlp_protobuf, &s, 1, &body);
	assert_non_null(memmem(body.data, body.len, mended, sizeof(mended) - 1));
}

/* What does not fit leaves what was there before whole. */
static void spans_until_full(const struct otlp_encoding *e, const struct span *s)
{
	struct buf body CLEANUP(buf_done);
	struct otlp_request r;
	size_t len = 0, n = 0;

	buf_init(&body, 2000);
	e->begin(&r, &body, STR(""), "1");
	while (buf_error(&body) == 0) {
		len = body.len;
		n = r.n;
		e->add(&r, s);
	}
	assert_true(n >= 2 && r.n == n && body.len == len);
	assert_int_equal(buf_error(&body), -ENOBUFS);
}

static void test_what_does_not_fit_is_left_out(void **state UNUSED)
{
	struct span s;

	span_make(&s);
	spans_until_full(&otlp_json, &s);
	spans_until_full(&otlp_protobuf, &s);
}

static void rejects(const struct otlp_encoding *e, struct str answer, size_t n, const char *reason)
{
	struct buf text CLEANUP(buf_done);

	buf_init(&text, 16);
	assert_int_equal(e->rejected(answer, &text), n);
	assert_string_equal(buf_str(&text).data, reason);
}

static void test_partial_success(void **state UNUSED)
{
	rejects(&otlp_json, STR("{}"), 0, "");
	rejects(&otlp_json, STR("{\"partialSuccess\":{\"rejectedSpans\":\"3\",\"errorMessage\":\"no\"}}"), 3, "no");
	rejects(&otlp_json, STR("{\"partialSuccess\":{\"rejectedSpans\":4}}"), 4, "");
	rejects(&otlp_json, STR("{\"partialSuccess\":{\"rejectedSpans\":\"-4\"}}"), 0, "");
	rejects(&otlp_json, STR("no JSON"), 0, "");
	rejects(&otlp_protobuf, STR(""), 0, "");
	rejects(&otlp_protobuf, STR("\x0a\x06\x08\x03\x12\x02no"), 3, "no");
	rejects(&otlp_protobuf, STR("\x0a\x00"), 0, "");
	rejects(&otlp_protobuf,
	        STR("\x0a\x16\x12\x14"
	            "aaaaaaaaaabbbbbbbbbb"),
	        0, "aaaaaaaaaabbbbbb");
	rejects(&otlp_protobuf, STR("\x0a\x7f\x08\x03"), 0, "");
	rejects(&otlp_protobuf, STR("\x0a\x03\x12\x7fn"), 0, "");
	rejects(&otlp_protobuf, STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), 0, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_has_everything),
		cmocka_unit_test(test_json_of_many_is_json),
		cmocka_unit_test(test_protobuf_has_everything),
		cmocka_unit_test(test_a_preset_in_json),
		cmocka_unit_test(test_a_preset_is_the_same_in_bytes),
		cmocka_unit_test(test_a_preset_that_is_too_long_loses_nothing),
		cmocka_unit_test(test_the_largest_span_fits),
		cmocka_unit_test(test_a_text_that_is_not_utf8_spoils_nothing),
		cmocka_unit_test(test_what_does_not_fit_is_left_out),
		cmocka_unit_test(test_partial_success),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
