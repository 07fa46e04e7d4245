/* Memory that is freed in one go: one arena a request. Bump allocation in blocks, a cap on the sum.
 * Not thread-safe. Under ASan freed and unused room is poisoned. */
#ifndef CINESYNC_BASE_ARENA_H
#define CINESYNC_BASE_ARENA_H

#include "base/str.h"

#include <stdarg.h>

struct arena;

/* An arena that hands out at most size_max bytes. -ENOMEM. Free with arena_free(). */
int arena_new(size_t size_max, struct arena **ret) MUST_CHECK;
/* Frees everything; takes NULL and a pointer to NULL, leaves NULL. */
void arena_free(struct arena **a);
/* Frees what was handed out, keeps the first block for the next use. */
void arena_reset(struct arena *a);

/* Overwrites everything that was handed out, in a way the compiler keeps: before arena_reset() or arena_free() when
 * secrets were in it. */
void arena_wipe(struct arena *a);

/* Zeroed, 16-byte aligned. NULL: over the cap or out of memory. size 0 gives a valid pointer. */
void *arena_alloc(struct arena *a, size_t size) MUST_CHECK;
/* n items of `size` bytes, overflow checked. */
void *arena_array(struct arena *a, size_t n, size_t size) MUST_CHECK;
/* A copy of the bytes, with a NUL behind. A null str stays null, so test with `s.data && !copy.data` or use
 * arena_copy(). */
struct str arena_str(struct arena *a, struct str s);
/* As arena_str(), telling failure: 0 or -ENOMEM. */
int arena_copy(struct arena *a, struct str s, struct str *ret) MUST_CHECK;
/* Null str on failure. */
struct str arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Bytes handed out so far. */
size_t arena_used(const struct arena *a);

#endif
