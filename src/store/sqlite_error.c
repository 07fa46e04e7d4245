/* Result codes to errors. Nothing is owned; nothing yields. */
#include "store/sqlite_error.h"

#include <errno.h>
#include <sqlite3.h>

#define PRIMARY_CODE(rc) ((rc)&0xff)

static int constraint_errno(int rc)
{
	switch (rc) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
		return -EEXIST;
	case SQLITE_CONSTRAINT_FOREIGNKEY:
		return -ENOKEY;
	default:
		return -EINVAL;
	}
}

static int code_errno(int rc)
{
	switch (PRIMARY_CODE(rc)) {
	case SQLITE_CONSTRAINT:
		return constraint_errno(rc);
	case SQLITE_MISMATCH:
		return -EINVAL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_INTERRUPT:
		return -EINTR;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_TOOBIG:
		return -EMSGSIZE;
	case SQLITE_CANTOPEN:
		return -ENOTCONN;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EROFS;
	case SQLITE_ERROR:
	case SQLITE_RANGE:
	case SQLITE_MISUSE:
	case SQLITE_SCHEMA:
		return -EPROTO;
	default:
		return -EIO;
	}
}

int sqlite_error(struct sqlite3 *db, int rc, enum sqlite_stage stage, struct store_words *words)
{
	/* A constraint's message names columns, not values. */
	bool is_safe = stage != SQLITE_STAGE_RUN || PRIMARY_CODE(rc) == SQLITE_CONSTRAINT;

	store_words_set(words, "%s (SQLite code %d)", db && is_safe ? sqlite3_errmsg(db) : sqlite3_errstr(rc), rc);
	return code_errno(rc);
}
