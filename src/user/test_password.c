/* Passwords: what is the same, what is not, and what happens when everybody logs in at once. */
#include "base/buf.h"
#include "fiber/fiber.h"
#include "user/password.h"
#include "user/pepper.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <uv.h>

enum { COST = 4 };

static uv_loop_t loop;

/* Runs `body` on a fiber until it ends. */
static void on_fiber(void (*body)(void *))
{
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(fiber_runtime_init(&loop, NULL), 0);
	assert_int_equal(fiber_spawn("test", body, NULL, NULL), 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	fiber_runtime_done();
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static struct str of(const char *data, size_t len)
{
	return (struct str){ data, len };
}

static void verify(struct passwords *p, struct str given, const char *hash, int expected)
{
	assert_int_equal(password_verify(p, given, str_from(hash), NULL), expected);
}

static void right_and_wrong(void *arg)
{
	struct passwords *p CLEANUP(passwords_free) = NULL;
	char hash[PASSWORD_HASH_SIZE], again[PASSWORD_HASH_SIZE];

	(void)arg;
	assert_int_equal(passwords_new(COST, 0, 8, NULL, &p), 0);
	assert_int_equal(password_hash(p, STR("correct horse"), hash), 0);
	assert_int_equal(password_hash(p, STR("correct horse"), again), 0);
	verify(p, STR("correct horse"), hash, 0);
	verify(p, STR("Correct horse"), hash, -EACCES);
	verify(p, STR("correct horse "), hash, -EACCES);
	/* The salt makes the hashes of one password differ, and nobody's hash fits nothing. */
	assert_string_not_equal(hash, again);
	assert_int_equal(password_verify(p, STR("correct horse"), STR_NULL, NULL), -EACCES);
}

#define OLD_PEPPER "old:MDEyMzQ1Njc4OTAxMjM0NQ=="
#define NEW_PEPPER "new:YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="

/* A pepper comes, another follows it, the first goes. */
static void peppers_rotate(void *arg)
{
	struct passwords *none CLEANUP(passwords_free) = NULL, *old CLEANUP(passwords_free) = NULL;
	struct passwords *both CLEANUP(passwords_free) = NULL, *new CLEANUP(passwords_free) = NULL;
	char plain[PASSWORD_HASH_SIZE], first[PASSWORD_HASH_SIZE], second[PASSWORD_HASH_SIZE];

	(void)arg;
	assert_int_equal(passwords_new(COST, 0, 8, NULL, &none), 0);
	assert_int_equal(passwords_new(COST, 0, 8, OLD_PEPPER, &old), 0);
	assert_int_equal(passwords_new(COST, 0, 8, NEW_PEPPER "," OLD_PEPPER, &both), 0);
	assert_int_equal(passwords_new(COST, 0, 8, NEW_PEPPER, &new), 0);
	assert_int_equal(password_hash(none, STR("correct horse"), plain), 0);
	assert_int_equal(password_hash(old, STR("correct horse"), first), 0);
	assert_int_equal(password_hash(both, STR("correct horse"), second), 0);
	assert_non_null(strstr(first, ",p=old$"));
	assert_non_null(strstr(second, ",p=new$"));

	verify(old, STR("correct horse"), plain, 1);
	verify(both, STR("correct horse"), plain, 1);
	verify(old, STR("correct horse"), first, 0);
	verify(both, STR("correct horse"), first, 1);
	verify(both, STR("correct horse"), second, 0);
	verify(new, STR("correct horse"), second, 0);
	verify(new, STR("correct horse"), first, -ENOKEY);
	verify(none, STR("correct horse"), first, -ENOKEY);
	verify(both, STR("wrong horse"), first, -EACCES);
	assert_int_equal(password_verify(both, STR("correct horse"), STR_NULL, NULL), -EACCES);
}

/* The same id with another secret is another pepper. */
static void a_pepper_counts(void *arg)
{
	struct passwords *one CLEANUP(passwords_free) = NULL, *other CLEANUP(passwords_free) = NULL;
	char hash[PASSWORD_HASH_SIZE];

	(void)arg;
	assert_int_equal(passwords_new(COST, 0, 8, "a:MDEyMzQ1Njc4OTAxMjM0NQ==", &one), 0);
	assert_int_equal(passwords_new(COST, 0, 8, "a:MDEyMzQ1Njc4OTAxMjM0Ng==", &other), 0);
	assert_int_equal(password_hash(one, STR("correct horse"), hash), 0);
	verify(one, STR("correct horse"), hash, 0);
	verify(other, STR("correct horse"), hash, -EACCES);
}

static void test_pepper_settings(void **state)
{
	static const char *const bad[] = { "x",
		                           "a:",
		                           ":MDEyMzQ1Njc4OTAxMjM0NQ==",
		                           "a:c2hvcnQ=",
		                           "a b:MDEyMzQ1Njc4OTAxMjM0NQ==",
		                           OLD_PEPPER ",",
		                           OLD_PEPPER "," OLD_PEPPER,
		                           "a:MDEyMzQ1Njc4OTAxMjM0NQ" };

	(void)state;
	assert_null(peppers_check(OLD_PEPPER));
	assert_null(peppers_check(NEW_PEPPER "," OLD_PEPPER));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_non_null(peppers_check(bad[i]));
}

static void no_silent_truncation(void *arg)
{
	struct passwords *p CLEANUP(passwords_free) = NULL;
	char hash[PASSWORD_HASH_SIZE];
	char a[100], b[100];

	(void)arg;
	assert_int_equal(passwords_new(COST, 0, 8, NULL, &p), 0);
	/* Given two passwords that differ after byte 72 … */
	memset(a, 'x', sizeof(a));
	memcpy(b, a, sizeof(a));
	b[90] = 'y';
	assert_int_equal(password_hash(p, of(a, sizeof(a)), hash), 0);
	verify(p, of(a, sizeof(a)), hash, 0);
	verify(p, of(b, sizeof(b)), hash, -EACCES);
	verify(p, of(a, 72), hash, -EACCES);
	/* … and two that differ after a NUL. */
	assert_int_equal(password_hash(p, of("before\0after!", 13), hash), 0);
	verify(p, of("before\0after!", 13), hash, 0);
	verify(p, of("before\0other!", 13), hash, -EACCES);
	verify(p, of("before", 6), hash, -EACCES);
}

static void unicode(void *arg)
{
	static const char emoji[] = "\xf0\x9f\x8e\xac";
	struct passwords *p CLEANUP(passwords_free) = NULL;
	struct buf many CLEANUP(buf_done);
	char hash[PASSWORD_HASH_SIZE];

	(void)arg;
	assert_int_equal(passwords_new(COST, 0, 8, NULL, &p), 0);
	buf_init(&many, 1024);
	for (int i = 0; i < 64; i++)
		buf_adds(&many, emoji);
	assert_int_equal(password_hash(p, buf_str(&many), hash), 0);
	verify(p, buf_str(&many), hash, 0);
	verify(p, of(many.data, many.len - 4), hash, -EACCES);
	/* é in one code point and in two are one password. */
	assert_int_equal(password_hash(p, STR("Am\xc3\xa9lie 2001"), hash), 0);
	verify(p, STR("Ame\xcc\x81lie 2001"), hash, 0);
	assert_int_equal(password_hash(p, STR("\xff\xfe not utf-8"), hash), -EILSEQ);
}

/* Made by Passlib 1.7.4: bcrypt_sha256.using(rounds=4, salt='n79VH.0Q2TMWmt3Oqt9uku').hash('password') */
static void as_passlib_has_it(void *arg)
{
	static const char hash[] = "$bcrypt-sha256$v=2,t=2b,r=4$n79VH.0Q2TMWmt3Oqt9uku$sdU2s51xApBVBMVw4RZiJY.7FC1fevu";
	struct passwords *p CLEANUP(passwords_free) = NULL;

	(void)arg;
	assert_int_equal(passwords_new(COST, 0, 8, NULL, &p), 0);
	verify(p, STR("password"), hash, 0);
	verify(p, STR("Password"), hash, -EACCES);
}

static void cost_change(void *arg)
{
	struct passwords *cheap CLEANUP(passwords_free) = NULL;
	struct passwords *dear CLEANUP(passwords_free) = NULL;
	char hash[PASSWORD_HASH_SIZE];

	(void)arg;
	assert_int_equal(passwords_new(COST, 0, 8, NULL, &cheap), 0);
	assert_int_equal(passwords_new(COST + 1, 0, 8, NULL, &dear), 0);
	assert_int_equal(password_hash(cheap, STR("correct horse"), hash), 0);
	verify(dear, STR("correct horse"), hash, 1);
	verify(dear, STR("wrong horse"), hash, -EACCES);
	verify(dear, STR("correct horse"), "$2b$04$abcdefghijklmnopqrstuu", -EBADMSG);
	verify(dear, STR("correct horse"), "", -EBADMSG);
}

/* ---- a crowd ---- */

static struct passwords *crowd_passwords;
static int crowd_ok, crowd_busy, crowd_other;

static void crowd_member(void *arg)
{
	char hash[PASSWORD_HASH_SIZE];
	int r = password_hash(crowd_passwords, STR("correct horse"), hash);

	(void)arg;
	if (r == 0)
		crowd_ok++;
	else if (r == -EBUSY)
		crowd_busy++;
	else
		crowd_other++;
}

static void crowd(void *arg)
{
	struct fiber *members[20];

	(void)arg;
	assert_int_equal(passwords_new(COST, 1, 4, NULL, &crowd_passwords), 0);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		assert_int_equal(fiber_spawn("member", crowd_member, NULL, &members[i]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		assert_int_equal(fiber_join(members[i]), 0);
		fiber_unref(&members[i]);
	}
	/* One at work and four in line; the rest were told at once. */
	assert_int_equal(crowd_ok, 5);
	assert_int_equal(crowd_busy, 15);
	assert_int_equal(crowd_other, 0);
	passwords_free(&crowd_passwords);
}

#define TEST(name)                            \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		on_fiber(name);               \
	}
TEST(right_and_wrong)
TEST(peppers_rotate)
TEST(a_pepper_counts)
TEST(no_silent_truncation)
TEST(unicode)
TEST(as_passlib_has_it)
TEST(cost_change)
TEST(crowd)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right_and_wrong), cmocka_unit_test(test_no_silent_truncation),
		cmocka_unit_test(test_unicode),         cmocka_unit_test(test_as_passlib_has_it),
		cmocka_unit_test(test_cost_change),     cmocka_unit_test(test_peppers_rotate),
		cmocka_unit_test(test_a_pepper_counts), cmocka_unit_test(test_pepper_settings),
		cmocka_unit_test(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
