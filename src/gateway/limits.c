/* The keys that nginx's limits count by (limit_req, limit_conn), and which limit refused a request: nginx tells that
 * one did, and the one whose key it asked for last is the one.
 *
 * An address of IPv6 is its network of 64 bits, which is what one customer has. A user's limit comes after the
 * address's in the configuration, and its key is asked for only then: so who sends forged tokens is stopped by its
 * address before they are looked at. */
#include "gateway/module.h"

#include "gateway/address_key.h"

/* nginx keeps these to itself: ngx_http_limit_req_module.c, ngx_http_limit_conn_module.c. */
enum { REQUESTS_REJECTED = 3, CONNECTIONS_REJECTED = 2 };

static struct str key_of(ngx_http_request_t *req, enum limit limit)
{
	switch (limit) {
	case LIMIT_USER:
		/* Empty, which nginx does not count, when nobody is known: then the address's limit is the only one. */
		return auth_owner(req);
	case LIMIT_ALL_UPLOADS:
		return STR("all");
	default:
		return address_key(req->connection->sockaddr);
	}
}

struct str limits_key(ngx_http_request_t *req, enum limit limit)
{
	struct gateway_request *of = request_get(req);

	if (!of)
		return STR_NULL;
	if (limit < LIMIT_CONNECTIONS)
		of->requests = limit;
	else
		of->connections = limit;
	return key_of(req, limit);
}

enum limit limits_refused(ngx_http_request_t *req)
{
	const struct gateway_request *of = request_find(req);

	if (of && req->main->limit_req_status == REQUESTS_REJECTED)
		return of->requests;
	if (of && req->main->limit_conn_status == CONNECTIONS_REJECTED)
		return of->connections;
	return LIMIT_NONE;
}

const char *limits_name(enum limit limit)
{
	static const char *const names[LIMITS] = {
		[LIMIT_NONE] = NULL,
		[LIMIT_ADDRESS] = "address",
		[LIMIT_USER] = "user",
		[LIMIT_LOGIN] = "login",
		[LIMIT_CONNECTIONS] = "connections",
		[LIMIT_UPLOADS] = "uploads",
		[LIMIT_ALL_UPLOADS] = "all_uploads",
	};

	return names[limit];
}
