/* Which migrations there are, which are applied, and whether the two fit. Private to this room; never yields. */
#ifndef CINESYNC_STORE_MIGRATE_PLAN_H
#define CINESYNC_STORE_MIGRATE_PLAN_H

#include "store/driver.h"
#include "store/migrate.h"

#define MIGRATE_CHECKSUM_SIZE 65

enum migration_state { MIGRATION_PENDING, MIGRATION_APPLIED, MIGRATION_ALTERED, MIGRATION_UNKNOWN };

struct migration {
	int64_t version;
	struct str name; /* "users" */
	struct str up;
	struct str down;                      /* null: cannot be taken back */
	char checksum[MIGRATE_CHECKSUM_SIZE]; /* of up, lower-case hexadecimal */
	enum migration_state state;
	bool is_foreign; /* the database has another one by that number */
	int64_t applied_at_ms;
};

/* Every migration known to the program or the database, by version. */
struct migrate_plan {
	size_t n;
	struct migration *items;
};

/* In the arena. rows: version, name, checksum, applied_at_ms of schema_migrations. -EINVAL: a file's name is wrong or
 * its version is there twice, or a down file stands alone. */
int migrate_plan_make(const struct migrations *m, const struct store_rows *rows, struct arena *a,
                      struct store_words *words, struct migrate_plan *ret) MUST_CHECK;
/* 0, or -EBADMSG with the words. */
int migrate_plan_check(const struct migrate_plan *p, struct store_words *words) MUST_CHECK;

#endif
