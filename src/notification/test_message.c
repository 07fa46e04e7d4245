/* Mails on the wire: encodings, folding, and no way to smuggle a header in. */
#include "notification/message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct message sample(void)
{
	return (struct message){
		.from_name = STR("CineSync"),
		.from = STR("noreply@example.org"),
		.to_name = STR("Ada"),
		.to = STR("ada@example.org"),
		.subject = STR("Welcome"),
		.text = STR("Hello\n"),
		.html = STR("<p>Hello</p>\n"),
		.event_id = STR("0190c0de-0000-7000-8000-000000000001"),
		.language = STR("en"),
		.date_ms = 1795386242000,
	};
}

static void write_message(const struct message *m, struct buf *out)
{
	buf_init(out, 65536);
	assert_int_equal(message_write(m, out), 0);
}

static void has(const struct buf *b, const char *part)
{
	if (!strstr(b->data, part))
		fail_msg("'%s' is not in:\n%s", part, b->data);
}

static void plain_headers(void **state)
{
	struct buf out CLEANUP(buf_done);
	struct message m = sample();

	(void)state;
	write_message(&m, &out);
	has(&out, "Date: Sun, 22 Nov 2026 22:24:02 +0000\r\n");
	has(&out, "From: \"CineSync\" <noreply@example.org>\r\n");
	has(&out, "To: \"Ada\" <ada@example.org>\r\n");
	has(&out, "Subject: Welcome\r\n");
	has(&out, "Message-ID: <0190c0de-0000-7000-8000-000000000001@example.org>\r\n");
	has(&out, "\r\n\r\n--=_0190c0de-0000-7000-8000-000000000001\r\nContent-Type: text/plain; charset=utf-8\r\n");
	has(&out, "--=_0190c0de-0000-7000-8000-000000000001--\r\n");
}

static void non_ascii_headers_are_encoded_words(void **state)
{
	struct buf out CLEANUP(buf_done);
	struct message m = sample();

	(void)state;
	m.subject = STR("Добро пожаловать в CineSync, дорогой друг кино");
	m.to_name = STR("Анна \"А\"");
	write_message(&m, &out);
	has(&out, "Subject: =?UTF-8?B?0JTQvtCx0YDQviDQv9C+0LbQsNC70L7QstCw0YLRjCDQsiBDaW5l?=\r\n "
	          "=?UTF-8?B?U3luYywg0LTQvtGA0L7Qs9C+0Lkg0LTRgNGD0LMg0LrQuNC90L4=?=\r\n");
	has(&out, "To: =?UTF-8?B?0JDQvdC90LAgItCQIg==?=\r\n <ada@example.org>\r\n");
	for (const char *line = out.data; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		assert_true(strcspn(line, "\r\n") <= 76);
}

static void quotes_are_escaped(void **state)
{
	struct buf out CLEANUP(buf_done);
	struct message m = sample();

	(void)state;
	m.to_name = STR("A \"B\" \\ C");
	write_message(&m, &out);
	has(&out, "To: \"A \\\"B\\\" \\\\ C\" <ada@example.org>\r\n");
}

static void a_text_that_looks_like_an_encoded_word_is_encoded(void **state)
{
	struct buf out CLEANUP(buf_done);
	struct message m = sample();

	(void)state;
	m.subject = STR("=?UTF-8?B?AAAA?=");
	write_message(&m, &out);
	has(&out, "Subject: =?UTF-8?B?PT9VVEYtOD9CP0FBQUE/PQ==?=\r\n");
}

static void line_ends_in_headers_are_refused(void **state)
{
	static const struct str evil[] = { { "x\r\nBcc: y@z", 11 }, { "x\nBcc: y", 8 }, { "x\ry", 3 }, { "x\0y", 3 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(evil); i++) {
		for (int field = 0; field < 7; field++) {
			struct message m = sample();
			struct str *fields[] = { &m.from_name, &m.from,     &m.to_name, &m.to,
				                 &m.subject,   &m.event_id, &m.language };
			struct buf out CLEANUP(buf_done);

			buf_init(&out, 65536);
			*fields[field] = evil[i];
			assert_int_equal(message_write(&m, &out), -EINVAL);
			assert_int_equal(out.len, 0);
		}
	}
}

static void addresses_that_are_none_are_refused(void **state)
{
	static const char *const bad[] = { "", "nobody", "a@b> <c@d" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct message m = sample();
		struct buf out CLEANUP(buf_done);

		buf_init(&out, 65536);
		m.to = str_from(bad[i]);
		assert_int_equal(message_write(&m, &out), -EINVAL);
	}
}

static void quoted_printable(void **state)
{
	static const struct {
		const char *text, *wire;
	} rows[] = {
		{ "plain\n", "plain\r\n" },
		{ "a = b", "a =3D b" },
		{ "trailing \nnext", "trailing=20\r\nnext" },
		{ "é", "=C3=A9" },
		{ "012345678901234567890123456789012345678901234567890123456789012345678901234567890",
		  "012345678901234567890123456789012345678901234567890123456789012345678901234=\r\n567890" },
		{ "cr\rlf", "cr=0Dlf" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf out CLEANUP(buf_done);

		buf_init(&out, 4096);
		message_quoted_printable(str_from(rows[i].text), &out);
		assert_string_equal(out.data, rows[i].wire);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_headers),
		cmocka_unit_test(non_ascii_headers_are_encoded_words),
		cmocka_unit_test(quotes_are_escaped),
		cmocka_unit_test(a_text_that_looks_like_an_encoded_word_is_encoded),
		cmocka_unit_test(line_ends_in_headers_are_refused),
		cmocka_unit_test(addresses_that_are_none_are_refused),
		cmocka_unit_test(quoted_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
