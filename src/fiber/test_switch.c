#include "fiber/switch.h"

#include "fiber/test_runtime.h"

#include <stdlib.h>
#include <string.h>

#define STACK_SIZE ((size_t)256 * 1024)

static struct switch_side home;
static struct switch_side side;
static char trace[64];

static void note(const char *what)
{
	size_t len = strlen(trace);

	snprintf(trace + len, sizeof(trace) - len, "%s ", what);
}

static void twice(void *arg)
{
	for (;;) {
		note(arg);
		switch_to(&side, &home);
		note("again");
		switch_to_last(&side, &home);
	}
}

static void a_side_goes_on_where_it_slept(void **state)
{
	void *stack = malloc(STACK_SIZE);

	(void)state;
	trace[0] = '\0';
	switch_side_init_thread(&home);
	switch_side_init(&side, stack, STACK_SIZE, twice, "first");

	switch_to(&home, &side);
	note("home");
	switch_to(&home, &side);
	note("home");
	switch_to(&home, &side);

	assert_string_equal(trace, "first home again home first ");
	free(stack);
}

static double sum;

static void computes(void *arg)
{
	double local = *(double *)arg;
	char buffer[128];

	for (;;) {
		snprintf(buffer, sizeof(buffer), "%.1f", local);
		switch_to(&side, &home);
		local += strtod(buffer, NULL);
		sum = local;
		switch_to(&side, &home);
	}
}

static void locals_live_through_switches(void **state)
{
	void *stack = malloc(STACK_SIZE);
	double start = 1.5;
	double mine = 0.25;

	(void)state;
	switch_side_init_thread(&home);
	switch_side_init(&side, stack, STACK_SIZE, computes, &start);

	switch_to(&home, &side);
	mine *= 2;
	switch_to(&home, &side);

	assert_true(sum == 3.0 && mine == 0.5);
	free(stack);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_side_goes_on_where_it_slept),
		cmocka_unit_test(locals_live_through_switches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
