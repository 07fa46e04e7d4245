/* Requests: their structs, pooled with their arenas, and what a handler reads of them. A request lives from the
 * arrival of its request line until libmicrohttpd is done with it; its fiber is over by then.
 * Limits: arena_max bytes in the arena, POOL_MAX structs kept. Nothing here yields. */
#include "http/internal.h"

#include "base/fault.h"
#include "fiber/fiber.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_MAGIC 0x52455155u

enum { POOL_MAX = 128 };

void request_assert_valid(const struct request *req)
{
	assert(req && req->magic == REQUEST_MAGIC);
}

static struct request *request_alloc(struct http_server *s)
{
	struct request *req;

	if (!list_empty(&s->pool)) {
		s->n_pooled--;
		return LIST_ENTRY(list_pop_front(&s->pool), struct request, node);
	}
	req = fault_hit("http.request") ? NULL : malloc(sizeof(*req));
	if (!req)
		return NULL;
	if (arena_new(s->options.arena_max, &req->arena) < 0) {
		free(req);
		return NULL;
	}
	list_init(&req->node);
	return req;
}

struct request *request_new(struct http_server *s, struct MHD_Connection *mhd, const char *uri)
{
	struct request *req = request_alloc(s);

	if (!req)
		return NULL;
	memset(&req->server, 0, offsetof(struct request, span) - offsetof(struct request, server));
	req->magic = REQUEST_MAGIC;
	req->server = s;
	req->mhd = mhd;
	req->connection = connection_of(mhd);
	req->method = HTTP_METHODS;
	req->start_us = clock_mono_us();
	req->uri_at = uri;
	buf_init(&req->body, s->options.body_max);
	list_push_back(&s->requests, &req->node);
	if (!req->connection || arena_copy(req->arena, str_from(uri), &req->raw) < 0) {
		request_release(req);
		return NULL;
	}
	req->connection->request = req;
	return req;
}

static void request_free(struct request *req)
{
	arena_free(&req->arena);
	free(req);
}

/* Passwords and refresh tokens come in bodies, and what is parsed of a body lies in the arena. */
static void secrets_wipe(struct request *req)
{
	if (req->body.len == 0)
		return;
	explicit_bzero(req->body.data, req->body.cap);
	arena_wipe(req->arena);
}

void request_release(struct request *req)
{
	struct http_server *s = req->server;

	request_assert_valid(req);
	assert(req->phase != PHASE_RUNNING);
	if (req->connection)
		req->connection->request = NULL;
	secrets_wipe(req);
	answer_done(&req->answer);
	buf_done(&req->body);
	fiber_unref(&req->fiber);
	list_remove(&req->node);
	req->magic = 0;
	if (s->n_pooled >= POOL_MAX) {
		request_free(req);
		return;
	}
	arena_reset(req->arena);
	list_push_front(&s->pool, &req->node);
	s->n_pooled++;
}

void request_pool_drain(struct http_server *s)
{
	struct list *node;

	while ((node = list_pop_front(&s->pool)))
		request_free(LIST_ENTRY(node, struct request, node));
	s->n_pooled = 0;
}

struct str request_trace_id(const struct request *req)
{
	return (struct str){ req->span.context.trace_id, TRACE_ID_SIZE - 1 };
}

/* ---- what a handler reads ---- */

struct arena *request_arena(struct request *req)
{
	request_assert_valid(req);
	return req->arena;
}

const struct route *request_route(const struct request *req)
{
	request_assert_valid(req);
	return req->match.entry ? req->match.entry->route : NULL;
}

const struct http_user *request_user(const struct request *req)
{
	request_assert_valid(req);
	return &req->user;
}

struct str request_header(const struct request *req, const char *name)
{
	const char *value;
	size_t len;

	request_assert_valid(req);
	if (MHD_lookup_connection_value_n(req->mhd, MHD_HEADER_KIND, name, strlen(name), &value, &len) == MHD_NO)
		return STR_NULL;
	return str_trim((struct str){ value ? value : "", value ? len : 0 });
}

struct str request_target(const struct request *req)
{
	request_assert_valid(req);
	return req->raw;
}

struct str request_body_raw(const struct request *req)
{
	request_assert_valid(req);
	return buf_str(&req->body);
}

struct str request_body_type(const struct request *req)
{
	request_assert_valid(req);
	return req->body_type;
}

/* ---- the client's address ---- */

static bool is_private_v4(uint32_t a)
{
	return a >> 24 == 127 || a >> 24 == 10 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8;
}

static bool is_private(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return is_private_v4(ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr));
	if (sa->sa_family == AF_INET6) {
		const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;

		if (IN6_IS_ADDR_V4MAPPED(a))
			return is_private_v4((uint32_t)a->s6_addr[12] << 24 | (uint32_t)a->s6_addr[13] << 16 |
			                     (uint32_t)a->s6_addr[14] << 8 | a->s6_addr[15]);
		return IN6_IS_ADDR_LOOPBACK(a) || (a->s6_addr[0] & 0xfe) == 0xfc;
	}
	return false;
}

static struct str peer_text(struct arena *a, const struct sockaddr *sa)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (sa->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, text, sizeof(text));
	else if (sa->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, text, sizeof(text));
	return arena_str(a, str_from(text));
}

/* The last address of the list, which is the one our own proxy added; null when it is none. */
static struct str forwarded_last(struct arena *a, struct str list)
{
	ptrdiff_t comma = -1;
	ptrdiff_t next = str_index(list, ',', 0);
	struct in6_addr scratch;
	struct str last;

	for (; next >= 0; next = str_index(list, ',', (size_t)next + 1))
		comma = next;
	last = arena_str(a, str_trim(str_slice(list, (size_t)(comma + 1), list.len)));
	if (!last.data ||
	    (inet_pton(AF_INET, last.data, &scratch) != 1 && inet_pton(AF_INET6, last.data, &scratch) != 1))
		return STR_NULL;
	return last;
}

static struct str client_address_find(const struct request *req)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(req->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct str forwarded = STR_NULL;

	if (!info || !info->client_addr)
		return STR("");
	if (req->server->options.trust_proxy && is_private(info->client_addr))
		forwarded = forwarded_last(req->arena, req->head.forwarded_for);
	return forwarded.data ? forwarded : peer_text(req->arena, info->client_addr);
}

struct str request_client_address(const struct request *req)
{
	request_assert_valid(req);
	/* Found out once; only the memory of it is new. */
	if (!req->client_address.data)
		((struct request *)(uintptr_t)req)->client_address = client_address_find(req);
	return req->client_address.data ? req->client_address : STR("");
}
