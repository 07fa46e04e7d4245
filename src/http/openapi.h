/* The OpenAPI 3.1 document of one service, made from its route tables. */
#ifndef CINESYNC_HTTP_OPENAPI_H
#define CINESYNC_HTTP_OPENAPI_H

#include "http/server.h"

/* Writes the whole document: info, paths, components (schemas, securitySchemes, the Problem schema). Internal routes
 * are left out. The same tables give the same bytes. Errors stick to the buffer. */
void openapi_write(const char *title, const char *version, const struct route *const *tables, struct buf *out);

#endif
