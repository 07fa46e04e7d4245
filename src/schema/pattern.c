/* The cache of compiled patterns: a fixed open-addressing table, filled at first use and never emptied, for patterns
 * come out of field tables, never from outside. A pattern that finds no room is compiled for one match.
 * Thread-safe; never yields. */
#include "schema/pattern.h"

#include <errno.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

#define SLOTS 256u     /* a power of two */
#define PROBES_MAX 16u /* slots looked at for one pattern */

struct compiled {
	char *pattern; /* owned; NULL: free */
	regex_t expression;
};

static struct compiled table[SLOTS];
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;

/* FNV-1a (Fowler, Noll, Vo). */
static uint32_t pattern_hash(const char *pattern)
{
	uint32_t hash = 2166136261u;

	for (; *pattern; pattern++)
		hash = (hash ^ (unsigned char)*pattern) * 16777619u;
	return hash;
}

static int pattern_compile(const char *pattern, regex_t *ret)
{
	char *anchored = NULL;
	int r;

	if (asprintf(&anchored, "^(%s)$", pattern) < 0)
		return -ENOMEM;
	r = regcomp(ret, anchored, REG_EXTENDED);
	free(anchored);
	assert(r == 0 || r == REG_ESPACE);
	return r == 0 ? 0 : -ENOMEM;
}

static int expression_matches(const regex_t *expression, struct str s)
{
	regmatch_t range = { .rm_so = 0, .rm_eo = (regoff_t)s.len };
	int r = regexec(expression, s.data, 1, &range, REG_STARTEND);

	if (r == REG_ESPACE)
		return -ENOMEM;
	return r == 0;
}

static int slot_fill(struct compiled *slot, const char *pattern)
{
	char *copy = strdup(pattern);
	int r;

	if (!copy)
		return -ENOMEM;
	r = pattern_compile(pattern, &slot->expression);
	if (r < 0)
		free(copy);
	else
		slot->pattern = copy;
	return r;
}

/* 0 with the expression, or with NULL when the table has no room. */
static int table_find(const char *pattern, const regex_t **ret)
{
	uint32_t hash = pattern_hash(pattern);

	for (uint32_t i = 0; i < PROBES_MAX; i++) {
		struct compiled *slot = &table[(hash + i) % SLOTS];
		int r = slot->pattern ? 0 : slot_fill(slot, pattern);

		if (r < 0)
			return r;
		if (strcmp(slot->pattern, pattern) == 0) {
			*ret = &slot->expression;
			return 0;
		}
	}
	*ret = NULL;
	return 0;
}

static int pattern_matches_once(const char *pattern, struct str s)
{
	regex_t expression;
	int r = pattern_compile(pattern, &expression);

	if (r < 0)
		return r;
	r = expression_matches(&expression, s);
	regfree(&expression);
	return r;
}

int pattern_matches(const char *pattern, struct str s)
{
	const regex_t *expression = NULL;
	int r;

	pthread_mutex_lock(&table_lock);
	r = table_find(pattern, &expression);
	pthread_mutex_unlock(&table_lock);
	if (r < 0)
		return r;
	return expression ? expression_matches(expression, s) : pattern_matches_once(pattern, s);
}
