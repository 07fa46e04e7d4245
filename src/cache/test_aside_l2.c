/* Two levels: what L2 gives and is given, values that are none, a Redis that is away, and what is believed of L1 when
 * others change things or may have. */
#include "cache/test_aside_fixture.h"

static const struct str name_of_a = { PREFIX "a", sizeof(PREFIX "a") - 1 };

/* What another process, with a source that says so, has put into L2. */
static void other_process_keeps(const char *key, const char *text)
{
	const struct aside_life life = { 1000, 2000, 4000 };
	struct aside_entry *e =
	        aside_entry_new(&text_ops, text ? text_new(str_from(text)) : NULL, &life, STR("\"other\""), 1);
	struct buf b CLEANUP(buf_done) = { 0 };
	char name[64];

	assert_non_null(e);
	buf_init(&b, 10000);
	aside_entry_encode(e, str_from(key), &b);
	snprintf(name, sizeof(name), PREFIX "%s", key);
	redis_double_store(name, buf_str(&b));
	aside_entry_unref(&e);
}

static void forget_l1(void)
{
	redis_double_tell_changed(0, STR_NULL);
}

static void a_load_fills_both_levels(void **state)
{
	(void)state;
	assert_found(get("a"), "one", MISS, SOURCE);
	assert_non_null(redis_double_find(PREFIX "a").data);
	assert_int_equal(redis_double.last_ttl_ms, 7000);
	assert_found(get("a"), "one", HIT, L1);
	forget_l1();
	now_ms += 100;
	assert_found(get("a"), "one", HIT, L2);
	assert_found(get("a"), "one", HIT, L1);
	assert_int_equal(get("a").found.age_ms, 100);
	assert_int_equal(source_plan.loads, 1);
	assert_int_equal(stats_of(cache).hits_l2, 1);
	assert_int_equal(answers(cache), 5);
}

static void what_is_absent_is_shared_too(void **state)
{
	(void)state;
	other_process_keeps("a", NULL);
	assert_found(get("a"), "", HIT, L2);
	assert_found(get("a"), "", HIT, L1);
	assert_int_equal(source_plan.loads, 0);
}

static void the_drawn_life_is_shared(void **state)
{
	struct aside_options o = l2_options();
	int64_t drawn;

	(void)state;
	o.jitter = 0.5;
	cache_replace(&o);
	source_plan.life.fresh_ms = 1000000;
	drawn = get("a").found.life.fresh_ms;
	forget_l1();
	assert_int_equal(get("a").found.life.fresh_ms, drawn);
}

static void stale_in_l2_is_served_and_refreshed(void **state)
{
	(void)state;
	other_process_keeps("a", "old");
	now_ms += 1500;
	assert_found(get("a"), "old", STALE, L2);
	assert_found(get("a"), "one", HIT, L1);
	assert_int_equal(source_plan.loads, 1);
	assert_string_equal(source_plan.asked_with, "\"other\"");
	assert_int_equal(stats_of(cache).refreshes, 1);
	assert_int_equal(stats_of(cache).stale_l2, 1);
}

static void late_in_l2_is_revalidated(void **state)
{
	(void)state;
	other_process_keeps("a", "old");
	now_ms += 3000;
	source_plan.is_unchanged = true;
	assert_found(get("a"), "old", REVALIDATED, SOURCE);
	assert_string_equal(source_plan.asked_with, "\"other\"");
}

static void what_is_not_to_be_kept_leaves_l2_too(void **state)
{
	(void)state;
	other_process_keeps("a", "old");
	now_ms += 3000;
	source_plan.life = (struct aside_life){ 0 };
	assert_found(get("a"), "one", MISS, SOURCE);
	assert_null(redis_double_find(PREFIX "a").data);
}

static void late_in_l2_stands_in_for_a_source_that_fails(void **state)
{
	struct caller c;

	(void)state;
	other_process_keeps("a", "old");
	now_ms += 3000;
	source_plan.outcome = -EIO;
	c = get("a");
	assert_found(c, "old", STALE, L2);
	assert_true(c.found.is_degraded);
	assert_int_equal(stats_of(cache).l1.entries, 1);
	assert_int_equal(stats_of(cache).stale_error, 1);
	assert_int_equal(stats_of(cache).stale_l2, 1);
}

static void what_is_over_in_l2_is_deleted_and_not_called_broken(void **state)
{
	(void)state;
	other_process_keeps("a", "old");
	now_ms += 7000;
	assert_found(get("a"), "one", MISS, SOURCE);
	assert_int_equal(redis_double.deletes, 1);
	assert_int_equal(stats_of(cache).broken, 0);
}

static void what_is_no_value_of_ours_is_deleted_and_loaded(void **state)
{
	const struct str garbage[] = { STR(""), STR("garbage"), STR("CSA1"), STR("{\"v\":2}") };

	(void)state;
	source_plan.life = (struct aside_life){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		redis_double_store(PREFIX "a", garbage[i]);
		assert_found(get("a"), "one", MISS, SOURCE);
		assert_null(redis_double_find(PREFIX "a").data);
		assert_int_equal(stats_of(cache).broken, i + 1);
	}
	other_process_keeps("a", "foreign words");
	assert_found(get("a"), "one", MISS, SOURCE);
	assert_int_equal(stats_of(cache).broken, ARRAY_SIZE(garbage) + 1);
}

static void a_value_too_large_to_read_is_no_value_of_ours(void **state)
{
	(void)state;
	redis_double.get_answers = -EMSGSIZE;
	assert_found(get("a"), "one", MISS, SOURCE);
	assert_int_equal(stats_of(cache).broken, 1);
}

static void a_redis_that_is_away_is_not_asked(void **state)
{
	(void)state;
	redis_double.is_down = true;
	assert_found(get("a"), "one", MISS, SOURCE);
	assert_found(get("a"), "one", HIT, L1);
	now_ms += 1000;
	assert_found(get("a"), "one", STALE, L1);
	assert_int_equal(redis_double.gets + redis_double.sets + redis_double.leases, 0);
}

static void a_redis_that_fails_or_is_read_only_does_no_harm(void **state)
{
	(void)state;
	redis_double.get_answers = -EAGAIN;
	assert_found(get("a"), "one", MISS, SOURCE);
	redis_double.get_answers = 0;
	redis_double.takes_no_writes = true;
	assert_found(get("b"), "one", MISS, SOURCE);
	assert_found(get("b"), "one", HIT, L1);
	assert_int_equal(stats_of(cache).broken, 0);
}

static void a_slow_redis_holds_up_only_who_can_wait(void **state)
{
	struct caller hasty = caller_of(cache, "a"), patient = caller_of(cache, "a");

	(void)state;
	redis_double.slow_ms = 60;
	hasty.deadline_in_ms = 5;
	spawn(call_main, &hasty);
	spawn(call_main, &patient);
	run_until_idle();
	assert_int_equal(hasty.r, -ETIMEDOUT);
	assert_found(patient, "one", MISS, SOURCE);

	/* A suspect is not for the hasty to wait for either. */
	telling_was_lost();
	hasty.text[0] = '\0';
	spawn(call_main, &hasty);
	run_until_idle();
	assert_found(hasty, "one", HIT, L1);
}

static void a_key_too_long_for_redis_lives_in_l1(void **state)
{
	char key[REDIS_KEY_MAX];

	(void)state;
	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	assert_found(get(key), "one", MISS, SOURCE);
	assert_found(get(key), "one", HIT, L1);
	assert_int_equal(redis_double.gets + redis_double.sets + redis_double.leases, 0);
}

/* ---- changes by others ---- */

static void a_change_by_another_process_is_seen_at_once(void **state)
{
	(void)state;
	(void)get("a");
	(void)get("b");
	now_ms += 10;
	other_process_keeps("a", "two");
	redis_double_tell_changed(0, name_of_a);
	assert_found(get("a"), "two", HIT, L2);
	assert_found(get("b"), "one", HIT, L1);
	assert_int_equal(stats_of(cache).invalidated, 1);
}

static void changes_that_concern_nobody_are_not_counted(void **state)
{
	(void)state;
	(void)get("a");
	redis_double_tell_changed(0, STR(PREFIX "never asked"));
	redis_double_tell_changed(0, STR("elsewhere:a"));
	redis_double_tell_changed(0, STR("a"));
	assert_found(get("a"), "one", HIT, L1);
	assert_int_equal(stats_of(cache).invalidated, 0);
}

static void when_anything_may_have_changed_l1_is_emptied(void **state)
{
	(void)state;
	(void)get("a");
	(void)get("b");
	forget_l1();
	assert_int_equal(stats_of(cache).l1.entries, 0);
	assert_int_equal(stats_of(cache).invalidated, 2);
}

static void tell_a(void)
{
	redis_double.on_get = NULL;
	redis_double_tell_changed(0, name_of_a);
}

static void tell_all(void)
{
	redis_double.on_get = NULL;
	redis_double_tell_changed(0, STR_NULL);
}

static void tell_lost(void)
{
	redis_double.on_get = NULL;
	telling_was_lost();
}

/* It may have been read before the change. */
static void what_was_read_while_it_changed_is_answered_and_not_kept(void **state)
{
	void (*tells[])(void) = { tell_a, tell_all, tell_lost };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tells); i++) {
		other_process_keeps("a", "old");
		redis_double.on_get = tells[i];
		assert_found(get("a"), "old", HIT, L2);
		assert_int_equal(stats_of(cache).l1.entries, 0);
		assert_found(get("a"), "old", HIT, L2);
		assert_int_equal(stats_of(cache).l1.entries, 1);
		forget_l1();
	}
}

static void keep_newer(void)
{
	const struct aside_life life = { 1000, 0, 0 };

	redis_double.on_get = NULL;
	now_ms += 10;
	keep_now(STR("a"), STR("newer"), &life);
}

static void what_was_read_before_does_not_replace_what_came_since(void **state)
{
	(void)state;
	other_process_keeps("a", "old");
	redis_double.on_get = keep_newer;
	assert_found(get("a"), "old", HIT, L2);
	assert_found(get("a"), "newer", HIT, L1);
}

static void change_during_load(void)
{
	redis_double_tell_changed(0, name_of_a);
	redis_double_tell_watching(0, true);
}

static void what_is_loaded_while_it_changed_is_kept(void **state)
{
	(void)state;
	source_plan.on_load = change_during_load;
	assert_found(get("a"), "one", MISS, SOURCE);
	assert_found(get("a"), "one", HIT, L1);
}

/* ---- when changes may have been missed ---- */

static void a_suspect_gives_way_to_what_l2_has(void **state)
{
	(void)state;
	(void)get("a");
	now_ms += 10;
	other_process_keeps("a", "two");
	telling_was_lost();
	assert_int_equal(peek("a").r, 99);
	assert_found(get("a"), "two", HIT, L2);
	assert_found(get("a"), "two", HIT, L1);
	assert_int_equal(source_plan.loads, 1);
}

static void an_answer_of_l2_takes_no_flight(void **state)
{
	(void)state;
	other_process_keeps("a", "old");
	assert_found(get("a"), "old", HIT, L2);
	assert_int_equal(prepared, 0);
	assert_int_equal(stats_of(cache).flights, 0);
}

static void while_nothing_is_told_l2_is_asked_each_time(void **state)
{
	(void)state;
	(void)get("a");
	redis_double_tell_watching(0, false);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(peek("a").r, 99);
		assert_found(get("a"), "one", HIT, L2);
	}
	redis_double_tell_watching(0, true);
	assert_found(get("a"), "one", HIT, L2);
	assert_found(peek("a"), "one", HIT, L1);
	assert_int_equal(source_plan.loads, 1);
}

static void a_suspect_that_l2_has_not_is_believed_and_written_back(void **state)
{
	(void)state;
	(void)get("a");
	telling_was_lost();
	assert_true(redis_double_remove(PREFIX "a"));
	now_ms += 500;
	assert_found(get("a"), "one", HIT, L1);
	assert_non_null(redis_double_find(PREFIX "a").data);
	assert_int_equal(redis_double.last_ttl_ms, 6500);
	assert_found(peek("a"), "one", HIT, L1);
	assert_int_equal(source_plan.loads, 1);
	assert_int_equal(stats_of(cache).hits_l1, 2);
}

static void a_stale_suspect_too_and_it_is_refreshed(void **state)
{
	(void)state;
	(void)get("a");
	telling_was_lost();
	assert_true(redis_double_remove(PREFIX "a"));
	now_ms += 1500;
	source_plan.text = "two";
	assert_found(get("a"), "one", STALE, L1);
	assert_found(get("a"), "two", HIT, L1);
}

static void a_suspect_newer_than_l2_is_believed_and_written_back(void **state)
{
	(void)state;
	other_process_keeps("a", "old");
	redis_double.get_answers = -EAGAIN;
	redis_double.takes_no_writes = true;
	now_ms += 10;
	(void)get("a");
	telling_was_lost();
	redis_double.get_answers = 0;
	redis_double.takes_no_writes = false;
	assert_found(get("a"), "one", HIT, L1);
	forget_l1();
	assert_found(get("a"), "one", HIT, L2);
}

static void without_redis_a_suspect_is_believed(void **state)
{
	struct caller c = caller_of(cache, "a");
	int gets;

	(void)state;
	(void)get("a");
	gets = redis_double.gets;
	telling_was_lost();
	redis_double.is_down = true;
	assert_int_equal(fiber_start("at once", call_main, &c, NULL), 0);
	assert_found(c, "one", HIT, L1);
	assert_found(peek("a"), "one", HIT, L1);
	redis_double.is_down = false;
	redis_double_tell_watching(0, true);
	redis_double.get_answers = -EAGAIN;
	assert_found(get("a"), "one", HIT, L1);
	assert_int_equal(redis_double.gets, gets + 1);
	assert_int_equal(redis_double.sets, 1);
	assert_int_equal(source_plan.loads, 1);
}

static void a_late_suspect_is_loaded(void **state)
{
	(void)state;
	(void)get("a");
	telling_was_lost();
	assert_true(redis_double_remove(PREFIX "a"));
	now_ms += 3000;
	assert_found(get("a"), "one", MISS, SOURCE);
	now_ms += 3000;
	redis_double_tell_watching(0, true);
	assert_true(redis_double_remove(PREFIX "a"));
	source_plan.outcome = -EIO;
	assert_found(get("a"), "one", STALE, L1);
}

/* It is gone from L2, and not by its age. */
static void a_suspect_that_is_changed_while_l2_is_asked_is_not_believed(void **state)
{
	(void)state;
	(void)get("a");
	telling_was_lost();
	assert_true(redis_double_remove(PREFIX "a"));
	redis_double.on_get = tell_a;
	source_plan.text = "two";
	assert_found(get("a"), "two", MISS, SOURCE);
	assert_found(get("a"), "two", HIT, L1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		l2_test(a_load_fills_both_levels),
		l2_test(what_is_absent_is_shared_too),
		l2_test(the_drawn_life_is_shared),
		l2_test(stale_in_l2_is_served_and_refreshed),
		l2_test(late_in_l2_is_revalidated),
		l2_test(what_is_not_to_be_kept_leaves_l2_too),
		l2_test(late_in_l2_stands_in_for_a_source_that_fails),
		l2_test(what_is_over_in_l2_is_deleted_and_not_called_broken),
		l2_test(what_is_no_value_of_ours_is_deleted_and_loaded),
		l2_test(a_value_too_large_to_read_is_no_value_of_ours),
		l2_test(a_redis_that_is_away_is_not_asked),
		l2_test(a_redis_that_fails_or_is_read_only_does_no_harm),
		l2_test(a_slow_redis_holds_up_only_who_can_wait),
		l2_test(a_key_too_long_for_redis_lives_in_l1),
		l2_test(a_change_by_another_process_is_seen_at_once),
		l2_test(changes_that_concern_nobody_are_not_counted),
		l2_test(when_anything_may_have_changed_l1_is_emptied),
		l2_test(what_was_read_while_it_changed_is_answered_and_not_kept),
		l2_test(what_was_read_before_does_not_replace_what_came_since),
		l2_test(what_is_loaded_while_it_changed_is_kept),
		l2_test(a_suspect_gives_way_to_what_l2_has),
		l2_test(an_answer_of_l2_takes_no_flight),
		l2_test(while_nothing_is_told_l2_is_asked_each_time),
		l2_test(a_suspect_that_l2_has_not_is_believed_and_written_back),
		l2_test(a_stale_suspect_too_and_it_is_refreshed),
		l2_test(a_suspect_newer_than_l2_is_believed_and_written_back),
		l2_test(without_redis_a_suspect_is_believed),
		l2_test(a_late_suspect_is_loaded),
		l2_test(a_suspect_that_is_changed_while_l2_is_asked_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
