/* The policy's use of Redis: names of keys and leases, entries in and out. A lease's name lies outside the prefix of
 * the values, so that taking it tells nobody that a value changed. Whatever Redis does is at worst a miss. Limits: keys
 * whose name in Redis is over REDIS_KEY_MAX live in L1 alone. */
#include "base/arena.h"
#include "cache/aside_internal.h"

#include <errno.h>

#define LEASE_PREFIX "lease:"
#define ARENA_SIZE (REDIS_VALUE_MAX + 4096)

struct name {
	char bytes[REDIS_KEY_MAX];
	size_t len;
};

static bool name_add(struct name *n, struct str part)
{
	if (part.len > sizeof(n->bytes) - n->len)
		return false;
	memcpy(n->bytes + n->len, part.data, part.len);
	n->len += part.len;
	return true;
}

static bool value_name(const struct aside *c, struct str key, struct name *ret)
{
	ret->len = 0;
	return name_add(ret, str_from(c->prefix)) && name_add(ret, key);
}

static bool lease_name(const struct aside *c, struct str key, struct name *ret)
{
	ret->len = 0;
	return name_add(ret, STR(LEASE_PREFIX)) && name_add(ret, str_from(c->prefix)) && name_add(ret, key);
}

static struct str name_str(const struct name *n)
{
	return (struct str){ n->bytes, n->len };
}

bool aside_l2_is_up(const struct aside *c)
{
	return c->redis && redis_is_up(c->redis);
}

/* Of what Redis gave: -ENOENT when it had to be thrown away. */
static int entry_open(struct aside *c, struct str key, struct str name, struct str bytes, struct aside_entry **ret)
{
	int r;

	r = bytes.data ? aside_entry_decode(c->ops, key, bytes, ret) : -EBADMSG;
	if (r == 0)
		return 0;
	if (r == -ENOMEM)
		return -EAGAIN;
	if (r != -ESTALE)
		c->stats.broken++;
	redis_delete(c->redis, name);
	return -ENOENT;
}

static int scratch_take(struct aside *c, struct arena **ret)
{
	if (c->n_spare == 0)
		return arena_new(ARENA_SIZE, ret);
	*ret = c->spare[--c->n_spare];
	return 0;
}

static void scratch_give(struct aside *c, struct arena *a)
{
	if (c->n_spare == ASIDE_SPARE_MAX) {
		arena_free(&a);
		return;
	}
	arena_reset(a);
	c->spare[c->n_spare++] = a;
}

/* Yields. */
static int read_into(struct aside *c, struct str key, struct arena *a, struct aside_entry **ret)
{
	struct str bytes = STR_NULL;
	struct name name;
	int r;

	if (!value_name(c, key, &name))
		return -EAGAIN;
	r = redis_get(c->redis, name_str(&name), a, &bytes);
	/* Larger than any of ours. */
	if (r == 0 || r == -EMSGSIZE)
		return entry_open(c, key, name_str(&name), r < 0 ? STR_NULL : bytes, ret);
	return r == -ENOENT || r == -ETIMEDOUT || r == -ECANCELED ? r : -EAGAIN;
}

int aside_l2_read(struct aside *c, struct str key, struct aside_entry **ret)
{
	struct arena *a;
	int r;

	if (!aside_l2_is_up(c) || scratch_take(c, &a) < 0)
		return -EAGAIN;
	r = read_into(c, key, a, ret);
	scratch_give(c, a);
	return r;
}

void aside_l2_write(struct aside *c, struct str key, const struct aside_entry *e)
{
	int64_t left_ms = aside_entry_end_ms(e) - aside_clock.mono_ms();
	struct buf envelope CLEANUP(buf_done) = { 0 };
	struct name name;

	if (left_ms <= 0 || !aside_l2_is_up(c) || !value_name(c, key, &name))
		return;
	buf_init(&envelope, REDIS_VALUE_MAX);
	aside_entry_encode(e, key, &envelope);
	if (buf_error(&envelope) < 0)
		redis_delete(c->redis, name_str(&name));
	else
		redis_set(c->redis, name_str(&name), buf_str(&envelope), left_ms);
}

void aside_l2_delete(struct aside *c, struct str key)
{
	struct name name;

	if (aside_l2_is_up(c) && value_name(c, key, &name))
		redis_delete(c->redis, name_str(&name));
}

int aside_l2_lease(struct aside *c, struct str key, char ret_token[REDIS_TOKEN_SIZE])
{
	struct name name;

	if (c->options.lease_ms == 0 || !aside_l2_is_up(c) || !lease_name(c, key, &name))
		return -EAGAIN;
	return redis_lease(c->redis, name_str(&name), c->options.lease_ms, ret_token);
}

void aside_l2_lease_end(struct aside *c, struct str key, const char *token)
{
	struct name name;

	if (lease_name(c, key, &name))
		redis_lease_end(c->redis, name_str(&name), token);
}
