/* What of a client's address a limit counts by. */
#ifndef CINESYNC_GATEWAY_ADDRESS_KEY_H
#define CINESYNC_GATEWAY_ADDRESS_KEY_H

#include "base/str.h"

struct sockaddr;

/* The 4 bytes of an IPv4 address, the first 8 of an IPv6 one (its network); "local" of anything else. Points into the
 * address. */
struct str address_key(const struct sockaddr *address);

#endif
