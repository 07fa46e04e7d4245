/* The smallest template language that serves: literal text and {{placeholders}} out of a fixed set. No logic, no
 * nesting, no I/O. What a person chose (name, address) can never become markup, a header or another placeholder. */
#include "notification/template.h"

#include <errno.h>
#include <stdio.h>

enum { MAIL_SIZE_MAX = 262144 };

/* How a value is written into the body at hand. */
typedef void add_value(struct buf *out, struct str value);

static int placeholder_add(struct str key, const struct template_values *v, add_value *add, struct buf *out)
{
	if (str_equal(key, STR("email"))) {
		add(out, v->email);
	} else if (str_equal(key, STR("url"))) {
		add(out, v->url);
	} else if (str_equal(key, STR(", name"))) {
		if (v->name.len > 0) {
			buf_adds(out, ", ");
			add(out, v->name);
		}
	} else {
		return -EINVAL;
	}
	return 0;
}

static ptrdiff_t find(struct str text, const char *what, size_t from)
{
	const char *at = from < text.len ? memmem(text.data + from, text.len - from, what, 2) : NULL;

	return at ? at - text.data : -1;
}

static int render(struct str text, const struct template_values *v, add_value *add, struct buf *out)
{
	size_t from = 0;
	ptrdiff_t open, close;
	int r;

	while ((open = find(text, "{{", from)) >= 0) {
		close = find(text, "}}", (size_t)open);
		if (close < 0)
			return -EINVAL;
		buf_add_str(out, str_slice(text, from, (size_t)open));
		r = placeholder_add(str_slice(text, (size_t)open + 2, (size_t)close), v, add, out);
		if (r < 0)
			return r;
		from = (size_t)close + 2;
	}
	buf_add_str(out, str_slice(text, from, text.len));
	return buf_error(out);
}

static struct str file_find(const struct embedded_file *files, size_t n, const char *name, struct str language,
                            const char *ending)
{
	char path[128];

	snprintf(path, sizeof(path), "%s.%.*s.%s", name, STR_ARGS(language), ending);
	return embedded_find(files, n, path);
}

/* "Subject: …", an empty line, the text. */
static int text_split(struct str file, struct str *ret_subject, struct str *ret_text)
{
	ptrdiff_t end = str_index(file, '\n', 0);

	if (!str_starts(file, STR("Subject: ")) || end < 0 || (size_t)end + 1 >= file.len || file.data[end + 1] != '\n')
		return -EINVAL;
	*ret_subject = str_slice(file, strlen("Subject: "), (size_t)end);
	*ret_text = str_slice(file, (size_t)end + 2, file.len);
	return 0;
}

int template_render(const struct embedded_file *files, size_t n_files, const char *name, struct str language,
                    const struct template_values *v, struct template_mail *ret)
{
	struct str text = file_find(files, n_files, name, language, "txt");
	struct str html = file_find(files, n_files, name, language, "html");
	struct str subject;
	int r;

	buf_init(&ret->subject, 1024);
	buf_init(&ret->text, MAIL_SIZE_MAX);
	buf_init(&ret->html, MAIL_SIZE_MAX);
	if (str_is_null(text) || str_is_null(html)) {
		text = file_find(files, n_files, name, STR("en"), "txt");
		html = file_find(files, n_files, name, STR("en"), "html");
	}
	if (str_is_null(text) || str_is_null(html))
		return -ENOENT;
	r = text_split(text, &subject, &text);
	if (r == 0)
		r = render(subject, v, buf_add_str, &ret->subject);
	if (r == 0)
		r = render(text, v, buf_add_str, &ret->text);
	return r < 0 ? r : render(html, v, buf_add_html, &ret->html);
}

void template_mail_done(struct template_mail *m)
{
	buf_done(&m->subject);
	buf_done(&m->text);
	buf_done(&m->html);
}

static int file_check(const struct embedded_file *files, size_t n, const char *file)
{
	static const struct template_values sample = { STR_NULL, { "a@example.org", 13 }, { "http://127.0.0.1", 16 } };
	struct template_mail mail CLEANUP(template_mail_done) = { 0 };
	struct str name = str_from(file);
	ptrdiff_t dot = str_index(name, '.', 0);
	ptrdiff_t dot2 = dot < 0 ? -1 : str_index(name, '.', (size_t)dot + 1);
	char stem[64];

	if (dot2 < 0 || dot >= (ptrdiff_t)sizeof(stem))
		return -EINVAL;
	snprintf(stem, sizeof(stem), "%.*s", (int)dot, file);
	return template_render(files, n, stem, str_slice(name, (size_t)dot + 1, (size_t)dot2), &sample, &mail);
}

int template_check(const struct embedded_file *files, size_t n_files, const char **ret_file)
{
	for (size_t i = 0; i < n_files; i++) {
		int r = file_check(files, n_files, files[i].name);

		if (r < 0) {
			*ret_file = files[i].name;
			return r;
		}
	}
	return 0;
}
