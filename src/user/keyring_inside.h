/* What keyring.c and keyring_change.c share and nobody else sees. */
#ifndef CINESYNC_USER_KEYRING_INSIDE_H
#define CINESYNC_USER_KEYRING_INSIDE_H

#include "fiber/fiber.h"
#include "user/keyring.h"

struct keyring {
	unsigned magic;
	struct store *store;
	const struct seal *seal;
	char *import_file;
	char *publish_file; /* NULL: nowhere */
	bool is_fixed;      /* one key, out of a file */
	int64_t age_s;
	int64_t overlap_s;
	int64_t token_ttl_s;

	struct token_key *keys[KEYRING_MAX];
	struct keyring_time times[KEYRING_MAX];
	size_t n;
	struct token_verifier *verifier;
	struct reply *jwks;

	struct fiber_semaphore looking; /* one at a time for unknown keys */
	int64_t looked_ms;              /* clock_mono_ms() at the begin of the last look */
	int64_t seen_ms;                /* at the begin of the last one that was answered */
	bool is_blind;                  /* the last look failed, which has been said */
	struct fiber *watcher;
};

#define KEYRING_TEXT_MAX 4096 /* of a private JWK */

/* Columns of sql_keys_valid. */
enum { VALID_KID, VALID_SEALED, VALID_CREATED, VALID_ACTIVATES, VALID_EXPIRES };

/* Of the rows of sql_keys_valid; their number. */
size_t keyring_times_of(const struct store_rows *rows, struct keyring_time ret[KEYRING_MAX]);
/* Yields. Takes over what the database says, if that is something new; on failure the keys stay as they are. -EBADMSG:
 * they were sealed by another master key. */
int keyring_load(struct keyring *k) MUST_CHECK;

/* For CLEANUP(): a buffer that held a secret. */
void keyring_text_done(struct buf *b);

#endif
