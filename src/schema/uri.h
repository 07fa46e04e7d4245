/* Web addresses: absolute http and https URIs (RFC 3986, RFC 9110 section 4.2). */
#ifndef CINESYNC_SCHEMA_URI_H
#define CINESYNC_SCHEMA_URI_H

#include "base/str.h"

/* 0; -EPROTONOSUPPORT: another scheme; -EINVAL with the reason as a phrase ("empty host"). ASCII only; a user name in
 * the authority is refused (RFC 9110 section 4.2.4). */
int uri_check_http(struct str uri, const char **ret_reason) MUST_CHECK;

#endif
