/* Where finished mails go. eml.c writes them into a folder, smtp.c sends them. */
#ifndef CINESYNC_NOTIFICATION_SINK_H
#define CINESYNC_NOTIFICATION_SINK_H

#include "base/buf.h"

struct mail_sink {
	const char *name;
	size_t at_once; /* mails it takes at once */
	/* Yields. 0: the mail is out, *ret_answer says where in words; -EREMOTEIO: refused for good; other errors: try
	 * again later. The same event_id again must not make a second mail where the sink can help it. */
	int (*send)(struct mail_sink *s, struct str event_id, struct str recipient, struct str message,
	            struct buf *ret_answer);
	/* Yields. Takes back what is still here of a mail that was sent, when its reader is to be forgotten; none is
	 * fine. NULL: a mail that is out is out. */
	int (*forget)(struct mail_sink *s, struct str event_id);
	void (*free)(struct mail_sink *s);
};

/* One file EVENT_ID.eml a mail in that folder, made when missing (mode 0700): written beside, synced, renamed. Writing
 * the same event again replaces the file, so a crash between writing and recording leaves one mail. */
int eml_sink_new(const char *folder, struct mail_sink **ret) MUST_CHECK;

#endif
