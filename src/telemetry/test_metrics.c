/* The registry, and its output read back by a parser of the text format 0.0.4. */
#include "telemetry/metrics.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES_MAX 4000

struct sample {
	char name[64];
	char labels[1400]; /* unescaped, "name=value;" each */
	double value;
};

static struct sample samples[SAMPLES_MAX];
static size_t n_samples;

static const char *parse_name(const char *at, char ret[64])
{
	size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:");

	assert_in_range(len, 1, 63);
	memcpy(ret, at, len);
	ret[len] = '\0';
	return at + len;
}

static const char *parse_label_value(const char *at, char **to)
{
	assert_int_equal(*at, '"');
	for (at++; *at != '"'; at++) {
		assert_true(*at != '\n' && *at != '\0');
		if (*at == '\\') {
			at++;
			assert_true(*at == 'n' || *at == '"' || *at == '\\');
			*(*to)++ = *at == 'n' ? '\n' : *at;
		} else {
			*(*to)++ = *at;
		}
	}
	return at + 1;
}

static const char *parse_labels(const char *at, char *to)
{
	while (*at == '{' || *at == ',') {
		char name[64];

		at = parse_name(at + 1, name);
		assert_int_equal(*at, '=');
		memcpy(to, name, strlen(name));
		to += strlen(name);
		*to++ = '=';
		at = parse_label_value(at + 1, &to);
		*to++ = ';';
		if (*at == '}') {
			at++;
			break;
		}
		assert_int_equal(*at, ',');
	}
	*to = '\0';
	return at;
}

static void parse_line(const char *line)
{
	struct sample *s = &samples[n_samples++];
	char *rest;

	assert_in_range(n_samples, 1, SAMPLES_MAX);
	line = parse_labels(parse_name(line, s->name), s->labels);
	assert_int_equal(*line, ' ');
	s->value = strtod(line + 1, &rest);
	assert_true(rest > line + 1 && *rest == '\0');
}

/* Fails on any line that the format does not know; every sample stands behind the HELP and TYPE of its metric. */
static void render_and_parse(void)
{
	struct buf b CLEANUP(buf_done);
	char family[64] = "";
	char *rest;

	buf_init(&b, 8 << 20);
	metrics_write(&b, METRICS_TEXT);
	assert_int_equal(buf_error(&b), 0);
	assert_int_equal(b.data[b.len - 1], '\n');
	n_samples = 0;
	for (char *line = strtok_r(b.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, "# HELP ", 7) == 0) {
			parse_name(line + 7, family);
		} else if (strncmp(line, "# TYPE ", 7) == 0) {
			assert_memory_equal(line + 7, family, strlen(family));
		} else {
			parse_line(line);
			assert_memory_equal(samples[n_samples - 1].name, family, strlen(family));
		}
	}
}

static double value_of(const char *name, const char *labels)
{
	for (size_t i = 0; i < n_samples; i++)
		if (strcmp(samples[i].name, name) == 0 && strcmp(samples[i].labels, labels) == 0)
			return samples[i].value;
	fail_msg("no sample %s{%s}", name, labels);
	return 0;
}

static size_t count_of(const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < n_samples; i++)
		n += strcmp(samples[i].name, name) == 0;
	return n;
}

static void test_counter_and_gauge(void **state UNUSED)
{
	static const char *const labels[] = { "method", "status", NULL };
	const char *const get[] = { "GET", "200" };
	const char *const post[] = { "POST", "201" };
	struct metric *requests = metric_new(METRIC_COUNTER, "t_requests_total", "Requests.", labels, NULL, 0);
	struct metric *level = metric_new(METRIC_GAUGE, "t_level", "Level.", NULL, NULL, 0);

	metric_add(metric_cell(requests, get), 1);
	metric_add(metric_cell(requests, get), 2.5);
	metric_add(metric_cell(requests, post), 1);
	metric_set(metric_cell(level, NULL), 7);
	metric_add(metric_cell(level, NULL), -9);
	assert_ptr_equal(metric_cell(requests, get), metric_cell(requests, get));
	assert_ptr_equal(metric_new(METRIC_COUNTER, "t_requests_total", "Requests.", labels, NULL, 0), requests);
	assert_true(metric_get(metric_cell(requests, get)) == 3.5);
	render_and_parse();
	assert_true(value_of("t_requests_total", "method=GET;status=200;") == 3.5);
	assert_true(value_of("t_requests_total", "method=POST;status=201;") == 1);
	assert_true(value_of("t_level", "") == -2);
}

static void test_label_values_and_help_are_escaped(void **state UNUSED)
{
	static const char *const labels[] = { "a", "b", NULL };
	const char *const nasty[] = { "q\"uo\\te\nline}", "\xff\xc3(" };
	const char *const split_one[] = { "x", "yz" };
	const char *const split_two[] = { "xy", "z" };
	struct metric *m = metric_new(METRIC_COUNTER, "t_nasty_total", "One \\ two\nthree \"four\".", labels, NULL, 0);
	struct buf b CLEANUP(buf_done);

	metric_add(metric_cell(m, nasty), 1);
	metric_add(metric_cell(m, split_one), 2);
	metric_add(metric_cell(m, split_two), 3);
	render_and_parse();
	assert_true(value_of("t_nasty_total", "a=q\"uo\\te\nline};b=\xef\xbf\xbd\xef\xbf\xbd(;") == 1);
	assert_true(value_of("t_nasty_total", "a=x;b=yz;") == 2);
	assert_true(value_of("t_nasty_total", "a=xy;b=z;") == 3);
	buf_init(&b, 8 << 20);
	metrics_write(&b, METRICS_TEXT);
	assert_non_null(
	        strstr(b.data, "# HELP t_nasty_total One \\\\ two\\nthree \"four\".\n# TYPE t_nasty_total counter\n"));
}

static void test_label_value_is_cut(void **state UNUSED)
{
	static const char *const labels[] = { "a", NULL };
	char text[3 * METRIC_LABEL_VALUE_SIZE_MAX];
	const char *const values[] = { text };
	struct metric *m = metric_new(METRIC_COUNTER, "t_cut_total", "Cut.", labels, NULL, 0);

	memset(text, 'x', sizeof(text));
	memcpy(text + METRIC_LABEL_VALUE_SIZE_MAX - 1, "\xc3\xa9", 2);
	text[sizeof(text) - 1] = '\0';
	metric_add(metric_cell(m, values), 1);
	render_and_parse();
	text[METRIC_LABEL_VALUE_SIZE_MAX - 1] = '\0';
	for (size_t i = 0; i < n_samples; i++)
		if (strcmp(samples[i].name, "t_cut_total") == 0)
			assert_int_equal(strlen(samples[i].labels), 2 + METRIC_LABEL_VALUE_SIZE_MAX - 1 + 1);
	assert_int_equal(count_of("t_cut_total"), 1);
}

static void test_histogram_is_cumulative(void **state UNUSED)
{
	static const double bounds[] = { 0.1, 1, 2.5 };
	static const char *const labels[] = { "route", NULL };
	const char *const values[] = { "/movies" };
	struct metric *m = metric_new(METRIC_HISTOGRAM, "t_seconds", "Latency.", labels, bounds, 3);
	struct metric_cell *c = metric_cell(m, values);
	static const double observed[] = { 0.05, 0.1, 0.5, 2.5, 2.6, 100, (double)NAN };

	for (size_t i = 0; i < ARRAY_SIZE(observed); i++)
		metric_observe(c, observed[i]);
	render_and_parse();
	assert_true(value_of("t_seconds_bucket", "route=/movies;le=0.1;") == 2); /* the bound itself is inside */
	assert_true(value_of("t_seconds_bucket", "route=/movies;le=1;") == 3);
	assert_true(value_of("t_seconds_bucket", "route=/movies;le=2.5;") == 4);
	assert_true(value_of("t_seconds_bucket", "route=/movies;le=+Inf;") == 6);
	assert_true(value_of("t_seconds_count", "route=/movies;") == 6);
	assert_true(fabs(value_of("t_seconds_sum", "route=/movies;") - 105.75) < 1e-9);
	assert_true(metric_get(c) == 6);
}

static void test_default_buckets(void **state UNUSED)
{
	struct metric *m = metric_new(METRIC_HISTOGRAM, "t_default_seconds", "Latency.", NULL, NULL, 0);

	metric_observe(metric_cell(m, NULL), 0.0004);
	render_and_parse();
	assert_int_equal(count_of("t_default_seconds_bucket"), 15);
	assert_true(value_of("t_default_seconds_bucket", "le=0.0005;") == 1);
	assert_true(value_of("t_default_seconds_bucket", "le=10;") == 1);
}

static void test_label_sets_over_the_limit_become_other(void **state UNUSED)
{
	static const char *const labels[] = { "id", NULL };
	struct metric *m = metric_new(METRIC_COUNTER, "t_many_total", "Many.", labels, NULL, 0);

	for (int i = 0; i < METRIC_LABEL_SETS_MAX + 500; i++) {
		char id[16];
		const char *const values[] = { id };

		(void)snprintf(id, sizeof(id), "%d", i);
		metric_add(metric_cell(m, values), 1);
	}
	render_and_parse();
	assert_int_equal(count_of("t_many_total"), METRIC_LABEL_SETS_MAX + 1);
	assert_true(value_of("t_many_total", "id=other;") == 500);
	assert_true(value_of("t_many_total", "id=999;") == 1);
}

static double answer(void *arg)
{
	return *(const double *)arg;
}

static void test_callback_and_special_numbers(void **state UNUSED)
{
	static double value = 42;

	metric_callback("t_asked", "Asked for.", METRIC_GAUGE, answer, &value);
	render_and_parse();
	assert_true(value_of("t_asked", "") == 42);
	value = (double)INFINITY;
	render_and_parse();
	assert_true(value_of("t_asked", "") == (double)INFINITY);
	value = (double)NAN;
	render_and_parse();
	assert_true(isnan(value_of("t_asked", "")));
	value = 12345678901234;
	render_and_parse();
	assert_true(value_of("t_asked", "") == 12345678901234);
}

static void test_a_cell_that_asks_until_it_may_not(void **state UNUSED)
{
	static const char *const labels[] = { "pool", NULL };
	static double first = 1, second = 2, third = 3;
	struct metric *m = metric_new(METRIC_GAUGE, "t_asked_level", "Asked for.", labels, NULL, 0);
	struct metric_cell *a = metric_cell(m, (const char *const[]){ "a" });
	struct metric_cell *b = metric_cell(m, (const char *const[]){ "b" });

	metric_cell_callback(a, answer, &first);
	metric_cell_callback(b, answer, &second);
	render_and_parse();
	assert_true(value_of("t_asked_level", "pool=a;") == 1 && value_of("t_asked_level", "pool=b;") == 2);
	/* Whoever comes after is asked, and the one before has no say any more. */
	metric_cell_callback(a, answer, &third);
	metric_cell_callback_end(a, &first);
	third = 4;
	render_and_parse();
	assert_true(value_of("t_asked_level", "pool=a;") == 4);
	metric_cell_callback_end(a, &third);
	third = second = 5;
	render_and_parse();
	assert_true(value_of("t_asked_level", "pool=a;") == 4 && value_of("t_asked_level", "pool=b;") == 5);
	metric_callback("t_asked_last", "Asked for.", METRIC_GAUGE, answer, &first);
	metrics_freeze();
	first = second = 6;
	render_and_parse();
	assert_true(value_of("t_asked_last", "") == 1 && value_of("t_asked_level", "pool=b;") == 5);
}

static void *adder(void *arg)
{
	for (int i = 0; i < 20000; i++)
		metric_add(arg, 0.5);
	return NULL;
}

static void test_threads_lose_nothing(void **state UNUSED)
{
	struct metric *m = metric_new(METRIC_COUNTER, "t_threads_total", "Threads.", NULL, NULL, 0);
	struct metric_cell *c = metric_cell(m, NULL);
	pthread_t threads[4];

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, adder, c), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_true(metric_get(c) == 4 * 20000 * 0.5);
}

#define TRACE_A "4bf92f3577b34da6a3ce929d0e0e4736"
#define TRACE_B "0af7651916cd43dd8448eb211c80319c"

/* Whether the registry as OpenMetrics has this text. */
static bool open_has(const char *text)
{
	struct buf b CLEANUP(buf_done);

	buf_init(&b, 8 << 20);
	metrics_write(&b, METRICS_OPENMETRICS);
	assert_int_equal(buf_error(&b), 0);
	assert_true(str_ends(buf_str(&b), STR("\n# EOF\n")));
	return strstr(buf_str(&b).data, text);
}

static void test_openmetrics(void **state UNUSED)
{
	struct metric *m = metric_new(METRIC_COUNTER, "t_open_total", "Of \"them\".", NULL, NULL, 0);

	metric_add(metric_cell(m, NULL), 3);
	assert_true(open_has("# HELP t_open Of \\\"them\\\".\n# TYPE t_open counter\nt_open_total 3\n"));
	render_and_parse();
	assert_true(value_of("t_open_total", "") == 3);
}

static void test_a_bucket_has_the_trace_of_one_that_is_in_it(void **state UNUSED)
{
	static const double bounds[] = { 0.1, 1 };
	struct metric *m = metric_new(METRIC_HISTOGRAM, "t_traced_seconds", "Latency.", NULL, bounds, 2);
	struct metric_cell *c = metric_cell(m, NULL);

	metric_observe(c, 0.01);
	assert_true(open_has("t_traced_seconds_bucket{le=\"0.1\"} 1\n"));
	metric_observe_traced(c, 0.05, TRACE_A, 1700000000007);
	metric_observe_traced(c, 7, TRACE_B, 1700000000008);
	metric_observe_traced(c, (double)NAN, TRACE_B, 1700000005000);
	assert_true(open_has("t_traced_seconds_bucket{le=\"0.1\"} 2 # {trace_id=\"" TRACE_A "\"} 0.05 1700000000.007\n"
	                     "t_traced_seconds_bucket{le=\"1\"} 2\n"
	                     "t_traced_seconds_bucket{le=\"+Inf\"} 3 # {trace_id=\"" TRACE_B "\"} 7 1700000000.008\n"
	                     "t_traced_seconds_sum 7.06\nt_traced_seconds_count 3\n"));
	/* Not another within a second; then, or when the clock went back, the newer one. */
	metric_observe_traced(c, 0.06, TRACE_B, 1700000001006);
	assert_true(open_has("} 3 # {trace_id=\"" TRACE_A "\"} 0.05 "));
	metric_observe_traced(c, 0.06, TRACE_B, 1700000001007);
	assert_true(open_has("} 4 # {trace_id=\"" TRACE_B "\"} 0.06 1700000001.007"));
	metric_observe_traced(c, 0.07, TRACE_A, 1600000000000);
	assert_true(open_has("} 5 # {trace_id=\"" TRACE_A "\"} 0.07 1600000000.000"));
	/* The older format has none. */
	render_and_parse();
	assert_true(value_of("t_traced_seconds_bucket", "le=0.1;") == 5);
}

struct observer {
	struct metric_cell *cell;
	char letter;
};

static void *observer(void *arg)
{
	const struct observer *o = arg;
	char trace_id[33];

	memset(trace_id, o->letter, 32);
	trace_id[32] = '\0';
	for (int i = 1; i <= 5000; i++)
		metric_observe_traced(o->cell, o->letter == 'a' ? 0.3 : 0.4, trace_id, INT64_C(1000) * i);
	return NULL;
}

static void test_threads_mix_no_traces(void **state UNUSED)
{
	struct metric *m = metric_new(METRIC_HISTOGRAM, "t_mixed_seconds", "Latency.", NULL, NULL, 0);
	struct observer of[] = { { metric_cell(m, NULL), 'a' }, { metric_cell(m, NULL), 'b' } };
	pthread_t threads[ARRAY_SIZE(of)];

	for (size_t i = 0; i < ARRAY_SIZE(of); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, observer, &of[i]), 0);
	for (int i = 0; i < 50; i++)
		assert_false(open_has("aab") || open_has("bba") || open_has("a\"} 0.4 ") || open_has("b\"} 0.3 "));
	for (size_t i = 0; i < ARRAY_SIZE(of); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_true(metric_get(of[0].cell) == 10000);
	assert_true(open_has("aaaa\"} 0.3 5000.000\n") || open_has("bbbb\"} 0.4 5000.000\n"));
}

static void test_process_metrics(void **state UNUSED)
{
	double fds;
	int fd;

	metrics_process_init("movie");
	render_and_parse();
	assert_true(value_of("cinesync_build_info", "service=movie;version=" CINESYNC_VERSION ";") == 1);
	assert_true(value_of("process_resident_memory_bytes", "") > 500000);
	assert_true(value_of("process_virtual_memory_bytes", "") > value_of("process_resident_memory_bytes", ""));
	assert_true(value_of("process_cpu_seconds_total", "") > 0);
	assert_true(value_of("cinesync_process_memory_limit_bytes", "") >
	            value_of("process_resident_memory_bytes", ""));
	assert_true(value_of("process_max_fds", "") > 0);
	assert_true(fabs(value_of("process_start_time_seconds", "") - (double)time(NULL)) < 600);
	fds = value_of("process_open_fds", "");
	fd = dup(0);
	assert_true(fd >= 0);
	render_and_parse();
	assert_true(value_of("process_open_fds", "") == fds + 1);
	assert_int_equal(close(fd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counter_and_gauge),
		cmocka_unit_test(test_label_values_and_help_are_escaped),
		cmocka_unit_test(test_label_value_is_cut),
		cmocka_unit_test(test_histogram_is_cumulative),
		cmocka_unit_test(test_default_buckets),
		cmocka_unit_test(test_label_sets_over_the_limit_become_other),
		cmocka_unit_test(test_callback_and_special_numbers),
		cmocka_unit_test(test_a_cell_that_asks_until_it_may_not),
		cmocka_unit_test(test_threads_lose_nothing),
		cmocka_unit_test(test_openmetrics),
		cmocka_unit_test(test_a_bucket_has_the_trace_of_one_that_is_in_it),
		cmocka_unit_test(test_threads_mix_no_traces),
		cmocka_unit_test(test_process_metrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
