/* Ready-to-send replies: body and type behind the struct in one allocation, the compressed form in another, shared by
 * reference count. They belong to the loop's thread. Nothing here yields. */
#include "http/reply.h"

#include "base/fault.h"
#include "base/map.h"
#include "http/etag.h"
#include "http/gzip.h"

#include <errno.h>
#include <stdlib.h>

#define REPLY_MAGIC 0x5245504cu

struct reply {
	unsigned magic;
	int status;
	size_t refs;
	const char *type;
	struct str body;
	char *gzip; /* NULL: none */
	size_t gzip_len;
	char etag[ETAG_SIZE];
	char cache_control[REPLY_CACHE_CONTROL_SIZE]; /* "": none */
};

/* Without a tag. */
static struct reply *reply_alloc(int status, const char *type, struct str body)
{
	size_t type_size = strlen(type) + 1;
	struct reply *r;
	char *at;

	r = fault_hit("alloc") ? NULL : malloc(sizeof(*r) + type_size + body.len + 1);
	if (!r)
		return NULL;
	at = (char *)(r + 1);
	*r = (struct reply){ .magic = REPLY_MAGIC, .status = status, .refs = 1, .type = at };
	memcpy(at, type, type_size);
	at += type_size;
	if (body.len > 0)
		memcpy(at, body.data, body.len);
	at[body.len] = '\0';
	r->body = (struct str){ at, body.len };
	return r;
}

int reply_new(int status, const char *type, struct str body, struct reply **ret)
{
	struct reply *r = reply_alloc(status, type, body);

	if (!r)
		return -ENOMEM;
	etag_make(r->type, body, r->etag);
	*ret = r;
	return 0;
}

static void gzip_keep(struct reply *r, struct buf *packed)
{
	r->gzip = buf_steal(packed, &r->gzip_len);
}

static int restore_packed(int status, const char *type, struct str packed, struct reply **ret)
{
	struct buf body CLEANUP(buf_done);
	struct buf copy CLEANUP(buf_done);
	struct reply *made;
	int r;

	buf_init(&body, REPLY_BODY_MAX);
	buf_init(&copy, packed.len);
	r = gzip_unpack(packed, &body);
	if (r == -ENOBUFS)
		return -EBADMSG;
	buf_add_str(&copy, packed);
	if (r == 0)
		r = buf_error(&copy);
	made = r == 0 ? reply_alloc(status, type, buf_str(&body)) : NULL;
	if (!made)
		return r < 0 ? r : -ENOMEM;
	gzip_keep(made, &copy);
	*ret = made;
	return 0;
}

int reply_restore(int status, const char *type, const struct reply_form *form, struct reply **ret)
{
	struct reply *made = NULL;
	int r = 0;

	if (!etag_is_ours(form->etag))
		return -EBADMSG;
	if (form->is_gzip)
		r = restore_packed(status, type, form->bytes, &made);
	else if (!(made = reply_alloc(status, type, form->bytes)))
		r = -ENOMEM;
	if (r < 0)
		return r;
	memcpy(made->etag, form->etag.data, form->etag.len);
	*ret = made;
	return 0;
}

struct reply_form reply_store(const struct reply *r)
{
	assert(r->magic == REPLY_MAGIC);
	return (struct reply_form){
		.etag = str_from(r->etag),
		.bytes = r->gzip ? (struct str){ r->gzip, r->gzip_len } : r->body,
		.is_gzip = r->gzip,
	};
}

int reply_compress(struct reply *r)
{
	struct buf packed CLEANUP(buf_done);

	assert(r->magic == REPLY_MAGIC && r->refs == 1 && !r->gzip);
	/* A body that does not shrink below the bound is left as it is. */
	buf_init(&packed, r->body.len / 5 * 4);
	gzip_pack(r->body, &packed);
	if (buf_error(&packed) == -ENOMEM)
		return -ENOMEM;
	if (buf_error(&packed) == 0)
		gzip_keep(r, &packed);
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
	free(old->gzip);
	free(old);
}

void reply_set_cache_control(struct reply *r, const char *cache_control)
{
	size_t len = strlen(cache_control);

	assert(r->magic == REPLY_MAGIC && len < sizeof(r->cache_control));
	memcpy(r->cache_control, cache_control, len + 1);
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

struct str reply_gzip(const struct reply *r)
{
	assert(r->magic == REPLY_MAGIC);
	return (struct str){ r->gzip, r->gzip_len };
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
	return r->cache_control[0] ? r->cache_control : NULL;
}

size_t reply_size(const struct reply *r)
{
	assert(r->magic == REPLY_MAGIC);
	return sizeof(*r) + strlen(r->type) + 1 + r->body.len + 1 + (r->gzip ? r->gzip_len + 1 : 0);
}
