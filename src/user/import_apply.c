/* First what the library has of these films is read, under its lock; then the rows become changes, each looking at what
 * is there and at the changes before it; then they are made all together. Owns nothing. */
#include "user/import_apply.h"

#include "base/clock.h"
#include "base/random.h"
#include "user/library.h"
#include "user/statements.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>

/* Columns of import_existing. */
enum { EXISTING_MOVIE, EXISTING_COLLECTION, EXISTING_WATCHED_ON, EXISTING_ITEM };

struct apply {
	struct store_tx *tx;
	struct arena *arena;
	struct str user_id;
	bool replaces;
	const struct import_lists *lists;
	struct import_item *items;
	size_t n;
	int64_t now_ms;
	struct store_rows existing;
	struct library_change *changes;
	struct import_item **of; /* whose change it is */
	size_t n_changes;
	struct str *list_names; /* those that were asked for */
	struct str *list_ids;   /* null: there is no room for it */
	size_t n_lists;
};

static enum library_collection collection_of(const struct import_row *row)
{
	static const enum library_collection collections[] = {
		[IMPORT_FAVORITES] = LIBRARY_FAVORITES, [IMPORT_RATINGS] = LIBRARY_RATINGS,
		[IMPORT_WATCHED] = LIBRARY_WATCHED,     [IMPORT_WATCHLIST] = LIBRARY_WATCHLIST,
		[IMPORT_LIST] = LIBRARY_LIST,
	};

	return collections[row->collection];
}

/* ---- lists ---- */

static struct str list_description(const struct import_lists *lists, struct str name)
{
	for (size_t i = 0; i < lists->n; i++)
		if (str_equal(lists->items[i].name, name))
			return lists->items[i].description;
	return STR_NULL;
}

/* *ret null: an account has no more. */
static int list_make(struct apply *p, struct str name, struct str *ret)
{
	char id[UUID_SIZE];
	struct store_rows rows;
	int r;

	uuid_v7(id);
	r = store_tx_query(p->tx, sql_list_insert,
	                   STORE_ARGS(STORE_S(p->user_id), STORE_S(str_from(id)), STORE_S(name),
	                              STORE_S(list_description(p->lists, name)), STORE_I(p->now_ms),
	                              STORE_I(user_state()->config->lists_max)),
	                   p->arena, &rows);
	*ret = STR_NULL;
	if (r < 0 || rows.n == 0)
		return r;
	r = store_tx_query(p->tx, sql_list_count, STORE_ARGS(STORE_S(p->user_id), STORE_S(str_from(id)), STORE_I(1)),
	                   p->arena, NULL);
	return r < 0 ? r : arena_copy(p->arena, str_from(id), ret);
}

static int list_find(struct apply *p, struct str name, struct str *ret)
{
	struct store_rows rows;
	int r;

	for (size_t i = 0; i < p->n_lists; i++) {
		if (str_equal(p->list_names[i], name)) {
			*ret = p->list_ids[i];
			return 0;
		}
	}
	r = store_tx_query(p->tx, sql_list_by_name, STORE_ARGS(STORE_S(p->user_id), STORE_S(name)), p->arena, &rows);
	if (r == 0 && rows.n > 0)
		*ret = store_text(&rows, 0, 0);
	else if (r == 0)
		r = list_make(p, name, ret);
	if (r < 0)
		return r;
	p->list_names[p->n_lists] = name;
	p->list_ids[p->n_lists++] = *ret;
	return 0;
}

static int lists_alloc(struct apply *p, size_t n)
{
	p->list_names = arena_array(p->arena, n, sizeof(*p->list_names));
	p->list_ids = arena_array(p->arena, n, sizeof(*p->list_ids));
	return p->list_names && p->list_ids ? 0 : -ENOMEM;
}

int import_lists_make(struct store_tx *tx, struct str user_id, const struct import_lists *lists, struct arena *a)
{
	struct apply p = { .tx = tx, .arena = a, .user_id = user_id, .lists = lists, .now_ms = clock_real_ms() };
	struct str id;
	int r;

	if (lists->n == 0)
		return 0;
	r = lists_alloc(&p, lists->n);
	if (r == 0)
		r = store_tx_query(tx, sql_library_lock, STORE_ARGS(STORE_S(user_id)), a, NULL);
	for (size_t i = 0; i < lists->n && r == 0; i++)
		r = list_find(&p, lists->items[i].name, &id);
	return r;
}

/* ---- what is there ---- */

static int existing_read(struct apply *p)
{
	struct buf ids CLEANUP(buf_done);
	int r;

	buf_init(&ids, 10 * LIBRARY_CHANGES_MAX);
	for (size_t i = 0; i < p->n; i++)
		if (p->items[i].film.id > 0)
			buf_addf(&ids, "%010lld", (long long)p->items[i].film.id);
	r = buf_error(&ids);
	if (r < 0 || ids.len == 0)
		return r;
	return store_tx_query(p->tx, sql_import_existing, STORE_ARGS(STORE_S(p->user_id), STORE_S(buf_str(&ids))),
	                      p->arena, &p->existing);
}

/* A watch without a day is the same as any; other entries have no day. */
static bool same_day(struct str here, struct str day, bool is_watch)
{
	return !is_watch || str_is_null(day) || str_equal(here, day);
}

/* Whether the library has it; *ret_item is its id there. */
static bool is_there(const struct apply *p, int64_t movie_id, struct str collection, const struct import_row *row,
                     struct str *ret_item)
{
	bool is_watch = row->collection == IMPORT_WATCHED;

	for (size_t i = 0; i < p->existing.n; i++) {
		if (store_int(&p->existing, i, EXISTING_MOVIE) == movie_id &&
		    str_equal(store_text(&p->existing, i, EXISTING_COLLECTION), collection) &&
		    same_day(store_text(&p->existing, i, EXISTING_WATCHED_ON), row->watched_on, is_watch)) {
			*ret_item = store_text(&p->existing, i, EXISTING_ITEM);
			return true;
		}
	}
	return false;
}

/* Whether a row before this one brings it. */
static bool is_planned(const struct apply *p, int64_t movie_id, struct str collection, const struct import_row *row)
{
	bool is_watch = row->collection == IMPORT_WATCHED;

	for (size_t i = 0; i < p->n_changes; i++) {
		const struct library_change *c = &p->changes[i];

		if (c->movie_id == movie_id &&
		    str_equal(library_collection_name(c->collection, c->list_id), collection) &&
		    same_day(c->watched_on.data ? c->watched_on : STR(""), row->watched_on, is_watch))
			return true;
	}
	return false;
}

/* ---- rows to changes ---- */

/* The same for the same person, film and day, so that two imports at once make one watch: a UUID of version 8
 * (RFC 9562, section 5.8) out of a SHA-256. */
static int watch_id(struct str user_id, int64_t movie_id, struct str day, struct arena *a, struct str *ret)
{
	unsigned char h[EVP_MAX_MD_SIZE];
	struct str name = arena_printf(a, "%.*s %lld %.*s", STR_ARGS(user_id), (long long)movie_id,
	                               STR_ARGS(day.data ? day : STR("")));

	if (str_is_null(name) || EVP_Digest(name.data, name.len, h, NULL, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	h[6] = (unsigned char)((h[6] & 0x0f) | 0x80);
	h[8] = (unsigned char)((h[8] & 0x3f) | 0x80);
	*ret = arena_printf(a, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", h[0], h[1], h[2],
	                    h[3], h[4], h[5], h[6], h[7], h[8], h[9], h[10], h[11], h[12], h[13], h[14], h[15]);
	return str_is_null(*ret) ? -ENOMEM : 0;
}

/* What the file may put in the place of what is there. A watch without a day would take away the day. */
static bool has_better(const struct apply *p, const struct import_row *row)
{
	if (!p->replaces || (row->collection == IMPORT_WATCHED && str_is_null(row->watched_on)))
		return false;
	return row->collection == IMPORT_RATINGS || row->note.data;
}

static int change_add(struct apply *p, struct import_item *item, struct str list_id, struct str watch)
{
	const struct import_row *row = item->row;
	struct library_change c = {
		.action = LIBRARY_PUT,
		.collection = collection_of(row),
		.list_id = list_id,
		.item_id = watch,
		.movie_id = item->film.id,
		.film = &item->film,
		.is_film_kept = true,
		.rating = row->collection == IMPORT_RATINGS ? row->rating : 0,
		.watched_on = row->collection == IMPORT_WATCHED ? row->watched_on : STR_NULL,
		.note = row->note,
		.added_at_ms = MIN(row->added_at_ms, p->now_ms),
	};
	int r = 0;

	if (c.collection == LIBRARY_WATCHED && str_is_null(watch))
		r = watch_id(p->user_id, c.movie_id, c.watched_on, p->arena, &c.item_id);
	if (r < 0)
		return r;
	p->of[p->n_changes] = item;
	p->changes[p->n_changes++] = c;
	return 0;
}

static int plan_row(struct apply *p, struct import_item *item)
{
	const struct import_row *row = item->row;
	struct str list_id = STR_NULL, watch = STR_NULL, collection;
	int r = row->collection == IMPORT_LIST ? list_find(p, row->list_name, &list_id) : 0;

	if (r < 0)
		return r;
	item->outcome = IMPORT_REFUSED;
	if (row->collection == IMPORT_LIST && str_is_null(list_id))
		return 0;
	collection = library_collection_name(collection_of(row), list_id);
	item->outcome = IMPORT_UNCHANGED;
	if (is_planned(p, item->film.id, collection, row))
		return 0;
	if (is_there(p, item->film.id, collection, row, &watch) && !has_better(p, row))
		return 0;
	return change_add(p, item, list_id, row->collection == IMPORT_WATCHED ? watch : STR_NULL);
}

static enum import_outcome outcome_of(const struct library_change *c)
{
	switch (c->outcome) {
	case LIBRARY_CREATED:
		return IMPORT_ADDED;
	case LIBRARY_CHANGED:
		return IMPORT_CHANGED;
	case LIBRARY_FULL:
	case LIBRARY_NO_LIST:
		return IMPORT_REFUSED;
	default:
		return IMPORT_UNCHANGED;
	}
}

static int plan(struct apply *p)
{
	int r = lists_alloc(p, p->n);

	p->changes = arena_array(p->arena, p->n, sizeof(*p->changes));
	p->of = arena_array(p->arena, p->n, sizeof(struct import_item *));
	if (r < 0 || !p->changes || !p->of)
		return -ENOMEM;
	for (size_t i = 0; i < p->n && r == 0; i++) {
		p->items[i].outcome = IMPORT_UNMATCHED;
		if (p->items[i].film.id > 0)
			r = plan_row(p, &p->items[i]);
	}
	return r;
}

int import_apply(struct store_tx *tx, struct str user_id, bool replaces, const struct import_lists *lists,
                 struct import_item *items, size_t n, struct arena *a)
{
	struct apply p = { .tx = tx,
		           .arena = a,
		           .user_id = user_id,
		           .replaces = replaces,
		           .lists = lists,
		           .items = items,
		           .n = n,
		           .now_ms = clock_real_ms() };
	int r;

	assert(n > 0 && n <= LIBRARY_CHANGES_MAX);
	r = store_tx_query(tx, sql_library_lock, STORE_ARGS(STORE_S(user_id)), a, NULL);
	if (r == 0)
		r = existing_read(&p);
	if (r == 0)
		r = plan(&p);
	if (r == 0 && p.n_changes > 0)
		r = library_apply(tx, user_id, p.changes, p.n_changes, a);
	for (size_t i = 0; i < p.n_changes && r == 0; i++)
		p.of[i]->outcome = outcome_of(&p.changes[i]);
	return r;
}
