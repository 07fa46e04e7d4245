/* Requests: their structs, pooled with their arenas, and what a handler reads of them. A request lives from the
 * arrival of its request line until libmicrohttpd is done with it; its fiber is over by then.
 * Limits: arena_max bytes in the arena, POOL_MAX structs kept. Nothing here yields. */
#include "http/internal.h"

#include "base/fault.h"
#include "fiber/fiber.h"

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
	req->start_ns = clock_mono_ns();
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
	if (req->is_upload)
		s->uploads--;
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

static enum MHD_Result forwarded_add(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct buf *b = cls;

	(void)kind;
	if (!str_equal_nocase(str_from(name), STR("X-Forwarded-For")))
		return MHD_YES;
	if (b->len > 0)
		buf_addc(b, ',');
	buf_adds(b, value ? value : "");
	return MHD_YES;
}

/* Several lines of a list are one list (RFC 9110 section 5.3). Null when there is no room for it: then nothing is
 * believed. */
static struct str forwarded_joined(const struct request *req)
{
	struct buf b CLEANUP(buf_done);

	buf_init(&b, req->server->options.header_max);
	MHD_get_connection_values(req->mhd, MHD_HEADER_KIND, forwarded_add, &b);
	return buf_error(&b) < 0 ? STR_NULL : arena_str(req->arena, buf_str(&b));
}

/* -EINVAL: nobody knows it. */
static int peer_find(const struct request *req, struct address *ret)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(req->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return info && info->client_addr ? address_from_sockaddr(info->client_addr, ret) : -EINVAL;
}

/* -EINVAL: nobody knows it. */
static int client_find(const struct request *req, struct address *ret)
{
	const struct address_list *trusted = &req->server->options.trusted_proxies;
	struct str forwarded = req->head.forwarded_for;
	struct address peer;
	int r = peer_find(req, &peer);

	if (req->head.n_forwarded_for > 1)
		forwarded = forwarded_joined(req);
	if (req->connection->is_vouched && address_of_client_behind(forwarded, trusted, ret) == 0)
		return 0;
	if (r == 0)
		*ret = forwarded.data ? address_of_client(&peer, forwarded, trusted) : peer;
	return r;
}

/* The same for all requests of a connection. */
static struct str peer_address(const struct request *req)
{
	struct connection *c = req->connection;
	struct address peer;

	if (c->peer_len == 0 && peer_find(req, &peer) == 0) {
		address_format(&peer, c->peer);
		c->peer_len = strlen(c->peer);
	}
	return (struct str){ c->peer, c->peer_len };
}

static struct str client_address_find(const struct request *req)
{
	char text[ADDRESS_TEXT_SIZE];
	struct address client;

	if (!req->head.forwarded_for.data)
		return peer_address(req);
	if (client_find(req, &client) < 0)
		return STR("");
	address_format(&client, text);
	return arena_str(req->arena, str_from(text));
}

struct str request_client_address(const struct request *req)
{
	request_assert_valid(req);
	/* Found out once; only the memory of it is new. */
	if (!req->client_address.data)
		((struct request *)(uintptr_t)req)->client_address = client_address_find(req);
	return req->client_address.data ? req->client_address : STR("");
}
