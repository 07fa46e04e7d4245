/* Device tokens: base64url of the device's 16 random bytes and an HMAC-SHA-256 of them and the user's id, which binds
 * the device to the account. Nothing is stored. */
#include "user/device.h"

#include "base/random.h"
#include "token/base64url.h"
#include "token/seal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>

enum { ID_BYTES = 16, TOKEN_BYTES = ID_BYTES + SEAL_MAC_SIZE };

/* ---- names ---- */

struct pattern {
	const char *mark;
	const char *name;
};

/* In this order: many claim to be several of them at once. */
static const struct pattern programs[] = {
	{ "Edg", "Edge" },
	{ "OPR/", "Opera" },
	{ "Vivaldi/", "Vivaldi" },
	{ "YaBrowser/", "Yandex Browser" },
	{ "SamsungBrowser/", "Samsung Internet" },
	{ "FxiOS/", "Firefox" },
	{ "Firefox/", "Firefox" },
	{ "CriOS/", "Chrome" },
	{ "Chrome/", "Chrome" },
	{ "Chromium/", "Chromium" },
	{ "Safari/", "Safari" },
	{ "curl/", "curl" },
	{ "Wget/", "Wget" },
	{ "python-", "Python" },
	{ "Python/", "Python" },
	{ "PostmanRuntime/", "Postman" },
	{ "okhttp/", "Android app" },
	{ "CFNetwork/", "Apple app" },
	{ "Go-http-client", "Go" },
	{ "node", "Node.js" },
};
static const struct pattern systems[] = {
	{ "iPhone", "iPhone" },   { "iPad", "iPad" },     { "Android", "Android" },
	{ "Windows", "Windows" }, { "CrOS", "ChromeOS" }, { "Macintosh", "macOS" },
	{ "Mac OS X", "macOS" },  { "Linux", "Linux" },   { "FreeBSD", "FreeBSD" },
};

static const char *find(struct str text, const struct pattern *patterns, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text.len > 0 && memmem(text.data, text.len, patterns[i].mark, strlen(patterns[i].mark)))
			return patterns[i].name;
	}
	return NULL;
}

void device_name(struct str user_agent, char ret[DEVICE_NAME_SIZE])
{
	const char *program = find(user_agent, programs, ARRAY_SIZE(programs));
	const char *system = find(user_agent, systems, ARRAY_SIZE(systems));

	if (program && system)
		snprintf(ret, DEVICE_NAME_SIZE, "%s on %s", program, system);
	else
		snprintf(ret, DEVICE_NAME_SIZE, "%s", program ? program : system ? system : "Unknown device");
}

/* ---- tokens ---- */

static int mac_of(const struct user_state *u, const uint8_t id[ID_BYTES], struct str user_id,
                  uint8_t ret[SEAL_MAC_SIZE])
{
	char text[ID_BYTES + 64] = { 0 };
	size_t len = MIN(user_id.len, sizeof(text) - ID_BYTES);

	memcpy(text, id, ID_BYTES);
	if (len > 0)
		memcpy(text + ID_BYTES, user_id.data, len);
	return seal_mac(u->device_seal, (struct str){ text, sizeof(text) }, ret);
}

static void hex(const uint8_t id[ID_BYTES], char ret[DEVICE_ID_SIZE])
{
	for (size_t i = 0; i < ID_BYTES; i++)
		snprintf(ret + 2 * i, 3, "%02x", id[i]);
}

void device_recognise(const struct user_state *u, struct str token, struct str user_id, char ret[DEVICE_ID_SIZE])
{
	uint8_t bytes[TOKEN_BYTES] = { 0 }, mac[SEAL_MAC_SIZE];
	size_t len = 0;
	bool is_ours = base64url_decode(token, bytes, sizeof(bytes), &len) == 0 && len == TOKEN_BYTES;

	is_ours = mac_of(u, bytes, user_id, mac) == 0 && is_ours;
	is_ours = CRYPTO_memcmp(mac, bytes + ID_BYTES, sizeof(mac)) == 0 && is_ours;
	ret[0] = '\0';
	if (is_ours && !str_is_null(user_id))
		hex(bytes, ret);
}

static void unhex(const char *id, uint8_t ret[ID_BYTES])
{
	unsigned byte;

	for (size_t i = 0; i < ID_BYTES; i++)
		ret[i] = sscanf(id + 2 * i, "%2x", &byte) == 1 ? (uint8_t)byte : 0;
}

int device_token_make(const struct user_state *u, struct str user_id, const char *id, char ret[DEVICE_TOKEN_SIZE])
{
	uint8_t bytes[TOKEN_BYTES];
	struct buf text CLEANUP(buf_done);
	int r;

	if (id[0])
		unhex(id, bytes);
	else
		random_fill(bytes, ID_BYTES);
	r = mac_of(u, bytes, user_id, bytes + ID_BYTES);
	if (r < 0)
		return r;
	buf_init(&text, DEVICE_TOKEN_SIZE);
	base64url_write(&text, bytes, sizeof(bytes));
	r = buf_error(&text);
	if (r == 0)
		snprintf(ret, DEVICE_TOKEN_SIZE, "%.*s", STR_ARGS(buf_str(&text)));
	return r;
}
