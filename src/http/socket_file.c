/* The folder is held open and all is done within it, so that nobody who may rename folders changes what is meant.
 * Owns the lock, and the file until it is removed. Nothing here yields. */
#include "http/socket_file.h"

#include "base/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024, LOCK_TRIES = 100, PATH_LEN_MAX = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1 };

#define LOCK_SUFFIX ".lock"

struct socket_file {
	int folder;
	int lock; /* -1: not held */
	bool is_there;
	dev_t dev;
	ino_t ino;
	struct sockaddr_un address;
	const char *name; /* in the folder; within address */
	char lock_name[PATH_LEN_MAX + sizeof(LOCK_SUFFIX)];
};

static int address_set(struct socket_file *f, const char *path)
{
	size_t len = strlen(path);
	const char *slash = strrchr(path, '/');

	if (path[0] != '/' || !slash[1])
		return -EINVAL;
	if (len > PATH_LEN_MAX)
		return -ENAMETOOLONG;
	f->address.sun_family = AF_UNIX;
	memcpy(f->address.sun_path, path, len + 1);
	f->name = f->address.sun_path + (slash + 1 - path);
	snprintf(f->lock_name, sizeof(f->lock_name), "%s" LOCK_SUFFIX, f->name);
	return 0;
}

/* Whoever may write into the folder may put a socket of his own in the place of ours. */
static int folder_open(struct socket_file *f)
{
	char path[PATH_LEN_MAX + 1];
	size_t len = (size_t)(f->name - f->address.sun_path);
	struct stat st;

	memcpy(path, f->address.sun_path, len);
	path[len] = '\0';
	f->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->folder < 0 || fstat(f->folder, &st) < 0)
		return -errno;
	if ((st.st_uid != geteuid() && st.st_uid != 0) || st.st_mode & (S_IWGRP | S_IWOTH))
		return -EPERM;
	return 0;
}

/* Whether the open file is still the one of that name. */
static bool is_named(const struct socket_file *f, int fd, const char *name)
{
	struct stat ours, theirs;

	return fstat(fd, &ours) == 0 && fstatat(f->folder, name, &theirs, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

/* Who ends takes his lock's file away; one that was opened just before is nobody's lock then. */
static int lock_take(struct socket_file *f)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		int fd = openat(f->folder, f->lock_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			int r = errno == EWOULDBLOCK ? -EADDRINUSE : -errno;

			close(fd);
			return r;
		}
		if (is_named(f, fd, f->lock_name)) {
			f->lock = fd;
			return 0;
		}
		close(fd);
	}
	return -EADDRINUSE;
}

/* -ECONNREFUSED: nobody listens. The lock says so of our own kind; this asks any other program. */
static int probe(const struct socket_file *f)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *)&f->address, sizeof(f->address)) < 0 ? -errno : 0;
	close(fd);
	/* -EAGAIN: its queue is full. */
	return r == 0 || r == -EAGAIN ? -EADDRINUSE : r;
}

static int stale_remove(const struct socket_file *f)
{
	struct stat st;
	int r;

	if (fstatat(f->folder, f->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	r = probe(f);
	if (r != -ECONNREFUSED)
		return r;
	return unlinkat(f->folder, f->name, 0) < 0 ? -errno : 0;
}

/* The socket is nobody's but ours from its first moment, and nobody can connect before it is all it should be. */
static int socket_bind(struct socket_file *f, int fd, gid_t group)
{
	struct stat st;

	if (fchmod(fd, 0600) < 0 || bind(fd, (const struct sockaddr *)&f->address, sizeof(f->address)) < 0)
		return -errno;
	if (fstatat(f->folder, f->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	f->is_there = true;
	if (group != SOCKET_FILE_NO_GROUP && (fchownat(f->folder, f->name, (uid_t)-1, group, AT_SYMLINK_NOFOLLOW) < 0 ||
	                                      fchmodat(f->folder, f->name, 0660, 0) < 0))
		return -errno;
	return listen(fd, BACKLOG) < 0 ? -errno : 0;
}

static int file_listen(struct socket_file *f, const char *path, gid_t group, int *ret_fd)
{
	int r = address_set(f, path);
	int fd;

	if (r == 0)
		r = folder_open(f);
	if (r == 0)
		r = lock_take(f);
	if (r == 0)
		r = stale_remove(f);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = socket_bind(f, fd, group);
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int socket_file_listen(const char *path, gid_t group, struct socket_file **ret, int *ret_fd)
{
	struct socket_file *f = fault_hit("alloc") ? NULL : calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->folder = f->lock = -1;
	r = file_listen(f, path, group, ret_fd);
	if (r < 0)
		socket_file_remove(&f);
	else
		*ret = f;
	return r;
}

void socket_file_remove(struct socket_file **fp)
{
	struct socket_file *f = STEAL(*fp);
	struct stat st;

	if (!f)
		return;
	if (f->is_there && fstatat(f->folder, f->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == f->dev &&
	    st.st_ino == f->ino)
		(void)!unlinkat(f->folder, f->name, 0);
	if (f->lock >= 0) {
		(void)!unlinkat(f->folder, f->lock_name, 0);
		close(f->lock);
	}
	if (f->folder >= 0)
		close(f->folder);
	free(f);
}

int socket_peer_uid(int fd, uid_t *ret)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	*ret = peer.uid;
	return 0;
}
