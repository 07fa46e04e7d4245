/* An entry of the cache-aside policy: a value, or that there is none, with its times; its form in L2; the draws of
 * jitter and early refreshes. Entries are counted; each holds one reference to its value. Nothing here yields.
 * Limits: ASIDE_AGE_MAX_MS of life, ASIDE_VALIDATOR_MAX bytes of validator.
 *
 * In L2 an entry is an envelope, integers little-endian:
 *
 *	 0 "CSA1"            16 created, ms since 1970    48 delta_ms
 *	 4 checksum          24 fresh_ms                  56 length of the value
 *	12 version           32 stale_ms                  64 the validator
 *	13 flags             40 error_ms                     the value, as encode() wrote it
 *	14 length of the validator
 *
 * The checksum is XXH3 (xxHash, 64 bits) over all that follows it, seeded with that of the key, so that a value under a
 *key that is not its own is as bad as a flipped bit. It is no signature: who can write to Redis can write anything. */
#include "base/fault.h"
#include "cache/aside_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <xxhash.h>

#define VERSION 1
#define FLAG_ABSENT 1u
#define FUTURE_MAX_MS 60000 /* clocks of two machines may differ by this */

enum {
	AT_CHECKSUM = 4,
	AT_VERSION = 12,
	AT_FLAGS = 13,
	AT_VALIDATOR_LEN = 14,
	AT_CREATED = 16,
	AT_FRESH = 24,
	AT_STALE = 32,
	AT_ERROR = 40,
	AT_DELTA = 48,
	AT_VALUE_LEN = 56,
	HEADER_SIZE = 64
};

static const char magic[4] = { 'C', 'S', 'A', '1' };

struct aside_clock aside_clock = { clock_mono_ms, clock_real_ms };

bool aside_early(int64_t left_ms, int64_t delta_ms, double beta, double u)
{
	return beta > 0 && u < exp(-(double)left_ms / ((double)delta_ms * beta));
}

static int64_t within(int64_t span_ms, int64_t most_ms)
{
	return MIN(MAX(span_ms, (int64_t)0), most_ms);
}

struct aside_life aside_life_draw(const struct aside_life *life, double jitter, double u)
{
	struct aside_life l;

	l.fresh_ms = within(life->fresh_ms, ASIDE_AGE_MAX_MS);
	l.fresh_ms -= (int64_t)((double)l.fresh_ms * jitter * u);
	l.stale_ms = within(life->stale_ms, ASIDE_AGE_MAX_MS - l.fresh_ms);
	l.error_ms = within(life->error_ms, ASIDE_AGE_MAX_MS - l.fresh_ms - l.stale_ms);
	return l;
}

int64_t aside_life_sum(const struct aside_life *life)
{
	return life->fresh_ms + life->stale_ms + life->error_ms;
}

struct aside_entry *aside_entry_new(const struct aside_ops *ops, void *value, const struct aside_life *life,
                                    struct str validator, int64_t delta_ms)
{
	size_t len = validator.len <= ASIDE_VALIDATOR_MAX ? validator.len : 0;
	struct aside_entry *e = fault_hit("alloc") ? NULL : calloc(1, sizeof(*e) + len);

	if (!e)
		return NULL;
	e->refs = 1;
	e->ops = ops;
	e->value = value;
	e->created_ms = aside_clock.real_ms();
	e->born_ms = aside_clock.mono_ms();
	e->life = *life;
	e->delta_ms = MAX(delta_ms, (int64_t)1);
	e->retry_ms = INT64_MIN;
	e->validator_len = (uint8_t)len;
	if (len > 0)
		memcpy(e->validator, validator.data, len);
	return e;
}

struct aside_entry *aside_entry_ref(struct aside_entry *e)
{
	assert(e->refs > 0);
	e->refs++;
	return e;
}

void aside_entry_unref(struct aside_entry **e)
{
	struct aside_entry *old = STEAL(*e);

	if (!old || --old->refs > 0)
		return;
	if (old->value)
		old->ops->unref(old->value);
	free(old);
}

size_t aside_entry_size(const struct aside_entry *e)
{
	return sizeof(*e) + e->validator_len + (e->value ? e->ops->size(e->value) : 0);
}

struct str aside_entry_validator(const struct aside_entry *e)
{
	return e->validator_len > 0 ? (struct str){ e->validator, e->validator_len } : STR_NULL;
}

enum aside_window aside_entry_window(const struct aside_entry *e, int64_t now_ms)
{
	int64_t age_ms = now_ms - e->born_ms;

	if (age_ms < e->life.fresh_ms)
		return ASIDE_WINDOW_FRESH;
	if (age_ms < e->life.fresh_ms + e->life.stale_ms)
		return ASIDE_WINDOW_STALE;
	return age_ms < aside_life_sum(&e->life) ? ASIDE_WINDOW_ERROR : ASIDE_WINDOW_OVER;
}

int64_t aside_entry_end_ms(const struct aside_entry *e)
{
	return e->born_ms + aside_life_sum(&e->life);
}

static void store(char *at, uint64_t number, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (char)(uint8_t)(number >> 8 * i);
}

static uint64_t fetch(const char *at, size_t bytes)
{
	uint64_t number = 0;

	for (size_t i = 0; i < bytes; i++)
		number |= (uint64_t)(uint8_t)at[i] << 8 * i;
	return number;
}

static uint64_t checksum(struct str key, struct str envelope)
{
	struct str rest = str_slice(envelope, AT_VERSION, envelope.len);

	return XXH3_64bits_withSeed(rest.data, rest.len, XXH3_64bits(key.data, key.len));
}

static void header_write(const struct aside_entry *e, char header[HEADER_SIZE])
{
	memset(header, 0, HEADER_SIZE);
	memcpy(header, magic, sizeof(magic));
	header[AT_VERSION] = VERSION;
	header[AT_FLAGS] = (char)(e->value ? 0 : FLAG_ABSENT);
	store(header + AT_VALIDATOR_LEN, e->validator_len, 2);
	store(header + AT_CREATED, (uint64_t)e->created_ms, 8);
	store(header + AT_FRESH, (uint64_t)e->life.fresh_ms, 8);
	store(header + AT_STALE, (uint64_t)e->life.stale_ms, 8);
	store(header + AT_ERROR, (uint64_t)e->life.error_ms, 8);
	store(header + AT_DELTA, (uint64_t)e->delta_ms, 8);
}

void aside_entry_encode(const struct aside_entry *e, struct str key, struct buf *out)
{
	char header[HEADER_SIZE];
	size_t before;

	assert(out->len == 0);
	header_write(e, header);
	buf_add(out, header, sizeof(header));
	buf_add(out, e->validator, e->validator_len);
	before = out->len;
	if (e->value)
		e->ops->encode(e->value, out);
	if (buf_error(out) < 0)
		return;
	store(out->data + AT_VALUE_LEN, out->len - before, 8);
	store(out->data + AT_CHECKSUM, checksum(key, buf_str(out)), 8);
}

static bool is_envelope(struct str key, struct str bytes)
{
	size_t validator_len;

	if (bytes.len < HEADER_SIZE || memcmp(bytes.data, magic, sizeof(magic)) != 0 ||
	    fetch(bytes.data + AT_CHECKSUM, 8) != checksum(key, bytes) || bytes.data[AT_VERSION] != VERSION)
		return false;
	validator_len = fetch(bytes.data + AT_VALIDATOR_LEN, 2);
	return validator_len <= ASIDE_VALIDATOR_MAX && validator_len <= bytes.len - HEADER_SIZE &&
	       fetch(bytes.data + AT_VALUE_LEN, 8) == bytes.len - HEADER_SIZE - validator_len;
}

static int span_read(const char *at, int64_t least_ms, int64_t *ret_ms)
{
	uint64_t span_ms = fetch(at, 8);

	if (span_ms > ASIDE_AGE_MAX_MS || (int64_t)span_ms < least_ms)
		return -EBADMSG;
	*ret_ms = (int64_t)span_ms;
	return 0;
}

static int times_read(const char *header, struct aside_life *ret_life, int64_t *ret_delta_ms)
{
	struct aside_life life;

	if (span_read(header + AT_FRESH, 0, &life.fresh_ms) < 0 ||
	    span_read(header + AT_STALE, 0, &life.stale_ms) < 0 ||
	    span_read(header + AT_ERROR, 0, &life.error_ms) < 0 || aside_life_sum(&life) > ASIDE_AGE_MAX_MS)
		return -EBADMSG;
	*ret_life = life;
	return span_read(header + AT_DELTA, 1, ret_delta_ms);
}

/* Since the source said it. */
static int age_read(const char *header, const struct aside_life *life, int64_t *ret_created_ms, int64_t *ret_age_ms)
{
	int64_t created_ms = (int64_t)fetch(header + AT_CREATED, 8);
	int64_t now_ms = aside_clock.real_ms();

	if (created_ms < 0 || created_ms > now_ms + FUTURE_MAX_MS)
		return -EBADMSG;
	if (now_ms - created_ms >= aside_life_sum(life))
		return -ESTALE;
	*ret_created_ms = created_ms;
	*ret_age_ms = MAX(now_ms - created_ms, (int64_t)0);
	return 0;
}

static int value_read(const struct aside_ops *ops, uint8_t flags, struct str bytes, const struct aside_life *life,
                      void **ret_value)
{
	if (flags == 0)
		return ops->decode(bytes, life, ret_value);
	if (flags != FLAG_ABSENT || bytes.len > 0)
		return -EBADMSG;
	*ret_value = NULL;
	return 0;
}

/* Of the lengths that is_envelope() has checked. */
static int envelope_open(const struct aside_ops *ops, struct str bytes, struct aside_entry **ret)
{
	size_t value_at = HEADER_SIZE + fetch(bytes.data + AT_VALIDATOR_LEN, 2);
	int64_t created_ms = 0, age_ms = 0, delta_ms = 0;
	struct aside_life life;
	struct aside_entry *e;
	void *value = NULL;
	int r;

	r = times_read(bytes.data, &life, &delta_ms);
	if (r == 0)
		r = age_read(bytes.data, &life, &created_ms, &age_ms);
	if (r == 0)
		r = value_read(ops, (uint8_t)bytes.data[AT_FLAGS], str_slice(bytes, value_at, bytes.len), &life,
		               &value);
	if (r < 0)
		return r;
	e = aside_entry_new(ops, value, &life, str_slice(bytes, HEADER_SIZE, value_at), delta_ms);
	if (!e) {
		if (value)
			ops->unref(value);
		return -ENOMEM;
	}
	e->created_ms = created_ms;
	e->born_ms -= age_ms;
	*ret = e;
	return 0;
}

int aside_entry_decode(const struct aside_ops *ops, struct str key, struct str bytes, struct aside_entry **ret)
{
	return is_envelope(key, bytes) ? envelope_open(ops, bytes, ret) : -EBADMSG;
}
