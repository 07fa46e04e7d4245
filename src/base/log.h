/* JSON log lines on standard output: one line an event, always one valid JSON object whatever the input.
 *
 *   log_info("user registered", LOG_STR("user_id", id), LOG_INT("attempt", 2));
 *
 * {"time":"…Z","level":"info","service":"user","message":"user registered","trace_id":"…","span_id":"…","user_id":"…"}
 *
 * What a line is worth is decided where it is written: each log_…() is a call site of its own. It belongs to a module,
 * the folder of src/ it stands in, whose level may differ from the others'; and it writes at most so many lines a
 * minute, after which it says how many it left out.
 *
 * Thread-safe: a line is one write(2). Bytes that are not UTF-8 become U+FFFD, a line over 8 KiB is cut (its fields,
 * never its JSON). Names of fields are the program's own, so it sees to it that none repeats. Libraries log at debug at
 * most; what went wrong is returned, and reported once by the caller who decides. */
#ifndef CINESYNC_BASE_LOG_H
#define CINESYNC_BASE_LOG_H

#include "base/str.h"

#include <stdatomic.h>

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

/* One call site, made by log_at(). All of it is log_site.c's. */
struct log_site {
	const char *file;    /* __FILE__ */
	atomic_int module;   /* its number; 0: not looked up yet */
	atomic_uint written; /* since the minute began */
	atomic_uint left_out;
	_Atomic int64_t minute_ms; /* mono, when it began; 0: nothing was written yet */
	_Atomic(const char *) message;
	atomic_int level;
};

/* The linker puts the pointers in a row: so all sites are known before any of them has written anything. */
#define LOG_SITE_                                                \
	static struct log_site log_site_ = { .file = __FILE__ }; \
	static struct log_site *log_site_at_ __attribute__((section("log_sites"), used)) = &log_site_
#define LOG_FIELDS_(...) ((const struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } })

#define log_at(level, message, ...)                                                       \
	do {                                                                              \
		LOG_SITE_;                                                                \
		if (log_enabled(level) && log_site_may_write(&log_site_, level, message)) \
			log_write(level, message, LOG_FIELDS_(__VA_ARGS__));              \
	} while (0)
/* For lines of which none may be left out, however many there are. */
#define log_each(level, message, ...)                                        \
	do {                                                                 \
		LOG_SITE_;                                                   \
		if (log_enabled(level) && log_site_wants(&log_site_, level)) \
			log_write(level, message, LOG_FIELDS_(__VA_ARGS__)); \
	} while (0)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
/* Somebody must get up: wrong credentials upstream, data that cannot be written. */
#define log_alert(...) log_at(LOG_ALERT, __VA_ARGS__)

/* service: the "service" field, kept by pointer. level: as log_set_level(). fd: where lines go (1). */
void log_init(const char *service, enum log_level level, int fd);
/* Whether any module writes lines of that level: the quick answer, before a site is asked. */
bool log_enabled(enum log_level level);
/* Whatever the level. */
void log_write(enum log_level level, const char *message, const struct log_field *fields);

/* ---- levels, while the process runs; from any thread ---- */

#define LOG_MODULES_MAX 32

struct log_module {
	const char *name;     /* "store" */
	bool is_own;          /* has a level of its own; else the level is that of all */
	enum log_level level; /* from which on it writes now */
};

/* Of all modules that have none of their own. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* -ENOENT: no call site is in such a module. */
int log_set_module_level(struct str module, enum log_level level) MUST_CHECK;
/* It follows the others again. -ENOENT. */
int log_unset_module_level(struct str module) MUST_CHECK;
/* While it is on, every module writes everything; the levels set stay as they are for afterwards. */
void log_set_debug(bool is_on);
bool log_get_debug(void);
/* Up to LOG_MODULES_MAX of them by name; the number. */
size_t log_modules(struct log_module ret[LOG_MODULES_MAX]);

/* ---- repeats ---- */

/* Lines a call site may write in a minute; 0: all. From the start: 0. */
void log_set_repeats_max(unsigned lines);
/* Says of the sites whose minute is over, or of all of them, how many lines they left out: "repeated log line left
 * out". To be called now and then; the next line of such a site says it too. */
void log_repeats_tell(bool of_all);

/* For the macros. */
bool log_site_wants(struct log_site *site, enum log_level level);
bool log_site_may_write(struct log_site *site, enum log_level level, const char *message);

const char *log_level_name(enum log_level level);

/* "ENOENT" for -ENOENT or ENOENT; "0" for 0; "E<number>" for one it does not know. */
const char *error_name(int r);

#endif
