/* Entity tags: made, and compared as If-None-Match wants it. Nothing here yields or allocates. */
#include "http/etag.h"

#include "base/map.h"

void etag_make(const char *type, struct str body, char ret[ETAG_SIZE])
{
	static const uint8_t body_key[16] = "cinesync-body-01";
	static const uint8_t type_key[16] = "cinesync-type-01";
	static const char digits[] = "0123456789abcdef";
	uint64_t hash =
	        map_siphash(body.data ? body.data : "", body.len, body_key) ^ map_siphash(type, strlen(type), type_key);

	ret[0] = '"';
	for (int i = 16; i > 0; i--, hash >>= 4)
		ret[i] = digits[hash & 15];
	ret[17] = '"';
	ret[18] = '\0';
}

bool etag_is_ours(struct str etag)
{
	if (etag.len != 18 || etag.data[0] != '"' || etag.data[17] != '"')
		return false;
	for (size_t i = 1; i < 17; i++)
		if (!strchr("0123456789abcdef", etag.data[i]) || etag.data[i] == '\0')
			return false;
	return true;
}

void etag_make_gzip(char etag[ETAG_SIZE])
{
	size_t len = strlen(etag);

	assert(len >= 2 && len + sizeof("-gzip") <= ETAG_SIZE && etag[len - 1] == '"');
	memcpy(etag + len - 1, "-gzip\"", sizeof("-gzip\""));
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The opaque tag with its quotes at *pos, without a W/ before it; null at the end of the list or of its sense. */
static struct str tag_next(struct str list, size_t *pos)
{
	ptrdiff_t end;
	size_t at = *pos;

	while (at < list.len && (is_blank(list.data[at]) || list.data[at] == ','))
		at++;
	if (at + 2 < list.len && list.data[at] == 'W' && list.data[at + 1] == '/')
		at += 2;
	if (at >= list.len || list.data[at] != '"')
		return STR_NULL;
	end = str_index(list, '"', at + 1);
	if (end < 0)
		return STR_NULL;
	*pos = (size_t)end + 1;
	return str_slice(list, at, *pos);
}

bool etag_matches(struct str if_none_match, const char *etag)
{
	struct str wanted = str_from(etag);
	struct str tag;
	size_t pos = 0;

	if (str_equal(str_trim(if_none_match), STR("*")))
		return true;
	while ((tag = tag_next(if_none_match, &pos)).data)
		if (str_equal(tag, wanted))
			return true;
	return false;
}
