/* What the tests of answers share: a server that only remembers, a source that counts, waits or is away, an index of
 * films seen that has one answer, and a loop with a fiber for each request. */
#ifndef CINESYNC_MOVIE_TEST_SUPPORT_H
#define CINESYNC_MOVIE_TEST_SUPPORT_H

#include "movie/movie.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct request {
	const struct route *route;
	struct arena *arena;
	struct schema_pair query[4];
	size_t n_query;
	struct str id;
	const char *accept_language;
	struct reply *reply;
	const struct schema *schema; /* of an answer that is not shared */
	const struct problem *problem;
	int64_t retry_after_s;
	char cache[40]; /* X-Cache */
	char age[12];
	char vary[40];
	bool degraded;
	bool no_store; /* a Cache-Control that goes before the reply's */
	int64_t took_ms;
	int result;
};

struct seen {
	size_t searches;
	size_t briefs;
};

struct source {
	struct catalogue catalogue;
	size_t asked;
	int error;
	int64_t delay_ms;
	int64_t retry_ms;
	char language[36]; /* of the last question */
};

extern struct seen films_seen;
extern struct source source;
extern struct movie_state movies;
extern struct movie_config config;

/* Around each test. */
int service_before(void **state);
int service_after(void **state);
/* As with TMDB: away from here, and in many languages. */
void source_is_remote(void);

struct request request_new(const char *path);
void request_done(struct request *req);
void with(struct request *req, const char *name, const char *value);
void start(struct request *req);
/* Starts it, and runs the loop until nothing is left to do. */
void run(struct request *req);
void run_all(void);
struct request searched(const char *query);
struct request film(const char *path, const char *id);

bool says(const struct request *req, const char *part);
bool is_hit(const struct request *req);
bool is_miss(const struct request *req);

#define ANSWER_TEST(f) cmocka_unit_test_setup_teardown(f, service_before, service_after)

#endif
