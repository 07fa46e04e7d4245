/* Ready-to-send replies: one allocation each, body and type behind the struct, shared by reference count. They belong
 * to the loop's thread. Nothing here yields. */
#include "http/reply.h"

#include "base/fault.h"
#include "base/map.h"
#include "http/etag.h"

#include <errno.h>
#include <stdlib.h>

#define REPLY_MAGIC 0x5245504cu

struct reply {
	unsigned magic;
	int status;
	size_t refs;
	const char *cache_control;
	const char *type;
	struct str body;
	char etag[ETAG_SIZE];
};

int reply_new(int status, const char *type, struct str body, struct reply **ret)
{
	size_t type_size = strlen(type) + 1;
	struct reply *r;
	char *at;

	r = fault_hit("alloc") ? NULL : malloc(sizeof(*r) + type_size + body.len + 1);
	if (!r)
		return -ENOMEM;
	at = (char *)(r + 1);
	*r = (struct reply){ .magic = REPLY_MAGIC, .status = status, .refs = 1, .type = at };
	memcpy(at, type, type_size);
	at += type_size;
	if (body.len > 0)
		memcpy(at, body.data, body.len);
	at[body.len] = '\0';
	r->body = (struct str){ at, body.len };
	etag_make(r->type, body, r->etag);
	*ret = r;
	return 0;
}

struct reply *reply_ref(struct reply *r)
{
	assert(r->magic == REPLY_MAGIC && r->refs > 0);
	r->refs++;
	return r;
}

void reply_unref(struct reply **r)
{
	struct reply *old;

	if (!r || !*r)
		return;
	old = STEAL(*r);
	assert(old->magic == REPLY_MAGIC && old->refs > 0);
	if (--old->refs > 0)
		return;
	old->magic = 0;
	free(old);
}

void reply_set_cache_control(struct reply *r, const char *cache_control)
{
	assert(r->magic == REPLY_MAGIC);
	r->cache_control = cache_control;
}

int reply_status(const struct reply *r)
{
	assert(r->magic == REPLY_MAGIC);
	return r->status;
}

struct str reply_body(const struct reply *r)
{
	assert(r->magic == REPLY_MAGIC);
	return r->body;
}

const char *reply_type(const struct reply *r)
{
	assert(r->magic == REPLY_MAGIC);
	return r->type;
}

const char *reply_etag(const struct reply *r)
{
	assert(r->magic == REPLY_MAGIC);
	return r->etag;
}

const char *reply_cache_control(const struct reply *r)
{
	assert(r->magic == REPLY_MAGIC);
	return r->cache_control;
}

size_t reply_size(const struct reply *r)
{
	assert(r->magic == REPLY_MAGIC);
	return sizeof(*r) + strlen(r->type) + 1 + r->body.len + 1;
}
