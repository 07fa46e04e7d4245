/* Random rows, written as our export in either spelling, are read back as they were. TEST_SEED repeats a run,
 * TEST_ROUNDS lengthens it. */
#include "import/import.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/test_rounds.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>

enum { ROWS = 40, ARENA_SIZE_MAX = 8 << 20, TEXT_SIZE_MAX = 1 << 20, PIECES_MAX = 12 };

static const char *const collections[] = { "favorites", "ratings", "watched", "watchlist", "list" };
static const char *const list_names[] = { "Best, of all", "\"Quoted\"", "Список", "a" };

static uint64_t seed;

/* SplitMix64 (Steele, Lea and Flood, 2014). */
static uint64_t next(void)
{
	uint64_t z = (seed += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static int64_t between(int64_t min, int64_t max)
{
	return min + (int64_t)(next() % (uint64_t)(max - min + 1));
}

/* Pieces that mean something to a parser of CSV or JSON, begun and ended by a letter. */
static struct str random_text(struct arena *a, bool is_note)
{
	static const char *const pieces[] = { "\"", ",", "\\",   " ",  "a",  "\"\"", "é", "日本", "\xf0\x9f\x8e\xac",
		                              "{",  "]", "sep=", "\t", "\n", "\n\n" };
	struct buf text CLEANUP(buf_done);
	int64_t n = between(0, PIECES_MAX);

	buf_init(&text, TEXT_SIZE_MAX);
	buf_addc(&text, 'x');
	while (n-- > 0)
		buf_adds(&text, pieces[between(0, (int64_t)ARRAY_SIZE(pieces) - (is_note ? 1 : 4))]);
	buf_addc(&text, 'y');
	return arena_str(a, buf_str(&text));
}

static struct import_row random_row(struct arena *a, int64_t number)
{
	struct import_row row = { .collection = (enum import_collection)between(0, 4), .line = number };
	char day[CLOCK_ISO8601_SIZE];

	row.movie_id = between(0, 1) ? between(1, INT32_MAX) : 0;
	if (row.movie_id == 0 || between(0, 1))
		row.title = random_text(a, false);
	row.year = between(0, 1) ? between(1870, 2100) : 0;
	row.added_at_ms = between(0, 1) ? between(1, INT64_C(4102444800)) * 1000 : 0;
	if (row.collection == IMPORT_RATINGS)
		row.rating = between(1, 20);
	if (row.collection == IMPORT_LIST)
		row.list_name = str_from(list_names[between(0, (int64_t)ARRAY_SIZE(list_names) - 1)]);
	if ((row.collection == IMPORT_LIST || row.collection == IMPORT_WATCHED) && between(0, 1))
		row.note = random_text(a, true);
	if (row.collection == IMPORT_WATCHED && between(0, 1)) {
		clock_format_iso8601(between(86400, INT64_C(4102444800)) * 1000, day);
		row.watched_on = arena_str(a, (struct str){ day, 10 });
	}
	return row;
}

static void csv_text(struct buf *b, struct str s)
{
	buf_addc(b, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] == '"')
			buf_addc(b, '"');
		buf_addc(b, s.data[i]);
	}
	buf_addc(b, '"');
}

static void number_or(struct buf *b, int64_t number, const char *none)
{
	if (number != 0)
		buf_add_int(b, number);
	else
		buf_adds(b, none);
}

static void points_or(struct buf *b, int64_t halves, const char *none)
{
	if (halves != 0)
		buf_add_double(b, (double)halves / 2);
	else
		buf_adds(b, none);
}

static void time_add(struct buf *b, int64_t ms, const char *quote, const char *none)
{
	char text[CLOCK_ISO8601_SIZE];

	clock_format_iso8601(ms, text);
	if (ms != 0)
		buf_addf(b, "%s%s%s", quote, text, quote);
	else
		buf_adds(b, none);
}

static void csv_write(struct buf *b, const struct import_row *row)
{
	buf_addf(b, "%s,", collections[row->collection]);
	csv_text(b, row->list_name);
	buf_addc(b, ',');
	number_or(b, row->movie_id, "");
	buf_addc(b, ',');
	csv_text(b, row->title);
	buf_addc(b, ',');
	number_or(b, row->year, "");
	buf_addc(b, ',');
	points_or(b, row->rating, "");
	buf_addf(b, ",%.*s,", STR_ARGS(row->watched_on));
	csv_text(b, row->note);
	buf_addc(b, ',');
	time_add(b, row->added_at_ms, "", "");
	buf_adds(b, "\r\n");
}

static void json_write(struct buf *b, const struct import_row *row)
{
	buf_addf(b, "%s{\"collection\":\"%s\",\"list\":", row->line > 1 ? "," : "", collections[row->collection]);
	buf_add_json(b, row->list_name);
	buf_adds(b, ",\"movie_id\":");
	number_or(b, row->movie_id, "null");
	buf_adds(b, ",\"title\":");
	buf_add_json(b, row->title);
	buf_adds(b, ",\"year\":");
	number_or(b, row->year, "null");
	buf_adds(b, ",\"rating\":");
	points_or(b, row->rating, "null");
	buf_adds(b, ",\"watched_on\":");
	buf_add_json(b, row->watched_on);
	buf_adds(b, ",\"note\":");
	buf_add_json(b, row->note);
	buf_adds(b, ",\"added_at\":");
	time_add(b, row->added_at_ms, "\"", "null");
	buf_addc(b, '}');
}

static bool is_equal(const struct import_row *x, const struct import_row *y)
{
	return x->collection == y->collection && str_equal(x->list_name, y->list_name) && x->movie_id == y->movie_id &&
	       str_equal(x->title, y->title) && x->year == y->year && x->rating == y->rating &&
	       str_equal(x->watched_on, y->watched_on) && str_equal(x->note, y->note) &&
	       x->added_at_ms == y->added_at_ms;
}

/* Each row was read once; collections come in order, and in each the rows as they were written, days first. */
static void check_rows(const struct import_row *rows, size_t n, const struct import_file *file)
{
	size_t at = 0;

	assert_int_equal(file->n_rows, n);
	assert_int_equal(file->n_faults + file->skipped, 0);
	for (int collection = IMPORT_FAVORITES; collection <= IMPORT_LIST; collection++)
		for (int late = 0; late <= 1; late++)
			for (size_t i = 0; i < n; i++)
				if ((int)rows[i].collection == collection &&
				    (rows[i].collection == IMPORT_WATCHED && !rows[i].watched_on.data) == late)
					assert_true(is_equal(&rows[i], &file->rows[at++]));
	assert_int_equal(at, n);
}

static void check_text(const struct import_row *rows, size_t n, struct str text, struct arena *a)
{
	static const struct import_options options = { ROWS, TEXT_SIZE_MAX, IMPORT_WATCHLIST };
	struct import_file file;
	const char *reason = NULL;

	assert_int_equal(import_read(text, &options, a, &file, &reason), 0);
	assert_int_equal(file.format, IMPORT_CINESYNC);
	check_rows(rows, n, &file);
}

static void round_run(void)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct buf csv CLEANUP(buf_done), json CLEANUP(buf_done);
	struct import_row rows[ROWS];
	size_t n = (size_t)between(0, ROWS);

	assert_int_equal(arena_new(ARENA_SIZE_MAX, &a), 0);
	buf_init(&csv, TEXT_SIZE_MAX);
	buf_init(&json, TEXT_SIZE_MAX);
	buf_adds(&csv, "collection,list,movie_id,title,year,rating,watched_on,note,added_at\r\n");
	buf_adds(&json, "{\"format\":\"cinesync-library\",\"version\":1,\"lists\":[],\"entries\":[");
	for (size_t i = 0; i < n; i++) {
		rows[i] = random_row(a, (int64_t)i + 1);
		csv_write(&csv, &rows[i]);
		json_write(&json, &rows[i]);
	}
	buf_adds(&json, "]}");
	assert_int_equal(buf_error(&csv) + buf_error(&json), 0);
	check_text(rows, n, buf_str(&csv), a);
	check_text(rows, n, buf_str(&json), a);
}

static void test_what_is_written_is_read(void **state)
{
	long rounds = test_rounds(200, 20000);

	(void)state;
	for (long i = 0; i < rounds; i++)
		round_run();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_written_is_read),
	};
	const char *given = getenv("TEST_SEED");

	seed = given ? strtoull(given, NULL, 10) : (uint64_t)clock_real_ns();
	print_message("TEST_SEED=%llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
