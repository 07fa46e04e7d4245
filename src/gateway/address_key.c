/* Addresses as keys. */
#include "gateway/address_key.h"

#include <netinet/in.h>

enum { NETWORK_LEN = 8, MAPPED_AT = 12 };

struct str address_key(const struct sockaddr *address)
{
	const struct sockaddr_in6 *six = (const void *)address;
	const struct sockaddr_in *four = (const void *)address;

	if (address->sa_family == AF_INET)
		return (struct str){ (const char *)&four->sin_addr, sizeof(four->sin_addr) };
	if (address->sa_family != AF_INET6)
		return STR("local");
	/* IPv4 at a socket of both. */
	if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
		return (struct str){ (const char *)&six->sin6_addr + MAPPED_AT, 4 };
	return (struct str){ (const char *)&six->sin6_addr, NETWORK_LEN };
}
