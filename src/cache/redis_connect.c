/* From a URL to a connection that works. Names are looked up on libuv's pool; a look-up that is given up ends by itself
 * later and then finds nobody. Passwords are overwritten in the buffers they were sent from, and no text of Redis is
 * kept but the first word of an error. All of it runs on the keeper's fiber, within CONNECT_MS. */
#include "cache/redis_inside.h"

#include "base/fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONNECT_MS = 1000 };

/* ---- names ---- */

struct lookup {
	uv_getaddrinfo_t request;
	struct fiber *fiber; /* NULL: given up */
	int status;
	bool is_done;
};

static void on_addresses(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
	struct lookup *k = request->data;

	(void)addresses;
	if (!k->fiber) {
		uv_freeaddrinfo(request->addrinfo);
		free(k);
		return;
	}
	k->status = status;
	k->is_done = true;
	fiber_wake(k->fiber, 0);
}

static int lookup_wait(struct lookup *k, struct addrinfo **ret)
{
	int r = fiber_suspend();

	if (!k->is_done) {
		k->fiber = NULL;
		uv_cancel((uv_req_t *)&k->request);
		return r;
	}
	r = k->status;
	if (r == 0)
		*ret = k->request.addrinfo;
	free(k);
	return r;
}

/* Yields. Free with uv_freeaddrinfo(). */
static int lookup(struct redis *r, struct addrinfo **ret)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct lookup *k = fault_hit("alloc") ? NULL : calloc(1, sizeof(*k));
	char port[8];
	int rc;

	if (!k)
		return -ENOMEM;
	k->request.data = k;
	k->fiber = fiber_self();
	snprintf(port, sizeof(port), "%u", r->url.port);
	rc = uv_getaddrinfo(r->loop, &k->request, on_addresses, r->url.host, port, &hints);
	if (rc < 0) {
		free(k);
		return rc;
	}
	return lookup_wait(k, ret);
}

/* ---- connecting ---- */

static int connect_to(struct redis_keeper *k, const struct sockaddr *address)
{
	struct redis *r = k->redis;
	int rc;

	redis_link_free(&k->link);
	rc = redis_link_new(r->loop, k->ops, k, CONNECT_MS, &k->link);
	if (rc == 0) {
		r->n_open++;
		rc = redis_link_connect(k->link, address);
	}
	/* That one was noted when it was lost. */
	if (rc < 0 && rc != -ENOTCONN)
		redis_note(r, "connect", str_from(uv_strerror(rc)));
	return rc;
}

/* As connect_to(), for no longer than share_ms: one address may swallow what is sent to it, the next be fine. */
static int connect_within(struct redis_keeper *k, const struct sockaddr *address, int64_t share_ms)
{
	int64_t end_ms = fiber_deadline();
	int rc;

	fiber_deadline_set(clock_deadline_in(share_ms));
	rc = connect_to(k, address);
	fiber_deadline_set(end_ms);
	return rc;
}

static int connect_each(struct redis_keeper *k, const struct addrinfo *addresses)
{
	int64_t n_left = 0;
	int rc = -ENOENT;

	for (const struct addrinfo *at = addresses; at; at = at->ai_next)
		n_left++;
	for (const struct addrinfo *at = addresses; at && rc < 0 && rc != -ECANCELED; at = at->ai_next)
		rc = connect_within(k, at->ai_addr, fiber_time_left_ms() / n_left--);
	return rc;
}

static bool is_numeric(const struct redis_url *url, struct sockaddr_storage *ret)
{
	return uv_ip4_addr(url->host, url->port, (struct sockaddr_in *)ret) == 0 ||
	       uv_ip6_addr(url->host, url->port, (struct sockaddr_in6 *)ret) == 0;
}

static int connect_any(struct redis_keeper *k)
{
	struct sockaddr_storage numeric;
	struct addrinfo *addresses = NULL;
	int rc;

	if (is_numeric(&k->redis->url, &numeric))
		return connect_to(k, (const struct sockaddr *)&numeric);
	rc = lookup(k->redis, &addresses);
	if (rc < 0) {
		redis_note(k->redis, "look-up", str_from(uv_strerror(rc)));
		return rc;
	}
	rc = connect_each(k, addresses);
	uv_freeaddrinfo(addresses);
	return rc;
}

/* ---- what is said first ---- */

int redis_command(struct redis_keeper *k, const struct str *argv, size_t n, redisReply **ret)
{
	redisReply *reply CLEANUP(redis_reply_free) = NULL;
	int rc = redis_link_ask(k->link, REDIS_OWN, argv, n, &reply);

	if (rc < 0)
		return rc;
	if (reply->type == REDIS_REPLY_ERROR) {
		redis_note(k->redis, argv[0].data, redis_reply_error(reply));
		return -EACCES;
	}
	if (ret)
		*ret = STEAL(reply);
	return 0;
}

static int say_who(struct redis_keeper *k)
{
	const struct redis_url *url = &k->redis->url;
	const struct str named[] = { STR("AUTH"), url->user, url->password };
	const struct str plain[] = { STR("AUTH"), url->password };
	int rc;

	if (str_is_null(url->password))
		return 0;
	redis_link_secret_set(k->link, true);
	if (str_is_null(url->user))
		rc = redis_command(k, plain, ARRAY_SIZE(plain), NULL);
	else
		rc = redis_command(k, named, ARRAY_SIZE(named), NULL);
	if (rc == 0)
		redis_link_secret_set(k->link, false);
	return rc;
}

static int choose_db(struct redis_keeper *k)
{
	char db[24];

	if (k->redis->url.db == 0)
		return 0;
	snprintf(db, sizeof(db), "%lld", (long long)k->redis->url.db);
	return redis_command(k, (struct str[]){ STR("SELECT"), str_from(db) }, 2, NULL);
}

int redis_ping(struct redis_keeper *k)
{
	const struct str ping[] = { STR("PING") };
	redisReply *reply CLEANUP(redis_reply_free) = NULL;
	int rc = redis_command(k, ping, 1, &reply);

	if (rc == 0 && !redis_reply_is(reply, REDIS_REPLY_STATUS, STR("PONG")) &&
	    /* To a subscriber. */
	    !(reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
	      redis_reply_is(reply->element[0], REDIS_REPLY_STRING, STR("pong"))))
		rc = -EPROTO;
	if (rc == -EPROTO)
		redis_link_fail(k->link, "not a PONG");
	else if (rc == -EACCES)
		redis_link_fail(k->link, "PING was refused");
	return rc;
}

static int shake_hands(struct redis_keeper *k)
{
	const struct str name[] = { STR("CLIENT"), STR("SETNAME"), STR("cinesync") };
	int rc = say_who(k);

	if (rc == 0)
		rc = choose_db(k);
	if (rc < 0)
		return rc;
	/* For people who look at CLIENT LIST: an ACL may well deny it. */
	rc = redis_command(k, name, ARRAY_SIZE(name), NULL);
	return rc == -EACCES ? 0 : rc;
}

int redis_connect(struct redis_keeper *k)
{
	int rc;

	fiber_deadline_set(clock_deadline_in(CONNECT_MS));
	rc = connect_any(k);
	if (rc == 0)
		rc = shake_hands(k);
	if (rc == 0 && k->prepare)
		rc = k->prepare(k);
	fiber_deadline_set(DEADLINE_NONE);
	if (rc == -ETIMEDOUT)
		redis_note(k->redis, "connect", STR("no answer in time"));
	if (rc < 0)
		return rc;
	redis_link_timeout_set(k->link, k->timeout_ms);
	return redis_ping(k);
}
