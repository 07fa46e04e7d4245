/* Spans for the tests of this room. */
#include "trace/test_support.h"

const struct trace_process *process_of(const char *service)
{
	static struct trace_process processes[8];
	static size_t n;

	for (size_t i = 0; i < n; i++)
		if (str_equal(processes[i].service, str_from(service)))
			return &processes[i];
	assert_true(n < ARRAY_SIZE(processes));
	processes[n].service = str_from(service);
	return &processes[n++];
}

void id_make(unsigned trace, uint8_t ret[TRACE_ID_LEN])
{
	memset(ret, 0xa0, TRACE_ID_LEN);
	for (size_t i = 0; i < 4; i++)
		ret[TRACE_ID_LEN - 1 - i] = (uint8_t)(trace >> (8 * i));
}

static void span_id_make(unsigned id, uint8_t ret[TRACE_SPAN_ID_LEN])
{
	memset(ret, 0, TRACE_SPAN_ID_LEN);
	for (size_t i = 0; i < 4; i++)
		ret[TRACE_SPAN_ID_LEN - 1 - i] = (uint8_t)(id >> (8 * i));
}

struct trace_span span_of(unsigned trace, unsigned id, unsigned parent)
{
	struct trace_span s = { .kind = TRACE_SERVER,
		                .name = STR("GET /api/v1/movies/search"),
		                .start_ns = NOON,
		                .end_ns = NOON + MS,
		                .process = process_of("cinesync-movie") };

	id_make(trace, s.trace_id);
	span_id_make(id, s.span_id);
	span_id_make(parent, s.parent_id);
	return s;
}

struct trace_attribute text_attribute(const char *key, const char *text)
{
	return (struct trace_attribute){ .key = str_from(key), .kind = TRACE_TEXT, .text = str_from(text) };
}

struct store *store_make(size_t traces_max, size_t bytes_max)
{
	struct store_limits limits = { .traces_max = traces_max,
		                       .spans_max = 100,
		                       .bytes_max = bytes_max,
		                       .slow_ns = 500 * MS,
		                       .kept_percent = 50 };
	struct store *s = NULL;

	assert_int_equal(store_new(&limits, &s), 0);
	return s;
}

void store_take(struct store *s, const struct trace_span *span)
{
	const char *reason = NULL;

	assert_int_equal(store_add(s, span, &reason), 0);
	assert_null(reason);
}

bool store_has(const struct store *s, unsigned trace)
{
	uint8_t id[TRACE_ID_LEN];

	id_make(trace, id);
	return store_find(s, id);
}
