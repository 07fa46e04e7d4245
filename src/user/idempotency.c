/* One row a key. A claim is taken by itself before the work, so that a repeat sees it at once; it runs out with the
 * request's deadline, for the case that we do not live to give it back. */
#include "user/idempotency.h"

#include "base/clock.h"
#include "fiber/offload.h"
#include "user/statements.h"

#include <errno.h>
#include <openssl/evp.h>

enum {
	KEY_MAX = 255,
	HASH_SIZE = 32,
	KEPT_MS = 24 * 3600 * 1000,
	CLAIM_MS = 60000, /* of a request without a deadline */
	CLAIM_SLACK_MS = 5000,
	BODY_MAX = 1 << 20,
	HASH_HERE_MAX = 1 << 17, /* bytes hashed on the loop */
	RETRY_AFTER_S = 1,
};

enum { FIND_HASH, FIND_STATUS, FIND_LOCATION, FIND_BODY };

const struct problem problem_idempotency_key_reused = { 422, "idempotency-key-reused",
	                                                "This Idempotency-Key was used for another request", LOG_INFO };
const struct problem problem_idempotency_key_in_use = { 409, "idempotency-key-in-use",
	                                                "The first request with this Idempotency-Key is not done yet",
	                                                LOG_INFO };

static int key_read(struct request *req, struct str *ret)
{
	struct str key = str_trim(request_header(req, "Idempotency-Key"));

	if (key.len >= 2 && key.data[0] == '"' && key.data[key.len - 1] == '"')
		key = str_slice(key, 1, key.len - 1);
	if (key.len == 0 || key.len > KEY_MAX)
		return request_problem(req, &problem_malformed_request,
		                       "Idempotency-Key should have 1 to 255 visible ASCII characters.");
	for (size_t i = 0; i < key.len; i++)
		if (key.data[i] <= ' ' || key.data[i] > '~')
			return request_problem(req, &problem_malformed_request,
			                       "Idempotency-Key should be visible ASCII characters.");
	*ret = key;
	return 0;
}

struct hashing {
	enum http_method method;
	struct str parts[2];
	uint8_t hash[HASH_SIZE];
};

/* Method, target and body, each with its length before it. */
static int hash_work(void *arg)
{
	struct hashing *h = arg;
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	unsigned len = 0;
	bool ok = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) &&
	          EVP_DigestUpdate(digest, &h->method, sizeof(h->method));

	for (size_t i = 0; ok && i < ARRAY_SIZE(h->parts); i++)
		ok = EVP_DigestUpdate(digest, &h->parts[i].len, sizeof(h->parts[i].len)) &&
		     EVP_DigestUpdate(digest, h->parts[i].data ? h->parts[i].data : "", h->parts[i].len);
	ok = ok && EVP_DigestFinal_ex(digest, h->hash, &len);
	EVP_MD_CTX_free(digest);
	return ok ? 0 : -ENOMEM;
}

/* A file takes milliseconds. */
static int request_hash(struct request *req, uint8_t ret[HASH_SIZE])
{
	struct hashing h = { .method = request_route(req)->method,
		             .parts = { request_target(req), request_body_raw(req) } };
	int r = h.parts[1].len > HASH_HERE_MAX ? offload_run(&(struct offload){ .work = hash_work, .arg = &h })
	                                       : hash_work(&h);

	if (r == 0)
		memcpy(ret, h.hash, HASH_SIZE);
	return r;
}

static int64_t claim_ms(void)
{
	int64_t left_ms = fiber_time_left_ms();

	return left_ms == INT64_MAX ? CLAIM_MS : left_ms + CLAIM_SLACK_MS;
}

static int answer_again(struct request *req, const struct store_rows *rows)
{
	struct str location = store_text(rows, 0, FIND_LOCATION);
	int r = respond_header_static(req, "Idempotent-Replayed", "true");

	if (r == 0 && location.data)
		r = respond_header(req, "Location", location);
	if (r == 0)
		r = respond_text(req, (int)store_int(rows, 0, FIND_STATUS), "application/json",
		                 store_text(rows, 0, FIND_BODY));
	return r < 0 ? r : 1;
}

/* Somebody had the key before. */
static int first_find(struct request *req, struct str key, struct str hash)
{
	struct store_rows rows;
	int r = store_read(user_state()->store, sql_idempotency_find,
	                   STORE_ARGS(STORE_S(request_user(req)->id), STORE_S(key)), request_arena(req), &rows);

	if (r < 0)
		return user_store_failed(req, r, "look for an idempotency key");
	if (rows.n > 0 && !str_equal(store_text(&rows, 0, FIND_HASH), hash)) {
		violations_add(request_violation_list(req), "header", "Idempotency-Key", "value_error",
		               "Another request was sent with this key");
		return request_problem(req, &problem_idempotency_key_reused, "Take a new key for a new request.");
	}
	if (rows.n == 0 || store_is_null(&rows, 0, FIND_STATUS)) /* no row: given back just now */
		return request_problem_retry(req, &problem_idempotency_key_in_use, RETRY_AFTER_S,
		                             "Ask again in a moment.");
	return answer_again(req, &rows);
}

int idempotency_begin(struct request *req, struct idempotency *ret)
{
	int64_t now_ms = clock_real_ms();
	uint8_t hash[HASH_SIZE];
	struct store_rows rows;
	struct idempotency i = { .req = req };
	struct str hashed = { (const char *)hash, sizeof(hash) };
	int r;

	if (!request_header(req, "Idempotency-Key").data)
		return 0;
	r = key_read(req, &i.key);
	if (r == 0)
		r = request_hash(req, hash);
	if (r < 0)
		return r;
	uuid_v7(i.claim);
	r = store_query(user_state()->store, sql_idempotency_claim,
	                STORE_ARGS(STORE_S(request_user(req)->id), STORE_S(i.key), STORE_BYTES(hashed),
	                           STORE_S(str_from(i.claim)), STORE_I(now_ms + claim_ms()), STORE_I(now_ms),
	                           STORE_I(now_ms - KEPT_MS)),
	                request_arena(req), &rows);
	if (r < 0)
		return user_store_failed(req, r, "claim an idempotency key");
	if (rows.n == 0)
		return first_find(req, i.key, hashed);
	*ret = i;
	return 0;
}

int idempotency_finish(struct idempotency *i, struct store_tx *tx, int status, struct str location,
                       const struct schema *schema, const void *value)
{
	struct buf body CLEANUP(buf_done);
	struct store_rows rows;
	int r;

	buf_init(&body, BODY_MAX);
	if (!idempotency_is_on(i))
		return 0;
	schema_write(schema, value, &body);
	r = buf_error(&body);
	if (r == 0)
		r = store_tx_query(tx, sql_idempotency_finish,
		                   STORE_ARGS(STORE_S(request_user(i->req)->id), STORE_S(i->key),
		                              STORE_S(str_from(i->claim)), STORE_I(status), STORE_S(location),
		                              STORE_S(buf_str(&body))),
		                   request_arena(i->req), &rows);
	if (r < 0)
		return r;
	return rows.n > 0 ? 0 : -ESTALE;
}

void idempotency_release(struct idempotency *i)
{
	struct str key = i->key;
	int r;

	i->key = STR_NULL;
	if (!key.data)
		return;
	/* One that is stored has a status, and stays. */
	fiber_shield();
	r = store_query(user_state()->store, sql_idempotency_release,
	                STORE_ARGS(STORE_S(request_user(i->req)->id), STORE_S(key), STORE_S(str_from(i->claim))),
	                request_arena(i->req), NULL);
	fiber_unshield();
	if (r < 0)
		log_debug("an idempotency key was not given back; its claim runs out", LOG_ERR(r));
}
