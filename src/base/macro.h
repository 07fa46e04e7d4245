/* The few macros every room uses. */
#ifndef CINESYNC_BASE_MACRO_H
#define CINESYNC_BASE_MACRO_H

#include <assert.h>
#include <stddef.h>
/* It defines MIN and MAX too, evaluating twice, and comes in with <uv.h>: here first, so that ours stay. */
#include <sys/param.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#undef MIN
#define MIN(a, b)                                  \
	__extension__({                            \
		__auto_type min_a_ = (a);          \
		__auto_type min_b_ = (b);          \
		min_a_ < min_b_ ? min_a_ : min_b_; \
	})

#undef MAX
#define MAX(a, b)                                  \
	__extension__({                            \
		__auto_type max_a_ = (a);          \
		__auto_type max_b_ = (b);          \
		max_a_ > max_b_ ? max_a_ : max_b_; \
	})

/* The struct that holds member `name` at `ptr`. */
#define CONTAINER_OF(ptr, type, name) ((type *)(void *)((char *)(ptr)-offsetof(type, name)))

/* Runs fn(&variable) when the variable leaves its scope. Every `_free`, `_unref` and `_done` of the project has the
 * right shape for it: `struct buf b CLEANUP(buf_done);`, `struct arena *a CLEANUP(arena_free) = NULL;` */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define MUST_CHECK __attribute__((warn_unused_result))
#define UNUSED __attribute__((unused))

/* Takes the pointer out of a variable, so that its cleanup frees nothing. */
#define STEAL(ptr)                           \
	__extension__({                      \
		__auto_type stolen_ = (ptr); \
		(ptr) = NULL;                \
		stolen_;                     \
	})

#endif
