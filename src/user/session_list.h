/* The sessions of somebody, as an answer. */
#ifndef CINESYNC_USER_SESSION_LIST_H
#define CINESYNC_USER_SESSION_LIST_H

#include "user/user.h"

/* Yields. Answers 200 with the sessions of that user that are alive. 0, or what the handler returns. */
int session_list_respond(struct request *req, struct str user_id) MUST_CHECK;

#endif
