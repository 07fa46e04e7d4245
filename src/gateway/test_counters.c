/* Numbers that several processes share. */
#include "gateway/counters.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct counters *shared(void)
{
	void *memory = mmap(NULL, counters_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	counters_init(memory);
	return memory;
}

static void drop(struct counters *c)
{
	assert_int_equal(munmap(c, counters_size()), 0);
}

static const char *text_of(struct counters *c, struct buf *b)
{
	static const struct counters_names names = { .of = {
		                                             [COUNTED_AUTH] = { NULL, "accepted", "refused" },
		                                             [COUNTED_LIMIT] = { [2] = "address" },
		                                             [COUNTED_CACHE] = { [7] = "hit" },
		                                     } };

	buf_reset(b);
	counters_write(c, &names, b);
	assert_int_equal(buf_error(b), 0);
	return buf_str(b).data;
}

static void test_what_is_counted_is_shown(void **state)
{
	const struct counters_key key = { .route = "/a/{b}", .method = ROUTE_GET, .status = 200 };
	struct buf b CLEANUP(buf_done);
	struct counters *c = shared();
	struct counters_cell *cell;
	const char *text;

	(void)state;
	buf_init(&b, COUNTERS_TEXT_SIZE_MAX);
	assert_null(counters_find(c, &key));
	cell = counters_make(c, &key);
	assert_ptr_equal(counters_find(c, &key), cell);
	assert_ptr_equal(counters_make(c, &key), cell);
	counters_duration(cell, 400);
	counters_duration(cell, 2000000);
	counters_duration(cell, 60000000);
	counters_upstream(cell, 300);
	counters_kind(c, COUNTED_AUTH, 2);
	counters_kind(c, COUNTED_LIMIT, 2);
	counters_kind(c, COUNTED_CACHE, 7);
	counters_kind(c, COUNTED_CACHE, 7);
	counters_kind(c, COUNTED_CACHE, 0);
	text = text_of(c, &b);
#define LABELS "method=\"GET\",route=\"/a/{b}\",status=\"200\""
	assert_non_null(strstr(text, "http_server_request_duration_seconds_bucket{" LABELS ",le=\"0.0005\"} 1\n"));
	assert_non_null(strstr(text, "http_server_request_duration_seconds_bucket{" LABELS ",le=\"1\"} 1\n"));
	assert_non_null(strstr(text, "http_server_request_duration_seconds_bucket{" LABELS ",le=\"2.5\"} 2\n"));
	assert_non_null(strstr(text, "http_server_request_duration_seconds_bucket{" LABELS ",le=\"+Inf\"} 3\n"));
	assert_non_null(strstr(text, "http_server_request_duration_seconds_sum{" LABELS "} 62.000400\n"));
	assert_non_null(strstr(text, "http_server_request_duration_seconds_count{" LABELS "} 3\n"));
	assert_non_null(strstr(text, "cinesync_gateway_upstream_duration_seconds_count{" LABELS "} 1\n"));
	assert_non_null(strstr(text, "cinesync_gateway_auth_total{result=\"refused\"} 1\n"));
	assert_non_null(strstr(text, "cinesync_gateway_auth_total{result=\"accepted\"} 0\n"));
	assert_non_null(strstr(text, "# TYPE cinesync_gateway_limited_total counter\n"
	                             "cinesync_gateway_limited_total{limit=\"address\"} 1\n"));
	assert_non_null(strstr(text, "cinesync_gateway_cache_total{state=\"hit\"} 2\n"));
	assert_null(strstr(text, "cinesync_gateway_cache_total{state=\"\"}"));
	drop(c);
}

static void test_what_finds_no_place_is_counted_as_other(void **state)
{
	struct buf b CLEANUP(buf_done);
	struct counters *c = shared();
	char route[32];

	(void)state;
	buf_init(&b, COUNTERS_TEXT_SIZE_MAX);
	for (unsigned i = 0; i < COUNTERS_CELLS_MAX + 5; i++) {
		const struct counters_key key = { .route = route, .method = ROUTE_GET, .status = 200 };

		snprintf(route, sizeof(route), "/%u", i);
		counters_duration(counters_make(c, &key), 1);
	}
	assert_non_null(strstr(text_of(c, &b), "_count{method=\"_OTHER\",route=\"other\",status=\"0\"} 5\n"));
	drop(c);
}

static void test_a_route_cannot_break_the_text(void **state)
{
	const struct counters_key key = { .route = "/\"\\\n", .method = ROUTE_GET, .status = 200 };
	struct buf b CLEANUP(buf_done);
	struct counters *c = shared();

	(void)state;
	buf_init(&b, COUNTERS_TEXT_SIZE_MAX);
	counters_duration(counters_make(c, &key), 1);
	assert_non_null(strstr(text_of(c, &b), "route=\"/\\\"\\\\\\n\""));
	drop(c);
}

static void test_processes_share_every_number(void **state)
{
	const struct counters_key key = { .route = "/", .method = ROUTE_POST, .status = 201 };
	struct buf b CLEANUP(buf_done);
	struct counters *c = shared();
	int status;

	(void)state;
	buf_init(&b, COUNTERS_TEXT_SIZE_MAX);
	(void)counters_make(c, &key);
	for (int i = 0; i < 4; i++) {
		if (fork() != 0)
			continue;
		for (int n = 0; n < 10000; n++)
			counters_duration(counters_find(c, &key), 10);
		_exit(0);
	}
	for (int i = 0; i < 4; i++)
		assert_true(wait(&status) > 0 && status == 0);
	assert_non_null(strstr(text_of(c, &b), "_count{method=\"POST\",route=\"/\",status=\"201\"} 40000\n"));
	assert_non_null(strstr(buf_str(&b).data, "_sum{method=\"POST\",route=\"/\",status=\"201\"} 0.400000\n"));
	drop(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_counted_is_shown),
		cmocka_unit_test(test_what_finds_no_place_is_counted_as_other),
		cmocka_unit_test(test_a_route_cannot_break_the_text),
		cmocka_unit_test(test_processes_share_every_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
