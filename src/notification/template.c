/* The smallest template language that serves: text with {{placeholders}} out of a fixed set. No logic, no nesting, no
 * I/O. What a person chose (name, address) can never become markup, a header or another placeholder: a template is
 * taken apart before the values come in. */
#include "notification/template.h"

#include "notification/template_fill.h"

#include <errno.h>
#include <stdio.h>

enum { MAIL_SIZE_MAX = 262144 };

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

/* The fragment in the layout, whose own placeholders are {{subject}}, {{language}} and {{body}}. */
static int layout_fill(struct str layout, struct str subject, struct str language, struct str body, struct buf *out)
{
	static const char *const keys[] = { "{{subject}}", "{{language}}", "{{body}}" };

	while (layout.len > 0) {
		const char *at = memmem(layout.data, layout.len, "{{", 2);
		size_t i, open = at ? (size_t)(at - layout.data) : layout.len;

		buf_add_str(out, str_slice(layout, 0, open));
		layout = str_slice(layout, open, layout.len);
		if (layout.len == 0)
			break;
		for (i = 0; i < ARRAY_SIZE(keys) && !str_starts(layout, str_from(keys[i])); i++)
			;
		if (i == ARRAY_SIZE(keys))
			return -EINVAL;
		if (i == 2)
			buf_add_str(out, body);
		else
			buf_add_html(out, i == 0 ? subject : language);
		layout = str_slice(layout, strlen(keys[i]), layout.len);
	}
	return buf_error(out);
}

static int html_make(const struct embedded_file *files, size_t n, struct str source, struct str language,
                     const struct template_values *v, struct template_mail *m)
{
	struct str layout = embedded_find(files, n, "layout.html");
	struct buf body CLEANUP(buf_done);
	int r;

	buf_init(&body, MAIL_SIZE_MAX);
	if (str_is_null(layout))
		return -ENOENT;
	r = template_html(source, v, &body);
	return r < 0 ? r : layout_fill(layout, buf_str(&m->subject), language, buf_str(&body), &m->html);
}

int template_render(const struct embedded_file *files, size_t n_files, const char *name, struct str language,
                    const struct template_values *v, struct template_mail *ret)
{
	struct str text = file_find(files, n_files, name, language, "txt");
	struct str subject, html;
	int r;

	buf_init(&ret->subject, 1024);
	buf_init(&ret->text, MAIL_SIZE_MAX);
	buf_init(&ret->html, MAIL_SIZE_MAX);
	if (str_is_null(text)) {
		language = STR("en");
		text = file_find(files, n_files, name, language, "txt");
	}
	if (str_is_null(text))
		return -ENOENT;
	html = file_find(files, n_files, name, language, "html");
	r = text_split(text, &subject, &text);
	if (r == 0)
		r = template_fill(subject, v, buf_add_str, buf_add_str, &ret->subject);
	if (r == 0)
		r = template_text(text, v, &ret->text);
	if (r < 0)
		return r;
	return str_is_null(html) ? html_make(files, n_files, text, language, v, ret)
	                         : template_fill(html, v, buf_add_str, buf_add_html, &ret->html);
}

void template_mail_done(struct template_mail *m)
{
	buf_done(&m->subject);
	buf_done(&m->text);
	buf_done(&m->html);
}

static int file_check(const struct embedded_file *files, size_t n, const char *file)
{
	const struct template_values sample = { .email = STR("a@example.org"), .url = STR("http://127.0.0.1") };
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
		bool is_layout = strcmp(files[i].name, "layout.html") == 0;
		int r = is_layout ? 0 : file_check(files, n_files, files[i].name);

		if (r < 0) {
			*ret_file = files[i].name;
			return r;
		}
	}
	return 0;
}
