/* Files that hold a secret: mode 0600, whole or not at all, never replaced. Everything here blocks on the disk: it
 * belongs to the start of a process. */
#ifndef CINESYNC_BASE_SECRET_FILE_H
#define CINESYNC_BASE_SECRET_FILE_H

#include "base/buf.h"

#define SECRET_FILE_SIZE_MAX 4096 /* bytes; a file has fewer */

/* Appends the file's bytes to out, which the caller wipes. -ENOENT; -EACCES: others than its owner may read it (or, if
 * it is root's and we are not root, others than its group);
 * -EINVAL: no plain file, or too large; -errno; the buffer's error. */
int secret_file_read(const char *path, struct buf *out) MUST_CHECK;
/* Makes the file with mode 0600 when there is none (written beside, fsynced, linked into place: of two processes that
 * start at once one wins, and a half-written one is never seen). 0 also when it is there already: read it to learn
 * whose text it has. -ENAMETOOLONG; -errno. */
int secret_file_make(const char *path, struct str text) MUST_CHECK;

#endif
