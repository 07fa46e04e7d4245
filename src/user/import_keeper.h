/* The fiber that works on imports, one at a time and each in its turn; of several replicas one does, by a lease. */
#ifndef CINESYNC_USER_IMPORT_KEEPER_H
#define CINESYNC_USER_IMPORT_KEEPER_H

#include "user/user.h"

/* -EAGAIN, -ENOMEM. */
int import_keeper_start(struct user_state *u, struct import_keeper **ret) MUST_CHECK;
/* There is something to do. Does not yield. */
void import_keeper_kick(struct import_keeper *k);
/* Yields until it has ended. Takes NULL. */
void import_keeper_stop(struct import_keeper **k);

#endif
