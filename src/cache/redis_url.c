/* The URL of a Redis. Strict: what is not of the documented form is refused, raw '@', '/' or ':' in a password too, for
 * they are most often a missing percent-escape. Owns the decoded text, which may hold a password. */
#include "cache/redis_url.h"

#include "base/fault.h"
#include "cache/redis.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

enum { HOST_MAX = 253, URL_MAX = 4096 };

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes to *to, which moves on. */
static int take_decoded(struct str in, char **to, struct str *ret)
{
	char *start = *to;
	char *at = start;

	for (size_t i = 0; i < in.len; i++, at++) {
		int high, low;

		if (in.data[i] != '%') {
			*at = in.data[i];
			continue;
		}
		high = i + 2 < in.len ? hex_digit(in.data[i + 1]) : -1;
		low = i + 2 < in.len ? hex_digit(in.data[i + 2]) : -1;
		if (high < 0 || low < 0)
			return -EINVAL;
		*at = (char)(high << 4 | low);
		i += 2;
	}
	*at = '\0';
	*to = at + 1;
	*ret = (struct str){ start, (size_t)(at - start) };
	return 0;
}

static int take_login(struct str login, char **to, struct redis_url *u)
{
	ptrdiff_t colon = str_index(login, ':', 0);
	struct str user = STR_NULL, password = STR_NULL;
	int r;

	if (colon < 0 || str_index(login, ':', (size_t)colon + 1) >= 0)
		return -EINVAL;
	r = take_decoded(str_slice(login, 0, (size_t)colon), to, &user);
	if (r == 0)
		r = take_decoded(str_slice(login, (size_t)colon + 1, login.len), to, &password);
	if (r < 0)
		return r;
	if (user.len > 0)
		u->user = user;
	if (user.len > 0 || password.len > 0)
		u->password = password;
	return 0;
}

static bool is_name(struct str host)
{
	for (size_t i = 0; i < host.len; i++) {
		char c = host.data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '.' &&
		    c != '-' && c != '_')
			return false;
	}
	return host.len > 0 && host.len <= HOST_MAX;
}

static int take_port(struct str text, struct redis_url *u)
{
	int64_t port;

	if (text.len == 0)
		return 0;
	if (text.data[0] != ':' || str_to_int64(str_slice(text, 1, text.len), 1, UINT16_MAX, &port) < 0)
		return -EINVAL;
	u->port = (uint16_t)port;
	return 0;
}

static int take_host(struct str text, char **to, struct redis_url *u)
{
	bool is_ipv6 = str_starts(text, STR("["));
	ptrdiff_t end = str_index(text, is_ipv6 ? ']' : ':', 0);
	size_t host_end = end < 0 ? text.len : (size_t)end;
	struct str host = str_slice(text, is_ipv6 ? 1 : 0, host_end);
	struct in6_addr address;

	if (is_ipv6 && end < 0)
		return -EINVAL;
	if (host.len > HOST_MAX || (!is_ipv6 && !is_name(host)))
		return -EINVAL;
	memcpy(*to, host.data, host.len);
	(*to)[host.len] = '\0';
	u->host = *to;
	*to += host.len + 1;
	if (is_ipv6 && inet_pton(AF_INET6, u->host, &address) != 1)
		return -EINVAL;
	return take_port(str_slice(text, host_end + (is_ipv6 ? 1 : 0), text.len), u);
}

/* rest: behind "redis://". */
static int take_parts(struct str rest, char *to, struct redis_url *u)
{
	ptrdiff_t slash = str_index(rest, '/', 0);
	struct str authority = slash < 0 ? rest : str_slice(rest, 0, (size_t)slash);
	struct str db = slash < 0 ? STR("") : str_slice(rest, (size_t)slash + 1, rest.len);
	ptrdiff_t at = str_index(authority, '@', 0);
	int r;

	if (at >= 0) {
		r = take_login(str_slice(authority, 0, (size_t)at), &to, u);
		if (r < 0)
			return r;
		authority = str_slice(authority, (size_t)at + 1, authority.len);
	}
	if (db.len > 0 && str_to_int64(db, 0, INT32_MAX, &u->db) < 0)
		return -EINVAL;
	return take_host(authority, &to, u);
}

int redis_url_parse(const char *text, struct redis_url *ret)
{
	struct str all = str_from(text);
	struct redis_url u = { .port = REDIS_PORT };
	const struct str scheme = STR("redis://");
	int r;

	if (all.len > URL_MAX || !str_equal_nocase(str_slice(all, 0, scheme.len), scheme))
		return -EINVAL;
	/* Decoding never makes it longer; three NULs come on top. */
	u.text_size = all.len + 3;
	u.text = fault_hit("alloc") ? NULL : calloc(1, u.text_size);
	if (!u.text)
		return -ENOMEM;
	r = take_parts(str_slice(all, scheme.len, all.len), u.text, &u);
	if (r < 0)
		redis_url_done(&u);
	else
		*ret = u;
	return r;
}

void redis_url_done(struct redis_url *u)
{
	if (u->text)
		explicit_bzero(u->text, u->text_size);
	free(u->text);
	*u = (struct redis_url){ 0 };
}

const char *redis_check_url(const char *url)
{
	struct redis_url u = { 0 };
	int r = redis_url_parse(url, &u);

	redis_url_done(&u);
	return r == -EINVAL ? "redis://[[user]:password@]host[:port][/db], percent-encoded" : NULL;
}
