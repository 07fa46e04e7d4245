/* TLS for a listener whose peers are known by their certificates (struct http_trust): its own certificate, and whom it
 * takes. libmicrohttpd's TLS is GnuTLS; nothing of it is seen here. */
#ifndef CINESYNC_HTTP_TLS_H
#define CINESYNC_HTTP_TLS_H

#include "base/buf.h"

struct http_tls;

#define HTTP_TLS_NAMES_MAX 16
#define HTTP_TLS_FILE_SIZE_MAX (256 * 1024)

enum http_tls_file { HTTP_TLS_CERTIFICATE, HTTP_TLS_KEY, HTTP_TLS_CA };

struct http_tls_options {
	const char *certificate_file; /* PEM: ours, and those between it and its authority */
	const char *key_file;         /* PEM, without a password */
	const char *ca_file;          /* PEM: the authorities that peers' certificates may come from */
	/* Who the peer may be, by its certificate: a DNS name or a URI of its subjectAltName, or "CN=x" for the one
	 * common name of its subject. As they stand: no wildcards. */
	struct str names[HTTP_TLS_NAMES_MAX];
	size_t n_names;
};

/* Reads the files, once. Options are copied, names kept by pointer. -EINVAL, -ENOENT and so on: *ret_which is the file
 * that is to blame, *ret_reason in words why; -ENOMEM. Blocks. */
int http_tls_new(const struct http_tls_options *options, struct http_tls **ret, enum http_tls_file *ret_which,
                 const char **ret_reason) MUST_CHECK;
/* After the servers that use it. Takes NULL, leaves NULL. */
void http_tls_free(struct http_tls **t);

#endif
