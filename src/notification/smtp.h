/* The mail sink that sends: SMTP (RFC 5321) by libcurl, off the loop. */
#ifndef CINESYNC_NOTIFICATION_SMTP_H
#define CINESYNC_NOTIFICATION_SMTP_H

#include "notification/sink.h"

enum smtp_tls {
	SMTP_TLS_REQUIRED,      /* STARTTLS (RFC 3207), or no mail; smtps:// is TLS from the first byte in any case */
	SMTP_TLS_OPPORTUNISTIC, /* STARTTLS where it is offered */
	SMTP_TLS_OFF,
};

#define SMTP_CONNECTIONS_MAX 64

struct smtp_options {
	const char *url;      /* as smtp_check_url() takes it */
	const char *user;     /* NULL: no AUTH (RFC 4954) */
	const char *password; /* NULL as well then */
	enum smtp_tls tls;
	const char *ca_file; /* PEM; NULL: the system's */
	const char *from;    /* sender's address; its domain is what EHLO says */
	int64_t timeout_ms;  /* one mail */
	size_t connections;  /* at once, 1..SMTP_CONNECTIONS_MAX; kept open between mails */
};

/* For a config_entry's check: NULL when it is smtp://HOST[:PORT] or smtps://HOST[:PORT] and nothing more. */
const char *smtp_check_url(const char *value);

/* On a fiber. Connects with the first mail. Strings are copied. A mail is refused for good when the server answers 5xx
 * to it or its recipient; what it has against us (log-in, TLS), 4xx and everything else is tried again. -ENOMEM; errors
 * of lane_new(). Freeing closes a loop handle: run the loop once more afterwards. */
int smtp_sink_new(const struct smtp_options *options, struct mail_sink **ret) MUST_CHECK;

#endif
