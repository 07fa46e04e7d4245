/* The shared cache (L2): one Redis (6.2 or later), one pipelining connection for data and a second one on which Redis
 * tells which keys others have changed. It is a help, never a need: every call answers within timeout_ms, and once
 * Redis is slow, away or wrong, a breaker of its own answers at once while a fiber reconnects in the background (first
 * after 100 ms, with jitter, at most 2 s between tries), so that it is in use again within 5 s of its recovery.
 *
 * One thread, one loop. Functions marked so yield and run on a fiber. */
#ifndef CINESYNC_CACHE_REDIS_H
#define CINESYNC_CACHE_REDIS_H

#include "base/arena.h"

struct redis;
struct uv_loop_s;

#define REDIS_KEY_MAX 512          /* bytes; a longer key is never sent */
#define REDIS_VALUE_MAX (4u << 20) /* bytes; a larger one is as good as none */
#define REDIS_TOKEN_SIZE 33        /* of a lease: 32 hexadecimal digits and the NUL */

struct redis_options {
	const char *url;    /* redis://[[user]:password@]host[:port][/db]; percent-encoded; IPv6 in brackets */
	int64_t timeout_ms; /* of one call, from 1; 0: 50 */
	size_t pending_max; /* commands written and not answered; over it Redis counts as away; 0: 10,000 */
	const char *prefix; /* whose keys are watched for changes by others (CLIENT TRACKING … BCAST PREFIX …
	                     * NOLOOP); NULL: none are, and there is no second connection */
	/* From the loop, never from within a call. key: what another client has changed, or let expire, or Redis has
	 * evicted; a null str: anything may have changed (FLUSHALL). May be NULL without a prefix. */
	void (*changed)(struct str key, void *arg);
	/* Whether changes are told from now on. false: some may have been missed. Not called at the start, when nothing
	 * is told yet. May be NULL. */
	void (*watching)(bool is_watching, void *arg);
	/* From the loop, for the owner's log: it came to work, or no longer does, and why (never a secret). May be
	 * NULL. */
	void (*turned)(bool is_up, const char *why, void *arg);
	void *arg;
};

/* What Redis answered, copied into an arena. */
struct redis_answer {
	enum { REDIS_ANSWER_NIL, REDIS_ANSWER_INTEGER, REDIS_ANSWER_TEXT, REDIS_ANSWER_LIST } kind;
	int64_t integer;                  /* _INTEGER */
	struct str text;                  /* _TEXT: a string of any bytes, or a status ("OK") */
	const struct redis_answer *items; /* _LIST */
	size_t n_items;
};

#define REDIS_SCRIPT_ARGS_MAX 20 /* keys and arguments together */

/* A script in Lua, in a struct that lives as long as it is used; zeroed but for the text. */
struct redis_script {
	struct str text; /* by pointer */
	char sha1[41];   /* as Redis has told it; "": not yet */
};

struct redis_stats {
	bool is_up;
	bool is_watching;
	uint64_t calls;    /* of every kind: those answered, `failures`, `skipped` and `pending` together */
	uint64_t failures; /* calls without an answer: timed out, lost, refused; not those answered at once while it is
	                      down */
	uint64_t refused;  /* those of the failures that Redis answered with an error: OOM, READONLY, MISCONF … */
	uint64_t skipped;  /* calls answered -EAGAIN while it is down or too much is pending */
	uint64_t connects; /* connections of data that came to work */
	size_t pending;
	char last_error[96]; /* what and why, "SET: OOM"; empty: none yet. Never a secret */
};

/* For a config_entry's check: NULL when the URL is one of ours, else what it should be. */
const char *redis_check_url(const char *url);

/* Connects in the background: returns at once, is_up turns true later. Names are looked up off the loop. -EINVAL: the
 * URL; -ENOMEM. Options are copied, strings too. */
int redis_new(struct uv_loop_s *loop, const struct redis_options *options, struct redis **ret) MUST_CHECK;
/* Yields until its fibers have ended and its handles are closed. No call may be under way. Takes NULL, leaves NULL. */
void redis_free(struct redis **r);

bool redis_is_up(const struct redis *r);
void redis_stats_get(const struct redis *r, struct redis_stats *ret);

/* Yields. The value, copied into the arena. 0; -ENOENT: Redis has none; -EAGAIN: Redis is away, slow or wrong (also the
 * call that found it out); -EMSGSIZE: over REDIS_VALUE_MAX or the arena's room, or a key over REDIS_KEY_MAX;
 * -ETIMEDOUT, -ECANCELED: the fiber's own deadline or cancellation. */
int redis_get(struct redis *r, struct str key, struct arena *a, struct str *ret) MUST_CHECK;
/* Sends SET key value PX ttl_ms and does not wait: whether it was kept shows in the stats alone. An error of Redis' own
 * about writing (READONLY, OOM, MISCONF …) is no sign that it is away: reads go on. Does nothing while it is down. */
void redis_set(struct redis *r, struct str key, struct str value, int64_t ttl_ms);
/* Sends DEL and does not wait. */
void redis_delete(struct redis *r, struct str key);

/* Yields. Any command whose answer is not an error: argv holds bytes, 1..REDIS_SCRIPT_ARGS_MAX of them, the command's
 * name first. None that blocks, subscribes, or changes the connection (SELECT, MULTI, CLIENT REPLY …): it is shared. a:
 * NULL when texts and lists need not be seen, but for their kind. 0;
 * -EAGAIN: Redis is away, slow or wrong, or refuses (what and why is in the stats), and whether it was done is not
 * known; -EMSGSIZE: the answer is more than the arena has room for; -ETIMEDOUT, -ECANCELED: as redis_get(), and it may
 * have been done. */
int redis_ask(struct redis *r, const struct str *argv, size_t n, struct arena *a, struct redis_answer *ret) MUST_CHECK;
/* Yields. Runs the script, which is sent only when Redis does not have it (EVALSHA, and EVAL after NOSCRIPT): one round
 * trip, two for the first. It runs atomically and holds Redis up meanwhile, so it is short and bounded. All keys that
 * it touches are in keys. Errors as redis_ask(); a script that fails has changed what it changed until then. */
int redis_eval(struct redis *r, struct redis_script *script, const struct str *keys, size_t n_keys,
               const struct str *args, size_t n_args, struct arena *a, struct redis_answer *ret) MUST_CHECK;

/* Yields. Takes the lease on that name for at most ttl_ms (SET name token NX PX): 1: it is ours, *ret_token ends it; 0:
 * somebody else has it; -EAGAIN: Redis is away or takes no writes; -ETIMEDOUT, -ECANCELED. */
int redis_lease(struct redis *r, struct str name, int64_t ttl_ms, char ret_token[REDIS_TOKEN_SIZE]) MUST_CHECK;
/* Sends what ends the lease if it is still ours (compared and deleted by one script), and does not wait. */
void redis_lease_end(struct redis *r, struct str name, const char *token);

#endif
