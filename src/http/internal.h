/* Inside the http room: the structs that the server's files share, and who calls whom.
 *
 *   server.c      runs libmicrohttpd from the loop, drains, frees
 *   listen.c      listens, by TCP or on a unix socket (socket_file.c)
 *   connection.c  a connection's deadlines; notices clients that leave
 *   exchange.c    one request's way through: head, body, handler on a fiber, reply
 *   admit.c       judges a request's head and finds its route
 *   identity.c    who asks, in the words of a peer that is believed
 *   request.c     what a handler reads; the structs' life
 *   parse.c       path, query and body against the route's schemas
 *   respond.c     what a handler answers; problems
 *   send.c        from an answer to libmicrohttpd's response
 *   linger.c      reads on a little after an early refusal
 *   record.c      metrics, span, access log */
#ifndef CINESYNC_HTTP_INTERNAL_H
#define CINESYNC_HTTP_INTERNAL_H

#include "base/list.h"
#include "http/address.h"
#include "http/etag.h"
#include "http/head.h"
#include "http/router.h"
#include "http/server.h"
#include "http/socket_file.h"
#include "telemetry/trace.h"

#include <microhttpd.h>
#include <uv.h>

#define ANSWER_HEADERS_MAX 16
#define TIMINGS_MAX 8
#define WATCH_AFTER_MS 20
#define PROBLEM_TYPE "application/problem+json"
#define FORM_TYPE "application/x-www-form-urlencoded"
/* What request_problem() returns: "the problem is in the request". */
#define ERROR_PROBLEM_SET (-EREMOTEIO)

struct fiber;
struct lingering;

/* ---- connection ---- */

enum connection_wait { WAIT_NONE = -1, WAIT_HEAD, WAIT_BODY, WAIT_IDLE, WAITS };

/* One accepted socket. libmicrohttpd owns the socket, we own this. */
struct connection {
	struct list node; /* in its wait's queue, or alone */
	struct http_server *server;
	struct request *request; /* from its request line to its last byte */
	int64_t deadline_ms;     /* on the loop's clock */
	int fd;
	enum connection_wait wait;
	bool must_linger; /* the client may still be sending when we close */
	bool is_vouched;  /* the peer is one that is believed (struct http_trust) */
	size_t peer_len;
	char peer[ADDRESS_TEXT_SIZE]; /* its address, once somebody has asked for it */
};

void connection_notify(void *cls, struct MHD_Connection *mhd, void **socket_context,
                       enum MHD_ConnectionNotificationCode code);
struct connection *connection_of(struct MHD_Connection *mhd);
/* From now on the client has that wait's time-out; WAIT_NONE: no limit of ours. */
void connection_wait_set(struct connection *c, enum connection_wait wait);
/* On the loop: closes what is overdue. */
void connection_reap(uv_timer_t *timer);
/* Cancels the request's handler should the client leave; until unwatch. Begins WATCH_AFTER_MS later: most handlers that
 * wait have ended by then, and a watch takes two system calls. */
void connection_watch(struct request *req);
void connection_unwatch(struct request *req);
/* On the loop: begins the watches that are due. */
void connection_watch_due(uv_timer_t *timer);
void connection_gone(uv_poll_t *poll, int status, int events);
/* Writes a bare problem past libmicrohttpd, as good as it goes; the connection is to be closed then. */
void connection_refuse(struct connection *c, const struct problem *p, const char *detail);

/* ---- request ---- */

enum phase {
	PHASE_HEAD,      /* the request line is here, headers are on their way */
	PHASE_BODY,      /* accepted, body on its way */
	PHASE_RUNNING,   /* its handler is on a fiber */
	PHASE_ANSWERED,  /* the answer is made */
	PHASE_RESPONDED, /* and libmicrohttpd has it */
};

struct answer_header {
	const char *name;
	const char *value;
};

struct answer {
	int status; /* 0: none yet */
	struct reply *shared;
	bool is_gzip; /* the shared reply's compressed form is sent */
	bool varies_by_encoding;
	char *data; /* owned, when not shared */
	size_t len;
	const char *type; /* NULL: no body */
	const char *cache_control;
	bool must_close;
	char etag[ETAG_SIZE];       /* "": none */
	char etag_other[ETAG_SIZE]; /* with varies_by_encoding: of the form that is not sent */
	size_t n_headers;
	size_t n_timings;
	struct answer_header headers[ANSWER_HEADERS_MAX];
	struct {
		const char *name;
		int64_t duration_us;
	} timings[TIMINGS_MAX];
};

struct request {
	unsigned magic;
	struct list node; /* in the server's requests, or its pool */
	struct arena *arena;
	/* All from here to the span is zero at a request's start. */
	struct http_server *server;
	struct MHD_Connection *mhd;
	struct connection *connection;
	struct fiber *fiber;
	enum phase phase;
	bool is_counted; /* in flight */
	bool is_upload;  /* counted among them */
	bool is_suspended;
	bool is_watched;
	bool is_to_be_watched; /* watch_node is in the server's list */
	struct list watch_node;
	int64_t watch_at_ms; /* on the loop's clock */
	bool client_gone;
	bool has_span;
	bool is_head;
	bool is_options;
	const char *uri_at; /* where libmicrohttpd had the target; compared, never read */
	struct str raw;     /* the target as sent */
	struct target target;
	struct str method_name;
	enum http_method method;
	struct head head;
	struct head_body framing;
	struct str body_type;
	struct buf body;
	size_t body_len; /* also of a body that nobody wants */
	struct router_match match;
	struct http_user named; /* by a peer that is believed; .id is null otherwise */
	struct http_user user;
	struct violations violations;
	int64_t start_ns;    /* of clock_mono: its span's too */
	int64_t duration_us; /* until the answer was made: its span's */
	int64_t deadline_ms;
	const struct problem *problem; /* set with request_problem() */
	struct str detail;
	int64_t retry_after_s;
	struct str client_address;
	struct answer answer;
	struct span span;
};

void request_assert_valid(const struct request *req);
/* NULL: out of memory. */
struct request *request_new(struct http_server *s, struct MHD_Connection *mhd, const char *uri);
void request_release(struct request *req);
void request_pool_drain(struct http_server *s);
struct str request_trace_id(const struct request *req);

/* ---- the way through ---- */

void *exchange_begin(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result exchange_access(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                                const char *version, const char *data, size_t *size, void **con_cls);
void exchange_completed(void *cls, struct MHD_Connection *mhd, void **con_cls, enum MHD_RequestTerminationCode how);

/* NULL: the request may go on; otherwise the problem to answer at once, with a detail. A route-less OPTIONS gets its
 * answer set here. */
const struct problem *admit_head(struct request *req, const char *method, const char *version, const char **ret_detail);

/* Takes who asks from the headers of a peer that is believed, into req->named. NULL, or the problem, with a detail. */
const struct problem *identity_admit(struct request *req, const char **ret_detail);
/* The user at the other end of a unix socket is one of those named. *ret_uid: who, when the kernel knows. */
bool identity_peer_is_known(const struct http_trust *trust, int fd, uid_t *ret_uid);

/* Bytes a body may have on the request's route. */
size_t admit_body_max(const struct request *req);

/* Turns what the handler returned into an answer; after it there always is one. */
void answer_conclude(struct request *req, int r);
void answer_problem(struct request *req, const struct problem *p, struct str detail);
void answer_done(struct answer *a);
/* Of an OPTIONS request or a 405. */
void answer_allow(struct request *req);

enum MHD_Result send_answer(struct request *req);

void record_span_start(struct request *req);
void record_span_end(struct request *req);
void record_completed(struct request *req);
/* Of one process; several servers add up. */
void record_connections(int delta);
void record_active(int delta);

void linger_begin(struct http_server *s, int fd);
void linger_close_all(struct http_server *s);

/* ---- listening ---- */

#define LISTEN_BACKLOG 1024

struct listener {
	int fd;
	int port;                 /* 0: a unix socket */
	struct socket_file *file; /* NULL: TCP */
};

/* As http_server_new() has it. */
int listener_open(const char *address, const struct http_trust *trust, struct listener *ret) MUST_CHECK;
/* The socket is another's to close, or closed: takes its file away. */
void listener_forget(struct listener *l);
void listener_close(struct listener *l);

/* ---- server ---- */

/* Has the library run in the loop's next turn. */
void server_wake(struct http_server *s);

struct http_server {
	unsigned magic;
	struct http_server_options options;
	struct uv_loop_s *loop;
	struct MHD_Daemon *daemon;
	struct router *router;
	struct listener listener;
	bool has_listener; /* ours to close, not libmicrohttpd's */
	int gone_fd;       /* epoll: connections of suspended requests */
	bool is_leaving;   /* answers are the last of their connections */
	bool is_draining;
	size_t in_flight;
	size_t uploads;
	size_t n_pooled;
	size_t n_lingers;
	size_t handles_open;
	struct list requests;
	struct list pool;
	struct list lingers;
	struct list waits[WAITS];
	int64_t wait_ms[WAITS];
	int64_t reap_at_ms; /* when the reaper's timer is set for */
	uv_poll_t daemon_poll;
	uv_timer_t daemon_timer;
	uv_poll_t gone_poll;
	uv_timer_t reaper;
	struct list to_watch; /* requests, by watch_at_ms */
	uv_timer_t watcher;   /* for the first of them */
};

#endif
