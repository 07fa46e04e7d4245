/* Claims (RFC 7519, RFC 9068): JSON to struct and back. What is read here has a good signature already, so that a fault
 * is a bug or another issuer's token; it is checked as strictly all the same. */
#include "token/token_internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>

struct claim {
	const char *name;
	size_t offset;
	bool required;
};

static const struct claim texts[] = {
	{ "iss", offsetof(struct token_claims, iss), true },
	{ "aud", offsetof(struct token_claims, aud), true },
	{ "sub", offsetof(struct token_claims, sub), true },
	{ "client_id", offsetof(struct token_claims, client_id), true },
	{ "jti", offsetof(struct token_claims, jti), true },
	{ "sid", offsetof(struct token_claims, sid), false },
	{ "role", offsetof(struct token_claims, role), false },
};

static const struct claim times[] = {
	{ "iat", offsetof(struct token_claims, iat), true },
	{ "nbf", offsetof(struct token_claims, nbf), false },
	{ "exp", offsetof(struct token_claims, exp), true },
};

static struct str *text_of(const struct token_claims *c, size_t i)
{
	return (struct str *)(void *)((char *)c + texts[i].offset);
}

static int64_t *time_of(const struct token_claims *c, size_t i)
{
	return (int64_t *)(void *)((char *)c + times[i].offset);
}

size_t claims_text_size(const struct token_claims *c)
{
	size_t size = 0;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		size += text_of(c, i)->len + 1;
	return size;
}

void claims_copy(const struct token_claims *from, char *block, struct token_claims *ret)
{
	*ret = *from;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct str *text = text_of(ret, i);

		if (str_is_null(*text))
			continue;
		memcpy(block, text->data, text->len);
		block[text->len] = '\0';
		text->data = block;
		block += text->len + 1;
	}
}

/* RFC 7519 section 4.1.3: one string or an array of strings; with `wanted` it has to be among them. */
static enum token_error audience_parse(const json_t *aud, const char *wanted, struct str *ret)
{
	bool found = false;

	if (json_is_string(aud)) {
		*ret = (struct str){ json_string_value(aud), json_string_length(aud) };
		return !wanted || str_equal(*ret, str_from(wanted)) ? TOKEN_OK : TOKEN_WRONG_AUDIENCE;
	}
	if (!json_is_array(aud) || json_array_size(aud) == 0)
		return TOKEN_MALFORMED;
	for (size_t i = 0; i < json_array_size(aud); i++) {
		const json_t *one = json_array_get(aud, i);

		if (!json_is_string(one))
			return TOKEN_MALFORMED;
		if (i == 0 || (wanted && !found && strcmp(json_string_value(one), wanted) == 0))
			*ret = (struct str){ json_string_value(one), json_string_length(one) };
		found = !wanted || str_equal(*ret, str_from(wanted));
	}
	return found ? TOKEN_OK : TOKEN_WRONG_AUDIENCE;
}

static enum token_error text_parse(const json_t *json, size_t i, struct token_claims *ret)
{
	struct str *text = text_of(ret, i);

	*text = json_member_str(json, texts[i].name);
	if (str_is_null(*text))
		return json_object_get(json, texts[i].name) ? TOKEN_MALFORMED
		       : texts[i].required                  ? TOKEN_MISSING_CLAIM
		                                            : TOKEN_OK;
	return text->len == 0 && texts[i].required ? TOKEN_MALFORMED : TOKEN_OK;
}

static enum token_error time_parse(const json_t *json, size_t i, struct token_claims *ret)
{
	const json_t *member = json_object_get(json, times[i].name);
	json_int_t value = json_integer_value(member);

	*time_of(ret, i) = 0;
	if (!member)
		return times[i].required ? TOKEN_MISSING_CLAIM : TOKEN_OK;
	if (!json_is_integer(member) || value < 0 || value > TOKEN_TIME_MAX)
		return TOKEN_MALFORMED;
	*time_of(ret, i) = value;
	return TOKEN_OK;
}

static enum token_error all_parse(const json_t *json, const struct token_policy *policy, struct token_claims *ret)
{
	enum token_error audience_error = TOKEN_OK;
	enum token_error e = TOKEN_OK;

	*ret = (struct token_claims){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(texts) && e == TOKEN_OK; i++) {
		const json_t *aud = json_object_get(json, "aud");

		if (text_of(ret, i) == &ret->aud && aud)
			audience_error = audience_parse(aud, policy->audience, &ret->aud);
		else
			e = text_parse(json, i, ret);
	}
	for (size_t i = 0; i < ARRAY_SIZE(times) && e == TOKEN_OK; i++)
		e = time_parse(json, i, ret);
	if (e != TOKEN_OK)
		return e;
	if (policy->issuer && !str_equal(ret->iss, str_from(policy->issuer)))
		return TOKEN_WRONG_ISSUER;
	return audience_error;
}

int claims_parse(struct str payload, const struct token_policy *policy, json_t **ret_json, struct token_claims *ret,
                 enum token_error *ret_error)
{
	json_t *json = NULL;
	int r;

	*ret_error = TOKEN_MALFORMED;
	r = json_parse_strict(payload, &json);
	if (r < 0)
		return r == -ENOMEM ? r : -EACCES;
	*ret_error = all_parse(json, policy, ret);
	if (*ret_error != TOKEN_OK) {
		json_decref(json);
		return -EACCES;
	}
	*ret_json = json;
	return 0;
}

enum token_error claims_check_time(const struct token_claims *c, const struct token_policy *policy, int64_t now_s)
{
	if (now_s - policy->leeway_s >= c->exp)
		return TOKEN_EXPIRED;
	if (c->nbf > now_s + policy->leeway_s || c->iat > now_s + policy->leeway_s)
		return TOKEN_NOT_YET_VALID;
	return TOKEN_OK;
}

static bool claims_are_valid(const struct token_claims *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].required && text_of(c, i)->len == 0)
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		if (*time_of(c, i) < 0 || *time_of(c, i) > TOKEN_TIME_MAX)
			return false;
	return c->exp > c->iat;
}

/* json_object_set_new() takes the value over and refuses NULL, which covers text that is not UTF-8. */
static int claims_fill(const struct token_claims *c, json_t *json)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const struct str *text = text_of(c, i);

		if (str_is_null(*text))
			continue;
		if (memchr(text->data, '\0', text->len))
			return -EINVAL;
		if (json_object_set_new(json, texts[i].name, json_stringn(text->data, text->len)) < 0)
			return -EINVAL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		if (!times[i].required && *time_of(c, i) == 0)
			continue;
		if (json_object_set_new(json, times[i].name, json_integer(*time_of(c, i))) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int jws_sign(const struct token_key *k, const char *payload, struct buf *out)
{
	cjose_header_t *header = cjose_header_new(NULL);
	cjose_jws_t *jws = NULL;
	const char *text;
	int r = -EIO;

	if (header && cjose_header_set(header, CJOSE_HDR_ALG, CJOSE_HDR_ALG_ES256, NULL) &&
	    cjose_header_set(header, CJOSE_HDR_KID, k->kid, NULL) && cjose_header_set(header, "typ", "at+jwt", NULL))
		jws = cjose_jws_sign(k->jwk, header, (const uint8_t *)payload, strlen(payload), NULL);
	if (jws && cjose_jws_export(jws, &text, NULL)) {
		r = strlen(text) <= TOKEN_SIZE_MAX ? 0 : -EMSGSIZE;
		if (r == 0)
			buf_adds(out, text);
	} else {
		ERR_clear_error();
	}
	if (jws)
		cjose_jws_release(jws);
	if (header)
		cjose_header_release(header);
	return r < 0 ? r : buf_error(out);
}

int token_sign(const struct token_key *k, const struct token_claims *claims, struct buf *out)
{
	json_t *json CLEANUP(json_done) = NULL;
	char *payload;
	int r;

	assert(k && claims && out);
	if (!claims_are_valid(claims))
		return -EINVAL;
	json = json_object();
	if (!json)
		return -ENOMEM;
	r = claims_fill(claims, json);
	if (r < 0)
		return r;
	payload = json_dumps(json, JSON_COMPACT);
	if (!payload)
		return -ENOMEM;
	r = jws_sign(k, payload, out);
	free(payload);
	return r;
}
