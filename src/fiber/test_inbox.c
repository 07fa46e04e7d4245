/* What other threads post comes, all of it, in each thread's order, and wakes the loop. */
#include "fiber/inbox.h"

#include "fiber/test_runtime.h"

#include <pthread.h>
#include <stdlib.h>

enum { THREADS = 3, POSTS = 20000 };

struct post {
	struct list node;
	int thread;
	int number;
};

static struct inbox *inbox;
static int last[THREADS];
static int received;

static void take(struct list *node, void *arg)
{
	struct post *p = LIST_ENTRY(node, struct post, node);

	assert_ptr_equal(arg, &inbox);
	assert_int_equal(p->number, last[p->thread] + 1);
	last[p->thread] = p->number;
	received++;
	free(p);
}

static void *post_all(void *arg)
{
	for (int i = 1; i <= POSTS; i++) {
		struct post *p = malloc(sizeof(*p));

		assert_non_null(p);
		*p = (struct post){ .thread = (int)(intptr_t)arg, .number = i };
		inbox_post(inbox, &p->node);
	}
	return NULL;
}

static void posts_come_in_order(void *arg)
{
	pthread_t threads[THREADS];

	(void)arg;
	assert_int_equal(inbox_new(take, &inbox, &inbox), 0);
	inbox_hold(inbox);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, post_all, (void *)(intptr_t)i), 0);
	while (received < THREADS * POSTS)
		assert_int_equal(fiber_sleep_ms(1), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	inbox_let_go(inbox);
	inbox_free(&inbox);
	assert_null(inbox);
}

static void what_is_there_is_taken_at_once(void *arg)
{
	struct post *p = malloc(sizeof(*p));

	(void)arg;
	memset(last, 0, sizeof(last));
	assert_non_null(p);
	*p = (struct post){ .number = 1 };
	assert_int_equal(inbox_new(take, &inbox, &inbox), 0);
	inbox_post(inbox, &p->node);
	inbox_empty(inbox); /* without the loop's help, as after the end of a thread */
	assert_int_equal(last[0], 1);
	inbox_free(&inbox);
}

static void spawned(void (*body)(void *))
{
	assert_int_equal(fiber_spawn("test", body, NULL, NULL), 0);
	run_until_idle();
}

static void posts_of_threads_come_in_order(void **state)
{
	(void)state;
	spawned(posts_come_in_order);
	assert_int_equal(received, THREADS * POSTS);
}

static void an_inbox_is_emptied_by_hand(void **state)
{
	(void)state;
	spawned(what_is_there_is_taken_at_once);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(posts_of_threads_come_in_order, runtime_up, runtime_down),
		cmocka_unit_test_setup_teardown(an_inbox_is_emptied_by_hand, runtime_up, runtime_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
