/* Cursors: what goes in comes out, for its own scope; nothing else does. */
#include "user/cursor.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/test-cursor-XXXXXX";
static char key_path[64];
static struct seal *seal;
static struct arena *arena;

static int up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(key_path, sizeof(key_path), "%s/key", folder);
	return seal_new(key_path, "test", &seal) < 0 || arena_new(1 << 20, &arena) < 0;
}

static int down(void **state)
{
	(void)state;
	seal_free(&seal);
	arena_free(&arena);
	unlink(key_path);
	return rmdir(folder);
}

static struct str written(const char *scope, const struct cursor *c)
{
	struct str text;

	assert_int_equal(cursor_write(seal, str_from(scope), c, arena, &text), 0);
	return text;
}

static void assert_comes_back(const struct cursor *c)
{
	struct str text = written("list", c);
	struct cursor back;

	assert_true(text.len <= 512); /* what the query's table takes */
	assert_int_equal(cursor_read(seal, STR("list"), text, arena, &back), 0);
	assert_int_equal(back.is_text, c->is_text);
	assert_int_equal(back.number, c->number);
	assert_int_equal(back.id, c->id);
	assert_true(str_equal(back.text, c->text) || (back.text.len == 0 && c->text.len == 0));
	assert_true(str_equal(back.item, c->item) || (back.item.len == 0 && c->item.len == 0));
}

static void comes_back(void **state)
{
	char longest[200];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	assert_comes_back(&(struct cursor){ .number = 0, .id = 1 });
	assert_comes_back(&(struct cursor){ .number = INT64_MIN, .id = INT64_MAX, .item = STR("01a2") });
	assert_comes_back(&(struct cursor){ .number = -1, .id = -1 });
	assert_comes_back(&(struct cursor){ .is_text = true, .text = STR(""), .id = 550 });
	assert_comes_back(&(struct cursor){ .is_text = true,
	                                    .text = { longest, sizeof(longest) },
	                                    .id = 550,
	                                    .item = STR("0198c3a0-0000-7000-8000-000000000000") });
}

static void is_for_one_scope(void **state)
{
	struct cursor c = { .number = 5, .id = 550 }, back;
	struct str text = written("ada favorites -added", &c);

	(void)state;
	assert_int_equal(cursor_read(seal, STR("ada favorites added"), text, arena, &back), -EBADMSG);
	assert_int_equal(cursor_read(seal, STR("bob favorites -added"), text, arena, &back), -EBADMSG);
	assert_int_equal(cursor_read(seal, STR("ada favorites -addedn"), text, arena, &back), -EBADMSG);
}

static void does_not_bend(void **state)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	struct cursor c = { .is_text = true, .text = STR("matrix"), .id = 603 }, back;
	struct str text = written("list", &c);

	(void)state;
	for (size_t at = 0; at < text.len; at++) {
		for (size_t i = 0; i < sizeof(letters) - 1; i++) {
			struct str bent = arena_str(arena, text);

			((char *)bent.data)[at] = letters[i];
			if (!str_equal(bent, text))
				assert_int_equal(cursor_read(seal, STR("list"), bent, arena, &back), -EBADMSG);
		}
		assert_int_equal(cursor_read(seal, STR("list"), str_slice(text, 0, at), arena, &back), -EBADMSG);
	}
	assert_int_equal(cursor_read(seal, STR("list"), STR("!"), arena, &back), -EBADMSG);
}

static void has_limits(void **state)
{
	char long_text[201];
	struct str text;

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	assert_int_equal(cursor_write(seal, STR("list"),
	                              &(struct cursor){ .is_text = true, .text = { long_text, sizeof(long_text) } },
	                              arena, &text),
	                 -EMSGSIZE);
	assert_int_equal(cursor_write(seal, STR("list"), &(struct cursor){ .item = { long_text, 37 } }, arena, &text),
	                 -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back),
		cmocka_unit_test(is_for_one_scope),
		cmocka_unit_test(does_not_bend),
		cmocka_unit_test(has_limits),
	};

	return cmocka_run_group_tests(tests, up, down);
}
