/* One pass over the statement, word by word: the first word is the operation, and what follows FROM, JOIN, INTO, UPDATE
 * or TABLE a table. The names of a WITH are such words too: they say as much. Limits: TABLES_MAX tables, and what has
 * room in SQL_SUMMARY_SIZE. */
#include "store/summary.h"

#include "base/clock.h"
#include "base/log.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

enum { TABLES_MAX = 3 };

static bool is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '$';
}

static const char *past_quoted(const char *p)
{
	const char *end = strchr(p + 1, *p);

	return end ? end + 1 : p + strlen(p);
}

/* "-- … end of line", or a comment between stars. */
static const char *past_comment(const char *p)
{
	bool is_line = *p == '-';

	p++;
	while (*++p)
		if (is_line ? *p == '\n' : p[0] == '*' && p[1] == '/')
			return p + (is_line ? 1 : 2);
	return p;
}

/* The next word, and where it ends; a word of length 0 at the end. */
static struct str word_next(const char **p)
{
	const char *at = *p;

	while (*at && !is_word_char(*at)) {
		if (strncmp(at, "--", 2) == 0 || strncmp(at, "/*", 2) == 0)
			at = past_comment(at);
		else
			at = *at == '\'' ? past_quoted(at) : at + 1;
	}
	*p = at;
	while (is_word_char(**p))
		++*p;
	return (struct str){ at, (size_t)(*p - at) };
}

static bool is_before_table(struct str word)
{
	static const char *const words[] = { "FROM", "JOIN", "INTO", "UPDATE", "TABLE" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (str_equal_nocase(word, str_from(words[i])))
			return true;
	return false;
}

/* What may stand where a table does, and is none. */
static bool is_no_table(struct str word)
{
	static const char *const words[] = { "SELECT", "SET",    "ONLY", "LATERAL", "IF",
		                             "NOT",    "EXISTS", "SKIP", "NOWAIT",  "OF" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (str_equal_nocase(word, str_from(words[i])))
			return true;
	return word.len == 0 || isdigit((unsigned char)word.data[0]) || word.data[0] == '$';
}

static bool add(char *summary, struct str word)
{
	size_t len = strlen(summary);

	if (len + 1 + word.len >= SQL_SUMMARY_SIZE)
		return false;
	if (len > 0)
		summary[len++] = ' ';
	memcpy(summary + len, word.data, word.len);
	summary[len + word.len] = '\0';
	return true;
}

void sql_summary(const char *sql, char ret[SQL_SUMMARY_SIZE])
{
	struct str word = word_next(&sql);
	size_t n = 0;

	ret[0] = '\0';
	(void)add(ret, word.len > 0 ? word : STR("SQL"));
	for (char *c = ret; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	while (word.len > 0 && n < TABLES_MAX) {
		bool is_before = is_before_table(word);

		word = word_next(&sql);
		if (is_before && !is_no_table(word) && !is_before_table(word))
			n += add(ret, word);
	}
}

void sql_span_start(struct span *span, const char *system, const char *sql, bool is_batch,
                    char ret_name[SQL_SPAN_NAME_SIZE])
{
	char summary[SQL_SUMMARY_SIZE];

	sql_summary(sql, summary);
	(void)snprintf(ret_name, SQL_SPAN_NAME_SIZE, "%s%s", is_batch ? "BATCH " : "", summary);
	span_start(span, ret_name, SPAN_CLIENT, NULL);
	span_set_str(span, "db.system.name", str_from(system));
	span_set_str(span, "db.query.summary", str_from(ret_name));
}

void sql_span_end(struct span *span, int r)
{
	if (r < 0)
		span_fail(span, error_name(r));
	span_end(span);
}

void sql_tell(const char *sql, int64_t began_us, int r)
{
	char summary[SQL_SUMMARY_SIZE];

	if (!log_enabled(LOG_DEBUG))
		return;
	sql_summary(sql, summary);
	log_debug("statement", LOG_STR("statement", summary),
	          LOG_DOUBLE("duration_ms", (double)(clock_mono_us() - began_us) / 1000), LOG_ERR(r));
}
