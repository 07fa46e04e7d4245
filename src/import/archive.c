/* Archives, and bytes as text. libarchive reads from memory, zip only; nothing is written anywhere, and names are only
 * names. What is not wanted is not unpacked. */
#include "import/reader.h"

#include "base/buf.h"
#include "base/utf8.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

enum { NAME_MAX_CHARACTERS = 200, PARTS_MAX = 200, PIECE = 65536 };

#define TOO_LARGE "Unpacked, it is larger than is taken; send its CSV or JSON files one by one."

struct unpacking {
	struct import_reader *reader;
	struct archive *archive;
	struct import_part *parts;
	size_t n;
	size_t unpacked; /* bytes so far */
};

static bool is_wanted(struct str name)
{
	return (str_ends(name, STR(".csv")) || str_ends(name, STR(".json"))) && !str_starts(name, STR("__MACOSX/"));
}

static int too_large(struct import_reader *r)
{
	r->reason = TOO_LARGE;
	return -EFBIG;
}

/* An entry's size as its header has it may be a lie: what comes out is counted. */
static int part_read(struct unpacking *u, struct import_part *part)
{
	size_t left = u->reader->options->unpacked_max - u->unpacked;
	struct buf out CLEANUP(buf_done);
	char piece[PIECE];
	la_ssize_t n;

	buf_init(&out, left + 1);
	while ((n = archive_read_data(u->archive, piece, sizeof(piece))) > 0) {
		buf_add(&out, piece, (size_t)n);
		if (out.len > left)
			return too_large(u->reader);
		if (buf_error(&out) < 0)
			return buf_error(&out) == -ENOMEM ? -ENOMEM : too_large(u->reader);
	}
	if (n < 0)
		return reader_refuse(u->reader, "The archive is damaged.");
	u->unpacked += out.len;
	return arena_copy(u->reader->arena, buf_str(&out), &part->data);
}

static int entry_take(struct unpacking *u, struct archive_entry *entry)
{
	const char *path = archive_entry_pathname(entry);
	struct import_part *part = &u->parts[u->n];
	int r;

	if (!path || archive_entry_filetype(entry) == AE_IFDIR || !is_wanted(str_from(path)))
		return 0;
	if (archive_entry_is_encrypted(entry))
		return reader_refuse(u->reader, "The archive is locked with a password; unpack it first.");
	if (u->n == PARTS_MAX)
		return too_large(u->reader);
	r = reader_text(u->reader, str_from(path), NAME_MAX_CHARACTERS, false, &part->name);
	if (r == 0)
		r = part_read(u, part);
	if (r == 0)
		u->n++;
	return r;
}

static int entries_read(struct unpacking *u)
{
	struct archive_entry *entry;
	int r = 0, status = ARCHIVE_OK;

	for (size_t n = 0; r == 0; n++) {
		status = archive_read_next_header(u->archive, &entry);
		if (status == ARCHIVE_EOF)
			return 0;
		if (status < ARCHIVE_WARN)
			return reader_refuse(u->reader, "The archive is damaged.");
		if (n == IMPORT_ARCHIVE_FILES_MAX)
			return too_large(u->reader);
		r = entry_take(u, entry);
	}
	return r;
}

static int unpack(struct unpacking *u, struct str content)
{
	u->archive = archive_read_new();
	if (!u->archive || archive_read_support_format_zip_seekable(u->archive) != ARCHIVE_OK)
		return -ENOMEM;
	if (archive_read_open_memory(u->archive, content.data, content.len) != ARCHIVE_OK)
		return reader_refuse(u->reader, "The archive is damaged.");
	return entries_read(u);
}

int archive_parts(struct import_reader *r, struct str content, struct import_part **ret, size_t *ret_n)
{
	struct unpacking u = { .reader = r, .parts = arena_array(r->arena, PARTS_MAX + 1, sizeof(struct import_part)) };
	int result = u.parts ? unpack(&u, content) : -ENOMEM;

	archive_read_free(u.archive);
	if (result == 0) {
		*ret = u.parts;
		*ret_n = u.n;
	}
	return result;
}

/* ---- text ---- */

/* 0x80 to 0x9f in Windows-1252 (WHATWG Encoding Standard, index windows-1252); above, it is Latin-1. */
static uint32_t from_cp1252(unsigned char byte)
{
	static const uint16_t high[32] = {
		0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
		0x2039, 0x0152, 0x008d, 0x017d, 0x008f, 0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
		0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178,
	};

	return byte >= 0x80 && byte < 0xa0 ? high[byte - 0x80] : byte;
}

int text_decode(struct import_reader *r, struct str raw, struct str *ret)
{
	char *out;
	size_t len = 0;

	if (str_starts(raw, STR("\xff\xfe")) || str_starts(raw, STR("\xfe\xff")))
		return reader_refuse(r, "The file is in UTF-16; save it as CSV in UTF-8.");
	if (str_starts(raw, STR("\xef\xbb\xbf")))
		raw = str_slice(raw, 3, raw.len);
	*ret = raw;
	if (utf8_is_valid(raw))
		return 0;
	out = arena_array(r->arena, raw.len, 3);
	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < raw.len; i++)
		len += utf8_encode(from_cp1252((unsigned char)raw.data[i]), out + len);
	*ret = (struct str){ out, len };
	return 0;
}
