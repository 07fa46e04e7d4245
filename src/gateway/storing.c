/* Headers of answers, read and written. */
#include "gateway/storing.h"

#define AGE_MAX_S INT64_C(2147483648) /* RFC 9111, 1.2.2: a larger one is this one */

/* Takes the next member of a comma-separated list out of *rest; false: there is none. */
static bool member_take(struct str *rest, struct str *ret)
{
	ptrdiff_t comma;

	if (rest->len == 0)
		return false;
	comma = str_index(*rest, ',', 0);
	*ret = str_trim(comma < 0 ? *rest : str_slice(*rest, 0, (size_t)comma));
	*rest = comma < 0 ? STR("") : str_slice(*rest, (size_t)comma + 1, rest->len);
	return true;
}

static bool is_in_key(struct str name)
{
	return name.len == 0 || str_equal_nocase(name, STR("Accept-Encoding")) ||
	       str_equal_nocase(name, STR("Accept-Language"));
}

static void vary_read(struct storing *s, struct str value)
{
	struct str member;

	while (member_take(&value, &member))
		s->varies_by_unknown |= !is_in_key(member);
}

static void cache_control_read(struct storing *s, struct str value)
{
	struct str member;

	while (member_take(&value, &member))
		s->is_public |= str_equal_nocase(member, STR("public"));
}

static void age_read(struct storing *s, struct str value)
{
	s->is_age_bad |= s->is_aged || str_to_int64(str_trim(value), 0, AGE_MAX_S, &s->age_s) < 0;
	s->is_aged = true;
}

void storing_read(struct storing *s, struct str name, struct str value)
{
	if (str_equal_nocase(name, STR("Cache-Control")))
		cache_control_read(s, value);
	else if (str_equal_nocase(name, STR("Vary")))
		vary_read(s, value);
	else if (str_equal_nocase(name, STR("Age")))
		age_read(s, value);
}

bool storing_is_allowed(const struct storing *s)
{
	return s->is_public && !s->varies_by_unknown && !s->is_age_bad;
}

int64_t storing_life(const struct storing *s, int64_t life_s, int64_t max_s)
{
	life_s -= s->age_s;
	return max_s > 0 ? MIN(life_s, max_s) : life_s;
}

void storing_status_write(enum served how, bool is_stored, int64_t ttl_s, struct buf *out)
{
	static const char *const words[] = {
		[SERVED_HIT] = "gateway; hit",
		[SERVED_MISS] = "gateway; fwd=uri-miss",
		[SERVED_EXPIRED] = "gateway; fwd=stale",
		[SERVED_REVALIDATED] = "gateway; fwd=stale; fwd-status=304",
		[SERVED_DEGRADED] = "gateway; fwd=stale; detail=stale-if-error",
		[SERVED_BYPASS] = "gateway; fwd=bypass",
	};

	buf_adds(out, words[how]);
	if (is_stored)
		buf_adds(out, "; stored");
	if (is_stored || how == SERVED_HIT || how == SERVED_DEGRADED)
		buf_addf(out, "; ttl=%lld", (long long)ttl_s);
}

const char *storing_words(enum served how, int64_t ttl_s)
{
	switch (how) {
	case SERVED_REVALIDATED:
		return "HIT; level=edge";
	case SERVED_HIT:
		return ttl_s >= 0 ? "HIT; level=edge" : "STALE; level=edge";
	case SERVED_DEGRADED:
		return "STALE; level=edge";
	default:
		return NULL;
	}
}
