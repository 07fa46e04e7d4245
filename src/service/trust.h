/* Whether the gateway is believed about who asks, and by what it is known: the settings of a service's second listener,
 * read into what the HTTP server takes. Without them there is none, and every token is verified here. */
#ifndef CINESYNC_SERVICE_TRUST_H
#define CINESYNC_SERVICE_TRUST_H

#include "base/config.h"
#include "http/server.h"

#define TRUST_UIDS_MAX 16

struct trust_settings {
	char *socket;
	char *socket_group;
	char *uids;
	char *listen;
	char *certificate_file;
	char *key_file;
	char *ca_file;
	char *names;
};

const struct config_table *trust_settings_table(void);
/* What only all of them together show. -EINVAL: a line for each fault is added. */
int trust_settings_check(const struct trust_settings *s, struct buf *ret_error) MUST_CHECK;

/* What http_trust points into. */
struct trust {
	struct http_trust socket;
	uid_t uids[TRUST_UIDS_MAX];
	char address[160]; /* of the socket */
	struct http_trust tls;
	struct http_tls *files;
};

/* The settings were checked, and live longer. On failure the reason is logged. */
int trust_init(const struct trust_settings *s, struct trust *ret) MUST_CHECK;
/* Takes a zeroed one. */
void trust_done(struct trust *t);

#endif
