/* JSON log lines on standard output: one line an event, always one valid JSON object whatever the input.
 *
 *   log_info("user registered", LOG_STR("user_id", id), LOG_INT("attempt", 2));
 *
 * {"time":"…Z","level":"info","service":"user","message":"user registered","trace_id":"…","span_id":"…","user_id":"…"}
 *
 * Thread-safe: a line is one write(2). Bytes that are not UTF-8 become U+FFFD, a line over 8 KiB is cut (its fields,
 * never its JSON). Names of fields are the program's own, so it sees to it that none repeats. Libraries log at debug at
 * most; what went wrong is returned, and reported once by the caller who decides. */
#ifndef CINESYNC_BASE_LOG_H
#define CINESYNC_BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_ALERT };

struct log_field {
	const char *name; /* NULL ends the list */
	enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_DOUBLE, LOG_FIELD_BOOL } kind;
	union {
		struct str text;
		int64_t integer;
		double number;
		bool boolean;
	} value;
};

#define LOG_STR(field, text_) \
	((struct log_field){ .name = (field), .kind = LOG_FIELD_STR, .value.text = str_from(text_) })
#define LOG_STRN(field, s) ((struct log_field){ .name = (field), .kind = LOG_FIELD_STR, .value.text = (s) })
#define LOG_INT(field, i) ((struct log_field){ .name = (field), .kind = LOG_FIELD_INT, .value.integer = (int64_t)(i) })
#define LOG_DOUBLE(field, d) ((struct log_field){ .name = (field), .kind = LOG_FIELD_DOUBLE, .value.number = (d) })
#define LOG_BOOL(field, b) ((struct log_field){ .name = (field), .kind = LOG_FIELD_BOOL, .value.boolean = (b) })
/* A negative errno of the project: its name and number, "ENOENT". */
#define LOG_ERR(r) LOG_STR("error", error_name(r))

#define log_at(level, message, ...)                                                                               \
	do {                                                                                                      \
		if (log_enabled(level))                                                                           \
			log_write(level, message, (const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } }); \
	} while (0)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
/* Somebody must get up: wrong credentials upstream, data that cannot be written. */
#define log_alert(...) log_at(LOG_ALERT, __VA_ARGS__)

/* service: the "service" field, kept by pointer. fd: where lines go (1). */
void log_init(const char *service, enum log_level level, int fd);
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
void log_write(enum log_level level, const char *message, const struct log_field *fields);
const char *log_level_name(enum log_level level);

/* "ENOENT" for -ENOENT or ENOENT; "0" for 0; "E<number>" for one it does not know. */
const char *error_name(int r);

#endif
