/* The keys at hand: loaded from the database or a file, and used. The private halves lie in memory as long as they
 * verify; their texts are wiped. */
#include "user/keyring.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "token/seal.h"
#include "user/keyring_inside.h"
#include "user/statements.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define KEYRING_MAGIC 0x6b72696e

enum {
	ARENA_MAX = 128 * 1024,
	LOOKERS_MAX = 64, /* requests waiting for a look; one more is refused */
	MAX_AGE_S = 300,  /* of the published set in a cache */
};

/* Keys on their way into the ring. */
struct ring_set {
	struct token_key *keys[KEYRING_MAX];
	struct keyring_time times[KEYRING_MAX];
	size_t n;
};

static void ring_set_done(struct ring_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		token_key_free(&s->keys[i]);
	s->n = 0;
}

void keyring_text_done(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_done(b);
}

size_t keyring_times_of(const struct store_rows *rows, struct keyring_time ret[KEYRING_MAX])
{
	size_t n = MIN(rows->n, (size_t)KEYRING_MAX);

	for (size_t i = 0; i < n; i++) {
		ret[i].activates_at_ms = store_int(rows, i, VALID_ACTIVATES);
		ret[i].expires_at_ms = store_int(rows, i, VALID_EXPIRES);
	}
	return n;
}

/* ---- a new set ---- */

static int key_open(const struct keyring *k, struct str kid, struct str sealed, struct token_key **ret)
{
	struct buf text CLEANUP(keyring_text_done);
	int r;

	buf_init(&text, KEYRING_TEXT_MAX);
	r = seal_open(k->seal, sealed, kid, &text);
	return r < 0 ? r : token_key_parse(buf_str(&text), ret);
}

static int set_open(const struct keyring *k, const struct store_rows *rows, struct ring_set *ret)
{
	struct ring_set s CLEANUP(ring_set_done) = { .n = 0 };
	size_t n = keyring_times_of(rows, s.times);

	while (s.n < n) {
		int r = key_open(k, store_text(rows, s.n, VALID_KID), store_text(rows, s.n, VALID_SEALED),
		                 &s.keys[s.n]);

		if (r < 0)
			return r;
		s.n++;
	}
	*ret = s;
	s.n = 0;
	return 0;
}

/* What a cache may keep is out of date before a key signs that is not in it. */
static int jwks_make(const struct keyring *k, const struct ring_set *s, struct token_keyset **ret_keys,
                     struct reply **ret_reply)
{
	const struct token_key *keys[KEYRING_MAX];
	struct buf text CLEANUP(buf_done);
	char control[REPLY_CACHE_CONTROL_SIZE];
	int r;

	for (size_t i = 0; i < s->n; i++)
		keys[i] = s->keys[i];
	buf_init(&text, TOKEN_JWKS_SIZE_MAX);
	r = token_jwks_write(keys, s->n, &text);
	if (r == 0)
		r = token_keyset_parse(buf_str(&text), ret_keys);
	if (r == 0)
		r = reply_new(200, "application/json", buf_str(&text), ret_reply);
	if (r < 0)
		return r;
	snprintf(control, sizeof(control), "public, max-age=%lld",
	         (long long)MIN((int64_t)MAX_AGE_S, k->overlap_s / 2));
	reply_set_cache_control(*ret_reply, control);
	return 0;
}

/* Said, and no reason to stop: who reads the file has the keys of before, and the key set by HTTP. */
static void publish(const struct keyring *k)
{
	int r = k->publish_file ? file_publish(k->publish_file, reply_body(k->jwks)) : 0;

	if (r < 0)
		log_warning("cannot write the public keys", LOG_STR("file", k->publish_file), LOG_ERR(r));
}

/* All or nothing; the set's keys are the ring's then. */
static int ring_replace(struct keyring *k, struct ring_set *s)
{
	struct token_keyset *keys CLEANUP(token_keyset_free) = NULL;
	struct reply *jwks CLEANUP(reply_unref) = NULL;
	int r = jwks_make(k, s, &keys, &jwks);

	if (r < 0)
		return r;
	token_verifier_set_keys(k->verifier, &keys);
	reply_unref(&k->jwks);
	k->jwks = STEAL(jwks);
	publish(k);
	for (size_t i = 0; i < k->n; i++)
		token_key_free(&k->keys[i]);
	memcpy(k->keys, s->keys, sizeof(k->keys));
	memcpy(k->times, s->times, sizeof(k->times));
	k->n = s->n;
	s->n = 0;
	return 0;
}

static bool is_same(const struct keyring *k, const struct store_rows *rows)
{
	struct keyring_time times[KEYRING_MAX];
	size_t n = keyring_times_of(rows, times);

	if (n != k->n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!str_equal(store_text(rows, i, VALID_KID), str_from(token_key_id(k->keys[i]))) ||
		    times[i].activates_at_ms != k->times[i].activates_at_ms ||
		    times[i].expires_at_ms != k->times[i].expires_at_ms)
			return false;
	return true;
}

int keyring_load(struct keyring *k)
{
	struct ring_set s CLEANUP(ring_set_done) = { .n = 0 };
	struct arena *a CLEANUP(arena_free) = NULL;
	struct store_rows rows;
	int64_t begin_ms = clock_mono_ms();
	int r = arena_new(ARENA_MAX, &a);

	if (r < 0)
		return r;
	k->looked_ms = begin_ms;
	r = store_read(k->store, sql_keys_valid, STORE_ARGS(STORE_I(clock_real_ms())), a, &rows);
	if (r < 0 || begin_ms < k->seen_ms) /* or somebody who began later was done earlier */
		return r;
	k->seen_ms = begin_ms;
	/* No keys at all is not something to take over: without one nobody could do anything. */
	if (rows.n == 0 || is_same(k, &rows))
		return 0;
	r = set_open(k, &rows, &s);
	return r < 0 ? r : ring_replace(k, &s);
}

/* ---- beginning and end ---- */

/* A verifier wants keys from the start: one that nobody has the private half of. */
static int verifier_begin(struct keyring *k, const struct token_policy *policy)
{
	struct buf text CLEANUP(keyring_text_done);
	struct token_key *nobody CLEANUP(token_key_free) = NULL;
	struct token_keyset *keys CLEANUP(token_keyset_free) = NULL;
	int r;

	buf_init(&text, KEYRING_TEXT_MAX);
	r = token_key_generate(&text);
	if (r == 0)
		r = token_key_parse(buf_str(&text), &nobody);
	if (r == 0)
		r = token_keyset_from_key(nobody, &keys);
	return r < 0 ? r : token_verifier_new(&keys, policy, &k->verifier);
}

static int fixed_begin(struct keyring *k, const char *path)
{
	struct ring_set s CLEANUP(ring_set_done) = { .n = 0 };
	int r = token_key_load_or_create(path, &s.keys[0]);

	if (r < 0) {
		log_alert("cannot use the signing key; it must be a private P-256 JWK that only its owner may read",
		          LOG_STR("path", path), LOG_ERR(r));
		return r;
	}
	s.n = 1;
	return ring_replace(k, &s);
}

static int shared_begin(struct keyring *k)
{
	char kid[KEYRING_KID_SIZE];
	int r = keyring_load(k);

	if (r == 0 && k->n == 0)
		r = keyring_rotate(k, NULL, KEYRING_FIRST, kid);
	if (r == 0 && k->n == 0)
		r = -ENOENT;
	if (r == -EBADMSG)
		log_alert("cannot open the signing keys; MASTER_KEY_FILE must be the one they were sealed with, the "
		          "same for all replicas",
		          LOG_ERR(r));
	else if (r < 0)
		log_alert("cannot read the signing keys", LOG_ERR(r), LOG_STR("detail", store_error(k->store)));
	return r;
}

int keyring_open(const struct keyring_options *o, struct keyring **ret)
{
	struct keyring *k CLEANUP(keyring_free) = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	*k = (struct keyring){ .magic = KEYRING_MAGIC,
		               .store = o->store,
		               .seal = o->seal,
		               .is_fixed = o->fixed_file,
		               .age_s = o->age_s,
		               .overlap_s = o->overlap_s,
		               .token_ttl_s = o->token_ttl_s };
	fiber_semaphore_init(&k->looking, 1, LOOKERS_MAX);
	k->import_file = o->import_file ? strdup(o->import_file) : NULL;
	k->publish_file = o->publish_file ? strdup(o->publish_file) : NULL;
	if ((o->import_file && !k->import_file) || (o->publish_file && !k->publish_file))
		return -ENOMEM;
	r = verifier_begin(k, &o->policy);
	if (r == 0)
		r = k->is_fixed ? fixed_begin(k, o->fixed_file) : shared_begin(k);
	if (r < 0)
		return r;
	*ret = STEAL(k);
	return 0;
}

void keyring_free(struct keyring **k)
{
	if (!k || !*k)
		return;
	assert((*k)->magic == KEYRING_MAGIC);
	fiber_end(&(*k)->watcher);
	for (size_t i = 0; i < (*k)->n; i++)
		token_key_free(&(*k)->keys[i]);
	token_verifier_free(&(*k)->verifier);
	reply_unref(&(*k)->jwks);
	free((*k)->import_file);
	free((*k)->publish_file);
	(*k)->magic = 0;
	free(*k);
	*k = NULL;
}

/* ---- the fiber ---- */

static void watch_once(struct keyring *k)
{
	char kid[KEYRING_KID_SIZE];
	int r = keyring_load(k);

	if (r == 0 && keyring_is_due(k->times, k->n, k->age_s, k->overlap_s, clock_real_ms()))
		r = keyring_rotate(k, NULL, KEYRING_BY_AGE, kid);
	if (r < 0 && r != -ECANCELED && !k->is_blind)
		log_warning("the signing keys cannot be looked at; those at hand are used on", LOG_ERR(r),
		            LOG_STR("detail", store_error(k->store)));
	k->is_blind = r < 0;
}

static void watcher(void *arg)
{
	struct keyring *k = arg;

	while (fiber_sleep_ms(KEYRING_POLL_MS + (int64_t)random_below(KEYRING_POLL_MS / 4)) == 0)
		watch_once(k);
}

int keyring_watch(struct keyring *k)
{
	return k->is_fixed ? 0 : fiber_spawn("signing-keys", watcher, k, &k->watcher);
}

/* ---- use ---- */

int keyring_sign(const struct keyring *k, const struct token_claims *claims, struct buf *out)
{
	size_t i = keyring_signs_at(k->times, k->n, clock_real_ms());

	assert(k->magic == KEYRING_MAGIC);
	/* All have ended only for a process that has seen nothing of its database for that long. */
	return i == k->n ? -EAGAIN : token_sign(k->keys[i], claims, out);
}

/* Yields. One look serves all who wait; made-up names cause no more than one every KEYRING_UNKNOWN_MS. */
static int look_again(struct keyring *k)
{
	int64_t begin_ms = clock_mono_ms(), wait_ms;
	int r = fiber_semaphore_acquire(&k->looking);

	if (r < 0)
		return r == -EBUSY ? 0 : r;
	wait_ms = k->looked_ms + KEYRING_UNKNOWN_MS - clock_mono_ms();
	if (k->seen_ms <= begin_ms && wait_ms > 0)
		r = fiber_sleep_ms(wait_ms);
	if (r == 0 && k->seen_ms <= begin_ms)
		r = keyring_load(k);
	fiber_semaphore_release(&k->looking);
	return r;
}

int keyring_verify(struct keyring *k, struct str token, struct arena *a, struct token_claims *ret,
                   enum token_error *ret_error)
{
	int r = token_verify(k->verifier, token, clock_real_ms() / 1000, a, ret, ret_error);
	int looked;

	if (r != -EACCES || *ret_error != TOKEN_UNKNOWN_KEY || k->is_fixed)
		return r;
	looked = look_again(k);
	return looked < 0 ? looked : token_verify(k->verifier, token, clock_real_ms() / 1000, a, ret, ret_error);
}

struct reply *keyring_jwks(const struct keyring *k)
{
	assert(k->magic == KEYRING_MAGIC);
	return k->jwks;
}
