/* A Redis in memory that does what a test wants, in the place of redis.c: it can be away, slow, lie, refuse writes, and
 * have a lease held by somebody else. Each redis_new() is a client of the one store; time is the policy's. */
#ifndef CINESYNC_CACHE_TEST_REDIS_DOUBLE_H
#define CINESYNC_CACHE_TEST_REDIS_DOUBLE_H

#include "cache/redis.h"

struct redis_double {
	bool is_down;
	bool takes_no_writes;
	bool tells;           /* what one client changes is told to the others */
	int64_t slow_ms;      /* each answer comes this much later */
	int get_answers;      /* instead of looking: a negative errno */
	void (*on_get)(void); /* after the value was read, before it is answered */
	int gets;
	int sets;
	int deletes;
	int leases; /* asked for */
	int leases_ended;
	int64_t last_ttl_ms;
	char last_lease[REDIS_KEY_MAX];
};
extern struct redis_double redis_double;

void redis_double_up(void);
/* No client may be alive. */
void redis_double_down(void);

/* What is under the name, or null. */
struct str redis_double_find(const char *name);
void redis_double_store(const char *name, struct str value);
/* False: was not there. */
bool redis_double_remove(const char *name);
void redis_double_hold_lease(const char *name);
void redis_double_end_lease(const char *name);
/* To client number i, in the order of their redis_new(). */
void redis_double_tell_changed(size_t i, struct str name);
void redis_double_tell_watching(size_t i, bool is_watching);

#endif
