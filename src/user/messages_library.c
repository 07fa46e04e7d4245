/* What the library gives; messages_library_in.c has what it takes. */
#include "user/messages_library.h"

#define AT(type, field) .offset = offsetof(struct type, field)
#define VERSION_MAX 9007199254740991 /* what every JSON reader can hold */

static const char *const states[] = { "settled", "pending", NULL };
static const char *const collections[] = { "favorites", "watchlist", "ratings", "watched", "list", NULL };

/* ---- a film in a collection ---- */

#define ENTRY_AT(base, field) .offset = (base) + offsetof(struct library_entry, field)
#define ENTRY_FIELDS(base)                                                                                             \
	{ .name = "movie_id",                                                                                          \
	  .type = SCHEMA_INT,                                                                                          \
	  .min = 1,                                                                                                    \
	  .max = INT32_MAX,                                                                                            \
	  .flags = SCHEMA_REQUIRED,                                                                                    \
	  ENTRY_AT(base, movie_id),                                                                                    \
	  .doc = "Id of the film." },                                                                                  \
	        { .name = "movie_title",                                                                               \
		  .type = SCHEMA_STRING,                                                                               \
		  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,                                                          \
		  .min = 1,                                                                                            \
		  .max = 1000,                                                                                         \
		  ENTRY_AT(base, movie_title),                                                                         \
		  .doc = "Its title; null while nobody knows." },                                                      \
	        { .name = "movie_year",                                                                                \
		  .type = SCHEMA_INT,                                                                                  \
		  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,                                                          \
		  .min = 1800,                                                                                         \
		  .max = 2200,                                                                                         \
		  ENTRY_AT(base, movie_year),                                                                          \
		  .doc = "Year of its release." },                                                                     \
	        { .name = "poster_path",                                                                               \
		  .type = SCHEMA_STRING,                                                                               \
		  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,                                                          \
		  .max = 500,                                                                                          \
		  ENTRY_AT(base, poster_path),                                                                         \
		  .doc = "Its poster." },                                                                              \
	        { .name = "state",                                                                                     \
		  .type = SCHEMA_ENUM,                                                                                 \
		  .flags = SCHEMA_REQUIRED,                                                                            \
		  .values = states,                                                                                    \
		  ENTRY_AT(base, state),                                                                               \
		  .doc = "pending: taken while the movie service was away; it gets its title, or goes, once that can " \
		         "be asked." },                                                                                \
	        { .name = "rating",                                                                                    \
		  .type = SCHEMA_NUMBER,                                                                               \
		  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,                                                          \
		  .min = 0,                                                                                            \
		  .max = 10,                                                                                           \
		  ENTRY_AT(base, rating),                                                                              \
		  .doc = "What its owner rated it, 0.5 to 10." },                                                      \
	        { .name = "created_at",                                                                                \
		  .type = SCHEMA_DATETIME,                                                                             \
		  .flags = SCHEMA_REQUIRED,                                                                            \
		  ENTRY_AT(base, created_at),                                                                          \
		  .doc = "When it was added." },                                                                       \
	{                                                                                                              \
		.name = "updated_at", .type = SCHEMA_DATETIME, .flags = SCHEMA_REQUIRED, ENTRY_AT(base, updated_at),   \
		.doc = "When it was changed last."                                                                     \
	}
#define WATCH_FIELDS(base, flags_)                                                                               \
	{ .name = "id", .type = SCHEMA_UUID, .flags = (flags_), ENTRY_AT(base, id), .doc = "Id of the watch." }, \
	{                                                                                                        \
		.name = "watched_on", .type = SCHEMA_DATE, .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,           \
		ENTRY_AT(base, watched_on), .doc = "The day it was seen; null: nobody remembers."                \
	}
#define NOTE_FIELD(base)                                                                             \
	{                                                                                            \
		.name = "note", .type = SCHEMA_STRING, .min = 1, .max = 2000,                        \
		.flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE | SCHEMA_MULTILINE, ENTRY_AT(base, note), \
		.doc = "A few words of the owner's."                                                 \
	}

static const struct schema_field library_entry_fields[] = { ENTRY_FIELDS(0) };
const struct schema library_entry_schema =
        SCHEMA("LibraryEntry", struct library_entry, library_entry_fields, "A film that somebody keeps.");

static const struct schema_field watch_fields[] = { WATCH_FIELDS(0, SCHEMA_REQUIRED), NOTE_FIELD(0), ENTRY_FIELDS(0) };
const struct schema watch_schema = SCHEMA("Watch", struct library_entry, watch_fields, "A film that somebody saw.");

static const struct schema_field list_item_fields[] = { ENTRY_FIELDS(0), NOTE_FIELD(0) };
const struct schema list_item_schema = SCHEMA("ListItem", struct library_entry, list_item_fields, "A film in a list.");

/* ---- pages ---- */

#define RESULTS(of_, schema_)                                                                                       \
	{                                                                                                           \
		.name = "results", .type = SCHEMA_ARRAY, .flags = SCHEMA_REQUIRED, .schema = (schema_), .max = 100, \
		AT(of_, results), .doc = "In the order asked for."                                                  \
	}
#define NEXT_CURSOR(of_)                                                                                              \
	{                                                                                                             \
		.name = "next_cursor", .type = SCHEMA_STRING, .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE, .max = 512, \
		AT(of_, next_cursor), .doc = "Gives the next page as the query's cursor; null: this is the last one." \
	}
#define TOTAL(of_, doc_)                                                                                 \
	{                                                                                                \
		.name = "total_results", .type = SCHEMA_INT, .flags = SCHEMA_REQUIRED, .max = INT32_MAX, \
		AT(of_, total_results), .doc = (doc_)                                                    \
	}
#define PAGE_FIELDS(schema_)                                                                           \
	{                                                                                              \
		RESULTS(library_page, schema_), NEXT_CURSOR(library_page),                             \
		        TOTAL(library_page, "Films in the collection, whatever the query leaves out.") \
	}

static const struct schema_field library_page_fields[] = PAGE_FIELDS(&library_entry_schema);
const struct schema library_page_schema =
        SCHEMA("LibraryPage", struct library_page, library_page_fields, "Part of a collection.");

static const struct schema_field watch_page_fields[] = PAGE_FIELDS(&watch_schema);
const struct schema watch_page_schema =
        SCHEMA("WatchPage", struct library_page, watch_page_fields, "Part of the history.");

static const struct schema_field list_items_page_fields[] = PAGE_FIELDS(&list_item_schema);
const struct schema list_items_page_schema =
        SCHEMA("ListItemsPage", struct library_page, list_items_page_fields, "Part of a list.");

/* ---- lists ---- */

#define LIST_AT(base, field) .offset = (base) + offsetof(struct list_reply, field)
#define LIST_FIELDS(base)                                                                                           \
	{ .name = "id", .type = SCHEMA_UUID, .flags = SCHEMA_REQUIRED, LIST_AT(base, id), .doc = "Its id." },       \
	        { .name = "name",                                                                                   \
		  .type = SCHEMA_STRING,                                                                            \
		  .flags = SCHEMA_REQUIRED,                                                                         \
		  .min = 1,                                                                                         \
		  .max = 100,                                                                                       \
		  LIST_AT(base, name),                                                                              \
		  .doc = "What it is called." },                                                                    \
	        { .name = "description",                                                                            \
		  .type = SCHEMA_STRING,                                                                            \
		  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE | SCHEMA_MULTILINE,                                    \
		  .min = 1,                                                                                         \
		  .max = 1000,                                                                                      \
		  LIST_AT(base, description),                                                                       \
		  .doc = "What it is about." },                                                                     \
	        { .name = "items",                                                                                  \
		  .type = SCHEMA_INT,                                                                               \
		  .flags = SCHEMA_REQUIRED,                                                                         \
		  .max = INT32_MAX,                                                                                 \
		  LIST_AT(base, items),                                                                             \
		  .doc = "Films in it." },                                                                          \
	        { .name = "is_shared",                                                                              \
		  .type = SCHEMA_BOOL,                                                                              \
		  .flags = SCHEMA_REQUIRED,                                                                         \
		  LIST_AT(base, is_shared),                                                                         \
		  .doc = "Whether there is a link to it." },                                                        \
	        { .name = "created_at",                                                                             \
		  .type = SCHEMA_DATETIME,                                                                          \
		  .flags = SCHEMA_REQUIRED,                                                                         \
		  LIST_AT(base, created_at),                                                                        \
		  .doc = "When it was made." },                                                                     \
	{                                                                                                           \
		.name = "updated_at", .type = SCHEMA_DATETIME, .flags = SCHEMA_REQUIRED, LIST_AT(base, updated_at), \
		.doc = "When its name, description or link was changed last."                                       \
	}

static const struct schema_field list_reply_fields[] = { LIST_FIELDS(0) };
const struct schema list_reply_schema = SCHEMA("List", struct list_reply, list_reply_fields, "A named list of films.");

static const struct schema_field lists_page_fields[] = {
	RESULTS(lists_page, &list_reply_schema),
	NEXT_CURSOR(lists_page),
	TOTAL(lists_page, "Lists there are."),
};
const struct schema lists_page_schema =
        SCHEMA("ListsPage", struct lists_page, lists_page_fields, "Part of the lists, newest first.");

static const struct schema_field list_share_fields[] = {
	{ .name = "token",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = 64,
	  AT(list_share, token),
	  .doc = "Whoever has it may read the list." },
	{ .name = "path",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = 200,
	  AT(list_share, path),
	  .doc = "Where this API gives the list to anybody." },
	{ .name = "shared_at",
	  .type = SCHEMA_DATETIME,
	  .flags = SCHEMA_REQUIRED,
	  AT(list_share, shared_at),
	  .doc = "Since when." },
};
const struct schema list_share_schema =
        SCHEMA("ListShare", struct list_share, list_share_fields, "The link to a list.");

static const struct schema_field shared_list_fields[] = {
	{ .name = "name",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = 100,
	  AT(shared_list, name),
	  .doc = "What it is called." },
	{ .name = "description",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE | SCHEMA_MULTILINE,
	  .min = 1,
	  .max = 1000,
	  AT(shared_list, description),
	  .doc = "What it is about." },
	{ .name = "owner",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .min = 1,
	  .max = 80,
	  AT(shared_list, owner),
	  .doc = "The display name of whoever made it." },
	{ .name = "updated_at",
	  .type = SCHEMA_DATETIME,
	  .flags = SCHEMA_REQUIRED,
	  AT(shared_list, updated_at),
	  .doc = "When its name, description or link was changed last." },
	RESULTS(shared_list, &list_item_schema),
	NEXT_CURSOR(shared_list),
	TOTAL(shared_list, "Films in it, whatever the query leaves out."),
};
const struct schema shared_list_schema =
        SCHEMA("SharedList", struct shared_list, shared_list_fields, "A list that its owner shares.");

/* ---- many at once ---- */

static const struct schema_field bulk_result_fields[] = {
	{ .name = "status",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .min = 200,
	  .max = 599,
	  AT(bulk_result, status),
	  .doc = "What it would have been answered by itself: 201 added, 200 changed or there just so, 202 pending, "
	         "204 "
	         "gone, else a problem." },
	{ .name = "code",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .max = 64,
	  AT(bulk_result, code),
	  .doc = "The problem's code; null: none." },
	{ .name = "movie_id",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = INT32_MAX,
	  AT(bulk_result, movie_id),
	  .doc = "Of the operation." },
	{ .name = "id",
	  .type = SCHEMA_UUID,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  AT(bulk_result, id),
	  .doc = "The watch, of watched." },
};
static const struct schema bulk_result_schema =
        SCHEMA("BulkResult", struct bulk_result, bulk_result_fields, "What came of one operation.");

static const struct schema_field bulk_reply_fields[] = {
	{ .name = "results",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .schema = &bulk_result_schema,
	  .max = 500,
	  AT(bulk_reply, results),
	  .doc = "One an operation, in their order." },
	{ .name = "version",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .max = VERSION_MAX,
	  AT(bulk_reply, version),
	  .doc = "The library's version of the newest change among them; 0: nothing changed." },
};
const struct schema bulk_reply_schema =
        SCHEMA("BulkReply", struct bulk_reply, bulk_reply_fields, "What came of many operations.");

/* ---- the whole of it ---- */

#define COUNT(field_, doc_)                                                                      \
	{                                                                                        \
		.name = #field_, .type = SCHEMA_INT, .flags = SCHEMA_REQUIRED, .max = INT32_MAX, \
		AT(library_counts, field_), .doc = (doc_)                                        \
	}

static const struct schema_field library_counts_fields[] = {
	COUNT(favorites, "Favourites."), COUNT(watchlist, "Films to see."),
	COUNT(ratings, "Films rated."),  COUNT(watched, "Films seen, each time counted."),
	COUNT(lists, "Lists."),
};
static const struct schema library_counts_schema =
        SCHEMA("LibraryCounts", struct library_counts, library_counts_fields, "How much there is.");

static const struct schema_field library_watch_fields[] = {
	{ .name = "id",
	  .type = SCHEMA_UUID,
	  .flags = SCHEMA_REQUIRED,
	  AT(library_watch, id),
	  .doc = "Id of the watch." },
	{ .name = "watched_on",
	  .type = SCHEMA_DATE,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  AT(library_watch, watched_on),
	  .doc = "The day; null: nobody remembers." },
};
static const struct schema library_watch_schema =
        SCHEMA("LibraryWatch", struct library_watch, library_watch_fields, "Once that a film was seen.");

static const struct schema_field library_film_fields[] = {
	{ .name = "movie_id",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = INT32_MAX,
	  AT(library_film, movie_id),
	  .doc = "Id of the film." },
	{ .name = "favorite",
	  .type = SCHEMA_BOOL,
	  .flags = SCHEMA_REQUIRED,
	  AT(library_film, favorite),
	  .doc = "Whether it is a favourite." },
	{ .name = "watchlist",
	  .type = SCHEMA_BOOL,
	  .flags = SCHEMA_REQUIRED,
	  AT(library_film, watchlist),
	  .doc = "Whether it is to be seen." },
	{ .name = "rating",
	  .type = SCHEMA_NUMBER,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .min = 0,
	  .max = 10,
	  AT(library_film, rating),
	  .doc = "0.5 to 10; null: not rated." },
	{ .name = "watched",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .schema = &library_watch_schema,
	  .max = 10000,
	  AT(library_film, watched),
	  .doc = "Each time it was seen, oldest first." },
	{ .name = "lists",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .item = SCHEMA_UUID,
	  .max = 10000,
	  AT(library_film, lists),
	  .doc = "Ids of the lists it is in." },
	{ .name = "is_pending",
	  .type = SCHEMA_BOOL,
	  .flags = SCHEMA_REQUIRED,
	  AT(library_film, is_pending),
	  .doc = "Whether some of it waits for the movie service." },
};
static const struct schema library_film_schema =
        SCHEMA("LibraryFilm", struct library_film, library_film_fields, "What one's library says of a film.");

#define CHANGE_FIELDS(of_)                                                                                \
	{ .name = "version",                                                                              \
	  .type = SCHEMA_INT,                                                                             \
	  .flags = SCHEMA_REQUIRED,                                                                       \
	  .min = 1,                                                                                       \
	  .max = VERSION_MAX,                                                                             \
	  AT(of_, version),                                                                               \
	  .doc = "The library's version that this change made." },                                        \
	{                                                                                                 \
		.name = "is_removed", .type = SCHEMA_BOOL, .flags = SCHEMA_REQUIRED, AT(of_, is_removed), \
		.doc = "A tombstone: it is there no more. With a list, its items are gone with it."       \
	}

#define CHANGED_ENTRY offsetof(struct library_entry_change, entry)
static const struct schema_field entry_change_fields[] = {
	CHANGE_FIELDS(library_entry_change),
	{ .name = "collection",
	  .type = SCHEMA_ENUM,
	  .flags = SCHEMA_REQUIRED,
	  .values = collections,
	  AT(library_entry_change, collection),
	  .doc = "Where." },
	{ .name = "list_id",
	  .type = SCHEMA_UUID,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  AT(library_entry_change, list_id),
	  .doc = "Which list, of list." },
	{ .name = "position",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .min = -VERSION_MAX,
	  .max = VERSION_MAX,
	  AT(library_entry_change, position),
	  .doc = "Its place in the list, to be compared with those of the others." },
	WATCH_FIELDS(CHANGED_ENTRY, SCHEMA_REQUIRED | SCHEMA_NULLABLE),
	NOTE_FIELD(CHANGED_ENTRY),
	ENTRY_FIELDS(CHANGED_ENTRY),
};
static const struct schema entry_change_schema =
        SCHEMA("LibraryEntryChange", struct library_entry_change, entry_change_fields,
               "A film in a collection as it is now; the key is collection, list_id, movie_id and id.");

static const struct schema_field list_change_fields[] = {
	CHANGE_FIELDS(library_list_change),
	LIST_FIELDS(offsetof(struct library_list_change, list)),
};
static const struct schema list_change_schema =
        SCHEMA("LibraryListChange", struct library_list_change, list_change_fields, "A list as it is now.");

static const struct schema_field library_reply_fields[] = {
	{ .name = "version",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .max = VERSION_MAX,
	  AT(library_reply, version),
	  .doc = "Counts up with every change; the ETag is made of it." },
	{ .name = "counts",
	  .type = SCHEMA_OBJECT,
	  .flags = SCHEMA_NULLABLE,
	  .schema = &library_counts_schema,
	  AT(library_reply, counts),
	  .doc = "How much there is; null with movie_ids." },
	{ .name = "films",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_NULLABLE,
	  .schema = &library_film_schema,
	  .max = 100,
	  AT(library_reply, films),
	  .doc = "With movie_ids: one a film, in their order." },
	{ .name = "entries",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_NULLABLE,
	  .schema = &entry_change_schema,
	  .max = 500,
	  AT(library_reply, entries),
	  .doc = "With since: what changed of films, oldest change first." },
	{ .name = "lists",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_NULLABLE,
	  .schema = &list_change_schema,
	  .max = 500,
	  AT(library_reply, lists),
	  .doc = "With since: what changed of lists, oldest change first." },
	{ .name = "next_since",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_NULLABLE,
	  .max = VERSION_MAX,
	  AT(library_reply, next_since),
	  .doc = "With since: what to ask with next." },
	{ .name = "is_complete",
	  .type = SCHEMA_BOOL,
	  .flags = SCHEMA_NULLABLE,
	  AT(library_reply, is_complete),
	  .doc = "With since: whether there is no more for now." },
};
const struct schema library_reply_schema =
        SCHEMA("Library", struct library_reply, library_reply_fields, "A person's library.");

static const struct schema_field favorite_settled_fields[] = {
	{ .name = "user_id",
	  .type = SCHEMA_UUID,
	  .flags = SCHEMA_REQUIRED,
	  AT(favorite_settled, user_id),
	  .doc = "Whose." },
	{ .name = "movie_id",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = INT32_MAX,
	  AT(favorite_settled, movie_id),
	  .doc = "Id of the film." },
	{ .name = "movie_title",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .min = 1,
	  .max = 1000,
	  AT(favorite_settled, movie_title),
	  .doc = "Its title; null: there is no such film, and the favourite is gone." },
	{ .name = "version",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED,
	  .min = 1,
	  .max = VERSION_MAX,
	  AT(favorite_settled, version),
	  .doc = "The library's version that this made." },
	{ .name = "occurred_at",
	  .type = SCHEMA_DATETIME,
	  .flags = SCHEMA_REQUIRED,
	  AT(favorite_settled, occurred_at),
	  .doc = "When." },
};
const struct schema favorite_settled_schema =
        SCHEMA("FavoriteSettled", struct favorite_settled, favorite_settled_fields,
               "What became of a favourite that was taken while the movie service was away.");
