/* The command `events`: the outbox, for operators. */
#ifndef CINESYNC_USER_EVENTS_COMMAND_H
#define CINESYNC_USER_EVENTS_COMMAND_H

#include "store/store.h"

/* Yields. The exit code. */
int events_command_run(struct store *s, int argc, char **argv);

#endif
