#include "fiber/stack.h"

#include "base/fault.h"
#include "fiber/test_runtime.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_SIZE ((size_t)64 * 1024)

static void never_run(void *stack)
{
	(void)stack;
	abort();
}

static void a_released_stack_is_used_again(void **state)
{
	struct stack_pool pool;
	struct stack *first;
	struct stack *second;

	(void)state;
	stack_pool_init(&pool, STACK_SIZE - 1, 4, never_run);
	assert_int_equal(stack_acquire(&pool, &first), 0);
	assert_int_equal(first->size, STACK_SIZE);
	stack_release(&pool, first);

	assert_int_equal(stack_acquire(&pool, &second), 0);
	assert_ptr_equal(first, second);
	stack_release(&pool, second);
	stack_pool_done(&pool);
}

static void the_pool_keeps_no_more_than_its_limit(void **state)
{
	struct stack_pool pool;
	struct stack *stacks[5];

	(void)state;
	stack_pool_init(&pool, STACK_SIZE, 2, never_run);
	for (size_t i = 0; i < ARRAY_SIZE(stacks); i++)
		assert_int_equal(stack_acquire(&pool, &stacks[i]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(stacks); i++)
		stack_release(&pool, stacks[i]);

	assert_int_equal(pool.n_free, 2);
	stack_pool_done(&pool);
}

static void depth_is_measured_to_the_word(void **state)
{
	struct stack_pool pool;
	struct stack *s;

	(void)state;
	if (RUNNING_ON_VALGRIND)
		return;
	stack_pool_init(&pool, STACK_SIZE, 2, never_run);
	assert_int_equal(stack_acquire(&pool, &s), 0);
	s->base[STACK_SIZE - 5000] = 1;
	s->base[STACK_SIZE - 40000] = 1;
	stack_release(&pool, s);

	assert_int_equal(stack_pool_high_water(&pool), 40000);
	stack_pool_done(&pool);
}

static void a_stack_used_deeply_gives_its_pages_back(void **state)
{
	struct stack_pool pool;
	struct stack *s;

	(void)state;
	if (RUNNING_ON_VALGRIND)
		return;
	stack_pool_init(&pool, STACK_SIZE, 2, never_run);
	assert_int_equal(stack_acquire(&pool, &s), 0);
	s->base[0] = 1;
	s->base[STACK_SIZE - 1] = 1;
	stack_release(&pool, s);

	assert_int_equal(stack_pool_high_water(&pool), STACK_SIZE);

	assert_int_equal(s->base[0], 0);
	assert_int_equal(s->base[STACK_SIZE - 1], 1);
	stack_pool_done(&pool);
}

static void no_memory_for_a_stack_is_an_error(void **state)
{
	struct stack_pool pool;
	struct stack *s = NULL;

	(void)state;
	stack_pool_init(&pool, STACK_SIZE, 2, never_run);
	fault_set("fiber.stack:1");
	assert_int_equal(stack_acquire(&pool, &s), -ENOMEM);
	fault_set(NULL);
	assert_null(s);
	stack_pool_done(&pool);
}

static char *neighbour;
static size_t neighbour_size;

static int recurse(int depth)
{
	volatile char frame[512];

	frame[0] = (char)depth;
	return depth == INT32_MAX ? 0 : recurse(depth + 1) + frame[0];
}

/* Runs on the alternate stack when the overflow came: tells whether the stack below is as it was. */
static void on_segv(int sig)
{
	(void)sig;
	for (size_t i = 0; i < neighbour_size; i++) {
		if (neighbour[i] != 'n')
			_exit(3);
	}
	_exit(42);
}

static void overflows(void *arg)
{
	(void)arg;
	recurse(0);
}

static void catch_segv(void)
{
	static char alternate[65536];
	const stack_t on = { .ss_sp = alternate, .ss_size = sizeof(alternate) };
	const struct sigaction action = { .sa_handler = on_segv, .sa_flags = SA_ONSTACK };

	sigaltstack(&on, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

/* The child's end: 42 from the handler, or death by the signal. */
static int overflow_in_child(bool handled)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		const struct rlimit no_core = { 0, 0 };

		setrlimit(RLIMIT_CORE, &no_core);
		if (runtime_up(NULL) < 0)
			_exit(1);
		if (handled)
			catch_segv();
		else
			signal(SIGSEGV, SIG_DFL);
		_exit(fiber_start("overflows", overflows, NULL, NULL) == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

/* memcheck reports a fault before the program sees it, so the next three are not for valgrind. */
static void an_overflow_dies_of_the_guard(void **state)
{
	int status;

	(void)state;
	if (RUNNING_ON_VALGRIND)
		return;
	status = overflow_in_child(false);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* Writes down from the top of `above` until something stops it, in a child: its exit status. */
static int write_downwards(const struct stack *above, const char *end)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		catch_segv();
		for (volatile char *p = above->base + above->size - 1; p > end; p--)
			*p = 'x';
		_exit(4);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void an_overflow_leaves_the_neighbour_alone(void **state)
{
	struct stack_pool pool;
	struct stack *a;
	struct stack *b;
	const struct stack *below;

	(void)state;
	if (RUNNING_ON_VALGRIND)
		return;
	stack_pool_init(&pool, STACK_SIZE, 0, never_run);
	assert_int_equal(stack_acquire(&pool, &a), 0);
	assert_int_equal(stack_acquire(&pool, &b), 0);
	below = a->base < b->base ? a : b;
	neighbour = below->base;
	neighbour_size = below->size;
	memset(neighbour, 'n', neighbour_size);

	assert_int_equal(write_downwards(below == a ? b : a, below->base), 42);

	stack_release(&pool, a);
	stack_release(&pool, b);
}

static void an_overflowing_fiber_hits_its_guard_on_the_way_down(void **state)
{
	int status;

	(void)state;
	if (RUNNING_ON_VALGRIND)
		return;
	neighbour_size = 0;
	status = overflow_in_child(true);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_released_stack_is_used_again),
		cmocka_unit_test(the_pool_keeps_no_more_than_its_limit),
		cmocka_unit_test(depth_is_measured_to_the_word),
		cmocka_unit_test(a_stack_used_deeply_gives_its_pages_back),
		cmocka_unit_test(no_memory_for_a_stack_is_an_error),
		cmocka_unit_test(an_overflow_dies_of_the_guard),
		cmocka_unit_test(an_overflow_leaves_the_neighbour_alone),
		cmocka_unit_test(an_overflowing_fiber_hits_its_guard_on_the_way_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
