/* What a person is told by mail: events that the notification service turns into mails. Each is written into the outbox
 * in the transaction of the change it tells of. A link's token travels sealed (token/seal.h): neither the outbox nor a
 * broker nor the notification service's database ever holds it in clear. */
#ifndef CINESYNC_USER_NOTICE_H
#define CINESYNC_USER_NOTICE_H

#include "user/messages.h"
#include "user/user.h"

enum notice_kind {
	NOTICE_EMAIL_VERIFICATION_REQUESTED, /* com.cinesync.user.email-verification-requested.v1; link */
	NOTICE_REGISTRATION_REPEATED,        /* com.cinesync.user.registration-repeated.v1 */
	NOTICE_PASSWORD_RESET_REQUESTED,     /* com.cinesync.user.password-reset-requested.v1; link */
	NOTICE_PASSWORD_CHANGED,             /* com.cinesync.user.password-changed.v1 */
	NOTICE_EMAIL_CHANGE_REQUESTED,       /* com.cinesync.user.email-change-requested.v1, to the new address; link */
	NOTICE_EMAIL_CHANGE_NOTICED,         /* com.cinesync.user.email-change-noticed.v1, to the old address */
	NOTICE_EMAIL_CHANGED,                /* com.cinesync.user.email-changed.v1, to both: two events */
	NOTICE_NEW_DEVICE,                   /* com.cinesync.user.new-device.v1 */
	NOTICE_SESSION_FAMILY_ENDED,         /* com.cinesync.user.session-family-ended.v1 */
	NOTICE_SECOND_FACTOR_CHANGED,        /* com.cinesync.user.second-factor-changed.v1 */
	NOTICE_DELETION_REQUESTED,           /* com.cinesync.user.deletion-requested.v1 */
	NOTICE_DELETED,                      /* com.cinesync.user.deleted.v1: on it others forget this person */
	NOTICE_KINDS
};

/* Data of all of them; what a kind has no use for is null. */
struct notice {
	struct str user_id;
	struct str email; /* where the mail goes */
	struct str display_name;
	struct str language;
	struct str link_token; /* clear here, sealed in the event */
	struct str new_email;
	struct str device; /* "Firefox on Linux" */
	struct str ip_address;
	struct str what;       /* SECOND_FACTOR_CHANGED: "enabled", "disabled", "recovery-used" */
	int64_t expires_at_ms; /* of the link, or of the account; 0: null */
};

/* Yields. Seals link_token, writes the event; kick the outbox after the commit. */
int notice_add(struct store_tx *tx, struct arena *a, enum notice_kind kind, const struct notice *n) MUST_CHECK;

/* The data as it travels: com.cinesync.user.*.v1 but created. */
extern const struct schema user_notice_schema;

#endif
