/* What the handlers of the library share: finding out about a film, and wording what came of a change. */
#ifndef CINESYNC_USER_LIBRARY_WEB_H
#define CINESYNC_USER_LIBRARY_WEB_H

#include "user/idempotency.h"
#include "user/library.h"
#include "user/library_page.h"

extern const struct problem problem_favorite_exists;
extern const struct problem problem_already_in_collection;
extern const struct problem problem_entry_not_found;
extern const struct problem problem_list_not_found;
extern const struct problem problem_library_full;
extern const struct problem problem_watch_of_another_film;

/* Yields. Finds the film that is to be put somewhere, into c->film (which points into *ret), or leaves that NULL when
 * nobody can say now and the client would rather not wait. For a favourite the movie service is asked in any case;
 * else what it said within SNAPSHOT_AGE_DAYS is good enough. 0, or the problem to return: 404, 503. */
int library_film_find(struct request *req, struct library_change *c, struct movie_brief *ret) MUST_CHECK;
/* Whether to take films as pending while the movie service is away. */
bool library_wants_async(struct request *req);

/* Yields. Is there no such live entry yet? 0, or 409. */
int library_is_new(struct request *req, enum library_collection collection, int64_t movie_id) MUST_CHECK;
/* The 409 of a film that is there already. */
int library_exists(struct request *req, enum library_collection collection, int64_t movie_id) MUST_CHECK;
/* library_apply() for one change, its errors and refusals worded. 0, or the problem to return. */
int library_change_one(struct request *req, struct store_tx *tx, struct library_change *c) MUST_CHECK;
/* Words for an error of library_apply(). */
int library_failed(struct request *req, int r, const char *doing) MUST_CHECK;
/* Yields. The entry as it is after the change; tx: the one it was made in. */
int library_entry_now(struct request *req, struct store_tx *tx, const struct library_change *c,
                      struct library_entry *ret) MUST_CHECK;
/* 201, 200, or 202 while pending. */
int library_status(const struct library_change *c);
/* Answers what was put, with that status; what is pending is looked at soon. */
int library_respond_change(struct request *req, const struct library_change *c, const struct schema *schema,
                           const struct library_entry *out) MUST_CHECK;

/* Yields. Makes the change, which has to be a new entry (else 409), with the answer's copy under the idempotency key,
 * and answers. location: null: -ENOMEM. */
int library_answer_new(struct request *req, struct idempotency *key, struct library_change *c, struct str location,
                       const struct schema *schema) MUST_CHECK;

/* 200 with an ETag, for its owner's eyes. */
int library_respond_cached(struct request *req, const struct schema *schema, const void *value) MUST_CHECK;

/* Yields. A page of the person's own collection, and how much there is. */
int library_answer_page(struct request *req, enum library_collection collection, const struct schema *page) MUST_CHECK;

/* Checks what a handler that writes is limited by. 0, or 429. */
int library_may_write(struct request *req) MUST_CHECK;

#endif
