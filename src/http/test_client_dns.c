/* A name look-up that hangs stops neither the loop nor the call that waits for it. The C library's own is replaced. */
#include "http/test_support.h"

#include "fiber/fiber.h"
#include "http/client.h"

#include <errno.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>
#include <uv.h>

enum { HANG_S = 3, TICK_MS = 10 };

static sem_t release, returned;
static atomic_int lookups;

/* libcurl calls this one. It hangs until it is released, or for HANG_S. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	struct timespec until;

	(void)name;
	(void)service;
	(void)hints;
	(void)ret;
	atomic_fetch_add(&lookups, 1);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += HANG_S;
	while (sem_timedwait(&release, &until) < 0 && errno == EINTR)
		continue;
	sem_post(&returned);
	return EAI_AGAIN;
}

struct attempt {
	struct http_client *client;
	int64_t connect_timeout_ms, timeout_ms;
	bool is_done;
	int r;
	int64_t took_ms;
	int64_t slowest_tick_ms;
};

static void call_main(void *arg)
{
	struct attempt *at = arg;
	struct arena *a CLEANUP(arena_free) = NULL;
	struct http_answer answer;
	const struct http_call call = { .method = "GET",
		                        .url = "http://slow.test/",
		                        .connect_timeout_ms = at->connect_timeout_ms,
		                        .timeout_ms = at->timeout_ms };
	int64_t start_ms = clock_mono_ms();

	at->r = arena_new(65536, &a);
	if (at->r == 0)
		at->r = http_client_call(at->client, &call, a, &answer);
	at->took_ms = clock_mono_ms() - start_ms;
	at->is_done = true;
	http_client_free(&at->client);
}

static void tick_main(void *arg)
{
	struct attempt *at = arg;

	while (!at->is_done) {
		int64_t start_ms = clock_mono_ms();

		(void)fiber_sleep_ms(TICK_MS);
		at->slowest_tick_ms = MAX(at->slowest_tick_ms, clock_mono_ms() - start_ms);
	}
}

static void attempt_run(struct attempt *at)
{
	uv_loop_t loop;

	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(fiber_runtime_init(&loop, NULL), 0);
	assert_int_equal(http_client_new(&loop, &(struct http_client_options){ 0 }, &at->client), 0);
	assert_int_equal(fiber_spawn("call", call_main, at, NULL), 0);
	assert_int_equal(fiber_spawn("tick", tick_main, at, NULL), 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	fiber_runtime_done();
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void assert_not_held_up(struct attempt at)
{
	sem_init(&release, 0, 0);
	sem_init(&returned, 0, 0);
	atomic_store(&lookups, 0);
	attempt_run(&at);
	assert_int_equal(atomic_load(&lookups), 1);
	assert_int_equal(at.r, -ETIMEDOUT);
	assert_in_range(at.took_ms, 99, 1500);
	assert_in_range(at.slowest_tick_ms, TICK_MS, 1500);
	/* Its thread cleans up behind itself, which the leak checker sees. */
	sem_post(&release);
	sem_wait(&returned);
}

static void test_hung_look_up_ends_with_the_call(void **state)
{
	(void)state;
	assert_not_held_up((struct attempt){ .timeout_ms = 100 });
}

static void test_hung_look_up_ends_with_the_time_to_connect(void **state)
{
	(void)state;
	assert_not_held_up((struct attempt){ .connect_timeout_ms = 100, .timeout_ms = 5000 });
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hung_look_up_ends_with_the_call),
		cmocka_unit_test(test_hung_look_up_ends_with_the_time_to_connect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
