/* What every event that comes in goes through, whichever way it came: read, and what it asks for made durable. The
 * event's id is the primary key, so an event that comes twice asks for nothing more. */
#ifndef CINESYNC_NOTIFICATION_INTAKE_H
#define CINESYNC_NOTIFICATION_INTAKE_H

#include "event/event.h"
#include "notification/notice.h"
#include "store/store.h"

#define INTAKE_BATCH_MAX 64 /* events in one transaction */

struct intake {
	struct event event;
	struct notice notice;
};

/* Declares the counters of received events. */
void intake_init(void);

/* What an event asks for, in the arena. Types and versions this service does not know are counted and logged: a newer
 * sender must not be stopped by an older receiver. 0: *ret is to be stored; -ENOENT: nothing more is to be done;
 * -EINVAL with the violations, counted; -ENOMEM. Does not yield. */
int intake_read(const struct event *e, struct arena *a, struct intake *ret, struct violations *v) MUST_CHECK;
/* As above, from the envelope's text. */
int intake_parse(struct str envelope, struct arena *a, struct intake *ret, struct violations *v) MUST_CHECK;

/* Yields. Makes what up to INTAKE_BATCH_MAX events ask for durable, in their order. After an error some of them may be
 * durable: offered again, they are known. What they forget is forgotten. Kicks the mailer. Errors of the store, or
 * -EREMOTEIO: what was sent to somebody who is to be forgotten cannot be removed. */
int intake_store(struct intake *const *items, size_t n, struct arena *a) MUST_CHECK;

#endif
