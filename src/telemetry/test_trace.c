/* W3C Trace Context in and out; the cases follow the rules of level 2 one by one, many of them hostile. */
#include "base/buf.h"
#include "telemetry/trace.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"
#define PARENT "00-" TRACE "-" SPAN "-01"

/* Heap copies without a NUL behind them let ASan see a byte read too far. */
static bool parse(const char *traceparent, size_t len, struct str tracestate, struct context *ret)
{
	char *copy = malloc(len > 0 ? len : 1);
	bool ok;

	assert_non_null(copy);
	memcpy(copy, traceparent, len);
	ok = trace_parse((struct str){ copy, len }, tracestate, ret);
	free(copy);
	return ok;
}

static void test_traceparent_accepted(void **state UNUSED)
{
	static const struct {
		const char *header;
		uint8_t flags;
	} cases[] = {
		{ PARENT, 1 },
		{ "00-" TRACE "-" SPAN "-00", 0 },
		{ "00-" TRACE "-" SPAN "-02", 2 },
		{ "00-" TRACE "-" SPAN "-03", 3 },
		{ "00-" TRACE "-" SPAN "-ff", 3 },
		{ "00-" TRACE "-" SPAN "-f8", 0 },
		{ "00-" TRACE "-" SPAN "-09", 1 },
		{ " \t" PARENT, 1 },
		{ PARENT " \t ", 1 },
		{ "01-" TRACE "-" SPAN "-01", 1 },
		{ "cc-" TRACE "-" SPAN "-01-", 1 },
		{ "cc-" TRACE "-" SPAN "-01-what-the-future-will-be-like", 1 },
		{ "fe-" TRACE "-" SPAN "-01-.#%", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct context c;

		if (!parse(cases[i].header, strlen(cases[i].header), STR_NULL, &c))
			fail_msg("refused: %s", cases[i].header);
		assert_string_equal(c.trace_id, TRACE);
		assert_string_equal(c.span_id, SPAN);
		assert_int_equal(c.trace_flags, cases[i].flags);
		assert_string_equal(c.tracestate, "");
	}
}

static const char *const refused[] = {
	"",
	" ",
	"-",
	"00",
	"00-",
	"00-" TRACE,
	"00-" TRACE "-",
	"00-" TRACE "-" SPAN,
	"00-" TRACE "-" SPAN "-",
	"00-" TRACE "-" SPAN "-0",
	"00-" TRACE "-" SPAN "-1",
	"00-" TRACE "-" SPAN "-01-",
	"00-" TRACE "-" SPAN "-01-what",
	"00-" TRACE "-" SPAN "-01.",
	"00-" TRACE "-" SPAN "-001",
	"00-" TRACE "-" SPAN "-0G",
	"00-" TRACE "-" SPAN "-.0",
	"00-" TRACE "-" SPAN "-0A",
	"00-" TRACE "-" SPAN "- 1",
	"00-" TRACE "-" SPAN "-+1",
	"00-" TRACE "-" SPAN "-0x",
	"00-00000000000000000000000000000000-" SPAN "-01",
	"00-" TRACE "-0000000000000000-01",
	"00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
	"00-4bf92f3577b34da6a3ce929d0e0e473F-" SPAN "-01",
	"00-" TRACE "-00F067AA0BA902B7-01",
	"00-4bf92f3577b34da6a3ce929d0e0e473g-" SPAN "-01",
	"00-.bf92f3577b34da6a3ce929d0e0e4736-" SPAN "-01",
	"00-4bf92f3577b34da6a3ce929d0e0e473-" SPAN "-01",
	"00-4bf92f3577b34da6a3ce929d0e0e47361-" SPAN "-01",
	"00-" TRACE "-00f067aa0ba902b-01",
	"00-" TRACE "-00f067aa0ba902b77-01",
	"00-" TRACE "-00f067aa0ba902b.-01",
	"00-" TRACE "-00f067aa0ba902b7.01",
	"00-" TRACE "." SPAN "-01",
	"00." TRACE "-" SPAN "-01",
	"00_" TRACE "_" SPAN "_01",
	"00-" TRACE "--0f067aa0ba902b7-01",
	"ff-" TRACE "-" SPAN "-01",
	"ff-" TRACE "-" SPAN "-01-more",
	"FF-" TRACE "-" SPAN "-01",
	"0A-" TRACE "-" SPAN "-01",
	"CC-" TRACE "-" SPAN "-01",
	".0-" TRACE "-" SPAN "-01",
	"0-" TRACE "-" SPAN "-01",
	"000-" TRACE "-" SPAN "-01",
	"0x-" TRACE "-" SPAN "-01",
	"cc-" TRACE "-" SPAN "-0",
	"cc-" TRACE "-" SPAN "-01.what",
	"cc-" TRACE "-" SPAN "-01what",
	"cc-" TRACE "-" SPAN "-010",
	"cc-00000000000000000000000000000000-" SPAN "-01",
	"cc-" TRACE "-0000000000000000-01-x",
	PARENT "," PARENT,
	PARENT ", " PARENT,
	"\"" PARENT "\"",
	"00-" TRACE "-" SPAN "-01\n",
	"\n00-" TRACE "-" SPAN "-01",
	"00 -" TRACE "-" SPAN "-01",
	"00-" TRACE "-" SPAN "-\xc3\xa9",
	"00-\xff\xff\xff\xff"
	"3577b34da6a3ce929d0e0e4736-" SPAN "-01",
};

static void test_traceparent_refused(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct context c = { .trace_id = "untouched", .tracestate = "untouched" };

		if (parse(refused[i], strlen(refused[i]), STR("foo=1"), &c))
			fail_msg("accepted: %s", refused[i]);
		assert_string_equal(c.trace_id, "untouched");
		assert_string_equal(c.tracestate, "untouched");
	}
}

static void test_traceparent_with_nul_or_null_refused(void **state UNUSED)
{
	struct context c;

	assert_false(trace_parse(STR_NULL, STR("foo=1"), &c));
	assert_false(trace_parse(STR_NULL, STR_NULL, &c));
	for (size_t i = 0; i < sizeof(PARENT) - 1; i++) {
		char header[sizeof(PARENT)] = PARENT;

		header[i] = '\0';
		assert_false(parse(header, sizeof(PARENT) - 1, STR_NULL, &c));
	}
}

/* Every single-byte change of a good header is either refused or changes what the byte stands for. */
static void test_traceparent_every_byte_matters(void **state UNUSED)
{
	for (size_t at = 0; at < sizeof(PARENT) - 1; at++) {
		for (int byte = 0; byte < 256; byte++) {
			char header[sizeof(PARENT)] = PARENT;
			char back[TRACEPARENT_SIZE];
			struct context c;

			header[at] = (char)byte;
			if (!parse(header, sizeof(PARENT) - 1, STR_NULL, &c))
				continue;
			trace_format(&c, back);
			assert_memory_equal(back + 3, header + 3, 50);
			assert_int_equal(back[54] & 3,
			                 header[54] <= '9' ? header[54] & 3 : (header[54] - 'a' + 10) & 3);
		}
	}
}

static void test_format_is_what_was_parsed_without_unknown_flags(void **state UNUSED)
{
	char out[TRACEPARENT_SIZE];
	struct context c;

	assert_true(trace_parse(STR("00-" TRACE "-" SPAN "-fd"), STR_NULL, &c));
	trace_format(&c, out);
	assert_string_equal(out, PARENT);
	c.trace_flags = 0xff;
	trace_format(&c, out);
	assert_string_equal(out, "00-" TRACE "-" SPAN "-03");
}

#define CHARS64 "abcdefghijklmnopqrstuvwxyz0123456789_-*/@abcdefghijklmnopqrstuvw"
#define KEY256 CHARS64 CHARS64 CHARS64 CHARS64
#define BAR31                                                                                                          \
	"b01=1,b02=1,b03=1,b04=1,b05=1,b06=1,b07=1,b08=1,b09=1,b10=1,b11=1,b12=1,b13=1,b14=1,b15=1,b16=1,b17=1,b18=1," \
	"b19=1,b20=1,b21=1,b22=1,b23=1,b24=1,b25=1,b26=1,b27=1,b28=1,b29=1,b30=1,b31=1"

static void test_tracestate_kept(void **state UNUSED)
{
	static const struct {
		const char *in;
		const char *out;
	} cases[] = {
		{ "", "" },
		{ " \t ", "" },
		{ ",", "" },
		{ " , ,\t,", "" },
		{ "foo=1", "foo=1" },
		{ "foo=1,", "foo=1" },
		{ ",foo=1", "foo=1" },
		{ "foo=1,,bar=2", "foo=1,bar=2" },
		{ "foo=1 \t , \t bar=2, \t baz=3", "foo=1,bar=2,baz=3" },
		{ "\tfoo=1 ", "foo=1" },
		{ "foo= 1 2 ", "foo= 1 2" },
		{ "foo=!\"#$%&'()*+-./0123456789:;<>?@AZ[\\]^_`az{|}~",
		  "foo=!\"#$%&'()*+-./0123456789:;<>?@AZ[\\]^_`az{|}~" },
		{ "abc_-*/@z=1", "abc_-*/@z=1" },
		{ "0=1", "0=1" },
		{ "1a@2b@3c=1", "1a@2b@3c=1" },
		{ "foo@=1,bar@bar=2", "foo@=1,bar@bar=2" },
		{ KEY256 "=1", KEY256 "=1" },
		{ "foo=" KEY256, "foo=" KEY256 },
		{ BAR31 ",z=1", BAR31 ",z=1" },
		{ ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,foo=1", "foo=1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct context c;

		assert_true(trace_parse(STR(PARENT), str_from(cases[i].in), &c));
		assert_string_equal(c.tracestate, cases[i].out);
	}
}

static void test_tracestate_dropped_and_traceparent_kept(void **state UNUSED)
{
	static const char *const cases[] = {
		"foo",
		"=",
		"=1",
		"foo=",
		"foo=,bar=3",
		"foo= ",
		"foo =1",
		"foo\t=1",
		"FOO=1",
		"Foo=1",
		"fOo=1",
		"foo.bar=1",
		"_foo=1",
		"-foo=1",
		"*foo=1",
		"/foo=1",
		"@foo=1",
		"@=1",
		"foo=bar=baz",
		"foo==1",
		"foo=1\t2",
		"foo=\x01",
		"foo=\x7f",
		"foo=\xc3\xa9",
		"\xc3\xa9=1",
		"foo=1\n",
		"foo=1\r\nX-Evil: 1",
		"foo=1,foo=1",
		"foo=1,foo=2",
		"foo=1,bar=2,foo=3",
		"foo=1;bar=2",
		"foo:1",
		"foo=1 bar=2,=",
		KEY256 "x=1",
		"foo=" KEY256 "x",
		BAR31 ",b32=1,b33=1",
		"{\"a\":1}",
		"foo=1,\x0b",
		"fo\xff=1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct context c;

		assert_true(trace_parse(STR(PARENT), str_from(cases[i]), &c));
		assert_string_equal(c.trace_id, TRACE);
		assert_string_equal(c.tracestate, "");
	}
}

static void test_tracestate_with_nul_dropped(void **state UNUSED)
{
	struct context c;

	assert_true(trace_parse(STR(PARENT), STR("fo\0o=1"), &c));
	assert_string_equal(c.tracestate, "");
	assert_true(trace_parse(STR(PARENT), STR("foo=1\0"), &c));
	assert_string_equal(c.tracestate, "");
}

/* "k<nn>=" and x's up to len characters. */
static void member_add(struct buf *b, int number, size_t len)
{
	buf_addf(b, "%sk%02d=", b->len > 0 ? "," : "", number);
	for (size_t i = 4; i < len; i++)
		buf_addc(b, 'x');
}

static void test_tracestate_over_512_loses_long_entries_first(void **state UNUSED)
{
	struct buf in CLEANUP(buf_done);
	struct context c;

	/* given 200 + 128 + 129 + 128 + 60 characters and commas */
	buf_init(&in, 100000);
	member_add(&in, 1, 200);
	member_add(&in, 2, 128);
	member_add(&in, 3, 129);
	member_add(&in, 4, 128);
	member_add(&in, 5, 60);
	assert_int_equal(buf_error(&in), 0);
	/* when */
	assert_true(trace_parse(STR(PARENT), buf_str(&in), &c));
	/* then the last of the long ones is gone, which leaves 200 + 128 + 128 + 60 + 3 = 519, then the first */
	assert_null(strstr(c.tracestate, "k03="));
	assert_null(strstr(c.tracestate, "k01="));
	assert_non_null(strstr(c.tracestate, "k02="));
	assert_non_null(strstr(c.tracestate, ",k05="));
	assert_int_equal(strlen(c.tracestate), 128 + 128 + 60 + 2);
}

static void test_tracestate_over_512_then_loses_its_end(void **state UNUSED)
{
	struct buf in CLEANUP(buf_done);
	struct context c;

	buf_init(&in, 100000);
	for (int i = 0; i < 32; i++)
		member_add(&in, i, 31); /* 16 of them and their commas are 511 */
	assert_true(trace_parse(STR(PARENT), buf_str(&in), &c));
	assert_int_equal(strlen(c.tracestate), 511);
	assert_non_null(strstr(c.tracestate, "k15="));
	assert_null(strstr(c.tracestate, "k16="));
}

static void test_tracestate_of_512_is_whole(void **state UNUSED)
{
	for (size_t extra = 0; extra < 2; extra++) {
		struct buf in CLEANUP(buf_done);
		struct context c;

		buf_init(&in, 100000);
		for (int i = 0; i < 3; i++)
			member_add(&in, i, 127);
		member_add(&in, 3, 128 + extra);
		assert_int_equal(buf_str(&in).len, 512 + extra);
		assert_true(trace_parse(STR(PARENT), buf_str(&in), &c));
		assert_int_equal(strlen(c.tracestate), extra ? 127 * 3 + 2 : 512);
	}
}

static void test_new_trace_is_random_and_sampled(void **state UNUSED)
{
	struct context a, b, c;
	char header[TRACEPARENT_SIZE];

	trace_new(&a);
	trace_new(&b);
	assert_string_not_equal(a.trace_id, b.trace_id);
	assert_string_not_equal(a.span_id, b.span_id);
	assert_int_equal(a.trace_flags, TRACE_FLAG_SAMPLED | TRACE_FLAG_RANDOM);
	trace_format(&a, header);
	assert_true(trace_parse(str_from(header), STR_NULL, &c));
	assert_memory_equal(c.trace_id, a.trace_id, TRACE_ID_SIZE);
	assert_memory_equal(c.span_id, a.span_id, SPAN_ID_SIZE);
}

static int sampled_of(int n, double ratio)
{
	int sampled = 0;

	trace_sample_set(ratio, true);
	for (int i = 0; i < n; i++) {
		struct context c;

		trace_new(&c);
		assert_true(c.trace_flags & TRACE_FLAG_RANDOM);
		sampled += c.trace_flags & TRACE_FLAG_SAMPLED;
	}
	trace_sample_set(1, true);
	return sampled;
}

static void test_sampler_ratio(void **state UNUSED)
{
	int quarter = sampled_of(10000, 0.25);

	assert_int_equal(sampled_of(1000, 1), 1000);
	assert_int_equal(sampled_of(1000, 0), 0);
	assert_int_equal(sampled_of(1000, -5), 0);
	assert_int_equal(sampled_of(1000, 7), 1000);
	assert_int_equal(sampled_of(1000, (double)NAN), 1000);
	/* 2500 give or take eight standard deviations */
	assert_in_range(quarter, 2150, 2850);
}

static void test_a_sampler_without_parents_chooses_anew(void **state UNUSED)
{
	struct context c;

	/* given traces whose senders chose the contrary of what half of all traces means for these ids */
	trace_sample_set(0.5, false);
	assert_true(trace_parse(STR("00-4bf92f3577b34da6a3ffffffffffffff-00f067aa0ba902b7-00"), STR_NULL, &c));
	assert_true(c.trace_flags & TRACE_FLAG_SAMPLED);
	assert_true(trace_parse(STR("00-4bf92f3577b34da6a300000000000001-00f067aa0ba902b7-03"), STR_NULL, &c));
	assert_int_equal(c.trace_flags, TRACE_FLAG_RANDOM);
	trace_sample_set(1, true);
	assert_true(trace_parse(STR("00-4bf92f3577b34da6a3ffffffffffffff-00f067aa0ba902b7-00"), STR_NULL, &c));
	assert_int_equal(c.trace_flags, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_traceparent_accepted),
		cmocka_unit_test(test_traceparent_refused),
		cmocka_unit_test(test_traceparent_with_nul_or_null_refused),
		cmocka_unit_test(test_traceparent_every_byte_matters),
		cmocka_unit_test(test_format_is_what_was_parsed_without_unknown_flags),
		cmocka_unit_test(test_tracestate_kept),
		cmocka_unit_test(test_tracestate_dropped_and_traceparent_kept),
		cmocka_unit_test(test_tracestate_with_nul_dropped),
		cmocka_unit_test(test_tracestate_over_512_loses_long_entries_first),
		cmocka_unit_test(test_tracestate_over_512_then_loses_its_end),
		cmocka_unit_test(test_tracestate_of_512_is_whole),
		cmocka_unit_test(test_new_trace_is_random_and_sampled),
		cmocka_unit_test(test_sampler_ratio),
		cmocka_unit_test(test_a_sampler_without_parents_chooses_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
