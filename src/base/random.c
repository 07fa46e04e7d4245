/* Random bytes. Each thread owns a pool filled by one getrandom(2); bytes are wiped as they leave it. A fork() would
 * give parent and child the same pool, so the child's generation number changes and its pools count as empty. */
#include "base/random.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#define POOL_SIZE 512

struct pool {
	unsigned char bytes[POOL_SIZE];
	size_t left; /* unused bytes, at the end */
	unsigned generation;
};

static _Thread_local struct pool pool;
static atomic_uint generation = 1;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void after_fork(void)
{
	atomic_fetch_add_explicit(&generation, 1, memory_order_relaxed);
}

static void watch_forks(void)
{
	if (pthread_atfork(NULL, NULL, after_fork) != 0)
		abort();
}

static void kernel_fill(unsigned char *ret, size_t len)
{
	while (len > 0) {
		ssize_t n = getrandom(ret, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		/* Going on with anything weaker would be worse than stopping. */
		if (n <= 0)
			abort();
		ret += n;
		len -= (size_t)n;
	}
}

void random_fill(void *ret, size_t len)
{
	unsigned char *from;

	if (len > POOL_SIZE / 4) {
		kernel_fill(ret, len);
		return;
	}
	pthread_once(&once, watch_forks);
	if (pool.left < len || pool.generation != atomic_load_explicit(&generation, memory_order_relaxed)) {
		kernel_fill(pool.bytes, POOL_SIZE);
		pool.left = POOL_SIZE;
		pool.generation = atomic_load_explicit(&generation, memory_order_relaxed);
	}
	from = pool.bytes + (POOL_SIZE - pool.left);
	memcpy(ret, from, len);
	explicit_bzero(from, len);
	pool.left -= len;
}

uint64_t random_below(uint64_t bound)
{
	uint64_t value, unfair;

	assert(bound > 0);
	/* 2^64 mod bound: so many values at the bottom have no full set of partners. */
	unfair = (0 - bound) % bound;
	do
		random_fill(&value, sizeof(value));
	while (value < unfair);
	return value % bound;
}

double random_unit(void)
{
	uint64_t value;

	random_fill(&value, sizeof(value));
	return (double)(value >> 11) * 0x1p-53;
}

static uint64_t rotated(uint64_t value, unsigned by)
{
	return value << by | value >> (64 - by);
}

uint64_t random_quick(void)
{
	static _Thread_local uint64_t s[4];
	static _Thread_local unsigned seeded; /* the generation; 0: never */
	uint64_t result, shifted;

	if (seeded != atomic_load_explicit(&generation, memory_order_relaxed)) {
		random_fill(s, sizeof(s));
		s[0] |= 1; /* all zeroes would stay so */
		seeded = atomic_load_explicit(&generation, memory_order_relaxed);
	}
	result = rotated(s[0] + s[3], 23) + s[0];
	shifted = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= shifted;
	s[3] = rotated(s[3], 45);
	return result;
}

void uuid_v7(char ret[UUID_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	uint64_t now_ms = (uint64_t)clock_real_ms();
	unsigned char bytes[16];
	char *to = ret;

	random_fill(bytes, sizeof(bytes));
	for (int i = 0; i < 6; i++)
		bytes[i] = (unsigned char)(now_ms >> (40 - 8 * i));
	bytes[6] = (unsigned char)(0x70 | (bytes[6] & 0x0f));
	bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3f));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*to++ = '-';
		*to++ = digits[bytes[i] >> 4];
		*to++ = digits[bytes[i] & 15];
	}
	*to = '\0';
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool uuid_is_valid(struct str s)
{
	if (s.len != UUID_SIZE - 1)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s.data[i] != '-' : !is_hex(s.data[i]))
			return false;
	}
	return true;
}
