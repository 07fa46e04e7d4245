/* The audit trail: every security event, append-only, in the table and in the log. Who did what to whose account, from
 * where, how it ended, and the trace it belongs to; never a secret, and no e-mail address, so that the trail may
 * outlive the account. */
#ifndef CINESYNC_USER_AUDIT_H
#define CINESYNC_USER_AUDIT_H

#include "user/user.h"

enum audit_result { AUDIT_SUCCESS, AUDIT_FAILURE, AUDIT_DENIED };

struct audit_event {
	const char *action; /* static, "noun.verb": "session.create", "password.change", "user.deactivate" */
	enum audit_result result;
	struct str actor_id;   /* null: nobody known (a failed log-in) */
	struct str user_id;    /* whose account; null: of nobody */
	struct str session_id; /* null: none */
	struct str detail;     /* a JSON object, at most 2,000 bytes; null: nothing to add */
};

/* Yields. In the caller's transaction: the event is kept if and only if what it tells of is. req: NULL: nobody's, done
 * in the background or by the command line. */
int audit_add(struct request *req, struct store_tx *tx, struct arena *a, const struct audit_event *e) MUST_CHECK;
/* Yields. By itself, for what changes nothing else (a refused log-in); a failure is logged, and nothing more. */
void audit_record(struct request *req, const struct audit_event *e);
/* Yields. Somebody tried what is for administrators. As many as LIMIT_WRITES allows are kept, since whoever has an
 * account could fill the table. */
void audit_denied(struct request *req);
/* Logs the event; for after the commit of audit_add(). audit_record() does it itself. Does not yield. */
void audit_log(struct request *req, const struct audit_event *e);

/* A fiber that deletes what is older than AUDIT_RETENTION_DAYS, once an hour; cancel it to stop. */
int audit_pruner_start(struct user_state *u, struct fiber **ret) MUST_CHECK;

#endif
