/* Inside the schema room: the rules for one value, the same for requests, parameters and replies. Each function notes
 * at most one violation at the walk's place: 0; -EINVAL: noted; -ENOMEM. */
#ifndef CINESYNC_SCHEMA_VALUE_H
#define CINESYNC_SCHEMA_VALUE_H

#include "schema/walk.h"

int value_check_int(struct walk *w, const struct schema_field *f, int64_t value) MUST_CHECK;
int value_check_number(struct walk *w, const struct schema_field *f, double value) MUST_CHECK;
/* Any string-like type; s is not null and is valid UTF-8. */
int value_check_string(struct walk *w, const struct schema_field *f, struct str s) MUST_CHECK;
/* The number of items in a list. */
int value_check_count(struct walk *w, const struct schema_field *f, size_t n) MUST_CHECK;

/* s is of another JSON type than the field, or null. -EINVAL. */
int value_fault_type(struct walk *w, const struct schema_field *f);
int value_fault_missing(struct walk *w);
int value_fault_extra(struct walk *w);

/* Checks a string that was sent and keeps it, copied into the walk's arena: trimmed, a UUID in lower case. s is valid
 * UTF-8. *ret is untouched on failure. */
int value_read_string(struct walk *w, const struct schema_field *f, struct str s, struct str *ret) MUST_CHECK;

/* The rules over several fields, when the message has any. */
int value_check_message(struct walk *w, const struct schema *s, const void *value) MUST_CHECK;

#endif
