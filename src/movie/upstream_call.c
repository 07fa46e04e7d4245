/* One attempt over the wire, and what its outcome means: for the caller, for the breaker (is TMDB sick, or was it our
 * question?), for the pause and for the log. The URL may hold the key and goes nowhere but to the HTTP client.
 * Where a kept connection turns out to have been closed before a byte of answer came, libcurl itself repeats the
 * request on a new one (RFC 9110 section 9.2.2): that is one attempt here. */
#include "base/log.h"
#include "movie/upstream_internal.h"

#include <errno.h>

enum {
	OVER_MS = 20, /* so close to the deadline it was the deadline */
	CODE_INVALID_KEY = 7,
	CODE_SUSPENDED_KEY = 10,
};

/* ---- the call ---- */

static void header_add(struct attempt *at, const char *name, struct str value)
{
	at->headers[at->n_headers++] = (struct http_header){ name, value };
}

int attempt_prepare(struct attempt *at, const struct passage *p)
{
	const struct upstream *u = p->upstream;
	const struct upstream_call *call = p->call;
	const char *key = u->key_parameter ? u->key_parameter : "";
	bool has_query = call->query.len > 0;
	struct str url;

	*at = (struct attempt){ 0 };
	url = arena_printf(p->arena, "%s%.*s%s%.*s%s%s", u->base_url, STR_ARGS(call->path),
	                   has_query || *key ? "?" : "", STR_ARGS(call->query), has_query && *key ? "&" : "", key);
	if (str_is_null(url))
		return -ENOMEM;
	at->url = (char *)url.data;
	header_add(at, "Accept", STR("application/json"));
	if (u->authorization)
		header_add(at, "Authorization", str_from(u->authorization));
	if (!str_is_null(call->validator))
		header_add(at, "If-None-Match", call->validator);
	return 0;
}

void attempt_run(struct attempt *at, struct passage *p)
{
	const struct upstream *u = p->upstream;
	const struct http_call call = {
		.method = "GET",
		.url = at->url,
		.span_name = "GET tmdb",
		.headers = at->headers,
		.n_headers = at->n_headers,
		.connect_timeout_ms = u->options.connect_timeout_ms,
		.timeout_ms = MAX((int64_t)1, passage_left_ms(p)),
		.answer_max = u->options.answer_max,
		.no_deadline_header = true,
		.no_trace_headers = true,
		.multiplex = true,
		.resend_count = p->answer.attempts,
	};

	p->answer.attempts++;
	metric_add(u->metrics.in_flight, 1);
	at->r = http_client_call(u->options.client, &call, p->arena, &at->answer);
	metric_add(u->metrics.in_flight, -1);
}

/* ---- what it means ---- */

static struct verdict failure(enum upstream_end end, bool may_retry)
{
	return (struct verdict){ .r = -EAGAIN, .outcome = BREAKER_FAILURE, .end = end, .may_retry = may_retry };
}

static struct verdict about_us(int r, enum upstream_end end)
{
	return (struct verdict){ .r = r, .outcome = BREAKER_SUCCESS, .end = end };
}

static struct verdict abandoned(int r)
{
	return (struct verdict){ .r = r, .outcome = BREAKER_ABANDONED, .end = END_ABANDONED };
}

/* Before the deadline it was the connection that took too long. At a deadline that is the caller's own, or after most
 * of the budget went by in line, TMDB was not given its time. */
static struct verdict judge_timeout(const struct attempt *at, const struct passage *p)
{
	int64_t given_ms = p->deadline_ms - at->permit.start_ms;

	if (passage_left_ms(p) > OVER_MS)
		return failure(END_CONNECT, true);
	if (p->is_callers_deadline || given_ms < p->upstream->options.timeout_ms / 2)
		return abandoned(-EAGAIN);
	return failure(END_TIMEOUT, false);
}

static struct verdict judge_error(const struct attempt *at, const struct passage *p)
{
	switch (at->r) {
	case -ECONNREFUSED:
		return failure(END_CONNECT, true);
	case -ECONNRESET:
		return failure(END_RESET, true);
	case -ETIMEDOUT:
		return judge_timeout(at, p);
	case -EPROTO:
	case -EMSGSIZE:
		return failure(END_GARBAGE, false);
	case -EINVAL:
		return abandoned(-EPROTO);
	default:
		return abandoned(at->r);
	}
}

static struct verdict judge_body(const struct attempt *at, const struct passage *p)
{
	int r = p->call->read(p->call->arg, at->answer.body, p->arena);

	if (r == -EBADMSG)
		return failure(END_GARBAGE, false);
	return r < 0 ? abandoned(r) : about_us(0, END_OK);
}

static struct verdict judge_refusal(int status, const struct upstream_error *error)
{
	bool is_about_key = error->code == CODE_INVALID_KEY || error->code == CODE_SUSPENDED_KEY;

	if (status == 401 || (status == 403 && is_about_key))
		return about_us(-EACCES, END_CREDENTIALS);
	if (status == 404 && error->is_tmdbs)
		return about_us(-ENOENT, END_NOT_FOUND);
	if (status == 408)
		return failure(END_TIMEOUT, false);
	if (status == 429)
		return failure(END_LIMITED, false);
	return about_us(-EPROTO, END_QUESTION);
}

static struct verdict judge_server(const struct attempt *at)
{
	struct verdict v = failure(END_SERVER, at->answer.status >= 502 && at->answer.status <= 504);

	/* One that says when to come back is not asked again before. */
	if (retry_after_parse(at->answer.retry_after, clock_real_ms(), &v.retry_after_ms) == 0 && v.retry_after_ms > 0)
		v.may_retry = false;
	return v;
}

static struct verdict judge(const struct attempt *at, const struct passage *p, const struct upstream_error *error)
{
	int status = at->answer.status;

	if (at->r < 0)
		return judge_error(at, p);
	if (status >= 200 && status < 300)
		return judge_body(at, p);
	if (status == 304 && !str_is_null(p->call->validator))
		return about_us(0, END_UNCHANGED);
	if (status >= 400 && status < 500)
		return judge_refusal(status, error);
	return status >= 500 ? judge_server(at) : failure(END_GARBAGE, false);
}

/* ---- what follows from it ---- */

static void report(const struct attempt *at, const struct passage *p, const struct verdict *v,
                   const struct upstream_error *error)
{
	enum log_level level = v->r == -EPROTO ? LOG_ERROR : LOG_WARNING;
	int status = at->r < 0 ? 0 : at->answer.status;

	/* What a change of the breaker says is not said twice. */
	if (v->outcome != BREAKER_FAILURE && v->r != -EPROTO)
		return;
	log_at(level, v->r == -EPROTO ? "tmdb: our question was not taken" : "tmdb: a call failed",
	       LOG_STRN("path", p->call->path), LOG_INT("status", status),
	       LOG_STR("error", at->r < 0               ? error_name(at->r)
	                        : v->end == END_GARBAGE ? "EBADMSG"
	                                                : ""),
	       LOG_INT("tmdb_code", error->code), LOG_STR("tmdb_message", error->message),
	       LOG_INT("duration_ms", clock_mono_ms() - at->permit.start_ms));
}

static void take_in(const struct attempt *at, struct passage *p, int64_t now_ms)
{
	struct upstream *u = p->upstream;

	/* Calls from before the pause prove nothing about what comes after it. */
	if (at->r == 0 && at->permit.start_ms >= u->pause.until_ms)
		pause_over(&u->pause);
	if (at->r == 0 && at->answer.status < 500)
		latencies_add(&u->latencies, (now_ms - at->permit.start_ms) * 1000);
}

static void pause_all(const struct attempt *at, struct upstream *u, int64_t now_ms)
{
	pause_begin(&u->pause, now_ms, clock_real_ms(), at->answer.retry_after);
	gate_shut(u);
}

static void count(const struct attempt *at, const struct passage *p, const struct verdict *v, int64_t now_ms)
{
	const struct upstream_metrics *m = &p->upstream->metrics;

	metric_add(m->requests[v->end], 1);
	if (v->end != END_ABANDONED)
		metric_observe(m->seconds, (double)(now_ms - at->permit.start_ms) / 1000);
}

static void answer_fill(const struct attempt *at, struct passage *p, const struct verdict *v)
{
	struct upstream_answer *out = &p->answer;

	out->is_unchanged = v->end == END_UNCHANGED;
	out->validator = at->answer.etag;
	out->max_age_ms = upstream_fresh_ms(at->answer.cache_control, at->answer.age);
}

struct verdict attempt_settle(struct attempt *at, struct passage *p)
{
	struct upstream *u = p->upstream;
	int64_t now_ms = clock_mono_ms();
	struct upstream_error error = { 0 };
	struct verdict v;

	if (at->r == 0 && at->answer.status >= 400)
		upstream_error_read(at->answer.body, &error);
	v = judge(at, p, &error);
	count(at, p, &v, now_ms);
	report(at, p, &v, &error);
	if (v.end == END_LIMITED)
		pause_all(at, u, now_ms);
	else
		take_in(at, p, now_ms);
	if (v.end == END_CREDENTIALS) {
		u->refusal = error;
		breaker_trip(u->breaker, now_ms, BREAKER_CREDENTIALS);
	}
	breaker_leave(u->breaker, now_ms, &at->permit, v.outcome);
	if (v.r == 0)
		answer_fill(at, p, &v);
	return v;
}

void attempt_drop(struct attempt *at, struct passage *p)
{
	struct verdict v = abandoned(-ECANCELED);

	count(at, p, &v, clock_mono_ms());
	breaker_leave(p->upstream->breaker, clock_mono_ms(), &at->permit, v.outcome);
}
