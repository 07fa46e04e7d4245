/* redis-server as a child that dies with the test. Each has a folder in /tmp and a port of loopback that was free. */
#include "cache/test_redis_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "/usr/bin/redis-server"

enum { TRIES = 5, START_POLLS = 1000, POLL_US = 10000 };

static int socket_on_loopback(int *ret_port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

/* ---- the real one ---- */

static void server_exec(const struct redis_server *s)
{
	char port[8];
	const char *argv[32] = { PROGRAM,   "--port",       port,  "--bind",      "127.0.0.1", "--save",
		                 "",        "--appendonly", "no",  "--daemonize", "no",        "--dir",
		                 s->folder, "--logfile",    "log", "--databases", "4" };
	size_t n = 0;

	snprintf(port, sizeof(port), "%d", s->port);
	while (argv[n])
		n++;
	for (size_t i = 0; s->options[i]; i++)
		argv[n++] = s->options[i];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execv(PROGRAM, (char *const *)argv);
	_exit(127);
}

/* Any answer will do: it may want a password. */
static bool server_answers(const struct redis_server *s)
{
	redisContext *c = redisConnect("127.0.0.1", s->port);
	redisReply *reply = c && !c->err ? redisCommand(c, "PING") : NULL;
	bool answers = reply;

	if (reply)
		freeReplyObject(reply);
	if (c)
		redisFree(c);
	return answers;
}

static bool server_try(struct redis_server *s)
{
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0)
		server_exec(s);
	for (int i = 0; i < START_POLLS; i++) {
		if (server_answers(s))
			return true;
		if (waitpid(s->pid, NULL, WNOHANG) == s->pid)
			break;
		usleep(POLL_US);
	}
	s->pid = 0;
	return false;
}

void redis_server_start(struct redis_server *s)
{
	for (int i = 0; i < TRIES; i++)
		if (server_try(s))
			return;
	fail_msg("%s does not start on port %d", PROGRAM, s->port);
}

void redis_server_up(struct redis_server *s)
{
	if (access(PROGRAM, X_OK) != 0)
		fail_msg("%s is missing", PROGRAM);
	snprintf(s->folder, sizeof(s->folder), "/tmp/cinesync-redis-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	for (int i = 0; i < TRIES; i++) {
		close(socket_on_loopback(&s->port));
		if (server_try(s))
			return;
	}
	fail_msg("%s does not start", PROGRAM);
}

void redis_server_kill(struct redis_server *s)
{
	if (s->pid <= 0)
		return;
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

void redis_server_signal(const struct redis_server *s, int signal)
{
	assert_true(s->pid > 0);
	assert_int_equal(kill(s->pid, signal), 0);
}

void redis_server_down(struct redis_server *s)
{
	char path[96];

	redis_server_kill(s);
	snprintf(path, sizeof(path), "%s/log", s->folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/dump.rdb", s->folder);
	unlink(path);
	rmdir(s->folder);
}

long long redis_server_run(const struct redis_server *s, const char *command, ...)
{
	redisContext *c = redisConnect("127.0.0.1", s->port);
	redisReply *reply;
	long long answer;
	va_list ap;

	assert_non_null(c);
	assert_int_equal(c->err, 0);
	va_start(ap, command);
	reply = redisvCommand(c, command, ap);
	va_end(ap);
	assert_non_null(reply);
	answer = reply->type == REDIS_REPLY_INTEGER ? reply->integer
	         : reply->type == REDIS_REPLY_NIL   ? 0
	         : reply->type == REDIS_REPLY_ERROR ? -1
	                                            : 1;
	freeReplyObject(reply);
	redisFree(c);
	return answer;
}

/* ---- the liar ---- */

static void liar_talk(struct redis_liar *l, int fd)
{
	char heard[4096];
	size_t n = 0;

	while (!l->is_ending) {
		struct pollfd look = { .fd = fd, .events = POLLIN };

		if (poll(&look, 1, 20) <= 0)
			continue;
		if (recv(fd, heard, sizeof(heard), 0) <= 0)
			break;
		if (!l->answers[n])
			continue;
		send(fd, l->answers[n], strlen(l->answers[n]), MSG_NOSIGNAL);
		n++;
	}
	close(fd);
}

static void *liar_main(void *arg)
{
	struct redis_liar *l = arg;

	while (!l->is_ending) {
		struct pollfd look = { .fd = l->fd, .events = POLLIN };

		if (poll(&look, 1, 20) <= 0)
			continue;
		l->connections++;
		liar_talk(l, accept4(l->fd, NULL, NULL, SOCK_CLOEXEC));
	}
	return NULL;
}

void redis_liar_up(struct redis_liar *l)
{
	l->fd = socket_on_loopback(&l->port);
	assert_int_equal(listen(l->fd, 4), 0);
	assert_int_equal(pthread_create(&l->thread, NULL, liar_main, l), 0);
}

void redis_liar_down(struct redis_liar *l)
{
	l->is_ending = true;
	pthread_join(l->thread, NULL);
	close(l->fd);
}
