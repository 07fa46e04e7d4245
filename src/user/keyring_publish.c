/* Written before any token is signed with a key that is new in it, by whoever puts the key into the ring. */
#include "user/keyring_publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, struct str text)
{
	size_t at = 0;

	while (at < text.len) {
		ssize_t n = write(fd, text.data + at, text.len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += (size_t)n;
	}
	/* Whatever the umask is: everybody may know these. */
	return fchmod(fd, 0644) < 0 ? -errno : 0;
}

static int write_beside(const char *path, struct str text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	int r;

	if (fd < 0)
		return -errno;
	r = write_all(fd, text);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

int keyring_publish(const char *path, struct str jwks)
{
	char beside[4096];
	int n = snprintf(beside, sizeof(beside), "%s.%ld", path, (long)getpid());
	int r;

	if (n < 0 || (size_t)n >= sizeof(beside))
		return -ENAMETOOLONG;
	r = write_beside(beside, jwks);
	if (r == 0 && rename(beside, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(beside);
	return r;
}
