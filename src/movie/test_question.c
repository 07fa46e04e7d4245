/* Questions: their one form, copies that live on, answers as JSON. */
#include "movie/question_testing.h"

#include "movie/builtin.h"

static void test_every_kind_has_its_row(void **state)
{
	(void)state;
	for (enum question_kind kind = 0; kind < QUESTION_KINDS; kind++) {
		const struct question_type *type = question_type(kind);

		assert_non_null(type->name);
		assert_non_null(type->reply);
		assert_in_range(type->life, 0, LIVES - 1);
		if (type->query)
			assert_true(type->query->size <= sizeof(((struct question *)0)->of));
		for (enum question_kind other = 0; other < kind; other++)
			assert_string_not_equal(type->name, question_type(other)->name);
	}
}

/* ---- one form ---- */

static void test_languages_are_canonical_and_have_a_default(void **state)
{
	struct question q = search("x");

	(void)state;
	q.of.search.language = STR("ZH-hant-tw");
	normalise(&q, true);
	assert_true(str_equal(q.of.search.language, STR("zh-Hant-TW")));
	q = film(QUESTION_CREDITS, 1);
	normalise(&q, true);
	assert_true(str_equal(q.of.place.language, STR("pt-BR")));
	q.of.place.language = STR_NULL;
	assert_int_equal(question_normalise(&q, true, STR_NULL, arena), 0);
	assert_true(str_is_null(q.of.place.language));
	q = film(QUESTION_WATCH_PROVIDERS, 1);
	normalise(&q, true);
	assert_true(str_is_null(q.of.place.language));
}

static void test_a_source_without_languages_has_no_use_for_them(void **state)
{
	struct question q = search("x"), list = { .kind = QUESTION_UPCOMING }, details = film(QUESTION_DETAILS, 1);
	struct question providers = film(QUESTION_WATCH_PROVIDERS, 1);

	(void)state;
	q.of.search.language = STR("de");
	q.of.search.region = STR("DE");
	normalise(&q, false);
	assert_true(str_is_null(q.of.search.language) && str_is_null(q.of.search.region));
	list.of.list = (struct question_list){ .page = 1, .language = STR("de"), .region = STR("DE") };
	normalise(&list, false);
	assert_true(str_is_null(list.of.list.language) && str_is_null(list.of.list.region));
	details.of.details = (struct question_details){ .language = STR("de"), .region = STR("DE") };
	normalise(&details, false);
	assert_true(str_is_null(details.of.details.language) && str_equal(details.of.details.region, STR("DE")));
	providers.of.place.region = STR("DE");
	normalise(&providers, false);
	assert_true(str_equal(providers.of.place.region, STR("DE")));
}

static void test_lists_are_sorted_and_single(void **state)
{
	int64_t ids[] = { 878, 35, 878, 28, 35 }, sorted[] = { 28, 35, 878 }, providers[] = { 9, 8, 9 };
	struct str parts[] = { STR("videos"), STR("credits"), STR("videos"), STR("keywords") };
	struct question q = { .kind = QUESTION_DISCOVER,
		              .of.discover = { .genre = { 5, ids }, .watch_provider = { 3, providers } } };
	struct question details = { .kind = QUESTION_DETAILS, .of.details.include = { 4, parts } };

	(void)state;
	normalise(&q, true);
	assert_int_equal(q.of.discover.genre.n, 3);
	assert_memory_equal(q.of.discover.genre.items, sorted, sizeof(sorted));
	assert_int_equal(q.of.discover.watch_provider.n, 2);
	normalise(&details, true);
	assert_int_equal(details.of.details.include.n, 3);
	assert_true(str_equal(parts[0], STR("credits")) && str_equal(parts[2], STR("videos")));
	assert_true(question_has_include(&details, "keywords"));
	assert_false(question_has_include(&details, "images"));
}

static void test_the_united_states_are_the_default(void **state)
{
	struct question a = film(QUESTION_DETAILS, 5), b = a;
	struct question rated = { .kind = QUESTION_DISCOVER, .of.discover.certification = STR("R") };
	struct question unrated = { .kind = QUESTION_DISCOVER };

	(void)state;
	b.of.details.region = STR("US");
	normalise(&a, true);
	normalise(&b, true);
	assert_true(same(a, b));
	normalise(&rated, true);
	assert_true(str_equal(rated.of.discover.certification_country, STR("US")));
	normalise(&unrated, true);
	assert_true(str_is_null(unrated.of.discover.certification_country));
}

/* Normalising twice changes nothing more. */
static void test_one_form_is_one(void **state)
{
	long rounds = test_rounds(100, 5000);

	(void)state;
	printf("TEST_SEED=%llu\n", (unsigned long long)dice.state);
	for (long i = 0; i < rounds; i++) {
		for (enum question_kind kind = 0; kind < QUESTION_KINDS; kind++) {
			struct question q = random_question(kind);
			bool knows_languages = i % 2 == 0;
			struct str key;

			normalise(&q, knows_languages);
			key = key_of(q);
			normalise(&q, knows_languages);
			assert_true(str_equal(key_of(q), key));
		}
		arena_reset(arena);
	}
}

/* ---- copies ---- */

static void assert_copy_stands_alone(enum question_kind kind, struct arena *other)
{
	struct question q = random_question(kind), copy;
	struct str key;

	assert_int_equal(arena_copy(other, key_of(q), &key), 0);
	assert_int_equal(question_copy(&q, other, &copy), 0);
	arena_wipe(arena);
	arena_reset(arena);
	assert_true(str_equal(key_of(copy), key));
}

static void test_a_copy_outlives_its_original(void **state)
{
	struct arena *other = NULL;

	(void)state;
	printf("TEST_SEED=%llu\n", (unsigned long long)dice.state);
	assert_int_equal(arena_new((size_t)1 << 20, &other), 0);
	for (int i = 0; i < 20; i++) {
		for (enum question_kind kind = 0; kind < QUESTION_KINDS; kind++)
			assert_copy_stands_alone(kind, other);
		arena_reset(other);
	}
	arena_free(&other);
}

static void test_a_copy_has_lists_of_its_own(void **state)
{
	int64_t ids[] = { 35 };
	char text[] = "videos";
	struct str parts[] = { { text, 6 } };
	struct question discover = { .kind = QUESTION_DISCOVER, .of.discover.genre = { 1, ids } };
	struct question details = { .kind = QUESTION_DETAILS, .of.details.include = { 1, parts } };

	(void)state;
	assert_int_equal(question_copy(&discover, arena, &discover), 0);
	assert_int_equal(question_copy(&details, arena, &details), 0);
	ids[0] = 1;
	memset(text, 'x', sizeof(text));
	parts[0] = STR_NULL;
	assert_int_equal(*(int64_t *)discover.of.discover.genre.items, 35);
	assert_true(question_has_include(&details, "videos"));
}

static void test_a_copy_needs_room(void **state)
{
	struct arena *small = NULL;
	struct question q = search("a query that has no room"), copy = { .kind = QUESTION_KINDS };

	(void)state;
	assert_int_equal(arena_new(16, &small), 0);
	assert_int_equal(question_copy(&q, small, &copy), -ENOMEM);
	assert_int_equal(copy.kind, QUESTION_KINDS);
	arena_free(&small);
}

/* ---- answers ---- */

static void assert_answered(struct catalogue *c, const struct question *q)
{
	const struct schema *reply = question_type(q->kind)->reply;
	struct catalogue_meta meta = { 0 };
	struct buf out CLEANUP(buf_done);
	struct violations v;
	void *value = arena_alloc(arena, reply->size);

	buf_init(&out, 1 << 20);
	violations_init(&v, arena);
	assert_non_null(value);
	assert_int_equal(question_ask(q, c, arena, &meta, &out), 0);
	if (schema_parse(reply, buf_str(&out), arena, value, &v) < 0)
		fail_msg("%s: %.*s", question_type(q->kind)->name, STR_ARGS(v.items[0].msg));
	if (q->kind != QUESTION_BRIEF)
		assert_non_null(strstr(out.data, "\"source\":\"builtin\""));
}

/* With the parameters that a bare request has. */
static struct question bare_question(enum question_kind kind)
{
	const struct schema_pair needed[] = { { STR("query"), STR("amelie") }, { STR("imdb_id"), STR("tt0211915") } };
	struct question q = film(kind, question_type(kind)->has_path ? 1000000199 : 0);
	const struct schema_pair *pairs = kind == QUESTION_SEARCH ? &needed[0] : &needed[1];
	size_t n = kind == QUESTION_SEARCH || kind == QUESTION_FIND;
	struct violations v;

	violations_init(&v, arena);
	if (question_type(kind)->query)
		assert_int_equal(schema_parse_pairs(question_type(kind)->query, "query", pairs, n, arena, &q.of, &v),
		                 0);
	normalise(&q, false);
	return q;
}

static void test_the_built_in_catalogue_answers_every_kind(void **state)
{
	struct catalogue *c CLEANUP(catalogue_free) = NULL;

	(void)state;
	assert_int_equal(builtin_new(&c), 0);
	for (enum question_kind kind = 0; kind < QUESTION_KINDS; kind++) {
		struct question q = bare_question(kind);

		assert_answered(c, &q);
	}
}

static void test_a_brief_is_brief(void **state)
{
	struct catalogue *c CLEANUP(catalogue_free) = NULL;
	struct question q = film(QUESTION_BRIEF, 1000000199);
	struct catalogue_meta meta = { 0 };
	struct buf out CLEANUP(buf_done);

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(builtin_new(&c), 0);
	assert_int_equal(question_ask(&q, c, arena, &meta, &out), 0);
	assert_string_equal(out.data, "{\"id\":1000000199,\"title\":\"Amélie\",\"year\":2001,\"poster_path\":null}");
	q.path.movie_id = 550;
	assert_int_equal(question_ask(&q, c, arena, &meta, &out), -ENOENT);
}

static int ask_unchanged(struct catalogue *c, const struct question *q, struct arena *a, void *ret,
                         struct catalogue_meta *meta)
{
	(void)c;
	(void)q;
	(void)a;
	(void)ret;
	assert_true(str_equal(meta->validator, STR("\"v1\"")));
	meta->is_unchanged = true;
	return 0;
}

static void test_an_unchanged_answer_adds_nothing(void **state)
{
	struct catalogue c = { .name = "tmdb", .ask = ask_unchanged };

	(void)state;
	for (enum question_kind kind = 0; kind < QUESTION_KINDS; kind++) {
		struct catalogue_meta meta = { .validator = STR("\"v1\"") };
		struct question q = { .kind = kind };
		struct buf out CLEANUP(buf_done);

		buf_init(&out, 1000);
		assert_int_equal(question_ask(&q, &c, arena, &meta, &out), 0);
		assert_int_equal(out.len, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		QUESTION_TEST(test_every_kind_has_its_row),
		QUESTION_TEST(test_languages_are_canonical_and_have_a_default),
		QUESTION_TEST(test_a_source_without_languages_has_no_use_for_them),
		QUESTION_TEST(test_lists_are_sorted_and_single),
		QUESTION_TEST(test_the_united_states_are_the_default),
		QUESTION_TEST(test_one_form_is_one),
		QUESTION_TEST(test_a_copy_outlives_its_original),
		QUESTION_TEST(test_a_copy_has_lists_of_its_own),
		QUESTION_TEST(test_a_copy_needs_room),
		QUESTION_TEST(test_the_built_in_catalogue_answers_every_kind),
		QUESTION_TEST(test_a_brief_is_brief),
		QUESTION_TEST(test_an_unchanged_answer_adds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
