/* Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a POST that is sent twice takes effect once.
 *
 * A handler claims the key first, and stores its answer in the transaction of the effect: after a crash both are there
 * or neither. Who repeats the request within 24 hours gets the stored answer; another request under the same key is
 * 422, a repeat while the first is still at work 409. What failed stores nothing, and may be tried again under its key.
 * Keys are 1 to 255 visible ASCII characters, with or without the quotes of a structured field; each person has their
 * own. A request without the header goes its way untouched. */
#ifndef CINESYNC_USER_IDEMPOTENCY_H
#define CINESYNC_USER_IDEMPOTENCY_H

#include "base/random.h"
#include "user/user.h"

struct idempotency {
	struct request *req;
	struct str key; /* null: the request has none */
	char claim[UUID_SIZE];
};

extern const struct problem problem_idempotency_key_reused;
extern const struct problem problem_idempotency_key_in_use;

/* Yields. 0: go on; 1: the request is answered; else the error to return. *ret is for CLEANUP(idempotency_release). */
int idempotency_begin(struct request *req, struct idempotency *ret) MUST_CHECK;
static inline bool idempotency_is_on(const struct idempotency *i)
{
	return i->key.data;
}
/* Yields. Stores the answer in the transaction of the effect (tx may be NULL without a key: then nothing is done).
 * location: null: none. -ESTALE: it took so long that somebody else has the key by now: roll back. */
int idempotency_finish(struct idempotency *i, struct store_tx *tx, int status, struct str location,
                       const struct schema *schema, const void *value) MUST_CHECK;
/* The transaction is committed: there is nothing to give back. */
static inline void idempotency_kept(struct idempotency *i)
{
	i->key = STR_NULL;
}
/* Yields (shielded). Gives the key back unless its answer is stored. After the end of the transaction. */
void idempotency_release(struct idempotency *i);

#endif
