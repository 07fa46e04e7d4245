/* The pause after a 429, and Retry-After in both its forms. A plain struct of its owner; nothing yields, nothing
 * allocates. */
#include "base/random.h"
#include "movie/pace.h"

#include <ctype.h>
#include <errno.h>
#include <time.h>

enum { DOUBLINGS_MAX = 20 };

/* ---- Retry-After ---- */

static int seconds_parse(struct str value, int64_t *ret_ms)
{
	int64_t s = 0;

	if (value.len == 0)
		return -EINVAL;
	for (size_t i = 0; i < value.len; i++) {
		if (!isdigit((unsigned char)value.data[i]))
			return -EINVAL;
		s = MIN(s * 10 + (value.data[i] - '0'), INT64_MAX / 10000);
	}
	*ret_ms = s * 1000;
	return 0;
}

/* A month's name in front of the text: its number, or -1. */
static int month_read(struct str text)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12 && text.len >= 3; i++)
		if (memcmp(text.data, names + (ptrdiff_t)3 * i, 3) == 0)
			return i;
	return -1;
}

/* As many digits in front of the text, or -1. */
static int digits_read(struct str text, size_t n)
{
	int value = 0;

	if (text.len < n)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!isdigit((unsigned char)text.data[i]))
			return -1;
		value = value * 10 + (text.data[i] - '0');
	}
	return value;
}

static size_t letters_count(struct str text)
{
	size_t n = 0;

	while (n < text.len && isalpha((unsigned char)text.data[n]))
		n++;
	return n;
}

struct date {
	int year, month, day, hour, minute, second;
};

/* Where a number of the pattern goes; NULL: the sign stands for itself. */
static int *number_of(struct date *d, char sign)
{
	switch (sign) {
	case 'D':
	case 'd':
		return &d->day;
	case 'h':
		return &d->hour;
	case 'm':
		return &d->minute;
	case 's':
		return &d->second;
	case 'Y':
	case 'y':
		return &d->year;
	default:
		return NULL;
	}
}

/* One sign of a pattern: W any word, M a month, Y four digits, y D h m s two, d one, else itself. How many bytes it
 * took; 0: none, it does not fit. */
static size_t sign_read(struct str rest, char sign, struct date *d)
{
	size_t n_digits = sign == 'Y' ? 4 : sign == 'd' ? 1 : 2;
	int *number = number_of(d, sign);

	if (number) {
		*number = digits_read(rest, n_digits);
		return *number >= 0 ? n_digits : 0;
	}
	if (sign == 'W')
		return letters_count(rest);
	if (sign != 'M')
		return rest.len > 0 && rest.data[0] == sign;
	d->month = month_read(rest);
	return d->month >= 0 ? 3 : 0;
}

static bool date_read(struct str text, const char *pattern, struct date *ret)
{
	size_t at = 0;

	for (; *pattern; pattern++) {
		size_t n = sign_read(str_slice(text, at, text.len), *pattern, ret);

		if (n == 0)
			return false;
		at += n;
	}
	return at == text.len;
}

/* RFC 850's two digits: a year that seems more than 50 years ahead is the last one in the past that ends so. */
static int year_of_two_digits(int year, int64_t real_ms)
{
	time_t now = (time_t)(real_ms / 1000);
	struct tm tm;
	int this_year = gmtime_r(&now, &tm) ? tm.tm_year + 1900 : 1970;

	year += this_year / 100 * 100;
	return year > this_year + 50 ? year - 100 : year;
}

/* The three forms of RFC 9110 section 5.6.7. asctime() has a blank before a day of one digit. */
static bool date_read_any(struct str text, int64_t real_ms, struct date *ret)
{
	struct str zoneless = str_slice(text, 0, text.len - MIN(text.len, strlen(" GMT")));

	if (!str_ends(text, STR(" GMT")))
		return date_read(text, "W M D h:m:s Y", ret) || date_read(text, "W M  d h:m:s Y", ret);
	if (date_read(zoneless, "W, D M Y h:m:s", ret))
		return true;
	if (!date_read(zoneless, "W, D-M-y h:m:s", ret))
		return false;
	ret->year = year_of_two_digits(ret->year, real_ms);
	return true;
}

static int date_parse(struct str value, int64_t real_ms, int64_t *ret_real_ms)
{
	struct date d;
	struct tm tm;
	int64_t s;

	if (!date_read_any(value, real_ms, &d) || d.year < 1900 || d.hour > 23 || d.minute > 59 || d.second > 60)
		return -EINVAL;
	tm = (struct tm){ .tm_year = d.year - 1900,
		          .tm_mon = d.month,
		          .tm_mday = d.day,
		          .tm_hour = d.hour,
		          .tm_min = d.minute,
		          .tm_sec = MIN(d.second, 59) };
	s = timegm(&tm);
	/* A day that does not exist has become one of another month. */
	if (tm.tm_mon != d.month || tm.tm_mday != d.day)
		return -EINVAL;
	*ret_real_ms = s * 1000;
	return 0;
}

int retry_after_parse(struct str value, int64_t real_ms, int64_t *ret_ms)
{
	struct str text = str_trim(value);
	int64_t at_ms;

	if (str_is_null(value) || text.len == 0)
		return -EINVAL;
	if (isdigit((unsigned char)text.data[0]))
		return seconds_parse(text, ret_ms);
	if (date_parse(text, real_ms, &at_ms) < 0)
		return -EINVAL;
	*ret_ms = MAX((int64_t)0, at_ms - real_ms);
	return 0;
}

/* ---- the pause ---- */

void pause_init(struct pause *p, int64_t base_ms, int64_t max_ms)
{
	assert(base_ms >= 1 && max_ms >= base_ms);
	*p = (struct pause){ .base_ms = base_ms, .max_ms = max_ms };
}

/* Full jitter on the upper half, so that many processes do not come back in step. */
static int64_t pause_drawn_ms(const struct pause *p)
{
	unsigned n = MIN(p->failures, (unsigned)DOUBLINGS_MAX);
	int64_t ms = p->base_ms > p->max_ms >> n ? p->max_ms : p->base_ms << n;

	return ms - ms / 2 + (int64_t)random_below((uint64_t)(ms / 2) + 1);
}

void pause_begin(struct pause *p, int64_t now_ms, int64_t real_ms, struct str retry_after)
{
	bool is_on = now_ms < p->until_ms;
	int64_t ms;

	/* One that is over already says nothing about when to come back. */
	if (retry_after_parse(retry_after, real_ms, &ms) < 0 || ms == 0) {
		/* Calls that were under way when the pause began are told what the first one was. */
		if (is_on)
			return;
		ms = pause_drawn_ms(p);
	}
	if (!is_on)
		p->failures = MIN(p->failures + 1, (unsigned)DOUBLINGS_MAX);
	p->until_ms = MAX(p->until_ms, now_ms + MIN(ms, p->max_ms));
}

void pause_over(struct pause *p)
{
	p->failures = 0;
}

int64_t pause_left_ms(const struct pause *p, int64_t now_ms)
{
	return MAX((int64_t)0, p->until_ms - now_ms);
}
