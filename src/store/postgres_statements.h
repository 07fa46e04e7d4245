/* Which statements a connection has prepared. Private to the driver. Nothing here yields. */
#ifndef CINESYNC_STORE_POSTGRES_STATEMENTS_H
#define CINESYNC_STORE_POSTGRES_STATEMENTS_H

#include "store/driver.h"

#define POSTGRES_STATEMENTS_MAX 1024

struct postgres_statement;

/* Zeroed at first. */
struct postgres_statements {
	struct postgres_statement *items;
	size_t n;
	size_t cap;
	int numbers; /* given so far: a number names a statement at the server, and is never used again */
};

void postgres_statements_done(struct postgres_statements *s);

/* The number of the statement that was prepared for this text and for arguments of these types; -ENOENT: none. */
int postgres_statements_find(const struct postgres_statements *s, const struct store_call *call);
/* A number for it. -ENOSPC: POSTGRES_STATEMENTS_MAX are prepared; -ENOMEM. */
int postgres_statements_add(struct postgres_statements *s, const struct store_call *call) MUST_CHECK;
/* The server does not have it after all, or may not. */
void postgres_statements_forget(struct postgres_statements *s, int number);

#endif
