/* Changes to accounts by administrators. Everybody who could take the last administrator away waits in line for one
 * row, so two who demote each other at once leave one. Everything here yields. */
#include "user/admin.h"

#include "base/clock.h"
#include "schema/email.h"
#include "user/account_end.h"
#include "user/audit.h"
#include "user/session.h"
#include "user/statements.h"

#include <errno.h>
#include <stdio.h>
#include <sysexits.h>

static const char *action_of(const struct admin_change *c)
{
	if (c->is_deleted)
		return "user.delete";
	if (c->is_active)
		return *c->is_active ? "user.activate" : "user.deactivate";
	return str_equal(c->role, STR("admin")) ? "user.grant-admin" : "user.revoke-admin";
}

/* May tokens that are out keep on working? Those of a new administrator say less than is true, and no harm is done. */
static bool ends_sessions(const struct admin_change *c)
{
	return c->is_deleted || (c->is_active && !*c->is_active) || str_equal(c->role, STR("user"));
}

static int change_in(struct store_tx *tx, struct arena *a, const struct admin_change *c)
{
	struct store_rows rows;
	int r;

	if (c->is_deleted)
		return account_erase(tx, a,
		                     &(struct account_owner){ c->user_id, c->email, c->display_name, c->language });
	r = store_tx_query(tx, sql_admin_user_change,
	                   STORE_ARGS(STORE_S(c->user_id), STORE_S(c->role), STORE_I(c->is_active ? *c->is_active : -1),
	                              STORE_I(clock_real_ms())),
	                   a, &rows);
	return r == 0 && rows.affected == 0 ? -ENOENT : r;
}

static int apply_in(struct request *req, struct store_tx *tx, struct arena *a, const struct admin_change *c,
                    const struct audit_event *event, struct store_rows *ret_ended)
{
	struct store_rows rows;
	int r = store_tx_query(tx, sql_admins_lock, STORE_NO_ARGS, a, NULL);

	if (r == 0 && ends_sessions(c))
		r = session_end(tx, a, c->user_id, STR_NULL, SESSION_ALL, action_of(c), ret_ended);
	if (r == 0)
		r = change_in(tx, a, c);
	if (r == 0 && ends_sessions(c))
		r = store_tx_query(tx, sql_admins_count, STORE_NO_ARGS, a, &rows);
	if (r == 0 && ends_sessions(c) && req && store_int(&rows, 0, 0) == 0)
		return -EPERM;
	return r < 0 ? r : audit_add(req, tx, a, event);
}

int admin_apply(struct request *req, struct arena *a, const struct admin_change *c)
{
	struct user_state *u = user_state();
	const struct audit_event event = { .action = action_of(c),
		                           .actor_id = req ? request_user(req)->id : STR_NULL,
		                           .user_id = c->user_id,
		                           .session_id = req ? request_user(req)->session_id : STR_NULL };
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct store_rows ended = { 0 };
	int r = store_begin(u->store, &tx);

	if (r == 0)
		r = apply_in(req, tx, a, c, &event, &ended);
	if (r == 0)
		r = store_commit(&tx);
	if (r < 0)
		return r;
	session_revoked_tell(&ended);
	outbox_kick(u->outbox);
	audit_log(req, &event);
	return 0;
}

/* ---- the command ---- */

static int grant(struct store *s, struct arena *a, struct str email, const char *role)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct store_rows rows, ended;
	struct str canonical;
	const bool is_admin = strcmp(role, "admin") == 0;
	struct audit_event event = { .action = is_admin ? "user.grant-admin" : "user.revoke-admin",
		                     .detail = STR("{\"by\":\"command\"}") };
	int r = email_canonical(email, a, &canonical);

	if (r == 0)
		r = store_begin(s, &tx);
	if (r == 0)
		r = store_tx_query(tx, sql_admins_lock, STORE_NO_ARGS, a, NULL);
	if (r == 0)
		r = store_tx_query(tx, sql_admin_user_by_email, STORE_ARGS(STORE_S(canonical)), a, &rows);
	if (r == 0 && rows.n == 0)
		return -ENOENT;
	if (r < 0)
		return r;
	event.user_id = store_text(&rows, 0, 0);
	r = store_tx_query(
	        tx, sql_admin_user_change,
	        STORE_ARGS(STORE_S(event.user_id), STORE_S(str_from(role)), STORE_I(-1), STORE_I(clock_real_ms())), a,
	        NULL);
	/* Tokens that say "admin" end with their sessions; other services see it when the tokens expire. */
	if (r == 0 && !is_admin)
		r = session_end(tx, a, event.user_id, STR_NULL, SESSION_ALL, event.action, &ended);
	if (r == 0)
		r = audit_add(NULL, tx, a, &event);
	return r < 0 ? r : store_commit(&tx);
}

static int list(struct store *s, struct arena *a)
{
	struct store_rows rows;
	int r = store_read(s, sql_admins_list, STORE_NO_ARGS, a, &rows);

	for (size_t i = 0; r == 0 && i < rows.n; i++)
		printf("%.*s  %.*s%s\n", STR_ARGS(store_text(&rows, i, 0)), STR_ARGS(store_text(&rows, i, 1)),
		       store_bool(&rows, i, 2) ? "" : "  (not active)");
	return r;
}

static int said(struct store *s, int r)
{
	if (r == 0)
		return EX_OK;
	if (r == -ENOENT)
		fprintf(stderr, "admin: nobody is registered with that address\n");
	else if (r == -EINVAL)
		fprintf(stderr, "admin: that is no e-mail address\n");
	else
		fprintf(stderr, "admin: %s\n", store_error(s));
	return r == -ENOENT || r == -EINVAL ? EX_DATAERR : EX_UNAVAILABLE;
}

int admin_command(struct store *s, int argc, char **argv)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	int r = arena_new(1 << 20, &a);

	if (r < 0)
		return said(s, r);
	if (argc == 2 && strcmp(argv[1], "list") == 0)
		return said(s, list(s, a));
	if (argc == 3 && strcmp(argv[1], "grant") == 0)
		return said(s, grant(s, a, str_from(argv[2]), "admin"));
	if (argc == 3 && strcmp(argv[1], "revoke") == 0)
		return said(s, grant(s, a, str_from(argv[2]), "user"));
	fprintf(stderr, "usage: admin grant EMAIL | revoke EMAIL | list\n");
	return EX_USAGE;
}
