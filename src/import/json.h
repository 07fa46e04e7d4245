/* Inside the import room: JSON documents, by jansson, and whose they are. */
#ifndef CINESYNC_IMPORT_JSON_H
#define CINESYNC_IMPORT_JSON_H

#include "import/reader.h"

#include <jansson.h>

/* The member as text; empty when it is none. Valid while the document is. */
struct str json_str(const json_t *object, const char *name);
/* The member as a whole number from 1 to max; 0: it is none. */
int64_t json_int(const json_t *object, const char *name, int64_t max);

bool cinesync_json_is(const json_t *root);
int cinesync_json_read(struct import_reader *r, const json_t *root) MUST_CHECK;

/* name: of the file, which may say where its films go; null. 1: it was Trakt's; 0: it is not. */
int trakt_json_read(struct import_reader *r, const json_t *root, struct str name) MUST_CHECK;

#endif
