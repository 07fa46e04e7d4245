/* Folders for the services' data; files small enough to be in memory, read and replaced. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int folder_one(const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (stat(path, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int file_folder_make(const char *path)
{
	char part[PATH_MAX];
	size_t len = strlen(path);
	int r;

	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	if (len == 0)
		return -ENOENT;
	memcpy(part, path, len + 1);
	for (size_t i = 1; i < len; i++) {
		if (part[i] != '/')
			continue;
		part[i] = '\0';
		r = folder_one(part);
		if (r < 0)
			return r;
		part[i] = '/';
	}
	return folder_one(part);
}

int file_read(int fd, struct buf *ret)
{
	char piece[16384];
	ssize_t n = 1;

	while (n != 0 && buf_error(ret) == 0) {
		n = read(fd, piece, sizeof(piece));
		if (n < 0 && errno != EINTR)
			return -errno;
		buf_add(ret, piece, (size_t)MAX(n, (ssize_t)0));
	}
	return buf_error(ret) == -ENOBUFS ? -EFBIG : buf_error(ret);
}

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

int file_publish(const char *path, struct str text)
{
	char beside[4096];
	int n = snprintf(beside, sizeof(beside), "%s.%ld", path, (long)getpid());
	int r;

	if (n < 0 || (size_t)n >= sizeof(beside))
		return -ENAMETOOLONG;
	r = write_beside(beside, text);
	if (r == 0 && rename(beside, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(beside);
	return r;
}

/* Those behind are never copied, so that nobody else's file is held open for a moment by this. */
int file_table_own(int kept)
{
	unsigned first = STDERR_FILENO + 1;
	int r;

	if (kept < (int)first)
		return close_range(first, UINT_MAX, CLOSE_RANGE_UNSHARE) < 0 ? -errno : 0;
	r = close_range((unsigned)kept + 1, UINT_MAX, CLOSE_RANGE_UNSHARE);
	if (r == 0 && (unsigned)kept > first)
		r = close_range(first, (unsigned)kept - 1, 0);
	return r < 0 ? -errno : 0;
}
