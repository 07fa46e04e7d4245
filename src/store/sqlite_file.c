/* Claims a database file: SQLite itself lets several processes in, we do not, for two writing connections are one too
 * many (sqlite.c) and the services keep state that they do not share. The lock is a flock(2) on a file beside the
 * database, so that a killed process leaves nothing behind; the file itself stays, for removing it would let two
 * processes lock two files of the same name. */
#include "store/sqlite_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#define PID_SIZE 24

/* Made before SQLite sees it, as SQLite would make it with the umask's mode; -wal and -shm take over the mode. */
static int file_make(const char *path, struct store_words *words)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int r;

	if (fd < 0) {
		r = -errno;
		store_words_set(words, "cannot open the database %s: %s", path, strerror(-r));
		return r;
	}
	close(fd);
	return 0;
}

static int lock_held(int fd, const char *path, struct store_words *words)
{
	char pid[PID_SIZE] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? strcspn(pid, "\n") : 0] = '\0';
	store_words_set(words,
	                "the database %s is in use by process %s; stop it first: one process a SQLite file, several "
	                "need DATABASE_URL=postgres://",
	                path, *pid ? pid : "(unknown)");
	return -EBUSY;
}

/* For lock_held() in another process; without it the lock is as good. */
static void lock_sign(int fd)
{
	if (ftruncate(fd, 0) == 0)
		(void)dprintf(fd, "%ld\n", (long)getpid());
}

int sqlite_file_claim(const char *path, struct store_words *words, int *ret_fd)
{
	char lock_path[PATH_MAX];
	int fd;
	int r;

	if (snprintf(lock_path, sizeof(lock_path), "%s.lock", path) >= (int)sizeof(lock_path)) {
		store_words_set(words, "the database path is too long");
		return -ENAMETOOLONG;
	}
	r = file_make(path, words);
	if (r < 0)
		return r;
	fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		r = -errno;
		store_words_set(words, "cannot open %s: %s", lock_path, strerror(-r));
		return r;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = errno == EWOULDBLOCK ? lock_held(fd, path, words) : -errno;
		close(fd);
		return r;
	}
	lock_sign(fd);
	*ret_fd = fd;
	return 0;
}
