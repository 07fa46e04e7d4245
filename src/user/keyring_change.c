/* Changes of the key set: each is one transaction that begins with the lock of a row, so that replicas take turns and
 * see what the one before them did. */
#include "base/clock.h"
#include "base/log.h"
#include "base/secret_file.h"
#include "token/seal.h"
#include "user/audit.h"
#include "user/keyring_inside.h"
#include "user/statements.h"

#include <errno.h>
#include <stdio.h>

#define ARENA_MAX (128 * 1024)
#define KEPT_MS (INT64_C(30) * 24 * 3600 * 1000) /* ended keys are shown so long */

/* A key that is to be stored. */
struct new_key {
	char kid[KEYRING_KID_SIZE];
	struct buf sealed;
	struct buf public_jwk;
	bool is_imported;
};

static void new_key_done(struct new_key *n)
{
	buf_done(&n->sealed);
	buf_done(&n->public_jwk);
}

static int text_make(const struct keyring *k, bool may_import, struct buf *text, bool *ret_imported)
{
	int r = may_import && k->import_file ? secret_file_read(k->import_file, text) : -ENOENT;

	*ret_imported = r == 0;
	if (r < 0 && r != -ENOENT)
		log_error("the signing key cannot be taken over; only its owner may read it",
		          LOG_STR("path", k->import_file), LOG_ERR(r));
	return r == -ENOENT ? token_key_generate(text) : r;
}

static int new_key_make(const struct keyring *k, bool may_import, struct new_key *n)
{
	struct buf text CLEANUP(keyring_text_done);
	struct token_key *key CLEANUP(token_key_free) = NULL;
	int r;

	buf_init(&text, KEYRING_TEXT_MAX);
	buf_init(&n->sealed, KEYRING_TEXT_MAX + SEAL_OVERHEAD);
	buf_init(&n->public_jwk, KEYRING_TEXT_MAX);
	r = text_make(k, may_import, &text, &n->is_imported);
	if (r == 0)
		r = token_key_parse(buf_str(&text), &key);
	if (r < 0)
		return r;
	snprintf(n->kid, sizeof(n->kid), "%s", token_key_id(key));
	r = seal_write(k->seal, buf_str(&text), str_from(n->kid), &n->sealed);
	return r < 0 ? r : token_key_public_write(key, &n->public_jwk);
}

/* The others verify until the last token that they sign before the new key does has ended, and a while longer. */
static int new_key_store(const struct keyring *k, struct store_tx *tx, struct arena *a, const struct new_key *n,
                         int64_t now_ms, int64_t activates_ms)
{
	int64_t ends_ms = activates_ms + (k->token_ttl_s + k->overlap_s) * 1000;
	struct str kid = str_from(n->kid);
	int r = store_tx_query(tx, sql_key_insert,
	                       STORE_ARGS(STORE_S(kid), STORE_BYTES(buf_str(&n->sealed)),
	                                  STORE_S(buf_str(&n->public_jwk)), STORE_I(now_ms), STORE_I(activates_ms)),
	                       a, NULL);

	if (r == 0)
		r = store_tx_query(tx, sql_keys_replace, STORE_ARGS(STORE_S(kid), STORE_I(ends_ms)), a, NULL);
	if (r == 0)
		r = store_tx_query(tx, sql_keys_prune, STORE_ARGS(STORE_I(now_ms - KEPT_MS)), a, NULL);
	return r;
}

/* Yields. With the lock: what there is now. */
static int valid_read(struct store_tx *tx, struct arena *a, int64_t now_ms, struct keyring_time ret[KEYRING_MAX],
                      size_t *ret_n)
{
	struct store_rows rows;
	int r = store_tx_query(tx, sql_keys_valid, STORE_ARGS(STORE_I(now_ms)), a, &rows);

	if (r < 0)
		return r;
	*ret_n = keyring_times_of(&rows, ret);
	return 0;
}

static int change_begin(struct keyring *k, struct arena *a, struct store_tx **ret)
{
	int r = store_begin(k->store, ret);

	return r < 0 ? r : store_tx_query(*ret, sql_keys_lock, STORE_NO_ARGS, a, NULL);
}

static bool has_pending(const struct keyring_time *times, size_t n, int64_t now_ms)
{
	for (size_t i = 0; i < n; i++)
		if (times[i].activates_at_ms > now_ms)
			return true;
	return false;
}

/* 1: go on; 0: there is nothing to do. */
static int is_wanted(const struct keyring *k, enum keyring_why why, const struct keyring_time *times, size_t n,
                     int64_t now_ms)
{
	if (why == KEYRING_FIRST && n > 0)
		return 0;
	if (why == KEYRING_BY_AGE && !keyring_is_due(times, n, k->age_s, k->overlap_s, now_ms))
		return 0;
	if (why == KEYRING_ASKED && has_pending(times, n, now_ms))
		return -EEXIST;
	return n < KEYRING_MAX ? 1 : -ENOSPC;
}

/* ---- the trail ---- */

static const char *const reasons[] = { "there was none", "the age of the last one", "asked for", "asked for, at once" };

/* In the transaction of the change. req: NULL: by age, or by the command line. */
static int audit_make(struct request *req, const char *action, struct str kid, const char *why, struct arena *a,
                      struct audit_event *ret)
{
	*ret = (struct audit_event){
		.action = action,
		.result = AUDIT_SUCCESS,
		.actor_id = req ? request_user(req)->id : STR_NULL,
		.session_id = req ? request_user(req)->session_id : STR_NULL,
		.detail = arena_printf(a, "{\"kid\":\"%.*s\",\"why\":\"%s\"}", STR_ARGS(kid), why),
	};
	return str_is_null(ret->detail) ? -ENOMEM : 0;
}

static int audit(struct request *req, struct store_tx *tx, const char *action, struct str kid, const char *why,
                 struct arena *a)
{
	struct audit_event e;
	int r = audit_make(req, action, kid, why, a, &e);

	if (r == 0)
		r = audit_add(req, tx, a, &e);
	if (r == 0)
		audit_log(req, &e);
	return r;
}

/* ---- a new key ---- */

/* 1: stored; 0: nothing to do. */
static int rotate(struct keyring *k, struct request *req, struct arena *a, enum keyring_why why,
                  const struct new_key *n)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct keyring_time times[KEYRING_MAX];
	int64_t now_ms, activates_ms;
	size_t n_times = 0;
	int r = change_begin(k, a, &tx);

	now_ms = clock_real_ms();
	if (r == 0)
		r = valid_read(tx, a, now_ms, times, &n_times);
	if (r == 0)
		r = is_wanted(k, why, times, n_times, now_ms);
	if (r <= 0)
		return r;
	activates_ms = n_times == 0 || why == KEYRING_AT_ONCE ? now_ms : now_ms + k->overlap_s * 1000;
	r = 0;
	if (why == KEYRING_AT_ONCE)
		r = store_tx_query(tx, sql_keys_drop_pending, STORE_ARGS(STORE_I(now_ms)), a, NULL);
	if (r == 0)
		r = new_key_store(k, tx, a, n, now_ms, activates_ms);
	if (r == 0)
		r = audit(req, tx, "key.rotate", str_from(n->kid), reasons[why], a);
	if (r == 0)
		r = store_commit(&tx);
	return r < 0 ? r : 1;
}

int keyring_rotate(struct keyring *k, struct request *req, enum keyring_why why, char ret_kid[KEYRING_KID_SIZE])
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct new_key n CLEANUP(new_key_done) = { .kid = "" };
	int r = k->is_fixed ? -EPERM : arena_new(ARENA_MAX, &a);

	if (r == 0)
		r = new_key_make(k, why == KEYRING_FIRST, &n);
	if (r == 0)
		r = rotate(k, req, a, why, &n);
	if (r < 0)
		return r;
	if (r == 1)
		log_info("new signing key", LOG_STR("kid", n.kid), LOG_STR("why", reasons[why]),
		         LOG_BOOL("imported", n.is_imported));
	snprintf(ret_kid, KEYRING_KID_SIZE, "%s", r == 1 ? n.kid : "");
	return keyring_load(k);
}

/* Nobody signs now, or nobody will once those that are replaced have ended. */
static bool is_orphaned(const struct keyring_time *times, size_t n, int64_t now_ms)
{
	size_t signing = keyring_signs_at(times, n, now_ms);

	if (signing == n || times[signing].activates_at_ms > now_ms)
		return true;
	for (size_t i = 0; i < n; i++)
		if (times[i].expires_at_ms == 0)
			return false;
	return true;
}

/* Ends that key; stores the new one if nobody else is left to sign from now on. */
static int retire(struct keyring *k, struct request *req, struct arena *a, struct str kid, const struct new_key *n)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct keyring_time times[KEYRING_MAX];
	int64_t now_ms;
	struct store_rows rows;
	size_t n_times = 0;
	int r = change_begin(k, a, &tx);

	now_ms = clock_real_ms();
	if (r == 0)
		r = store_tx_query(tx, sql_key_retire, STORE_ARGS(STORE_S(kid), STORE_I(now_ms)), a, &rows);
	if (r == 0)
		r = rows.n == 0 ? -ENOENT : valid_read(tx, a, now_ms, times, &n_times);
	if (r < 0)
		return r;
	if (is_orphaned(times, n_times, now_ms)) {
		r = store_tx_query(tx, sql_keys_drop_pending, STORE_ARGS(STORE_I(now_ms)), a, NULL);
		if (r == 0)
			r = new_key_store(k, tx, a, n, now_ms, now_ms);
	}
	if (r == 0) /* it was found, so it is one of ours and no text made up */
		r = audit(req, tx, "key.retire", kid, reasons[KEYRING_ASKED], a);
	return r < 0 ? r : store_commit(&tx);
}

int keyring_retire(struct keyring *k, struct request *req, struct str kid)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct new_key n CLEANUP(new_key_done) = { .kid = "" };
	int r = k->is_fixed ? -EPERM : arena_new(ARENA_MAX, &a);

	if (r == 0)
		r = new_key_make(k, false, &n);
	if (r == 0)
		r = retire(k, req, a, kid, &n);
	if (r < 0)
		return r;
	log_warning("signing key retired; its tokens are worth nothing", LOG_STRN("kid", kid));
	return keyring_load(k);
}

/* Columns of sql_keys_all. */
enum { ALL_KID, ALL_CREATED, ALL_ACTIVATES, ALL_EXPIRES };

int keyring_list(struct keyring *k, struct arena *a, struct keyring_key **ret, size_t *ret_n)
{
	struct store_rows rows = { .n = 0 };
	size_t signing = keyring_signs_at(k->times, k->n, clock_real_ms());
	struct str signs = signing < k->n ? str_from(token_key_id(k->keys[signing])) : STR_NULL;
	struct keyring_key *list;
	int r = k->is_fixed ? -EPERM : store_read(k->store, sql_keys_all, STORE_NO_ARGS, a, &rows);

	if (r < 0)
		return r;
	list = arena_array(a, MAX(rows.n, (size_t)1), sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < rows.n; i++)
		list[i] = (struct keyring_key){
			.kid = store_text(&rows, i, ALL_KID),
			.created_at_ms = store_int(&rows, i, ALL_CREATED),
			.time = { store_int(&rows, i, ALL_ACTIVATES), store_int(&rows, i, ALL_EXPIRES) },
			.is_signing = str_equal(store_text(&rows, i, ALL_KID), signs),
		};
	*ret = list;
	*ret_n = rows.n;
	return 0;
}
