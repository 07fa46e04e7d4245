/* What a handler answers, kept in the request until the exchange sends it; and problems, the answer of all that fails.
 * An answer made twice is a bug of the handler; one made before an error was returned is thrown away.
 * Limits: ANSWER_HEADERS_MAX extra headers, TIMINGS_MAX timings. Nothing here yields. */
#include "http/internal.h"

#include "base/log.h"
#include "base/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* A reply's body; the readers of long lists are given pages. */
enum { BODY_SIZE_MAX = 16 << 20, PROBLEM_SIZE_MAX = 256 << 10, RETRY_AFTER_MAX_S = 5 };

void answer_done(struct answer *a)
{
	reply_unref(&a->shared);
	free(a->data);
	a->data = NULL;
	a->len = 0;
}

/* Takes the place of whatever was answered before. */
static void answer_set(struct request *req, int status, const char *type)
{
	struct answer *a = &req->answer;

	answer_done(a);
	a->status = status;
	a->type = type;
	a->etag[0] = '\0';
	a->cache_control = NULL;
	a->is_gzip = false;
	a->varies_by_encoding = false;
}

static int answer_set_buf(struct request *req, int status, const char *type, struct buf *b)
{
	int r = buf_error(b);

	if (r < 0)
		return r;
	answer_set(req, status, type);
	req->answer.data = buf_steal(b, &req->answer.len);
	return 0;
}

static void reply_check(struct request *req, const struct schema *schema, const void *value)
{
	struct violations v;
	struct buf words;

	violations_init(&v, req->arena);
	if (schema_check(schema, value, req->arena, &v) != -EINVAL)
		return;
	buf_init(&words, PROBLEM_SIZE_MAX);
	violations_write(&v, &words);
	log_alert("a reply breaks its own schema", LOG_STR("schema", schema->name),
	          LOG_STRN("errors", buf_str(&words)));
	buf_done(&words);
	abort();
}

int respond(struct request *req, int status, const struct schema *schema, const void *value)
{
	const struct route *route = request_route(req);
	struct buf b CLEANUP(buf_done);
	int r;

	if (req->server->options.check_replies)
		reply_check(req, schema, value);
	buf_init(&b, BODY_SIZE_MAX);
	schema_write(schema, value, &b);
	r = answer_set_buf(req, status, "application/json", &b);
	if (r >= 0 && status == 200 && route && route->cacheable)
		etag_make(req->answer.type, (struct str){ req->answer.data, req->answer.len }, req->answer.etag);
	return r;
}

int respond_empty(struct request *req, int status)
{
	request_assert_valid(req);
	answer_set(req, status, NULL);
	return 0;
}

static void encoding_choose(struct request *req)
{
	struct answer *a = &req->answer;

	a->varies_by_encoding = true;
	a->is_gzip = head_accepts_gzip(req->head.accept_encoding);
	memcpy(a->etag_other, a->etag, ETAG_SIZE);
	etag_make_gzip(a->is_gzip ? a->etag : a->etag_other);
	if (a->is_gzip)
		a->len = reply_gzip(a->shared).len;
}

int respond_shared(struct request *req, struct reply *reply)
{
	request_assert_valid(req);
	reply_ref(reply);
	answer_set(req, reply_status(reply), reply_type(reply));
	req->answer.shared = reply;
	req->answer.len = reply_body(reply).len;
	req->answer.cache_control = reply_cache_control(reply);
	memcpy(req->answer.etag, reply_etag(reply), ETAG_SIZE);
	if (reply_gzip(reply).data)
		encoding_choose(req);
	return 0;
}

int respond_text(struct request *req, int status, const char *type, struct str text)
{
	const struct route *route = request_route(req);
	struct buf b CLEANUP(buf_done);
	int r;

	buf_init(&b, BODY_SIZE_MAX);
	buf_add_str(&b, text);
	r = answer_set_buf(req, status, type, &b);
	if (r >= 0 && status == 200 && route && route->cacheable)
		etag_make(type, text, req->answer.etag);
	return r;
}

int respond_header_static(struct request *req, const char *name, const char *value)
{
	struct answer *a = &req->answer;

	request_assert_valid(req);
	if (a->n_headers == ANSWER_HEADERS_MAX)
		return -ENOBUFS;
	a->headers[a->n_headers++] = (struct answer_header){ name, value };
	return 0;
}

int respond_header(struct request *req, const char *name, struct str value)
{
	struct str copy;

	request_assert_valid(req);
	if (!value.data)
		return -ENOMEM;
	if (!head_is_token(str_from(name)) || !head_value_is_sound(value))
		return -EINVAL;
	copy = arena_str(req->arena, value);
	return copy.data ? respond_header_static(req, name, copy.data) : -ENOMEM;
}

void request_timing(struct request *req, const char *name, int64_t duration_us)
{
	struct answer *a = &req->answer;

	request_assert_valid(req);
	if (a->n_timings == TIMINGS_MAX)
		return;
	a->timings[a->n_timings].name = name;
	a->timings[a->n_timings++].duration_us = duration_us;
}

/* ---- problems ---- */

PRINTF_LIKE(4, 0)
static void problem_set(struct request *req, const struct problem *p, int64_t retry_after_s, const char *detail,
                        va_list ap)
{
	struct buf b CLEANUP(buf_done);

	buf_init(&b, 4096);
	buf_addv(&b, detail, ap);
	req->problem = p;
	req->detail = arena_str(req->arena, buf_str(&b));
	req->retry_after_s = retry_after_s;
}

int request_problem(struct request *req, const struct problem *p, const char *detail, ...)
{
	va_list ap;

	request_assert_valid(req);
	va_start(ap, detail);
	problem_set(req, p, 0, detail, ap);
	va_end(ap);
	return ERROR_PROBLEM_SET;
}

int request_problem_retry(struct request *req, const struct problem *p, int64_t retry_after_s, const char *detail, ...)
{
	va_list ap;

	request_assert_valid(req);
	va_start(ap, detail);
	problem_set(req, p, retry_after_s, detail, ap);
	va_end(ap);
	return ERROR_PROBLEM_SET;
}

static bool header_is_set(const struct answer *a, const char *name)
{
	for (size_t i = 0; i < a->n_headers; i++)
		if (str_equal_nocase(str_from(a->headers[i].name), str_from(name)))
			return true;
	return false;
}

void answer_allow(struct request *req)
{
	struct buf b CLEANUP(buf_done);
	unsigned allowed = req->match.allowed;

	buf_init(&b, 256);
	for (enum http_method m = 0; m < HTTP_METHODS; m++) {
		if (!(allowed & 1u << m))
			continue;
		buf_adds(&b, router_method_name(m));
		buf_adds(&b, m == HTTP_GET ? ", HEAD, " : ", ");
	}
	buf_adds(&b, "OPTIONS");
	(void)respond_header(req, "Allow", buf_str(&b));
	if (req->is_options)
		(void)respond_empty(req, 204);
}

/* The headers that a status brings with it. */
static void problem_headers(struct request *req, const struct problem *p)
{
	int64_t retry_s = req->retry_after_s;

	if (p->status == 401 && !header_is_set(&req->answer, "WWW-Authenticate"))
		(void)respond_header(req, "WWW-Authenticate", STR("Bearer realm=\"cinesync\""));
	if (p->status == 405)
		answer_allow(req);
	if (retry_s <= 0 && (p->status == 429 || p->status == 503))
		retry_s = 1 + (int64_t)random_below(RETRY_AFTER_MAX_S);
	if (retry_s > 0 && !header_is_set(&req->answer, "Retry-After"))
		(void)respond_header(req, "Retry-After", arena_printf(req->arena, "%lld", (long long)retry_s));
}

static void problem_write(struct request *req, const struct problem *p, struct str detail, struct buf *b)
{
	buf_adds(b, "{\"type\":\"/docs#problem-");
	buf_adds(b, p->code);
	buf_adds(b, "\",\"title\":");
	buf_add_json(b, str_from(p->title));
	buf_adds(b, ",\"status\":");
	buf_add_int(b, p->status);
	buf_adds(b, ",\"detail\":");
	buf_add_json(b, detail.len > 0 ? detail : str_from(p->title));
	buf_adds(b, ",\"instance\":");
	buf_add_json(b, req->target.path.data ? req->target.path : STR("/"));
	buf_adds(b, ",\"code\":\"");
	buf_adds(b, p->code);
	buf_adds(b, "\",\"trace_id\":");
	buf_add_json(b, request_trace_id(req));
	if (p->is_degraded)
		buf_adds(b, ",\"degraded\":true");
	if (p->status == 422 && req->violations.arena) {
		buf_adds(b, ",\"errors\":");
		violations_write(&req->violations, b);
	}
	buf_addc(b, '}');
}

void answer_problem(struct request *req, const struct problem *p, struct str detail)
{
	struct buf b CLEANUP(buf_done);

	problem_headers(req, p);
	buf_init(&b, PROBLEM_SIZE_MAX);
	problem_write(req, p, detail, &b);
	if (answer_set_buf(req, p->status, PROBLEM_TYPE, &b) < 0)
		/* No memory for words; the status is the message. */
		answer_set(req, p->status, NULL);
}

static void problem_log(const struct request *req, const struct problem *p, struct str detail, int r)
{
	if (p->level < LOG_WARNING)
		return;
	log_at(p->level, "a request failed", LOG_STR("code", p->code), LOG_INT("status", p->status),
	       LOG_STRN("detail", detail), LOG_ERR(r == ERROR_PROBLEM_SET ? 0 : r),
	       LOG_STR("route", req->match.entry ? req->match.entry->route->path : ""));
}

void answer_conclude(struct request *req, int r)
{
	const struct problem *p;
	struct str detail = STR_NULL;

	if (r >= 0 && req->answer.status != 0)
		return;
	if (r >= 0) {
		log_error("a handler gave no answer", LOG_STR("route", req->match.entry->route->path));
		r = -EIO;
	}
	p = problem_from_error(r);
	if (r == ERROR_PROBLEM_SET && req->problem) {
		p = req->problem;
		detail = req->detail;
	}
	if (!req->client_gone)
		problem_log(req, p, detail, r);
	answer_problem(req, p, detail);
}
