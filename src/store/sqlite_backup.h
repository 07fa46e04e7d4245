/* A copy of an embedded database while its service goes on writing it. PostgreSQL has tools of its own for that. */
#ifndef CINESYNC_STORE_SQLITE_BACKUP_H
#define CINESYNC_STORE_SQLITE_BACKUP_H

#include "base/buf.h"

/* Yields. Writes what the SQLite database in the file `from` holds, as of one moment, into the new file `to` (mode
 * 0600), checks the copy and syncs it. Takes no lock that the service's writer would notice. On failure `to` is not
 * there, and *ret_words (buf_init() first) says why: -ENOENT: no such database; -EEXIST: `to` is there already; -EIO
 * and others. */
int sqlite_backup(const char *from, const char *to, struct buf *ret_words) MUST_CHECK;

#endif
