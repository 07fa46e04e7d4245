/* Clocks, and RFC 3339 times without the C library's time zones and locales. Owns nothing, never yields. */
#include "base/clock.h"

#include <errno.h>
#include <time.h>

#define FIRST_MS INT64_C(-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define LAST_MS INT64_C(253402300799999)  /* 9999-12-31T23:59:59.999Z */

struct civil {
	int year;
	int month;
	int day;
};

static int64_t read_ns(clockid_t id)
{
	struct timespec now;

	/* Fails for an unknown clock only. */
	(void)clock_gettime(id, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int64_t clock_mono_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

int64_t clock_mono_us(void)
{
	return clock_mono_ns() / 1000;
}

int64_t clock_mono_ms(void)
{
	return clock_mono_ns() / 1000000;
}

int64_t clock_real_ns(void)
{
	return read_ns(CLOCK_REALTIME);
}

int64_t clock_real_ms(void)
{
	return clock_real_ns() / 1000000;
}

int64_t clock_deadline_in(int64_t delay_ms)
{
	int64_t deadline;

	if (__builtin_add_overflow(clock_mono_ms(), delay_ms, &deadline))
		return delay_ms > 0 ? DEADLINE_NONE : INT64_MIN;
	return deadline;
}

/* Days since 1970 and back, for the years 0..9999: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms". Years
 * begin in March there, so that the leap day comes last; era: 400 years. */
static int64_t days_from_civil(struct civil date)
{
	int64_t year = date.month <= 2 ? date.year - 1 : date.year;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (date.month > 2 ? date.month - 3 : date.month + 9) + 2) / 5 + date.day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static struct civil civil_from_days(int64_t days)
{
	int64_t shifted = days + 719468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t day_of_era = shifted - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	struct civil date = {
		.month = (int)(month < 10 ? month + 3 : month - 9),
		.day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
	};

	date.year = (int)(year_of_era + era * 400 + (date.month <= 2 ? 1 : 0));
	return date;
}

static char *put_digits(char *to, int64_t value, int width, char behind)
{
	for (int i = width - 1; i >= 0; i--) {
		to[i] = (char)('0' + value % 10);
		value /= 10;
	}
	to[width] = behind;
	return to + width + 1;
}

void clock_format_iso8601(int64_t real_ms, char ret[CLOCK_ISO8601_SIZE])
{
	int64_t shifted = MIN(MAX(real_ms, FIRST_MS), LAST_MS) - FIRST_MS;
	int64_t ms = shifted % CLOCK_DAY_MS;
	struct civil date = civil_from_days((shifted + FIRST_MS - ms) / CLOCK_DAY_MS);
	char *to = ret;

	to = put_digits(to, date.year, 4, '-');
	to = put_digits(to, date.month, 2, '-');
	to = put_digits(to, date.day, 2, 'T');
	to = put_digits(to, ms / 3600000, 2, ':');
	to = put_digits(to, ms / 60000 % 60, 2, ':');
	to = put_digits(to, ms / 1000 % 60, 2, '.');
	to = put_digits(to, ms % 1000, 3, 'Z');
	*to = '\0';
}

int clock_text(struct arena *a, int64_t real_ms, struct str *ret)
{
	char text[CLOCK_ISO8601_SIZE];

	clock_format_iso8601(real_ms, text);
	return arena_copy(a, str_from(text), ret);
}

/* Exactly `width` digits at *s, taken off it; -1 when they are not there or above max. */
static int take_digits(struct str *s, size_t width, int max)
{
	int value = 0;

	if (s->len < width)
		return -1;
	for (size_t i = 0; i < width; i++) {
		if (s->data[i] < '0' || s->data[i] > '9')
			return -1;
		value = value * 10 + (s->data[i] - '0');
	}
	*s = str_slice(*s, width, s->len);
	return value <= max ? value : -1;
}

static bool take_char(struct str *s, char c)
{
	if (s->len == 0 || s->data[0] != c)
		return false;
	*s = str_slice(*s, 1, s->len);
	return true;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool take_date(struct str *s, struct civil *ret)
{
	static const int month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	struct civil date;

	date.year = take_digits(s, 4, 9999);
	if (date.year < 0 || !take_char(s, '-'))
		return false;
	date.month = take_digits(s, 2, 12);
	if (date.month < 1 || !take_char(s, '-'))
		return false;
	date.day = take_digits(s, 2, month_days[date.month - 1] + (date.month == 2 && is_leap(date.year)));
	if (date.day < 1)
		return false;
	*ret = date;
	return true;
}

/* ".123456" to whole milliseconds, the rest is dropped; nothing there is 0. -1: a point without digits. */
static int take_fraction(struct str *s)
{
	int ms = 0, weight = 100;
	size_t n = 0;

	if (!take_char(s, '.'))
		return 0;
	while (n < s->len && s->data[n] >= '0' && s->data[n] <= '9') {
		ms += weight * (s->data[n++] - '0');
		weight /= 10;
	}
	*s = str_slice(*s, n, s->len);
	return n > 0 ? ms : -1;
}

static bool take_time(struct str *s, int *ret_ms, bool *ret_leap_second)
{
	int hour = take_digits(s, 2, 23), minute = -1, second = -1, fraction;

	if (hour >= 0 && take_char(s, ':'))
		minute = take_digits(s, 2, 59);
	if (minute >= 0 && take_char(s, ':'))
		second = take_digits(s, 2, 60);
	if (second < 0)
		return false;
	fraction = take_fraction(s);
	if (fraction < 0)
		return false;
	*ret_ms = ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
	*ret_leap_second = second == 60;
	return true;
}

/* "Z" or "+hh:mm", to minutes east of Greenwich. */
static bool take_offset(struct str *s, int *ret_minutes)
{
	int sign, hours, minutes;

	*ret_minutes = 0;
	if (take_char(s, 'Z') || take_char(s, 'z'))
		return true;
	if (take_char(s, '+'))
		sign = 1;
	else if (take_char(s, '-'))
		sign = -1;
	else
		return false;
	hours = take_digits(s, 2, 23);
	minutes = hours >= 0 && take_char(s, ':') ? take_digits(s, 2, 59) : -1;
	*ret_minutes = sign * (hours * 60 + minutes);
	return minutes >= 0;
}

int clock_parse_iso8601(struct str s, int64_t *ret_real_ms)
{
	struct civil date;
	int ms, offset_minutes;
	bool leap_second;
	int64_t real_ms;

	if (!take_date(&s, &date) || !(take_char(&s, 'T') || take_char(&s, 't')))
		return -EINVAL;
	if (!take_time(&s, &ms, &leap_second) || !take_offset(&s, &offset_minutes) || s.len > 0)
		return -EINVAL;
	real_ms = days_from_civil(date) * CLOCK_DAY_MS + ms - offset_minutes * INT64_C(60000);
	/* A leap second ends a UTC day (RFC 3339 section 5.7); it becomes the first second of the next one. */
	if (leap_second && (real_ms - FIRST_MS + CLOCK_DAY_MS) % CLOCK_DAY_MS >= 1000)
		return -EINVAL;
	*ret_real_ms = real_ms;
	return 0;
}

bool clock_date_is_valid(struct str s)
{
	struct civil date;

	return take_date(&s, &date) && s.len == 0;
}
