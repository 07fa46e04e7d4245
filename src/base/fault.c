/* Faults on demand, in test builds. The plan is process-wide, under one mutex; without a plan a call costs one atomic
 * load. A plan that cannot be read stops the program: a test must not pass because its fault never came.
 * Limits: 16 points a plan, 47 characters a name. */
#include "base/fault.h"

#ifdef CINESYNC_FAULTS

#include "base/str.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define RULES_MAX 16
#define NAME_SIZE 48

struct rule {
	char point[NAME_SIZE];
	int64_t nth;
	bool and_later;
	int64_t calls;
};

static struct rule rules[RULES_MAX];
static size_t n_rules;
static atomic_bool active;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static _Noreturn void refuse(const char *plan)
{
	fprintf(stderr, "CINESYNC_FAULT: cannot read \"%s\"; it looks like \"alloc:37,store.commit:2+\"\n", plan);
	abort();
}

/* "alloc:37" or "alloc:37+" */
static bool parse_rule(struct str text, struct rule *ret)
{
	ptrdiff_t colon = str_index(text, ':', 0);
	struct rule rule = { .and_later = str_ends(text, STR("+")) };
	struct str number;

	if (colon <= 0 || colon >= NAME_SIZE)
		return false;
	memcpy(rule.point, text.data, (size_t)colon);
	number = str_slice(text, (size_t)colon + 1, text.len - rule.and_later);
	if (str_to_int64(number, 1, INT64_MAX, &rule.nth) < 0)
		return false;
	*ret = rule;
	return true;
}

static void load_plan(const char *plan)
{
	struct str left = str_from(plan);

	n_rules = 0;
	while (left.len > 0) {
		ptrdiff_t comma = str_index(left, ',', 0);
		size_t end = comma < 0 ? left.len : (size_t)comma;

		if (n_rules == RULES_MAX || !parse_rule(str_slice(left, 0, end), &rules[n_rules]))
			refuse(plan);
		n_rules++;
		left = str_slice(left, end + 1, left.len);
	}
	atomic_store(&active, n_rules > 0);
}

static void load_environment(void)
{
	load_plan(getenv("CINESYNC_FAULT"));
}

void fault_set(const char *plan)
{
	pthread_once(&once, load_environment);
	pthread_mutex_lock(&lock);
	load_plan(plan);
	pthread_mutex_unlock(&lock);
}

bool fault_hit(const char *point)
{
	bool hit = false;

	pthread_once(&once, load_environment);
	if (!atomic_load_explicit(&active, memory_order_relaxed))
		return false;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < n_rules; i++) {
		if (strcmp(rules[i].point, point) != 0)
			continue;
		rules[i].calls++;
		if (rules[i].calls == rules[i].nth || (rules[i].and_later && rules[i].calls > rules[i].nth))
			hit = true;
	}
	pthread_mutex_unlock(&lock);
	return hit;
}

#endif
