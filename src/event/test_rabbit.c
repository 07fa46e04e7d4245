/* What of the RabbitMQ transport is pure; the rest is shown against a real server (tests/system/test_rabbitmq.py). */
#include "event/rabbit_topology.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void test_urls(void **state)
{
	static const char *const good[] = { "amqp://localhost", "amqp://u:p@host:5672/vhost", "amqps://host",
		                            "amqp://u%3A:p%40@[::1]:1/%2F", "amqp://guest:guest@127.0.0.1:5672/" };
	static const char *const bad[] = { "",
		                           "http://host",
		                           "amqp://host:port",
		                           "amqp://host:0",
		                           "amqp://host:70000",
		                           "amqp://u:p%4@host",
		                           "amqp:host" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (rabbit_check_url(good[i]))
			fail_msg("%s: %s", good[i], rabbit_check_url(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (!rabbit_check_url(bad[i]))
			fail_msg("%s was taken", bad[i]);
}

static void test_wait_queues_are_called_by_their_delay(void **state)
{
	const struct rabbit_queues q = { .queue = "q", .delays_ms = { 50, 600000 }, .n_delays = 2 };
	char name[RABBIT_NAME_SIZE];

	(void)state;
	rabbit_wait_queue(&q, 1, name);
	assert_string_equal(name, "q.wait.50ms");
	rabbit_wait_queue(&q, 2, name);
	assert_string_equal(name, "q.wait.600000ms");
}

/* As 3.10 words it with the feature flag off (541), other words that would mean the same, and what is about a queue
 * that is there, which is no reason to declare another. */
static void test_what_means_that_there_are_no_quorum_queues(void **state)
{
	(void)state;
	assert_true(rabbit_says_no_quorum(406, STR("PRECONDITION_FAILED - invalid arg 'x-queue-type' for queue 'q' in "
	                                           "vhost '/': unsupported queue type")));
	assert_true(
	        rabbit_says_no_quorum(541, STR("INTERNAL_ERROR - Cannot declare a queue 'queue 'q' in vhost '/'' of "
	                                       "type 'rabbit_quorum_queue' on node 'n': the corresponding feature "
	                                       "flag is disabled")));
	assert_true(rabbit_says_no_quorum(540, STR("NOT_IMPLEMENTED - quorum queues")));
	assert_false(rabbit_says_no_quorum(406, STR("PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue "
	                                            "'q' in vhost '/': received 'quorum' but current is 'classic'")));
	assert_false(rabbit_says_no_quorum(541, STR("INTERNAL_ERROR")));
	assert_false(rabbit_says_no_quorum(403, STR("ACCESS_REFUSED - quorum")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_wait_queues_are_called_by_their_delay),
		cmocka_unit_test(test_what_means_that_there_are_no_quorum_queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
