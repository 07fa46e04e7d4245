/* Inside the schema room: what reading JSON and reading pairs share. */
#ifndef CINESYNC_SCHEMA_PARSE_H
#define CINESYNC_SCHEMA_PARSE_H

#include "schema/walk.h"

/* A field that is not in the input: `missing`, its default, or nothing. 0, -EINVAL, -ENOMEM. */
int parse_absent(struct walk *w, const struct schema_field *f, void *at) MUST_CHECK;

#endif
