/* Server errors to errors. Nothing is owned; nothing yields. */
#include "store/postgres_error.h"

#include <errno.h>
#include <libpq-fe.h>

/* A whole class when the code has two characters; the longest match wins by standing first. */
static const struct {
	const char *code;
	int error;
} codes[] = {
	{ "23505", -EEXIST },                        /* unique_violation */
	{ "23P01", -EEXIST },                        /* exclusion_violation */
	{ "23503", -ENOKEY },                        /* foreign_key_violation */
	{ "23001", -ENOKEY },                        /* restrict_violation */
	{ "23", -EINVAL },                           /* not null, check */
	{ "22", -EINVAL },                           /* data exception */
	{ "40", -EBUSY },                            /* serialization failure, deadlock: try again */
	{ "55P03", -EBUSY },                         /* lock_not_available */
	{ "55", -EBUSY },       { "57014", -EINTR }, /* query_canceled: by us, or by statement_timeout */
	{ "57P05", -ENOTCONN },                      /* idle session timeout */
	{ "57", -ENOTCONN },                         /* shut down, starting up, database dropped */
	{ "53100", -ENOSPC },                        /* disk_full */
	{ "53", -ENOTCONN },                         /* too many connections, out of memory */
	{ "08P01", -EPROTO },                        /* protocol violation: too few arguments */
	{ "08", -ENOTCONN },                         /* connection exception */
	{ "25006", -ENOTCONN },                      /* read_only_sql_transaction: a standby, until it is promoted */
	{ "25P03", -ENOTCONN },                      /* idle in transaction for too long */
	{ "28", -ENOTCONN },                         /* the password is not taken (any more) */
	{ "3D", -ENOTCONN },                         /* no such database */
	{ "0A000", -ESTALE },                        /* of a prepared statement: its table was changed */
	{ "26000", -ESTALE }, /* no such prepared statement: somebody between us and the server lost it */
	{ "25", -EPROTO },    /* a transaction in the wrong state */
	{ "42", -EPROTO },    /* syntax, names, rights */
	{ "54", -EPROTO },      { "58", -EIO }, /* system error, internal error */
	{ "F0", -EIO },         { "XX", -EIO },
};

int postgres_errno(const char *sqlstate)
{
	for (size_t i = 0; sqlstate && i < ARRAY_SIZE(codes); i++) {
		if (strncmp(sqlstate, codes[i].code, strlen(codes[i].code)) == 0)
			return codes[i].error;
	}
	return -EPROTO;
}

/* Messages of these classes name tables, columns and constraints; others may repeat a value. */
static bool is_safe(const char *sqlstate)
{
	static const char *const classes[] = { "08", "23", "25", "28", "3D", "40", "42", "53", "54", "55", "57" };

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		if (strncmp(sqlstate, classes[i], 2) == 0)
			return true;
	}
	return false;
}

int postgres_error(const struct pg_result *result, struct store_words *words)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (!sqlstate) {
		store_words_set(words, "the connection to the server was lost");
		return -ENOTCONN;
	}
	store_words_set(words, "%s (SQLSTATE %s)", message && is_safe(sqlstate) ? message : "refused by the server",
	                sqlstate);
	return postgres_errno(sqlstate);
}
