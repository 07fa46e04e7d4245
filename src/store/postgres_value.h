/* Values to parameters and rows back to values. Private to the driver. Nothing here yields. */
#ifndef CINESYNC_STORE_POSTGRES_VALUE_H
#define CINESYNC_STORE_POSTGRES_VALUE_H

#include "store/driver.h"

struct pg_result;

/* As libpq takes them. Integers, numbers and truth values go as text with their type said, text with the type left to
 * the server (so it fits uuid, enumerations, dates), blobs in binary. */
struct postgres_params {
	unsigned types[STORE_ARGS_MAX];
	const char *values[STORE_ARGS_MAX];
	int lengths[STORE_ARGS_MAX];
	int formats[STORE_ARGS_MAX];
	char numbers[STORE_ARGS_MAX][32];
	struct arena *arena; /* for texts, which libpq wants with a NUL behind them */
};

/* -ENOMEM: the arena is full. */
int postgres_params_make(const struct store_value *args, size_t n, struct arena *a,
                         struct postgres_params *ret) MUST_CHECK;

/* Rows as they come in: their texts in an arena, the values in memory of their own, which move to the arena once, at
 * their final size. */
struct postgres_rows {
	struct arena *arena;
	struct store_value *values;
	size_t n;
	size_t columns;
	size_t cap; /* rows */
};

void postgres_rows_done(struct postgres_rows *rows);

/* Adds the rows of a result in binary. -EMSGSIZE: over STORE_ROWS_MAX; -EPROTO: a type that has no place here (numeric,
 * dates), the words say which; -ENOMEM. */
int postgres_rows_add(struct postgres_rows *rows, const struct pg_result *result, struct store_words *words) MUST_CHECK;
/* All have come. -ENOMEM: no room in the arena. */
int postgres_rows_move(const struct postgres_rows *rows, int64_t affected, struct store_words *words,
                       struct store_rows *ret) MUST_CHECK;

#endif
