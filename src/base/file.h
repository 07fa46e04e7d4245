/* Files and folders. */
#ifndef CINESYNC_BASE_FILE_H
#define CINESYNC_BASE_FILE_H

#include "base/buf.h"

/* Makes the folder, and those above it that are missing, with mode 0700; one that is there is left as it is.
 * -ENAMETOOLONG: over 4,095 bytes; -ENOTDIR: something else has the name; -errno. Blocks. */
int file_folder_make(const char *path) MUST_CHECK;

/* All that is left of the open file, added. -EFBIG: more than the buffer takes; -ENOMEM; -errno. Blocks. */
int file_read(int fd, struct buf *ret) MUST_CHECK;

/* The file has this text, whole, at once and for everybody to read (mode 0644), whatever it had before: written beside
 * and renamed, so that a reader finds the old or the new. -ENAMETOOLONG; -errno, and the old one is there as it was.
 * Blocks. */
int file_publish(const char *path, struct str text) MUST_CHECK;

/* From now on the calling thread has a table of open files of its own, with standard input, output and error and the
 * one that is kept (-1: none), under the same numbers: what it opens or closes the other threads do not see, nor it
 * what they do. For a thread beside one that makes system calls all the time: while they share a table the kernel
 * counts the users of a file in each call, which costs more than the thread's own work. -errno: it may not, and shares
 * on. */
int file_table_own(int kept) MUST_CHECK;

#endif
