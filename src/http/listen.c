/* Listening by TCP, and whatever an address may be: "127.0.0.1:8081", "[::1]:8081", or "unix:" with a path, which
 * socket_file.c makes. Nothing here yields. */
#include "http/internal.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ADDRESS_LEN_MAX = 80 };

/* "127.0.0.1:8081" and "[::1]:8081" into host and port, both NUL-terminated in `text`. */
static int address_split(const char *address, char text[ADDRESS_LEN_MAX], const char **ret_host, const char **ret_port)
{
	size_t len = strlen(address);
	char *colon;

	if (len >= ADDRESS_LEN_MAX)
		return -EINVAL;
	memcpy(text, address, len + 1);
	colon = strrchr(text, ':');
	if (!colon || colon == text || !colon[1])
		return -EINVAL;
	*colon = '\0';
	*ret_port = colon + 1;
	*ret_host = text;
	if (text[0] != '[')
		return strchr(text, ':') ? -EINVAL : 0;
	if (colon[-1] != ']')
		return -EINVAL;
	colon[-1] = '\0';
	*ret_host = text + 1;
	return 0;
}

static int listen_on(const struct addrinfo *ai)
{
	int one = 1;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, LISTEN_BACKLOG) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

static int port_of(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0)
		return 0;
	return ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&ss)->sin6_port
	                                      : ((struct sockaddr_in *)&ss)->sin_port);
}

static int listen_tcp(const char *address, struct listener *ret)
{
	static const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		                               .ai_socktype = SOCK_STREAM };
	char text[ADDRESS_LEN_MAX];
	struct addrinfo *ai;
	const char *host;
	const char *port;
	int r = address_split(address, text, &host, &port);

	if (r < 0)
		return r;
	if (getaddrinfo(host, port, &hints, &ai) != 0)
		return -EINVAL;
	r = listen_on(ai);
	freeaddrinfo(ai);
	if (r < 0)
		return r;
	*ret = (struct listener){ .fd = r, .port = port_of(r) };
	return 0;
}

static bool is_unix(const char *address)
{
	return strncmp(address, HTTP_UNIX_PREFIX, strlen(HTTP_UNIX_PREFIX)) == 0;
}

int listener_open(const char *address, const struct http_trust *trust, struct listener *ret)
{
	struct listener l = { .fd = -1 };
	int r;

	/* A peer that is believed has to be known: by its user id, or by its certificate. */
	if (is_unix(address) ? !trust || trust->tls : trust && !trust->tls)
		return -EINVAL;
	if (!is_unix(address))
		return listen_tcp(address, ret);
	r = socket_file_listen(address + strlen(HTTP_UNIX_PREFIX), trust->group, &l.file, &l.fd);
	if (r == 0)
		*ret = l;
	return r;
}

void listener_forget(struct listener *l)
{
	socket_file_remove(&l->file);
	l->fd = -1;
}

void listener_close(struct listener *l)
{
	int fd = l->fd;

	listener_forget(l);
	if (fd >= 0)
		close(fd);
}
