/* A real redis-server for tests, and one that lies. For tests only. */
#ifndef CINESYNC_CACHE_TEST_REDIS_SERVER_H
#define CINESYNC_CACHE_TEST_REDIS_SERVER_H

#include "base/macro.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

struct redis_server {
	int port; /* on 127.0.0.1 */
	pid_t pid;
	char folder[64];
	const char *options[8]; /* more of the command line; NULL ends it */
};

/* Both start it and wait until it answers; up picks a port and a scratch folder, start takes those it had. They fail
 * the test when it cannot be had. */
void redis_server_up(struct redis_server *s);
void redis_server_start(struct redis_server *s);
/* SIGKILL, and waits for its end. */
void redis_server_kill(struct redis_server *s);
void redis_server_signal(const struct redis_server *s, int signal);
/* Kills it, if it runs, and removes the folder. */
void redis_server_down(struct redis_server *s);
/* Runs one command on a connection of its own and waits: the integer, 0 for a nil, 1 for any other answer, -1 for an
 * error. printf-like, %s and %b as hiredis has them. */
long long redis_server_run(const struct redis_server *s, const char *command, ...);

/* Takes connections one after the other; the nth thing it receives on one is answered with the nth of its answers. */
struct redis_liar {
	const char *answers[8]; /* NULL ends it: from there on it says nothing */
	int port;
	int fd;
	atomic_int connections;
	atomic_bool is_ending;
	pthread_t thread;
};

void redis_liar_up(struct redis_liar *l);
void redis_liar_down(struct redis_liar *l);

#endif
