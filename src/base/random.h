/* Randomness from the kernel's CSPRNG (getrandom(2)). */
#ifndef CINESYNC_BASE_RANDOM_H
#define CINESYNC_BASE_RANDOM_H

#include "base/str.h"

#define UUID_SIZE 37 /* 36 characters and the NUL */

/* Fills with cryptographically strong bytes. Cannot fail once the system is up: it aborts otherwise. Small requests are
 * served from a per-thread pool of 512 bytes, wiped as it is used and refilled after fork(). */
void random_fill(void *ret, size_t len);
/* Uniform in [0, bound), without modulo bias. bound > 0. */
uint64_t random_below(uint64_t bound);
/* Uniform in [0, 1). */
double random_unit(void);

/* 64 random bits in a few nanoseconds, for what has to be different and not secret: ids of traces and spans.
 * Thread-safe; a fork() has both sides go on with numbers of their own. xoshiro256++ (Blackman, Vigna, "Scrambled
 * Linear Pseudorandom Number Generators", 2021), seeded by random_fill(). */
uint64_t random_quick(void);

/* UUID version 7 (RFC 9562): 48-bit Unix milliseconds, then 74 random bits. Lower case. */
void uuid_v7(char ret[UUID_SIZE]);
/* 8-4-4-4-12 hexadecimal digits, any version, either case. */
bool uuid_is_valid(struct str s);

#endif
