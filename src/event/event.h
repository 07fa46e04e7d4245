/* Domain events as CloudEvents 1.0.2 in JSON (structured mode, application/cloudevents+json), with the distributed
 * tracing extension. Nothing here yields. */
#ifndef CINESYNC_EVENT_EVENT_H
#define CINESYNC_EVENT_EVENT_H

#include "schema/schema.h"

#define EVENT_MEDIA_TYPE "application/cloudevents+json"
#define EVENT_SIZE_MAX 65536

struct event {
	struct str specversion; /* "1.0"; event_make() and event_parse() fill it in */
	struct str datacontenttype;
	struct str id;          /* UUIDv7: the key consumers deduplicate by */
	struct str source;      /* "/cinesync/user" */
	struct str type;        /* "com.cinesync.user.created.v1" */
	struct str subject;     /* the user's id: the key of order */
	struct str time;        /* RFC 3339 */
	struct str traceparent; /* distributed tracing extension; null when absent */
	struct str tracestate;
	struct str data; /* JSON text */
};

extern const struct schema event_schema;

/* Fills id, time and the trace of context_current; data is written by its schema. Everything lives in the arena, but
 * source and type are kept by pointer. -EMSGSIZE: data over EVENT_SIZE_MAX; -ENOMEM. */
int event_make(struct arena *a, const char *source, const char *type, struct str subject,
               const struct schema *data_schema, const void *data, struct event *ret) MUST_CHECK;
/* The envelope as JSON text, added to out; null attributes are left out. -EMSGSIZE: over EVENT_SIZE_MAX; -ENOMEM,
 * -ENOBUFS. */
int event_write(const struct event *e, struct buf *out) MUST_CHECK;
/* Reads an envelope of at most EVENT_SIZE_MAX bytes: specversion 1.0, required attributes, JSON data; unknown
 * extensions are ignored. subject, time and data may be null. -EINVAL with the violations; -ENOMEM. */
int event_parse(struct str json, struct arena *a, struct event *ret, struct violations *v) MUST_CHECK;
/* Reads .data by its schema (additive: unknown fields ignored). -EINVAL with the violations; -ENOMEM. */
int event_data(const struct event *e, const struct schema *s, struct arena *a, void *ret,
               struct violations *v) MUST_CHECK;

#endif
