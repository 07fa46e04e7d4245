/* What a search finds, what it is asked in, and what the answer looks like. */
#include "trace/test_support.h"

#include "trace/messages.h"
#include "trace/query.h"
#include "trace/trace.h"

#include <errno.h>

static struct store *filled(void)
{
	static const struct trace_attribute route = { .key = { "http.route", 10 },
		                                      .kind = TRACE_TEXT,
		                                      .text = { "/api/v1/users/me", 16 } };
	static const struct trace_attribute status = { .key = { "http.response.status_code", 25 },
		                                       .kind = TRACE_INT,
		                                       .value = { .integer = 404 } };
	struct store *s = store_make(100, (size_t)16 << 20);
	struct trace_span span = span_of(1, 1, 0);

	store_take(s, &span);
	span = span_of(2, 1, 0);
	span.start_ns = NOON + 1000 * MS;
	span.end_ns = NOON + 1250 * MS;
	span.name = STR("GET /api/v1/users/me");
	span.process = process_of("cinesync-user");
	span.attributes = &route;
	span.n_attributes = 1;
	store_take(s, &span);
	span = span_of(2, 2, 1);
	span.start_ns = NOON + 1100 * MS;
	span.end_ns = NOON + 1110 * MS;
	span.attributes = &status;
	span.n_attributes = 1;
	span.status = TRACE_STATUS_ERROR;
	store_take(s, &span);
	return s;
}

/* Which of the two traces are found: 1, 2, both 21 (the latest first), none 0. */
static int found(struct query q)
{
	struct store *s CLEANUP(store_free) = filled();
	struct arena *a CLEANUP(arena_free) = NULL;
	const struct trace **list;
	size_t n;
	int is = 0;

	assert_int_equal(arena_new(1 << 20, &a), 0);
	q.max_ns = q.max_ns ? q.max_ns : INT64_MAX;
	q.end_ns = q.end_ns ? q.end_ns : INT64_MAX;
	assert_int_equal(query_run(&q, s, a, &list, &n), 0);
	for (size_t i = 0; i < n; i++)
		is = is * 10 + list[i]->id[TRACE_ID_LEN - 1];
	return is;
}

#define FOUND(...) found((struct query){ __VA_ARGS__ })

static void test_search(void **state UNUSED)
{
	static const struct query_tag not_found = { { "http.response.status_code", 25 }, { "404", 3 } };
	static const struct query_tag failed = { { "error", 5 }, { "true", 4 } };
	static const struct query_tag server = { { "span.kind", 9 }, { "server", 6 } };
	static const struct query_tag other = { { "http.route", 10 }, { "/", 1 } };

	assert_int_equal(FOUND(.min_ns = 0), 21);
	assert_int_equal(FOUND(.service = STR("cinesync-user")), 2);
	assert_int_equal(FOUND(.service = STR("cinesync-movie")), 21);
	assert_int_equal(FOUND(.service = STR("nobody")), 0);
	assert_int_equal(FOUND(.operation = STR("GET /api/v1/users/me")), 2);
	/* One span has to be all of it. */
	assert_int_equal(FOUND(.service = STR("cinesync-movie"), .operation = STR("GET /api/v1/users/me")), 0);
	assert_int_equal(FOUND(.min_ns = 100 * MS), 2);
	assert_int_equal(FOUND(.max_ns = 5 * MS), 1);
	assert_int_equal(FOUND(.start_ns = NOON + 1), 2);
	assert_int_equal(FOUND(.end_ns = NOON + 1), 1);
	assert_int_equal(FOUND(.tags = &not_found, .n_tags = 1), 2);
	assert_int_equal(FOUND(.tags = &failed, .n_tags = 1), 2);
	assert_int_equal(FOUND(.tags = &server, .n_tags = 1), 21);
	assert_int_equal(FOUND(.tags = &other, .n_tags = 1), 0);
	assert_int_equal(FOUND(.text = STR("USERS/me")), 2);
	assert_int_equal(FOUND(.text = STR("movie")), 21);
	assert_int_equal(FOUND(.text = STR("A0a0")), 21); /* ids */
}

static void test_durations(void **state UNUSED)
{
	static const struct {
		const char *text;
		int r;
		int64_t ns;
	} rows[] = {
		{ "1s", 0, 1000 * MS },        { "1.5s", 0, 1500 * MS },    { "250ms", 0, 250 * MS },
		{ "10us", 0, 10000 },          { "10\xc2\xb5s", 0, 10000 }, { "7ns", 0, 7 },
		{ "1h2m3s", 0, 3723000 * MS }, { ".5ms", 0, MS / 2 },       { "", -EINVAL, 0 },
		{ "5", -EINVAL, 0 },           { "s", -EINVAL, 0 },         { "-1s", -EINVAL, 0 },
		{ "1 s", -EINVAL, 0 },         { "1d", -EINVAL, 0 },        { "99999999999h", -ERANGE, 0 },
		{ "1..5s", -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t ns = 0;
		int r = query_duration_parse(str_from(rows[i].text), &ns);

		if (r != rows[i].r || ns != rows[i].ns)
			fail_msg("%s: %d, %lld", rows[i].text, r, (long long)ns);
	}
}

static void test_ids(void **state UNUSED)
{
	uint8_t id[TRACE_ID_LEN], wanted[TRACE_ID_LEN] = { 0 };

	wanted[14] = 0x0a;
	wanted[15] = 0xbc;
	assert_int_equal(query_id_parse(STR("aBc"), id), 0);
	assert_memory_equal(id, wanted, sizeof(id));
	assert_int_equal(query_id_parse(STR("00000000000000000000000000000abc"), id), 0);
	assert_memory_equal(id, wanted, sizeof(id));
	assert_int_equal(query_id_parse(STR("000000000000000000000000000000abc"), id), -EINVAL);
	assert_int_equal(query_id_parse(STR(""), id), -EINVAL);
	assert_int_equal(query_id_parse(STR("xyz"), id), -EINVAL);
}

static void test_tags(void **state UNUSED)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	const struct query_tag *tags;
	size_t n;

	assert_int_equal(arena_new(65536, &a), 0);
	assert_int_equal(query_tags_parse(STR("{\"error\":\"true\",\"n\":404,\"b\":false}"), a, &tags, &n), 0);
	assert_int_equal(n, 3);
	assert_true(str_equal(tags[1].key, STR("n")) && str_equal(tags[1].value, STR("404")));
	assert_true(str_equal(tags[2].value, STR("false")));
	assert_int_equal(query_tags_parse(STR("{}"), a, &tags, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(query_tags_parse(STR("[]"), a, &tags, &n), -EINVAL);
	assert_int_equal(query_tags_parse(STR("{\"a\":[]}"), a, &tags, &n), -EINVAL);
	assert_int_equal(query_tags_parse(STR("{"), a, &tags, &n), -EINVAL);
}

static void test_names(void **state UNUSED)
{
	struct store *s CLEANUP(store_free) = filled();
	struct arena *a CLEANUP(arena_free) = NULL;
	struct schema_array names;

	assert_int_equal(arena_new(1 << 20, &a), 0);
	assert_int_equal(names_of_services(s, a, &names), 0);
	assert_int_equal(names.n, 2);
	assert_true(str_equal(((struct str *)names.items)[0], STR("cinesync-movie")));
	assert_int_equal(names_of_operations(s, STR("cinesync-user"), a, &names), 0);
	assert_int_equal(names.n, 1);
	assert_true(str_equal(((struct str *)names.items)[0], STR("GET /api/v1/users/me")));
	assert_int_equal(names_of_operations(s, STR("nobody"), a, &names), 0);
	assert_int_equal(names.n, 0);
}

#define ID2 "a0a0a0a0a0a0a0a0a0a0a0a000000002"

/* Byte by byte what Jaeger's pages read. */
static void test_the_answer(void **state UNUSED)
{
	static const char expected[] =
	        "{'data':[{'traceID':'" ID2 "','spans':["
	        "{'traceID':'" ID2 "','spanID':'0000000000000001','operationName':'GET /api/v1/users/me',"
	        "'references':[],'startTime':1790000001000000,'duration':250000,'tags':["
	        "{'key':'http.route','type':'string','value':'/api/v1/users/me'},"
	        "{'key':'span.kind','type':'string','value':'server'}],'logs':[],'processID':'p1','warnings':[]},"
	        "{'traceID':'" ID2 "','spanID':'0000000000000002','operationName':'GET /api/v1/movies/search',"
	        "'references':[{'refType':'CHILD_OF','traceID':'" ID2 "','spanID':'0000000000000001'}],"
	        "'startTime':1790000001100000,'duration':10000,'tags':["
	        "{'key':'http.response.status_code','type':'int64','value':404},"
	        "{'key':'span.kind','type':'string','value':'server'},{'key':'error','type':'bool','value':true},"
	        "{'key':'otel.status_code','type':'string','value':'ERROR'}],'logs':[],'processID':'p2','warnings':[]}]"
	        ","
	        "'processes':{'p1':{'serviceName':'cinesync-user','tags':[]},"
	        "'p2':{'serviceName':'cinesync-movie','tags':[]}},'warnings':[]}],"
	        "'total':1,'limit':0,'offset':0,'errors':null}";
	struct store *s CLEANUP(store_free) = filled();
	struct arena *a CLEANUP(arena_free) = NULL;
	struct envelope envelope = { .total = 1 };
	struct buf out CLEANUP(buf_done);
	struct trace_message message;
	struct violations violations;
	uint8_t id[TRACE_ID_LEN];

	assert_int_equal(arena_new(1 << 20, &a), 0);
	id_make(2, id);
	assert_int_equal(trace_message_make(store_find(s, id), a, &message), 0);
	envelope.data = (struct schema_array){ 1, &message };
	violations_init(&violations, a);
	assert_int_equal(schema_check(&traces_answer_schema, &envelope, a, &violations), 0);
	buf_init(&out, 65536);
	schema_write(&traces_answer_schema, &envelope, &out);
	for (size_t i = 0; i < out.len; i++)
		if (out.data[i] == '"')
			out.data[i] = '\'';
	assert_string_equal(out.data, expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_search), cmocka_unit_test(test_durations), cmocka_unit_test(test_ids),
		cmocka_unit_test(test_tags),   cmocka_unit_test(test_names),     cmocka_unit_test(test_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
