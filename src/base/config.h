/* Settings: one table a service, read from the environment (and NAME_FILE for secrets), printed by --help.
 *
 *   struct movie_config { int64_t search_ttl_ms; char *tmdb_token; };
 *   static const struct config_entry movie_entries[] = {
 *           { .name = "SEARCH_TTL_MS", .type = CONFIG_INT, .min = 0, .max = 86400000, .def = "3600000", .unit = "ms",
 *             .doc = "How long a search answer stays fresh.", .offset = offsetof(struct movie_config, search_ttl_ms) },
 *   };
 */
#ifndef CINESYNC_BASE_CONFIG_H
#define CINESYNC_BASE_CONFIG_H

#include "base/buf.h"

#include <stdio.h>

enum config_type {
	CONFIG_INT,    /* int64_t; min..max */
	CONFIG_BOOL,   /* bool; true/false, yes/no, on/off, 1/0 */
	CONFIG_STRING, /* char *, owned; min..max is the length in bytes (max 0: 4096) */
	CONFIG_SECRET, /* char *, owned; as STRING, never printed; also from the file that NAME_FILE names (one trailing
	                  newline cut) */
	CONFIG_ENUM,   /* int; index into values */
};

struct config_entry {
	const char *name; /* environment variable */
	enum config_type type;
	int64_t min;
	int64_t max;
	const char *def;           /* as it would stand in the environment; NULL: unset, which gives 0/false/NULL */
	const char *unit;          /* "ms", "bytes", "connections"; NULL for none */
	const char *doc;           /* one or two sentences */
	const char *const *values; /* CONFIG_ENUM: NULL-terminated */
	size_t offset;             /* in the values struct */
	/* Texts: what else they must be. NULL: it is; else what it should be, "an http:// URL". May be NULL. */
	const char *(*check)(const char *value);
};

struct config_table {
	const char *title; /* heading in --help and in the README */
	const struct config_entry *entries;
	size_t n_entries;
};

/* Reads every entry into *values (zeroed first). An empty variable counts as unset. -EINVAL: *ret_error holds one clear
 * line per fault, naming the variable, what it got (never a secret) and what is allowed; nothing needs freeing then.
 * -ENOMEM likewise. *ret_error is added to, so it needs buf_init() first. */
int config_load(const struct config_table *table, void *values, struct buf *ret_error) MUST_CHECK;
/* Frees the strings (wiping secrets), zeroes the struct. Takes a zeroed struct. */
void config_done(const struct config_table *table, void *values);

/* For --help: name, type, range, default, unit, prose, wrapped at 100 columns. */
void config_print_help(const struct config_table *table, FILE *to);
/* The same as a Markdown table (README). */
void config_print_markdown(const struct config_table *table, FILE *to);

#endif
