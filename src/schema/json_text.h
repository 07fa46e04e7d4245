/* Inside the schema room: JSON text to a jansson tree, strictly, with our words for what is wrong. */
#ifndef CINESYNC_SCHEMA_JSON_TEXT_H
#define CINESYNC_SCHEMA_JSON_TEXT_H

#include "schema/walk.h"

#include <jansson.h>

/* Any JSON value. Duplicate names are refused, U+0000 in a string is let through, nesting is limited to WALK_DEPTH_MAX
 * levels. 0, the tree is the caller's; -EINVAL: noted as json_invalid (or, of an empty text, missing); -ENOMEM. */
int json_text_load(struct walk *w, struct str text, json_t **ret) MUST_CHECK;
/* The same without words, and more tolerant: of two members of one name the last counts, a number out of range is null,
 * half a surrogate pair is U+FFFD, U+0000 in a name (and then in every string) is a space. 0; -EBADMSG: no JSON, or
 * nested too deeply; -ENOMEM. */
int json_text_load_tolerant(struct str text, json_t **ret) MUST_CHECK;
/* One valid JSON value, within the same limits. */
bool json_text_is_valid(struct str text);

#endif
