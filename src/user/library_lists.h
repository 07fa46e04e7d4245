/* Named lists, between the files that serve them. */
#ifndef CINESYNC_USER_LIBRARY_LISTS_H
#define CINESYNC_USER_LIBRARY_LISTS_H

#include "user/library_web.h"

#define LIST_TOKEN_SIZE 33 /* 32 characters of base64url (192 bits) and the NUL */
#define LIST_NONCE_SIZE 16
#define LIST_HASH_SIZE 32

/* Columns that list_get, lists_page and lists_changes begin with. */
enum {
	LIST_ID,
	LIST_NAME,
	LIST_DESCRIPTION,
	LIST_ITEMS,
	LIST_CREATED_MS,
	LIST_UPDATED_MS,
	LIST_NONCE,
	LIST_SHARED_MS,
	LIST_COLUMNS
};

/* -ENOMEM. */
int list_from_row(struct arena *a, const struct store_rows *rows, size_t row, struct list_reply *ret) MUST_CHECK;
/* Yields. The person's list; 404. */
int list_find(struct request *req, struct str list_id, struct store_rows *ret) MUST_CHECK;

/* The token of a list's link: an HMAC of list and nonce under a key that is not in the database, so that whoever has
 * the database has no links. -ENOMEM. */
int list_token(struct str list_id, struct str nonce, char ret[LIST_TOKEN_SIZE]) MUST_CHECK;
/* What stands in the database for a token: its SHA-256. -ENOMEM. */
int list_token_hash(struct str token, uint8_t ret[LIST_HASH_SIZE]) MUST_CHECK;

#endif
