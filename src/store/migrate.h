/* Versioned migrations: ordered .sql files compiled in, one change each, run in a transaction, remembered with a
 * checksum.
 *
 * Files are named NNNN_words.up.sql and NNNN_words.down.sql; a folder an engine ("sqlite/", "postgres/"). A file may
 * hold several statements, no BEGIN or COMMIT. The table schema_migrations(version, name, checksum, applied_at_ms)
 * remembers them; the checksum is SHA-256 (FIPS 180-4) of the up file. */
#ifndef CINESYNC_STORE_MIGRATE_H
#define CINESYNC_STORE_MIGRATE_H

#include "base/embed.h"
#include "store/store.h"

#include <stdio.h>

struct migrations {
	const struct embedded_file *files;
	size_t n_files;
};

/* Yields. Applies what is missing, in order, each in its own transaction. -EBADMSG: the database holds a migration this
 * program does not know, or one whose text has changed since, or they are out of order; store_error() names it. */
int migrate_up(struct store *s, const struct migrations *m, size_t *ret_applied) MUST_CHECK;
/* Yields. Takes back the newest `steps` (or all, when there are fewer), each in its own transaction. -EBADMSG as above;
 * -ENOENT: one has no down file. */
int migrate_down(struct store *s, const struct migrations *m, size_t steps, size_t *ret_reverted) MUST_CHECK;
/* Yield. Write the SQL that migrate_up() or migrate_down() would run now: each migration under a comment with its
 * file's name, in its transaction, with the statement that remembers it; a script that does the same. Nothing is
 * changed, and nothing locked: another process may be ahead. Errors as above; what was written before one is to be
 * thrown away. */
int migrate_up_print(struct store *s, const struct migrations *m, FILE *to) MUST_CHECK;
int migrate_down_print(struct store *s, const struct migrations *m, size_t steps, FILE *to) MUST_CHECK;
/* Yields. Changes nothing. One line a migration: version, name, applied at or "pending", "altered", "unknown". 0: all
 * applied; 1: something is pending; -EBADMSG: the last two words occur, or what is pending is older than what is
 * applied. */
int migrate_status(struct store *s, const struct migrations *m, FILE *to) MUST_CHECK;

/* The subcommand of a service: `migrate status | up | down [STEPS]`; argv starts at "status". With `--dry-run` at the
 * end up and down only print their SQL. Answers on standard output, complains on standard error. The exit code: 0; 1:
 * status has something pending; 64 usage; 65 the database and the program do not fit; 69 the database cannot be used (a
 * SQLite file that the running service holds, for one). Yields.
 */
int migrate_main(const struct store_options *options, const struct migrations *m, int argc, char **argv);

#endif
