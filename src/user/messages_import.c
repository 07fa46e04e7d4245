/* Tables of the messages of imports. */
#include "user/messages_import.h"

#define AT(type, field) .offset = offsetof(struct type, field)
#define ROW_MAX 1000000

static const char *const existings[] = { "keep", "replace", NULL };
static const char *const intos[] = { "favorites", "watched", "watchlist", NULL };
static const char *const states[] = { "running", "ready", "done", "failed", NULL };
static const char *const formats[] = { "letterboxd", "trakt", "imdb", "cinesync", NULL };
static const char *const collections[] = { "favorites", "watchlist", "ratings", "watched", "list", NULL };
static const char *const reasons[] = { "not-found", "ambiguous", "library-full", "unreadable", NULL };

/* ---- what comes in ---- */

static const struct schema_field import_query_fields[] = {
	{ .name = "dry_run",
	  .type = SCHEMA_BOOL,
	  .def = "false",
	  AT(import_query, dry_run),
	  .doc = "Only find out what would come of it; POST …/apply then does it." },
	{ .name = "existing",
	  .type = SCHEMA_ENUM,
	  .values = existings,
	  .def = "\"keep\"",
	  AT(import_query, existing),
	  .doc = "Ratings and notes that are here already: keep them, or replace them by the file's." },
	{ .name = "into",
	  .type = SCHEMA_ENUM,
	  .values = intos,
	  .def = "\"watchlist\"",
	  AT(import_query, into),
	  .doc = "Where films go of which neither the file nor its name says it: a list of IMDb's, or one of "
	         "Letterboxd's watched.csv, watchlist.csv and likes/films.csv by itself." },
};
const struct schema import_query_schema =
        SCHEMA("ImportQuery", struct import_query, import_query_fields, "How to import.");

static const struct schema_field import_path_fields[] = {
	{ .name = "import_id",
	  .type = SCHEMA_UUID,
	  .flags = SCHEMA_REQUIRED,
	  AT(import_path, import_id),
	  .doc = "Id of the import." },
};
const struct schema import_path_schema = SCHEMA("ImportPath", struct import_path, import_path_fields, "Which import.");

static const struct schema_field rows_query_fields[] = {
	{ .name = "limit",
	  .type = SCHEMA_INT,
	  .min = 1,
	  .max = 100,
	  .def = "20",
	  AT(import_rows_query, limit),
	  .doc = "Most rows in the answer." },
	{ .name = "cursor",
	  .type = SCHEMA_STRING,
	  .min = 1,
	  .max = 512,
	  AT(import_rows_query, cursor),
	  .doc = "Where to go on: next_cursor of the page before." },
	{ .name = "reason",
	  .type = SCHEMA_ENUM,
	  .values = reasons,
	  AT(import_rows_query, reason),
	  .doc = "Only rows with this reason." },
};
const struct schema import_rows_query_schema =
        SCHEMA("ImportRowsQuery", struct import_rows_query, rows_query_fields, "Which rows of the report.");

static const struct schema_field match_fields[] = {
	{ .name = "row",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = ROW_MAX,
	  AT(import_match_create, row),
	  .doc = "A row of the report, not-found or ambiguous.",
	  .example = "17" },
	{ .name = "movie_id",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = INT32_MAX,
	  AT(import_match_create, movie_id),
	  .doc = "The film it is.",
	  .example = "550" },
};
const struct schema import_match_create_schema =
        SCHEMA("ImportMatchCreate", struct import_match_create, match_fields, "Which film a row means.");

/* ---- what goes out ---- */

#define COUNT(of_, name_, doc_)                                                                                   \
	{                                                                                                         \
		.name = #name_, .type = SCHEMA_INT, .flags = SCHEMA_REQUIRED, .max = ROW_MAX * 2, AT(of_, name_), \
		.doc = doc_, .example = "12"                                                                      \
	}
#define TEXT_OR_NULL(of_, name_, max_, doc_)                                                                    \
	{                                                                                                       \
		.name = #name_, .type = SCHEMA_STRING, .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE, .max = max_, \
		AT(of_, name_), .doc = doc_                                                                     \
	}

static const struct schema_field counts_fields[] = {
	COUNT(import_counts, added, "New in the library."),
	COUNT(import_counts, changed, "There before, with another rating or note."),
	COUNT(import_counts, unchanged, "There before, and kept as it was."),
	COUNT(import_counts, unmatched, "No film was found, or several that it may be: see the rows."),
	COUNT(import_counts, refused, "There was no room: see the rows."),
	COUNT(import_counts, unreadable, "Lines that could not be read; the first 100 are among the rows."),
	COUNT(import_counts, skipped, "What is no film: series, episodes, people."),
};
static const struct schema counts_schema =
        SCHEMA("ImportCounts", struct import_counts, counts_fields, "What came of the rows so far.");

static const struct schema_field import_reply_fields[] = {
	{ .name = "id", .type = SCHEMA_UUID, .flags = SCHEMA_REQUIRED, AT(import_reply, id), .doc = "UUID version 7." },
	{ .name = "format",
	  .type = SCHEMA_ENUM,
	  .flags = SCHEMA_REQUIRED,
	  .values = formats,
	  AT(import_reply, format),
	  .doc = "Whose file it is." },
	{ .name = "state",
	  .type = SCHEMA_ENUM,
	  .flags = SCHEMA_REQUIRED,
	  .values = states,
	  AT(import_reply, state),
	  .doc = "running; ready: a dry run that can be applied; done; failed." },
	{ .name = "dry_run",
	  .type = SCHEMA_BOOL,
	  .flags = SCHEMA_REQUIRED,
	  AT(import_reply, dry_run),
	  .doc = "Nothing is changed; the counts say what would be." },
	{ .name = "existing",
	  .type = SCHEMA_ENUM,
	  .flags = SCHEMA_REQUIRED,
	  .values = existings,
	  AT(import_reply, existing),
	  .doc = "What becomes of ratings and notes that are there already." },
	COUNT(import_reply, rows, "Films in the file, each time they stand there."),
	COUNT(import_reply, rows_done, "Of them, looked at so far."),
	{ .name = "counts",
	  .type = SCHEMA_OBJECT,
	  .flags = SCHEMA_REQUIRED,
	  .schema = &counts_schema,
	  AT(import_reply, counts),
	  .doc = "What came of them." },
	TEXT_OR_NULL(import_reply, waits_for, 100,
	             "What it cannot go on without just now (movie-service); null: nothing."),
	TEXT_OR_NULL(import_reply, failure, 500, "Why it failed."),
	{ .name = "created_at",
	  .type = SCHEMA_DATETIME,
	  .flags = SCHEMA_REQUIRED,
	  AT(import_reply, created_at),
	  .doc = "When the file came." },
	{ .name = "finished_at",
	  .type = SCHEMA_DATETIME,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  AT(import_reply, finished_at),
	  .doc = "When all rows were looked at." },
};
const struct schema import_reply_schema =
        SCHEMA("Import", struct import_reply, import_reply_fields, "A file on its way into the library.");

static const struct schema_field imports_reply_fields[] = {
	{ .name = "results",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .schema = &import_reply_schema,
	  AT(imports_reply, results),
	  .doc = "The newest first." },
};
const struct schema imports_reply_schema = SCHEMA("Imports", struct imports_reply, imports_reply_fields, "My imports.");

static const struct schema_field candidate_fields[] = {
	{ .name = "movie_id",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = INT32_MAX,
	  AT(import_candidate, movie_id),
	  .doc = "Id of the film." },
	{ .name = "title",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .max = 1000,
	  AT(import_candidate, title),
	  .doc = "Its title." },
	{ .name = "year",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .max = 9999,
	  AT(import_candidate, year),
	  .doc = "Year of its release." },
};
static const struct schema candidate_schema =
        SCHEMA("ImportCandidate", struct import_candidate, candidate_fields, "A film that a row may mean.");

#define CANDIDATES(of_)                                                                                            \
	{                                                                                                          \
		.name = "candidates", .type = SCHEMA_ARRAY, .flags = SCHEMA_REQUIRED, .schema = &candidate_schema, \
		.max = 20, AT(of_, candidates), .doc = "Films it may be, the likeliest first."                     \
	}

static const struct schema_field candidates_fields[] = { CANDIDATES(import_candidates) };
const struct schema import_candidates_schema =
        SCHEMA("ImportCandidates", struct import_candidates, candidates_fields, "As they lie in the database.");

static const struct schema_field row_fields[] = {
	{ .name = "row",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = ROW_MAX * 2,
	  AT(import_row_reply, row),
	  .doc = "Names the row." },
	{ .name = "reason",
	  .type = SCHEMA_ENUM,
	  .flags = SCHEMA_REQUIRED,
	  .values = reasons,
	  AT(import_row_reply, reason),
	  .doc = "Why it is not in the library." },
	TEXT_OR_NULL(import_row_reply, detail, 500, "In words, of what could not be read."),
	TEXT_OR_NULL(import_row_reply, file, 1000, "The file, of an archive."),
	COUNT(import_row_reply, line, "Line of a CSV file, or number of the item; 0: the file as a whole."),
	{ .name = "collection",
	  .type = SCHEMA_ENUM,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .values = collections,
	  AT(import_row_reply, collection),
	  .doc = "Where it was to go." },
	TEXT_OR_NULL(import_row_reply, list, 200, "The name of the list it was to go to."),
	{ .name = "movie_id",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .max = INT32_MAX,
	  AT(import_row_reply, movie_id),
	  .doc = "TMDB's id, as the file has it." },
	TEXT_OR_NULL(import_row_reply, imdb_id, 20, "IMDb's id, as the file has it."),
	TEXT_OR_NULL(import_row_reply, title, 1000, "The title, as the file has it."),
	{ .name = "year",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .max = 9999,
	  AT(import_row_reply, year),
	  .doc = "The year, as the file has it." },
	{ .name = "rating",
	  .type = SCHEMA_NUMBER,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .max = 10,
	  AT(import_row_reply, rating),
	  .doc = "Points, 0.5 to 10." },
	{ .name = "watched_on",
	  .type = SCHEMA_DATE,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  AT(import_row_reply, watched_on),
	  .doc = "The day it was seen." },
	CANDIDATES(import_row_reply),
};
static const struct schema row_schema =
        SCHEMA("ImportRow", struct import_row_reply, row_fields, "What did not go into the library, and why.");

static const struct schema_field rows_page_fields[] = {
	{ .name = "results",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .schema = &row_schema,
	  .max = 100,
	  AT(import_rows_page, results),
	  .doc = "In the file's order; what could not be read comes last." },
	TEXT_OR_NULL(import_rows_page, next_cursor, 512, "Where the next page begins; null: this is the last."),
};
const struct schema import_rows_page_schema =
        SCHEMA("ImportRows", struct import_rows_page, rows_page_fields, "One page of an import's report.");
