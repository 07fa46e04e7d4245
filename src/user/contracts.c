#include "user/contracts.h"

#include "user/messages.h"
#include "user/messages_library.h"
#include "user/notice.h"

#define SOURCE "/cinesync/user"
#define NOTICE(name, summary_)                                                 \
	{                                                                      \
		"com.cinesync.user." name ".v1", summary_, &user_notice_schema \
	}

static const struct event_contract contracts[USER_EVENTS + 1] = {
	[USER_EVENT_CREATED] = { "com.cinesync.user.created.v1", "Somebody has registered.", &user_created_schema },
	[USER_EVENT_EMAIL_VERIFICATION_REQUESTED] =
	        NOTICE("email-verification-requested", "A link is asked for that proves the address."),
	[USER_EVENT_REGISTRATION_REPEATED] =
	        NOTICE("registration-repeated", "Somebody tried to register an address that has an account."),
	[USER_EVENT_PASSWORD_RESET_REQUESTED] =
	        NOTICE("password-reset-requested", "A link to a new password is asked for."),
	[USER_EVENT_PASSWORD_CHANGED] = NOTICE("password-changed", "The password is another one now."),
	[USER_EVENT_EMAIL_CHANGE_REQUESTED] =
	        NOTICE("email-change-requested", "The new address is to be confirmed; goes to it."),
	[USER_EVENT_EMAIL_CHANGE_NOTICED] =
	        NOTICE("email-change-noticed", "Another address was asked for; goes to the old one."),
	[USER_EVENT_EMAIL_CHANGED] = NOTICE("email-changed", "The address is another one now; goes to both."),
	[USER_EVENT_NEW_DEVICE] = NOTICE("new-device", "A log-in from a device that was not seen before."),
	[USER_EVENT_SESSION_FAMILY_ENDED] =
	        NOTICE("session-family-ended", "A refresh token was used twice, which ended its sessions."),
	[USER_EVENT_SECOND_FACTOR_CHANGED] =
	        NOTICE("second-factor-changed", "One-time passwords came, went, or their recovery codes did."),
	[USER_EVENT_DELETION_REQUESTED] = NOTICE("deletion-requested", "The account will be deleted."),
	[USER_EVENT_DELETED] = NOTICE("deleted", "The account is gone: whoever knows this person forgets them."),
	[USER_EVENT_FAVORITE_SETTLED] = { "com.cinesync.user.favorite-settled.v1",
	                                  "A favourite that was taken unseen is a film.", &favorite_settled_schema },
	[USER_EVENT_FAVORITE_REMOVED] = { "com.cinesync.user.favorite-removed.v1",
	                                  "A favourite that was taken unseen is no film, and gone.",
	                                  &favorite_settled_schema },
};

int user_event_make(struct arena *a, enum user_event type, struct str user_id, const void *data, struct event *ret)
{
	const struct event_contract *c = &contracts[type];

	return event_make(a, SOURCE, c->type, user_id, c->data, data, ret);
}

void user_events_document(struct buf *out)
{
	asyncapi_write("CineSync events of the user service", CINESYNC_VERSION, contracts, out);
}
