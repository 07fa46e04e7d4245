/* JSON text to a tree. jansson does the work; this file limits the depth before it starts, and words its errors anew,
 * for jansson's own quote the input, where a secret may stand. */
#include "schema/json_text.h"

#include "schema/json_mend.h"
#include "schema/value.h"

#include <errno.h>
#include <stdlib.h>

#define FLAGS (JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY)
#define FLAGS_TOLERANT (JSON_ALLOW_NUL | JSON_DECODE_ANY)
#define NAME_SHOWN_MAX 64 /* bytes of a duplicate name in a message */

static void text_free(char **text)
{
	free(*text);
}

static bool is_blank(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!strchr(" \t\r\n", text.data[i]) || text.data[i] == '\0')
			return false;
	return true;
}

/* Index of the bracket that opens one level too many, or -1. Knows strings; all else is left to the parser. */
static ptrdiff_t find_too_deep(struct str text)
{
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '['))
			depth++;
		else if (!in_string && (c == '}' || c == ']'))
			depth--;
		if (depth > WALK_DEPTH_MAX)
			return (ptrdiff_t)i;
	}
	return -1;
}

/* position: bytes read when it went wrong. */
static int fault_at(struct walk *w, size_t position, const char *what)
{
	walk_enter_index(w, position);
	walk_fault(w, "json_invalid", "JSON decode error: %s at byte %zu", what, position);
	walk_leave(w);
	return -EINVAL;
}

/* The string literal that ends at `end`, without its quotes. */
static struct str literal_before(struct str text, size_t end)
{
	size_t close = MIN(end, text.len), open;

	while (close > 0 && text.data[close - 1] != '"')
		close--;
	for (open = close > 0 ? close - 1 : 0; open > 0; open--) {
		size_t slashes = 0;

		if (text.data[open - 1] != '"')
			continue;
		while (open >= 2 + slashes && text.data[open - 2 - slashes] == '\\')
			slashes++;
		if (slashes % 2 == 0)
			break;
	}
	return str_slice(text, open, close > 0 ? close - 1 : 0);
}

static int fault_duplicate(struct walk *w, struct str text, size_t position)
{
	struct str name = literal_before(text, position);
	size_t len = MIN(name.len, (size_t)NAME_SHOWN_MAX);

	while (len > 0 && len < name.len && ((unsigned char)name.data[len] & 0xc0) == 0x80)
		len--;
	walk_enter_index(w, position);
	walk_fault(w, "json_invalid", "JSON decode error: duplicate name \"%.*s\" at byte %zu", (int)len, name.data,
	           position);
	walk_leave(w);
	return -EINVAL;
}

static int fault_parser(struct walk *w, struct str text, const json_error_t *error)
{
	size_t position = error->position > 0 ? (size_t)error->position : 0;

	switch (json_error_code(error)) {
	case json_error_out_of_memory:
		return -ENOMEM;
	case json_error_duplicate_key:
		return fault_duplicate(w, text, position);
	case json_error_invalid_utf8:
		return fault_at(w, position, "invalid UTF-8");
	case json_error_premature_end_of_input:
		return fault_at(w, position, "the text ends too early");
	case json_error_end_of_input_expected:
		return fault_at(w, position, "something stands behind the value");
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return fault_at(w, position, "U+0000 in a name");
	case json_error_numeric_overflow:
		return fault_at(w, position, "number out of range");
	default:
		return fault_at(w, position, "invalid syntax");
	}
}

int json_text_load(struct walk *w, struct str text, json_t **ret)
{
	json_error_t error;
	ptrdiff_t deep;
	json_t *json;

	if (is_blank(text))
		return value_fault_missing(w);
	deep = find_too_deep(text);
	if (deep >= 0)
		return fault_at(w, (size_t)deep + 1, "nested too deeply");
	json = json_loadb(text.data, text.len, FLAGS, &error);
	if (!json)
		return fault_parser(w, text, &error);
	*ret = json;
	return 0;
}

int json_text_load_tolerant(struct str text, json_t **ret)
{
	char *mended CLEANUP(text_free) = NULL;
	json_error_t error;
	json_t *json;

	if (find_too_deep(text) >= 0)
		return -EBADMSG;
	json = json_loadb(text.data, text.len, FLAGS_TOLERANT, &error);
	if (!json && json_error_code(&error) != json_error_out_of_memory) {
		mended = json_mend(text);
		if (!mended)
			return -ENOMEM;
		json = json_loadb(mended, text.len, FLAGS_TOLERANT, &error);
	}
	if (!json)
		return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EBADMSG;
	*ret = json;
	return 0;
}

bool json_text_is_valid(struct str text)
{
	json_error_t error;
	json_t *json;

	if (find_too_deep(text) >= 0)
		return false;
	json = json_loadb(text.data, text.len, FLAGS, &error);
	json_decref(json);
	return json;
}
