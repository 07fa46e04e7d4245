/* From SQLSTATE to this room's errors. Private to the driver. */
#ifndef CINESYNC_STORE_POSTGRES_ERROR_H
#define CINESYNC_STORE_POSTGRES_ERROR_H

#include "store/driver.h"

struct pg_result;

/* The error of a SQLSTATE (PostgreSQL documentation, appendix A). */
int postgres_errno(const char *sqlstate);
/* The error of a failed result, its words without values. */
int postgres_error(const struct pg_result *result, struct store_words *words);

#endif
