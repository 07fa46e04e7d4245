/* The database file as a file: made private, and claimed by one process. Private to this room; blocks. */
#ifndef CINESYNC_STORE_SQLITE_FILE_H
#define CINESYNC_STORE_SQLITE_FILE_H

#include "store/driver.h"

/* Makes the file with mode 0600 if it is not there, and takes the lock PATH.lock for this process. The lock's
 * descriptor, to be closed to let go of it (which the end of the process does as well). -EBUSY: another process has it,
 * the words name it; or what open(2) says. */
int sqlite_file_claim(const char *path, struct store_words *words, int *ret_fd) MUST_CHECK;

#endif
