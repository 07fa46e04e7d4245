/* What the tests of this room share: a server on a loop in a thread of its own, and a blocking raw client, so that a
 * test reads straight down. */
#ifndef CINESYNC_HTTP_TEST_SUPPORT_H
#define CINESYNC_HTTP_TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/server.h"

/* ---- the server ---- */

struct site;

/* Starts it on a free port of the loopback; NULL options: testing defaults (short time-outs, small limits). */
struct site *site_up(const struct route *routes, const struct http_server_options *options);
struct http_server_options site_options(const struct route *routes);
int site_port(const struct site *site);
/* Runs fn(server, arg) on the loop's thread and waits for it. */
void site_do(struct site *site, void (*fn)(struct http_server *s, void *arg), void *arg);
size_t site_in_flight(struct site *site);
/* Waits (at most 5 s) until no request is under way. */
bool site_is_quiet(struct site *site);
/* Stops it; fails the test when a handle or a fiber was left. */
void site_down(struct site **site);

/* ---- the client ---- */

int raw_connect(int port);
void raw_send(int fd, const void *data, size_t len);
void raw_sends(int fd, const char *text);
/* One whole response, head and body by Content-Length, or what came until the end. NUL-terminated; freed by the
 * caller. Waits at most 5 s. */
char *raw_response(int fd);
char *raw_response_of(int fd, bool to_head);
/* The other side closes, within 5 s, whatever it says before. */
bool raw_is_closed(int fd);

/* Connects, sends, reads one response, closes. */
char *raw_exchange(int port, const void *data, size_t len);

/* ---- reading responses ---- */

int response_status(const char *response);
/* The header's value in a static buffer, or NULL. */
const char *response_header(const char *response, const char *name);
const char *response_body(const char *response);

#endif
