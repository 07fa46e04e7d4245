/* Writes log lines. A line is built in a buffer of the thread (not on the stack: fibers have small ones) and leaves in
 * one write(2) under a mutex, because a pipe keeps only 4 KiB whole by itself. Never yields; waits when the reader of
 * the pipe is slow, as a line lost is worse. Limit: LINE_SIZE a line; what does not fit is cut or left out, and then
 * the line ends with "truncated":true. */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/context.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_SIZE 8192
#define LINE_END_SIZE 24     /* ,"truncated":true}\n */
#define MESSAGE_END_MAX 4096 /* where message and service must end, so that the trace and some fields find room */
#define ESCAPE_SIZE_MAX 6    /* bytes one byte of text can become: \u0000 */
#define CUT_TEXT_SIZE_MIN 16 /* a text cut shorter than this tells nothing */

static const char *log_service = "cinesync";
static atomic_int log_fd = STDOUT_FILENO;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local char log_line[LINE_SIZE];

void log_init(const char *service, enum log_level level, int fd)
{
	log_service = service;
	log_set_level(level);
	atomic_store(&log_fd, fd);
}

const char *log_level_name(enum log_level level)
{
	static const char *const names[] = { "debug", "info", "warning", "error", "alert" };

	return (size_t)level < ARRAY_SIZE(names) ? names[level] : "alert";
}

const char *error_name(int r)
{
	static _Thread_local char unknown[16];
	unsigned number = r < 0 ? 0 - (unsigned)r : (unsigned)r;
	const char *name = number <= INT_MAX ? strerrorname_np((int)number) : NULL;

	if (name)
		return name;
	snprintf(unknown, sizeof(unknown), "E%u", number);
	return unknown;
}

static void line_rewind(struct buf *line, size_t len)
{
	line->len = len;
	line->data[len] = '\0';
	line->error = 0;
}

/* The longest start of s that surely fits in the line, not ending inside a code point; null when that is too little. */
static struct str line_cut(const struct buf *line, struct str s)
{
	size_t len = (line->size_max - line->len) / ESCAPE_SIZE_MAX;

	if (len < CUT_TEXT_SIZE_MIN + 1)
		return STR_NULL;
	len = MIN(len - 1, s.len);
	for (int i = 0; i < 3 && len < s.len && ((unsigned char)s.data[len] & 0xc0) == 0x80; i++)
		len--;
	return str_slice(s, 0, len);
}

static void line_add_name(struct buf *line, const char *name)
{
	buf_addc(line, ',');
	buf_add_json(line, str_from(name));
	buf_addc(line, ':');
}

/* False: it had to be cut, or left out. */
static bool line_add_text(struct buf *line, const char *name, struct str text)
{
	size_t start = line->len, value;
	struct str cut;

	line_add_name(line, name);
	if (buf_error(line) < 0) {
		line_rewind(line, start);
		return false;
	}
	value = line->len;
	buf_add_json(line, text);
	if (buf_error(line) == 0)
		return true;
	line_rewind(line, value);
	cut = line_cut(line, text);
	if (str_is_null(cut))
		line_rewind(line, start);
	else
		buf_add_json(line, cut);
	return false;
}

static bool line_add_other(struct buf *line, const char *name, const struct log_field *field)
{
	size_t start = line->len;

	line_add_name(line, name);
	if (field->kind == LOG_FIELD_INT)
		buf_add_int(line, field->value.integer);
	else if (field->kind == LOG_FIELD_DOUBLE)
		buf_add_double(line, field->value.number);
	else
		buf_adds(line, field->value.boolean ? "true" : "false");
	if (buf_error(line) == 0)
		return true;
	line_rewind(line, start);
	return false;
}

static bool line_add_field(struct buf *line, const struct log_field *field)
{
	if (field->kind == LOG_FIELD_STR)
		return line_add_text(line, field->name, field->value.text);
	return line_add_other(line, field->name, field);
}

static bool line_add_head(struct buf *line, enum log_level level, const char *message)
{
	size_t size_max = line->size_max;
	char time[CLOCK_ISO8601_SIZE];
	bool whole;

	clock_format_iso8601(clock_real_ms(), time);
	buf_addf(line, "{\"time\":\"%s\",\"level\":\"%s\"", time, log_level_name(level));
	line->size_max = MESSAGE_END_MAX / 4;
	whole = line_add_text(line, "service", str_from(log_service));
	line->size_max = MESSAGE_END_MAX;
	whole &= line_add_text(line, "message", str_from(message));
	line->size_max = size_max;
	return whole;
}

/* All of it, whatever signals and a non-blocking descriptor do. */
static void write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n >= 0) {
			data += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			(void)poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
		} else if (errno != EINTR) {
			return;
		}
	}
}

void log_write(enum log_level level, const char *message, const struct log_field *fields)
{
	/* Points at memory of its own, of full size: it never grows and is never freed. */
	struct buf line = { .data = log_line, .cap = LINE_SIZE, .size_max = LINE_SIZE - LINE_END_SIZE };
	const struct context *context = context_current;
	int saved_errno = errno;
	bool whole;

	whole = line_add_head(&line, level, message);
	if (context && context->trace_id[0]) {
		whole &= line_add_text(&line, "trace_id", str_from(context->trace_id));
		whole &= line_add_text(&line, "span_id", str_from(context->span_id));
	}
	for (; fields && fields->name; fields++)
		whole &= line_add_field(&line, fields);
	line.size_max = LINE_SIZE - 1;
	buf_adds(&line, whole ? "}\n" : ",\"truncated\":true}\n");
	pthread_mutex_lock(&log_lock);
	write_all(atomic_load(&log_fd), line.data, line.len);
	pthread_mutex_unlock(&log_lock);
	errno = saved_errno;
}
