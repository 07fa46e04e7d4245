/* No byte that ends a header, lists two values in one, or means something in a path or a key. */
#include "token/identity.h"

#include "base/macro.h"

static bool is_id(struct str s, size_t len_max)
{
	static const char others[] = "-._~:@|";

	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!is_letter && (c == '\0' || !strchr(others, c)))
			return false;
	}
	return s.len > 0 && s.len <= len_max;
}

bool identity_is_sound(struct str sub, struct str role, struct str sid)
{
	static const char *const roles[] = { "user", "admin" };
	bool is_role = false;

	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		is_role = is_role || str_equal(role, str_from(roles[i]));
	return is_role && is_id(sub, IDENTITY_SUB_MAX) && is_id(sid, IDENTITY_SID_MAX);
}
