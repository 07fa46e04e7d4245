/* Folders for the services' data, and reading what is small enough to be in memory. */
#include "base/file.h"

#include <errno.h>
#include <limits.h>
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
