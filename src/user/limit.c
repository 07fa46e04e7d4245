/* The policies, and which keys an attempt is counted by. */
#include "user/limit.h"

#include "service/throttle.h"
#include "token/seal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

#define LIMITS_MAGIC UINT32_C(0x4c494d54)

/* A policy by address, one by account, or both. */
struct action {
	struct limiter_policy by_address; /* name NULL: none */
	struct limiter_policy by_account;
	const char *detail;
};

struct limits {
	uint32_t magic;
	struct limiter *limiter;
	struct action actions[LIMIT_ACTIONS];
	struct limiter_policy login_address;
	struct limiter_policy login_account;
	struct limiter_policy login_pair;
	struct limiter_policy login_device;
};

static struct limiter_policy rate(const char *name, int64_t quota, int64_t window_ms)
{
	return (struct limiter_policy){ .name = name, .kind = LIMITER_RATE, .quota = quota, .window_ms = window_ms };
}

static void actions_init(struct limits *l, const struct user_config *c)
{
	const struct action actions[LIMIT_ACTIONS] = {
		[LIMIT_REGISTER] = { rate("register", c->limit_registrations, HOUR),
		                     { 0 },
		                     "Too many accounts were made from here." },
		[LIMIT_REFRESH] = { rate("refresh", c->limit_refreshes, MINUTE),
		                    { 0 },
		                    "Too many refreshes from here." },
		[LIMIT_MAIL] = { rate("mail-address", c->limit_mails, HOUR), rate("mail-account", c->limit_mails, HOUR),
		                 "Too many mails were asked for." },
		[LIMIT_USE_LINK] = { rate("link", c->limit_links, HOUR),
		                     { 0 },
		                     "Too many links were tried from here." },
		[LIMIT_CHECK_PASSWORD] = { { 0 },
		                           rate("password", c->limit_password_checks, 10 * MINUTE),
		                           "The password was asked for too often." },
		[LIMIT_SECOND_FACTOR] = { { 0 },
		                          rate("second-factor", c->limit_codes, 5 * MINUTE),
		                          "Too many codes were tried." },
		[LIMIT_WRITE] = { { 0 }, rate("write", c->limit_writes, MINUTE), "Too many changes in a minute." },
		[LIMIT_IMPORT] = { { 0 }, rate("import", c->limit_imports, DAY), "Too many imports in a day." },
		[LIMIT_EXPORT] = { { 0 }, rate("export", c->limit_exports, HOUR), "Too many copies in an hour." },
	};

	memcpy(l->actions, actions, sizeof(actions));
}

/* NIST SP 800-63B, 5.2.2: growing delays, and an end at 100 in a row. A device that is known has a counter of its own,
 * so that nobody else can hold its owner up. */
static void login_init(struct limits *l, const struct user_config *c)
{
	const struct limiter_policy failures = { .kind = LIMITER_FAILURES,
		                                 .free = 5,
		                                 .delay_ms = SECOND,
		                                 .delay_max_ms = 15 * MINUTE,
		                                 .decay_ms = 15 * MINUTE,
		                                 .forget_ms = DAY,
		                                 .success_clears = true };

	l->login_address = rate("login", c->limit_logins, MINUTE);
	l->login_pair = failures;
	l->login_pair.name = "login-pair";
	l->login_pair.free = c->login_failures_free;
	l->login_device = l->login_pair;
	l->login_device.name = "login-device";
	l->login_device.consecutive_max = c->login_failures_max;
	l->login_account = failures;
	l->login_account.name = "login-account";
	l->login_account.free = c->login_failures_free * 2;
	l->login_account.delay_max_ms = MINUTE;
	l->login_account.consecutive_max = c->login_failures_max;
}

int limits_new(const struct user_state *u, struct limits **ret)
{
	const struct limiter_options options = { .redis = u->redis, .prefix = "cinesync:user:limit:" };
	struct limits *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->magic = LIMITS_MAGIC;
	actions_init(l, u->config);
	login_init(l, u->config);
	r = limiter_new(&options, &l->limiter);
	if (r < 0) {
		free(l);
		return r;
	}
	*ret = l;
	return 0;
}

void limits_free(struct limits **l)
{
	if (!*l)
		return;
	assert((*l)->magic == LIMITS_MAGIC);
	limiter_free(&(*l)->limiter);
	(*l)->magic = 0;
	free(*l);
	*l = NULL;
}

/* Nobody who looks into Redis learns an address from a key. */
static int id_of(struct str account, struct str other, char ret[LIMIT_ID_SIZE])
{
	uint8_t mac[SEAL_MAC_SIZE];
	struct buf text CLEANUP(buf_done);
	int r;

	buf_init(&text, 1024);
	buf_add_str(&text, account);
	buf_addc(&text, '\n');
	buf_add_str(&text, other);
	r = buf_error(&text);
	if (r == 0)
		r = seal_mac(user_state()->secret_seal, buf_str(&text), mac);
	for (size_t i = 0; r == 0 && i < (LIMIT_ID_SIZE - 1) / 2; i++)
		snprintf(ret + 2 * i, 3, "%02x", mac[i]);
	return r;
}

int limit_take(struct request *req, enum limit_action action, struct str account)
{
	const struct limits *l = user_state()->limits;
	const struct action *a = &l->actions[action];
	struct limiter_key keys[2];
	char id[LIMIT_ID_SIZE];
	size_t n = 0;
	int r = 0;

	if (a->by_address.name)
		keys[n++] = (struct limiter_key){ .policy = &a->by_address, .id = throttle_address_id(req) };
	if (a->by_account.name && !str_is_null(account)) {
		r = id_of(account, STR(""), id);
		keys[n++] = (struct limiter_key){ .policy = &a->by_account, .id = str_from(id) };
	}
	return r < 0 || n == 0 ? r : throttle_take(req, l->limiter, keys, n, a->detail);
}

void limit_forget(struct request *req, struct str canonical)
{
	const struct limits *l = user_state()->limits;
	char account[LIMIT_ID_SIZE], pair[LIMIT_ID_SIZE];
	const struct limiter_key keys[] = { { .policy = &l->login_account, .id = { account, LIMIT_ID_SIZE - 1 } },
		                            { .policy = &l->login_pair, .id = { pair, LIMIT_ID_SIZE - 1 } } };

	if (id_of(canonical, STR(""), account) == 0 && id_of(canonical, throttle_address_id(req), pair) == 0)
		limiter_settle(l->limiter, keys, ARRAY_SIZE(keys), LIMITER_FORGOTTEN);
}

int limit_login_take(struct request *req, struct str canonical, const char *device, struct limit_login *ret)
{
	const struct limits *l = user_state()->limits;
	struct str address = throttle_address_id(req);
	int r = 0;

	ret->n = 0;
	ret->keys[ret->n++] = (struct limiter_key){ .policy = &l->login_address, .id = address };
	if (device[0]) {
		ret->keys[ret->n++] = (struct limiter_key){ .policy = &l->login_device, .id = str_from(device) };
	} else {
		r = id_of(canonical, STR(""), ret->ids[0]);
		if (r == 0)
			r = id_of(canonical, address, ret->ids[1]);
		ret->keys[ret->n++] =
		        (struct limiter_key){ .policy = &l->login_account, .id = { ret->ids[0], LIMIT_ID_SIZE - 1 } };
		ret->keys[ret->n++] =
		        (struct limiter_key){ .policy = &l->login_pair, .id = { ret->ids[1], LIMIT_ID_SIZE - 1 } };
	}
	return r < 0 ? r : throttle_take(req, l->limiter, ret->keys, ret->n, "Too many log-ins were tried.");
}

void limit_login_settle(const struct limit_login *login, enum limiter_outcome outcome)
{
	limiter_settle(user_state()->limits->limiter, login->keys, login->n, outcome);
}
