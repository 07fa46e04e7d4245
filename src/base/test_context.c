/* The current context is a thread's own. */
#include "base/context.h"

#include <pthread.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void *read_context(void *unused)
{
	(void)unused;
	return context_current;
}

static void test_every_thread_starts_without_one(void **state)
{
	struct context context = { .trace_id = "x" };
	void *seen = &context;
	pthread_t thread;

	(void)state;
	context_current = &context;
	assert_int_equal(pthread_create(&thread, NULL, read_context, NULL), 0);
	assert_int_equal(pthread_join(thread, &seen), 0);
	assert_null(seen);
	assert_ptr_equal(read_context(NULL), &context);
	context_current = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_thread_starts_without_one),
	};

	return cmocka_run_group_tests_name("context", tests, NULL, NULL);
}
