/* A unix socket in the file system that this process alone listens on: its mode, its file's beginning and end, and who
 * has connected.
 *
 * Beside the socket lies NAME.lock, held for as long as the process listens. So the socket of a process that was killed
 * is replaced, and that of one that lives is not, whatever the order in which two of them start. */
#ifndef CINESYNC_HTTP_SOCKET_FILE_H
#define CINESYNC_HTTP_SOCKET_FILE_H

#include "base/macro.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct socket_file;

#define SOCKET_FILE_NO_GROUP ((gid_t)-1)

/* Listens at the path, mode 0600; with a group 0660, and the socket is the group's. -EINVAL: the path is not absolute;
 * -ENAMETOOLONG; -EPERM: the folder belongs to another user than us or root, or others may write into it; -EADDRINUSE:
 * a process listens there; -EEXIST: something else than a socket has the name; -ENOMEM, -errno (-ENOENT: there is no
 * such folder). Blocks as long as the file system does. */
int socket_file_listen(const char *path, gid_t group, struct socket_file **ret, int *ret_fd) MUST_CHECK;
/* Takes the file away if it is still the one made. The socket is the caller's to close. Takes NULL, leaves NULL. */
void socket_file_remove(struct socket_file **f);

/* The user who connected, as the kernel had him then. -errno. */
int socket_peer_uid(int fd, uid_t *ret) MUST_CHECK;

#endif
