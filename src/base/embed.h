/* Files compiled into the program by tools/embed.py (SQL, templates, pages). */
#ifndef CINESYNC_BASE_EMBED_H
#define CINESYNC_BASE_EMBED_H

#include "base/str.h"

struct embedded_file {
	const char *name; /* base name: "0001_users.up.sql" */
	struct str data;  /* a NUL stands behind it */
};

/* The file of that name, or a null str. */
struct str embedded_find(const struct embedded_file *files, size_t n, const char *name);

#endif
