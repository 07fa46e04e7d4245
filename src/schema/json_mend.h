/* Inside the schema room: JSON that its grammar allows and jansson refuses. */
#ifndef CINESYNC_SCHEMA_JSON_MEND_H
#define CINESYNC_SCHEMA_JSON_MEND_H

#include "base/str.h"

/* A copy of the text of the same length with null for every number out of range, \ufffd for every half of a surrogate
 * pair and \u0020 for every \u0000. What is no JSON stays none. The caller frees it; NULL: out of memory. */
char *json_mend(struct str text) MUST_CHECK;

#endif
