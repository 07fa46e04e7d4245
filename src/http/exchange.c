/* One request's way through, as libmicrohttpd calls us: once for the head, for each piece of the body, at its end, and
 * again when a suspended connection is resumed. The handler is started straight from here on a fiber of its own; when
 * it has not finished by its first wait, the connection is suspended until it has. The fiber and the library meet only
 * in the request: the fiber leaves its answer there and resumes the connection, the library's next call sends it.
 * Functions of the library run on the loop, never on a fiber; only the handler yields.
 * Limits: requests_max of the options in flight, body_max bytes of each body. */
#include "http/internal.h"

#include "fiber/fiber.h"

#include <errno.h>

/* A client that was refused may send this much more before we stop listening politely. */
enum { BODY_WASTE_MAX = 1 << 20 };

void *exchange_begin(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	const struct http_server *s = cls;
	const struct connection *c = connection_of(mhd);
	struct request *req;

	/* Nobody is served whose peer was to be known and is not; the library closes the connection. */
	if (s->options.trust && c && !c->is_vouched)
		return NULL;
	req = request_new(cls, mhd, uri ? uri : "");

	if (req && req->connection->wait == WAIT_IDLE)
		connection_wait_set(req->connection, WAIT_HEAD);
	return req;
}

/* ---- the handler's fiber ---- */

static int no_query_wanted(struct request *req)
{
	const struct route *route = req->match.entry->route;

	/* With any schema the handler calls request_parse(), which says it better. */
	if (route->query || route->path_params || route->body || route->internal || req->target.query.len == 0)
		return 0;
	return request_parse(req, NULL, NULL, NULL);
}

static int unauthorized(struct request *req, const char *reason)
{
	int r;

	if (!reason)
		return request_problem(req, &problem_unauthorized, "Send an access token as Authorization: Bearer.");
	r = respond_header(req, "WWW-Authenticate",
	                   arena_printf(req->arena,
	                                "Bearer realm=\"cinesync\", error=\"invalid_token\", error_description=\"%s\"",
	                                reason));
	if (r < 0)
		return r;
	return request_problem(req, &problem_unauthorized, "%s", reason);
}

/* "Bearer", with a token or without. */
static bool names_bearer(struct str authorization)
{
	return str_equal_nocase(str_slice(authorization, 0, 6), STR("Bearer")) &&
	       (authorization.len == 6 || authorization.data[6] == ' ');
}

static int admin_only(struct request *req)
{
	if (str_equal(req->user.role, STR("admin")))
		return 0;
	if (req->server->options.forbidden)
		req->server->options.forbidden(req);
	return request_problem(req, &problem_forbidden, "This is for administrators.");
}

/* Yields at times. */
static int token_check(struct request *req, struct str token, const char **ret_reason)
{
	const struct http_server_options *options = &req->server->options;
	struct span span;
	int r;

	assert(options->authenticate);
	span_start(&span, "verify access token", SPAN_INTERNAL, NULL);
	r = options->authenticate(req, token, options->authenticate_arg, &req->user, ret_reason);
	if (r < 0)
		span_fail(&span, r == -EACCES && *ret_reason ? *ret_reason : error_name(r));
	span_end(&span);
	return r;
}

/* Into req->user; none on a route that needs none. */
static int identify_by_token(struct request *req, enum http_auth auth, const char **ret_reason)
{
	const struct http_server_options *options = &req->server->options;
	struct str given = req->head.authorization;

	if (auth <= HTTP_AUTH_OPTIONAL && !given.data)
		return 0;
	if (auth == HTTP_AUTH_IF_GIVEN && (!options->authenticate || !names_bearer(given)))
		return 0;
	if (!given.data || !str_equal_nocase(str_slice(given, 0, 7), STR("Bearer ")))
		return unauthorized(req, NULL);
	return token_check(req, str_trim(str_slice(given, 7, given.len)), ret_reason);
}

static int authorize(struct request *req)
{
	const struct http_server_options *options = &req->server->options;
	enum http_auth auth = req->match.entry->route->auth;
	const char *reason = NULL;
	int r;

	if (auth == HTTP_AUTH_NONE)
		return 0;
	if (req->named.id.data)
		r = options->trust->confirm(req, &req->named, options->authenticate_arg, &req->user, &reason);
	else
		r = identify_by_token(req, auth, &reason);
	if (r == -EACCES)
		return unauthorized(req, reason ? reason : "The access token is not valid");
	if (r < 0)
		return r;
	return auth == HTTP_AUTH_ADMIN ? admin_only(req) : 0;
}

static void handler_run(void *arg)
{
	struct request *req = arg;
	int r;

	fiber_deadline_set(req->deadline_ms);
	record_span_start(req);
	r = fiber_time_left_ms() > 0 ? authorize(req) : -ETIMEDOUT;
	if (r >= 0)
		r = no_query_wanted(req);
	if (r >= 0)
		r = req->match.entry->route->handler(req);
	answer_conclude(req, r);
	record_span_end(req);
	req->phase = PHASE_ANSWERED;
	if (req->is_suspended) {
		connection_unwatch(req);
		req->is_suspended = false;
		MHD_resume_connection(req->mhd);
		server_wake(req->server);
	}
}

/* ---- the library's calls ---- */

static enum MHD_Result respond_now(struct request *req)
{
	if (req->client_gone)
		return MHD_NO;
	req->phase = PHASE_RESPONDED;
	return send_answer(req);
}

/* Answers before the body has come, or without a handler. */
static enum MHD_Result refuse(struct request *req, const struct problem *p, const char *detail)
{
	record_span_start(req);
	if (p)
		answer_problem(req, p, str_from(detail));
	record_span_end(req);
	connection_wait_set(req->connection, WAIT_NONE);
	if (req->framing.is_expected || req->answer.must_close)
		req->connection->must_linger = true;
	return respond_now(req);
}

static enum MHD_Result on_head(struct request *req, const char *method, const char *version)
{
	const char *detail = "";
	const struct problem *p = admit_head(req, method, version, &detail);

	if (p)
		return refuse(req, p, detail);
	if (req->is_options) {
		answer_allow(req);
		return refuse(req, NULL, NULL);
	}
	req->server->in_flight++;
	req->is_counted = true;
	record_active(1);
	req->phase = PHASE_BODY;
	connection_wait_set(req->connection, req->framing.is_expected ? WAIT_BODY : WAIT_NONE);
	return MHD_YES;
}

static enum MHD_Result on_body(struct request *req, const char *data, size_t *size)
{
	const struct route *route = req->match.entry->route;

	req->body_len += *size;
	/* In the middle of a body the library takes no answer. A little too much is read to its end, for a proper 413;
	 * more gets a bare one. */
	if (req->body_len > admit_body_max(req) + BODY_WASTE_MAX) {
		connection_refuse(req->connection, &problem_content_too_large,
		                  "The request body is larger than is taken here.");
		req->connection->must_linger = true;
		return MHD_NO;
	}
	if (route->body || route->body_type || route->uploads)
		buf_add(&req->body, data, *size);
	*size = 0;
	return MHD_YES;
}

static enum MHD_Result on_end(struct request *req)
{
	connection_wait_set(req->connection, WAIT_NONE);
	if (req->body_len > admit_body_max(req))
		return refuse(req, &problem_content_too_large, "The request body is larger than is taken here.");
	if (buf_error(&req->body) < 0)
		return refuse(req, &problem_overloaded, "There is no memory left.");
	req->phase = PHASE_RUNNING;
	if (fiber_start(req->match.entry->span_name, handler_run, req, &req->fiber) < 0) {
		req->phase = PHASE_BODY;
		return refuse(req, &problem_overloaded, "Too many requests are under way here.");
	}
	if (req->phase == PHASE_ANSWERED)
		return respond_now(req);
	req->is_suspended = true;
	MHD_suspend_connection(req->mhd);
	connection_watch(req);
	return MHD_YES;
}

enum MHD_Result exchange_access(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                                const char *version, const char *data, size_t *size, void **con_cls)
{
	struct request *req = *con_cls;

	(void)cls;
	(void)mhd;
	(void)url;
	if (!req)
		return MHD_NO;
	request_assert_valid(req);
	switch (req->phase) {
	case PHASE_HEAD:
		return on_head(req, method, version);
	case PHASE_BODY:
		return *size > 0 ? on_body(req, data, size) : on_end(req);
	case PHASE_ANSWERED:
		return respond_now(req);
	case PHASE_RUNNING:
	case PHASE_RESPONDED:
		break;
	}
	/* After an early answer: whatever else arrives is not read. */
	*size = 0;
	return MHD_YES;
}

void exchange_completed(void *cls, struct MHD_Connection *mhd, void **con_cls, enum MHD_RequestTerminationCode how)
{
	struct request *req = *con_cls;
	struct connection *c;

	(void)cls;
	(void)mhd;
	(void)how;
	if (!req)
		return;
	request_assert_valid(req);
	*con_cls = NULL;
	c = req->connection;
	/* Refused by the library itself, before we were asked. */
	if (req->phase == PHASE_HEAD)
		c->must_linger = true;
	record_completed(req);
	if (req->is_counted) {
		req->server->in_flight--;
		record_active(-1);
	}
	request_release(req);
	connection_wait_set(c, WAIT_IDLE);
}
