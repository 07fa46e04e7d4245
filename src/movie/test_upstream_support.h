/* What the tests of the guarded way to TMDB share: a peer in threads that plays a script, and callers on fibers, so
 * that a test reads straight down. */
#ifndef CINESYNC_MOVIE_TEST_UPSTREAM_SUPPORT_H
#define CINESYNC_MOVIE_TEST_UPSTREAM_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fiber/fiber.h"
#include "movie/upstream.h"

#include <errno.h>

#define TOKEN "secret-token"
#define KEY "secret-key"

/* ---- the peer ---- */

struct step {
	const char *answer; /* the bytes of it; NULL: none */
	int delay_ms;       /* before it, or before the reset */
	enum { STEP_ANSWER, STEP_RESET, STEP_HANG } kind;
};

/* An answer whose Content-Length the peer fills in. */
#define REPLY(status, headers, body) ((struct step){ .answer = status "\n" headers "\n" body })
/* A reset of a connection that was used before would be the client's to repeat, and it does not always see it. */
#define LAST "Connection: close\r\n"
#define OK REPLY("200 OK", "", "{}")
#define HANG ((struct step){ .kind = STEP_HANG })
#define RESET ((struct step){ .kind = STEP_RESET })

/* The first request is played steps[0], the next steps[1], and so on; the last one is played for ever. */
void peer_script(const struct step *steps, size_t n);
#define PLAY(...)                                             \
	do {                                                  \
		const struct step steps_[] = { __VA_ARGS__ }; \
		peer_script(steps_, ARRAY_SIZE(steps_));      \
	} while (0)
int peer_requests(void);         /* since the script was set */
int peer_connections(void);      /* likewise */
const char *peer_received(void); /* the last request's head */
/* Nobody listens any more. */
void peer_away(void);

/* ---- the stage ---- */

/* For cmocka: a loop, a peer, a client; then stage_open() makes the upstream. */
int stage_up(void **state);
int stage_down(void **state);
#define stage_test(f) cmocka_unit_test_setup_teardown(f, stage_up, stage_down)

/* Generous: nothing is limited, nothing opens, 2 s a call. */
struct upstream_options stage_options(void);
void stage_open(const struct upstream_options *options);
struct breaker_stats stage_breaker(void);
/* Lets the loop run for that long. */
void stage_wait(int64_t delay_ms);
/* What was logged since stage_up(), and how often it has that in it. */
const char *stage_log(void);
int stage_logged(const char *text);
/* The value of a metric, as it is written, by its name and labels; -1: there is none. Counts on from test to test. */
double stage_metric(const char *name);

/* ---- callers ---- */

struct caller {
	/* In: all may be 0. */
	int64_t deadline_ms; /* of the fiber, from its start */
	int64_t cancel_ms;   /* cancelled after that long */
	struct str validator;
	struct str query;
	/* Out. */
	int r;
	struct upstream_answer answer; /* without its validator */
	char etag[64];                 /* which is here */
	int64_t start_ms;
	int64_t took_ms;
	int reads;
	char body[64]; /* what was read last */
	bool is_done;
	struct arena *arena;
};

/* All at once; returns when all have come back. */
void callers_run(struct caller *callers, size_t n);
/* One. */
struct caller caller_run(void);
struct caller caller_run_with(struct caller c);
/* One after the other; how many came back with r. */
int callers_in_turn(int n, int r);

#endif
