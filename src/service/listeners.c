/* Begun in order, LISTEN first; what a failure means is said here, since only here it is known which setting it was.
 * Nothing here yields. */
#include "service/listeners.h"

#include "base/log.h"

#include <errno.h>

static int server_add(struct listeners *l, struct uv_loop_s *loop, const struct http_server_options *options)
{
	int r = http_server_new(loop, options, &l->servers[l->n]);

	if (r == 0)
		l->n++;
	return r;
}

static int public_begin(struct listeners *l, struct uv_loop_s *loop, const struct http_server_options *options)
{
	int r = server_add(l, loop, options);

	if (r == -EADDRINUSE)
		log_alert("the address is taken by another program; set LISTEN to another one",
		          LOG_STR("listen", options->address));
	else if (r < 0)
		log_alert("cannot listen; LISTEN must be a numeric address of this machine and a port",
		          LOG_STR("listen", options->address), LOG_ERR(r));
	return r;
}

static const char *socket_fault(int r)
{
	switch (r) {
	case -EADDRINUSE:
		return "another process listens on TRUSTED_SOCKET";
	case -EEXIST:
		return "what TRUSTED_SOCKET names is there, and is no socket; it is left alone";
	case -EPERM:
		return "TRUSTED_SOCKET_GROUP is no group of ours, or the folder of TRUSTED_SOCKET belongs to another "
		       "user "
		       "or can be written into by others";
	case -ENOENT:
		return "the folder of TRUSTED_SOCKET is not there";
	default:
		return "cannot listen on TRUSTED_SOCKET";
	}
}

static int socket_begin(struct listeners *l, struct uv_loop_s *loop, struct http_server_options options)
{
	int r;

	options.address = l->trust.address;
	options.trust = &l->trust.socket;
	r = server_add(l, loop, &options);
	if (r < 0)
		log_alert(socket_fault(r), LOG_STR("socket", l->trust.address + strlen(HTTP_UNIX_PREFIX)), LOG_ERR(r));
	return r;
}

static int tls_begin(struct listeners *l, struct uv_loop_s *loop, struct http_server_options options,
                     const char *address)
{
	int r;

	options.address = address;
	options.trust = &l->trust.tls;
	r = server_add(l, loop, &options);
	if (r < 0)
		log_alert(r == -EADDRINUSE ? "the address of TRUSTED_LISTEN is taken by another program"
		                           : "cannot listen on TRUSTED_LISTEN",
		          LOG_STR("listen", address), LOG_ERR(r));
	return r;
}

int listeners_begin(struct uv_loop_s *loop, const struct http_server_options *options,
                    const struct trust_settings *settings,
                    int (*confirm)(struct request *req, const struct http_user *named, void *arg, struct http_user *ret,
                                   const char **ret_reason),
                    struct listeners *l)
{
	int r = public_begin(l, loop, options);

	if (r < 0 || !confirm)
		return r;
	r = trust_init(settings, &l->trust);
	l->trust.socket.confirm = l->trust.tls.confirm = confirm;
	if (r == 0 && settings->socket)
		r = socket_begin(l, loop, *options);
	if (r == 0 && settings->listen)
		r = tls_begin(l, loop, *options, settings->listen);
	return r;
}

int listeners_port(const struct listeners *l)
{
	return http_server_port(l->servers[0]);
}

void listeners_leave(struct listeners *l)
{
	for (size_t i = 0; i < l->n; i++)
		http_server_leave(l->servers[i]);
}

bool listeners_have_arrivals(const struct listeners *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (http_server_has_arrivals(l->servers[i]))
			return true;
	return false;
}

void listeners_drain(struct listeners *l)
{
	for (size_t i = 0; i < l->n; i++)
		http_server_drain(l->servers[i]);
}

bool listeners_expect_requests(const struct listeners *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (http_server_expects_requests(l->servers[i]))
			return true;
	return false;
}

size_t listeners_in_flight(const struct listeners *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += http_server_in_flight(l->servers[i]);
	return n;
}

void listeners_cancel_all(struct listeners *l)
{
	for (size_t i = 0; i < l->n; i++)
		http_server_cancel_all(l->servers[i]);
}

void listeners_free(struct listeners *l)
{
	while (l->n > 0)
		http_server_free(&l->servers[--l->n]);
	trust_done(&l->trust);
}
