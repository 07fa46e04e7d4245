/* A cursor is base64url of: 8 bytes of the MAC, the key's kind, the id (8 bytes), the number (8 bytes) or the text's
 * length (1 byte) and the text, then the item. Numbers are big-endian. */
#include "user/cursor.h"

#include "token/base64url.h"

#include <errno.h>
#include <openssl/crypto.h>

enum { MAC_SIZE = 8, TEXT_MAX = 200, ITEM_MAX = 36, RAW_MAX = MAC_SIZE + 1 + 8 + 8 + 1 + TEXT_MAX + ITEM_MAX };

static void number_add(struct buf *b, int64_t number)
{
	uint64_t bits = (uint64_t)number;

	for (int shift = 56; shift >= 0; shift -= 8)
		buf_addc(b, (char)(uint8_t)(bits >> shift));
}

static int64_t number_read(const uint8_t *at)
{
	uint64_t bits = 0;

	for (int i = 0; i < 8; i++)
		bits = bits << 8 | at[i];
	return (int64_t)bits;
}

/* The scope's length keeps scope and payload apart. */
static int mac_make(const struct seal *s, struct str scope, struct str payload, uint8_t ret[SEAL_MAC_SIZE])
{
	struct buf b CLEANUP(buf_done);
	int r;

	buf_init(&b, 4096);
	number_add(&b, (int64_t)scope.len);
	buf_add_str(&b, scope);
	buf_add_str(&b, payload);
	r = buf_error(&b);
	return r < 0 ? r : seal_mac(s, buf_str(&b), ret);
}

static void payload_write(const struct cursor *c, struct buf *b)
{
	buf_addc(b, c->is_text ? 't' : 'n');
	number_add(b, c->id);
	if (c->is_text) {
		buf_addc(b, (char)(uint8_t)c->text.len);
		buf_add_str(b, c->text);
	} else {
		number_add(b, c->number);
	}
	buf_add_str(b, c->item);
}

int cursor_write(const struct seal *s, struct str scope, const struct cursor *c, struct arena *a, struct str *ret)
{
	struct buf payload CLEANUP(buf_done), raw CLEANUP(buf_done), text CLEANUP(buf_done);
	uint8_t mac[SEAL_MAC_SIZE];
	int r;

	buf_init(&payload, RAW_MAX);
	buf_init(&raw, RAW_MAX);
	buf_init(&text, (size_t)RAW_MAX * 2);
	if ((c->is_text && c->text.len > TEXT_MAX) || c->item.len > ITEM_MAX)
		return -EMSGSIZE;
	payload_write(c, &payload);
	r = buf_error(&payload);
	if (r == 0)
		r = mac_make(s, scope, buf_str(&payload), mac);
	if (r < 0)
		return r;
	buf_add(&raw, mac, MAC_SIZE);
	buf_add_str(&raw, buf_str(&payload));
	base64url_write(&text, raw.data, raw.len);
	r = buf_error(&raw);
	if (r == 0)
		r = buf_error(&text);
	return r < 0 ? r : arena_copy(a, buf_str(&text), ret);
}

/* Behind the MAC everything is ours; the lengths are looked at all the same. */
static int payload_read(struct str raw, struct cursor *ret)
{
	const uint8_t *at = (const uint8_t *)raw.data;
	size_t len, from = 1 + 8;
	struct cursor c = { .is_text = at[0] == 't' };

	if (raw.len < from + 1)
		return -EBADMSG;
	c.id = number_read(at + 1);
	if (c.is_text) {
		len = at[from++];
		if (raw.len < from + len)
			return -EBADMSG;
		c.text = str_slice(raw, from, from + len);
		from += len;
	} else {
		if (raw.len < from + 8)
			return -EBADMSG;
		c.number = number_read(at + from);
		from += 8;
	}
	c.item = str_slice(raw, from, raw.len);
	*ret = c;
	return 0;
}

int cursor_read(const struct seal *s, struct str scope, struct str text, struct arena *a, struct cursor *ret)
{
	uint8_t bytes[RAW_MAX], mac[SEAL_MAC_SIZE];
	struct str raw;
	size_t len;
	int r = base64url_decode(text, bytes, sizeof(bytes), &len);

	if (r < 0 || len <= MAC_SIZE)
		return -EBADMSG;
	r = arena_copy(a, (struct str){ (const char *)bytes + MAC_SIZE, len - MAC_SIZE }, &raw);
	if (r == 0)
		r = mac_make(s, scope, raw, mac);
	if (r < 0)
		return r;
	return CRYPTO_memcmp(mac, bytes, MAC_SIZE) == 0 ? payload_read(raw, ret) : -EBADMSG;
}
