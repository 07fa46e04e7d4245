/* A checker of absolute web addresses, part by part. Owns nothing. */
#include "schema/uri.h"

#include <arpa/inet.h>
#include <errno.h>

#define PORT_MAX 65535

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Only letters, digits, percent-encoded bytes and the extra characters. */
static bool has_only(struct str s, const char *extra)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];

		if (c == '%' && i + 2 < s.len && is_hex(s.data[i + 1]) && is_hex(s.data[i + 2]))
			i += 2;
		else if (c == '\0' || (!is_alnum(c) && !strchr(extra, c)))
			return false;
	}
	return true;
}

static int fail(const char **ret_reason, const char *reason)
{
	*ret_reason = reason;
	return -EINVAL;
}

/* Cuts "scheme://" off. */
static int take_scheme(struct str *s, const char **ret_reason)
{
	ptrdiff_t colon = str_index(*s, ':', 0);
	struct str scheme = str_slice(*s, 0, colon < 0 ? 0 : (size_t)colon);

	if (scheme.len == 0 || !has_only(scheme, "+-.") || str_index(scheme, '%', 0) >= 0)
		return fail(ret_reason, "relative URL without a base");
	if (!str_equal_nocase(scheme, STR("http")) && !str_equal_nocase(scheme, STR("https")))
		return -EPROTONOSUPPORT;
	*s = str_slice(*s, scheme.len + 1, s->len);
	if (!str_starts(*s, STR("//")))
		return fail(ret_reason, "two slashes should follow the scheme");
	*s = str_slice(*s, 2, s->len);
	return 0;
}

static struct str take_authority(struct str *s)
{
	size_t end = 0;
	struct str authority;

	while (end < s->len && s->data[end] != '/' && s->data[end] != '?' && s->data[end] != '#')
		end++;
	authority = str_slice(*s, 0, end);
	*s = str_slice(*s, end, s->len);
	return authority;
}

static int port_check(struct str port, const char **ret_reason)
{
	int64_t number;

	if (str_to_int64(port, 0, PORT_MAX, &number) < 0)
		return fail(ret_reason, "invalid port number");
	return 0;
}

/* "[::1]" or "[::1]:8080". */
static int literal_check(struct str authority, const char **ret_reason)
{
	ptrdiff_t close = str_index(authority, ']', 0);
	char text[INET6_ADDRSTRLEN] = "";
	struct in6_addr address;
	struct str rest;

	if (close < 2 || (size_t)close > sizeof(text))
		return fail(ret_reason, "invalid IPv6 address");
	memcpy(text, authority.data + 1, (size_t)close - 1);
	if (inet_pton(AF_INET6, text, &address) != 1)
		return fail(ret_reason, "invalid IPv6 address");
	rest = str_slice(authority, (size_t)close + 1, authority.len);
	if (rest.len == 0)
		return 0;
	if (rest.data[0] != ':')
		return fail(ret_reason, "invalid IPv6 address");
	return port_check(str_slice(rest, 1, rest.len), ret_reason);
}

static int authority_check(struct str authority, const char **ret_reason)
{
	ptrdiff_t colon;
	struct str host;

	if (str_index(authority, '@', 0) >= 0)
		return fail(ret_reason, "a user name is not allowed");
	if (str_starts(authority, STR("[")))
		return literal_check(authority, ret_reason);
	colon = str_index(authority, ':', 0);
	host = str_slice(authority, 0, colon < 0 ? authority.len : (size_t)colon);
	if (host.len == 0)
		return fail(ret_reason, "empty host");
	if (!has_only(host, "-._~!$&'()*+,;="))
		return fail(ret_reason, "invalid character in the host");
	return colon < 0 ? 0 : port_check(str_slice(authority, (size_t)colon + 1, authority.len), ret_reason);
}

int uri_check_http(struct str uri, const char **ret_reason)
{
	ptrdiff_t hash;
	int r;

	r = take_scheme(&uri, ret_reason);
	if (r < 0)
		return r;
	r = authority_check(take_authority(&uri), ret_reason);
	if (r < 0)
		return r;
	hash = str_index(uri, '#', 0);
	if (!has_only(uri, "-._~!$&'()*+,;=:@/?#") || (hash >= 0 && str_index(uri, '#', (size_t)hash + 1) >= 0))
		return fail(ret_reason, "invalid character in the path or the query");
	return 0;
}
