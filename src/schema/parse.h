/* Inside the schema room: what the readers of JSON and of pairs share. */
#ifndef CINESYNC_SCHEMA_PARSE_H
#define CINESYNC_SCHEMA_PARSE_H

#include "schema/walk.h"

#include <jansson.h>

/* A field that is not in the input: `missing`, its default, or nothing. 0, -EINVAL, -ENOMEM. */
int parse_absent(struct walk *w, const struct schema_field *f, void *at) MUST_CHECK;
/* Any value, kept as text in the walk's arena. 0, -ENOMEM. */
int parse_any(struct walk *w, const json_t *json, struct str *ret) MUST_CHECK;

#endif
