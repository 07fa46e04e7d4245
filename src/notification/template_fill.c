/* Placeholders, and blocks of text. A block is recognised in the template's own words, before any value is in it. */
#include "notification/template_fill.h"

#include <errno.h>

/* The value of a placeholder; false: there is none of that name. */
static bool value_of(struct str key, const struct template_values *v, struct str *ret)
{
	const struct {
		const char *key;
		struct str value;
	} all[] = {
		{ "email", v->email },           { "url", v->url },
		{ "new_email", v->new_email },   { "device", v->device },
		{ "ip_address", v->ip_address }, { "occurred_at", v->occurred_at },
		{ "expires_at", v->expires_at },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (str_equal(key, str_from(all[i].key))) {
			*ret = all[i].value;
			return true;
		}
	}
	return false;
}

static int placeholder_add(struct str key, const struct template_values *v, template_add *add, struct buf *out)
{
	struct str value;

	if (str_equal(key, STR(", name"))) {
		if (v->name.len > 0) {
			buf_adds(out, ", ");
			add(out, v->name);
		}
		return 0;
	}
	if (!value_of(key, v, &value))
		return -EINVAL;
	if (value.len > 0)
		add(out, value);
	return 0;
}

static ptrdiff_t find(struct str text, const char *what, size_t from)
{
	const char *at = from < text.len ? memmem(text.data + from, text.len - from, what, strlen(what)) : NULL;

	return at ? at - text.data : -1;
}

int template_fill(struct str text, const struct template_values *v, template_add *add_text, template_add *add_value,
                  struct buf *out)
{
	size_t from = 0;
	ptrdiff_t open, close;
	int r;

	while ((open = find(text, "{{", from)) >= 0) {
		close = find(text, "}}", (size_t)open);
		if (close < 0)
			return -EINVAL;
		add_text(out, str_slice(text, from, (size_t)open));
		r = placeholder_add(str_slice(text, (size_t)open + 2, (size_t)close), v, add_value, out);
		if (r < 0)
			return r;
		from = (size_t)close + 2;
	}
	add_text(out, str_slice(text, from, text.len));
	return buf_error(out);
}

enum block_kind { BLOCK_PARAGRAPH, BLOCK_HEADING, BLOCK_SMALL, BLOCK_STRONG, BLOCK_BUTTON };

struct block {
	enum block_kind kind;
	struct str text;
	struct str target; /* of a button */
};

/* "[Label](target)". */
static bool button_parse(struct str text, struct block *ret)
{
	ptrdiff_t middle = find(text, "](", 0);

	if (!str_starts(text, STR("[")) || middle < 0 || text.data[text.len - 1] != ')')
		return false;
	*ret = (struct block){ BLOCK_BUTTON, str_slice(text, 1, (size_t)middle),
		               str_slice(text, (size_t)middle + 2, text.len - 1) };
	return true;
}

/* The next block from *at on; false at the end. */
static bool block_next(struct str source, size_t *at, struct block *ret)
{
	static const struct {
		const char *mark;
		enum block_kind kind;
	} marks[] = { { "# ", BLOCK_HEADING }, { "> ", BLOCK_SMALL }, { "    ", BLOCK_STRONG } };
	struct str text;
	ptrdiff_t end;

	while (*at < source.len && source.data[*at] == '\n')
		(*at)++;
	if (*at >= source.len)
		return false;
	end = find(source, "\n\n", *at);
	text = str_slice(source, *at, end < 0 ? source.len : (size_t)end);
	*at += text.len;
	if (text.data[text.len - 1] == '\n')
		text.len--;
	if (button_parse(text, ret))
		return true;
	*ret = (struct block){ .kind = BLOCK_PARAGRAPH, .text = text };
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		if (str_starts(text, str_from(marks[i].mark)))
			*ret = (struct block){ .kind = marks[i].kind,
				               .text = str_slice(text, strlen(marks[i].mark), text.len) };
	}
	return true;
}

static int block_text(const struct block *b, const struct template_values *v, struct buf *out)
{
	int r;

	if (b->kind == BLOCK_STRONG)
		buf_adds(out, "    ");
	r = template_fill(b->text, v, buf_add_str, buf_add_str, out);
	if (r == 0 && b->kind == BLOCK_BUTTON) {
		buf_adds(out, ":\n\n    ");
		r = template_fill(b->target, v, buf_add_str, buf_add_str, out);
	}
	buf_addc(out, '\n');
	return r;
}

int template_text(struct str source, const struct template_values *v, struct buf *out)
{
	struct block b;
	size_t at = 0;
	int r;

	for (bool first = true; block_next(source, &at, &b); first = false) {
		if (!first)
			buf_addc(out, '\n');
		r = block_text(&b, v, out);
		if (r < 0)
			return r;
	}
	return buf_error(out);
}

/* Mail readers keep inline styles only. */
static const char *const tags[][2] = {
	[BLOCK_PARAGRAPH] = { "<p style=\"line-height:1.5\">", "</p>\n" },
	[BLOCK_HEADING] = { "<h1 style=\"font-size:22px;margin:0 0 16px\">", "</h1>\n" },
	[BLOCK_SMALL] = { "<p style=\"line-height:1.5;color:#66666f;font-size:13px\">", "</p>\n" },
	[BLOCK_STRONG] = { "<p style=\"line-height:1.5\"><b>", "</b></p>\n" },
	[BLOCK_BUTTON] = { "<p style=\"margin:24px 0\"><a href=\"",
	                   "\" style=\"background:#b3261e;color:#ffffff;padding:12px 20px;border-radius:6px;"
	                   "text-decoration:none\">" },
};

static int block_html(const struct block *b, const struct template_values *v, struct buf *out)
{
	int r;

	buf_adds(out, tags[b->kind][0]);
	if (b->kind != BLOCK_BUTTON) {
		r = template_fill(b->text, v, buf_add_html, buf_add_html, out);
		buf_adds(out, tags[b->kind][1]);
		return r;
	}
	r = template_fill(b->target, v, buf_add_html, buf_add_html, out);
	buf_adds(out, tags[b->kind][1]);
	if (r == 0)
		r = template_fill(b->text, v, buf_add_html, buf_add_html, out);
	buf_adds(out, "</a></p>\n");
	return r;
}

int template_html(struct str source, const struct template_values *v, struct buf *out)
{
	struct block b;
	size_t at = 0;
	int r;

	while (block_next(source, &at, &b)) {
		r = block_html(&b, v, out);
		if (r < 0)
			return r;
	}
	return buf_error(out);
}
