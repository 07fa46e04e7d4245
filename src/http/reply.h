/* A ready-to-send reply that many requests can share: what the caches hold. Counted, immutable once shared. */
#ifndef CINESYNC_HTTP_REPLY_H
#define CINESYNC_HTTP_REPLY_H

#include "base/str.h"

struct reply;

/* A reply with a copy of the body and a strong ETag made from it (64-bit hash of body and type, quoted). -ENOMEM. */
int reply_new(int status, const char *type, struct str body, struct reply **ret) MUST_CHECK;
struct reply *reply_ref(struct reply *r);
void reply_unref(struct reply **r);

/* Static text, e.g. "public, max-age=3600". */
void reply_set_cache_control(struct reply *r, const char *cache_control);

int reply_status(const struct reply *r);
struct str reply_body(const struct reply *r);
const char *reply_type(const struct reply *r);
const char *reply_etag(const struct reply *r);
const char *reply_cache_control(const struct reply *r); /* or NULL */
/* Bytes it occupies, for bounded caches. */
size_t reply_size(const struct reply *r);

#endif
