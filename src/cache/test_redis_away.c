/* When Redis is slow, away, full or wrong: one call waits for it, the others do not, and it is in use again soon. */
#include "cache/test_redis_story.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TIMEOUT_MS = 50, SLACK_MS = 250 /* for a busy machine */, BACK_MS = 5000 };

#define IMPATIENT                                                             \
	{                                                                     \
		.options = {.timeout_ms = TIMEOUT_MS, .turned = note_turned } \
	}

/* The call that finds it out. */
static void is_given_up_in_time(struct story *s)
{
	int64_t start_ms = clock_mono_ms();

	assert_int_equal(try_get(s), -EAGAIN);
	assert_in_range(clock_mono_ms() - start_ms, 0, TIMEOUT_MS + SLACK_MS);
}

static void is_used_again(struct story *s, int wanted)
{
	wait_until(try_get(s) == wanted, BACK_MS);
	assert_true(redis_is_up(s->redis));
}

/* ---- stopped, paused, killed ---- */

static void tell_stopped(struct story *s)
{
	wait_up(s);
	redis_server_signal(&s->server, SIGSTOP);
	redis_set(s->redis, STR("k"), STR("v"), 60000);
	is_given_up_in_time(s);
	assert_int_equal(stats_of(s).failures, 2);
	answers_at_once(s);
	assert_int_equal(fiber_sleep_ms(700), 0);
	answers_at_once(s);
	redis_server_signal(&s->server, SIGCONT);
	wait_until(redis_is_up(s->redis), BACK_MS);
	assert_true(try_get(s) <= 0);
	assert_int_equal(stats_of(s).connects, 2);
	wait_until(strcmp(s->turned, "+-+") == 0, 1000);
}

static void a_stopped_redis_costs_one_call(void **state)
{
	struct story s = IMPATIENT;

	(void)state;
	with_server(&s, tell_stopped);
}

static void tell_stopped_idle(struct story *s)
{
	wait_up(s);
	redis_server_signal(&s->server, SIGSTOP);
	wait_until(!redis_is_up(s->redis), 3000);
	answers_at_once(s);
	assert_int_equal(stats_of(s).failures, 0);
	redis_server_signal(&s->server, SIGCONT);
	is_used_again(s, -ENOENT);
}

static void a_stopped_redis_is_noticed_without_a_victim(void **state)
{
	struct story s = IMPATIENT;

	(void)state;
	with_server(&s, tell_stopped_idle);
}

static void tell_killed(struct story *s)
{
	int port = s->server.port;

	wait_up(s);
	redis_server_kill(&s->server);
	is_given_up_in_time(s);
	answers_at_once(s);
	assert_int_equal(fiber_sleep_ms(500), 0);
	answers_at_once(s);
	redis_server_start(&s->server);
	assert_int_equal(s->server.port, port);
	is_used_again(s, -ENOENT);
}

static void a_killed_redis_is_used_again_after_its_start(void **state)
{
	struct story s = IMPATIENT;

	(void)state;
	with_server(&s, tell_killed);
}

static void tell_cut(struct story *s)
{
	int64_t start_ms;

	wait_up(s);
	start_ms = clock_mono_ms();
	assert_true(redis_server_run(&s->server, "CLIENT KILL TYPE normal SKIPME yes") >= 1);
	wait_until(stats_of(s).connects == 2, BACK_MS);
	/* 100 ms, and not when the connection would have been looked after next. */
	assert_in_range(clock_mono_ms() - start_ms, 75, 800);
	assert_int_equal(stats_of(s).calls, 0);
}

static void a_connection_that_was_cut_is_replaced_at_once(void **state)
{
	struct story s = { .options.timeout_ms = PATIENT_MS };

	(void)state;
	with_server(&s, tell_cut);
}

static void tell_paused(struct story *s)
{
	wait_up(s);
	redis_server_run(&s->server, "CLIENT PAUSE 800 ALL");
	is_given_up_in_time(s);
	answers_at_once(s);
	is_used_again(s, -ENOENT);
}

static void a_paused_redis_costs_one_call(void **state)
{
	struct story s = IMPATIENT;

	(void)state;
	with_server(&s, tell_paused);
}

static void tell_write_paused(struct story *s)
{
	wait_up(s);
	redis_server_run(&s->server, "CLIENT PAUSE 500 WRITE");
	redis_set(s->redis, STR("k"), STR("v"), 60000);
	wait_until(!redis_is_up(s->redis), TIMEOUT_MS + SLACK_MS);
	is_used_again(s, -ENOENT);
	assert_int_equal(stats_of(s).failures, 1);
}

static void a_write_that_is_not_answered_trips_it_too(void **state)
{
	struct story s = IMPATIENT;

	(void)state;
	with_server(&s, tell_write_paused);
}

static void tell_stall(struct story *s)
{
	wait_up(s);
	for (size_t i = 0; i < 5; i++) {
		redis_set(s->redis, STR("k"), STR("v"), 60000);
		assert_int_equal(fiber_yield(), 0);
		/* The answer comes while nobody looks. */
		uv_sleep(2 * TIMEOUT_MS);
		wait_until(stats_of(s).pending == 0, 1000);
	}
	assert_int_equal(stats_of(s).failures, 0);
	assert_int_equal(stats_of(s).connects, 1);
}

static void a_loop_that_stood_still_is_no_slow_redis(void **state)
{
	struct story s = IMPATIENT;

	(void)state;
	with_server(&s, tell_stall);
}

struct crowd {
	struct story *story;
	int64_t longest_ms;
	size_t n_left;
	size_t n_again;
};

static void waits(void *arg)
{
	struct crowd *c = arg;
	int64_t start_ms = clock_mono_ms();

	c->n_again += try_get(c->story) == -EAGAIN;
	c->longest_ms = MAX(c->longest_ms, clock_mono_ms() - start_ms);
	c->n_left--;
}

static void tell_crowd(struct story *s)
{
	struct crowd c = { .story = s, .n_left = 200 };

	wait_up(s);
	redis_server_signal(&s->server, SIGSTOP);
	/* Shielded or not, with a deadline or without: the connection is timed, not the fiber. */
	for (size_t i = 0; i < 200; i++)
		assert_int_equal(fiber_spawn("waits", waits, &c, NULL), 0);
	fiber_shield();
	assert_int_equal(try_get(s), -EAGAIN);
	fiber_unshield();
	wait_until(c.n_left == 0, 1000);
	assert_int_equal(c.n_again, 200);
	assert_in_range(c.longest_ms, 0, TIMEOUT_MS + SLACK_MS);
	assert_int_equal(stats_of(s).failures, 201);
	redis_server_signal(&s->server, SIGCONT);
}

static void all_who_wait_are_released_together(void **state)
{
	struct story s = IMPATIENT;

	(void)state;
	with_server(&s, tell_crowd);
}

static void tell_full_pipe(struct story *s)
{
	struct str big = { calloc(1, 1 << 20), 1 << 20 };

	wait_up(s);
	redis_server_signal(&s->server, SIGSTOP);
	for (size_t i = 0; i < 40; i++)
		redis_set(s->redis, STR("k"), big, 60000);
	free((char *)big.data);
	assert_in_range(stats_of(s).pending, 1, 16);
	assert_int_equal(stats_of(s).skipped, 40 - stats_of(s).pending);
	wait_until(!redis_is_up(s->redis), TIMEOUT_MS + SLACK_MS);
	redis_server_signal(&s->server, SIGCONT);
}

static void what_redis_does_not_read_is_bounded(void **state)
{
	struct story s = IMPATIENT;

	(void)state;
	with_server(&s, tell_full_pipe);
}

/* ---- takes no writes ---- */

static void reads_go_on_without_writes(struct story *s, const char *error)
{
	char token[REDIS_TOKEN_SIZE], wanted[32];
	uint64_t failures = stats_of(s).failures;

	snprintf(wanted, sizeof(wanted), "SET NX: %s", error);
	redis_set(s->redis, STR("new"), STR("v"), 60000);
	assert_int_equal(try_get(s), 0);
	assert_int_equal(redis_lease(s->redis, STR("l"), 1000, token), -EAGAIN);
	assert_int_equal(stats_of(s).failures, failures + 2);
	assert_int_equal(stats_of(s).refused, failures + 2);
	assert_string_equal(stats_of(s).last_error, wanted);
	assert_int_equal(try_get(s), 0);
	assert_int_equal(stats_of(s).connects, 1);
	assert_true(redis_is_up(s->redis));
}

static void tell_full(struct story *s)
{
	wait_up(s);
	redis_server_run(&s->server, "SET k v");
	redis_server_run(&s->server, "CONFIG SET maxmemory 1");
	reads_go_on_without_writes(s, "OOM");
}

static void tell_replica(struct story *s)
{
	wait_up(s);
	redis_server_run(&s->server, "SET k v");
	redis_server_run(&s->server, "REPLICAOF 127.0.0.1 1");
	reads_go_on_without_writes(s, "READONLY");
}

static void tell_misconfigured(struct story *s)
{
	wait_up(s);
	redis_server_run(&s->server, "SET k v");
	redis_server_run(&s->server, "CONFIG SET min-replicas-to-write 1");
	reads_go_on_without_writes(s, "NOREPLICAS");
}

static void a_redis_that_takes_no_writes_is_read_from(void **state)
{
	struct story full = { .options.timeout_ms = PATIENT_MS };
	struct story replica = { .options.timeout_ms = PATIENT_MS };
	struct story alone = { .options.timeout_ms = PATIENT_MS };

	(void)state;
	with_server(&full, tell_full);
	with_server(&replica, tell_replica);
	with_server(&alone, tell_misconfigured);
}

static void tell_wrong_type(struct story *s)
{
	wait_up(s);
	redis_server_run(&s->server, "LPUSH k v");
	assert_int_equal(try_get(s), -EAGAIN);
	assert_string_equal(stats_of(s).last_error, "GET: WRONGTYPE");
	redis_server_run(&s->server, "DEL k");
	assert_int_equal(try_get(s), -ENOENT);
	assert_int_equal(stats_of(s).connects, 1);
}

static void an_error_about_one_key_is_no_sign_that_it_is_away(void **state)
{
	struct story s = { .options.timeout_ms = PATIENT_MS };

	(void)state;
	with_server(&s, tell_wrong_type);
}

/* ---- lets us not in ---- */

static const char *wanted_error;

static void tell_kept_out(struct story *s)
{
	wait_until(strcmp(stats_of(s).last_error, wanted_error) == 0, 5000);
	answers_at_once(s);
	assert_int_equal(stats_of(s).connects, 0);
	assert_string_equal(s->turned, "");
}

static void kept_out(const char *login, const char *behind, const char *requirepass, const char *error)
{
	struct story s = { .tell = tell_kept_out,
		           .options.turned = note_turned,
		           .server.options = { requirepass ? "--requirepass" : NULL, requirepass } };
	char url[96];

	wanted_error = error;
	redis_server_up(&s.server);
	snprintf(url, sizeof(url), "redis://%s127.0.0.1:%d%s", login, s.server.port, behind);
	s.options.url = url;
	story_run(&s);
	redis_server_down(&s.server);
}

static void without_the_right_login_or_db_it_is_never_up(void **state)
{
	(void)state;
	kept_out(":WRONG@", "", "right", "AUTH: WRONGPASS");
	kept_out("nobody:SECRET@", "", NULL, "AUTH: WRONGPASS");
	kept_out("", "", "right", "CLIENT: NOAUTH");
	kept_out("", "/99", NULL, "SELECT: ERR");
}

static void refused(const char *url, const char *error)
{
	struct story s = { .tell = tell_kept_out, .options = { .url = url, .turned = note_turned } };

	wanted_error = error;
	story_run(&s);
}

/* Containers often have none. */
static bool has_ipv6(void)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

	if (fd >= 0)
		close(fd);
	return has;
}

static void a_closed_port_is_away(void **state)
{
	(void)state;
	refused("redis://127.0.0.1:1", "connection: connection refused");
	if (has_ipv6())
		refused("redis://[::1]:1", "connection: connection refused");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stopped_redis_costs_one_call),
		cmocka_unit_test(a_stopped_redis_is_noticed_without_a_victim),
		cmocka_unit_test(a_killed_redis_is_used_again_after_its_start),
		cmocka_unit_test(a_connection_that_was_cut_is_replaced_at_once),
		cmocka_unit_test(a_paused_redis_costs_one_call),
		cmocka_unit_test(a_write_that_is_not_answered_trips_it_too),
		cmocka_unit_test(a_loop_that_stood_still_is_no_slow_redis),
		cmocka_unit_test(all_who_wait_are_released_together),
		cmocka_unit_test(what_redis_does_not_read_is_bounded),
		cmocka_unit_test(a_redis_that_takes_no_writes_is_read_from),
		cmocka_unit_test(an_error_about_one_key_is_no_sign_that_it_is_away),
		cmocka_unit_test(without_the_right_login_or_db_it_is_never_up),
		cmocka_unit_test(a_closed_port_is_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
