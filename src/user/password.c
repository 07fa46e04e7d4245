/* Password hashing. A background lane with a bounded line does the work, one thread a processor, so that log-ins slow
 * each other and nobody else. Every buffer that held a password or its digest is wiped. */
#include "user/password.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/utf8.h"
#include "fiber/fiber.h"
#include "fiber/lane.h"
#include "service/loop_metrics.h"
#include "telemetry/trace.h"
#include "user/pepper.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <uninorm.h>
#include <unistd.h>

enum {
	SALT_LEN = 22, /* characters of bcrypt's base64 */
	DIGEST_LEN = 31,
	SETTING_SIZE = 32,
	MAC_SIZE = 32,
	MAC_TEXT_SIZE = 48, /* base64 of a MAC and the NUL: 45 */
	PASSWORD_SIZE_MAX = 4096,
};

#define PASSWORDS_MAGIC UINT32_C(0x50415353)
#define PREFIX "$bcrypt-sha256$v=2,t=2b,r="
#define PREFIX_PEPPER "$bcrypt-sha256-pepper$v=1,t=2b,r="

struct passwords {
	uint32_t magic;
	int cost;
	struct lane *lane;
	struct peppers *peppers;
	char nobody[PASSWORD_HASH_SIZE]; /* what an unknown person's password is compared with */
};

/* One piece of work for a thread of the lane. */
struct hashing {
	const uint8_t *password;
	size_t len;
	int cost;
	const struct pepper *pepper; /* or NULL */
	char salt[SALT_LEN + 1];
	char ret_digest[DIGEST_LEN + 1];
	int64_t ret_begin_us; /* mono, when its turn came */
	int64_t ret_took_us;  /* with the wait for its turn */
};

/* base64(HMAC-SHA-256(salt, password)): 44 characters without NUL, well under bcrypt's 72 bytes. */
static int mac_text(const struct hashing *h, char ret[MAC_TEXT_SIZE])
{
	uint8_t mac[MAC_SIZE];
	unsigned len = 0;
	int r = 0;

	if (!HMAC(EVP_sha256(), h->salt, SALT_LEN, h->password, h->len, mac, &len) || len != MAC_SIZE)
		return -ENOMEM;
	if (h->pepper)
		r = pepper_mac(h->pepper, mac, mac);
	if (r == 0)
		EVP_EncodeBlock((uint8_t *)ret, mac, MAC_SIZE);
	OPENSSL_cleanse(mac, sizeof(mac));
	return r;
}

/* On a thread of the lane. */
static int hashing_work(void *arg)
{
	struct hashing *h = arg;
	struct crypt_data *data = calloc(1, sizeof(*data));
	char setting[SETTING_SIZE];
	char text[MAC_TEXT_SIZE];
	const char *out;
	int r = -ENOMEM;

	h->ret_begin_us = clock_mono_us();
	if (!data)
		return -ENOMEM;
	snprintf(setting, sizeof(setting), "$2b$%02d$%s", h->cost, h->salt);
	if (mac_text(h, text) == 0) {
		out = crypt_rn(text, setting, data, sizeof(*data));
		/* A failure is NULL or a string that begins with '*'. */
		r = out && out[0] == '$' && strlen(out) == strlen(setting) + DIGEST_LEN ? 0 : -EINVAL;
		if (r == 0)
			memcpy(h->ret_digest, out + strlen(setting), DIGEST_LEN + 1);
	}
	OPENSSL_cleanse(text, sizeof(text));
	OPENSSL_cleanse(data, sizeof(*data));
	free(data);
	return r;
}

int passwords_check(const struct passwords *p)
{
	assert(p->magic == PASSWORDS_MAGIC);
	return lane_check(p->lane, fiber_deadline());
}

/* Yields. */
static int hashing_run(struct passwords *p, struct hashing *h)
{
	int64_t start_us = clock_mono_us();
	struct span span;
	int r = passwords_check(p);

	if (r < 0)
		return r;
	span_start(&span, "bcrypt", SPAN_INTERNAL, NULL);
	r = lane_run(p->lane, &(struct offload){ .work = hashing_work, .arg = h });
	if (r == 0)
		span_set_int(&span, "cinesync.offload.wait_us", h->ret_begin_us - start_us);
	else
		span_fail(&span, error_name(r));
	span_end(&span);
	h->ret_took_us = span_duration_us(&span);
	return r;
}

/* The password in form C, in memory the caller wipes and frees. */
static int normalize(struct str password, uint8_t **ret, size_t *ret_len)
{
	uint8_t *nfc;
	size_t len = 0;

	if (password.len > PASSWORD_SIZE_MAX)
		return -E2BIG;
	if (password.len == 0)
		return -EINVAL;
	if (!utf8_is_valid(password))
		return -EILSEQ;
	nfc = u8_normalize(UNINORM_NFC, (const uint8_t *)password.data, password.len, NULL, &len);
	if (!nfc)
		return -ENOMEM;
	*ret = nfc;
	*ret_len = len;
	return 0;
}

/* What a digest depends on besides the password. */
struct recipe {
	int cost;
	const struct pepper *pepper; /* or NULL */
	const char *salt;            /* SALT_LEN characters */
};

/* Yields. */
static int digest(struct passwords *p, struct str password, const struct recipe *by, int64_t *ret_took_us,
                  char ret[DIGEST_LEN + 1])
{
	struct hashing h = { .cost = by->cost, .pepper = by->pepper };
	uint8_t *nfc = NULL;
	int r = normalize(password, &nfc, &h.len);

	if (r < 0)
		return r;
	h.password = nfc;
	memcpy(h.salt, by->salt, SALT_LEN);
	r = hashing_run(p, &h);
	if (ret_took_us && h.ret_took_us > 0)
		*ret_took_us = h.ret_took_us;
	if (r == 0)
		memcpy(ret, h.ret_digest, DIGEST_LEN + 1);
	OPENSSL_cleanse(nfc, h.len);
	OPENSSL_cleanse(&h, sizeof(h));
	free(nfc);
	return r;
}

static int salt_make(char ret[SALT_LEN + 1])
{
	char raw[16];
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	random_fill(raw, sizeof(raw));
	if (!crypt_gensalt_rn("$2b$", 4, raw, sizeof(raw), setting, sizeof(setting)))
		return -EIO;
	memcpy(ret, setting + strlen("$2b$04$"), SALT_LEN);
	ret[SALT_LEN] = '\0';
	return 0;
}

static void hash_write(const struct recipe *by, const char *out, char ret[PASSWORD_HASH_SIZE])
{
	if (by->pepper)
		snprintf(ret, PASSWORD_HASH_SIZE, PREFIX_PEPPER "%d,p=%s$%s$%s", by->cost, pepper_id(by->pepper),
		         by->salt, out);
	else
		snprintf(ret, PASSWORD_HASH_SIZE, PREFIX "%d$%s$%s", by->cost, by->salt, out);
}

int password_hash(struct passwords *p, struct str password, char ret[PASSWORD_HASH_SIZE])
{
	char salt[SALT_LEN + 1];
	char out[DIGEST_LEN + 1];
	const struct recipe by = { p->cost, peppers_newest(p->peppers), salt };
	int r;

	assert(p->magic == PASSWORDS_MAGIC);
	r = salt_make(salt);
	if (r == 0)
		r = digest(p, password, &by, NULL, out);
	if (r == 0)
		hash_write(&by, out, ret);
	return r;
}

/* "COST" or "COST,p=ID". -ENOKEY: a pepper that is not known. */
static int recipe_parse(const struct passwords *p, struct str text, bool has_pepper, struct recipe *ret)
{
	ptrdiff_t comma = has_pepper ? str_index(text, ',', 0) : (ptrdiff_t)text.len;
	int64_t cost;

	if (comma < 0 || str_to_int64(str_slice(text, 0, (size_t)comma), 4, 31, &cost) < 0)
		return -EBADMSG;
	ret->cost = (int)cost;
	ret->pepper = NULL;
	if (!has_pepper)
		return 0;
	text = str_slice(text, (size_t)comma, text.len);
	if (!str_starts(text, STR(",p=")))
		return -EBADMSG;
	ret->pepper = peppers_find(p->peppers, str_slice(text, 3, text.len));
	return ret->pepper ? 0 : -ENOKEY;
}

/* Takes a stored hash apart. */
static int hash_parse(const struct passwords *p, struct str hash, struct recipe *ret, struct str *ret_digest)
{
	bool has_pepper = str_starts(hash, STR(PREFIX_PEPPER));
	struct str rest;
	ptrdiff_t end;

	if (!has_pepper && !str_starts(hash, STR(PREFIX)))
		return -EBADMSG;
	rest = str_slice(hash, has_pepper ? sizeof(PREFIX_PEPPER) - 1 : sizeof(PREFIX) - 1, hash.len);
	end = str_index(rest, '$', 0);
	if (end < 0 || rest.len != (size_t)end + 1 + SALT_LEN + 1 + DIGEST_LEN ||
	    rest.data[(size_t)end + 1 + SALT_LEN] != '$')
		return -EBADMSG;
	ret->salt = rest.data + end + 1;
	*ret_digest = str_slice(rest, rest.len - DIGEST_LEN, rest.len);
	return recipe_parse(p, str_slice(rest, 0, (size_t)end), has_pepper, ret);
}

int password_verify(struct passwords *p, struct str password, struct str hash, int64_t *ret_took_us)
{
	struct str stored_digest;
	struct recipe by;
	char out[DIGEST_LEN + 1];
	bool known = !str_is_null(hash);
	int r;

	assert(p->magic == PASSWORDS_MAGIC);
	r = hash_parse(p, known ? hash : str_from(p->nobody), &by, &stored_digest);
	if (r == 0)
		r = digest(p, password, &by, ret_took_us, out);
	if (r < 0)
		return r;
	if (CRYPTO_memcmp(out, stored_digest.data, DIGEST_LEN) != 0 || !known)
		return -EACCES;
	return by.cost != p->cost || by.pepper != peppers_newest(p->peppers);
}

int passwords_new(int cost, size_t hashers, size_t queue_max, const char *peppers, struct passwords **ret)
{
	struct passwords *p = calloc(1, sizeof(*p));
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	char salt[SALT_LEN + 1];
	int r;

	assert(cost >= 4 && cost <= 31);
	if (!p)
		return -ENOMEM;
	p->magic = PASSWORDS_MAGIC;
	p->cost = cost;
	hashers = hashers > 0 ? hashers : (size_t)MAX(processors, 1);
	hashers = MIN(hashers, (size_t)LANE_THREADS_MAX);
	r = salt_make(salt);
	if (r == 0)
		r = peppers_new(peppers, &p->peppers);
	if (r == 0)
		r = lane_new(&(struct lane_options){ "password", hashers, queue_max, .is_background = true }, &p->lane);
	if (r < 0) {
		passwords_free(&p);
		return r;
	}
	lane_metrics_begin("password", p->lane);
	/* No password has this digest; hashing one to make it would cost the start a quarter of a second. */
	hash_write(&(struct recipe){ cost, peppers_newest(p->peppers), salt }, "...............................",
	           p->nobody);
	*ret = p;
	return 0;
}

void passwords_free(struct passwords **p)
{
	if (!*p)
		return;
	assert((*p)->magic == PASSWORDS_MAGIC);
	if ((*p)->lane)
		lane_metrics_end("password", (*p)->lane);
	lane_free(&(*p)->lane);
	peppers_free(&(*p)->peppers);
	(*p)->magic = 0;
	free(*p);
	*p = NULL;
}
