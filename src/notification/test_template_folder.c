/* Templates of a folder replace those compiled in; what no mail is made of is refused. */
#include "notification/template_folder.h"

#include "notification/template.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const struct embedded_file built_in[] = {
	{ "layout.html", { "<p>{{subject}}</p>{{body}}", 26 } },
	{ "welcome.en.txt", { "Subject: Hello\n\nWelcome{{, name}}\n", 34 } },
	{ "welcome.ru.txt", { "Subject: Hi\n\nPrivet\n", 20 } },
};

static char folder[64];

static int folder_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/cinesync-templates-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void put(const char *name, struct str text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text.data, 1, text.len, f), text.len);
	assert_int_equal(fclose(f), 0);
}

static int load(struct arena *a, struct template_set *set, struct str *file)
{
	return template_set_load(built_in, ARRAY_SIZE(built_in), folder, a, set, file);
}

static void test_a_file_replaces_its_template(void **state)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct template_set set;
	struct template_mail mail;
	struct template_values values = { .name = STR("Ada"), .email = STR("ada@example.org") };
	struct str file;

	(void)state;
	assert_int_equal(arena_new(1 << 20, &a), 0);
	put("welcome.en.txt", STR("Subject: Our own\n\nGood day{{, name}}\n"));
	put("welcome.ru.html", STR("<b>{{email}}</b>"));
	put(".hidden", STR("\xff"));
	assert_int_equal(load(a, &set, &file), 0);
	assert_int_equal(set.n_replaced, 2);
	assert_int_equal(template_render(set.files, set.n, "welcome", STR("en"), &values, &mail), 0);
	assert_string_equal(buf_str(&mail.subject).data, "Our own");
	assert_non_null(strstr(buf_str(&mail.text).data, "Good day, Ada"));
	template_mail_done(&mail);
	assert_int_equal(template_render(set.files, set.n, "welcome", STR("ru"), &values, &mail), 0);
	assert_non_null(strstr(buf_str(&mail.html).data, "<b>ada@example.org</b>"));
	assert_non_null(strstr(buf_str(&mail.text).data, "Privet"));
	template_mail_done(&mail);
}

static void test_without_a_folder_they_are_as_compiled_in(void **state)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct template_set set;
	struct str file;

	(void)state;
	assert_int_equal(arena_new(1 << 20, &a), 0);
	assert_int_equal(template_set_load(built_in, ARRAY_SIZE(built_in), NULL, a, &set, &file), 0);
	assert_int_equal(set.n, ARRAY_SIZE(built_in));
	assert_int_equal(set.n_replaced, 0);
	assert_int_equal(template_set_load(built_in, ARRAY_SIZE(built_in), "/nowhere", a, &set, &file), -ENOENT);
}

static void test_a_file_that_no_mail_is_made_of_is_named(void **state)
{
	static const struct {
		const char *name;
		struct str text;
	} bad[] = {
		{ "wellcome.en.txt", { "Subject: x\n\ny\n", 14 } },
		{ "goodbye.en.html", { "x", 1 } },
		{ "welcome.en.txt~", { "x", 1 } },
		{ "welcome.en.txt", { "Subject: \xff\n\ny\n", 14 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct arena *a CLEANUP(arena_free) = NULL;
		struct template_set set;
		struct str file;
		char path[256];

		assert_int_equal(arena_new(1 << 20, &a), 0);
		put(bad[i].name, bad[i].text);
		assert_int_equal(load(a, &set, &file), -EINVAL);
		assert_string_equal(file.data, bad[i].name);
		snprintf(path, sizeof(path), "%s/%s", folder, bad[i].name);
		unlink(path);
	}
}

static void test_a_file_that_is_too_large_is_refused(void **state)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct template_set set;
	struct str file;
	char *text = calloc(1, TEMPLATE_FILE_SIZE_MAX + 1);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', TEMPLATE_FILE_SIZE_MAX + 1);
	assert_int_equal(arena_new(1 << 20, &a), 0);
	put("welcome.en.txt", (struct str){ text, TEMPLATE_FILE_SIZE_MAX + 1 });
	assert_int_equal(load(a, &set, &file), -EINVAL);
	free(text);
}

#define folder_test(f) cmocka_unit_test_setup_teardown(f, folder_up, folder_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		folder_test(test_a_file_replaces_its_template),
		folder_test(test_without_a_folder_they_are_as_compiled_in),
		folder_test(test_a_file_that_no_mail_is_made_of_is_named),
		folder_test(test_a_file_that_is_too_large_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
