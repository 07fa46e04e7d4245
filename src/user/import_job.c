/* Owns: each job an arena with its file's rows, and the map of its films, whose memory is the arena's too. */
#include "user/import_job.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/random.h"
#include "fiber/fiber.h"
#include "fiber/offload.h"
#include "user/statements.h"

#include <errno.h>
#include <stdlib.h>

#define JOB_MAGIC UINT32_C(0x494a4f42)

enum {
	FILMS_PAGE = 5000,
	STEP_ARENA_MAX = 8 << 20,
	FILM_ARENA_MAX = 8 << 20,
	CONTENT_ARENA_MAX = 20 << 20,
	ROW_MEMORY = 2048, /* of a row with its texts, and its film */
	FIXED_MEMORY = 1 << 20,
};

/* Columns of import_content, import_films_page. */
enum { CONTENT, CONTENT_UNDECIDED };
enum { FOUND_KEY, FOUND_MOVIE, FOUND_REASON, FOUND_CANDIDATES };

struct import_job {
	uint32_t magic;
	char id[UUID_SIZE];
	struct arena *arena;
	struct import_file file;
	struct map *films; /* by import_film_key(): struct import_film */
};

static const char *const collections[] = {
	[IMPORT_FAVORITES] = "favorites", [IMPORT_RATINGS] = "ratings", [IMPORT_WATCHED] = "watched",
	[IMPORT_WATCHLIST] = "watchlist", [IMPORT_LIST] = "list",
};

const char *import_collection_name(enum import_collection collection)
{
	return collections[collection];
}

enum import_collection import_collection_from(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(collections); i++)
		if (str_equal(name, str_from(collections[i])))
			return (enum import_collection)i;
	return IMPORT_LIST;
}

/* ---- reading a file ---- */

struct reading {
	struct str content;
	struct import_options options;
	struct arena *arena;
	struct import_file file;
	const char *reason;
};

static int read_work(void *arg)
{
	struct reading *r = arg;

	return import_read(r->content, &r->options, r->arena, &r->file, &r->reason);
}

int import_read_aside(struct str content, struct str undecided, struct arena **ret_arena, struct import_file *ret,
                      const char **ret_reason)
{
	const struct user_config *c = user_state()->config;
	struct reading reading = { .content = content,
		                   .options = { .rows_max = (size_t)c->import_rows_max,
		                                .unpacked_max = (size_t)c->import_unpacked_max,
		                                .undecided = import_collection_from(undecided) } };
	struct fiber_semaphore *reads = &user_state()->import_reads;
	size_t memory_max = 4 * reading.options.unpacked_max + reading.options.rows_max * ROW_MEMORY + FIXED_MEMORY;
	int r = arena_new(memory_max, ret_arena);

	if (r == 0)
		r = fiber_semaphore_acquire(reads);
	if (r < 0)
		return r;
	reading.arena = *ret_arena;
	r = offload_run(&(struct offload){ .work = read_work, .arg = &reading });
	fiber_semaphore_release(reads);
	*ret_reason = reading.reason;
	if (r == 0)
		*ret = reading.file;
	return r;
}

/* ---- opening ---- */

static struct import_film *film_kept(struct import_job *j, struct str key, const struct import_film *film,
                                     int *ret_error)
{
	struct import_film *kept = arena_alloc(j->arena, sizeof(*kept));
	int r = kept ? 0 : -ENOMEM;

	if (r == 0)
		*kept = *film;
	if (r == 0 && film->reason.data)
		r = arena_copy(j->arena, film->reason, &kept->reason);
	if (r == 0 && film->candidates.data)
		r = arena_copy(j->arena, film->candidates, &kept->candidates);
	if (r == 0 && film->brief.title.data)
		r = arena_copy(j->arena, film->brief.title, &kept->brief.title);
	if (r == 0 && film->brief.poster_path.data)
		r = arena_copy(j->arena, film->brief.poster_path, &kept->brief.poster_path);
	if (r == 0)
		r = map_put(j->films, key, kept, NULL);
	*ret_error = r;
	return r < 0 ? NULL : kept;
}

static int films_page(struct import_job *j, struct user_state *u, char after[256], size_t *ret_n)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct store_rows rows;
	int r = arena_new(STEP_ARENA_MAX, &a);

	if (r == 0)
		r = store_read(u->store, sql_import_films_page,
		               STORE_ARGS(STORE_S(str_from(j->id)), STORE_S(str_from(after))), a, &rows);
	if (r < 0)
		return r;
	for (size_t i = 0; i < rows.n && r == 0; i++) {
		struct import_film film = { .movie_id = store_int(&rows, i, FOUND_MOVIE),
			                    .reason = store_text(&rows, i, FOUND_REASON),
			                    .candidates = store_text(&rows, i, FOUND_CANDIDATES) };

		(void)film_kept(j, store_text(&rows, i, FOUND_KEY), &film, &r);
	}
	if (r == 0 && rows.n > 0)
		(void)snprintf(after, 256, "%.*s", STR_ARGS(store_text(&rows, rows.n - 1, FOUND_KEY)));
	*ret_n = rows.n;
	return r;
}

static int films_load(struct import_job *j, struct user_state *u)
{
	char after[256] = "";
	size_t n = 0;
	int r = map_new((size_t)j->file.n_rows + 1, &j->films);

	do {
		if (r == 0)
			r = films_page(j, u, after, &n);
	} while (r == 0 && n == FILMS_PAGE);
	return r;
}

static int content_load(struct import_job *j, struct user_state *u, const char **ret_reason)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct store_rows rows;
	int r = arena_new(CONTENT_ARENA_MAX, &a);

	if (r == 0)
		r = store_read(u->store, sql_import_content, STORE_ARGS(STORE_S(str_from(j->id))), a, &rows);
	if (r == 0 && rows.n == 0)
		r = -ENOENT;
	if (r == 0)
		r = import_read_aside(store_text(&rows, 0, CONTENT), store_text(&rows, 0, CONTENT_UNDECIDED), &j->arena,
		                      &j->file, ret_reason);
	return r == -EFBIG ? -EINVAL : r;
}

int import_job_open(struct user_state *u, struct str import_id, struct import_job **ret, const char **ret_reason)
{
	struct import_job *j = calloc(1, sizeof(*j));
	int r;

	if (!j)
		return -ENOMEM;
	j->magic = JOB_MAGIC;
	(void)snprintf(j->id, sizeof(j->id), "%.*s", STR_ARGS(import_id));
	r = content_load(j, u, ret_reason);
	if (r == 0)
		r = films_load(j, u);
	if (r < 0)
		import_job_close(&j);
	else
		*ret = j;
	return r;
}

void import_job_close(struct import_job **jp)
{
	struct import_job *j = *jp;

	if (!j)
		return;
	assert(j->magic == JOB_MAGIC);
	j->magic = 0;
	map_free(&j->films);
	arena_free(&j->arena);
	free(j);
	*jp = NULL;
}

struct str import_job_id(const struct import_job *j)
{
	return str_from(j->id);
}

/* ---- which films ---- */

struct step {
	struct user_state *u;
	struct import_job *job;
	const struct import_state *state;
	struct import_pace *pace;
	struct arena *arena;
	struct import_item *items;
	struct str *keys;
	struct str *reasons; /* of items without a film */
	size_t n;
};

/* Looked for once; what was found is kept at once, since it cost calls. */
static int film_find(struct step *s, size_t i, struct import_film **ret)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct import_film film;
	int r = arena_new(FILM_ARENA_MAX, &a);

	if (r == 0)
		r = import_match(s->u, s->pace, s->items[i].row, a, &film);
	if (r < 0)
		return r;
	r = store_query(s->u->store, sql_import_film_put,
	                STORE_ARGS(STORE_S(str_from(s->job->id)), STORE_S(s->keys[i]),
	                           film.movie_id > 0 ? STORE_I(film.movie_id) : STORE_N, STORE_S(film.reason),
	                           STORE_S(film.candidates)),
	                a, NULL);
	if (r == 0)
		*ret = film_kept(s->job, s->keys[i], &film, &r);
	return r;
}

/* A film that was found before, by us or by whoever sent the file, whose row is to be read. */
static int film_brief(struct step *s, size_t i, struct import_film **film)
{
	struct import_film found = **film;
	int r = import_film_brief(s->u, s->pace, found.movie_id, s->arena, &found.brief);

	if (r == -ENOENT) {
		found = (struct import_film){ .reason = STR(IMPORT_NOT_FOUND) };
		r = 0;
	}
	if (r == 0)
		*film = film_kept(s->job, s->keys[i], &found, &r);
	return r;
}

static int item_find(struct step *s, size_t i)
{
	struct import_film *film;
	int r = import_film_key(s->items[i].row, s->arena, &s->keys[i]);

	if (r < 0)
		return r;
	film = map_get(s->job->films, s->keys[i]);
	if (!film)
		r = film_find(s, i, &film);
	if (r == 0 && film->movie_id > 0 && film->brief.id == 0)
		r = film_brief(s, i, &film);
	if (r < 0)
		return r;
	s->items[i].film = film->brief;
	s->reasons[i] = film->reason;
	return 0;
}

/* ---- one step ---- */

static struct store_value int_or_null(int64_t value)
{
	return value > 0 ? STORE_I(value) : STORE_N;
}

int import_report_add(struct store_tx *tx, struct str import_id, int64_t row_no, const struct import_row *row,
                      struct str reason, struct str film_key, struct arena *a)
{
	return store_tx_query(tx, sql_import_report_put,
	                      STORE_ARGS(STORE_S(import_id), STORE_I(row_no), STORE_S(reason), STORE_N,
	                                 STORE_S(row->file), STORE_I(row->line), STORE_S(film_key),
	                                 STORE_S(str_from(import_collection_name(row->collection))),
	                                 STORE_S(row->list_name), int_or_null(row->movie_id), STORE_S(row->imdb_id),
	                                 STORE_S(row->title), int_or_null(row->year), int_or_null(row->rating),
	                                 STORE_S(row->watched_on), STORE_S(row->note), int_or_null(row->added_at_ms)),
	                      a, NULL);
}

static int report(struct step *s, struct store_tx *tx)
{
	int r = 0;

	for (size_t i = 0; i < s->n && r == 0; i++) {
		const struct import_item *item = &s->items[i];
		int64_t row_no = s->state->position + (int64_t)i + 1;

		if (item->outcome == IMPORT_UNMATCHED)
			r = import_report_add(tx, str_from(s->job->id), row_no, item->row, s->reasons[i], s->keys[i],
			                      s->arena);
		else if (item->outcome == IMPORT_REFUSED)
			r = import_report_add(tx, str_from(s->job->id), row_no, item->row, STR("library-full"),
			                      s->keys[i], s->arena);
	}
	return r;
}

static bool is_last(const struct step *s)
{
	return s->state->position + (int64_t)s->n >= (int64_t)s->job->file.n_rows;
}

static int advance(struct step *s, struct store_tx *tx)
{
	int64_t counts[IMPORT_OUTCOMES] = { 0 }, now_ms = clock_real_ms();
	const char *state = !is_last(s) ? "running" : s->state->is_dry_run ? "ready" : "done";
	int r;

	for (size_t i = 0; i < s->n; i++)
		counts[s->items[i].outcome]++;
	r = store_tx_query(tx, sql_import_advance,
	                   STORE_ARGS(STORE_S(str_from(s->job->id)), STORE_I(s->state->position + (int64_t)s->n),
	                              STORE_S(str_from(state)), is_last(s) ? STORE_I(now_ms) : STORE_N,
	                              STORE_I(counts[IMPORT_ADDED]), STORE_I(counts[IMPORT_CHANGED]),
	                              STORE_I(counts[IMPORT_UNCHANGED]), STORE_I(counts[IMPORT_UNMATCHED]),
	                              STORE_I(counts[IMPORT_REFUSED])),
	                   s->arena, NULL);
	if (r == 0 && is_last(s) && !s->state->is_dry_run)
		r = store_tx_query(tx, sql_import_file_drop, STORE_ARGS(STORE_S(str_from(s->job->id))), s->arena, NULL);
	return r;
}

static int hold(struct step *s, struct store_tx *tx)
{
	struct store_rows rows;
	int r = store_tx_query(tx, sql_import_hold,
	                       STORE_ARGS(STORE_S(str_from(s->job->id)), STORE_I(s->state->position),
	                                  STORE_I(clock_real_ms()), STORE_B(s->state->is_dry_run)),
	                       s->arena, &rows);

	return r == 0 && rows.n == 0 ? -ESTALE : r;
}

static int put(struct step *s, struct store_tx *tx)
{
	struct import_lists lists = { s->job->file.lists, s->job->file.n_lists };
	int r = s->n > 0 ? import_apply(tx, s->state->user_id, s->state->replaces, &lists, s->items, s->n, s->arena)
	                 : 0;

	if (r == 0 && is_last(s) && !s->state->is_dry_run)
		r = import_lists_make(tx, s->state->user_id, &lists, s->arena);
	return r;
}

/* What would come of it: done, looked at, and undone. */
static int try_out(struct step *s)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	int r = store_begin(s->u->store, &tx);

	return r < 0 ? r : put(s, tx);
}

static int commit_step(struct step *s)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	int r = store_begin(s->u->store, &tx);

	if (r == 0)
		r = hold(s, tx);
	if (r == 0 && !s->state->is_dry_run)
		r = put(s, tx);
	if (r == 0)
		r = report(s, tx);
	if (r == 0)
		r = advance(s, tx);
	return r < 0 ? r : store_commit(&tx);
}

static int step_alloc(struct step *s)
{
	size_t left = s->job->file.n_rows - (size_t)s->state->position;

	s->n = MIN(left, (size_t)IMPORT_STEP_ROWS);
	s->items = arena_array(s->arena, IMPORT_STEP_ROWS, sizeof(*s->items));
	s->keys = arena_array(s->arena, IMPORT_STEP_ROWS, sizeof(*s->keys));
	s->reasons = arena_array(s->arena, IMPORT_STEP_ROWS, sizeof(*s->reasons));
	if (!s->items || !s->keys || !s->reasons)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++)
		s->items[i] = (struct import_item){ .row = &s->job->file.rows[(size_t)s->state->position + i] };
	return 0;
}

int import_job_step(struct user_state *u, struct import_job *j, const struct import_state *state,
                    struct import_pace *pace)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct step s = { .u = u, .job = j, .state = state, .pace = pace };
	int r = arena_new(STEP_ARENA_MAX, &a);

	assert(j->magic == JOB_MAGIC);
	/* Another program's rows: what was counted so far is of no use. */
	if (r == 0 && state->rows_total != (int64_t)j->file.n_rows)
		return -EPROTO;
	s.arena = a;
	if (r == 0)
		r = step_alloc(&s);
	for (size_t i = 0; i < s.n && r == 0; i++)
		r = item_find(&s, i);
	if (r == 0 && state->is_dry_run)
		r = try_out(&s);
	if (r == 0)
		r = commit_step(&s);
	return r < 0 ? r : !is_last(&s);
}
