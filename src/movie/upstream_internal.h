/* Inside the guarded way to TMDB: what its files share, and who does what.
 *
 *   upstream.c        life, metrics, the breaker's changes, one call with its retry
 *   upstream_gate.c   what a call has to pass before it may go: breaker, pause, bulkhead, rate limiter
 *   upstream_call.c   one attempt over the wire, and what its outcome means
 *   upstream_race.c   the second, identical attempt when the first one takes its time
 *   upstream_reply.c  TMDB's errors and the freshness of its answers */
#ifndef CINESYNC_MOVIE_UPSTREAM_INTERNAL_H
#define CINESYNC_MOVIE_UPSTREAM_INTERNAL_H

#include "fiber/fiber.h"
#include "http/client.h"
#include "movie/pace.h"
#include "movie/upstream.h"
#include "telemetry/metrics.h"
#include "telemetry/trace.h"

#define UPSTREAM_MESSAGE_SIZE 201 /* bytes of TMDB's message that are logged, and the NUL */
#define UPSTREAM_HEADERS_MAX 3
#define UPSTREAM_RETRY_MS 1000 /* when to come back if nobody says */

/* Why a call was not let through. */
enum upstream_gate { GATE_BREAKER, GATE_PAUSE, GATE_BULKHEAD, GATE_RATE, GATES };

/* What became of an attempt, for the metrics. */
enum upstream_end {
	END_OK,
	END_UNCHANGED,
	END_NOT_FOUND,
	END_QUESTION,
	END_CREDENTIALS,
	END_LIMITED,
	END_SERVER,
	END_CONNECT,
	END_TIMEOUT,
	END_RESET,
	END_GARBAGE,
	END_ABANDONED,
	ENDS
};

struct upstream_metrics {
	struct metric_cell *requests[ENDS];
	struct metric_cell *rejected[GATES];
	struct metric_cell *trips[BREAKER_CAUSES];
	struct metric_cell *seconds;
	struct metric_cell *retries;
	struct metric_cell *hedges;
	struct metric_cell *state;
	struct metric_cell *in_flight;
	struct metric_cell *waiting;
};

/* What TMDB says in the body of an error. */
struct upstream_error {
	bool is_tmdbs; /* it has one of the two shapes */
	int64_t code;  /* 0: none */
	char message[UPSTREAM_MESSAGE_SIZE];
};

struct upstream {
	uint32_t magic;
	struct upstream_options options; /* strings: its own */
	char *base_url;
	char *authorization; /* "Bearer …", or NULL */
	char *key_parameter; /* "api_key=…", or NULL */
	struct breaker *breaker;
	struct bucket bucket;
	struct pause pause;
	struct retry_budget budget;
	struct latencies latencies;
	struct fiber_semaphore places;
	struct fiber_queue sleepers; /* waiting for their turn or their retry */
	size_t n_calls;
	struct upstream_error refusal; /* why the credentials are refused, for the line about it */
	struct upstream_metrics metrics;
};

/* One upstream_get(). */
struct passage {
	struct upstream *upstream;
	const struct upstream_call *call;
	struct arena *arena;
	int64_t deadline_ms;      /* the budget's end, or the caller's own when that is earlier */
	bool is_callers_deadline; /* it is */
	struct upstream_answer answer;
};

int64_t passage_left_ms(const struct passage *p);

/* ---- upstream_gate.c ---- */

/* Yields. 0: a place is taken and its turn has come; -EAGAIN (answer.retry_after_ms is set), -ECANCELED. */
int gate_pass(struct passage *p) MUST_CHECK;
/* The breaker's permit, last of all, when neither it nor a pause has come in between. -EAGAIN. */
int gate_permit(struct passage *p, struct breaker_permit *ret) MUST_CHECK;
/* As both, for a second attempt, which must not wait; all or nothing. */
bool gate_pass_at_once(struct passage *p, struct breaker_permit *ret);
/* Gives the place back. */
void gate_leave(struct upstream *u);
/* Sends those away who wait: the breaker has opened, or a pause has begun. */
void gate_shut(struct upstream *u);
/* Yields for that long: 0; -EAGAIN: the gate was shut meanwhile; -ETIMEDOUT, -ECANCELED. */
int gate_sleep(struct upstream *u, int64_t delay_ms) MUST_CHECK;

/* ---- upstream_call.c ---- */

struct attempt {
	struct breaker_permit permit;
	char *url; /* has the key in it: never logged */
	struct http_header headers[UPSTREAM_HEADERS_MAX];
	size_t n_headers;
	int r;
	struct http_answer answer;
};

struct verdict {
	int r; /* what upstream_get() says if this was the last attempt */
	enum breaker_outcome outcome;
	enum upstream_end end;
	bool may_retry;
	int64_t retry_after_ms; /* 0: not said */
};

/* The URL and headers, in the passage's arena. -ENOMEM. */
int attempt_prepare(struct attempt *at, const struct passage *p) MUST_CHECK;
/* Yields. Calls, and keeps the outcome in it. */
void attempt_run(struct attempt *at, struct passage *p);
/* Judges the outcome, reads a good answer, tells breaker, pause, latencies, metrics and log. */
struct verdict attempt_settle(struct attempt *at, struct passage *p);
/* Nobody wants its outcome any more. */
void attempt_drop(struct attempt *at, struct passage *p);

/* ---- upstream_race.c ---- */

/* Yields. Runs and settles a prepared attempt, and a second one when there is no answer within hedge_ms. */
struct verdict race_run(struct passage *p, struct attempt *first, int64_t hedge_ms);

/* ---- upstream_reply.c ---- */

void upstream_error_read(struct str body, struct upstream_error *ret);
/* How long the answer is fresh: max-age less Age, 0 when it says nothing or not to keep it. */
int64_t upstream_fresh_ms(struct str cache_control, struct str age);

#endif
