/* Inside the http room: what server.c and connection.c need of a TLS listener. */
#ifndef CINESYNC_HTTP_TLS_INSIDE_H
#define CINESYNC_HTTP_TLS_INSIDE_H

#include "http/tls.h"

#include <microhttpd.h>

struct connection;

#define TLS_OPTIONS 5

/* For MHD_OPTION_ARRAY; none when t is NULL. */
void tls_options(const struct http_tls *t, struct MHD_OptionItem ret[TLS_OPTIONS]);
/* Before the handshake: the peer has to show a certificate, and is_vouched becomes true when it is one that is taken.
 * False: that cannot be had. */
bool tls_peer_expect(struct MHD_Connection *mhd, struct connection *c);

#endif
