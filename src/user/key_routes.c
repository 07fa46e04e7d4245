/* /admin/keys: the signing keys, for administrators; the way to rotate them that works on every engine. */
#include "user/user.h"

#include "base/clock.h"
#include "user/keyring.h"

#include <errno.h>

const struct problem problem_signing_keys_fixed = { 409, "signing-keys-fixed",
	                                            "The signing key is a file of the installation", LOG_INFO };
const struct problem problem_rotation_under_way = { 409, "rotation-under-way", "A new key is on its way already",
	                                            LOG_INFO };
const struct problem problem_signing_keys_full = { 409, "signing-keys-full", "Too many keys verify still", LOG_INFO };
const struct problem problem_signing_key_not_found = { 404, "signing-key-not-found", "There is no such signing key",
	                                               LOG_INFO };

struct key_path {
	struct str kid;
};
struct rotate_request {
	bool at_once;
};
struct key_reply {
	struct str kid;
	bool is_signing;
	struct str created_at;
	struct str signs_from;
	struct str verifies_until;
};
struct keys_reply {
	struct schema_array results;
};
struct rotate_reply {
	struct str kid;
};

#define AT(type, field) .offset = offsetof(struct type, field)
#define KID .type = SCHEMA_STRING, .flags = SCHEMA_REQUIRED, .min = 1, .max = KEYRING_KID_SIZE - 1
#define WHEN(of_, field_, doc_)                                                                                        \
	{                                                                                                              \
		.name = #field_, .type = SCHEMA_DATETIME, .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE, AT(of_, field_), \
		.doc = (doc_)                                                                                          \
	}

static const struct schema_field key_path_fields[] = {
	{ .name = "kid", KID, AT(key_path, kid), .doc = "Id of the key." },
};
static const struct schema key_path_schema = SCHEMA("SigningKeyPath", struct key_path, key_path_fields, NULL);

static const struct schema_field rotate_request_fields[] = {
	{ .name = "at_once",
	  .type = SCHEMA_BOOL,
	  .def = "false",
	  AT(rotate_request, at_once),
	  .doc = "The new key signs from now on, and not only once everybody has seen it." },
};
static const struct schema rotate_request_schema =
        SCHEMA("SigningKeyRotation", struct rotate_request, rotate_request_fields, "A new signing key.");

static const struct schema_field key_reply_fields[] = {
	{ .name = "kid", KID, AT(key_reply, kid), .doc = "Its id, in the tokens it signed." },
	{ .name = "is_signing",
	  .type = SCHEMA_BOOL,
	  .flags = SCHEMA_REQUIRED,
	  AT(key_reply, is_signing),
	  .doc = "Whether it signs now." },
	WHEN(key_reply, created_at, "When it was made and published."),
	WHEN(key_reply, signs_from, "When it began to sign, or will."),
	WHEN(key_reply, verifies_until, "When its tokens are worth nothing any more; null: it has no successor."),
};
static const struct schema key_reply_schema =
        SCHEMA("SigningKey", struct key_reply, key_reply_fields, "A key that access tokens are signed with.");

static const struct schema_field keys_reply_fields[] = {
	{ .name = "results",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .schema = &key_reply_schema,
	  .max = 100,
	  AT(keys_reply, results),
	  .doc = "The newest first." },
};
static const struct schema keys_reply_schema =
        SCHEMA("SigningKeys", struct keys_reply, keys_reply_fields, "The signing keys.");

static const struct schema_field rotate_reply_fields[] = {
	{ .name = "kid", KID, AT(rotate_reply, kid), .doc = "Id of the new key." },
};
static const struct schema rotate_reply_schema =
        SCHEMA("SigningKeyRotated", struct rotate_reply, rotate_reply_fields, "The new signing key.");

static int failed(struct request *req, int r, const char *doing)
{
	if (r == -EPERM)
		return request_problem(req, &problem_signing_keys_fixed, "The operator has set SIGNING_KEY_FILE.");
	if (r == -EEXIST)
		return request_problem(req, &problem_rotation_under_way,
		                       "It signs once everybody has seen it; at_once makes another.");
	if (r == -ENOSPC)
		return request_problem(req, &problem_signing_keys_full,
		                       "Retire one, or wait until one has ended by itself.");
	if (r == -ENOENT)
		return request_problem(req, &problem_signing_key_not_found, "No key of that id verifies.");
	return user_store_failed(req, r, doing);
}

/* Null for 0. */
static int when(struct arena *a, int64_t ms, struct str *ret)
{
	return ms == 0 ? 0 : clock_text(a, ms, ret);
}

static int key_reply_make(struct arena *a, const struct keyring_key *k, struct key_reply *ret)
{
	int r = when(a, k->created_at_ms, &ret->created_at);

	ret->kid = k->kid;
	ret->is_signing = k->is_signing;
	if (r == 0)
		r = when(a, k->time.activates_at_ms, &ret->signs_from);
	return r < 0 ? r : when(a, k->time.expires_at_ms, &ret->verifies_until);
}

static int keys_list(struct request *req)
{
	struct arena *a = request_arena(req);
	struct keys_reply out = { .results.n = 0 };
	struct keyring_key *keys;
	struct key_reply *items;
	int r = keyring_list(user_state()->keyring, a, &keys, &out.results.n);

	if (r < 0)
		return failed(req, r, "list the signing keys");
	items = arena_array(a, MAX(out.results.n, (size_t)1), sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < out.results.n; i++) {
		r = key_reply_make(a, &keys[i], &items[i]);
		if (r < 0)
			return r;
	}
	out.results.items = items;
	return respond(req, 200, &keys_reply_schema, &out);
}

static int keys_rotate(struct request *req)
{
	struct rotate_request in;
	char kid[KEYRING_KID_SIZE];
	struct rotate_reply out = { .kid = STR_NULL };
	int r = request_parse(req, NULL, NULL, &in);

	if (r < 0)
		return r;
	r = keyring_rotate(user_state()->keyring, req, in.at_once ? KEYRING_AT_ONCE : KEYRING_ASKED, kid);
	if (r < 0)
		return failed(req, r, "rotate the signing keys");
	out.kid = str_from(kid);
	return respond(req, 201, &rotate_reply_schema, &out);
}

static int keys_retire(struct request *req)
{
	struct key_path path;
	int r = request_parse(req, &path, NULL, NULL);

	if (r < 0)
		return r;
	r = keyring_retire(user_state()->keyring, req, path.kid);
	if (r < 0)
		return failed(req, r, "retire a signing key");
	return respond_empty(req, 204);
}

#define TAG .tag = "admin", .auth = HTTP_AUTH_ADMIN

const struct route key_routes[] = {
	{ .method = HTTP_GET,
	  .path = "/api/v1/admin/keys",
	  .handler = keys_list,
	  TAG,
	  .reply = { 200, &keys_reply_schema, NULL, "The keys." },
	  .errors = { 401, 403, 409, 503 },
	  .summary = "The keys that access tokens are signed with" },
	{ .method = HTTP_POST,
	  .path = "/api/v1/admin/keys/rotate",
	  .handler = keys_rotate,
	  TAG,
	  .body = &rotate_request_schema,
	  .reply = { 201, &rotate_reply_schema, NULL, "The new key." },
	  .errors = { 401, 403, 409, 503 },
	  .summary = "Make a new signing key",
	  .doc = "It is published at once, signs once everybody has seen it, and the one before it verifies until its "
	         "last token has ended." },
	{ .method = HTTP_POST,
	  .path = "/api/v1/admin/keys/{kid}/retire",
	  .handler = keys_retire,
	  TAG,
	  .path_params = &key_path_schema,
	  .reply = { 204, NULL, NULL, "Its tokens are worth nothing." },
	  .errors = { 401, 403, 404, 409, 503 },
	  .summary = "End a signing key at once",
	  .doc = "For a key that somebody else may have. Everybody with a token it signed trades in the refresh "
	         "token." },
	{ 0 },
};
