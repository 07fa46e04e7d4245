/* Mail templates: what a person chose stays text, a faulty template is named. */
#include "notification/template.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define FILE_(name_, text_)                      \
	{                                        \
		name_,                           \
		{                                \
			text_, sizeof(text_) - 1 \
		}                                \
	}

static const struct embedded_file files[] = {
	FILE_("hello.en.txt", "Subject: Hi{{, name}}\n\nWrite to {{email}} or open {{url}}\n"),
	FILE_("hello.en.html", "<p>Hi{{, name}} &lt;{{email}}&gt; <a href=\"{{url}}\">x</a></p>\n"),
	FILE_("hello.ru.txt", "Subject: Привет{{, name}}\n\n{{email}}\n"),
	FILE_("hello.ru.html", "<p>Привет{{, name}}</p>\n"),
};

static void render(const char *language, const struct template_values *v, struct template_mail *ret)
{
	assert_int_equal(template_render(files, ARRAY_SIZE(files), "hello", str_from(language), v, ret), 0);
}

static void in_each_language(void **state)
{
	struct template_values v = { .name = STR("Ada"), .email = STR("ada@example.org"), .url = STR("http://x/") };
	struct template_mail mail;

	(void)state;
	render("en", &v, &mail);
	assert_string_equal(mail.subject.data, "Hi, Ada");
	assert_string_equal(mail.text.data, "Write to ada@example.org or open http://x/\n");
	template_mail_done(&mail);
	render("ru", &v, &mail);
	assert_string_equal(mail.subject.data, "Привет, Ada");
	template_mail_done(&mail);
	/* A language nobody has written yet falls back to English. */
	render("de", &v, &mail);
	assert_string_equal(mail.subject.data, "Hi, Ada");
	template_mail_done(&mail);
}

static void without_a_name(void **state)
{
	struct template_values v = { .email = STR("ada@example.org"), .url = STR("http://x/") };
	struct template_mail mail;

	(void)state;
	render("en", &v, &mail);
	assert_string_equal(mail.subject.data, "Hi");
	template_mail_done(&mail);
}

static void values_are_never_markup(void **state)
{
	struct template_values v = { .name = STR("<b>{{url}}</b>"),
		                     .email = STR("a@b.c"),
		                     .url = STR("http://x/?a=1&b=\"") };
	struct template_mail mail;

	(void)state;
	render("en", &v, &mail);
	assert_string_equal(
	        mail.html.data,
	        "<p>Hi, &lt;b&gt;{{url}}&lt;/b&gt; &lt;a@b.c&gt; <a href=\"http://x/?a=1&amp;b=&quot;\">x</a></p>\n");
	assert_string_equal(mail.subject.data, "Hi, <b>{{url}}</b>");
	template_mail_done(&mail);
}

static void faulty_templates_are_named(void **state)
{
	static const struct embedded_file bad[][2] = {
		{ FILE_("a.en.txt", "No subject\n\n"), FILE_("a.en.html", "") },
		{ FILE_("a.en.txt", "Subject: x\n\n{{unknown}}"), FILE_("a.en.html", "") },
		{ FILE_("a.en.txt", "Subject: x\n\nok"), FILE_("a.en.html", "{{email") },
		{ FILE_("a.en.txt", "Subject: x\nno empty line"), FILE_("a.en.html", "") },
	};
	const char *file;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		file = NULL;
		assert_int_equal(template_check(bad[i], 2, &file), -EINVAL);
		assert_string_equal(file, "a.en.txt");
	}
	assert_int_equal(template_check(files, ARRAY_SIZE(files), &file), 0);
	assert_int_equal(template_check(&files[0], 1, &file), -ENOENT);
}

static void both_bodies_come_from_one_text(void **state)
{
	static const struct embedded_file pair[] = {
		FILE_("layout.html", "<html lang={{language}}><title>{{subject}}</title>{{body}}</html>"),
		FILE_("all.en.txt", "Subject: A & B{{, name}}\n\n# Head\n\nLine one\nline two, {{device}}.\n\n"
		                    "    {{email}}\n\n[Open <it>]({{url}})\n\n> small\n"),
	};
	struct template_values v = { .name = STR("[x](y)"),
		                     .email = STR("a@b.c"),
		                     .url = STR("http://x/?a&b"),
		                     .device = STR("\n\n# no heading") };
	struct template_mail mail;

	(void)state;
	assert_int_equal(template_render(pair, ARRAY_SIZE(pair), "all", STR("en"), &v, &mail), 0);
	assert_string_equal(mail.subject.data, "A & B, [x](y)");
	assert_string_equal(mail.text.data, "Head\n\nLine one\nline two, \n\n# no heading.\n\n    a@b.c\n\n"
	                                    "Open <it>:\n\n    http://x/?a&b\n\nsmall\n");
	assert_non_null(strstr(mail.html.data, "<html lang=en><title>A &amp; B, [x](y)</title><h1 "));
	assert_non_null(strstr(mail.html.data, ">Line one\nline two, \n\n# no heading.</p>"));
	assert_non_null(strstr(mail.html.data, "<b>a@b.c</b>"));
	assert_non_null(strstr(mail.html.data, "href=\"http://x/?a&amp;b\""));
	assert_non_null(strstr(mail.html.data, ">Open &lt;it&gt;</a>"));
	assert_non_null(strstr(mail.html.data, "small</p>\n</html>"));
	template_mail_done(&mail);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_each_language),
		cmocka_unit_test(without_a_name),
		cmocka_unit_test(values_are_never_markup),
		cmocka_unit_test(faulty_templates_are_named),
		cmocka_unit_test(both_bodies_come_from_one_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
