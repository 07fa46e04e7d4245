/* Mail templates: one text a language, compiled in, with {{placeholders}}; the HTML body is made from the same text, in
 * layout.html, unless a mail has an .html file of its own.
 *
 * A text begins with "Subject: …" and an empty line; the rest is blocks parted by empty lines:
 *   [Label]({{url}})   a button; in the text body the label and the address on a line of its own
 *   # words            a heading
 *   > words            small print
 *   four blanks first  something to stand out (an address)
 *   anything else      a paragraph */
#ifndef CINESYNC_NOTIFICATION_TEMPLATE_H
#define CINESYNC_NOTIFICATION_TEMPLATE_H

#include "base/buf.h"
#include "base/embed.h"

/* What the placeholders become; a null one is empty. {{, name}} is ", " and the name, or nothing without one. */
struct template_values {
	struct str name;
	struct str email;
	struct str url;
	struct str new_email;
	struct str device;
	struct str ip_address;
	struct str occurred_at;
	struct str expires_at;
};

struct template_mail {
	struct buf subject; /* one line */
	struct buf text;
	struct buf html;
};

/* Renders NAME.LANGUAGE.txt, in English when that language has none; values are escaped in the HTML. The buffers are
 * init'ed here; free with template_mail_done() also after a failure. -ENOENT: no such template; -EINVAL: no subject
 * line, an unknown placeholder, or one that is not closed. Does not yield. */
int template_render(const struct embedded_file *files, size_t n_files, const char *name, struct str language,
                    const struct template_values *values, struct template_mail *ret) MUST_CHECK;
void template_mail_done(struct template_mail *m);

/* Renders every template with sample values: the check at start. *ret_file names the faulty one. */
int template_check(const struct embedded_file *files, size_t n_files, const char **ret_file) MUST_CHECK;

#endif
