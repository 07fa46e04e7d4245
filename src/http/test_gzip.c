/* Compressed bodies: there and back, refused when they are not what they say, and never larger than allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/gzip.h"
#include "http/reply.h"

#include <errno.h>

#define TEXT_SIZE 100000

static char text[TEXT_SIZE];

static struct str sample(size_t len)
{
	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + i * i % 7);
	return (struct str){ text, len };
}

static void test_there_and_back(void **state)
{
	static const size_t sizes[] = { 0, 1, 100, 16384, 16385, TEXT_SIZE };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct buf packed CLEANUP(buf_done);
		struct buf back CLEANUP(buf_done);

		buf_init(&packed, TEXT_SIZE);
		buf_init(&back, TEXT_SIZE);
		gzip_pack(sample(sizes[i]), &packed);
		assert_int_equal(gzip_unpack(buf_str(&packed), &back), 0);
		assert_true(str_equal(buf_str(&back), sample(sizes[i])));
	}
}

static void test_what_is_cut_or_has_a_tail_is_refused(void **state)
{
	struct buf packed CLEANUP(buf_done);

	(void)state;
	buf_init(&packed, TEXT_SIZE);
	gzip_pack(sample(5000), &packed);
	for (size_t len = 0; len <= packed.len + 1; len++) {
		struct buf back CLEANUP(buf_done);

		buf_init(&back, TEXT_SIZE);
		/* One more than there is: the NUL behind the data. */
		assert_int_equal(gzip_unpack((struct str){ packed.data, len }, &back),
		                 len == packed.len ? 0 : -EBADMSG);
	}
}

/* A bit that pads the last byte of the data may be anything. */
static void test_a_flipped_byte_never_gives_another_text(void **state)
{
	struct buf packed CLEANUP(buf_done);
	size_t refused = 0;

	(void)state;
	buf_init(&packed, TEXT_SIZE);
	gzip_pack(sample(3000), &packed);
	for (size_t i = 0; i < packed.len; i++) {
		struct buf back CLEANUP(buf_done);

		buf_init(&back, TEXT_SIZE);
		packed.data[i] ^= 0x40;
		if (gzip_unpack(buf_str(&packed), &back) < 0)
			refused++;
		else
			assert_true(str_equal(buf_str(&back), sample(3000)));
		packed.data[i] ^= 0x40;
	}
	assert_true(refused > packed.len - 12); /* the header's time and system mean nothing either */
}

static void test_a_bomb_ends_at_the_bound(void **state)
{
	struct buf packed CLEANUP(buf_done);
	struct buf back CLEANUP(buf_done);

	(void)state;
	buf_init(&packed, TEXT_SIZE);
	memset(text, 'x', TEXT_SIZE);
	gzip_pack((struct str){ text, TEXT_SIZE }, &packed);
	assert_true(packed.len < 500);
	buf_init(&back, 1000);
	assert_int_equal(gzip_unpack(buf_str(&packed), &back), -ENOBUFS);
	assert_true(back.len <= 1000);
}

static void test_a_reply_keeps_both_forms(void **state)
{
	struct reply_form form;
	struct reply *made;
	struct reply *again;

	(void)state;
	assert_int_equal(reply_new(200, "application/json", sample(5000), &made), 0);
	assert_null(reply_gzip(made).data);
	size_t plain = reply_size(made);
	assert_int_equal(reply_compress(made), 0);
	assert_non_null(reply_gzip(made).data);
	assert_int_equal(reply_size(made), plain + reply_gzip(made).len + 1);
	form = reply_store(made);
	assert_true(form.is_gzip && str_equal(form.bytes, reply_gzip(made)));
	assert_int_equal(reply_restore(200, "application/json", &form, &again), 0);
	assert_true(str_equal(reply_body(again), sample(5000)));
	assert_string_equal(reply_etag(again), reply_etag(made));
	assert_true(str_equal(reply_gzip(again), reply_gzip(made)));
	reply_unref(&again);
	form.bytes = STR("no gzip");
	assert_int_equal(reply_restore(200, "application/json", &form, &again), -EBADMSG);
	form.is_gzip = false;
	form.etag = STR("\"0123456789abcdeg\"");
	assert_int_equal(reply_restore(200, "application/json", &form, &again), -EBADMSG);
	form.etag = STR("\"0123456789abcdef\"");
	assert_int_equal(reply_restore(200, "application/json", &form, &again), 0);
	assert_string_equal(reply_etag(again), "\"0123456789abcdef\"");
	assert_string_equal(reply_body(again).data, "no gzip");
	reply_unref(&again);
	reply_unref(&made);
}

static void test_what_does_not_shrink_stays_plain(void **state)
{
	char noise[2000];
	struct reply *r;

	(void)state;
	for (size_t i = 0, x = 1; i < sizeof(noise); i++, x = x * 6364136223846793005u + 1442695040888963407u)
		noise[i] = (char)(x >> 56);
	assert_int_equal(reply_new(200, "application/json", (struct str){ noise, sizeof(noise) }, &r), 0);
	assert_int_equal(reply_compress(r), 0);
	assert_null(reply_gzip(r).data);
	reply_unref(&r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_what_is_cut_or_has_a_tail_is_refused),
		cmocka_unit_test(test_a_flipped_byte_never_gives_another_text),
		cmocka_unit_test(test_a_bomb_ends_at_the_bound),
		cmocka_unit_test(test_a_reply_keeps_both_forms),
		cmocka_unit_test(test_what_does_not_shrink_stays_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
