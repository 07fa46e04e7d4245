/* The mailer: renders and sends every pending delivery, again and again until it is out, refused for good, or too old.
 */
#ifndef CINESYNC_NOTIFICATION_MAILER_H
#define CINESYNC_NOTIFICATION_MAILER_H

#include "notification/notification.h"

/* Starts the fiber. state's config, store and sink must be set and outlive it. */
int mailer_start(struct notification_state *state, struct mailer **ret) MUST_CHECK;
/* Tells it that there is something new. Does not yield. */
void mailer_kick(struct mailer *m);
/* Yields until the deliveries under way have ended; what takes longer than 5 s is broken off, and sent again after the
 * next start. */
void mailer_stop(struct mailer **m);

#endif
