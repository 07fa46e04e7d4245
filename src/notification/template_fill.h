/* Inside the templates: filling placeholders, and blocks of text into a body. None of it yields. */
#ifndef CINESYNC_NOTIFICATION_TEMPLATE_FILL_H
#define CINESYNC_NOTIFICATION_TEMPLATE_FILL_H

#include "notification/template.h"

/* How a value is written into the body at hand: buf_add_str or buf_add_html. */
typedef void template_add(struct buf *out, struct str value);

/* text with its placeholders filled, added to out; both the text and the values go through the functions given.
 * -EINVAL: an unknown placeholder, or one that is not closed; the buffer's error. */
int template_fill(struct str text, const struct template_values *v, template_add *add_text, template_add *add_value,
                  struct buf *out) MUST_CHECK;

/* The blocks of a template's text as a text body and as an HTML fragment. Errors as template_fill(). */
int template_text(struct str source, const struct template_values *v, struct buf *out) MUST_CHECK;
int template_html(struct str source, const struct template_values *v, struct buf *out) MUST_CHECK;

#endif
