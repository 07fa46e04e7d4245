/* What the two readers share; for them alone. */
#ifndef CINESYNC_TRACE_READ_INSIDE_H
#define CINESYNC_TRACE_READ_INSIDE_H

#include "trace/read.h"

struct reader {
	const struct read_options *options;
	bool is_trial;          /* nothing is handed on */
	struct arena *resource; /* of the process being read */
	struct arena *scratch;  /* of the span being read; reset before each */
	struct trace_process process;
	struct read_result result;
};

int reader_init(struct reader *r, const struct read_options *options) MUST_CHECK;
void reader_done(struct reader *r);
void reader_resource_begin(struct reader *r);
void reader_span_begin(struct reader *r);
/* The span is read: judges it, hands it on or counts it as refused. e: -ENOMEM, it was too large to be read; or 0. */
void reader_span_end(struct reader *r, int e, struct trace_span *s);
/* Takes service.name out of the attributes. */
void reader_process_set(struct reader *r, struct trace_attribute *attributes, size_t n);

/* The text in valid UTF-8, cut; in the arena where it had to be changed, else as it lies there. A name is on one line
 * and at most TRACE_NAME_MAX long. Null: out of memory. */
struct str reader_text(const struct reader *r, struct arena *a, struct str text);
struct str reader_name(struct arena *a, struct str text);

/* A text attribute out of JSON that was written for a list, a map or bytes. */
int reader_value_text(const struct reader *r, struct arena *a, struct buf *json,
                      struct trace_attribute *ret) MUST_CHECK;
void reader_base64(struct str bytes, struct buf *out);

/* The attributes of a message: its fields of that number. Those over TRACE_ATTRIBUTES_MAX are added to *dropped.
 * -EBADMSG; -ENOMEM. */
int reader_attributes_protobuf(const struct reader *r, struct arena *a, struct str message, uint32_t number,
                               struct trace_attribute **ret, size_t *ret_n, uint32_t *dropped) MUST_CHECK;

#endif
