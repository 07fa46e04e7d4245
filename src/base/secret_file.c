/* Files that hold a secret: readable by their owner alone, they appear whole or not at all, and are never replaced: who
 * comes second takes the first one's. All calls block on the disk; they belong to the start of a process. */
#include "base/secret_file.h"

#include "base/fault.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void fd_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static int fd_read_all(int fd, char *ret, size_t size_max, size_t *ret_len)
{
	size_t len = 0;

	while (len < size_max) {
		ssize_t n = read(fd, ret + len, size_max - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	return 0;
}

static int fd_write_all(int fd, struct str data)
{
	for (size_t at = 0; at < data.len;) {
		ssize_t n =
		        fault_hit("base.secret_file") ? (errno = ENOSPC, -1) : write(fd, data.data + at, data.len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* As PostgreSQL has it for its keys: a file of root's, which this process is not, may be readable to its group too, for
 * that is how a cluster hands out secrets. */
static bool is_open_to_others(const struct stat *st)
{
	bool is_handed_out = st->st_uid == 0 && geteuid() != 0;

	return st->st_mode & (is_handed_out ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO);
}

int secret_file_read(const char *path, struct buf *out)
{
	int fd CLEANUP(fd_close) = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char text[SECRET_FILE_SIZE_MAX];
	struct stat st;
	size_t len = 0;
	int r;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size >= SECRET_FILE_SIZE_MAX)
		return -EINVAL;
	if (is_open_to_others(&st))
		return -EACCES;
	r = fd_read_all(fd, text, sizeof(text), &len);
	if (r == 0)
		buf_add(out, text, len);
	explicit_bzero(text, sizeof(text));
	return r < 0 ? r : buf_error(out);
}

static int directory_sync(const char *path)
{
	char copy[PATH_MAX];
	int fd CLEANUP(fd_close) = -1;
	int n = snprintf(copy, sizeof(copy), "%s", path);

	if (n < 0 || (size_t)n >= sizeof(copy))
		return -ENAMETOOLONG;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

static int text_write(const char *path, struct str text)
{
	int fd CLEANUP(fd_close) = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? -errno : fd_write_all(fd, text);
}

/* 0 also when somebody else was first. */
static int text_place(const char *from, const char *path)
{
	int r = link(from, path);

	/* Some file systems have no hard links. */
	if (r < 0 && (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS))
		r = renameat2(AT_FDCWD, from, AT_FDCWD, path, RENAME_NOREPLACE);
	return r < 0 && errno != EEXIST ? -errno : 0;
}

int secret_file_make(const char *path, struct str text)
{
	char beside[PATH_MAX];
	uint64_t nonce;
	int n, r;

	assert(text.len < SECRET_FILE_SIZE_MAX);
	random_fill(&nonce, sizeof(nonce));
	n = snprintf(beside, sizeof(beside), "%s.new-%016llx", path, (unsigned long long)nonce);
	if (n < 0 || (size_t)n >= sizeof(beside))
		return -ENAMETOOLONG;
	r = text_write(beside, text);
	if (r == 0)
		r = text_place(beside, path);
	if (r != -EEXIST)
		(void)unlink(beside);
	return r < 0 ? r : directory_sync(path);
}
