/* A client that sends the head and the body of a request apart, and the body only when the head is acknowledged
 * (Nagle's algorithm, RFC 9293 section 3.7.4), meets a kernel that holds acknowledgements back for 40 ms, to send them
 * with the answer (RFC 9293 section 3.8.6.3), which waits for the body. Here a head whose body has not come with it is
 * acknowledged at once: one system call for such a request, none for others. */
#include "gateway/module.h"

#include <netinet/tcp.h>

static bool is_body_to_come(ngx_http_request_t *req)
{
	return req->headers_in.content_length_n > 0 && req->header_in->pos == req->header_in->last;
}

/* The phase's. HTTP/2 and 3 have their own buffers, whatever is in them. */
ngx_int_t quick_ack_handle(ngx_http_request_t *req)
{
	static const int yes = 1;

	if (!gateway_location(req)->quick_ack || req->http_version >= NGX_HTTP_VERSION_20 || !is_body_to_come(req) ||
	    req->connection->sockaddr->sa_family == AF_UNIX)
		return NGX_DECLINED;
	/* Where it fails the body comes later, which is all that happens. */
	(void)setsockopt(req->connection->fd, IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof(yes));
	return NGX_DECLINED;
}
