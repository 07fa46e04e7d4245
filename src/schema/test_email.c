/* E-mail addresses: what is taken, what is refused and why, and which spellings are one mailbox. */
#include "schema/email.h"

#include "base/buf.h"
#include "schema/testing.h"

static void test_good_addresses(void **state)
{
	static const char *const good[] = {
		"a@b.co",
		"ann@example.com",
		"Ann.O'Neil@Example.COM",
		"ann+films@example.co.uk",
		"!#$%&'*+-/=?^_`{|}~@example.org",
		"1234567890@example.org",
		"_@example.org",
		"a.b.c.d@sub.domain.example.org",
		"ann@1and1.de",
		"ann@3m.com",
		"ann@a-b.example",
		"ann@example.museum",
		"ann@example.test",
		"ann@xn--mnchen-3ya.de",
		"ann@XN--MNCHEN-3YA.DE",
		"ann@münchen.de",
		"ann@MÜNCHEN.DE",
		"ann@mu\xcc\x88nchen.de", /* u and a combining diaeresis */
		"ann@straße.de",          /* IDNA2008 keeps the sharp s */
		"имя@почта.рф",
		"用户@例子.广告",
		"ann@例子。中国", /* ideographic full stop */
		"ann@ΠΑΡΆΔΕΙΓΜΑ.δοκιμή",
		"उपयोगकर्ता@उदाहरण.भारत", /* combining vowels inside */
		"δοκιμή@παράδειγμα.δοκιμή",
		"مثال@مثال.إختبار",
		"\xd0\xb0nn@example.com", /* Cyrillic a: a homoglyph is still a letter */
		"🎬@example.com",          /* a symbol that can be seen */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		const char *reason = NULL;

		if (email_check(str_from(good[i]), &reason) != 0)
			fail_msg("%s: %s", good[i], reason);
	}
}

static void assert_refused(struct str address, const char *part_of_reason)
{
	const char *reason = NULL;

	if (email_check(address, &reason) != -EINVAL)
		fail_msg("taken: %.*s", STR_ARGS(address));
	if (!strstr(reason, part_of_reason))
		fail_msg("%.*s: %s", STR_ARGS(address), reason);
}

struct bad {
	const char *address;
	const char *reason;
};

static const struct bad bad[] = {
	{ "", "must have an @-sign" },
	{ "ann", "must have an @-sign" },
	{ "ann.example.com", "must have an @-sign" },
	{ "@", "something before" },
	{ "@example.com", "something before" },
	{ "ann@", "something after" },
	{ "ann@bob@example.com", "exactly one" },
	{ "ann@@example.com", "exactly one" },
	{ ".ann@example.com", "start with a period" },
	{ "ann.@example.com", "immediately before" },
	{ "an..n@example.com", "two periods" },
	{ ".@example.com", "start with a period" },
	{ "ann@.example.com", "immediately after" },
	{ "ann@example.com.", "end with a period" },
	{ "ann@example..com", "two periods" },
	{ "ann@localhost", "should have a period" },
	{ "ann@com", "should have a period" },
	{ "ann@127.0.0.1", "IP address" },
	{ "ann@example.123", "IP address" },
	{ "ann@[127.0.0.1]", "bracketed" },
	{ "ann@[IPv6:::1]", "bracketed" },
	{ "\"ann\"@example.com", "before the @-sign" },
	{ "\"ann lee\"@example.com", "before the @-sign" },
	{ "ann lee@example.com", "before the @-sign" },
	{ " ann@example.com", "before the @-sign" },
	{ "ann@example.com ", "after the @-sign" },
	{ "ann @example.com", "before the @-sign" },
	{ "ann@ example.com", "after the @-sign" },
	{ "ann(note)@example.com", "before the @-sign" },
	{ "ann@example.com(note)", "after the @-sign" },
	{ "Ann <ann@example.com>", "before the @-sign" },
	{ "<ann@example.com>", "before the @-sign" },
	{ "ann,bob@example.com", "before the @-sign" },
	{ "ann;bob@example.com", "before the @-sign" },
	{ "ann:bob@example.com", "before the @-sign" },
	{ "ann\\bob@example.com", "before the @-sign" },
	{ "mailto:ann@example.com", "before the @-sign" },
	{ "ann@exam_ple.com", "after the @-sign" },
	{ "ann@exam!ple.com", "after the @-sign" },
	{ "ann@example.com/path", "after the @-sign" },
	{ "ann@example.com:25", "after the @-sign" },
	{ "ann@-example.com", "hyphen" },
	{ "ann@example-.com", "hyphen" },
	{ "ann@ab--cd.com", "hyphens" },
	{ "ann@xn--.com", "international" },
	{ "ann@xn--a.com", "international" },   /* decodes to nothing sensible */
	{ "ann@xn--abc-.de", "international" }, /* would be written "abc" */
	{ "ann@💩.la", "international" },
	{ "ann@i❤.ws", "international" },
	{ "ann@xn--ls8h.la", "international" }, /* the same pile as an A-label */
	/* libidn2's own mapping would drop the odd character and take the rest */
	{ "ann@exa mple.рф", "after the @-sign" },
	{ "ann@exa_mple.рф", "after the @-sign" },
	{ "ann@mü_nchen.de", "international" },
	{ "ann@mü nchen.de", "international" },
	{ "ann@m\xc2\xad"
	  "ünchen.de",
	  "international" }, /* soft hyphen */
	{ "ann@℀.de", "international" },
	{ "ann@½.de", "international" },
	{ "ann@ｅｘａｍｐｌｅ.com", "international" }, /* full-width letters */
	{ "ann@xn--m_n-hoa.de", "after the @-sign" },
	{ "ann@\xcc\x88"
	  "a.de",
	  "international" }, /* a mark with nothing to stand on */
	{ "\xcc\x88"
	  "ann@example.com",
	  "before the @-sign" },
	{ "ann.\xcc\x88"
	  "lee@example.com",
	  "before the @-sign" },
	{ "ann\xe2\x80\x8b@example.com", "before the @-sign" }, /* zero width space */
	{ "ann\xe2\x80\xae@example.com", "before the @-sign" }, /* right-to-left override */
	{ "ann\xc2\xa0lee@example.com", "before the @-sign" },  /* no-break space */
	{ "ann\xee\x80\x80@example.com", "before the @-sign" }, /* private use */
	{ "ann@example.com\r\nBcc: all@example.com", "control" },
	{ "ann\r@example.com", "control" },
	{ "ann@example.com\n", "control" },
	{ "ann\t@example.com", "control" },
	{ "ann\x7f@example.com", "control" },
	{ "ann\xc2\x85@example.com", "control" }, /* a C1 control: next line */
	{ "ann\xff@example.com", "UTF-8" },
	{ "ann\xc0\x80@example.com", "UTF-8" },
	{ "ann\xed\xa0\x80@example.com", "UTF-8" },
};

static void test_bad_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_refused(str_from(bad[i].address), bad[i].reason);
	assert_refused(STR_NULL, "must have an @-sign");
	assert_refused(BYTES("ann\0@example.com"), "control");
	assert_refused(BYTES("ann@example.com\0.org"), "control");
}

/* n times a character, then the rest. */
static struct str repeated(struct buf *b, const char *head, size_t n, const char *unit, const char *tail)
{
	buf_reset(b);
	buf_adds(b, head);
	for (size_t i = 0; i < n; i++)
		buf_adds(b, unit);
	buf_adds(b, tail);
	return buf_str(b);
}

static void test_limits_are_counted_in_octets(void **state)
{
	struct buf b CLEANUP(buf_done);
	const char *reason = NULL;

	(void)state;
	buf_init(&b, SIZE_MAX);
	assert_int_equal(email_check(repeated(&b, "", 64, "a", "@example.com"), &reason), 0);
	assert_refused(repeated(&b, "", 65, "a", "@example.com"), "too long before");
	assert_int_equal(email_check(repeated(&b, "", 32, "é", "@example.com"), &reason), 0);
	assert_refused(repeated(&b, "", 33, "é", "@example.com"), "too long before");

	assert_int_equal(email_check(repeated(&b, "a@", 63, "b", ".com"), &reason), 0);
	assert_refused(repeated(&b, "a@", 64, "b", ".com"), "longer than 63");

	/* 2 + 126 * 2 = 254 and one more */
	assert_int_equal(email_check(repeated(&b, "a@", 125, "b.", "cc"), &reason), 0);
	assert_int_equal(buf_str(&b).len, 254);
	assert_refused(repeated(&b, "aa@", 125, "b.", "cc"), "too long");
	assert_refused(repeated(&b, "a@", 100000, "b.", "cc"), "too long");
	assert_refused(repeated(&b, "", 100000, "a", "@example.com"), "too long");
}

static void test_limit_holds_for_the_a_labels_too(void **state)
{
	struct buf b CLEANUP(buf_done);

	/* given a domain that fits as typed, and not in A-labels */
	(void)state;
	buf_init(&b, SIZE_MAX);
	assert_true(repeated(&b, "a@", 60, "ü.", "de").len <= 254);
	assert_refused(buf_str(&b), "too long");
}

static struct str canonical(struct arena *a, const char *address)
{
	struct str key = STR_NULL;

	assert_int_equal(email_canonical(str_from(address), a, &key), 0);
	return key;
}

static void test_spellings_of_one_mailbox(void **state)
{
	static const char *const same[][2] = {
		{ "Ann@Example.COM", "ann@example.com" },
		{ "ann@münchen.de", "ANN@XN--MNCHEN-3YA.de" },
		{ "ann@MÜNCHEN.de", "ann@münchen.de" },
		{ "ann@mu\xcc\x88nchen.de", "ann@münchen.de" },
		{ "Ame\xcc\x81lie@example.com", "amélie@example.com" },
		{ "AMÉLIE@example.com", "ame\xcc\x81lie@example.com" },
		{ "ИМЯ@ПОЧТА.РФ", "имя@почта.рф" },
		{ "имя@почта.рф", "имя@xn--80a1acny.xn--p1ai" },
		{ "STRASSE@example.com", "straße@example.com" },
		{ "ΟΔΟΣ@example.com", "οδος@example.com" }, /* both small sigmas */
		{ "οδός@example.com", "ΟΔΌΣ@example.com" },
		{ "ann@例子。中国", "ann@例子.中国" },
		{ "ann@ΠΑΡΆΔΕΙΓΜΑ.example", "ann@παράδειγμα.example" },
		{ "ann@Ⱥ.example", "ann@ⱥ.example" }, /* the small one has more bytes */
	};
	struct arena *a CLEANUP(arena_free) = testing_arena();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		struct str left = canonical(a, same[i][0]), right = canonical(a, same[i][1]);

		if (!str_equal(left, right))
			fail_msg("%s is not %s", left.data, right.data);
		/* the key of a key is the key */
		assert_true(str_equal(left, canonical(a, left.data)));
	}
}

static void test_spellings_of_two_mailboxes(void **state)
{
	static const char *const different[][2] = {
		{ "ann@example.com", "anne@example.com" },
		{ "ann@example.com", "ann@example.org" },
		{ "ann+a@example.com", "ann@example.com" },
		{ "a.nn@example.com", "ann@example.com" },
		{ "ann@strasse.de", "ann@straße.de" },
		{ "ann@example.com", "\xd0\xb0nn@example.com" }, /* Cyrillic a */
		{ "amelie@example.com", "amélie@example.com" },
	};
	struct arena *a CLEANUP(arena_free) = testing_arena();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(different); i++)
		assert_false(str_equal(canonical(a, different[i][0]), canonical(a, different[i][1])));
}

static void test_canonical_failures(void **state)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct str key = STR("untouched");

	(void)state;
	assert_int_equal(arena_new(0, &a), 0);
	assert_int_equal(email_canonical(STR("ann"), a, &key), -EINVAL);
	assert_int_equal(email_canonical(STR("ann@example.com"), a, &key), -ENOMEM);
	testing_str(key, "untouched");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_addresses),
		cmocka_unit_test(test_bad_addresses),
		cmocka_unit_test(test_limits_are_counted_in_octets),
		cmocka_unit_test(test_limit_holds_for_the_a_labels_too),
		cmocka_unit_test(test_spellings_of_one_mailbox),
		cmocka_unit_test(test_spellings_of_two_mailboxes),
		cmocka_unit_test(test_canonical_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
