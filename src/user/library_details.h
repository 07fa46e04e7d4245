/* What statistics need of films, found out in the background: length, genres, directors. */
#ifndef CINESYNC_USER_LIBRARY_DETAILS_H
#define CINESYNC_USER_LIBRARY_DETAILS_H

#include "user/user.h"

/* A fiber that asks the movie service about films nobody asked about yet, then about those it told of longest ago,
 * older than SNAPSHOT_AGE_DAYS; DETAILS_CALLS_PER_S of them. Of several replicas one does, by a lease. Cancel it to
 * stop. */
int library_details_start(struct user_state *u, struct fiber **ret) MUST_CHECK;

#endif
