/* What the library takes and gives, as C structs and their schema tables. */
#ifndef CINESYNC_USER_MESSAGES_LIBRARY_H
#define CINESYNC_USER_MESSAGES_LIBRARY_H

#include "schema/schema.h"

/* ---- what comes in ---- */

struct request_headers {
	struct str prefer;
	struct str idempotency_key;
};

struct library_add {
	int64_t movie_id;
};

struct library_path {
	int64_t movie_id;
};

/* Of every collection: the table says which sorts there are. */
struct library_query {
	int64_t limit;
	struct str cursor;
	struct str sort;
	struct str title;
	struct str state;
	struct schema_int year_min;
	struct schema_int year_max;
	struct schema_number rating_min;
	struct schema_number rating_max;
};

struct rating_put {
	double rating;
};

struct watch_path {
	struct str watch_id;
};

struct watch_create {
	uint64_t present;
	int64_t movie_id;
	struct str watched_on;
	struct str note;
};
enum { WATCH_MOVIE_ID = 1 << 0, WATCH_WATCHED_ON = 1 << 1, WATCH_NOTE = 1 << 2 };

struct list_path {
	struct str list_id;
};

struct list_item_path {
	struct str list_id;
	int64_t movie_id;
};

struct lists_query {
	int64_t limit;
	struct str cursor;
};

struct list_create {
	struct str name;
	struct str description;
};

struct list_patch {
	uint64_t present;
	struct str name;
	struct str description;
};
enum { LIST_PATCH_NAME = 1 << 0, LIST_PATCH_DESCRIPTION = 1 << 1 };

struct list_item_add {
	int64_t movie_id;
	struct str note;
};

struct list_item_put {
	struct str note;
};

struct list_item_move {
	struct schema_int after;
};

struct shared_path {
	struct str token;
};

struct bulk_operation {
	struct str op;
	struct str collection;
	int64_t movie_id;
	struct schema_number rating;
	struct str watched_on;
	struct str note;
	struct str id;
	struct str list_id;
};

struct bulk_request {
	struct schema_array operations; /* struct bulk_operation */
};

struct library_sync_query {
	struct schema_array movie_ids; /* int64_t */
	struct schema_int since;
	bool anew;
	int64_t limit;
};

/* ---- what goes out ---- */

/* A film in a collection; the tables take of it what their collection has. */
struct library_entry {
	int64_t movie_id;
	struct str movie_title;
	struct schema_int movie_year;
	struct str poster_path;
	struct str state;
	struct schema_number rating;
	struct str created_at;
	struct str updated_at;
	struct str id;
	struct str watched_on;
	struct str note;
};

struct library_page {
	struct schema_array results; /* struct library_entry */
	struct str next_cursor;
	int64_t total_results;
};

struct list_reply {
	struct str id;
	struct str name;
	struct str description;
	int64_t items;
	bool is_shared;
	struct str created_at;
	struct str updated_at;
};

struct lists_page {
	struct schema_array results; /* struct list_reply */
	struct str next_cursor;
	int64_t total_results;
};

struct list_share {
	struct str token;
	struct str path;
	struct str shared_at;
};

struct shared_list {
	struct str name;
	struct str description;
	struct str owner;
	struct str updated_at;
	struct schema_array results; /* struct library_entry */
	struct str next_cursor;
	int64_t total_results;
};

struct bulk_result {
	int64_t status;
	struct str code;
	int64_t movie_id;
	struct str id;
};

struct bulk_reply {
	struct schema_array results; /* struct bulk_result */
	int64_t version;
};

struct library_counts {
	int64_t favorites;
	int64_t watchlist;
	int64_t ratings;
	int64_t watched;
	int64_t lists;
};

struct library_watch {
	struct str id;
	struct str watched_on;
};

/* What one person's library says of a film. */
struct library_film {
	int64_t movie_id;
	bool favorite;
	bool watchlist;
	struct schema_number rating;
	struct schema_array watched; /* struct library_watch */
	struct schema_array lists;   /* struct str */
	bool is_pending;
};

struct library_entry_change {
	int64_t version;
	bool is_removed;
	struct str collection;
	struct str list_id;
	struct library_entry entry;
	struct schema_int position;
};

struct library_list_change {
	int64_t version;
	bool is_removed;
	struct list_reply list;
};

struct library_reply {
	int64_t version;
	struct library_counts *counts;
	struct schema_array films;   /* struct library_film */
	struct schema_array entries; /* struct library_entry_change */
	struct schema_array lists;   /* struct library_list_change */
	struct schema_int next_since;
	struct schema_bool is_complete;
};

/* Data of com.cinesync.user.favorite-settled.v1 and favorite-removed.v1. */
struct favorite_settled {
	struct str user_id;
	int64_t movie_id;
	struct str movie_title;
	int64_t version;
	struct str occurred_at;
};

/* Headers of requests, for the document. */
extern const struct schema put_headers_schema;  /* Prefer */
extern const struct schema post_headers_schema; /* Idempotency-Key, Prefer */
extern const struct schema once_headers_schema; /* Idempotency-Key */

extern const struct schema library_add_schema;
extern const struct schema library_path_schema;
extern const struct schema library_query_schema;
extern const struct schema ratings_query_schema;
extern const struct schema watched_query_schema;
extern const struct schema list_items_query_schema;
extern const struct schema shared_query_schema;
extern const struct schema rating_put_schema;
extern const struct schema watch_path_schema;
extern const struct schema watch_create_schema;
extern const struct schema list_path_schema;
extern const struct schema list_item_path_schema;
extern const struct schema lists_query_schema;
extern const struct schema list_create_schema;
extern const struct schema list_patch_schema;
extern const struct schema list_item_add_schema;
extern const struct schema list_item_put_schema;
extern const struct schema list_item_move_schema;
extern const struct schema shared_path_schema;
extern const struct schema bulk_request_schema;
extern const struct schema library_sync_query_schema;

extern const struct schema library_entry_schema;
extern const struct schema library_page_schema;
extern const struct schema watch_schema;
extern const struct schema watch_page_schema;
extern const struct schema list_item_schema;
extern const struct schema list_items_page_schema;
extern const struct schema list_reply_schema;
extern const struct schema lists_page_schema;
extern const struct schema list_share_schema;
extern const struct schema shared_list_schema;
extern const struct schema bulk_reply_schema;
extern const struct schema library_reply_schema;
extern const struct schema favorite_settled_schema;

#endif
