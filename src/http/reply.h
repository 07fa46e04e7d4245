/* A ready-to-send reply that many requests can share: what the caches hold. Counted, immutable once shared. It may have
 * a second form of the body, compressed, for the clients that take gzip. */
#ifndef CINESYNC_HTTP_REPLY_H
#define CINESYNC_HTTP_REPLY_H

#include "base/str.h"

struct reply;

#define REPLY_CACHE_CONTROL_SIZE 112
#define REPLY_BODY_MAX (16u << 20) /* of a body that is unpacked */

/* A reply with a copy of the body and a strong ETag made from it (64-bit hash of body and type, quoted). -ENOMEM. */
int reply_new(int status, const char *type, struct str body, struct reply **ret) MUST_CHECK;
/* What a reply is made of, to be stored elsewhere and restored by another process. Whether it is whole is the store's
 * business: the tag is believed. */
struct reply_form {
	struct str etag;  /* 18 bytes */
	struct str bytes; /* the body: compressed alone when the reply has that form */
	bool is_gzip;
};
#define REPLY_ETAG_LEN 18
/* Points into the reply. */
struct reply_form reply_store(const struct reply *r);
/* -EBADMSG: no tag of ours, no gzip, or of more than REPLY_BODY_MAX bytes; -ENOMEM. */
int reply_restore(int status, const char *type, const struct reply_form *form, struct reply **ret) MUST_CHECK;
struct reply *reply_ref(struct reply *r);
void reply_unref(struct reply **r);

/* Copied; up to REPLY_CACHE_CONTROL_SIZE - 1 bytes. */
void reply_set_cache_control(struct reply *r, const char *cache_control);
/* Adds the compressed form if it is smaller by a fifth; the answer then varies by Accept-Encoding. Before the reply is
 * shared. 0 also when it does not pay; -ENOMEM. */
int reply_compress(struct reply *r) MUST_CHECK;

int reply_status(const struct reply *r);
struct str reply_body(const struct reply *r);
/* The compressed form; null when there is none. */
struct str reply_gzip(const struct reply *r);
const char *reply_type(const struct reply *r);
const char *reply_etag(const struct reply *r);
const char *reply_cache_control(const struct reply *r); /* or NULL */
/* Bytes it occupies, for bounded caches. */
size_t reply_size(const struct reply *r);

#endif
