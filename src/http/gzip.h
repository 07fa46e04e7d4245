/* Inside the http room: gzip (RFC 1952) of whole bodies, by zlib. Never yields. */
#ifndef CINESYNC_HTTP_GZIP_H
#define CINESYNC_HTTP_GZIP_H

#include "base/buf.h"

/* Adds the compressed text. Errors stick to the buffer: -ENOBUFS, -ENOMEM. */
void gzip_pack(struct str text, struct buf *ret);
/* Adds the text of one gzip member. -EBADMSG: it is none, is cut short, or has something behind it; -ENOBUFS: the text
 * does not fit into the buffer; -ENOMEM. */
int gzip_unpack(struct str packed, struct buf *ret) MUST_CHECK;

#endif
