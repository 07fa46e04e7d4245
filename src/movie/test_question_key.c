/* Keys: what makes two questions the same, and that nothing else does. */
#include "movie/question_testing.h"

#include "base/utf8.h"
#include "cache/redis.h"
#include "movie/fold.h"
#include "schema/layout.h"

static void test_keys_can_be_read(void **state)
{
	int64_t ids[] = { 28, 12 };
	struct question q = { .kind = QUESTION_DISCOVER,
		              .of.discover = { .genre = { 2, ids }, .sort = STR("title.asc"), .page = 1 } };

	(void)state;
	normalise(&q, false);
	assert_string_equal(key_of(film(QUESTION_BRIEF, 550)).data, "2|brief|550|");
	assert_string_equal(key_of(search("Star  Wars")).data,
	                    "2|search|{\"query\":\"star+wars\",\"page\":1,\"include_adult\":false}");
	assert_non_null(strstr(key_of(q).data, "\"genre\":[12,28]"));
}

static void test_case_and_spaces_make_no_difference(void **state)
{
	(void)state;
	assert_true(same(search("Star  Wars"), search("star wars")));
	assert_true(same(search("STRASSE"), search("straße")));
	assert_true(same(search("e\u0301a\u2003B"), search("\u00c9A b")));
}

static void test_what_changes_the_answer_changes_the_key(void **state)
{
	struct question a = search("star wars"), b = a;

	(void)state;
	assert_false(same(a, search("star war")));
	assert_false(same(a, search("star+wars")));
	assert_false(same(search("amelie"), search("amélie")));
	b.of.search.primary_release_year = (struct schema_int){ true, 1977 };
	assert_false(same(a, b));
	a.of.search.year = b.of.search.primary_release_year;
	assert_false(same(a, b));
	assert_false(same(film(QUESTION_DETAILS, 5), film(QUESTION_BRIEF, 5)));
	assert_false(same(film(QUESTION_DETAILS, 5), film(QUESTION_DETAILS, 6)));
}

static void test_a_query_cannot_forge_a_key(void **state)
{
	struct question a = search("x\",\"page\":2,\"include_adult\":false}"), b = search("x");

	(void)state;
	b.of.search.page = 2;
	assert_false(same(a, b));
	assert_false(same(search("a%20b"), search("a b")));
	assert_false(same(search("a%2Bb"), search("a+b")));
}

static void assert_fit_for_a_key(struct str key)
{
	assert_true(utf8_is_valid(key));
	assert_in_range(key.len, 1, REDIS_KEY_MAX - 64);
	for (size_t i = 0; i < key.len; i++)
		if ((unsigned char)key.data[i] <= ' ' || key.data[i] == 0x7f)
			fail_msg("%s", key.data);
}

static void test_long_keys_are_hashed(void **state)
{
	static char text[CATALOGUE_QUERY_MAX * 4 + 1], other[sizeof(text)];

	(void)state;
	for (size_t i = 0; i < CATALOGUE_QUERY_MAX; i++)
		memcpy(text + i * 4, "\U0001F3A5", 4);
	memcpy(other, text, sizeof(text));
	memcpy(other + sizeof(text) - 5, "\U0001F3A6", 4);
	assert_fit_for_a_key(key_of(search(text)));
	assert_true(str_starts(key_of(search(text)), STR("2|search|{\"query\":\"\U0001F3A5\U0001F3A5")));
	assert_int_equal(key_of(search(text)).data[key_of(search(text)).len - 33], '#');
	assert_true(same(search(text), search(text)));
	assert_false(same(search(text), search(other)));
}

/* Every length around the limit, every place of the cut in a letter: none is cut in two, none is over. */
static void test_keys_around_the_limit(void **state)
{
	static char text[4 + 260 * 4 + 1];
	struct str last = STR("");

	(void)state;
	for (size_t n = 60; n < 260; n++) {
		for (size_t lead = 0; lead < 4; lead++) {
			struct str key;

			memset(text, 'a', lead);
			for (size_t i = 0; i < n; i++)
				memcpy(text + lead + i * 4, "\U0001F3A5", 4);
			text[lead + n * 4] = '\0';
			key = key_of(search(text));
			assert_fit_for_a_key(key);
			assert_false(str_equal(key, last));
			last = key;
		}
	}
}

/* ---- random questions ---- */

static size_t size_of(const struct schema_field *f)
{
	switch (f->type) {
	case SCHEMA_BOOL:
		return field_is_boxed(f) ? sizeof(struct schema_bool) : sizeof(bool);
	case SCHEMA_INT:
		return field_is_boxed(f) ? sizeof(struct schema_int) : sizeof(int64_t);
	case SCHEMA_NUMBER:
		return field_is_boxed(f) ? sizeof(struct schema_number) : sizeof(double);
	case SCHEMA_ARRAY:
		return sizeof(struct schema_array);
	default:
		return sizeof(struct str);
	}
}

/* As q, with one parameter from another one. */
static struct question with_one_other(const struct question *q)
{
	const struct schema *s = question_type(q->kind)->query;
	struct question other = random_question(q->kind), mixed = *q;
	const struct schema_field *f;

	if (!s)
		return other;
	f = &s->fields[sample_below(&dice, s->n_fields)];
	memcpy((char *)&mixed.of + f->offset, (char *)&other.of + f->offset, size_of(f));
	return mixed;
}

static bool mean_the_same(struct question a, struct question b)
{
	const struct schema *s = question_type(a.kind)->query;

	if (a.kind != b.kind || a.path.movie_id != b.path.movie_id)
		return false;
	if (a.kind == QUESTION_SEARCH) {
		assert_int_equal(fold_caseless(a.of.search.query, arena, &a.of.search.query), 0);
		assert_int_equal(fold_caseless(b.of.search.query, arena, &b.of.search.query), 0);
	}
	return !s || sample_equal(s, &a.of, &b.of);
}

static void test_equal_keys_mean_equal_questions(void **state)
{
	long rounds = test_rounds(300, 20000);

	(void)state;
	printf("TEST_SEED=%llu\n", (unsigned long long)dice.state);
	for (long i = 0; i < rounds; i++) {
		for (enum question_kind kind = 0; kind < QUESTION_KINDS; kind++) {
			struct question a = random_question(kind), b = with_one_other(&a);

			assert_fit_for_a_key(key_of(a));
			assert_int_equal(same(a, b), mean_the_same(a, b));
		}
		arena_reset(arena);
	}
}

static void test_no_two_kinds_share_a_key(void **state)
{
	struct question zero = { .path.movie_id = 1 };

	(void)state;
	for (enum question_kind a = 0; a < QUESTION_KINDS; a++) {
		for (enum question_kind b = 0; b < a; b++) {
			struct question x = zero, y = zero;

			x.kind = a;
			y.kind = b;
			x.of.search.query = a == QUESTION_SEARCH ? STR("x") : STR_NULL;
			y.of.search.query = b == QUESTION_SEARCH ? STR("x") : STR_NULL;
			assert_false(same(x, y));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		QUESTION_TEST(test_keys_can_be_read),
		QUESTION_TEST(test_case_and_spaces_make_no_difference),
		QUESTION_TEST(test_what_changes_the_answer_changes_the_key),
		QUESTION_TEST(test_a_query_cannot_forge_a_key),
		QUESTION_TEST(test_long_keys_are_hashed),
		QUESTION_TEST(test_keys_around_the_limit),
		QUESTION_TEST(test_equal_keys_mean_equal_questions),
		QUESTION_TEST(test_no_two_kinds_share_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
