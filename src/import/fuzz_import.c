/* A fuzz target: any bytes as a file to import. What is read keeps the promises of import.h, and reading it again gives
 * the same. As an ordinary program it tries the files named. */
#include "import/import.h"

#include "base/clock.h"
#include "base/fuzz.h"
#include "base/utf8.h"

#include <errno.h>

enum { ARENA_SIZE_MAX = 64 << 20, ROWS_MAX = 5000, UNPACKED_MAX = 1 << 20 };

static void text_check(struct str s, size_t max, bool multiline)
{
	size_t pos = 0;
	uint32_t cp;

	if (!s.data)
		return;
	must(s.len > 0 && utf8_is_valid(s) && utf8_length(s) <= max);
	while (utf8_next(s, &pos, &cp) == 0)
		must((cp >= ' ' && cp != 0x7f) || (multiline && (cp == '\n' || cp == '\t')));
}

static void row_check(const struct import_row *row)
{
	must(row->movie_id > 0 || row->imdb_id.data || row->title.data);
	must(row->movie_id >= 0 && row->movie_id <= INT32_MAX && row->year >= 0 && row->year <= 9999);
	must((row->collection == IMPORT_RATINGS) == (row->rating != 0) && row->rating >= 0 && row->rating <= 20);
	must((row->collection == IMPORT_LIST) == (row->list_name.data != NULL));
	must(!row->watched_on.data || (row->collection == IMPORT_WATCHED && clock_date_is_valid(row->watched_on)));
	must(row->added_at_ms >= 0);
	text_check(row->title, IMPORT_TITLE_MAX, false);
	text_check(row->list_name, IMPORT_LIST_NAME_MAX, false);
	text_check(row->note, IMPORT_NOTE_MAX, true);
	text_check(row->imdb_id, 12, false);
	text_check(row->file, IMPORT_TITLE_MAX, false);
}

static void file_check(const struct import_file *f)
{
	must(f->n_rows <= ROWS_MAX && f->n_lists <= IMPORT_LISTS_MAX && f->n_faults <= IMPORT_FAULTS_MAX);
	for (size_t i = 0; i < f->n_rows; i++)
		row_check(&f->rows[i]);
	for (size_t i = 0; i < f->n_faults; i++)
		must(f->faults[i].reason && f->faults[i].line >= 0);
	for (size_t i = 0; i < f->n_lists; i++)
		must(f->lists[i].name.data);
	must(import_format_name(f->format) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct import_options options = { .rows_max = ROWS_MAX,
		                          .unpacked_max = UNPACKED_MAX,
		                          .undecided = IMPORT_WATCHLIST };
	struct arena *a CLEANUP(arena_free) = NULL, *b CLEANUP(arena_free) = NULL;
	struct str content = { size > 0 ? (const char *)data : "", size };
	struct import_file first, second;
	const char *reason = NULL;
	int r;

	if (arena_new(ARENA_SIZE_MAX, &a) < 0 || arena_new(ARENA_SIZE_MAX, &b) < 0)
		return 0;
	r = import_read(content, &options, a, &first, &reason);
	must(r <= 0);
	if (r < 0) {
		must(r == -ENOMEM || (reason != NULL && *reason));
		return 0;
	}
	file_check(&first);
	must(import_read(content, &options, b, &second, &reason) == 0);
	must(first.n_rows == second.n_rows && first.n_lists == second.n_lists && first.n_faults == second.n_faults);
	return 0;
}
