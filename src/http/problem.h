/* Problem details (RFC 9457): the one table that maps an error to a status, a stable code, a title and a log level. */
#ifndef CINESYNC_HTTP_PROBLEM_H
#define CINESYNC_HTTP_PROBLEM_H

#include "base/buf.h"
#include "base/log.h"

struct problem {
	int status;
	const char *code;  /* stable, machine-readable: "movie-not-found"; type is "/docs#problem-" and the code */
	const char *title; /* the same words for every occurrence */
	enum log_level level;
	bool is_degraded; /* adds "degraded": true: a part behind is away, and the answer is what is left without it */
};

extern const struct problem problem_malformed_request; /* 400 */
extern const struct problem problem_unauthorized;      /* 401 */
extern const struct problem problem_forbidden;         /* 403 */
extern const struct problem problem_not_found;         /* 404 no such path */
extern const struct problem problem_method_not_allowed;
extern const struct problem problem_not_acceptable;
extern const struct problem problem_request_timeout; /* 408 */
extern const struct problem problem_conflict;
extern const struct problem problem_content_too_large; /* 413 */
extern const struct problem problem_uri_too_long;      /* 414 */
extern const struct problem problem_unsupported_media_type;
extern const struct problem problem_validation_failed;       /* 422 */
extern const struct problem problem_too_many_requests;       /* 429 */
extern const struct problem problem_header_fields_too_large; /* 431 */
extern const struct problem problem_internal;                /* 500 */
extern const struct problem problem_not_implemented;         /* 501 */
extern const struct problem problem_bad_gateway;             /* 502 */
extern const struct problem problem_overloaded;              /* 503 */
extern const struct problem problem_unavailable;             /* 503 */
extern const struct problem problem_deadline_exceeded;       /* 504 */

/* The problem a bare negative errno stands for: -ENOENT 404, -EEXIST 409, -EBUSY 503 overloaded, -EAGAIN 503,
 * -ETIMEDOUT 504, -EACCES 403 …; anything unknown is problem_internal. Never NULL. */
const struct problem *problem_from_error(int r);

/* Every problem of the table above, NULL-terminated, for the documents. */
const struct problem *const *problem_list(void);

#endif
