/* The HTTP servers of one process, which are one for its life: that of LISTEN, and those for a gateway that is believed
 * (trust.h). Each has the limits of its own that the settings name. */
#ifndef CINESYNC_SERVICE_LISTENERS_H
#define CINESYNC_SERVICE_LISTENERS_H

#include "service/trust.h"

struct uv_loop_s;

enum { LISTENERS_MAX = 3 };

struct listeners {
	struct http_server *servers[LISTENERS_MAX];
	size_t n;
	struct trust trust;
};

/* options: of LISTEN. confirm: of struct http_trust. On failure the reason is logged, and what listens already is the
 * caller's to free. */
int listeners_begin(struct uv_loop_s *loop, const struct http_server_options *options,
                    const struct trust_settings *settings,
                    int (*confirm)(struct request *req, const struct http_user *named, void *arg, struct http_user *ret,
                                   const char **ret_reason),
                    struct listeners *l) MUST_CHECK;
/* Of LISTEN. */
int listeners_port(const struct listeners *l);

/* Each as http_server_*() of that name, of all of them. */
void listeners_leave(struct listeners *l);
bool listeners_have_arrivals(const struct listeners *l);
void listeners_drain(struct listeners *l);
bool listeners_expect_requests(const struct listeners *l);
size_t listeners_in_flight(const struct listeners *l);
void listeners_cancel_all(struct listeners *l);
void listeners_free(struct listeners *l);

#endif
