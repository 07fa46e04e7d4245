/* A fuzz target: any bytes as a request target, as a query, and as a header. What is taken must be decoded text: UTF-8
 * without a NUL, and a value that was sound must be one line. As an ordinary program it tries the files named. */
#include "base/fuzz.h"
#include "base/utf8.h"
#include "http/head.h"
#include "http/target.h"

#define ARENA_SIZE_MAX (16u << 20)

static void text_check(struct str text)
{
	must(utf8_is_valid(text) && !memchr(text.data, '\0', text.len));
}

static void pairs_check(struct str input, struct arena *a)
{
	struct schema_pair *pairs = NULL;
	size_t n = 0;

	if (target_pairs(input, a, &pairs, &n) < 0)
		return;
	must(n <= TARGET_PAIRS_MAX);
	for (size_t i = 0; i < n; i++) {
		text_check(pairs[i].name);
		text_check(pairs[i].value);
	}
}

static void head_try(struct str input)
{
	struct head h = { 0 };
	struct head_body body;
	const char *detail = "";

	head_add(&h, STR("Content-Length"), input);
	head_add(&h, STR("Host"), STR("example.org"));
	if (!head_check(&h, false, &body, &detail))
		must(body.length >= 0 && head_value_is_sound(input));
	(void)head_lines_are_sound(input);
	(void)head_media_type(input);
	(void)head_charset_is_utf8(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct str input = { (const char *)data, size };
	struct target target;

	if (size == 0 || arena_new(ARENA_SIZE_MAX, &a) < 0)
		return 0;
	if (target_parse(input, &target) == 0 && !str_is_null(target.query))
		pairs_check(target.query, a);
	pairs_check(input, a);
	head_try(input);
	return 0;
}
