/* The templates in use: those compiled in, each replaced by the file of its name in a folder, if there is one. */
#ifndef CINESYNC_NOTIFICATION_TEMPLATE_FOLDER_H
#define CINESYNC_NOTIFICATION_TEMPLATE_FOLDER_H

#include "base/arena.h"
#include "base/embed.h"

struct template_set {
	struct embedded_file *files; /* in the arena */
	size_t n;
	size_t n_replaced;
};

#define TEMPLATE_FILE_SIZE_MAX 65536

/* Blocks, for the start of a process. folder: NULL: none. NAME.LANGUAGE.txt and layout.html replace theirs,
 * NAME.LANGUAGE.html comes in the place of the body that is made of the text; hidden files are passed over. 0; -ENOENT:
 * no such folder; -EINVAL: a file that no mail is made of (a slip of the pen would else go unnoticed), is no text in
 * UTF-8, or is larger than TEMPLATE_FILE_SIZE_MAX: ret_file says which; -ENOMEM; -errno. */
int template_set_load(const struct embedded_file *built_in, size_t n, const char *folder, struct arena *a,
                      struct template_set *ret, struct str *ret_file) MUST_CHECK;

#endif
