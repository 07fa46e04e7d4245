/* Network addresses as clients and proxies write them, and lists of networks. Pure: no I/O, never yields.
 *
 * IPv4-mapped IPv6 (::ffff:192.0.2.1) is IPv4 wherever it is read, so that one host has one form. */
#ifndef CINESYNC_HTTP_ADDRESS_H
#define CINESYNC_HTTP_ADDRESS_H

#include "base/str.h"

struct sockaddr;

#define ADDRESS_TEXT_SIZE 46 /* with the NUL */
#define ADDRESS_NETS_MAX 64

struct address {
	bool is_v6;
	uint8_t bytes[16]; /* in network order; of IPv4 the first four, the rest 0 */
};

/* "192.0.2.1", "2001:db8::1". Strict as inet_pton(3): no ports, brackets, zones, blanks. -EINVAL. */
int address_parse(struct str text, struct address *ret) MUST_CHECK;
/* An element of X-Forwarded-For: as address_parse(), with blanks around it and a port allowed ("192.0.2.1:80",
 * "[2001:db8::1]:80", "[2001:db8::1]"). -EINVAL, also for "unknown" and obfuscated names. */
int address_parse_forwarded(struct str text, struct address *ret) MUST_CHECK;
/* -EINVAL: neither IPv4 nor IPv6. */
int address_from_sockaddr(const struct sockaddr *sa, struct address *ret) MUST_CHECK;
/* The canonical text (RFC 5952). */
void address_format(const struct address *a, char ret[ADDRESS_TEXT_SIZE]);
/* Clears all but the first n_bits, 0..32 or 0..128. */
void address_mask(struct address *a, unsigned n_bits);
bool address_equal(const struct address *a, const struct address *b);

struct address_net {
	struct address base; /* masked */
	unsigned n_bits;
};

/* Networks, separated by blanks or commas; {0} is none. */
struct address_list {
	size_t n;
	struct address_net nets[ADDRESS_NETS_MAX];
};

/* "127.0.0.0/8 ::1 fd00::/8"; an address without a length is one host; "none" alone is the empty list. Refused is what
 * is likely a mistake: bits set behind the length, names, and an empty text. -EINVAL: *ret_wrong is the first faulty
 * part, within text; -E2BIG: more than ADDRESS_NETS_MAX. */
int address_list_parse(struct str text, struct address_list *ret, struct str *ret_wrong) MUST_CHECK;
bool address_list_has(const struct address_list *l, const struct address *a);

/* Whom a request is from. peer: the other end of the connection; forwarded: all X-Forwarded-For in the order they came,
 * joined by commas (null: none). While the address at hand is a trusted proxy's it is believed about the one before it:
 * the list is walked from its right end. What cannot be read ends the walk at the proxy that wrote it; so does the
 * list's beginning. At most ADDRESS_HOPS_MAX elements are looked at. */
#define ADDRESS_HOPS_MAX 32
struct address address_of_client(const struct address *peer, struct str forwarded, const struct address_list *trusted);
/* The same where the peer is believed whatever its address is: the one it names last, or who is behind that one.
 * -EINVAL: it names none that can be read. */
int address_of_client_behind(struct str forwarded, const struct address_list *trusted, struct address *ret) MUST_CHECK;

#endif
