/* What TMDB says beside its messages: errors in both their shapes, and how long an answer is fresh. Nothing yields.
 * Limits: an error of more than BODY_MAX bytes or with more than BRACKETS_MAX brackets is none of TMDB's. */
#include "movie/upstream_internal.h"

#include <ctype.h>
#include <jansson.h>

#define BODY_MAX 16384
#define BRACKETS_MAX 32 /* so it is not nested deeper either, and the parser's recursion is bounded */

/* ---- errors ---- */

static bool is_shallow(struct str body)
{
	size_t n = 0;

	for (size_t i = 0; i < body.len; i++)
		n += body.data[i] == '{' || body.data[i] == '[';
	return n <= BRACKETS_MAX;
}

static void message_copy(const char *from, char ret[UPSTREAM_MESSAGE_SIZE])
{
	size_t len = strlen(from);

	if (len >= UPSTREAM_MESSAGE_SIZE) {
		len = UPSTREAM_MESSAGE_SIZE - 1;
		while (len > 0 && ((unsigned char)from[len] & 0xc0) == 0x80)
			len--;
	}
	for (size_t i = 0; i < len; i++)
		ret[i] = iscntrl((unsigned char)from[i]) ? ' ' : from[i];
	ret[len] = '\0';
}

void upstream_error_read(struct str body, struct upstream_error *ret)
{
	json_auto_t *json = NULL;
	const json_t *code, *message, *errors;

	*ret = (struct upstream_error){ 0 };
	if (body.len == 0 || body.len > BODY_MAX || !is_shallow(body))
		return;
	json = json_loadb(body.data, body.len, 0, NULL);
	code = json_object_get(json, "status_code");
	message = json_object_get(json, "status_message");
	errors = json_object_get(json, "errors");
	ret->is_tmdbs = json_is_integer(code) || json_is_array(errors);
	ret->code = json_integer_value(code);
	if (!json_is_string(message))
		message = json_array_get(errors, 0);
	if (json_is_string(message))
		message_copy(json_string_value(message), ret->message);
}

/* ---- freshness ---- */

/* 1*DIGIT, perhaps in quotes, as delta-seconds are; what is too large counts as very long (RFC 9111 section 1.2.2). */
static bool seconds_read(struct str text, int64_t *ret)
{
	int64_t s = 0;

	if (text.len >= 2 && text.data[0] == '"' && text.data[text.len - 1] == '"')
		text = str_slice(text, 1, text.len - 1);
	for (size_t i = 0; i < text.len; i++) {
		if (!isdigit((unsigned char)text.data[i]))
			return false;
		s = MIN(s * 10 + (text.data[i] - '0'), (int64_t)INT32_MAX);
	}
	*ret = s;
	return text.len > 0;
}

/* false: not to be kept. */
static bool directive_read(struct str text, int64_t *max_age_s)
{
	ptrdiff_t equals = str_index(text, '=', 0);
	struct str name = equals < 0 ? text : str_slice(text, 0, (size_t)equals);

	if (str_equal_nocase(name, STR("no-store")) || str_equal_nocase(name, STR("no-cache")))
		return false;
	if (!str_equal_nocase(name, STR("max-age")))
		return true;
	return equals >= 0 && seconds_read(str_slice(text, (size_t)equals + 1, text.len), max_age_s);
}

int64_t upstream_fresh_ms(struct str cache_control, struct str age)
{
	int64_t max_age_s = 0, age_s;

	for (size_t at = 0; at < cache_control.len;) {
		ptrdiff_t comma = str_index(cache_control, ',', at);
		size_t end = comma < 0 ? cache_control.len : (size_t)comma;

		if (!directive_read(str_trim(str_slice(cache_control, at, end)), &max_age_s))
			return 0;
		at = end + 1;
	}
	if (!seconds_read(str_trim(age), &age_s))
		age_s = 0;
	return MAX((int64_t)0, max_age_s - age_s) * 1000;
}
