/* Sealing with AES-256-GCM under derived keys. Every key and plain text that passes through here is wiped. */
#include "token/seal.h"

#include "base/random.h"
#include "base/secret_file.h"
#include "token/base64url.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <stdlib.h>

#define SEAL_MAGIC UINT32_C(0x5ea15ea1)

enum {
	KEY_SIZE = 32,
	NONCE_SIZE = 12,
	TAG_SIZE = 16,
	VERSION = 1,
	SEALED_MAX = 65536,
};

struct seal {
	uint32_t magic;
	uint8_t key[KEY_SIZE];
	uint8_t mac_key[KEY_SIZE];
};

static void wiped_done(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_done(b);
}

static void cipher_done(EVP_CIPHER_CTX **c)
{
	EVP_CIPHER_CTX_free(*c);
}

static int master_read(const char *path, struct buf *out)
{
	uint8_t fresh[SEAL_MASTER_SIZE];
	int r = secret_file_read(path, out);

	if (r == -ENOENT) {
		random_fill(fresh, sizeof(fresh));
		r = secret_file_make(path, (struct str){ (const char *)fresh, sizeof(fresh) });
		explicit_bzero(fresh, sizeof(fresh));
		if (r == 0)
			r = secret_file_read(path, out);
	}
	if (r < 0)
		return r;
	return out->len == SEAL_MASTER_SIZE ? 0 : -EINVAL;
}

/* HKDF with an empty salt: the master key is uniformly random. */
static int derive(struct str master, const char *purpose, const char *use, uint8_t ret[KEY_SIZE])
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
	size_t len = KEY_SIZE;
	bool ok;

	if (!c)
		return -ENOMEM;
	ok = EVP_PKEY_derive_init(c) == 1 && EVP_PKEY_CTX_set_hkdf_md(c, EVP_sha256()) == 1 &&
	     EVP_PKEY_CTX_set1_hkdf_key(c, (const uint8_t *)master.data, (int)master.len) == 1 &&
	     EVP_PKEY_CTX_add1_hkdf_info(c, (const uint8_t *)purpose, (int)strlen(purpose) + 1) == 1 &&
	     EVP_PKEY_CTX_add1_hkdf_info(c, (const uint8_t *)use, (int)strlen(use)) == 1 &&
	     EVP_PKEY_derive(c, ret, &len) == 1 && len == KEY_SIZE;
	EVP_PKEY_CTX_free(c);
	return ok ? 0 : -ENOMEM;
}

int seal_new(const char *path, const char *purpose, struct seal **ret)
{
	struct buf master CLEANUP(wiped_done);
	struct seal *s CLEANUP(seal_free) = calloc(1, sizeof(*s));
	int r;

	buf_init(&master, SECRET_FILE_SIZE_MAX);
	if (!s)
		return -ENOMEM;
	s->magic = SEAL_MAGIC;
	r = master_read(path, &master);
	if (r == 0)
		r = derive(buf_str(&master), purpose, "seal", s->key);
	if (r == 0)
		r = derive(buf_str(&master), purpose, "mac", s->mac_key);
	if (r < 0)
		return r;
	*ret = s;
	s = NULL;
	return 0;
}

void seal_free(struct seal **s)
{
	if (!*s)
		return;
	assert((*s)->magic == SEAL_MAGIC);
	OPENSSL_cleanse(*s, sizeof(**s));
	free(*s);
	*s = NULL;
}

/* Encrypts in to out (as long) and makes the tag. */
static bool encrypt(const struct seal *s, struct str in, struct str context, const uint8_t *nonce, uint8_t *out,
                    uint8_t *tag)
{
	EVP_CIPHER_CTX *c CLEANUP(cipher_done) = EVP_CIPHER_CTX_new();
	int len;

	return c && EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, s->key, nonce) == 1 &&
	       EVP_EncryptUpdate(c, NULL, &len, (const uint8_t *)context.data, (int)context.len) == 1 &&
	       EVP_EncryptUpdate(c, out, &len, (const uint8_t *)in.data, (int)in.len) == 1 &&
	       EVP_EncryptFinal_ex(c, out + len, &len) == 1 &&
	       EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, tag) == 1;
}

static bool decrypt(const struct seal *s, struct str in, struct str context, const uint8_t *nonce, uint8_t *out,
                    const uint8_t *tag)
{
	EVP_CIPHER_CTX *c CLEANUP(cipher_done) = EVP_CIPHER_CTX_new();
	int len;

	return c && EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, s->key, nonce) == 1 &&
	       EVP_DecryptUpdate(c, NULL, &len, (const uint8_t *)context.data, (int)context.len) == 1 &&
	       EVP_DecryptUpdate(c, out, &len, (const uint8_t *)in.data, (int)in.len) == 1 &&
	       EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, (void *)(uintptr_t)tag) == 1 &&
	       EVP_DecryptFinal_ex(c, out + len, &len) == 1;
}

int seal_write(const struct seal *s, struct str plain, struct str context, struct buf *out)
{
	uint8_t *sealed;
	size_t size = plain.len + SEAL_OVERHEAD;
	int r = 0;

	assert(s->magic == SEAL_MAGIC && plain.len <= SEALED_MAX && context.len <= SEALED_MAX);
	sealed = malloc(size);
	if (!sealed)
		return -ENOMEM;
	sealed[0] = VERSION;
	random_fill(sealed + 1, NONCE_SIZE);
	if (!encrypt(s, plain, context, sealed + 1, sealed + 1 + NONCE_SIZE, sealed + size - TAG_SIZE))
		r = -ENOMEM;
	else
		buf_add(out, sealed, size);
	free(sealed);
	return r < 0 ? r : buf_error(out);
}

int seal_open(const struct seal *s, struct str sealed, struct str context, struct buf *out)
{
	const uint8_t *at = (const uint8_t *)sealed.data;
	uint8_t *plain;
	struct str in;
	int r = 0;

	assert(s->magic == SEAL_MAGIC && context.len <= SEALED_MAX);
	if (sealed.len < SEAL_OVERHEAD || sealed.len > SEALED_MAX + SEAL_OVERHEAD || at[0] != VERSION)
		return -EBADMSG;
	in = str_slice(sealed, 1 + NONCE_SIZE, sealed.len - TAG_SIZE);
	plain = malloc(in.len + 1);
	if (!plain)
		return -ENOMEM;
	if (!decrypt(s, in, context, at + 1, plain, at + sealed.len - TAG_SIZE))
		r = -EBADMSG;
	else
		buf_add(out, plain, in.len);
	explicit_bzero(plain, in.len + 1);
	free(plain);
	return r < 0 ? r : buf_error(out);
}

int seal_write_text(const struct seal *s, struct str plain, struct str context, struct buf *out)
{
	struct buf sealed CLEANUP(buf_done);
	int r;

	buf_init(&sealed, SEALED_MAX + SEAL_OVERHEAD);
	r = seal_write(s, plain, context, &sealed);
	if (r < 0)
		return r;
	base64url_write(out, sealed.data, sealed.len);
	return buf_error(out);
}

int seal_open_text(const struct seal *s, struct str text, struct str context, struct buf *out)
{
	size_t size = base64url_decoded_len(text.len), len = 0;
	char *sealed;
	int r;

	if (size == 0 || size > SEALED_MAX + SEAL_OVERHEAD)
		return -EBADMSG;
	sealed = malloc(size);
	if (!sealed)
		return -ENOMEM;
	r = base64url_decode(text, sealed, size, &len);
	r = r < 0 ? -EBADMSG : seal_open(s, (struct str){ sealed, len }, context, out);
	free(sealed);
	return r;
}

int seal_mac(const struct seal *s, struct str data, uint8_t ret[SEAL_MAC_SIZE])
{
	unsigned len = 0;

	assert(s->magic == SEAL_MAGIC);
	if (!HMAC(EVP_sha256(), s->mac_key, KEY_SIZE, (const uint8_t *)data.data, data.len, ret, &len))
		return -ENOMEM;
	return 0;
}
