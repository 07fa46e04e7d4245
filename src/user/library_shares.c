/* Links to lists: /users/me/lists/{list_id}/share for their owners, /lists/shared/{token} for everybody else. */
#include "base/clock.h"
#include "token/base64url.h"
#include "token/seal.h"
#include "user/library_lists.h"
#include "user/statements.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

enum { TOKEN_BYTES = 24 };

/* Columns of list_shared. */
enum {
	SHARED_ID,
	SHARED_USER,
	SHARED_NAME,
	SHARED_DESCRIPTION,
	SHARED_ITEMS,
	SHARED_CREATED_MS,
	SHARED_UPDATED_MS,
	SHARED_OWNER
};

int list_token(struct str list_id, struct str nonce, char ret[LIST_TOKEN_SIZE])
{
	struct buf named CLEANUP(buf_done), text CLEANUP(buf_done);
	uint8_t mac[SEAL_MAC_SIZE];
	int r;

	buf_init(&named, 256);
	buf_init(&text, LIST_TOKEN_SIZE);
	buf_adds(&named, "list-link ");
	buf_add_str(&named, list_id);
	buf_add_str(&named, nonce);
	r = buf_error(&named);
	if (r == 0)
		r = seal_mac(user_state()->secret_seal, buf_str(&named), mac);
	if (r < 0)
		return r;
	base64url_write(&text, mac, TOKEN_BYTES);
	OPENSSL_cleanse(mac, sizeof(mac));
	r = buf_error(&text);
	if (r == 0)
		memcpy(ret, text.data, LIST_TOKEN_SIZE);
	return r;
}

int list_token_hash(struct str token, uint8_t ret[LIST_HASH_SIZE])
{
	return EVP_Digest(token.data, token.len, ret, NULL, EVP_sha256(), NULL) ? 0 : -ENOMEM;
}

static struct str bytes(const void *data, size_t len)
{
	return (struct str){ data, len };
}

/* ---- the owner's side ---- */

static int share_change(struct request *req, struct str list_id, const struct store_statement *change)
{
	struct str user_id = request_user(req)->id;
	const struct store_value lock[] = { STORE_S(user_id) };
	const struct store_value count[] = { STORE_S(user_id), STORE_S(list_id), STORE_I(0) };
	const struct store_statement statements[] = {
		{ sql_library_lock, lock, ARRAY_SIZE(lock) },
		*change,
		{ sql_list_count, count, ARRAY_SIZE(count) },
	};
	struct store_rows rows[ARRAY_SIZE(statements)];
	int r = store_batch(user_state()->store, statements, ARRAY_SIZE(statements), request_arena(req), rows);

	return r < 0 ? library_failed(req, r, "share a list") : 0;
}

/* A list that has a link keeps it. */
static int share_make(struct request *req, struct str list_id)
{
	uint8_t nonce[LIST_NONCE_SIZE], hash[LIST_HASH_SIZE];
	char token[LIST_TOKEN_SIZE];
	int r;

	random_fill(nonce, sizeof(nonce));
	r = list_token(list_id, bytes(nonce, sizeof(nonce)), token);
	if (r == 0)
		r = list_token_hash(str_from(token), hash);
	OPENSSL_cleanse(token, sizeof(token));
	if (r == 0) {
		const struct store_value args[] = {
			STORE_S(request_user(req)->id),
			STORE_S(list_id),
			STORE_BYTES(bytes(nonce, sizeof(nonce))),
			STORE_BYTES(bytes(hash, sizeof(hash))),
			STORE_I(clock_real_ms()),
		};
		const struct store_statement change = { sql_list_share, args, ARRAY_SIZE(args) };

		r = share_change(req, list_id, &change);
	}
	return r;
}

static int answer_share(struct request *req, struct str list_id)
{
	char token[LIST_TOKEN_SIZE];
	struct list_share out;
	struct store_rows rows;
	int r = list_find(req, list_id, &rows);

	if (r < 0)
		return r;
	if (store_is_null(&rows, 0, LIST_NONCE))
		return request_problem(req, &problem_list_not_found, "This list is not shared.");
	r = list_token(list_id, store_text(&rows, 0, LIST_NONCE), token);
	if (r == 0)
		r = clock_text(request_arena(req), store_int(&rows, 0, LIST_SHARED_MS), &out.shared_at);
	if (r < 0)
		return r;
	out.token = str_from(token);
	out.path = arena_printf(request_arena(req), "/api/v1/lists/shared/%s", token);
	r = out.path.data ? respond(req, 200, &list_share_schema, &out) : -ENOMEM;
	OPENSSL_cleanse(token, sizeof(token));
	return r;
}

static int share_get(struct request *req)
{
	struct list_path path;
	int r = request_parse(req, &path, NULL, NULL);

	return r < 0 ? r : answer_share(req, path.list_id);
}

static int share_put(struct request *req)
{
	struct list_path path;
	int r = request_parse(req, &path, NULL, NULL);

	if (r == 0)
		r = library_may_write(req);
	if (r == 0)
		r = share_make(req, path.list_id);
	return r < 0 ? r : answer_share(req, path.list_id);
}

static int share_delete(struct request *req)
{
	struct list_path path;
	int r = request_parse(req, &path, NULL, NULL);

	if (r == 0)
		r = library_may_write(req);
	if (r == 0) {
		const struct store_value args[] = {
			STORE_S(request_user(req)->id),
			STORE_S(path.list_id),
			STORE_I(clock_real_ms()),
		};
		const struct store_statement change = { sql_list_unshare, args, ARRAY_SIZE(args) };

		r = share_change(req, path.list_id, &change);
	}
	return r < 0 ? r : respond_empty(req, 204);
}

/* ---- everybody else's ---- */

static int shared_find(struct request *req, struct str token, struct store_rows *ret)
{
	uint8_t hash[LIST_HASH_SIZE];
	int r = list_token_hash(token, hash);

	if (r < 0)
		return r;
	r = store_read(user_state()->store, sql_list_shared, STORE_ARGS(STORE_BYTES(bytes(hash, sizeof(hash)))),
	               request_arena(req), ret);
	if (r < 0)
		return user_store_failed(req, r, "look for a shared list");
	return ret->n > 0 ? 0 : request_problem(req, &problem_list_not_found, "This link leads nowhere (any more).");
}

/* What its owner thinks of the films is not part of the list. */
static void ratings_hide(struct schema_array *results)
{
	struct library_entry *items = results->items;

	for (size_t i = 0; i < results->n; i++)
		items[i].rating = (struct schema_number){ 0 };
}

static int shared_get(struct request *req)
{
	struct library_source from = { .collection = LIBRARY_LIST };
	struct library_query q;
	struct shared_path path;
	struct store_rows rows;
	struct shared_list out = { 0 };
	struct library_page page;
	int r = request_parse(req, &path, &q, NULL);

	if (r == 0)
		r = shared_find(req, path.token, &rows);
	if (r < 0)
		return r;
	from.user_id = store_text(&rows, 0, SHARED_USER);
	from.list_id = store_text(&rows, 0, SHARED_ID);
	out.name = store_text(&rows, 0, SHARED_NAME);
	out.description = store_text(&rows, 0, SHARED_DESCRIPTION);
	out.owner = store_text(&rows, 0, SHARED_OWNER);
	out.total_results = store_int(&rows, 0, SHARED_ITEMS);
	r = library_page_read(req, &from, &q, &page);
	if (r == 0)
		r = clock_text(request_arena(req), store_int(&rows, 0, SHARED_UPDATED_MS), &out.updated_at);
	if (r < 0)
		return r;
	out.results = page.results;
	out.next_cursor = page.next_cursor;
	ratings_hide(&out.results);
	return library_respond_cached(req, &shared_list_schema, &out);
}

#define TAG .tag = "lists", .auth = HTTP_AUTH_USER
#define SHARE .path = "/api/v1/users/me/lists/{list_id}/share", .path_params = &list_path_schema

const struct route share_routes[] = {
	{ .method = HTTP_GET,
	  SHARE,
	  .handler = share_get,
	  TAG,
	  .reply = { 200, &list_share_schema, NULL, "The link." },
	  .errors = { 401, 404, 503 },
	  .summary = "The link to a list" },
	{ .method = HTTP_PUT,
	  SHARE,
	  .handler = share_put,
	  TAG,
	  .reply = { 200, &list_share_schema, NULL, "The link; the one there was, if there was one." },
	  .errors = { 401, 404, 429, 503 },
	  .summary = "Share a list by a link",
	  .doc = "Whoever has the link may read the list, its films and notes, and its owner's display name, but not "
	         "the "
	         "owner's ratings. Nobody can guess it." },
	{ .method = HTTP_DELETE,
	  SHARE,
	  .handler = share_delete,
	  TAG,
	  .reply = { 204, NULL, NULL, "There is no link (any more); one made later is another." },
	  .errors = { 401, 429, 503 },
	  .summary = "Stop sharing a list" },
	{ .method = HTTP_GET,
	  .path = "/api/v1/lists/shared/{token}",
	  .handler = shared_get,
	  .tag = "lists",
	  .path_params = &shared_path_schema,
	  .query = &shared_query_schema,
	  .reply = { 200, &shared_list_schema, NULL, "The list, with one page of its films." },
	  .errors = { 404, 503 },
	  .cacheable = true,
	  .summary = "A list that somebody shares" },
	{ 0 },
};
