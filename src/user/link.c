/* Links in the store. Everything here yields. */
#include "user/link.h"

#include "base/clock.h"
#include "base/random.h"
#include "token/base64url.h"
#include "user/statements.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

enum { SECRET_SIZE = 32, HASH_SIZE = 32 };

static const char *const purposes[] = { "verify_email", "reset_password", "change_email" };

static int64_t life_ms(enum link_purpose purpose)
{
	const struct user_config *c = user_state()->config;

	return (purpose == LINK_RESET_PASSWORD ? c->reset_link_ttl_s : c->verify_link_ttl_s) * 1000;
}

static int token_hash(struct str token, uint8_t ret[HASH_SIZE])
{
	unsigned len = 0;

	return EVP_Digest(token.data, token.len, ret, &len, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}

static struct store_value hash_value(const uint8_t hash[HASH_SIZE])
{
	return STORE_BYTES(((struct str){ (const char *)hash, HASH_SIZE }));
}

static int token_make(char ret[LINK_TOKEN_SIZE])
{
	uint8_t secret[SECRET_SIZE];
	struct buf text CLEANUP(buf_done);
	int r;

	buf_init(&text, LINK_TOKEN_SIZE);
	random_fill(secret, sizeof(secret));
	base64url_write(&text, secret, sizeof(secret));
	OPENSSL_cleanse(secret, sizeof(secret));
	r = buf_error(&text);
	if (r == 0)
		snprintf(ret, LINK_TOKEN_SIZE, "%.*s", STR_ARGS(buf_str(&text)));
	if (text.data)
		OPENSSL_cleanse(text.data, text.len);
	return r;
}

int link_make(struct store_tx *tx, struct arena *a, struct str user_id, enum link_purpose purpose, struct str email,
              struct link *ret)
{
	int64_t now_ms = clock_real_ms();
	struct store_value why = STORE_S(str_from(purposes[purpose]));
	uint8_t hash[HASH_SIZE];
	int r = token_make(ret->token);

	ret->expires_at_ms = now_ms + life_ms(purpose);
	if (r == 0)
		r = token_hash(str_from(ret->token), hash);
	if (r == 0)
		r = store_tx_query(tx, sql_links_drop, STORE_ARGS(STORE_S(user_id), why), a, NULL);
	if (r == 0)
		r = store_tx_query(tx, sql_link_insert,
		                   STORE_ARGS(hash_value(hash), STORE_S(user_id), why, STORE_S(email), STORE_I(now_ms),
		                              STORE_I(ret->expires_at_ms)),
		                   a, NULL);
	return r;
}

int link_use(struct store_tx *tx, struct arena *a, enum link_purpose purpose, struct str token, struct str *ret_user_id,
             struct str *ret_email)
{
	struct store_rows rows;
	uint8_t hash[HASH_SIZE];
	int r = token_hash(token, hash);

	if (r == 0)
		r = store_tx_query(
		        tx, sql_link_use,
		        STORE_ARGS(hash_value(hash), STORE_S(str_from(purposes[purpose])), STORE_I(clock_real_ms())), a,
		        &rows);
	if (r < 0)
		return r;
	if (rows.n == 0)
		return -ENOENT;
	*ret_user_id = store_text(&rows, 0, 0);
	*ret_email = store_text(&rows, 0, 1);
	return 0;
}

int link_peek(struct store *s, struct arena *a, enum link_purpose purpose, struct str token, struct str *ret_email,
              struct str *ret_display_name)
{
	struct store_rows rows;
	uint8_t hash[HASH_SIZE];
	int r = token_hash(token, hash);

	if (r == 0)
		r = store_read(
		        s, sql_link_peek,
		        STORE_ARGS(hash_value(hash), STORE_S(str_from(purposes[purpose])), STORE_I(clock_real_ms())), a,
		        &rows);
	if (r < 0)
		return r;
	if (rows.n == 0)
		return -ENOENT;
	*ret_email = store_text(&rows, 0, 2);
	*ret_display_name = store_text(&rows, 0, 3);
	return 0;
}

int link_was_good(struct store *s, struct arena *a, struct str token, bool *ret)
{
	struct store_rows rows;
	uint8_t hash[HASH_SIZE];
	int r = token_hash(token, hash);

	if (r == 0)
		r = store_read(s, sql_link_was_good,
		               STORE_ARGS(hash_value(hash), STORE_S(str_from(purposes[LINK_VERIFY_EMAIL])),
		                          STORE_I(clock_real_ms())),
		               a, &rows);
	if (r == 0)
		*ret = rows.n > 0;
	return r;
}

int link_is_fresh(struct store_tx *tx, struct arena *a, struct str user_id, enum link_purpose purpose, bool *ret)
{
	int64_t since_ms = clock_real_ms() - user_state()->config->link_cooldown_s * 1000;
	struct store_rows rows;
	int r = store_tx_query(tx, sql_links_lately,
	                       STORE_ARGS(STORE_S(user_id), STORE_S(str_from(purposes[purpose])), STORE_I(since_ms)), a,
	                       &rows);

	if (r == 0)
		*ret = store_int(&rows, 0, 0) > 0;
	return r;
}
