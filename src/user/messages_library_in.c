/* What the library takes. Limits stand here and nowhere else; the documents and the 422 answers are made from them. */
#include "user/library.h"
#include "user/messages_library.h"

#include <errno.h>

#define AT(type, field) .offset = offsetof(struct type, field)
#define VERSION_MAX 9007199254740991 /* what every JSON reader can hold */
#define MOVIE_ID(of_)                                                                                         \
	{                                                                                                     \
		.name = "movie_id", .type = SCHEMA_INT, .min = 1, .max = INT32_MAX, .flags = SCHEMA_REQUIRED, \
		AT(of_, movie_id), .doc = "Id of the film, from a search.", .example = "550"                  \
	}
#define LIST_ID(of_)                                                                                \
	{                                                                                           \
		.name = "list_id", .type = SCHEMA_UUID, .flags = SCHEMA_REQUIRED, AT(of_, list_id), \
		.doc = "Id of the list."                                                            \
	}
#define NOTE(of_)                                                                           \
	{                                                                                   \
		.name = "note", .type = SCHEMA_STRING, .min = 1, .max = 2000,               \
		.flags = SCHEMA_NULLABLE | SCHEMA_TRIM | SCHEMA_MULTILINE, AT(of_, note),   \
		.doc = "A few words of one's own.", .example = "\"With Ada, at the Odeon\"" \
	}
#define WATCHED_ON(of_)                                                                                   \
	{                                                                                                 \
		.name = "watched_on", .type = SCHEMA_DATE, .flags = SCHEMA_NULLABLE, AT(of_, watched_on), \
		.doc = "The day it was seen; null: nobody remembers. Left out: today (UTC).",             \
		.example = "\"2026-11-20\""                                                               \
	}

static const struct schema_field library_add_fields[] = { MOVIE_ID(library_add) };
const struct schema library_add_schema =
        SCHEMA("LibraryAdd", struct library_add, library_add_fields, "A film to add to a collection.");

static const struct schema_field library_path_fields[] = { MOVIE_ID(library_path) };
const struct schema library_path_schema =
        SCHEMA("LibraryPath", struct library_path, library_path_fields, "Which film.");

/* ---- pages ---- */

static const char *const states[] = { "settled", "pending", NULL };
static const char *const sorts[] = { "-added", "added", "title", "-title", "-year", "year", "-rating", "rating", NULL };
static const char *const watched_sorts[] = { "-watched_on", "watched_on", "-added",  "added",  "title", "-title",
	                                     "-year",       "year",       "-rating", "rating", NULL };
static const char *const item_sorts[] = { "position", "-position", "-added",  "added",  "title", "-title",
	                                  "-year",    "year",      "-rating", "rating", NULL };

#define LIMIT(of_)                                                                                      \
	{                                                                                               \
		.name = "limit", .type = SCHEMA_INT, .min = 1, .max = 100, .def = "20", AT(of_, limit), \
		.doc = "Most items in the answer."                                                      \
	}
#define CURSOR(of_)                                                                             \
	{                                                                                       \
		.name = "cursor", .type = SCHEMA_STRING, .min = 1, .max = 512, AT(of_, cursor), \
		.doc = "Where to go on: next_cursor of the page before, with the same sort."    \
	}
#define QUERY_FIELDS(sorts_, default_)                                                                                 \
	{                                                                                                              \
		LIMIT(library_query), CURSOR(library_query),                                                           \
		        { .name = "sort",                                                                              \
			  .type = SCHEMA_ENUM,                                                                         \
			  .values = sorts_,                                                                            \
			  .def = default_,                                                                             \
			  AT(library_query, sort),                                                                     \
			  .doc = "Order; a minus puts the highest first. An unknown year counts as the lowest, and "   \
			         "so "                                                                                 \
			         "does no rating." },                                                                  \
		        { .name = "title",                                                                             \
			  .type = SCHEMA_STRING,                                                                       \
			  .flags = SCHEMA_TRIM,                                                                        \
			  .min = 1,                                                                                    \
			  .max = 100,                                                                                  \
			  AT(library_query, title),                                                                    \
			  .doc = "Only films with this in their title, whatever its case and accents." },              \
		        { .name = "state",                                                                             \
			  .type = SCHEMA_ENUM,                                                                         \
			  .values = states,                                                                            \
			  AT(library_query, state),                                                                    \
			  .doc = "Only films that wait for the movie service (pending), or only those that do not." }, \
		        { .name = "year_min",                                                                          \
			  .type = SCHEMA_INT,                                                                          \
			  .min = 1800,                                                                                 \
			  .max = 2200,                                                                                 \
			  AT(library_query, year_min),                                                                 \
			  .doc = "Only films of this year or later." },                                                \
		        { .name = "year_max",                                                                          \
			  .type = SCHEMA_INT,                                                                          \
			  .min = 1800,                                                                                 \
			  .max = 2200,                                                                                 \
			  AT(library_query, year_max),                                                                 \
			  .doc = "Only films of this year or earlier." },                                              \
		        { .name = "rating_min",                                                                        \
			  .type = SCHEMA_NUMBER,                                                                       \
			  .min = 0,                                                                                    \
			  .max = 10,                                                                                   \
			  AT(library_query, rating_min),                                                               \
			  .doc = "Only films that I rated so or higher." },                                            \
		        { .name = "rating_max",                                                                        \
			  .type = SCHEMA_NUMBER,                                                                       \
			  .min = 0,                                                                                    \
			  .max = 10,                                                                                   \
			  AT(library_query, rating_max),                                                               \
			  .doc = "Only films that I rated so or lower." },                                             \
	}

static const struct schema_field library_query_fields[] = QUERY_FIELDS(sorts, "\"-added\"");
const struct schema library_query_schema =
        SCHEMA("LibraryQuery", struct library_query, library_query_fields, "Which part of a collection.");

static const struct schema_field ratings_query_fields[] = QUERY_FIELDS(sorts, "\"-rating\"");
const struct schema ratings_query_schema =
        SCHEMA("RatingsQuery", struct library_query, ratings_query_fields, "Which part of the ratings.");

static const struct schema_field watched_query_fields[] = QUERY_FIELDS(watched_sorts, "\"-watched_on\"");
const struct schema watched_query_schema =
        SCHEMA("WatchedQuery", struct library_query, watched_query_fields, "Which part of the history.");

static const struct schema_field list_items_query_fields[] = QUERY_FIELDS(item_sorts, "\"position\"");
const struct schema list_items_query_schema =
        SCHEMA("ListItemsQuery", struct library_query, list_items_query_fields, "Which part of a list.");

static const char *const shared_sorts[] = { "position", "-position", "-added", "added", "title",
	                                    "-title",   "-year",     "year",   NULL };

/* Without ratings: they are the owner's own affair. */
static const struct schema_field shared_query_fields[] = {
	LIMIT(library_query),
	CURSOR(library_query),
	{ .name = "sort",
	  .type = SCHEMA_ENUM,
	  .values = shared_sorts,
	  .def = "\"position\"",
	  AT(library_query, sort),
	  .doc = "Order; a minus puts the highest first." },
};
const struct schema shared_query_schema =
        SCHEMA("SharedQuery", struct library_query, shared_query_fields, "Which part of a shared list.");

static const struct schema_field lists_query_fields[] = { LIMIT(lists_query), CURSOR(lists_query) };
const struct schema lists_query_schema =
        SCHEMA("ListsQuery", struct lists_query, lists_query_fields, "Which part of the lists.");

/* ---- ratings and watches ---- */

static int rating_check(const void *value, struct arena *a, const char **ret_field, const char **ret_message)
{
	const struct rating_put *in = value;

	(void)a;
	if (library_rating_halves(in->rating) > 0)
		return 0;
	*ret_field = "rating";
	*ret_message = "Value should be 0.5 to 10 in steps of 0.5";
	return -EINVAL;
}

static const struct schema_field rating_put_fields[] = {
	{ .name = "rating",
	  .type = SCHEMA_NUMBER,
	  .flags = SCHEMA_REQUIRED,
	  .min = 0,
	  .max = 10,
	  AT(rating_put, rating),
	  .doc = "0.5 to 10, in halves.",
	  .example = "8.5" },
};
const struct schema rating_put_schema = {
	.name = "RatingPut",
	.doc = "What one thinks of a film.",
	.fields = rating_put_fields,
	.n_fields = ARRAY_SIZE(rating_put_fields),
	.size = sizeof(struct rating_put),
	.present_offset = SIZE_MAX,
	.check = rating_check,
};

static const struct schema_field watch_path_fields[] = {
	{ .name = "watch_id",
	  .type = SCHEMA_UUID,
	  .flags = SCHEMA_REQUIRED,
	  AT(watch_path, watch_id),
	  .doc = "Id of the watch." },
};
const struct schema watch_path_schema = SCHEMA("WatchPath", struct watch_path, watch_path_fields, "Which watch.");

static const struct schema_field watch_create_fields[] = {
	MOVIE_ID(watch_create),
	WATCHED_ON(watch_create),
	NOTE(watch_create),
};
const struct schema watch_create_schema = {
	.name = "WatchCreate",
	.doc = "A film was seen. The same film may be seen often.",
	.fields = watch_create_fields,
	.n_fields = ARRAY_SIZE(watch_create_fields),
	.size = sizeof(struct watch_create),
	.present_offset = offsetof(struct watch_create, present),
};

/* ---- lists ---- */

static const struct schema_field list_path_fields[] = { LIST_ID(list_path) };
const struct schema list_path_schema = SCHEMA("ListPath", struct list_path, list_path_fields, "Which list.");

static const struct schema_field list_item_path_fields[] = { LIST_ID(list_item_path), MOVIE_ID(list_item_path) };
const struct schema list_item_path_schema =
        SCHEMA("ListItemPath", struct list_item_path, list_item_path_fields, "Which film of which list.");

#define LIST_FIELDS(of_, flags_)                                                     \
	{                                                                            \
		{ .name = "name",                                                    \
		  .type = SCHEMA_STRING,                                             \
		  .flags = (flags_) | SCHEMA_TRIM,                                   \
		  .min = 1,                                                          \
		  .max = 100,                                                        \
		  AT(of_, name),                                                     \
		  .doc = "What the list is called.",                                 \
		  .example = "\"Rainy Sundays\"" },                                  \
		        { .name = "description",                                     \
			  .type = SCHEMA_STRING,                                     \
			  .flags = SCHEMA_NULLABLE | SCHEMA_TRIM | SCHEMA_MULTILINE, \
			  .min = 1,                                                  \
			  .max = 1000,                                               \
			  AT(of_, description),                                      \
			  .doc = "What it is about." },                              \
	}

static const struct schema_field list_create_fields[] = LIST_FIELDS(list_create, SCHEMA_REQUIRED);
const struct schema list_create_schema =
        SCHEMA("ListCreate", struct list_create, list_create_fields, "A new list; private until it is shared.");

static const struct schema_field list_patch_fields[] = LIST_FIELDS(list_patch, 0);
const struct schema list_patch_schema = {
	.name = "ListPatch",
	.doc = "What to change; what is left out stays.",
	.fields = list_patch_fields,
	.n_fields = ARRAY_SIZE(list_patch_fields),
	.size = sizeof(struct list_patch),
	.present_offset = offsetof(struct list_patch, present),
};

static const struct schema_field list_item_add_fields[] = { MOVIE_ID(list_item_add), NOTE(list_item_add) };
const struct schema list_item_add_schema =
        SCHEMA("ListItemAdd", struct list_item_add, list_item_add_fields, "A film for a list; it goes to the end.");

static const struct schema_field list_item_put_fields[] = { NOTE(list_item_put) };
const struct schema list_item_put_schema =
        SCHEMA("ListItemPut", struct list_item_put, list_item_put_fields, "What to say of a film in a list.");

static const struct schema_field list_item_move_fields[] = {
	{ .name = "after",
	  .type = SCHEMA_INT,
	  .flags = SCHEMA_REQUIRED | SCHEMA_NULLABLE,
	  .min = 1,
	  .max = INT32_MAX,
	  AT(list_item_move, after),
	  .doc = "The film that it is to stand behind; null: it is to be the first.",
	  .example = "550" },
};
const struct schema list_item_move_schema =
        SCHEMA("ListItemMove", struct list_item_move, list_item_move_fields, "A film's new place in a list.");

static const struct schema_field shared_path_fields[] = {
	{ .name = "token",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED | SCHEMA_SECRET,
	  .min = 1,
	  .max = 64,
	  AT(shared_path, token),
	  .doc = "What the link's owner gave away." },
};
const struct schema shared_path_schema =
        SCHEMA("SharedPath", struct shared_path, shared_path_fields, "Which shared list.");

/* ---- many at once ---- */

static const char *const ops[] = { "put", "remove", NULL };
static const char *const collections[] = { "favorites", "watchlist", "ratings", "watched", "list", NULL };

static int operation_check(const void *value, struct arena *a, const char **ret_field, const char **ret_message)
{
	const struct bulk_operation *in = value;
	enum library_collection collection = library_collection_from(in->collection);
	bool is_put = str_equal(in->op, STR("put"));

	(void)a;
	*ret_message = "Field required for this collection";
	*ret_field = "list_id";
	if (collection == LIBRARY_LIST && str_is_null(in->list_id))
		return -EINVAL;
	*ret_field = "id";
	if (collection == LIBRARY_WATCHED && !is_put && str_is_null(in->id))
		return -EINVAL;
	*ret_field = "rating";
	if (collection != LIBRARY_RATINGS || !is_put)
		return 0;
	if (in->rating.is_set && library_rating_halves(in->rating.value) > 0)
		return 0;
	*ret_message = "Value should be 0.5 to 10 in steps of 0.5";
	return -EINVAL;
}

static const struct schema_field bulk_operation_fields[] = {
	{ .name = "op",
	  .type = SCHEMA_ENUM,
	  .values = ops,
	  .def = "\"put\"",
	  AT(bulk_operation, op),
	  .doc = "Put it there or remove it." },
	{ .name = "collection",
	  .type = SCHEMA_ENUM,
	  .values = collections,
	  .flags = SCHEMA_REQUIRED,
	  AT(bulk_operation, collection),
	  .doc = "Where." },
	MOVIE_ID(bulk_operation),
	{ .name = "rating",
	  .type = SCHEMA_NUMBER,
	  .flags = SCHEMA_NULLABLE,
	  .min = 0,
	  .max = 10,
	  AT(bulk_operation, rating),
	  .doc = "Of ratings: 0.5 to 10, in halves." },
	{ .name = "watched_on",
	  .type = SCHEMA_DATE,
	  .flags = SCHEMA_NULLABLE,
	  AT(bulk_operation, watched_on),
	  .doc = "Of watched: the day; null or left out: nobody remembers." },
	NOTE(bulk_operation),
	{ .name = "id",
	  .type = SCHEMA_UUID,
	  .flags = SCHEMA_NULLABLE,
	  AT(bulk_operation, id),
	  .doc = "Of watched: the watch. To put a new one it may be left out, or be chosen by the client, which makes "
	         "the operation safe to repeat." },
	{ .name = "list_id",
	  .type = SCHEMA_UUID,
	  .flags = SCHEMA_NULLABLE,
	  AT(bulk_operation, list_id),
	  .doc = "Of list: which one." },
};
static const struct schema bulk_operation_schema = {
	.name = "BulkOperation",
	.doc = "One change of a library.",
	.fields = bulk_operation_fields,
	.n_fields = ARRAY_SIZE(bulk_operation_fields),
	.size = sizeof(struct bulk_operation),
	.present_offset = SIZE_MAX,
	.check = operation_check,
};

static const struct schema_field bulk_request_fields[] = {
	{ .name = "operations",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .schema = &bulk_operation_schema,
	  .min = 1,
	  .max = 500,
	  AT(bulk_request, operations),
	  .doc = "Done in this order, each by itself." },
};
const struct schema bulk_request_schema =
        SCHEMA("BulkRequest", struct bulk_request, bulk_request_fields, "Many changes of a library.");

/* ---- the whole of it ---- */

static int sync_query_check(const void *value, struct arena *a, const char **ret_field, const char **ret_message)
{
	const struct library_sync_query *in = value;
	const int64_t *ids = in->movie_ids.items;

	(void)a;
	*ret_field = "movie_ids";
	*ret_message = "Give either movie_ids or since, not both";
	if (in->movie_ids.n > 0 && in->since.is_set)
		return -EINVAL;
	*ret_message = "Ids of films are 1 to 2147483647";
	for (size_t i = 0; i < in->movie_ids.n; i++)
		if (ids[i] < 1 || ids[i] > INT32_MAX)
			return -EINVAL;
	return 0;
}

static const struct schema_field library_sync_query_fields[] = {
	{ .name = "movie_ids",
	  .type = SCHEMA_ARRAY,
	  .item = SCHEMA_INT,
	  .max = 100,
	  AT(library_sync_query, movie_ids),
	  .doc = "What is there of these films? At most 100 ids, with commas between.",
	  .example = "[550, 680]" },
	{ .name = "since",
	  .type = SCHEMA_INT,
	  .min = 0,
	  .max = VERSION_MAX,
	  AT(library_sync_query, since),
	  .doc = "What changed after this version? 0: everything." },
	{ .name = "anew",
	  .type = SCHEMA_BOOL,
	  .def = "false",
	  AT(library_sync_query, anew),
	  .doc = "With since: it goes on with a reading that began with since=0, for which tombstones do not matter." },
	{ .name = "limit",
	  .type = SCHEMA_INT,
	  .min = 1,
	  .max = 500,
	  .def = "200",
	  AT(library_sync_query, limit),
	  .doc = "With since: most changes in the answer." },
};
const struct schema library_sync_query_schema = {
	.name = "LibrarySyncQuery",
	.doc = "What of the library.",
	.fields = library_sync_query_fields,
	.n_fields = ARRAY_SIZE(library_sync_query_fields),
	.size = sizeof(struct library_sync_query),
	.present_offset = SIZE_MAX,
	.check = sync_query_check,
};
