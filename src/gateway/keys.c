/* What the file is told by: its inode, size, and the times of its change. Whoever publishes keys should rename the new
 * file into the old one's place; one that is written where it lies may be read half, which is no key set, and is read
 * again at the next look. */
#include "gateway/keys.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEYS_MAGIC 0x67776b79

struct keys {
	unsigned magic;
	int folder;
	char *name;
	struct stat seen; /* st_ino 0: nothing yet */
};

static int folder_open(const char *path, const char *slash)
{
	char folder[4096];
	size_t len = (size_t)(slash - path);
	int fd;

	if (len >= sizeof(folder))
		return -ENAMETOOLONG;
	memcpy(folder, path, len);
	folder[len] = '\0';
	fd = open(len > 0 ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int keys_open(const char *path, struct keys **ret)
{
	struct keys *k CLEANUP(keys_close) = NULL;
	const char *slash = strrchr(path, '/');

	if (!slash || slash[1] == '\0')
		return -EINVAL;
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->magic = KEYS_MAGIC;
	k->folder = folder_open(path, slash);
	if (k->folder < 0)
		return k->folder;
	k->name = strdup(slash + 1);
	if (!k->name)
		return -ENOMEM;
	*ret = STEAL(k);
	return 0;
}

void keys_close(struct keys **k)
{
	if (!k || !*k)
		return;
	assert((*k)->magic == KEYS_MAGIC);
	if ((*k)->folder >= 0)
		close((*k)->folder);
	free((*k)->name);
	(*k)->magic = 0;
	free(*k);
	*k = NULL;
}

static bool time_is_same(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_seen(const struct keys *k, const struct stat *now)
{
	return k->seen.st_ino == now->st_ino && k->seen.st_dev == now->st_dev && k->seen.st_size == now->st_size &&
	       time_is_same(k->seen.st_mtim, now->st_mtim) && time_is_same(k->seen.st_ctim, now->st_ctim);
}

static int look_at(struct keys *k, int fd, struct token_keyset **ret_set)
{
	struct buf text CLEANUP(buf_done);
	struct stat now;
	int r;

	buf_init(&text, TOKEN_JWKS_SIZE_MAX);
	if (fstat(fd, &now) < 0)
		return -errno;
	if (!S_ISREG(now.st_mode))
		return -EINVAL;
	if (is_seen(k, &now))
		return 0;
	k->seen.st_ino = 0;
	r = file_read(fd, &text);
	if (r == 0)
		r = token_keyset_parse(buf_str(&text), ret_set);
	if (r < 0)
		return r;
	k->seen = now;
	return 1;
}

int keys_look(struct keys *k, struct token_keyset **ret_set)
{
	int fd, r;

	assert(k && k->magic == KEYS_MAGIC);
	/* Not to wait for whoever opens the other end, should it be a pipe. */
	fd = openat(k->folder, k->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	r = look_at(k, fd, ret_set);
	close(fd);
	return r;
}
