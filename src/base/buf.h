/* A growing byte buffer with a cap. Errors stick: add freely, ask once at the end with buf_error().
 * Not thread-safe; never yields. Data is kept NUL-terminated (the NUL is not counted in len). */
#ifndef CINESYNC_BASE_BUF_H
#define CINESYNC_BASE_BUF_H

#include "base/str.h"

#include <stdarg.h>

struct buf {
	char *data; /* owned; NULL until something is added */
	size_t len;
	size_t cap;
	size_t size_max; /* len never passes this */
	int error;       /* 0, -ENOBUFS: over size_max, -ENOMEM */
};

/* An empty buffer that holds at most size_max bytes. Allocates nothing yet. */
void buf_init(struct buf *b, size_t size_max);
/* Frees the data; the buffer may be used again after buf_init(). */
void buf_done(struct buf *b);
/* Forgets the content and the error, keeps the memory. */
void buf_reset(struct buf *b);

void buf_add(struct buf *b, const void *data, size_t len);
/* For whoever writes into it directly: room for len more bytes behind what is there, valid until the next call; NULL:
 * the error is set. What was written there is added with buf_commit(), len at most what was asked for. */
char *buf_reserve(struct buf *b, size_t len);
void buf_commit(struct buf *b, size_t len);
void buf_adds(struct buf *b, const char *text);
void buf_add_str(struct buf *b, struct str s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_addv(struct buf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
void buf_add_int(struct buf *b, int64_t value);
/* Shortest decimal that reads back to the same double, as JSON: "7", "8.438"; a NaN or infinity becomes null. */
void buf_add_double(struct buf *b, double value);

/* A JSON string with its quotes (RFC 8259). Always valid: bytes that are not UTF-8 become U+FFFD. A null str adds
 * `null`. */
void buf_add_json(struct buf *b, struct str s);
/* Percent-encodes everything but RFC 3986 unreserved characters. */
void buf_add_percent(struct buf *b, struct str s);
/* HTML text: & < > " ' become entities. */
void buf_add_html(struct buf *b, struct str s);
/* Lower-case hexadecimal. */
void buf_add_hex(struct buf *b, const void *data, size_t len);

/* 0, or the first error since init/reset. */
int buf_error(const struct buf *b) MUST_CHECK;
/* What is in it, NUL-terminated; "" when empty. Valid until the next add. */
struct str buf_str(const struct buf *b);
/* Hands the data to the caller, who frees it; the buffer is empty again. NULL when there was an error. */
char *buf_steal(struct buf *b, size_t *ret_len) MUST_CHECK;

#endif
