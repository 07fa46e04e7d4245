/* Requests of strangers, kept and carried out. Everything here yields, but kicks. Of several replicas one does it, by a
 * lease; a request done twice for a moment makes one link, since the newest of a purpose drops the others. */
#include "user/account_request.h"

#include "base/clock.h"
#include "base/random.h"
#include "fiber/fiber.h"
#include "schema/email.h"
#include "store/lease.h"
#include "user/audit.h"
#include "user/link.h"
#include "user/notice.h"
#include "user/register.h"
#include "user/statements.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

enum { LOOK_EVERY_MS = 500, LEASE_MS = 6000, ARENA_MAX = 1 << 20, RETRY_MS = 1000 };

#define KEEPER_MAGIC UINT32_C(0x41434b50)

struct account_keeper {
	uint32_t magic;
	struct user_state *user;
	struct fiber *fiber;
	struct fiber_queue kicked;
	bool is_kicked;
	bool is_stopping;
	struct store_lease lease;
};

/* Columns of sql_requests_oldest. */
enum {
	OLD_ID,
	OLD_KIND,
	OLD_EMAIL,
	OLD_CANONICAL,
	OLD_HASH,
	OLD_NAME,
	OLD_LANGUAGE,
	OLD_ADDRESS,
	OLD_USER,
	OLD_USER_EMAIL,
	OLD_USER_NAME,
	OLD_USER_LANGUAGE,
	OLD_USER_VERIFIED,
	OLD_USER_ACTIVE
};

static void kick(struct account_keeper *k)
{
	k->is_kicked = true;
	(void)fiber_queue_wake_one(&k->kicked, 0);
}

int account_request_add(struct request *req, const struct account_request *in)
{
	struct user_state *u = user_state();
	struct str canonical;
	char id[UUID_SIZE];
	int r = email_canonical(in->email, request_arena(req), &canonical);

	if (r < 0)
		return r;
	uuid_v7(id);
	r = store_query(u->store, sql_request_insert,
	                STORE_ARGS(STORE_S(str_from(id)), STORE_S(str_from(in->kind)), STORE_S(in->email),
	                           STORE_S(canonical), STORE_S(in->hashed_password), STORE_S(in->display_name),
	                           STORE_S(in->language), STORE_S(request_client_address(req)),
	                           STORE_S(user_agent_of(req)), STORE_I(clock_real_ms())),
	                request_arena(req), NULL);
	if (r == 0)
		kick(u->account_keeper);
	return r;
}

/* ---- carrying out ---- */

static struct notice notice_of(const struct store_rows *rows, size_t row)
{
	return (struct notice){ .user_id = store_text(rows, row, OLD_USER),
		                .email = store_text(rows, row, OLD_USER_EMAIL),
		                .display_name = store_text(rows, row, OLD_USER_NAME),
		                .language = store_text(rows, row, OLD_USER_LANGUAGE),
		                .ip_address = store_text(rows, row, OLD_ADDRESS) };
}

static int link_send(struct store_tx *tx, struct arena *a, const struct store_rows *rows, size_t row,
                     enum link_purpose purpose, enum user_event kind)
{
	struct notice n = notice_of(rows, row);
	bool is_fresh = false;
	struct link link;
	int r = link_is_fresh(tx, a, n.user_id, purpose, &is_fresh);

	if (r < 0 || is_fresh)
		return r;
	r = link_make(tx, a, n.user_id, purpose, n.email, &link);
	n.link_token = str_from(link.token);
	n.expires_at_ms = link.expires_at_ms;
	if (r == 0)
		r = notice_add(tx, a, kind, &n);
	OPENSSL_cleanse(&link, sizeof(link));
	return r;
}

static int register_one(struct store_tx *tx, struct arena *a, const struct store_rows *rows, size_t row)
{
	struct notice n = notice_of(rows, row);

	if (!str_is_null(n.user_id))
		return notice_add(tx, a, USER_EVENT_REGISTRATION_REPEATED, &n);
	return register_store(tx, a,
	                      &(struct new_account){ .id = store_text(rows, row, OLD_ID),
	                                             .email = store_text(rows, row, OLD_EMAIL),
	                                             .canonical = store_text(rows, row, OLD_CANONICAL),
	                                             .hashed_password = store_text(rows, row, OLD_HASH),
	                                             .display_name = store_text(rows, row, OLD_NAME),
	                                             .language = store_text(rows, row, OLD_LANGUAGE),
	                                             .created_at_ms = clock_real_ms() });
}

static int carry_out(struct store_tx *tx, struct arena *a, const struct store_rows *rows, size_t row)
{
	struct str kind = store_text(rows, row, OLD_KIND);
	bool is_known = !store_is_null(rows, row, OLD_USER) && store_bool(rows, row, OLD_USER_ACTIVE);

	if (str_equal(kind, STR("register")))
		return register_one(tx, a, rows, row);
	if (!is_known)
		return 0;
	if (str_equal(kind, STR("reset_password")))
		return link_send(tx, a, rows, row, LINK_RESET_PASSWORD, USER_EVENT_PASSWORD_RESET_REQUESTED);
	if (!store_is_null(rows, row, OLD_USER_VERIFIED))
		return 0;
	return link_send(tx, a, rows, row, LINK_VERIFY_EMAIL, USER_EVENT_EMAIL_VERIFICATION_REQUESTED);
}

static int request_do(struct account_keeper *k, struct arena *a, const struct store_rows *rows, size_t row)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct str kind = store_text(rows, row, OLD_KIND);
	const struct audit_event event = { .action = str_equal(kind, STR("register"))       ? "user.register"
		                                     : str_equal(kind, STR("verify_email")) ? "email.request-link"
		                                                                            : "password.request-link",
		                           .user_id = store_text(rows, row, OLD_USER) };
	int r = store_begin(k->user->store, &tx);

	if (r == 0)
		r = store_tx_query(tx, sql_request_delete, STORE_ARGS(STORE_S(store_text(rows, row, OLD_ID))), a, NULL);
	if (r == 0)
		r = carry_out(tx, a, rows, row);
	if (r == 0)
		r = audit_add(NULL, tx, a, &event);
	if (r == 0)
		r = store_commit(&tx);
	/* Two who ask for one new address: the second finds it taken when it is looked at again. */
	return r == -EEXIST ? 0 : r;
}

/* The number of requests done, or an error. */
static int look(struct account_keeper *k)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct store_rows rows = { .n = 0 };
	int r = arena_new(ARENA_MAX, &a);

	if (r == 0)
		r = store_lease_hold(&k->lease, k->user->store, a);
	if (r == 1)
		r = store_read(k->user->store, sql_requests_oldest, STORE_NO_ARGS, a, &rows);
	for (size_t i = 0; i < rows.n && r == 0 && !k->is_stopping; i++)
		r = request_do(k, a, &rows, i);
	if (rows.n > 0)
		outbox_kick(k->user->outbox);
	arena_wipe(a);
	return r < 0 ? r : (int)rows.n;
}

static void wait(struct account_keeper *k, int64_t ms)
{
	fiber_deadline_set(clock_deadline_in(ms));
	if (!k->is_kicked && !k->is_stopping)
		(void)!fiber_queue_wait(&k->kicked);
	fiber_deadline_set(DEADLINE_NONE);
}

static void keeper_main(void *arg)
{
	struct account_keeper *k = arg;
	bool is_failing = false;
	int r;

	while (!k->is_stopping) {
		k->is_kicked = false;
		r = look(k);
		if (r < 0 && !is_failing)
			log_warning("requests about accounts cannot be looked at; trying again", LOG_ERR(r),
			            LOG_STR("detail", store_error(k->user->store)));
		is_failing = r < 0;
		if (r < 0)
			wait(k, RETRY_MS);
		else if (r == 0)
			wait(k, LOOK_EVERY_MS);
	}
	store_lease_drop(&k->lease, k->user->store);
}

int account_keeper_start(struct user_state *u, struct account_keeper **ret)
{
	struct account_keeper *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	k->magic = KEEPER_MAGIC;
	k->user = u;
	fiber_queue_init(&k->kicked);
	store_lease_init(&k->lease, "account-requests", LEASE_MS, strcmp(store_system(u->store), "sqlite") != 0);
	r = fiber_spawn("account-keeper", keeper_main, k, &k->fiber);
	if (r < 0)
		free(k);
	else
		*ret = k;
	return r;
}

void account_keeper_stop(struct account_keeper **kp)
{
	struct account_keeper *k = *kp;

	if (!k)
		return;
	assert(k->magic == KEEPER_MAGIC);
	k->is_stopping = true;
	kick(k);
	(void)!fiber_join(k->fiber);
	fiber_unref(&k->fiber);
	k->magic = 0;
	free(k);
	*kp = NULL;
}
