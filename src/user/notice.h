/* What a person is told by mail: events that the notification service turns into mails. Each is written into the outbox
 * in the transaction of the change it tells of. A link's token travels sealed (token/seal.h): neither the outbox nor a
 * broker nor the notification service's database ever holds it in clear. */
#ifndef CINESYNC_USER_NOTICE_H
#define CINESYNC_USER_NOTICE_H

#include "user/contracts.h"
#include "user/messages.h"
#include "user/user.h"

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

/* Yields. type: one whose data are user_notice_schema. Seals link_token, writes the event; kick the outbox after the
 * commit. */
int notice_add(struct store_tx *tx, struct arena *a, enum user_event type, const struct notice *n) MUST_CHECK;

/* The data as it travels: com.cinesync.user.*.v1 but created. */
extern const struct schema user_notice_schema;

#endif
