/* The key of a question: "2|details|550|{"include":[],"region":"DE"}". The parameters are its table's JSON, so that no
 * parameter can be forgotten and no text can be taken for another one; blanks are '+', and what else may not stand in a
 * key is percent-encoded. On the path of every answer from the cache: no JSON tree, one pass. Owns nothing, never
 * yields. */
#include "movie/question.h"

#include "base/map.h"
#include "cache/redis.h"
#include "movie/fold.h"

#include <errno.h>

/* Raise it when a message changes: a cache that outlives the process then knows nothing of the new ones. */
#define MESSAGES_VERSION "2"

#define KEY_MAX (REDIS_KEY_MAX - 64) /* bytes; the rest is for what the cache puts in front */
#define HASH_DIGITS 32               /* behind a '#', which no other key ends with */
#define KEPT_MAX (KEY_MAX - HASH_DIGITS - 1)

/* Blanks come from a search's words and from certifications. */
static bool is_plain(unsigned char c)
{
	return c > ' ' && c != '+' && c != '%' && c != 0x7f;
}

static void add_escaped(struct buf *key, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (is_plain(c))
			buf_addc(key, text.data[i]);
		else if (c == ' ')
			buf_addc(key, '+');
		else
			buf_addf(key, "%%%02X", c);
	}
}

/* Escapes what stands in the buffer from `from` on: in place as long as nothing grows. */
static int escape(struct buf *key, size_t from, struct arena *scratch)
{
	struct str rest;
	size_t i = from;

	for (; i < key->len && (is_plain((unsigned char)key->data[i]) || key->data[i] == ' '); i++)
		if (key->data[i] == ' ')
			key->data[i] = '+';
	if (i == key->len)
		return 0;
	if (arena_copy(scratch, str_slice(buf_str(key), i, key->len), &rest) < 0)
		return -ENOMEM;
	key->len = i;
	add_escaped(key, rest);
	return 0;
}

/* The query as it is compared. */
static int add_search(const struct question *q, struct arena *scratch, struct buf *key)
{
	struct question_search search = q->of.search;
	int r = fold_caseless(search.query, scratch, &search.query);

	if (r == 0)
		schema_write(question_type(q->kind)->query, &search, key);
	return r;
}

/* A long key keeps its beginning, for people, and is told from others by 128 bits. The hash's two keys are fixed: all
 * processes must agree. */
static void shorten(struct buf *key, size_t from)
{
	static const uint8_t hash_keys[2][16] = { "cinesync key 1", "cinesync key 2" };
	size_t cut = from + KEPT_MAX;
	uint64_t hashes[2];

	for (size_t i = 0; i < 2; i++)
		hashes[i] = map_siphash(key->data + from, key->len - from, hash_keys[i]);
	while (((unsigned char)key->data[cut] & 0xc0) == 0x80)
		cut--;
	key->len = cut;
	buf_addf(key, "#%016llx%016llx", (unsigned long long)hashes[0], (unsigned long long)hashes[1]);
}

static void add_parameters(const struct question *q, struct buf *key)
{
	const struct schema *query = question_type(q->kind)->query;

	if (query)
		schema_write(query, &q->of, key);
}

int question_key(const struct question *q, struct arena *scratch, struct buf *ret)
{
	const struct question_type *type = question_type(q->kind);
	size_t start = ret->len, from;
	int r = 0;

	buf_adds(ret, MESSAGES_VERSION "|");
	buf_adds(ret, type->name);
	buf_addc(ret, '|');
	if (type->has_path) {
		buf_add_int(ret, q->path.movie_id);
		buf_addc(ret, '|');
	}
	from = ret->len;
	if (q->kind == QUESTION_SEARCH)
		r = add_search(q, scratch, ret);
	else
		add_parameters(q, ret);
	if (r == 0)
		r = buf_error(ret);
	if (r == 0)
		r = escape(ret, from, scratch);
	if (r == 0 && ret->len - start > KEY_MAX)
		shorten(ret, start);
	return r < 0 ? r : buf_error(ret);
}
