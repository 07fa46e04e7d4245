/* Every type of event this service sends: one table, which the senders, the AsyncAPI document and the tests read.
 * Within a version fields are only ever added; anything else is a new version beside the old one. */
#ifndef CINESYNC_USER_CONTRACTS_H
#define CINESYNC_USER_CONTRACTS_H

#include "event/asyncapi.h"

enum user_event {
	USER_EVENT_CREATED,
	USER_EVENT_EMAIL_VERIFICATION_REQUESTED,
	USER_EVENT_REGISTRATION_REPEATED,
	USER_EVENT_PASSWORD_RESET_REQUESTED,
	USER_EVENT_PASSWORD_CHANGED,
	USER_EVENT_EMAIL_CHANGE_REQUESTED,
	USER_EVENT_EMAIL_CHANGE_NOTICED,
	USER_EVENT_EMAIL_CHANGED,
	USER_EVENT_NEW_DEVICE,
	USER_EVENT_SESSION_FAMILY_ENDED,
	USER_EVENT_SECOND_FACTOR_CHANGED,
	USER_EVENT_DELETION_REQUESTED,
	USER_EVENT_DELETED,
	USER_EVENT_FAVORITE_SETTLED,
	USER_EVENT_FAVORITE_REMOVED,
	USER_EVENTS
};

/* As event_make(): data is a struct of the contract's schema, subject the user's id. */
int user_event_make(struct arena *a, enum user_event type, struct str user_id, const void *data,
                    struct event *ret) MUST_CHECK;
/* The AsyncAPI document of all of them. */
void user_events_document(struct buf *out);

#endif
