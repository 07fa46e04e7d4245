/* jansson, as strict as a token needs it. Texts may come from strangers: they are bounded by their callers, and checked
 * for depth before the recursive parser sees them. */
#include "token/token_internal.h"

#include <errno.h>

void json_done(json_t **json)
{
	json_decref(*json);
	*json = NULL;
}

/* Counts brackets outside strings; what is not JSON at all is left to the parser. */
static bool depth_is_fine(struct str text)
{
	size_t depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			depth++;
		else if (!quoted && (c == '}' || c == ']') && depth > 0)
			depth--;
		if (depth > JSON_DEPTH_MAX)
			return false;
	}
	return true;
}

int json_parse_strict(struct str text, json_t **ret)
{
	json_error_t error;
	json_t *json;

	if (str_is_null(text) || !depth_is_fine(text))
		return -EINVAL;
	json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
	if (!json)
		return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EINVAL;
	if (!json_is_object(json)) {
		json_decref(json);
		return -EINVAL;
	}
	*ret = json;
	return 0;
}

struct str json_member_str(const json_t *object, const char *name)
{
	const json_t *member = json_object_get(object, name);

	if (!json_is_string(member))
		return STR_NULL;
	return (struct str){ json_string_value(member), json_string_length(member) };
}
