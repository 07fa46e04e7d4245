/* Inside the http room: what the server itself reads of a request's head, and the checks that libmicrohttpd does not
 * make (RFC 9110, RFC 9112). Pure: no library types. */
#ifndef CINESYNC_HTTP_HEAD_H
#define CINESYNC_HTTP_HEAD_H

#include "http/problem.h"

#define HEAD_METHOD_LEN_MAX 16

struct head {
	struct str host;
	struct str content_length;
	struct str content_type;
	struct str transfer_encoding;
	struct str expect;
	struct str authorization;
	struct str if_none_match;
	struct str accept_encoding;
	struct str traceparent;
	struct str tracestate;
	struct str deadline;      /* X-Request-Deadline-Ms */
	struct str forwarded_for; /* the first X-Forwarded-For */
	struct str user_agent;
	struct str user_id; /* X-User-Id, and so on: see identity.c */
	struct str user_role;
	struct str session_id;
	unsigned n_host;
	unsigned n_content_length;
	unsigned n_content_type;
	unsigned n_transfer_encoding;
	unsigned n_authorization;
	unsigned n_traceparent;
	unsigned n_forwarded_for;
	unsigned n_user_id;
	unsigned n_user_role;
	unsigned n_session_id;
	size_t size; /* bytes of all header lines */
	bool is_bad; /* a name that is no token, a control byte in a value */
};

struct head_body {
	int64_t length; /* Content-Length; -1: chunked; 0: no body */
	bool is_expected;
	bool wants_continue; /* Expect: 100-continue */
};

/* Takes one header in. Values are kept by pointer, without blanks at their ends. */
void head_add(struct head *h, struct str name, struct str value);

/* The framing and the routing information are sound. NULL and *ret filled, or the problem, with a detail. A problem
 * of the framing means that nothing that follows on the connection can be trusted. */
const struct problem *head_check(const struct head *h, bool is_http_1_0, struct head_body *ret,
                                 const char **ret_detail);

/* Looks at the head as libmicrohttpd before 1.0 leaves it in memory, each line's end and first colon overwritten by
 * NULs, for what its parser lets through: bare LF, NUL bytes, folded lines, blanks before the colon, empty names.
 * lines: all after the request line, with the empty line at the end. */
bool head_lines_are_sound(struct str lines);

bool head_is_token(struct str s);
/* Fit to be a header's value: no control character but the tab. */
bool head_value_is_sound(struct str s);

/* Whether Accept-Encoding takes gzip: named, or "*", with a weight above 0 (RFC 9110 section 12.5.3). */
bool head_accepts_gzip(struct str accept_encoding);

/* "application/json; charset=utf-8": the part before the parameters, without blanks. */
struct str head_media_type(struct str content_type);
/* Says no charset, or UTF-8. */
bool head_charset_is_utf8(struct str content_type);

#endif
