/* Key files. A private key is readable by its owner alone, appears whole or not at all, and is never replaced: who
 * comes second takes the first one's. All calls here block on the disk; they belong to the start of a process. */
#include "base/fault.h"
#include "base/random.h"
#include "token/token_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE_SIZE_MAX 4096

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
		        fault_hit("token.key_write") ? (errno = ENOSPC, -1) : write(fd, data.data + at, data.len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int token_key_load(const char *path, struct token_key **ret)
{
	int fd CLEANUP(fd_close) = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char text[KEY_FILE_SIZE_MAX];
	struct stat st;
	size_t len = 0;
	int r;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size >= KEY_FILE_SIZE_MAX)
		return -EINVAL;
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return -EACCES;
	r = fd_read_all(fd, text, sizeof(text), &len);
	if (r < 0)
		return r;
	r = token_key_parse((struct str){ text, len }, ret);
	explicit_bzero(text, sizeof(text));
	return r;
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

static int key_write(const char *path)
{
	int fd CLEANUP(fd_close) = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct buf text CLEANUP(buf_done);
	int r;

	buf_init(&text, KEY_FILE_SIZE_MAX);
	if (fd < 0)
		return -errno;
	r = token_key_generate(&text);
	if (r == 0)
		r = fd_write_all(fd, buf_str(&text));
	if (text.data)
		explicit_bzero(text.data, text.cap);
	return r;
}

/* 0 also when somebody else was first. */
static int key_place(const char *from, const char *path)
{
	int r = link(from, path);

	/* Some file systems have no hard links. */
	if (r < 0 && (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS))
		r = renameat2(AT_FDCWD, from, AT_FDCWD, path, RENAME_NOREPLACE);
	return r < 0 && errno != EEXIST ? -errno : 0;
}

static int key_create(const char *path)
{
	char beside[PATH_MAX];
	uint64_t nonce;
	int n, r;

	random_fill(&nonce, sizeof(nonce));
	n = snprintf(beside, sizeof(beside), "%s.new-%016llx", path, (unsigned long long)nonce);
	if (n < 0 || (size_t)n >= sizeof(beside))
		return -ENAMETOOLONG;
	r = key_write(beside);
	if (r == 0)
		r = key_place(beside, path);
	if (r != -EEXIST)
		(void)unlink(beside);
	return r < 0 ? r : directory_sync(path);
}

int token_key_load_or_create(const char *path, struct token_key **ret)
{
	int r = token_key_load(path, ret);

	if (r != -ENOENT)
		return r;
	r = key_create(path);
	if (r < 0)
		return r;
	return token_key_load(path, ret);
}
