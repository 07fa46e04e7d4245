/* GET /users/me/library: the version and the counts; what there is of some films, in one query; what changed since a
 * version. The ETag is the version, so that a client that has it costs one row. */
#include "user/library_lists.h"
#include "user/statements.h"

#include <errno.h>
#include <stdio.h>

enum { ID_DIGITS = 10, ETAG_LEN = 48 };

/* Columns of library_head, library_films, and what library_changes and lists_changes have behind the common ones. */
enum { HEAD_VERSION, HEAD_FORGOTTEN, HEAD_FAVORITES, HEAD_WATCHLIST, HEAD_RATINGS, HEAD_WATCHED, HEAD_LISTS };
enum { FILM_N, FILM_ID, FILM_COLLECTION, FILM_ITEM, FILM_RATING, FILM_WATCHED_ON, FILM_PENDING, FILM_VERSION };
enum { CHANGE_COLLECTION = ENTRY_COLUMNS, CHANGE_POSITION, CHANGE_VERSION, CHANGE_DELETED_MS };
enum { LIST_VERSION = LIST_COLUMNS, LIST_DELETED_MS };

static const struct problem problem_sync_too_old = { 410, "sync-too-old",
	                                             "What was removed since then is not known any more", LOG_INFO };

struct head {
	int64_t version;
	int64_t forgotten;
	struct library_counts counts;
};

static int head_read(struct request *req, struct head *ret)
{
	struct store_rows rows;
	int r = store_read(user_state()->store, sql_library_head, STORE_ARGS(STORE_S(request_user(req)->id)),
	                   request_arena(req), &rows);

	*ret = (struct head){ 0 };
	if (r < 0)
		return user_store_failed(req, r, "read a library's version");
	if (rows.n == 0)
		return 0;
	*ret = (struct head){
		.version = store_int(&rows, 0, HEAD_VERSION),
		.forgotten = store_int(&rows, 0, HEAD_FORGOTTEN),
		.counts = { store_int(&rows, 0, HEAD_FAVORITES), store_int(&rows, 0, HEAD_WATCHLIST),
		            store_int(&rows, 0, HEAD_RATINGS), store_int(&rows, 0, HEAD_WATCHED),
		            store_int(&rows, 0, HEAD_LISTS) },
	};
	return 0;
}

/* Versions of two libraries may be equal, and one client may show both. */
static void etag_make(struct str user_id, int64_t version, char ret[ETAG_LEN])
{
	(void)snprintf(ret, ETAG_LEN, "\"%.*s-%lld\"", STR_ARGS(str_slice(user_id, user_id.len - 12, user_id.len)),
	               (long long)version);
}

static int etag_set(struct request *req, const char *etag)
{
	int r = respond_header(req, "ETag", str_from(etag));

	return r < 0 ? r : respond_header_static(req, "Cache-Control", "private, no-cache");
}

/* ---- some films ---- */

static int films_rows(struct request *req, const struct library_sync_query *q, struct store_rows *ret)
{
	const int64_t *ids = q->movie_ids.items;
	struct buf text CLEANUP(buf_done);
	int r;

	buf_init(&text, 4096);
	for (size_t i = 0; i < q->movie_ids.n; i++)
		buf_addf(&text, "%0*lld", ID_DIGITS, (long long)ids[i]);
	r = buf_error(&text);
	if (r == 0)
		r = store_read(user_state()->store, sql_library_films,
		               STORE_ARGS(STORE_S(request_user(req)->id), STORE_S(buf_str(&text))), request_arena(req),
		               ret);
	return r < 0 ? user_store_failed(req, r, "read the library of some films") : 0;
}

/* A list's next item; the list doubles when it is full. */
static void *one_more(struct arena *a, struct schema_array *list, size_t size)
{
	if ((list->n & (list->n - 1)) == 0) { /* 0 or a power of two: full */
		void *larger = arena_array(a, list->n ? list->n * 2 : 1, size);

		if (!larger)
			return NULL;
		if (list->n > 0)
			memcpy(larger, list->items, list->n * size);
		list->items = larger;
	}
	return (char *)list->items + size * list->n++;
}

static int film_add(struct arena *a, const struct store_rows *rows, size_t row, struct library_film *film)
{
	struct str collection = store_text(rows, row, FILM_COLLECTION);
	struct str watched_on = store_text(rows, row, FILM_WATCHED_ON);
	struct library_watch *watch;
	struct str *list;

	film->is_pending |= store_bool(rows, row, FILM_PENDING);
	switch (library_collection_from(collection)) {
	case LIBRARY_FAVORITES:
		film->favorite = true;
		return 0;
	case LIBRARY_WATCHLIST:
		film->watchlist = true;
		return 0;
	case LIBRARY_RATINGS:
		film->rating = (struct schema_number){ true, library_rating_points(store_int(rows, row, FILM_RATING)) };
		return 0;
	case LIBRARY_WATCHED:
		watch = one_more(a, &film->watched, sizeof(*watch));
		if (watch)
			*watch = (struct library_watch){ store_text(rows, row, FILM_ITEM),
				                         watched_on.len > 0 ? watched_on : STR_NULL };
		return watch ? 0 : -ENOMEM;
	default:
		list = one_more(a, &film->lists, sizeof(*list));
		if (list)
			*list = collection;
		return list ? 0 : -ENOMEM;
	}
}

/* Rows of one film stand together, in the order asked for. */
static int films_make(struct request *req, const struct store_rows *rows, size_t n, struct library_reply *ret)
{
	struct arena *a = request_arena(req);
	struct library_film *films = arena_array(a, n, sizeof(*films));
	int r = films ? 0 : -ENOMEM;

	for (size_t row = 0; row < rows->n && r == 0; row++) {
		int64_t at = store_int(rows, row, FILM_N);

		assert(at >= 0 && (size_t)at < n);
		films[at].movie_id = store_int(rows, row, FILM_ID);
		if (!store_is_null(rows, row, FILM_COLLECTION))
			r = film_add(a, rows, row, &films[at]);
	}
	if (r == 0) {
		ret->films = (struct schema_array){ n, films };
		ret->version = store_int(rows, 0, FILM_VERSION);
	}
	return r;
}

static int answer_films(struct request *req, const struct library_sync_query *q)
{
	struct library_reply out = { 0 };
	struct store_rows rows;
	char etag[ETAG_LEN];
	int r = films_rows(req, q, &rows);

	if (r == 0)
		r = films_make(req, &rows, q->movie_ids.n, &out);
	if (r < 0)
		return r;
	etag_make(request_user(req)->id, out.version, etag);
	r = etag_set(req, etag);
	return r < 0 ? r : respond(req, 200, &library_reply_schema, &out);
}

/* ---- what changed ---- */

static int entry_change(struct arena *a, const struct store_rows *rows, size_t row, struct library_entry_change *ret)
{
	struct str collection = store_text(rows, row, CHANGE_COLLECTION);
	bool is_list = library_collection_from(collection) == LIBRARY_LIST;

	*ret = (struct library_entry_change){
		.version = store_int(rows, row, CHANGE_VERSION),
		.is_removed = !store_is_null(rows, row, CHANGE_DELETED_MS),
		.collection = is_list ? STR("list") : collection,
		.list_id = is_list ? collection : STR_NULL,
		.position = { !store_is_null(rows, row, CHANGE_POSITION), store_int(rows, row, CHANGE_POSITION) },
	};
	return library_entry_from_row(a, rows, row, &ret->entry);
}

static int list_change(struct arena *a, const struct store_rows *rows, size_t row, struct library_list_change *ret)
{
	*ret = (struct library_list_change){
		.version = store_int(rows, row, LIST_VERSION),
		.is_removed = !store_is_null(rows, row, LIST_DELETED_MS),
	};
	return list_from_row(a, rows, row, &ret->list);
}

/* Both kinds in the order of their versions, at most limit in all. */
static int changes_merge(struct arena *a, const struct store_rows *entries, const struct store_rows *lists,
                         size_t limit, struct library_reply *ret)
{
	struct library_entry_change *changed = arena_array(a, entries->n, sizeof(*changed));
	struct library_list_change *changed_lists = arena_array(a, lists->n, sizeof(*changed_lists));
	size_t i = 0, j = 0;
	int r = changed && changed_lists ? 0 : -ENOMEM;

	while (r == 0 && i + j < limit && (i < entries->n || j < lists->n)) {
		bool is_entry = j == lists->n || (i < entries->n && store_int(entries, i, CHANGE_VERSION) <
		                                                            store_int(lists, j, LIST_VERSION));

		if (is_entry) {
			r = entry_change(a, entries, i, &changed[i]);
			ret->next_since.value = changed[i++].version;
		} else {
			r = list_change(a, lists, j, &changed_lists[j]);
			ret->next_since.value = changed_lists[j++].version;
		}
	}
	ret->entries = (struct schema_array){ i, changed };
	ret->lists = (struct schema_array){ j, changed_lists };
	ret->is_complete = (struct schema_bool){ true, i == entries->n && j == lists->n };
	return r;
}

/* Up to the version that the head has: what is committed between the two queries comes next time, so that none of the
 * two kinds is ahead of the other. One row more than fits tells whether that was all. */
static int changes_read(struct request *req, const struct library_sync_query *q, const struct head *head,
                        struct library_reply *ret)
{
	const struct store_value args[] = {
		STORE_S(request_user(req)->id),
		STORE_I(q->since.value),
		STORE_I(head->version),
		STORE_I(q->limit + 1),
	};
	struct arena *a = request_arena(req);
	struct store_rows entries, lists;
	int r = store_read(user_state()->store, sql_library_changes, args, ARRAY_SIZE(args), a, &entries);

	if (r == 0)
		r = store_read(user_state()->store, sql_lists_changes, args, ARRAY_SIZE(args), a, &lists);
	if (r < 0)
		return user_store_failed(req, r, "read the changes of a library");
	ret->next_since = (struct schema_int){ true, q->since.value };
	r = changes_merge(a, &entries, &lists, (size_t)q->limit, ret);
	if (r == 0 && ret->is_complete.value)
		ret->next_since.value = head->version;
	return r;
}

static int since_check(struct request *req, const struct library_sync_query *q, const struct head *head)
{
	if (!q->since.is_set)
		return 0;
	if (q->since.value > 0 && q->since.value < head->forgotten && !q->anew)
		return request_problem(req, &problem_sync_too_old,
		                       "Read everything anew with since=0: tombstones are kept for %lld days.",
		                       (long long)user_state()->config->tombstone_days);
	if (q->since.value <= head->version)
		return 0;
	violations_add(request_violation_list(req), "query", "since", "less_than_equal",
	               "Input should be less than or equal to the library's version");
	return request_violations(req);
}

static int answer_head(struct request *req, const struct library_sync_query *q, struct head *head)
{
	struct library_reply out = { .version = head->version, .counts = &head->counts };
	int r = q->since.is_set ? changes_read(req, q, head, &out) : 0;

	return r < 0 ? r : respond(req, 200, &library_reply_schema, &out);
}

static int library_get(struct request *req)
{
	struct library_sync_query q;
	char etag[ETAG_LEN];
	struct head head;
	int r = request_parse(req, NULL, &q, NULL);

	if (r < 0)
		return r;
	/* Who has nothing yet is spared the look at the version: the rows of the films bring it along. */
	if (q.movie_ids.n > 0 && !request_header(req, "If-None-Match").data)
		return answer_films(req, &q);
	r = head_read(req, &head);
	if (r == 0)
		r = since_check(req, &q, &head);
	if (r < 0)
		return r;
	etag_make(request_user(req)->id, head.version, etag);
	if (q.movie_ids.n > 0 && !request_none_match(req, etag))
		return answer_films(req, &q);
	r = etag_set(req, etag);
	if (r < 0)
		return r;
	return request_none_match(req, etag) ? respond_empty(req, 304) : answer_head(req, &q, &head);
}

const struct route library_sync_routes[] = {
	{ .method = HTTP_GET,
	  .path = "/api/v1/users/me/library",
	  .handler = library_get,
	  .tag = "library",
	  .auth = HTTP_AUTH_USER,
	  .query = &library_sync_query_schema,
	  .reply = { 200, &library_reply_schema, NULL, "What was asked for." },
	  .errors = { 401, 410, 503 },
	  .cacheable = true,
	  .summary = "My library, or what changed in it",
	  .doc = "Alone: its version and counts. With movie_ids: what there is of these films, for a page of a search. "
	         "With since: what changed after that version, tombstones of what was removed too; ask again with "
	         "next_since until is_complete, and later to hear of more. A since from before the oldest tombstone is "
	         "410: begin anew with since=0, and go on with anew=true until is_complete. The ETag changes with the "
	         "version, and only with it." },
	{ 0 },
};
