/* Writing mails. Header injection is impossible: message_write() refuses line ends and NULs in every header field
 * before it writes the first byte, and encodes everything that is not plain ASCII. */
#include "notification/message.h"

#include "base/utf8.h"

#include <errno.h>
#include <time.h>

enum {
	LINE_MAX_ = 75,      /* characters before the soft line break */
	WORD_BYTES_MAX = 39, /* 39 bytes are 52 of base64, 64 with =?UTF-8?B? and ?=, 73 behind "Subject: ": RFC 2047
	                        allows lines of 76 */
};

static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] < ' ' || s.data[i] > '~')
			return false;
	}
	return memmem(s.data, s.len, "=?", 2) == NULL;
}

static bool is_one_line(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] == '\r' || s.data[i] == '\n' || s.data[i] == '\0')
			return false;
	}
	return true;
}

static void base64_add(struct str s, struct buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < s.len; i += 3) {
		uint32_t b[3] = { 0 };

		for (size_t k = 0; k < 3 && i + k < s.len; k++)
			b[k] = (uint8_t)s.data[i + k];
		buf_addc(out, digits[b[0] >> 2]);
		buf_addc(out, digits[(b[0] & 3) << 4 | b[1] >> 4]);
		buf_addc(out, i + 1 < s.len ? digits[(b[1] & 15) << 2 | b[2] >> 6] : '=');
		buf_addc(out, i + 2 < s.len ? digits[b[2] & 63] : '=');
	}
}

/* The end of the longest run of whole characters from `from` that fits one encoded-word. */
static size_t word_end(struct str s, size_t from)
{
	size_t end = from, next = from;
	uint32_t cp;

	while (utf8_next(s, &next, &cp) != -ENODATA && next - from <= WORD_BYTES_MAX)
		end = next;
	return end;
}

/* RFC 2047: words of the B encoding, folded. */
static void encoded_words(struct str s, struct buf *out)
{
	for (size_t from = 0; from < s.len;) {
		size_t end = word_end(s, from);

		if (from > 0)
			buf_adds(out, "\r\n ");
		buf_adds(out, "=?UTF-8?B?");
		base64_add(str_slice(s, from, end), out);
		buf_adds(out, "?=");
		from = end;
	}
}

/* A phrase before an address: quoted when plain, else encoded. */
static void phrase(struct str s, struct buf *out)
{
	if (!is_plain(s)) {
		encoded_words(s, out);
		return;
	}
	buf_addc(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] == '"' || s.data[i] == '\\')
			buf_addc(out, '\\');
		buf_addc(out, s.data[i]);
	}
	buf_addc(out, '"');
}

static void mailbox(const char *header, struct str name, struct str address, struct buf *out)
{
	buf_addf(out, "%s: ", header);
	if (name.len > 0) {
		phrase(name, out);
		buf_adds(out, is_plain(name) ? " " : "\r\n ");
	}
	buf_addf(out, "<%.*s>\r\n", STR_ARGS(address));
}

/* RFC 5322 date-time in UTC, independent of the locale. */
static void date(int64_t date_ms, struct buf *out)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
		                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t seconds = (time_t)(date_ms / 1000);
	struct tm t;

	gmtime_r(&seconds, &t);
	buf_addf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\r\n", days[t.tm_wday], t.tm_mday, months[t.tm_mon],
	         t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

static bool qp_is_literal(char c, bool at_end)
{
	if (c == ' ' || c == '\t')
		return !at_end; /* white space at the end of a line is lost on the way */
	return c > ' ' && c <= '~' && c != '=';
}

void message_quoted_printable(struct str text, struct buf *out)
{
	size_t column = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		bool at_end = i + 1 == text.len || text.data[i + 1] == '\n';
		bool literal = qp_is_literal(c, at_end);

		if (c == '\n') {
			buf_adds(out, "\r\n");
			column = 0;
			continue;
		}
		if (column + (literal ? 1 : 3) > LINE_MAX_) {
			buf_adds(out, "=\r\n");
			column = 0;
		}
		if (literal)
			buf_addc(out, c);
		else
			buf_addf(out, "=%02X", (unsigned)(uint8_t)c);
		column += literal ? 1 : 3;
	}
}

static void headers(const struct message *m, struct buf *out)
{
	ptrdiff_t at = str_index(m->from, '@', 0);

	date(m->date_ms, out);
	mailbox("From", m->from_name, m->from, out);
	mailbox("To", m->to_name, m->to, out);
	buf_adds(out, "Subject: ");
	if (is_plain(m->subject))
		buf_add_str(out, m->subject);
	else
		encoded_words(m->subject, out);
	buf_addf(out, "\r\nMessage-ID: <%.*s@%.*s>\r\n", STR_ARGS(m->event_id),
	         STR_ARGS(str_slice(m->from, (size_t)at + 1, m->from.len)));
	buf_addf(out, "X-Event-Id: %.*s\r\n", STR_ARGS(m->event_id));
	buf_addf(out, "Content-Language: %.*s\r\n", STR_ARGS(m->language));
	buf_adds(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
	buf_addf(out, "Content-Type: multipart/alternative;\r\n boundary=\"=_%.*s\"\r\n\r\n", STR_ARGS(m->event_id));
}

static void part(const struct message *m, const char *type, struct str text, struct buf *out)
{
	buf_addf(out, "--=_%.*s\r\n", STR_ARGS(m->event_id));
	buf_addf(out, "Content-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", type);
	message_quoted_printable(text, out);
	buf_adds(out, "\r\n");
}

int message_write(const struct message *m, struct buf *out)
{
	const struct str fields[] = { m->from_name, m->from, m->to_name, m->to, m->subject, m->event_id, m->language };

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!is_one_line(fields[i]))
			return -EINVAL;
	}
	if (str_index(m->from, '@', 0) < 0 || str_index(m->to, '@', 0) < 0 || str_index(m->to, '>', 0) >= 0 ||
	    !is_plain(m->event_id))
		return -EINVAL;
	headers(m, out);
	part(m, "text/plain", m->text, out);
	part(m, "text/html", m->html, out);
	buf_addf(out, "--=_%.*s--\r\n", STR_ARGS(m->event_id));
	return buf_error(out);
}
