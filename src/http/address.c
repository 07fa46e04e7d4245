/* Parsing by inet_pton(3), which is strict where getaddrinfo() and inet_aton() are not ("1.2.3" for 1.2.0.3). */
#include "http/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

enum { V4_BYTES = 4, V4_BITS = 32, V6_BITS = 128 };

static const uint8_t mapped_prefix[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static struct address from_v4(const void *bytes)
{
	struct address a = { .is_v6 = false };

	memcpy(a.bytes, bytes, V4_BYTES);
	return a;
}

static struct address from_v6(const void *bytes)
{
	struct address a = { .is_v6 = true };

	memcpy(a.bytes, bytes, sizeof(a.bytes));
	if (memcmp(a.bytes, mapped_prefix, sizeof(mapped_prefix)) == 0)
		return from_v4(a.bytes + sizeof(mapped_prefix));
	return a;
}

int address_parse(struct str text, struct address *ret)
{
	char copy[ADDRESS_TEXT_SIZE];
	uint8_t bytes[16];

	if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.data, '\0', text.len))
		return -EINVAL;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	if (inet_pton(AF_INET, copy, bytes) == 1)
		*ret = from_v4(bytes);
	else if (inet_pton(AF_INET6, copy, bytes) == 1)
		*ret = from_v6(bytes);
	else
		return -EINVAL;
	return 0;
}

static bool is_port(struct str text)
{
	int64_t port;

	return str_to_int64(text, 0, 65535, &port) == 0;
}

/* "[…]" or "[…]:port" */
static int bracketed_parse(struct str text, struct address *ret)
{
	ptrdiff_t end = str_index(text, ']', 0);
	struct address a;
	struct str rest;
	int r;

	if (end < 0)
		return -EINVAL;
	rest = str_slice(text, (size_t)end + 1, text.len);
	if (rest.len > 0 && (rest.data[0] != ':' || !is_port(str_slice(rest, 1, rest.len))))
		return -EINVAL;
	/* An IPv4 address has no business in brackets. */
	if (str_index(text, ':', 0) < 0 || str_index(text, ':', 0) > end)
		return -EINVAL;
	r = address_parse(str_slice(text, 1, (size_t)end), &a);
	if (r == 0)
		*ret = a;
	return r;
}

int address_parse_forwarded(struct str text, struct address *ret)
{
	struct str s = str_trim(text);
	ptrdiff_t colon;

	if (s.len > 0 && s.data[0] == '[')
		return bracketed_parse(s, ret);
	colon = str_index(s, ':', 0);
	/* One colon: IPv4 and a port. */
	if (colon >= 0 && str_index(s, ':', (size_t)colon + 1) < 0) {
		if (!is_port(str_slice(s, (size_t)colon + 1, s.len)))
			return -EINVAL;
		s = str_slice(s, 0, (size_t)colon);
	}
	return address_parse(s, ret);
}

int address_from_sockaddr(const struct sockaddr *sa, struct address *ret)
{
	if (sa->sa_family == AF_INET)
		*ret = from_v4(&((const struct sockaddr_in *)(const void *)sa)->sin_addr);
	else if (sa->sa_family == AF_INET6)
		*ret = from_v6(&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr);
	else
		return -EINVAL;
	return 0;
}

/* inet_ntop() takes longer for it than all else that a span of a request says. */
static void v4_format(const uint8_t bytes[4], char *ret)
{
	for (size_t i = 0; i < 4; i++) {
		unsigned byte = bytes[i];

		if (byte >= 100)
			*ret++ = (char)('0' + byte / 100);
		if (byte >= 10)
			*ret++ = (char)('0' + byte / 10 % 10);
		*ret++ = (char)('0' + byte % 10);
		*ret++ = i < 3 ? '.' : '\0';
	}
}

void address_format(const struct address *a, char ret[ADDRESS_TEXT_SIZE])
{
	const char *text = ret;

	if (a->is_v6)
		text = inet_ntop(AF_INET6, a->bytes, ret, ADDRESS_TEXT_SIZE);
	else
		v4_format(a->bytes, ret);
	assert(text);
}

static unsigned bits_of(const struct address *a)
{
	return a->is_v6 ? V6_BITS : V4_BITS;
}

void address_mask(struct address *a, unsigned n_bits)
{
	assert(n_bits <= bits_of(a));
	for (unsigned i = 0; i < sizeof(a->bytes); i++) {
		unsigned kept = n_bits > i * 8 ? MIN(n_bits - i * 8, 8u) : 0;

		a->bytes[i] &= (uint8_t)(0xff00u >> kept);
	}
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->is_v6 == b->is_v6 && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* ---- networks ---- */

static bool net_has(const struct address_net *net, const struct address *a)
{
	struct address masked = *a;

	if (a->is_v6 != net->base.is_v6)
		return false;
	address_mask(&masked, net->n_bits);
	return address_equal(&masked, &net->base);
}

/* ::ffff:10.0.0.0/104 is 10.0.0.0/8, and a shorter prefix of the mapped range is nothing anybody means. */
static int net_parse(struct str text, struct address_net *ret)
{
	ptrdiff_t slash = str_index(text, '/', 0);
	struct str host = slash < 0 ? text : str_slice(text, 0, (size_t)slash);
	bool is_mapped;
	struct address_net net;
	int64_t n_bits;
	int r;

	r = address_parse(host, &net.base);
	if (r < 0)
		return r;
	is_mapped = !net.base.is_v6 && str_index(host, ':', 0) >= 0;
	n_bits = bits_of(&net.base);
	if (slash >= 0)
		r = str_to_int64(str_slice(text, (size_t)slash + 1, text.len), is_mapped ? V6_BITS - V4_BITS : 0,
		                 is_mapped ? V6_BITS : n_bits, &n_bits);
	if (r < 0)
		return -EINVAL;
	net.n_bits = (unsigned)(is_mapped && slash >= 0 ? n_bits - (V6_BITS - V4_BITS) : n_bits);
	if (!net_has(&net, &net.base))
		return -EINVAL;
	*ret = net;
	return 0;
}

static bool is_separator(char c)
{
	return c == ' ' || c == '\t' || c == ',';
}

/* The next part at or behind *at; null: there is none. */
static struct str part_next(struct str text, size_t *at)
{
	size_t from;

	while (*at < text.len && is_separator(text.data[*at]))
		(*at)++;
	from = *at;
	while (*at < text.len && !is_separator(text.data[*at]))
		(*at)++;
	return *at > from ? str_slice(text, from, *at) : STR_NULL;
}

int address_list_parse(struct str text, struct address_list *ret, struct str *ret_wrong)
{
	struct address_list l = { 0 };
	struct str part;
	size_t at = 0;

	if (str_equal(str_trim(text), STR("none"))) {
		*ret = l;
		return 0;
	}
	while ((part = part_next(text, &at)).data) {
		if (l.n == ADDRESS_NETS_MAX)
			return -E2BIG;
		if (net_parse(part, &l.nets[l.n]) < 0) {
			*ret_wrong = part;
			return -EINVAL;
		}
		l.n++;
	}
	if (l.n == 0) {
		*ret_wrong = text;
		return -EINVAL;
	}
	*ret = l;
	return 0;
}

bool address_list_has(const struct address_list *l, const struct address *a)
{
	for (size_t i = 0; i < l->n; i++)
		if (net_has(&l->nets[i], a))
			return true;
	return false;
}

/* ---- the client ---- */

/* The last element of the list, which is shortened by it; false: there is none. */
static bool last_take(struct str *list, struct str *ret)
{
	size_t from;

	if (!list->data)
		return false;
	from = list->len;
	while (from > 0 && list->data[from - 1] != ',')
		from--;
	*ret = str_slice(*list, from, list->len);
	*list = from > 0 ? str_slice(*list, 0, from - 1) : STR_NULL;
	return true;
}

struct address address_of_client(const struct address *peer, struct str forwarded, const struct address_list *trusted)
{
	struct address client = *peer;
	struct str element;

	for (int i = 0; i < ADDRESS_HOPS_MAX && address_list_has(trusted, &client); i++) {
		if (!last_take(&forwarded, &element))
			break;
		/* An empty element is legal in a list (RFC 9110 section 5.6.1) and says nothing. */
		if (str_trim(element).len == 0)
			continue;
		if (address_parse_forwarded(element, &client) < 0)
			break;
	}
	return client;
}

int address_of_client_behind(struct str forwarded, const struct address_list *trusted, struct address *ret)
{
	struct address client;
	struct str element;

	for (int i = 0; i < ADDRESS_HOPS_MAX && last_take(&forwarded, &element); i++) {
		if (str_trim(element).len == 0)
			continue;
		if (address_parse_forwarded(element, &client) < 0)
			return -EINVAL;
		*ret = address_of_client(&client, forwarded, trusted);
		return 0;
	}
	return -EINVAL;
}
