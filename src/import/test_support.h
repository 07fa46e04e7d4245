/* Inside the tests of the import room: reading a text, and making archives. */
#ifndef CINESYNC_IMPORT_TEST_SUPPORT_H
#define CINESYNC_IMPORT_TEST_SUPPORT_H

#include "import/import.h"

#include <setjmp.h>
#include <stdarg.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct import_file file;
static const char *reason;
static struct import_options options = { .rows_max = 1000, .unpacked_max = 1 << 20, .undecided = IMPORT_WATCHLIST };

static inline int arena_up(void **state)
{
	(void)state;
	options = (struct import_options){ .rows_max = 1000, .unpacked_max = 1 << 20, .undecided = IMPORT_WATCHLIST };
	return arena_new(64 << 20, &arena);
}

static inline int arena_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static inline int try_read(struct str content)
{
	file = (struct import_file){ 0 };
	reason = NULL;
	return import_read(content, &options, arena, &file, &reason);
}

static inline void read_text(const char *text, enum import_format format)
{
	int r = try_read(str_from(text));

	if (r < 0)
		print_error("%s\n", reason ? reason : "no reason");
	assert_int_equal(r, 0);
	assert_int_equal(file.format, format);
}

/* Ends with a name NULL. */
struct packed {
	const char *name;
	const char *text;
};

static inline struct str zip_of(const struct packed *files)
{
	size_t size = 1 << 22, used = 0;
	char *out = malloc(size);
	struct archive *z = archive_write_new();

	assert_non_null(out);
	assert_int_equal(archive_write_set_format_zip(z), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(z, out, size, &used), ARCHIVE_OK);
	for (; files->name; files++) {
		struct archive_entry *e = archive_entry_new();
		size_t len = strlen(files->text);

		archive_entry_set_pathname(e, files->name);
		archive_entry_set_size(e, (la_int64_t)len);
		archive_entry_set_filetype(e, AE_IFREG);
		archive_entry_set_perm(e, 0644);
		assert_int_equal(archive_write_header(z, e), ARCHIVE_OK);
		assert_int_equal(archive_write_data(z, files->text, len), len);
		archive_entry_free(e);
	}
	assert_int_equal(archive_write_close(z), ARCHIVE_OK);
	archive_write_free(z);
	return (struct str){ out, used };
}

static inline void read_zip(const struct packed *files, enum import_format format)
{
	struct str zip = zip_of(files);
	int r = try_read(zip);

	free((char *)(uintptr_t)zip.data);
	if (r < 0)
		print_error("%s\n", reason ? reason : "no reason");
	assert_int_equal(r, 0);
	assert_int_equal(file.format, format);
}

/* A row in one line, for comparing: "ratings Heat 1995 tmdb 949 tt0113277 18 @2024-01-01 'note' [list] file:line". */
static inline const char *row_text(const struct import_row *row)
{
	static const char *const names[] = { "favorites", "ratings", "watched", "watchlist", "list" };
	static char out[4096];
	int n = snprintf(out, sizeof(out), "%s", names[row->collection]);

#define ADD(...) n += snprintf(out + n, sizeof(out) - (size_t)n, __VA_ARGS__)
	if (row->title.data)
		ADD(" %.*s", STR_ARGS(row->title));
	if (row->year)
		ADD(" %lld", (long long)row->year);
	if (row->movie_id)
		ADD(" tmdb %lld", (long long)row->movie_id);
	if (row->imdb_id.data)
		ADD(" %.*s", STR_ARGS(row->imdb_id));
	if (row->rating)
		ADD(" *%lld", (long long)row->rating);
	if (row->watched_on.data)
		ADD(" @%.*s", STR_ARGS(row->watched_on));
	if (row->note.data)
		ADD(" '%.*s'", STR_ARGS(row->note));
	if (row->list_name.data)
		ADD(" [%.*s]", STR_ARGS(row->list_name));
	ADD(" %.*s:%lld", STR_ARGS(row->file), (long long)row->line);
#undef ADD
	return out;
}

#define ROWS(...)                                                                   \
	do {                                                                        \
		static const char *const rows_[] = { __VA_ARGS__ };                 \
		for (size_t i_ = 0; i_ < MIN(file.n_rows, ARRAY_SIZE(rows_)); i_++) \
			assert_string_equal(row_text(&file.rows[i_]), rows_[i_]);   \
		assert_int_equal(file.n_rows, ARRAY_SIZE(rows_));                   \
	} while (0)

#endif
