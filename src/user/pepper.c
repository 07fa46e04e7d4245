/* The list of peppers. Nothing here yields; every copy of a secret is wiped. */
#include "user/pepper.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

enum { PEPPERS_MAX = 8, SECRET_MIN = 16, SECRET_MAX = 64, TEXT_MAX = 96 /* base64 of SECRET_MAX bytes: 88 */ };

struct pepper {
	char id[PEPPER_ID_SIZE];
	uint8_t secret[SECRET_MAX];
	size_t len;
};

struct peppers {
	size_t n;
	struct pepper all[PEPPERS_MAX];
};

static bool id_is_good(struct str id)
{
	if (id.len == 0 || id.len >= PEPPER_ID_SIZE)
		return false;
	for (size_t i = 0; i < id.len; i++) {
		char c = id.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
		      c == '-'))
			return false;
	}
	return true;
}

/* Standard base64 with its padding. */
static int secret_parse(struct str text, struct pepper *ret)
{
	uint8_t bytes[TEXT_MAX];
	size_t padding = 0;
	int n;

	if (text.len == 0 || text.len % 4 != 0 || text.len > TEXT_MAX)
		return -EINVAL;
	while (padding < 2 && text.data[text.len - 1 - padding] == '=')
		padding++;
	n = EVP_DecodeBlock(bytes, (const uint8_t *)text.data, (int)text.len) - (int)padding;
	if (n >= SECRET_MIN && n <= SECRET_MAX) {
		memcpy(ret->secret, bytes, (size_t)n);
		ret->len = (size_t)n;
	}
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return n >= SECRET_MIN && n <= SECRET_MAX ? 0 : -EINVAL;
}

static int pepper_parse(struct peppers *p, struct str text)
{
	ptrdiff_t colon = str_index(text, ':', 0);
	struct str id = str_slice(text, 0, colon < 0 ? 0 : (size_t)colon);
	struct pepper *one = &p->all[p->n];

	if (p->n == PEPPERS_MAX || !id_is_good(id) || peppers_find(p, id))
		return -EINVAL;
	if (secret_parse(str_slice(text, (size_t)colon + 1, text.len), one) < 0)
		return -EINVAL;
	snprintf(one->id, sizeof(one->id), "%.*s", STR_ARGS(id));
	p->n++;
	return 0;
}

int peppers_new(const char *text, struct peppers **ret)
{
	struct peppers *p CLEANUP(peppers_free) = calloc(1, sizeof(*p));
	struct str rest = str_from(text ? text : "");
	int r = 0;

	if (!p)
		return -ENOMEM;
	while (rest.len > 0 && r == 0) {
		ptrdiff_t comma = str_index(rest, ',', 0);
		size_t end = comma < 0 ? rest.len : (size_t)comma;

		r = pepper_parse(p, str_slice(rest, 0, end));
		if (comma >= 0 && end + 1 == rest.len)
			r = -EINVAL;
		rest = str_slice(rest, MIN(end + 1, rest.len), rest.len);
	}
	if (r < 0)
		return r;
	*ret = p;
	p = NULL;
	return 0;
}

const char *peppers_check(const char *text)
{
	struct peppers *p CLEANUP(peppers_free) = NULL;

	return peppers_new(text, &p) == 0 ? NULL : "ID:BASE64, comma-separated: 1 to 8 secrets of 16 to 64 bytes";
}

void peppers_free(struct peppers **p)
{
	if (!*p)
		return;
	OPENSSL_cleanse(*p, sizeof(**p));
	free(*p);
	*p = NULL;
}

const struct pepper *peppers_newest(const struct peppers *p)
{
	return p->n > 0 ? &p->all[0] : NULL;
}

const struct pepper *peppers_find(const struct peppers *p, struct str id)
{
	for (size_t i = 0; i < p->n; i++) {
		if (str_equal(id, str_from(p->all[i].id)))
			return &p->all[i];
	}
	return NULL;
}

const char *pepper_id(const struct pepper *p)
{
	return p->id;
}

int pepper_mac(const struct pepper *p, const uint8_t in[32], uint8_t ret[32])
{
	unsigned len = 0;

	return HMAC(EVP_sha256(), p->secret, (int)p->len, in, 32, ret, &len) && len == 32 ? 0 : -ENOMEM;
}
