/* Whatever JSON TMDB sends, the answer keeps to its table or is refused: the samples are damaged in their structure
 * (members taken out, renamed, doubled, swapped, values replaced by all sorts) and read as the answer to every kind of
 * question. TEST_SEED repeats a run, TEST_ROUNDS makes it longer. */
#include "base/test_rounds.h"
#include "movie/test_tmdb_support.h"
#include "movie/tmdb_read.h"
#include "schema/sample.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 600
#define ROUNDS_LONG 50000
#define FAULTS_MAX 12
#define LONG_LIST 250
#define LONG_TEXT 2100 /* characters */

static uint64_t seed;

/* What is put where it does not belong; strange_value() makes two more. */
static const char *const strange[] = {
	"null",
	"true",
	"false",
	"0",
	"-1",
	"1",
	"0.5",
	"7.0",
	"1e300",
	"-1e-300",
	"9223372036854775807",
	"2147483648",
	"\"\"",
	"\" \"",
	"\"x\"",
	"\"NaN\"",
	"\"1999-02-30\"",
	"\"0000-00-00\"",
	"\"0001-01-01\"",
	"\"9999-12-31\"",
	"\"US\"",
	"\"us\"",
	"\"/a/../b.jpg\"",
	"\"/\"",
	"\"/\\u00e9.jpg\"",
	"\"/\\\"<>.jpg\"",
	"\"a\\u0000b\"",
	"\"\\r\\n\"",
	"\"\\u0085\\u007f\\ufeff\"",
	"\"\\ud83d\\udea2\"",
	"\"Director\"",
	"\"YouTube\"",
	"\"http://[\"",
	"\"https://x.example/\"",
	"\"2010-05-10T16:00:00.000Z\"",
	"\"2010-05-10 16:00:00 UTC\"",
	"[]",
	"{}",
	"[[]]",
	"[null]",
	"[{}]",
	"{\"results\":[]}",
	"{\"results\":{\"US\":{\"buy\":[7]}}}",
	"{\"id\":1,\"name\":\"n\",\"title\":\"t\"}",
};

static json_t *long_text(void)
{
	struct buf text CLEANUP(buf_done);

	buf_init(&text, SIZE_MAX);
	for (size_t i = 0; i < LONG_TEXT; i++)
		buf_adds(&text, "\u6e2f");
	return json_string(buf_str(&text).data);
}

/* Of items that many lists take. */
static json_t *long_list(struct sample_random *random)
{
	size_t n = 1 + sample_below(random, LONG_LIST);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list,
		                      json_pack("{s:i,s:s,s:s,s:s,s:s,s:s}", "id", (int)i + 1, "title", "T", "name",
		                                "N", "key", "K", "file_path", "/f.jpg", "iso_639_1", "en"));
	return list;
}

static json_t *strange_value(struct sample_random *random)
{
	size_t i = sample_below(random, ARRAY_SIZE(strange) + 2);

	if (i < ARRAY_SIZE(strange))
		return json_loads(strange[i], JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	return i == ARRAY_SIZE(strange) ? long_text() : long_list(random);
}

/* A place in a tree: a member of an object or an item of an array. */
struct place {
	json_t *in;
	const char *key; /* NULL: by index */
	size_t index;
};

/* The n-th value below `at`, counted through the whole tree; false: there are not so many. */
static bool place_find(json_t *at, size_t *n, struct place *ret)
{
	const char *key;
	size_t index;
	json_t *value;

	json_object_foreach(at, key, value)
	{
		*ret = (struct place){ at, key, 0 };
		if ((*n)-- == 0)
			return true;
		if (place_find(value, n, ret))
			return true;
	}
	json_array_foreach(at, index, value)
	{
		*ret = (struct place){ at, NULL, index };
		if ((*n)-- == 0)
			return true;
		if (place_find(value, n, ret))
			return true;
	}
	return false;
}

static size_t count_values(json_t *at)
{
	size_t left = SIZE_MAX;
	struct place place;

	(void)place_find(at, &left, &place);
	return SIZE_MAX - left;
}

static void put(const struct place *place, json_t *value)
{
	if (place->key)
		json_object_set_new(place->in, place->key, value);
	else
		json_array_set_new(place->in, place->index, value);
}

static json_t *get(const struct place *place)
{
	return place->key ? json_object_get(place->in, place->key) : json_array_get(place->in, place->index);
}

static void take_out(const struct place *place)
{
	if (place->key)
		json_object_del(place->in, place->key);
	else
		json_array_remove(place->in, place->index);
}

/* The name goes to a neighbour's value. */
static void rename_member(const struct place *place, json_t *copy)
{
	const char *name = json_object_iter_key(json_object_iter(place->in));

	if (place->key)
		json_object_set_new(place->in, name, copy);
	else
		json_array_insert_new(place->in, 0, copy);
}

static bool pick(struct sample_random *random, json_t *root, struct place *ret)
{
	size_t n = count_values(root), wanted;

	if (n == 0)
		return false;
	wanted = sample_below(random, n);
	return place_find(root, &wanted, ret);
}

static void damage(struct sample_random *random, json_t *root)
{
	struct place place, other;

	if (!pick(random, root, &place) || !pick(random, root, &other))
		return;
	switch (sample_below(random, 6)) {
	case 0:
		take_out(&place);
		break;
	case 1:
		rename_member(&place, json_deep_copy(get(&place)));
		break;
	case 2:
		put(&place, json_deep_copy(get(&other)));
		break;
	default:
		put(&place, strange_value(random));
		break;
	}
}

/* A sample with one to some faults, as text. */
static char *damaged(struct sample_random *random)
{
	const struct embedded_file *sample = &tmdb_samples[sample_below(random, tmdb_samples_n)];
	json_auto_t *root = json_loadb(sample->data.data, sample->data.len, 0, NULL);
	char *text;

	assert_non_null(root);
	for (size_t n = 1 + sample_below(random, FAULTS_MAX); n > 0; n--)
		damage(random, root);
	text = json_dumps(root, JSON_COMPACT);
	assert_non_null(text);
	return text;
}

static struct question question_of(struct sample_random *random, enum question_kind kind)
{
	static const char *const regions[] = { NULL, "US", "DE", "FR" };
	struct str region = str_from(regions[sample_below(random, ARRAY_SIZE(regions))]);
	struct question q = { .kind = kind, .path = { TESTING_FILM } };

	if (kind == QUESTION_SEARCH)
		q.of.search.page = 1 + (int64_t)sample_below(random, CATALOGUE_PAGE_MAX);
	else if (kind == QUESTION_DISCOVER)
		q.of.discover.page = 1;
	else if (kind == QUESTION_TRENDING)
		q.of.trending.page = CATALOGUE_PAGE_MAX;
	else if (kind == QUESTION_DETAILS)
		q.of.details = (struct question_details){ testing_all_includes(), STR_NULL, region };
	else if (kind == QUESTION_WATCH_PROVIDERS)
		q.of.place.region = region;
	else
		q.of.list.page = 3;
	return q;
}

/* Reads it; what is taken keeps to its table. */
static bool is_taken(const struct question *q, struct str body, struct arena *a)
{
	const struct tmdb_reading reading = { q, STR(TESTING_IMAGES), a };
	void *answer = arena_alloc(a, question_type(q->kind)->reply->size);
	int r;

	assert_non_null(answer);
	r = tmdb_read(&reading, body, answer);
	if (r == 0)
		testing_keeps_to(question_type(q->kind)->reply, answer, a);
	else
		assert_int_equal(r, -EBADMSG);
	return r == 0;
}

static void test_every_answer_keeps_to_its_table(void **state)
{
	int64_t rounds = test_rounds(ROUNDS, ROUNDS_LONG), n_taken[QUESTION_KINDS] = { 0 };
	struct arena *a CLEANUP(arena_free) = testing_arena();

	(void)state;
	for (int64_t i = 0; i < rounds; i++) {
		struct sample_random random = { seed + (uint64_t)i };
		char *text = damaged(&random);

		for (int kind = 0; kind < QUESTION_KINDS; kind++) {
			struct question q = question_of(&random, (enum question_kind)kind);

			arena_reset(a);
			n_taken[kind] += is_taken(&q, str_from(text), a);
		}
		free(text);
	}
	/* it is no proof if nothing is ever taken */
	for (int kind = 0; kind < QUESTION_KINDS && rounds >= ROUNDS; kind++)
		if (n_taken[kind] < rounds / 100)
			fail_msg("only %" PRId64 " of %" PRId64 " answers of kind %s were taken", n_taken[kind], rounds,
			         question_type((enum question_kind)kind)->name);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_answer_keeps_to_its_table) };
	const char *given = getenv("TEST_SEED");

	seed = given && *given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	printf("TEST_SEED=%" PRIu64 "\n", seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
