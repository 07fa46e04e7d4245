/* Messages about passwords and addresses. */
#ifndef CINESYNC_USER_MESSAGES_ACCOUNT_H
#define CINESYNC_USER_MESSAGES_ACCOUNT_H

#include "user/messages.h"

struct link_request {
	struct str token;
};

struct email_request {
	struct str email;
};

struct password_reset {
	struct str token;
	struct str password;
};

struct password_change {
	struct str current_password;
	struct str password;
};

struct email_change {
	struct str email;
	struct str password;
};

struct mail_sent {
	struct str message;
};

extern const struct schema link_request_schema;
extern const struct schema email_request_schema;
extern const struct schema password_reset_schema;
extern const struct schema password_change_schema;
extern const struct schema email_change_schema;
extern const struct schema mail_sent_schema;

#endif
