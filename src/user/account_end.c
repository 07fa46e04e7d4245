/* DELETE /users/me, and the fiber that carries it out when the grace is over. Everything here yields. */
#include "user/account_end.h"

#include "base/clock.h"
#include "fiber/fiber.h"
#include "store/lease.h"
#include "user/audit.h"
#include "user/auth.h"
#include "user/messages_admin.h"
#include "user/notice.h"
#include "user/session.h"
#include "user/statements.h"

#include <errno.h>

enum { LOOK_EVERY_MS = 60 * 1000, LEASE_MS = 5 * 60 * 1000, ARENA_MAX = 1 << 20 };

int account_erase(struct store_tx *tx, struct arena *a, const struct account_owner *owner)
{
	struct store_rows rows;
	int r = notice_add(tx, a, USER_EVENT_DELETED,
	                   &(struct notice){ .user_id = owner->id,
	                                     .email = owner->email,
	                                     .display_name = owner->display_name,
	                                     .language = owner->language });

	if (r == 0)
		r = store_tx_query(tx, sql_user_delete, STORE_ARGS(STORE_S(owner->id)), a, &rows);
	return r == 0 && rows.affected == 0 ? -ENOENT : r;
}

/* ---- when its owner asks ---- */

/* In the transaction: gone at once, or at that time. */
static int end_in(struct store_tx *tx, struct arena *a, const struct account_owner *owner, int64_t delete_at_ms)
{
	int r;

	if (delete_at_ms == 0)
		return account_erase(tx, a, owner);
	r = store_tx_query(tx, sql_user_delete_at,
	                   STORE_ARGS(STORE_S(owner->id), STORE_I(delete_at_ms), STORE_I(clock_real_ms())), a, NULL);
	if (r < 0)
		return r;
	return notice_add(tx, a, USER_EVENT_DELETION_REQUESTED,
	                  &(struct notice){ .user_id = owner->id,
	                                    .email = owner->email,
	                                    .display_name = owner->display_name,
	                                    .language = owner->language,
	                                    .expires_at_ms = delete_at_ms });
}

static int end(struct request *req, const struct account_owner *owner, int64_t delete_at_ms)
{
	struct user_state *u = user_state();
	struct arena *a = request_arena(req);
	const struct audit_event event = { .action = delete_at_ms ? "user.request-deletion" : "user.delete",
		                           .actor_id = owner->id,
		                           .user_id = owner->id,
		                           .session_id = request_user(req)->session_id };
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct store_rows ended;
	struct store_rows admins;
	int r = store_begin(u->store, &tx);

	if (r == 0)
		r = store_tx_query(tx, sql_admins_lock, STORE_NO_ARGS, a, NULL);
	if (r == 0)
		r = session_end(tx, a, owner->id, STR_NULL, SESSION_ALL, "deleted", &ended);
	if (r == 0)
		r = end_in(tx, a, owner, delete_at_ms);
	if (r == 0 && str_equal(request_user(req)->role, STR("admin")))
		r = store_tx_query(tx, sql_admins_count, STORE_NO_ARGS, a, &admins);
	if (r == 0 && str_equal(request_user(req)->role, STR("admin")) && store_int(&admins, 0, 0) == 0)
		return request_problem(req, &problem_last_admin, "Make somebody else an administrator first.");
	if (r == 0)
		r = audit_add(req, tx, a, &event);
	if (r == 0)
		r = store_commit(&tx);
	if (r < 0)
		return user_store_failed(req, r, "delete an account");
	session_revoked_tell(&ended);
	outbox_kick(u->outbox);
	audit_log(req, &event);
	return 0;
}

static int account_delete(struct request *req)
{
	int64_t grace_ms = user_state()->config->deletion_grace_days * CLOCK_DAY_MS;
	int64_t delete_at_ms = grace_ms ? clock_real_ms() + grace_ms : 0;
	char at[CLOCK_ISO8601_SIZE];
	struct account_delete_request in;
	struct session_user user;
	int r = request_parse(req, NULL, NULL, &in);

	if (r == 0)
		r = auth_password_again(req, in.password, "user.delete", &user);
	if (r == 0)
		r = end(req, &(struct account_owner){ user.id, user.email, user.display_name, user.language },
		        delete_at_ms);
	if (r < 0)
		return r;
	clock_format_iso8601(delete_at_ms ? delete_at_ms : clock_real_ms(), at);
	return respond(req, 202, &account_deletion_schema, &(struct account_deletion){ str_from(at) });
}

const struct route account_end_routes[] = {
	{ .method = HTTP_DELETE,
	  .path = "/api/v1/users/me",
	  .handler = account_delete,
	  .tag = "users",
	  .auth = HTTP_AUTH_USER,
	  .body = &account_delete_request_schema,
	  .reply = { 202, &account_deletion_schema, NULL,
	             "It will go then; log in before that and cancel to keep it." },
	  .errors = { 401, 403, 409, 429, 503 },
	  .summary = "Delete my account",
	  .doc = "All sessions end at once. With ACCOUNT_DELETION_GRACE_DAYS = 0 the account is gone with this "
	         "answer." },
	{ 0 },
};

/* ---- when the time has come ---- */

static int erase_one(struct user_state *u, struct arena *a, const struct store_rows *due, size_t row)
{
	const struct account_owner owner = { store_text(due, row, 0), store_text(due, row, 1), store_text(due, row, 2),
		                             store_text(due, row, 3) };
	const struct audit_event event = { .action = "user.delete", .user_id = owner.id };
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	int r = store_begin(u->store, &tx);

	if (r == 0)
		r = account_erase(tx, a, &owner);
	if (r == 0)
		r = audit_add(NULL, tx, a, &event);
	if (r == 0)
		r = store_commit(&tx);
	if (r == 0)
		audit_log(NULL, &event);
	return r == -ENOENT ? 0 : r;
}

static int erase_due(struct user_state *u, struct store_lease *lease)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct store_rows due = { .n = 0 };
	int r = arena_new(ARENA_MAX, &a);

	if (r == 0)
		r = store_lease_hold(lease, u->store, a);
	if (r == 1)
		r = store_read(u->store, sql_users_due, STORE_ARGS(STORE_I(clock_real_ms())), a, &due);
	for (size_t i = 0; i < due.n && r == 0; i++)
		r = erase_one(u, a, &due, i);
	if (due.n > 0)
		outbox_kick(u->outbox);
	return r;
}

static void eraser(void *arg)
{
	struct user_state *u = arg;
	struct store_lease lease;
	int r;

	store_lease_init(&lease, "eraser", LEASE_MS, strcmp(store_system(u->store), "sqlite") != 0);
	do {
		r = erase_due(u, &lease);
		if (r < 0 && r != -ECANCELED)
			log_warning("accounts could not be deleted yet", LOG_ERR(r),
			            LOG_STR("detail", store_error(u->store)));
	} while (fiber_sleep_ms(LOOK_EVERY_MS) == 0);
	fiber_shield();
	store_lease_drop(&lease, u->store);
	fiber_unshield();
}

int account_eraser_start(struct user_state *u, struct fiber **ret)
{
	return fiber_spawn("account-eraser", eraser, u, ret);
}
