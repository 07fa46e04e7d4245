/* Films into the index of films seen. seen_add() copies them into a queue; one fiber takes them from there, LINGER_MS
 * after the first or as soon as BATCH are there, and writes them in one transaction. The same fiber deletes what is too
 * old or too many, in steps of STEP films, after each batch and every TIDY_MS. What cannot be written is dropped and
 * counted: it will be seen again. Popular films come with every page, so a film that was queued lately and has not
 * changed is left out before it is queued (by a table of SEEN_RECENT films), and again before it is written.
 *
 * Owns the store. Yielding functions are those that seen.h names. Limits: queue_max films and QUEUE_BYTES_MAX bytes
 * queued, ITEM_MAX bytes a film. */
#include "movie/seen.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/map.h"
#include "base/utf8.h"
#include "movie/films.h"
#include "movie/seen_internal.h"
#include "movie/seen_words.h"
#include "movie/statements.h"
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>

#define BATCH 200
#define LINGER_MS 250
#define TIDY_MS 60000
#define LOG_MS 60000
#define STEP 500
#define UNCHANGED_MS ((int64_t)24 * 60 * 60 * 1000)
#define ITEM_MAX ((size_t)64 << 10)
#define QUEUE_BYTES_MAX ((size_t)8 << 20)
#define ARENA_MAX ((size_t)4 << 20)

/* A film to be written; its strings lie behind it. */
struct entry {
	struct list node;
	size_t size;
	int64_t id;
	int64_t seen_at_ms;
	struct schema_int year;
	struct schema_number popularity;
	struct str title;
	struct str original_title;
	struct str item;
	char bytes[];
};

int64_t seen_since_ms(const struct seen *s)
{
	return clock_real_ms() - s->options.age_max_ms;
}

/* ---- the queue ---- */

static struct str entry_keep(struct entry *e, struct str text)
{
	char *at = e->bytes + e->size;

	if (str_is_null(text))
		return STR_NULL;
	memcpy(at, text.data, text.len);
	e->size += text.len;
	return (struct str){ at, text.len };
}

static struct entry *entry_new(const struct movie_item *film, struct str item, int64_t now_ms)
{
	size_t size = film->title.len + film->original_title.len + item.len;
	struct entry *e = fault_hit("alloc") ? NULL : malloc(sizeof(*e) + size);

	if (!e)
		return NULL;
	*e = (struct entry){ .id = film->id, .seen_at_ms = now_ms, .year = film->year, .popularity = film->popularity };
	e->title = entry_keep(e, film->title);
	e->original_title = entry_keep(e, film->original_title);
	e->item = entry_keep(e, item);
	return e;
}

static struct entry *queue_take(struct seen *s)
{
	struct list *node = list_pop_front(&s->queue);
	struct entry *e = node ? LIST_ENTRY(node, struct entry, node) : NULL;

	if (!e)
		return NULL;
	s->stats.queued--;
	s->queue_bytes -= e->size;
	return e;
}

static struct seen_recent *recent_of(struct seen *s, int64_t id)
{
	return &s->recent[(uint64_t)id % SEEN_RECENT];
}

/* Whether the very same was queued within a day; from now on it was. */
static bool is_known(struct seen *s, int64_t id, struct str item, int64_t now_ms)
{
	static const uint8_t key[16]; /* nobody gains by a collision */
	const struct seen_recent now = { id, map_siphash(item.data, item.len, key), now_ms };
	struct seen_recent *last = recent_of(s, id);

	if (last->id == id && last->hash == now.hash && now_ms - last->at_ms < UNCHANGED_MS)
		return true;
	*last = now;
	return false;
}

static void forget(struct seen *s, int64_t id)
{
	if (recent_of(s, id)->id == id)
		recent_of(s, id)->id = 0;
}

/* What the store takes: a single title that is no text would spoil its whole batch. */
static bool is_text(struct str text)
{
	return utf8_is_valid(text) && str_index(text, '\0', 0) < 0;
}

static bool is_wanted(const struct movie_item *film)
{
	return !(film->adult.is_set && film->adult.value) && !str_is_null(film->title) && is_text(film->title) &&
	       is_text(film->original_title) && film->id > 0 && film->id <= FILM_ID_BASE;
}

/* false: there is no room. */
static bool enqueue(struct seen *s, const struct movie_item *film, struct str item, int64_t now_ms)
{
	struct entry *e;

	if (s->stats.queued >= s->options.queue_max || s->queue_bytes + item.len > QUEUE_BYTES_MAX)
		return false;
	e = entry_new(film, item, now_ms);
	if (!e)
		return false;
	list_push_back(&s->queue, &e->node);
	s->stats.queued++;
	s->queue_bytes += e->size;
	return true;
}

static void add_one(struct seen *s, const struct movie_item *film, int64_t now_ms)
{
	struct str item;

	buf_reset(&s->item);
	schema_write(&movie_item_schema, film, &s->item);
	item = buf_str(&s->item);
	if (buf_error(&s->item) < 0) {
		s->stats.dropped++;
	} else if (!is_known(s, film->id, item, now_ms) && !enqueue(s, film, item, now_ms)) {
		forget(s, film->id);
		s->stats.dropped++;
	}
}

void seen_add(struct seen *s, const struct movie_item *films, size_t n)
{
	int64_t now_ms = clock_real_ms();

	assert(s->magic == SEEN_MAGIC);
	for (size_t i = 0; i < n; i++)
		if (is_wanted(&films[i]))
			add_one(s, &films[i], now_ms);
	(void)fiber_queue_wake_one(&s->wanted, 0);
}

/* ---- writing ---- */

/* Columns of film_known. */
enum { KNOWN_WORDS, KNOWN_FILM };

/* Yields. What the file has of it: the row, or none. */
static int known(struct store_tx *tx, const struct entry *e, const struct seen_words *w, struct arena *a,
                 struct store_rows *ret)
{
	return store_tx_query(tx, sql_film_known,
	                      STORE_ARGS(STORE_I(e->id), STORE_S(w->words), STORE_S(w->whole), STORE_S(w->forms),
	                                 e->year.is_set ? STORE_I(e->year.value) : STORE_N, STORE_S(e->item),
	                                 STORE_I(e->seen_at_ms), STORE_I(UNCHANGED_MS)),
	                      a, ret);
}

/* Yields. */
static int put_film(struct store_tx *tx, const struct entry *e, const struct seen_words *w, struct arena *a)
{
	return store_tx_query(tx, sql_film_put,
	                      STORE_ARGS(STORE_I(e->id), STORE_I(e->seen_at_ms),
	                                 e->popularity.is_set ? STORE_D(e->popularity.value) : STORE_N,
	                                 e->year.is_set ? STORE_I(e->year.value) : STORE_N, STORE_S(e->title),
	                                 STORE_S(e->original_title), STORE_S(w->words), STORE_S(w->whole),
	                                 STORE_S(w->forms), STORE_S(e->item)),
	                      a, NULL);
}

/* Yields. */
static int of_film(struct store_tx *tx, const char *sql, const struct entry *e, struct arena *a)
{
	return store_tx_query(tx, sql, STORE_ARGS(STORE_I(e->id)), a, NULL);
}

/* Yields. The film with its words, which are other ones than it had, if it was there. */
static int put_indexed(struct store_tx *tx, const struct entry *e, const struct seen_words *w, bool was_there,
                       struct arena *a)
{
	int r = 0;

	if (was_there)
		r = of_film(tx, sql_title_take, e, a);
	if (r == 0 && was_there)
		r = of_film(tx, sql_spelling_take, e, a);
	if (r == 0)
		r = put_film(tx, e, w, a);
	if (r == 0)
		r = of_film(tx, sql_title_put, e, a);
	return r < 0 ? r : of_film(tx, sql_spelling_put, e, a);
}

/* Yields. 1: written; 0: it was there already. */
static int put(struct store_tx *tx, const struct entry *e, struct arena *a)
{
	struct seen_words w;
	struct store_rows rows;
	int r = seen_words_make(e->title, e->original_title, a, &w);

	if (r == 0)
		r = known(tx, e, &w, a, &rows);
	if (r < 0 || (rows.n > 0 && store_bool(&rows, 0, KNOWN_FILM)))
		return r;
	if (rows.n > 0 && store_bool(&rows, 0, KNOWN_WORDS))
		r = put_film(tx, e, &w, a);
	else
		r = put_indexed(tx, e, &w, rows.n > 0, a);
	return r < 0 ? r : 1;
}

/* Yields. How many films were new or changed goes into *ret_written. */
static int write_all(struct seen *s, struct list *batch, uint64_t *ret_written)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct list *node, *next;
	uint64_t written = 0;
	int r = arena_new(ARENA_MAX, &a);

	if (r == 0)
		r = store_begin(s->options.store, &tx);
	if (r < 0)
		return r;
	LIST_FOREACH_SAFE(node, next, batch)
	{
		arena_reset(a);
		r = put(tx, LIST_ENTRY(node, struct entry, node), a);
		if (r < 0)
			return r;
		written += (uint64_t)r;
	}
	r = store_commit(&tx);
	if (r == 0)
		*ret_written = written;
	return r;
}

/* At most once a minute: there is nobody to return it to. */
static void report(struct seen *s, int r)
{
	int64_t now_ms = clock_mono_ms();

	s->failed_unlogged++;
	if (s->logged_at_ms != 0 && now_ms - s->logged_at_ms < LOG_MS)
		return;
	log_warning("the index of films seen cannot be written", LOG_ERR(r),
	            LOG_STR("detail", store_error(s->options.store)), LOG_INT("failures", s->failed_unlogged));
	s->logged_at_ms = now_ms;
	s->failed_unlogged = 0;
}

static void batch_free(struct seen *s, struct list *batch, bool was_written)
{
	struct list *node;

	while ((node = list_pop_front(batch))) {
		struct entry *e = LIST_ENTRY(node, struct entry, node);

		if (!was_written)
			forget(s, e->id);
		free(e);
	}
}

/* Yields. */
static int write_batch(struct seen *s)
{
	struct list batch = LIST_INIT(batch);
	uint64_t written = 0;
	struct entry *e;
	int r;

	for (size_t n = 0; n < BATCH && (e = queue_take(s)); n++)
		list_push_back(&batch, &e->node);
	if (list_empty(&batch))
		return 0;
	r = write_all(s, &batch, &written);
	batch_free(s, &batch, r == 0);
	s->stats.written += written;
	s->stats.failed += r < 0;
	return r;
}

/* ---- tidying ---- */

/* Yields. *ret_oldest_ms may be NULL. */
static int count(struct seen *s, int64_t *ret_oldest_ms)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct store_rows rows;
	int r = arena_new(4096, &a);

	if (r == 0)
		r = store_read(s->options.store, sql_films_count, STORE_NO_ARGS, a, &rows);
	if (r < 0)
		return r;
	s->stats.films = store_int(&rows, 0, 0);
	if (ret_oldest_ms)
		*ret_oldest_ms = s->stats.films > 0 ? store_int(&rows, 0, 1) : INT64_MAX;
	return 0;
}

/* Yields. Deletes the films seen before that time, at most so many, those seen longest ago first. */
static int leave(struct seen *s, int64_t before_ms, int64_t most)
{
	const char *const statements[] = { sql_titles_leave, sql_spellings_leave, sql_films_leave };
	struct arena *a CLEANUP(arena_free) = NULL;
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	int r = arena_new(4096, &a);

	if (r == 0)
		r = store_begin(s->options.store, &tx);
	for (size_t i = 0; i < ARRAY_SIZE(statements) && r == 0; i++)
		r = store_tx_query(tx, statements[i], STORE_ARGS(STORE_I(before_ms), STORE_I(most)), a, NULL);
	return r < 0 ? r : store_commit(&tx);
}

/* Yields. */
static int expire(struct seen *s)
{
	int64_t oldest_ms, since_ms = seen_since_ms(s);
	int r = count(s, &oldest_ms);

	while (r == 0 && oldest_ms < since_ms) {
		r = leave(s, since_ms, STEP);
		if (r == 0)
			r = count(s, &oldest_ms);
	}
	return r;
}

/* Yields. */
static int tidy(struct seen *s)
{
	int64_t films_max = (int64_t)s->options.films_max;
	int r = expire(s);

	while (r == 0 && s->stats.films > films_max) {
		r = leave(s, INT64_MAX, MIN(s->stats.films - films_max, (int64_t)STEP));
		if (r == 0)
			r = count(s, NULL);
	}
	return r;
}

/* ---- the fiber ---- */

/* Yields until `enough` films are queued, the time is over, or the end has come. */
static void wait_for(struct seen *s, size_t enough, int64_t ms)
{
	int64_t until_ms = clock_deadline_in(ms);

	fiber_deadline_set(until_ms);
	while (!s->stopping && s->stats.queued < enough && clock_mono_ms() < until_ms)
		if (fiber_queue_wait(&s->wanted) < 0)
			break;
	fiber_deadline_set(DEADLINE_NONE);
}

static void drop_queue(struct seen *s)
{
	struct entry *e;

	while ((e = queue_take(s))) {
		s->stats.dropped++;
		free(e);
	}
}

static void writer_main(void *arg)
{
	struct seen *s = arg;
	int r = tidy(s);

	while (r < 0 || !s->stopping || s->stats.queued > 0) {
		if (r < 0)
			report(s, r);
		/* Once the end has come, a file that cannot be written is not waited for. */
		if (r < 0 && s->stopping)
			break;
		wait_for(s, 1, TIDY_MS);
		if (s->stats.queued > 0)
			wait_for(s, BATCH, LINGER_MS);
		r = write_batch(s);
		if (r == 0)
			r = tidy(s);
	}
	drop_queue(s);
}

static void free_all(struct seen *s)
{
	store_close(&s->options.store);
	buf_done(&s->item);
	s->magic = 0;
	free(s);
}

int seen_new(const struct seen_options *options, struct seen **ret)
{
	struct seen *s = fault_hit("alloc") ? NULL : calloc(1, sizeof(*s));
	struct store *store = options->store;
	int r;

	if (!s) {
		store_close(&store);
		return -ENOMEM;
	}
	s->magic = SEEN_MAGIC;
	s->options = *options;
	fiber_queue_init(&s->wanted);
	list_init(&s->queue);
	buf_init(&s->item, ITEM_MAX);
	r = count(s, NULL);
	if (r == 0)
		r = fiber_spawn("seen", writer_main, s, &s->fiber);
	if (r < 0) {
		free_all(s);
		return r;
	}
	*ret = s;
	return 0;
}

void seen_free(struct seen **sp)
{
	struct seen *s = STEAL(*sp);

	if (!s)
		return;
	assert(s->magic == SEEN_MAGIC);
	s->stopping = true;
	(void)fiber_queue_wake_one(&s->wanted, 0);
	fiber_shield();
	(void)!fiber_join(s->fiber);
	fiber_unshield();
	fiber_unref(&s->fiber);
	free_all(s);
}

void seen_stats_get(const struct seen *s, struct seen_stats *ret)
{
	assert(s->magic == SEEN_MAGIC);
	*ret = s->stats;
}
