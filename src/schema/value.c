/* The rules for one value, with the words and messages of Pydantic 2. No message repeats a value, so that secrets stay
 * secret. Owns nothing; texts lie in the walk's arena. */
#include "schema/value.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/utf8.h"
#include "schema/email.h"
#include "schema/langtag.h"
#include "schema/layout.h"
#include "schema/pattern.h"
#include "schema/uri.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <unictype.h>

#define ENUM_TEXT_MAX 4096

static bool has_range(const struct schema_field *f)
{
	return f->min != 0 || f->max != 0;
}

static int fault_least(struct walk *w, const struct schema_field *f)
{
	return walk_fault(w, "greater_than_equal", "Input should be greater than or equal to %" PRId64, f->min);
}

static int fault_most(struct walk *w, const struct schema_field *f)
{
	return walk_fault(w, "less_than_equal", "Input should be less than or equal to %" PRId64, f->max);
}

int value_check_int(struct walk *w, const struct schema_field *f, int64_t value)
{
	if (has_range(f) && value < f->min)
		return fault_least(w, f);
	if (has_range(f) && value > f->max)
		return fault_most(w, f);
	return 0;
}

int value_check_number(struct walk *w, const struct schema_field *f, double value)
{
	if (!isfinite(value))
		return walk_fault(w, "finite_number", "Input should be a finite number");
	if (has_range(f) && value < (double)f->min)
		return fault_least(w, f);
	if (has_range(f) && value > (double)f->max)
		return fault_most(w, f);
	return 0;
}

int value_check_count(struct walk *w, const struct schema_field *f, size_t n)
{
	size_t max = field_items_max(f);

	if (f->min > 0 && n < (size_t)f->min)
		return walk_fault(w, "too_short",
		                  "List should have at least %" PRId64 " item%s after validation, not %zu", f->min,
		                  f->min == 1 ? "" : "s", n);
	if (n > max)
		return walk_fault(w, "too_long", "List should have at most %zu item%s after validation, not %zu", max,
		                  max == 1 ? "" : "s", n);
	return 0;
}

static int check_length(struct walk *w, const struct schema_field *f, struct str s)
{
	int64_t length = (int64_t)utf8_length(s), max = field_length_max(f);

	if (length < f->min)
		return walk_fault(w, "string_too_short", "String should have at least %" PRId64 " character%s", f->min,
		                  f->min == 1 ? "" : "s");
	if (length > max)
		return walk_fault(w, "string_too_long", "String should have at most %" PRId64 " character%s", max,
		                  max == 1 ? "" : "s");
	return 0;
}

/* C0, DEL and C1; s is valid UTF-8. */
static int check_controls(struct walk *w, const struct schema_field *f, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];
		bool is_c1 = c == 0xc2 && (unsigned char)s.data[i + 1] < 0xa0;

		if (c >= 0x20 && c != 0x7f && !is_c1)
			continue;
		if (c == '\0' && (f->flags & SCHEMA_NUL_OK))
			continue;
		if ((c == '\n' || c == '\r' || c == '\t') && (f->flags & SCHEMA_MULTILINE))
			continue;
		if (c == '\0')
			return walk_fault(w, "value_error", "Value error, the character U+0000 is not allowed");
		return walk_fault(w, "value_error", "Value error, control characters are not allowed");
	}
	return 0;
}

static int check_email(struct walk *w, struct str s)
{
	const char *reason;
	int r = email_check(s, &reason);

	if (r == -EINVAL)
		return walk_fault(w, "value_error", "value is not a valid email address: %s", reason);
	return r;
}

static int check_uri(struct walk *w, struct str s)
{
	const char *reason;
	int r = uri_check_http(s, &reason);

	if (r == -EPROTONOSUPPORT)
		return walk_fault(w, "url_scheme", "URL scheme should be 'http' or 'https'");
	if (r < 0)
		return walk_fault(w, "url_parsing", "Input should be a valid URL, %s", reason);
	return 0;
}

/* "'a', 'b' or 'c'" */
static int fault_enum(struct walk *w, const struct schema_field *f)
{
	struct buf text CLEANUP(buf_done);

	buf_init(&text, ENUM_TEXT_MAX);
	for (const char *const *value = f->values; *value; value++) {
		if (value != f->values)
			buf_adds(&text, value[1] ? ", " : " or ");
		buf_addf(&text, "'%s'", *value);
	}
	return walk_fault(w, "enum", "Input should be %s", buf_str(&text).data);
}

static int check_enum(struct walk *w, const struct schema_field *f, struct str s)
{
	for (const char *const *value = f->values; *value; value++)
		if (str_equal(s, str_from(*value)))
			return 0;
	return fault_enum(w, f);
}

static bool is_region(struct str s)
{
	return s.len == 2 && s.data[0] >= 'A' && s.data[0] <= 'Z' && s.data[1] >= 'A' && s.data[1] <= 'Z';
}

static int check_format(struct walk *w, const struct schema_field *f, struct str s)
{
	int64_t ms;

	switch (f->type) {
	case SCHEMA_EMAIL:
		return check_email(w, s);
	case SCHEMA_UUID:
		return uuid_is_valid(s) ? 0 : walk_fault(w, "uuid_parsing", "Input should be a valid UUID");
	case SCHEMA_DATE:
		if (clock_date_is_valid(s))
			return 0;
		return walk_fault(w, "date_parsing", "Input should be a valid date in the format YYYY-MM-DD");
	case SCHEMA_DATETIME:
		if (clock_parse_iso8601(s, &ms) == 0)
			return 0;
		return walk_fault(w, "datetime_parsing", "Input should be a valid datetime with an offset (RFC 3339)");
	case SCHEMA_URI:
		return check_uri(w, s);
	case SCHEMA_LANGUAGE:
		if (langtag_is_well_formed(s))
			return 0;
		return walk_fault(w, "value_error", "Value error, should be a language tag such as 'en' or 'pt-BR'");
	case SCHEMA_REGION:
		if (is_region(s))
			return 0;
		return walk_fault(w, "value_error", "Value error, should be a two-letter upper-case country code");
	default:
		return check_controls(w, f, s);
	}
}

static int check_pattern(struct walk *w, const struct schema_field *f, struct str s)
{
	int r;

	if (!f->pattern)
		return 0;
	r = pattern_matches(f->pattern, s);
	if (r == 0)
		return walk_fault(w, "string_pattern_mismatch", "String should match pattern '%s'", f->pattern);
	return r < 0 ? r : 0;
}

/* All but the pattern. */
static int check_text(struct walk *w, const struct schema_field *f, struct str s)
{
	int r;

	if (f->type == SCHEMA_ENUM)
		return check_enum(w, f, s);
	r = check_length(w, f, s);
	return r < 0 ? r : check_format(w, f, s);
}

int value_check_string(struct walk *w, const struct schema_field *f, struct str s)
{
	int r = check_text(w, f, s);

	return r < 0 ? r : check_pattern(w, f, s);
}

int value_fault_type(struct walk *w, const struct schema_field *f)
{
	static const struct {
		const char *type;
		const char *message;
	} faults[] = {
		[SCHEMA_BOOL] = { "bool_type", "Input should be a valid boolean" },
		[SCHEMA_INT] = { "int_type", "Input should be a valid integer" },
		[SCHEMA_NUMBER] = { "float_type", "Input should be a valid number" },
		[SCHEMA_STRING] = { "string_type", "Input should be a valid string" },
		[SCHEMA_EMAIL] = { "string_type", "Input should be a valid string" },
		[SCHEMA_UUID] = { "uuid_type", "UUID input should be a string" },
		[SCHEMA_DATE] = { "date_type", "Input should be a valid date" },
		[SCHEMA_DATETIME] = { "datetime_type", "Input should be a valid datetime" },
		[SCHEMA_URI] = { "url_type", "URL input should be a string" },
		[SCHEMA_LANGUAGE] = { "string_type", "Input should be a valid string" },
		[SCHEMA_REGION] = { "string_type", "Input should be a valid string" },
		[SCHEMA_OBJECT] = { "model_attributes_type",
		                    "Input should be a valid dictionary or object to extract fields from" },
		[SCHEMA_ARRAY] = { "list_type", "Input should be a valid list" },
		[SCHEMA_ANY] = { "value_error", "Value error, should be JSON" },
	};

	if (f->type == SCHEMA_ENUM)
		return fault_enum(w, f);
	return walk_fault(w, faults[f->type].type, "%s", faults[f->type].message);
}

int value_fault_missing(struct walk *w)
{
	return walk_fault(w, "missing", "Field required");
}

int value_fault_extra(struct walk *w)
{
	return walk_fault(w, "extra_forbidden", "Extra inputs are not permitted");
}

/* The code point that ends at `end`; s is valid UTF-8. */
static uint32_t code_point_before(struct str s, size_t end, size_t *ret_start)
{
	uint32_t cp = 0;
	size_t start = end - 1, pos;

	while (start > 0 && ((unsigned char)s.data[start] & 0xc0) == 0x80)
		start--;
	pos = start;
	if (utf8_next(s, &pos, &cp) < 0)
		cp = 0xfffd;
	*ret_start = start;
	return cp;
}

/* Without Unicode white space at both ends. */
static struct str trim(struct str s)
{
	size_t from = 0, to = s.len, next = 0, start;
	uint32_t cp;

	while (utf8_next(s, &next, &cp) == 0 && uc_is_property_white_space(cp))
		from = next;
	while (to > from && uc_is_property_white_space(code_point_before(s, to, &start)))
		to = start;
	return str_slice(s, from, to);
}

static int copy_string(struct walk *w, const struct schema_field *f, struct str s, struct str *ret)
{
	char *text = arena_alloc(w->arena, s.len + 1);

	if (!text)
		return -ENOMEM;
	memcpy(text, s.data, s.len);
	if (f->type == SCHEMA_UUID)
		for (size_t i = 0; i < s.len; i++)
			text[i] = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] | 0x20) : text[i];
	*ret = (struct str){ text, s.len };
	return 0;
}

/* The copy is made of what is not too long, and before the pattern, which needs the NUL at its end. */
int value_read_string(struct walk *w, const struct schema_field *f, struct str s, struct str *ret)
{
	struct str copy;
	int r;

	if (f->flags & SCHEMA_TRIM)
		s = trim(s);
	r = check_text(w, f, s);
	if (r < 0)
		return r;
	r = copy_string(w, f, s, &copy);
	if (r < 0)
		return r;
	r = check_pattern(w, f, copy);
	if (r < 0)
		return r;
	*ret = copy;
	return 0;
}

int value_check_message(struct walk *w, const struct schema *s, const void *value)
{
	const char *field = NULL, *message = "Value error";
	int r;

	if (!s->check)
		return 0;
	r = s->check(value, w->arena, &field, &message);
	if (r != -EINVAL)
		return r;
	if (field)
		walk_enter(w, str_from(field));
	walk_fault(w, "value_error", "Value error, %s", message);
	if (field)
		walk_leave(w);
	return -EINVAL;
}
