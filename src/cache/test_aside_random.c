/* A property: two processes ask for a few keys in any order, while the source fails, Redis goes and comes, evicts and
 * is slow, and time passes. Whatever happens, each question is counted once, nothing is served outside its window, and
 * what a process takes from its L1 without a doubt is what L2 has. TEST_SEED repeats what is done; the cache's own
 * draws are as they come. */
#include "cache/test_aside_fixture.h"

#include <time.h>

#define PROCESSES 2
#define KEYS 4
#define CALLERS 12

static struct aside *processes[PROCESSES];
static struct caller callers[CALLERS];
static uint64_t asked[PROCESSES];
static char key_names[KEYS][2] = { "a", "b", "c", "d" };
static char version[24];

static int random_up(void **state)
{
	struct aside_options o = l2_options();
	const char *given = getenv("TEST_SEED");
	long seed = given ? strtol(given, NULL, 10) : (long)time(NULL);

	print_message("TEST_SEED=%ld\n", seed);
	srandom((unsigned)seed);
	o.beta = 20; /* a load takes 1 ms here, and early refreshes are to be common */
	o.jitter = 0.3;
	o.flights_max = 3;
	o.retry_ms = 50;
	o.lease_ms = 30;
	memset(asked, 0, sizeof(asked));
	if (fixture_up(state) < 0)
		return -1;
	redis_double.tells = true;
	for (size_t i = 0; i < PROCESSES; i++) {
		if (aside_new(&loop, &o, &text_ops, &processes[i]) < 0)
			return -1;
		redis_double_tell_watching(i, true);
	}
	return 0;
}

static int random_down(void **state)
{
	for (size_t i = 0; i < PROCESSES; i++)
		cache_free(&processes[i]);
	return fixture_down(state);
}

static bool one_in(long n)
{
	return random() % n == 0;
}

static void redis_goes_or_comes(void)
{
	redis_double.is_down = !redis_double.is_down;
	for (size_t i = 0; i < PROCESSES; i++)
		redis_double_tell_watching(i, !redis_double.is_down);
}

static void redis_evicts(void)
{
	char name[32];

	snprintf(name, sizeof(name), PREFIX "%s", key_names[random() % KEYS]);
	if (!redis_double_remove(name))
		return;
	for (size_t i = 0; i < PROCESSES && !redis_double.is_down; i++)
		redis_double_tell_changed(i, str_from(name));
}

static void redis_is_flushed(void)
{
	char name[32];

	for (size_t key = 0; key < KEYS; key++) {
		snprintf(name, sizeof(name), PREFIX "%s", key_names[key]);
		redis_double_remove(name);
	}
	for (size_t i = 0; i < PROCESSES && !redis_double.is_down; i++)
		redis_double_tell_changed(i, STR_NULL);
}

static void source_changes(long round)
{
	snprintf(version, sizeof(version), "v%ld", round);
	source_plan.text = version;
	source_plan.outcome = one_in(4) ? -EIO : 0;
	source_plan.is_absent = one_in(8);
	source_plan.sleep_ms = one_in(50) ? 5 : 0;
	source_plan.delta_ms = 0;
	source_plan.life = (struct aside_life){ random() % 300, random() % 300, random() % 300 };
}

static void ask(struct caller *c)
{
	size_t i = (size_t)random() % PROCESSES;

	*c = caller_of(processes[i], key_names[random() % KEYS]);
	asked[i]++;
	spawn(call_main, c);
}

static void check_answer(const struct caller *c)
{
	int64_t age_ms = c->found.age_ms, fresh_ms = c->found.life.fresh_ms;

	assert_true(c->r == 0 || c->r == -ENOENT || c->r == -EIO || c->r == -EBUSY);
	if (c->r < 0 && c->r != -ENOENT)
		return;
	assert_int_equal(c->r, c->text[0] ? 0 : -ENOENT);
	if (c->found.state == ASIDE_HIT)
		assert_in_range(age_ms, 0, fresh_ms - 1);
	if (c->found.state == ASIDE_STALE)
		assert_in_range(age_ms, fresh_ms, aside_life_sum(&c->found.life) - 1);
}

/* With nothing under way. */
static void check_coherence(struct aside *c, const char *key)
{
	struct aside_found found = { 0 };
	struct aside_entry *e CLEANUP(aside_entry_unref) = NULL;
	char name[32];

	if (redis_double.is_down || !aside_peek(c, str_from(key), &found))
		return;
	snprintf(name, sizeof(name), PREFIX "%s", key);
	assert_int_equal(aside_entry_decode(&text_ops, str_from(key), redis_double_find(name), &e), 0);
	assert_non_null(e->value);
	assert_string_equal(((struct text *)found.value)->bytes, ((struct text *)e->value)->bytes);
	text_unref(found.value);
}

static void check_process(size_t i)
{
	uint64_t peeked = stats_of(processes[i]).hits_l1;

	assert_int_equal(answers(processes[i]), asked[i]);
	assert_int_equal(stats_of(processes[i]).flights + stats_of(processes[i]).background, 0);
	assert_int_equal(stats_of(processes[i]).broken, 0);
	for (size_t key = 0; key < KEYS; key++)
		check_coherence(processes[i], key_names[key]);
	asked[i] += stats_of(processes[i]).hits_l1 - peeked;
}

static void something_happens(void)
{
	if (one_in(2))
		redis_is_flushed();
	else
		redis_goes_or_comes();
}

static void everything_holds_whatever_happens(void **state)
{
	long rounds = test_rounds(1000, 20000);

	(void)state;
	for (long round = 0; round < rounds; round++, now_ms += random() % 120) {
		size_t n = (size_t)(1 + random() % CALLERS);

		source_changes(round);
		if (one_in(20))
			redis_goes_or_comes();
		if (one_in(10))
			redis_evicts();
		for (size_t i = 0; i < n; i++)
			ask(&callers[i]);
		if (one_in(4)) {
			run_turn();
			something_happens();
		}
		run_until_idle();

		for (size_t i = 0; i < n; i++)
			check_answer(&callers[i]);
		for (size_t i = 0; i < PROCESSES; i++)
			check_process(i);
	}
	assert_true(rounds < 1000 || (stats_of(processes[0]).stale_error > 0 && stats_of(processes[0]).early > 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(everything_holds_whatever_happens, random_up, random_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
