/* What mail an event asks for, and what that mail says. The data of the events is the user service's contract; we read
 * of it what we need, and keep it as it came: the token of a one-time link stays sealed until the mail is written. */
#ifndef CINESYNC_NOTIFICATION_NOTICE_H
#define CINESYNC_NOTIFICATION_NOTICE_H

#include "event/event.h"
#include "notification/notification.h"
#include "notification/template.h"

#define NOTICE_TEMPLATE_SIZE 64

struct notice {
	struct str user_id;
	struct str email;
	struct str display_name;
	struct str language;
	struct str sealed_token;
	struct str new_email;
	struct str device;
	struct str ip_address;
	struct str what;
	struct str expires_at;
	struct str occurred_at;
	char template[NOTICE_TEMPLATE_SIZE];
	bool is_farewell; /* the person is to be forgotten */
};

/* Reads an event. 0; -ENOENT: a type not known here; -EINVAL with the violations; -ENOMEM. Does not yield. */
int notice_read(const struct event *e, struct arena *a, struct notice *ret, struct violations *v) MUST_CHECK;

/* Reads the data of a delivery again and gives what its placeholders become, the link opened: only for the mail itself.
 * The strings live in the arena, which the caller wipes. -EBADMSG: the data or the sealed token do not fit (the key in
 * LINK_KEY_FILE is not the user service's); -ENOMEM. Does not yield. */
int notice_values(const struct notification_state *s, struct str template, struct str data, struct arena *a,
                  struct template_values *ret) MUST_CHECK;

#endif
