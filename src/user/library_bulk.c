/* POST /users/me/library/bulk: up to 500 changes in one call, each with its own result. What the movie service has to
 * be asked is asked by a few fibers at once; the changes then go in order, a transaction for every CHUNK of them, or
 * one for all under an Idempotency-Key, since then the answer is part of it. */
#include "base/clock.h"
#include "fiber/fiber.h"
#include "user/library_keeper.h"
#include "user/library_web.h"
#include "user/movies.h"
#include "user/statements.h"

#include <errno.h>
#include <stdlib.h>

enum { ASKERS = 8, CHUNK = 100, ASKER_ARENA_MAX = 1 << 20 };

/* Columns of films_find. */
enum { FILM_TITLE, FILM_YEAR, FILM_POSTER, FILM_ID };

struct film {
	int64_t movie_id;
	struct movie_brief brief;
	bool is_kept; /* the films table has it so */
	int error;    /* 0; -ENOENT, -EHOSTDOWN …; 1: to be asked */
};

struct bulk {
	struct request *req;
	struct bulk_request in;
	size_t n;
	struct library_change *changes;
	struct bulk_result *results;
	char (*ids)[UUID_SIZE]; /* of new watches */
	struct film *films;     /* sorted by id, each once */
	size_t n_films;
	size_t next; /* film for the next asker */
	int64_t deadline_ms;
	int64_t version;
	bool has_pending;
};

/* ---- films ---- */

static int by_id(const void *a, const void *b)
{
	int64_t left = ((const struct film *)a)->movie_id, right = ((const struct film *)b)->movie_id;

	return (left > right) - (left < right);
}

static int films_collect(struct bulk *b)
{
	size_t n = 0;

	b->films = arena_array(request_arena(b->req), b->n, sizeof(*b->films));
	if (!b->films)
		return -ENOMEM;
	for (size_t i = 0; i < b->n; i++)
		if (b->changes[i].action == LIBRARY_PUT)
			b->films[n++] = (struct film){ .movie_id = b->changes[i].movie_id, .error = 1 };
	qsort(b->films, n, sizeof(*b->films), by_id);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || b->films[i].movie_id != b->films[i - 1].movie_id)
			b->films[b->n_films++] = b->films[i];
	return 0;
}

static struct film *film_of(const struct bulk *b, int64_t movie_id)
{
	struct film key = { .movie_id = movie_id };

	return bsearch(&key, b->films, b->n_films, sizeof(key), by_id);
}

static void film_known(struct bulk *b, const struct store_rows *rows, size_t row)
{
	struct film *f = film_of(b, store_int(rows, row, FILM_ID));

	f->error = 0;
	f->is_kept = true;
	f->brief = (struct movie_brief){
		.id = f->movie_id,
		.title = store_text(rows, row, FILM_TITLE),
		.year = { !store_is_null(rows, row, FILM_YEAR), store_int(rows, row, FILM_YEAR) },
		.poster_path = store_text(rows, row, FILM_POSTER),
	};
}

/* What the movie service said lately. */
static int films_known(struct bulk *b)
{
	int64_t oldest_ms = clock_real_ms() - user_state()->config->snapshot_age_days * CLOCK_DAY_MS;
	struct buf ids CLEANUP(buf_done);
	struct store_rows rows;
	int r;

	buf_init(&ids, 65536);
	if (b->n_films == 0)
		return 0;
	for (size_t i = 0; i < b->n_films; i++)
		buf_addf(&ids, "%010lld", (long long)b->films[i].movie_id);
	r = buf_error(&ids);
	if (r == 0)
		r = store_read(user_state()->store, sql_films_find,
		               STORE_ARGS(STORE_S(buf_str(&ids)), STORE_I(oldest_ms)), request_arena(b->req), &rows);
	if (r < 0)
		return user_store_failed(b->req, r, "look for films");
	for (size_t i = 0; i < rows.n; i++)
		film_known(b, &rows, i);
	return 0;
}

/* The answer lies in the asker's arena, which does not live as long. */
static int brief_keep(struct arena *a, const struct movie_brief *brief, struct movie_brief *ret)
{
	struct movie_brief kept = *brief;
	int r = arena_copy(a, brief->title, &kept.title);

	if (r == 0)
		r = arena_copy(a, brief->poster_path, &kept.poster_path);
	if (r == 0)
		*ret = kept;
	return r;
}

static void ask(struct bulk *b, struct film *f)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct movie_brief brief;
	int r = arena_new(ASKER_ARENA_MAX, &a);

	if (r == 0)
		r = movies_ask(user_state(), f->movie_id, a, &brief, NULL);
	if (r == 0)
		r = brief_keep(request_arena(b->req), &brief, &f->brief);
	f->error = r;
}

static void asker(void *arg)
{
	struct bulk *b = arg;

	fiber_deadline_set(b->deadline_ms);
	while (b->next < b->n_films) {
		struct film *f = &b->films[b->next++];

		if (f->error == 1)
			ask(b, f);
	}
}

/* Shielded: the askers use what is ours, and end by the request's deadline. */
static int films_ask(struct bulk *b)
{
	struct fiber *askers[ASKERS] = { NULL };
	size_t unknown = 0;
	int r = 0;

	b->deadline_ms = fiber_deadline();
	for (size_t i = 0; i < b->n_films; i++)
		unknown += b->films[i].error == 1;
	for (size_t i = 0; i < MIN(unknown, (size_t)ASKERS) && r == 0; i++)
		r = fiber_spawn("bulk-asker", asker, b, &askers[i]);
	fiber_shield();
	for (size_t i = 0; i < ASKERS && askers[i]; i++) {
		(void)!fiber_join(askers[i]);
		fiber_unref(&askers[i]);
	}
	fiber_unshield();
	return r;
}

/* ---- changes ---- */

static void result_set(struct bulk *b, size_t i, int status, const struct problem *p)
{
	b->results[i].status = p ? p->status : status;
	b->results[i].code = p ? str_from(p->code) : STR_NULL;
}

static void change_make(struct bulk *b, size_t i, const struct bulk_operation *op)
{
	struct library_change c = {
		.action = str_equal(op->op, STR("put")) ? LIBRARY_PUT : LIBRARY_REMOVE,
		.collection = library_collection_from(op->collection),
		.list_id = op->list_id,
		.movie_id = op->movie_id,
		.rating = op->rating.is_set ? library_rating_halves(op->rating.value) : 0,
	};

	if (c.collection == LIBRARY_WATCHED) {
		c.item_id = op->id;
		c.watched_on = op->watched_on;
		if (!op->id.data) {
			uuid_v7(b->ids[i]);
			c.item_id = str_from(b->ids[i]);
		}
	}
	if (c.collection == LIBRARY_WATCHED || c.collection == LIBRARY_LIST)
		c.note = op->note;
	if (c.collection != LIBRARY_RATINGS)
		c.rating = 0;
	b->changes[i] = c;
	b->results[i] = (struct bulk_result){ .movie_id = op->movie_id, .id = c.item_id };
}

static int changes_make(struct bulk *b)
{
	struct arena *a = request_arena(b->req);
	const struct bulk_operation *operations = b->in.operations.items;

	b->n = b->in.operations.n;
	b->changes = arena_array(a, b->n, sizeof(*b->changes));
	b->results = arena_array(a, b->n, sizeof(*b->results));
	b->ids = arena_array(a, b->n, sizeof(*b->ids));
	if (!b->changes || !b->results || !b->ids)
		return -ENOMEM;
	for (size_t i = 0; i < b->n; i++)
		change_make(b, i, &operations[i]);
	return 0;
}

/* Whether the change can be made; else its result says why not. */
static bool has_film(struct bulk *b, size_t i, bool wants_async)
{
	struct library_change *c = &b->changes[i];
	const struct film *f;

	if (c->action == LIBRARY_REMOVE)
		return true;
	f = film_of(b, c->movie_id);
	if (f->error == 0) {
		c->film = &f->brief;
		c->is_film_kept = f->is_kept;
		return true;
	}
	if (f->error != -ENOENT && wants_async)
		return true;
	result_set(b, i, 0, f->error == -ENOENT ? &problem_movie_not_found : &problem_movie_service_unavailable);
	return false;
}

/* A watch's id is one film's: an operation on another's would break the key and all that are done with it. */
static int watch_fits(struct bulk *b, size_t i, bool *ret)
{
	struct library_change *c = &b->changes[i];
	struct store_rows rows;
	int r;

	*ret = true;
	if (c->collection != LIBRARY_WATCHED || c->item_id.data == b->ids[i])
		return 0;
	for (size_t j = 0; j < i; j++)
		if (str_equal(b->changes[j].item_id, c->item_id) && b->changes[j].movie_id != c->movie_id)
			*ret = false;
	r = store_read(user_state()->store, sql_library_watch,
	               STORE_ARGS(STORE_S(request_user(b->req)->id), STORE_S(c->item_id)), request_arena(b->req),
	               &rows);
	if (r < 0)
		return user_store_failed(b->req, r, "look for a watch");
	if (rows.n > 0 && store_int(&rows, 0, ENTRY_MOVIE_ID) != c->movie_id)
		*ret = false;
	if (!*ret)
		result_set(b, i, 0, &problem_watch_of_another_film);
	return 0;
}

static void outcome_tell(struct bulk *b, size_t i, const struct library_change *c)
{
	switch (c->outcome) {
	case LIBRARY_FULL:
		result_set(b, i, 0, &problem_library_full);
		return;
	case LIBRARY_NO_LIST:
		result_set(b, i, 0, &problem_list_not_found);
		return;
	default:
		result_set(b, i, c->action == LIBRARY_REMOVE ? 204 : library_status(c), NULL);
		b->version = MAX(b->version, c->version);
		b->has_pending |= c->is_pending;
	}
}

/* Changes [from, to) that can be made, in one transaction. */
static int chunk_apply(struct bulk *b, struct store_tx *tx, const size_t *todo, size_t n)
{
	struct library_change *chunk = arena_array(request_arena(b->req), n, sizeof(*chunk));
	int r;

	if (!chunk)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		chunk[i] = b->changes[todo[i]];
	r = library_apply(tx, request_user(b->req)->id, chunk, n, request_arena(b->req));
	for (size_t i = 0; i < n && r == 0; i++)
		outcome_tell(b, todo[i], &chunk[i]);
	return r;
}

/* Which of them can be made at all. */
static int todo_make(struct bulk *b, size_t **ret, size_t *ret_n)
{
	size_t *todo = arena_array(request_arena(b->req), b->n, sizeof(*todo));
	bool wants_async = library_wants_async(b->req), fits;
	size_t n = 0;
	int r = 0;

	if (!todo)
		return -ENOMEM;
	for (size_t i = 0; i < b->n; i++) {
		r = watch_fits(b, i, &fits);
		if (r < 0)
			return r;
		if (fits && has_film(b, i, wants_async))
			todo[n++] = i;
	}
	*ret = todo;
	*ret_n = n;
	return 0;
}

static int apply_in_chunks(struct bulk *b, const size_t *todo, size_t n)
{
	for (size_t done = 0; done < n; done += CHUNK) {
		size_t size = MIN((size_t)CHUNK, n - done);
		int r = chunk_apply(b, NULL, todo + done, size);

		if (r == -ENOKEY || (r < 0 && done == 0))
			return library_failed(b->req, r, "change the library");
		if (r == 0)
			continue;
		/* What is committed is told; the rest may be sent again. */
		log_error("database", LOG_STR("doing", "change the library"), LOG_ERR(r),
		          LOG_STR("detail", store_error(user_state()->store)));
		for (size_t i = done; i < n; i++)
			result_set(b, todo[i], 0, &problem_unavailable);
		return 0;
	}
	return 0;
}

static int apply_at_once(struct bulk *b, struct idempotency *key, const size_t *todo, size_t n, struct bulk_reply *out)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	int r = store_begin(user_state()->store, &tx);

	if (r == 0 && n > 0)
		r = chunk_apply(b, tx, todo, n);
	out->version = b->version;
	if (r == 0)
		r = idempotency_finish(key, tx, 200, STR_NULL, &bulk_reply_schema, out);
	if (r == 0)
		r = store_commit(&tx);
	if (r < 0)
		return library_failed(b->req, r, "change the library");
	idempotency_kept(key);
	return 0;
}

static int apply(struct bulk *b, struct idempotency *key, struct bulk_reply *out)
{
	size_t *todo;
	size_t n;
	int r = todo_make(b, &todo, &n);

	if (r < 0)
		return r;
	out->results = (struct schema_array){ b->n, b->results };
	if (idempotency_is_on(key))
		return apply_at_once(b, key, todo, n, out);
	r = apply_in_chunks(b, todo, n);
	out->version = b->version;
	return r;
}

static int bulk(struct request *req, struct idempotency *key)
{
	struct bulk b = { .req = req };
	struct bulk_reply out = { 0 };
	int r = request_parse(req, NULL, NULL, &b.in);

	if (r == 0)
		r = library_may_write(req);
	if (r == 0)
		r = idempotency_begin(req, key);
	if (r != 0)
		return r < 0 ? r : 0;
	r = changes_make(&b);
	if (r == 0)
		r = films_collect(&b);
	if (r == 0)
		r = films_known(&b);
	if (r == 0)
		r = films_ask(&b);
	if (r == 0)
		r = apply(&b, key, &out);
	if (r < 0)
		return r;
	if (b.has_pending)
		library_keeper_kick(user_state()->library_keeper);
	return respond(req, 200, &bulk_reply_schema, &out);
}

static int library_bulk(struct request *req)
{
	struct idempotency key CLEANUP(idempotency_release) = { 0 };

	return bulk(req, &key);
}

const struct route library_bulk_routes[] = {
	{ .method = HTTP_POST,
	  .path = "/api/v1/users/me/library/bulk",
	  .handler = library_bulk,
	  .headers = &post_headers_schema,
	  .tag = "library",
	  .auth = HTTP_AUTH_USER,
	  .body = &bulk_request_schema,
	  .reply = { 200, &bulk_reply_schema, NULL, "What came of each; some may have failed." },
	  .errors = { 401, 409, 429, 503 },
	  .summary = "Many changes at once",
	  .doc = "Up to 500 operations, done in their order, each with a status and a problem code of its own. Films "
	         "that "
	         "are known are not asked about again. With an Idempotency-Key all that can be done is done in one "
	         "transaction, once." },
	{ 0 },
};
