/* Spans and W3C Trace Context. No event loop, nothing here yields or allocates. A span belongs to the thread (and the
 * fiber) that started it; the spans of one fiber end in the reverse order of their starts.
 *
 *   struct span span;
 *   span_start(&span, "GET /movies/{id}", SPAN_SERVER, NULL);   child of context_current; makes itself current
 *   span_set_int(&span, "http.response.status_code", 200);
 *   span_end(&span);                                            gives the context back
 */
#ifndef CINESYNC_TELEMETRY_TRACE_H
#define CINESYNC_TELEMETRY_TRACE_H

#include "base/buf.h"
#include "base/context.h"

#define SPAN_ATTRIBUTES_MAX 16
#define SPAN_VALUE_SIZE_MAX 256 /* bytes of one text value; longer ones are cut at a character */
#define SPAN_TEXT_SIZE 1024     /* bytes of all text values of a span together; what no longer fits is cut likewise */
#define SPAN_EVENTS_MAX 8       /* further ones are counted only */
#define SPAN_PRESET_ATTRIBUTES_MAX 6
#define SPAN_PRESET_SIZE 320
#define TRACEPARENT_SIZE 56 /* "00-…-…-01" and the NUL */

#define TRACE_FLAG_SAMPLED 0x01
#define TRACE_FLAG_RANDOM 0x02

enum span_kind { SPAN_INTERNAL = 1, SPAN_SERVER, SPAN_CLIENT, SPAN_PRODUCER, SPAN_CONSUMER }; /* OTLP's numbers */

struct span_attribute {
	const char *key; /* static */
	uint16_t key_len;
	uint16_t text_len;
	uint16_t text_at; /* in the span's text when `text` is NULL; see span_attribute_text() */
	enum { SPAN_ATTRIBUTE_STR, SPAN_ATTRIBUTE_INT, SPAN_ATTRIBUTE_DOUBLE, SPAN_ATTRIBUTE_BOOL } kind;
	union {
		const char *text; /* somebody else's */
		int64_t integer;
		double number;
		bool boolean;
	} value;
};

/* A key as span_set_*() hand it on: its length, and which bit of keys_seen is its. */
struct span_key {
	const char *name; /* static */
	uint16_t len;
	uint8_t bit;
};

/* What happened at one moment of a span, with at most one attribute. */
struct span_event {
	const char *name; /* static */
	int64_t mono_ns;
	struct span_attribute attribute; /* a text; key NULL: none */
};

/* What many spans have alike, put together once, in the form that is sent too: using it costs a request next to
 * nothing. Its texts are not copied: they stay as they are for as long as it is used. */
struct span_preset {
	struct span_attribute attributes[SPAN_PRESET_ATTRIBUTES_MAX];
	uint32_t n;
	bool is_long;       /* does not fit into bytes: they are not used */
	uint16_t n_bytes;   /* of the attributes as OTLP's protobuf has them */
	uint64_t keys_seen; /* as a span's */
	uint8_t bytes[SPAN_PRESET_SIZE];
};

/* Holds no pointer into itself but the context chain: a sink may copy it, without the texts that are others'. Only the
 * parts in use are ever written. */
struct span {
	struct context context;       /* its own ids */
	struct context *outer;        /* what was current before */
	char parent_id[SPAN_ID_SIZE]; /* "" for a root */
	bool parent_is_remote;        /* it came from another process */
	bool is_recording;            /* somebody will want it: else nothing is written into it but its ids and times */
	enum span_kind kind;
	const char *name; /* static or outliving the span */
	int64_t start_real_ns;
	int64_t start_mono_ns;
	int64_t end_mono_ns; /* 0 while open */
	const char *error;   /* error.type, static; NULL: fine */
	uint32_t n_attributes;
	uint32_t n_dropped; /* attributes for which there was no place */
	uint32_t n_events;
	uint32_t n_events_dropped;
	uint64_t keys_seen; /* a bit of each key: one whose bit is not there is not among the attributes */
	const struct span_preset *preset; /* further attributes; NULL: none */
	size_t text_len;
	struct span_attribute attributes[SPAN_ATTRIBUTES_MAX];
	struct span_event events[SPAN_EVENTS_MAX];
	char text[SPAN_TEXT_SIZE];
};

/* Starts a span as a child of `parent`, which is of another process, or of context_current when parent is NULL, or as a
 * root with a new random trace id (sampled by the sampler). A parent without a trace id counts as none. Becomes
 * context_current until span_end(). It records when it is sampled and there is a sink. */
void span_start(struct span *s, const char *name, enum span_kind kind, const struct context *parent);
/* It began sooner, at a moment of clock_mono that has passed; a later one than its start changes nothing. Right after
 * its start: whoever needs its ids first learns of them later than the work began. */
void span_began_at(struct span *s, int64_t mono_ns);
/* Closes it, restores context_current, hands it to the sink. Ending twice, or while an inner span is open, is a bug. */
void span_end(struct span *s);
/* The same, at a moment of clock_mono that has passed, though not before its start: whoever watches others' work learns
 * of its end later. */
void span_end_at(struct span *s, int64_t mono_ns);
/* Not sampled after all, nor what follows from it. Right after its start. */
void span_unsample(struct span *s);
/* As if it had not been: restores context_current, and the sink hears nothing. It must have no children. */
void span_drop(struct span *s);
/* An attribute that was set before gets the new value; keys are static. Nothing happens to a span that does not record:
 * what costs something to find out is worth a look at is_recording first. */
void span_set_str_of(struct span *s, struct span_key key, struct str value);
void span_set_int_of(struct span *s, struct span_key key, int64_t value);
void span_set_double_of(struct span *s, struct span_key key, double value);
void span_set_bool_of(struct span *s, struct span_key key, bool value);
/* A text that stays where and as it is until the span has ended: it is not copied, only cut at SPAN_VALUE_SIZE_MAX. */
void span_set_lasting_of(struct span *s, struct span_key key, struct str value);

/* Adds to a preset, which begins as {0}. Each key once; the text lasts as long as the preset. Over
 * SPAN_PRESET_ATTRIBUTES_MAX is a bug. */
void span_preset_str(struct span_preset *p, const char *key, struct str value);
void span_preset_int(struct span_preset *p, const char *key, int64_t value);
/* The span has these as well, until it has ended. Of a key that is set otherwise too the preset's value counts. One
 * preset a span, the last. */
void span_preset_use(struct span *s, const struct span_preset *p);

/* For a literal the compiler works all of it out. */
static inline struct span_key span_key_of(const char *name)
{
	size_t len = strlen(name);
	unsigned sum = (unsigned)len;

	if (len > 0)
		sum += 3 * (unsigned)(unsigned char)name[len - 1] + 7 * (unsigned)(unsigned char)name[len / 2];
	return (struct span_key){ name, (uint16_t)len, (uint8_t)(sum & 63) };
}

static inline void span_set_str(struct span *s, const char *key, struct str value)
{
	span_set_str_of(s, span_key_of(key), value);
}

static inline void span_set_lasting(struct span *s, const char *key, struct str value)
{
	span_set_lasting_of(s, span_key_of(key), value);
}

static inline void span_set_int(struct span *s, const char *key, int64_t value)
{
	span_set_int_of(s, span_key_of(key), value);
}

static inline void span_set_double(struct span *s, const char *key, double value)
{
	span_set_double_of(s, span_key_of(key), value);
}

static inline void span_set_bool(struct span *s, const char *key, bool value)
{
	span_set_bool_of(s, span_key_of(key), value);
}

/* The value of a SPAN_ATTRIBUTE_STR of the span, its events or its preset; not NUL-terminated; valid as long as these.
 */
struct str span_attribute_text(const struct span *s, const struct span_attribute *a);
/* Now. key: static; NULL: without an attribute. */
void span_event(struct span *s, const char *name, const char *key, struct str value);
/* The same of the span that is open where this is called, if there is one. */
void span_event_here(const char *name, const char *key, struct str value);
/* Marks it failed with a stable word ("timeout", "500"). */
void span_fail(struct span *s, const char *error);
/* Up to now while it is open. */
int64_t span_duration_us(const struct span *s);

/* Whether a span that starts now, as a child of context_current, would record: for spans that are there for the trace
 * alone. */
bool span_is_wanted(void);

/* Where finished, sampled spans go; NULL: nowhere. Called on the thread that ended the span; must not block. Set it
 * while no other thread has spans. */
void span_sink_set(void (*sink)(const struct span *s, void *arg), void *arg);

/* The share of traces that is sampled, 0..1 (clamped); 1 at start. is_parent_based (so at start): a trace that came
 * from elsewhere keeps its sender's choice; else it is chosen anew. Services with the same ratio agree about a trace:
 * the choice is made from the low 56 bits of its id, as OpenTelemetry's consistent probability sampling has it.
 * Thread-safe. */
void trace_sample_set(double ratio, bool is_parent_based);
/* A root: new random ids, flags by the sampler, no tracestate. */
void trace_new(struct context *ret);

/* Reads `traceparent` and `tracestate` as W3C Trace Context level 2 says: version 00 exactly, later versions by their
 * first four fields, ff and all-zero ids refused; a bad tracestate is dropped and the traceparent kept; with a bad
 * traceparent both are ignored. Headers may be null strs; several tracestate headers are to be joined with commas.
 * Flags other than sampled and random are cleared. A tracestate over 512 characters loses whole entries: those over 128
 * characters first, then from its end. true: *ret holds the remote parent; false: *ret is untouched. */
bool trace_parse(struct str traceparent, struct str tracestate, struct context *ret);
/* The traceparent to send on, for that context, which must have ids. */
void trace_format(const struct context *c, char ret[TRACEPARENT_SIZE]);

#endif
