/* What the unit tests of this room share: an arena, and violations as one line of text. */
#ifndef CINESYNC_SCHEMA_TESTING_H
#define CINESYNC_SCHEMA_TESTING_H

#include "schema/schema.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A str of the bytes of a literal, NULs and all, that shows to ASan where it ends. */
#define BYTES(literal) ((struct str){ (const char[sizeof(literal) - 1]){ literal }, sizeof(literal) - 1 })

static inline struct arena *testing_arena(void)
{
	struct arena *a = NULL;

	assert_int_equal(arena_new(8u << 20, &a), 0);
	return a;
}

/* "body.items.3.email missing; body extra_forbidden": the place and the word of each. */
static inline const char *testing_words(struct arena *a, const struct violations *v)
{
	struct str text = STR("");

	for (size_t i = 0; i < v->n; i++) {
		const struct violation *item = &v->items[i];

		for (size_t step = 0; step < item->n_loc; step++)
			text = arena_printf(a, "%s%s%s", text.data, step ? "." : i ? "; " : "", item->loc[step].data);
		text = arena_printf(a, "%s %s", text.data, item->type);
	}
	return text.data;
}

/* Parses JSON that is wrong; gives the words. */
static inline const char *testing_refused(struct arena *a, const struct schema *s, struct str json)
{
	struct violations v;
	void *value = arena_alloc(a, s->size);

	assert_non_null(value);
	violations_init(&v, a);
	assert_int_equal(schema_parse(s, json, a, value, &v), -EINVAL);
	return testing_words(a, &v);
}

/* Parses JSON that is right. */
static inline void testing_taken(struct arena *a, const struct schema *s, struct str json, void *ret_value)
{
	struct violations v;

	violations_init(&v, a);
	if (schema_parse(s, json, a, ret_value, &v) < 0)
		fail_msg("%.*s: %s", (int)json.len, json.data, testing_words(a, &v));
	assert_int_equal(v.n, 0);
}

static inline void testing_str(struct str s, const char *expected)
{
	assert_non_null(s.data);
	assert_int_equal(s.len, strlen(expected));
	assert_string_equal(s.data, expected);
}

#endif
