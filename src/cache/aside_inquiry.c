/* Looking into L2, and what that means for what was known before: who is believed when L1 and L2 differ, what may be
 * kept in L1, what answers at once. Owns a reference to `former`. Yields while Redis is asked. Limits: none of its own.
 *
 * What was read of L2 while the key changed is answered and not kept, for it may be from before the change. */
#include "cache/aside_internal.h"

#include <errno.h>

void aside_inquiry_init(struct aside_inquiry *in, struct aside *c, struct str key, struct aside_entry *former)
{
	*in = (struct aside_inquiry){
		.cache = c,
		.key = key,
		.former = former ? aside_entry_ref(former) : NULL,
		.level = ASIDE_L1,
		.changes = c->changes,
		.epoch = c->epoch,
	};
}

void aside_inquiry_done(struct aside_inquiry *in)
{
	aside_entry_unref(&in->former);
}

void aside_inquiry_answer(struct aside_inquiry *in, struct aside_entry *e, enum aside_state state,
                          enum aside_level level)
{
	in->result->entry = aside_entry_ref(e);
	in->result->state = state;
	in->result->level = level;
}

enum aside_window aside_inquiry_window(const struct aside_inquiry *in)
{
	return in->former ? aside_entry_window(in->former, aside_clock.mono_ms()) : ASIDE_WINDOW_OVER;
}

enum aside_state aside_inquiry_state(const struct aside_inquiry *in)
{
	return aside_inquiry_window(in) == ASIDE_WINDOW_FRESH ? ASIDE_HIT : ASIDE_STALE;
}

/* Whether somebody (else, for a flight) changed the key after it was read, or may have. */
static bool has_changed(const struct aside_inquiry *in)
{
	return in->is_changed || (in->is_alone && in->changes != in->cache->changes);
}

/* Whether what was read is still all that is known. */
static bool is_certain(const struct aside_inquiry *in)
{
	return !has_changed(in) && in->epoch == in->cache->epoch;
}

bool aside_inquiry_fill_l1(struct aside_inquiry *in)
{
	struct aside_entry *e = in->former;

	if (!is_certain(in))
		return false;
	e->epoch = in->cache->epoch;
	(void)local_cache_put(in->cache->l1, in->key, e, aside_entry_size(e), aside_entry_end_ms(e));
	return true;
}

/* Takes over the entry that L2 gave, if it is the better one. */
static bool former_replace(struct aside_inquiry *in, struct aside_entry *e)
{
	if (in->former && (e->created_ms < in->former->created_ms ||
	                   (e->created_ms == in->former->created_ms && in->is_background))) {
		aside_entry_unref(&e);
		return false;
	}
	aside_entry_unref(&in->former);
	in->former = e;
	in->level = ASIDE_L2;
	return true;
}

/* Yields. 0: read, maybe something older than what was known; -ENOENT, -EAGAIN; -ETIMEDOUT, -ECANCELED. */
static int read_l2(struct aside_inquiry *in)
{
	struct aside_entry *e = NULL;
	bool was_changed = has_changed(in);
	uint64_t former_epoch = in->epoch;
	int r;

	in->is_changed = false;
	in->changes = in->cache->changes;
	in->epoch = in->cache->epoch;
	r = aside_l2_read(in->cache, in->key, &e);
	if (r == 0 && former_replace(in, e))
		return 0;
	/* The reading vouches for the former one only as far as that was certain before. */
	in->is_changed |= was_changed;
	in->epoch = former_epoch;
	return r;
}

static int answer_fresh_l2(struct aside_inquiry *in)
{
	if (in->level != ASIDE_L2 || aside_inquiry_window(in) != ASIDE_WINDOW_FRESH)
		return ASIDE_NEXT;
	(void)aside_inquiry_fill_l1(in);
	aside_inquiry_answer(in, in->former, ASIDE_HIT, ASIDE_L2);
	return ASIDE_ANSWERED;
}

/* An entry of L1 that somebody may have changed unseen, and L2 does not say so. */
static int answer_suspect(struct aside_inquiry *in, bool l2_has_none)
{
	if (has_changed(in))
		return ASIDE_NEXT;
	if (aside_inquiry_fill_l1(in) && l2_has_none)
		aside_l2_write(in->cache, in->key, in->former);
	aside_inquiry_answer(in, in->former, aside_inquiry_state(in), ASIDE_L1);
	return ASIDE_ANSWERED;
}

/* Yields. */
int aside_inquire(struct aside_inquiry *in)
{
	int r;

	r = read_l2(in);
	if (r == -ETIMEDOUT || r == -ECANCELED)
		return r;
	if (in->is_background)
		return answer_fresh_l2(in);
	if (aside_inquiry_window(in) > ASIDE_WINDOW_STALE)
		return ASIDE_NEXT;
	if (in->level == ASIDE_L1)
		return answer_suspect(in, r != -EAGAIN);
	(void)aside_inquiry_fill_l1(in);
	aside_inquiry_answer(in, in->former, aside_inquiry_state(in), ASIDE_L2);
	return ASIDE_ANSWERED;
}

int aside_inquire_fresh(struct aside_inquiry *in)
{
	int r;

	r = read_l2(in);
	return r == -ETIMEDOUT || r == -ECANCELED ? r : answer_fresh_l2(in);
}

void aside_inquiry_pass(const struct aside_inquiry *in, struct str key, struct aside_inquiry *ret)
{
	*ret = *in;
	ret->key = key;
	ret->former = in->former ? aside_entry_ref(in->former) : NULL;
	ret->result = NULL;
	ret->is_changed = has_changed(in);
	ret->is_alone = false;
}
