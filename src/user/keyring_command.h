/* The subcommand `keys`. */
#ifndef CINESYNC_USER_KEYRING_COMMAND_H
#define CINESYNC_USER_KEYRING_COMMAND_H

#include "user/keyring.h"

/* Yields. argv[0] is "keys". The exit code: 0; 1: it failed, said on standard error; 64: usage. */
int keyring_command(struct keyring *k, int argc, char **argv);

#endif
