/* Whole bodies through zlib in pieces of PIECE bytes, so that the buffer's own bound holds. Keeps nothing between
 * calls. Never yields: a megabyte takes some 20 ms to pack, so callers keep to what was fetched just now. */
#include "http/gzip.h"

#include <errno.h>
#include <zlib.h>

enum {
	PIECE = 16384,
	LEVEL = 5,         /* as the gateway's */
	GZIP_FRAMING = 16, /* added to the window's bits: gzip, not zlib */
	WINDOW_BITS = MAX_WBITS + GZIP_FRAMING,
	MEMORY_LEVEL = 8,
};

/* zlib only reads what it is given, but takes it without const. */
static void input_set(z_stream *z, struct str text)
{
	z->next_in = (Bytef *)(uintptr_t)text.data;
	z->avail_in = (uInt)text.len;
}

void gzip_pack(struct str text, struct buf *ret)
{
	z_stream z = { 0 };
	unsigned char piece[PIECE];
	int r;

	if (text.len > UINT32_MAX ||
	    deflateInit2(&z, LEVEL, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
		ret->error = ret->error ? ret->error : -ENOMEM;
		return;
	}
	input_set(&z, text);
	do {
		z.next_out = piece;
		z.avail_out = PIECE;
		r = deflate(&z, Z_FINISH);
		buf_add(ret, piece, PIECE - z.avail_out);
	} while (r == Z_OK);
	assert(r == Z_STREAM_END);
	deflateEnd(&z);
}

static int inflate_all(z_stream *z, struct buf *ret)
{
	unsigned char piece[PIECE];
	int r;

	do {
		z->next_out = piece;
		z->avail_out = PIECE;
		r = inflate(z, Z_NO_FLUSH);
		buf_add(ret, piece, PIECE - z->avail_out);
	} while (r == Z_OK && buf_error(ret) == 0);
	if (buf_error(ret) < 0)
		return buf_error(ret);
	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	return r == Z_STREAM_END && z->avail_in == 0 ? 0 : -EBADMSG;
}

int gzip_unpack(struct str packed, struct buf *ret)
{
	z_stream z = { 0 };
	int r;

	if (packed.len > UINT32_MAX)
		return -EBADMSG;
	if (inflateInit2(&z, WINDOW_BITS) != Z_OK)
		return -ENOMEM;
	input_set(&z, packed);
	r = inflate_all(&z, ret);
	inflateEnd(&z);
	return r;
}
