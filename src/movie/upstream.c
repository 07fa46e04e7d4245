/* The guarded way to TMDB: its life, its metrics, what a change of the breaker brings about, and one call with its
 * retry. Owns copies of the URL and the credentials, the breaker, and the fibers' lines. Yields in upstream_get() only,
 * which must not be called under fiber_shield(). Limits: those of the options; RESERVE retries saved up. */
#include "base/fault.h"
#include "base/log.h"
#include "base/random.h"
#include "movie/upstream_internal.h"

#include <errno.h>
#include <stdlib.h>

#define UPSTREAM_MAGIC UINT32_C(0x55505354)
#define RESERVE 10
#define URL_MAX 2048
#define SECRET_MAX 4096

/* ---- what is counted ---- */

static struct metric_cell *plain(enum metric_type type, const char *name, const char *help)
{
	return metric_cell(metric_new(type, name, help, NULL, NULL, 0), NULL);
}

static struct metric_cell *labelled(const char *name, const char *help, const char *const *labels, const char *value)
{
	return metric_cell(metric_new(METRIC_COUNTER, name, help, labels, NULL, 0), &value);
}

static void metrics_count(struct upstream_metrics *m)
{
	static const char *const ends[ENDS] = { "ok",          "unchanged", "not_found", "question_refused",
		                                "credentials", "limited",   "server",    "connect",
		                                "timeout",     "reset",     "garbage",   "abandoned" };
	static const char *const by_outcome[] = { "outcome", NULL };
	static const char *const by_reason[] = { "reason", NULL };
	static const char *const by_cause[] = { "cause", NULL };
	static const char *const gates[GATES] = { "breaker", "pause", "bulkhead", "rate" };

	for (size_t i = 0; i < ENDS; i++)
		m->requests[i] = labelled("cinesync_movie_upstream_requests_total",
		                          "Requests made to TMDB, by what became of them.", by_outcome, ends[i]);
	for (size_t i = 0; i < GATES; i++)
		m->rejected[i] = labelled("cinesync_movie_upstream_rejected_total",
		                          "Calls that were not let through to TMDB.", by_reason, gates[i]);
	for (enum breaker_cause c = BREAKER_FAILURES; c < BREAKER_CAUSES; c++)
		m->trips[c] = labelled("cinesync_movie_upstream_breaker_trips_total",
		                       "Openings of the circuit breaker.", by_cause, breaker_cause_name(c));
	m->retries = plain(METRIC_COUNTER, "cinesync_movie_upstream_retries_total", "Requests that were a retry.");
	m->hedges = plain(METRIC_COUNTER, "cinesync_movie_upstream_hedges_total", "Requests that were a hedge.");
}

static void metrics_init(struct upstream_metrics *m)
{
	metrics_count(m);
	m->seconds = plain(METRIC_HISTOGRAM, "cinesync_movie_upstream_request_seconds",
	                   "From a request to TMDB to its answer.");
	m->state = plain(METRIC_GAUGE, "cinesync_movie_upstream_breaker_state", "0: closed, 1: half-open, 2: open.");
	m->in_flight = plain(METRIC_GAUGE, "cinesync_movie_upstream_in_flight", "Requests to TMDB under way.");
	m->waiting = plain(METRIC_GAUGE, "cinesync_movie_upstream_waiting",
	                   "Calls that wait for a place, their turn or their retry.");
	metric_set(m->state, BREAKER_CLOSED);
}

/* ---- the breaker's changes ---- */

static void change_log(const struct upstream *u, enum breaker_state from, enum breaker_state to,
                       enum breaker_cause cause, int64_t open_ms)
{
	bool is_about_key = to == BREAKER_OPEN && cause == BREAKER_CREDENTIALS;

	if (is_about_key)
		log_alert("tmdb: circuit breaker changed, the credentials are refused",
		          LOG_STR("from", breaker_state_name(from)), LOG_STR("to", breaker_state_name(to)),
		          LOG_STR("cause", breaker_cause_name(cause)), LOG_INT("open_ms", open_ms),
		          LOG_INT("tmdb_code", u->refusal.code), LOG_STR("tmdb_message", u->refusal.message));
	else
		log_at(to == BREAKER_OPEN ? LOG_WARNING : LOG_INFO, "tmdb: circuit breaker changed",
		       LOG_STR("from", breaker_state_name(from)), LOG_STR("to", breaker_state_name(to)),
		       LOG_STR("cause", breaker_cause_name(cause)), LOG_INT("open_ms", open_ms));
}

static void breaker_changed(enum breaker_state from, enum breaker_state to, enum breaker_cause cause, int64_t open_ms,
                            void *arg)
{
	struct upstream *u = arg;

	metric_set(u->metrics.state, to);
	span_event_here("circuit breaker changed", "cinesync.breaker.state", str_from(breaker_state_name(to)));
	change_log(u, from, to, cause, open_ms);
	if (to != BREAKER_OPEN)
		return;
	metric_add(u->metrics.trips[cause], 1);
	gate_shut(u);
}

/* ---- life ---- */

static bool is_printable(const char *text, size_t max)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len > 0 && len <= max;
}

static bool limits_are_valid(const struct upstream_options *o)
{
	return o->connect_timeout_ms >= 1 && o->timeout_ms >= 1 && o->answer_max >= 1 && o->rate_per_s >= 1 &&
	       o->burst >= 1 && o->rate_wait_ms >= 0 && o->calls_max >= 1 && o->retry_percent >= 0 &&
	       o->retry_percent <= 100 && o->retry_delay_ms >= 0 && o->pause_ms >= 1 && o->pause_max_ms >= o->pause_ms;
}

static bool options_are_valid(const struct upstream_options *o)
{
	return o->client && o->base_url && is_printable(o->base_url, URL_MAX) &&
	       (!o->token || is_printable(o->token, SECRET_MAX)) &&
	       (!o->api_key || is_printable(o->api_key, SECRET_MAX)) && limits_are_valid(o);
}

static char *credential(const char *prefix, const char *secret, void (*add)(struct buf *b, struct str s))
{
	struct buf text CLEANUP(buf_done);

	buf_init(&text, 4 * SECRET_MAX);
	buf_adds(&text, prefix);
	add(&text, str_from(secret));
	return buf_steal(&text, NULL);
}

static int strings_copy(struct upstream *u, const struct upstream_options *o)
{
	u->base_url = strdup(o->base_url);
	if (o->token)
		u->authorization = credential("Bearer ", o->token, buf_add_str);
	else if (o->api_key)
		u->key_parameter = credential("api_key=", o->api_key, buf_add_percent);
	u->options.base_url = u->base_url;
	u->options.token = NULL;
	u->options.api_key = NULL;
	return !u->base_url || (o->token && !u->authorization) || (!o->token && o->api_key && !u->key_parameter)
	               ? -ENOMEM
	               : 0;
}

static void pacing_init(struct upstream *u, const struct upstream_options *o)
{
	bucket_init(&u->bucket, o->rate_per_s, o->burst);
	pause_init(&u->pause, o->pause_ms, o->pause_max_ms);
	retry_budget_init(&u->budget, o->retry_percent, o->retry_percent > 0 ? RESERVE : 0);
	fiber_semaphore_init(&u->places, o->calls_max, o->queue_max);
	fiber_queue_init(&u->sleepers);
	metrics_init(&u->metrics);
}

int upstream_new(const struct upstream_options *options, struct upstream **ret)
{
	struct breaker_options breaker = options->breaker;
	struct upstream *u;
	int r;

	if (!options_are_valid(options))
		return -EINVAL;
	u = fault_hit("alloc") ? NULL : calloc(1, sizeof(*u));
	if (!u)
		return -ENOMEM;
	u->magic = UPSTREAM_MAGIC;
	u->options = *options;
	breaker.changed = breaker_changed;
	breaker.arg = u;
	r = strings_copy(u, options);
	if (r == 0)
		r = breaker_new(&breaker, &u->breaker);
	if (r < 0) {
		upstream_free(&u);
		return r;
	}
	pacing_init(u, options);
	*ret = u;
	return 0;
}

static void secret_free(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void upstream_free(struct upstream **up)
{
	struct upstream *u = *up;

	*up = NULL;
	if (!u)
		return;
	assert(u->magic == UPSTREAM_MAGIC && u->n_calls == 0);
	u->magic = 0;
	breaker_free(&u->breaker);
	secret_free(u->authorization);
	secret_free(u->key_parameter);
	free(u->base_url);
	free(u);
}

void upstream_breaker_stats(struct upstream *u, struct breaker_stats *ret)
{
	assert(u->magic == UPSTREAM_MAGIC);
	breaker_stats_get(u->breaker, clock_mono_ms(), ret);
}

/* ---- one call ---- */

int64_t passage_left_ms(const struct passage *p)
{
	return p->deadline_ms - clock_mono_ms();
}

static struct verdict refused(int r)
{
	return (struct verdict){ .r = r, .outcome = BREAKER_ABANDONED, .end = END_ABANDONED };
}

/* When to begin a second attempt beside the first, in ms; -1: never. */
static int64_t hedge_after_ms(struct upstream *u)
{
	struct breaker_stats stats;

	if (!u->options.hedge)
		return -1;
	upstream_breaker_stats(u, &stats);
	return stats.state == BREAKER_CLOSED ? latencies_percentile_ms(&u->latencies, 95) : -1;
}

/* With a place. */
static struct verdict call_run(struct passage *p)
{
	struct attempt at;
	int64_t hedge_ms = hedge_after_ms(p->upstream);
	int r = attempt_prepare(&at, p);

	if (r == 0)
		r = gate_permit(p, &at.permit);
	if (r < 0)
		return refused(r);
	if (hedge_ms >= 0)
		return race_run(p, &at, hedge_ms);
	attempt_run(&at, p);
	return attempt_settle(&at, p);
}

static struct verdict passage_run(struct passage *p)
{
	struct verdict v;
	int r = gate_pass(p);

	if (r < 0)
		return refused(r);
	v = call_run(p);
	gate_leave(p->upstream);
	return v;
}

/* Yields. Whether there is to be another attempt, once its delay is over. */
static bool retry_wait(struct passage *p, struct verdict *v)
{
	struct upstream *u = p->upstream;
	struct breaker_stats stats;
	int64_t delay_ms;
	int r;

	upstream_breaker_stats(u, &stats);
	delay_ms = (int64_t)random_below((uint64_t)u->options.retry_delay_ms + 1);
	if (!v->may_retry || stats.state != BREAKER_CLOSED || passage_left_ms(p) <= delay_ms ||
	    !retry_budget_take(&u->budget))
		return false;
	r = gate_sleep(u, delay_ms);
	if (r == -ECANCELED)
		v->r = r;
	if (r < 0)
		return false;
	metric_add(u->metrics.retries, 1);
	span_event_here("retry", NULL, STR_NULL);
	return true;
}

/* The longest of what TMDB, the gate, the breaker and the pause say. */
static int64_t retry_after_ms(const struct passage *p, const struct verdict *v)
{
	const struct upstream *u = p->upstream;
	int64_t now_ms = clock_mono_ms(), open_ms = 0, ms;

	(void)breaker_is_open(u->breaker, now_ms, &open_ms);
	ms = MAX(p->answer.retry_after_ms, v->retry_after_ms);
	ms = MAX(ms, open_ms);
	ms = MAX(ms, pause_left_ms(&u->pause, now_ms));
	return ms > 0 ? ms : UPSTREAM_RETRY_MS;
}

int upstream_get(struct upstream *u, const struct upstream_call *call, struct arena *a, struct upstream_answer *ret)
{
	int64_t outer_ms = fiber_deadline();
	int64_t budget_ms = clock_deadline_in(u->options.timeout_ms);
	struct passage p = { .upstream = u, .call = call, .arena = a };
	struct verdict v;
	struct span span;

	assert(u->magic == UPSTREAM_MAGIC && fiber_self());
	span_start(&span, "tmdb", SPAN_INTERNAL, NULL);
	p.deadline_ms = MIN(outer_ms, budget_ms);
	p.is_callers_deadline = outer_ms < budget_ms;
	u->n_calls++;
	retry_budget_call(&u->budget);
	fiber_deadline_set(p.deadline_ms);
	v = passage_run(&p);
	if (retry_wait(&p, &v))
		v = passage_run(&p);
	fiber_deadline_set(outer_ms);
	if (v.r < 0 && v.r != -ENOENT)
		span_fail(&span, error_name(v.r));
	span_end(&span);
	u->n_calls--;
	p.answer.retry_after_ms = v.r == -EAGAIN ? retry_after_ms(&p, &v) : 0;
	*ret = p.answer;
	return v.r;
}
