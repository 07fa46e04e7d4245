/* What the handlers of imports share. */
#ifndef CINESYNC_USER_IMPORT_WEB_H
#define CINESYNC_USER_IMPORT_WEB_H

#include "store/store.h"
#include "user/messages_import.h"
#include "user/user.h"

extern const struct problem problem_import_not_ready;

/* Yields. The person's import; 404. */
int import_find(struct request *req, struct str import_id, struct import_reply *ret) MUST_CHECK;
/* Yields. Answers with the import as it is now. */
int import_answer(struct request *req, int status, struct str import_id) MUST_CHECK;

#endif
