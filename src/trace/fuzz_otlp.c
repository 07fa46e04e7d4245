/* A fuzz target: any bytes as an export, in JSON when the first byte is '{' and else in protobuf; what is taken goes
 * through the store to the answer. Texts that come out are UTF-8, limits hold, and of what cannot be read nothing is
 * kept. As an ordinary program it tries the files named. */
#include "base/fuzz.h"
#include "base/utf8.h"
#include "trace/graph.h"
#include "trace/messages.h"
#include "trace/read.h"

#include <errno.h>

enum { TEXT_MAX = 64, TRACES_MAX = 8, BYTES_MAX = 1 << 20, ARENA_SIZE_MAX = 64 << 20 };

static void attributes_check(const struct trace_attribute *attributes, size_t n)
{
	must(n <= TRACE_ATTRIBUTES_MAX);
	for (size_t i = 0; i < n; i++) {
		must(utf8_is_valid(attributes[i].key) && !utf8_has_control(attributes[i].key));
		must(attributes[i].key.len <= TRACE_NAME_MAX);
		must(attributes[i].kind != TRACE_TEXT || utf8_is_valid(attributes[i].text));
		must(attributes[i].text.len <= TEXT_MAX + 8);
	}
}

static int span_take(void *arg, const struct trace_span *s, const char **ret_reason)
{
	must(s->end_ns >= s->start_ns && s->start_ns > 0 && s->name.len > 0);
	must(utf8_is_valid(s->name) && !utf8_has_control(s->name));
	must(utf8_is_valid(s->process->service) && s->process->service.len > 0);
	attributes_check(s->attributes, s->n_attributes);
	attributes_check(s->process->attributes, s->process->n_attributes);
	must(s->n_events <= TRACE_EVENTS_MAX && s->n_links <= TRACE_LINKS_MAX);
	for (size_t i = 0; i < s->n_events; i++)
		attributes_check(s->events[i].attributes, s->events[i].n_attributes);
	return store_add(arg, s, ret_reason);
}

static void answer_check(const struct store *s)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	const struct trace *t;
	struct graph *graph;
	size_t cursor = 0;

	must(arena_new(ARENA_SIZE_MAX, &a) == 0);
	while ((t = store_next(s, &cursor))) {
		struct trace_message message;
		struct violations violations;
		int r = trace_message_make(t, a, &message);

		must(r == 0 || r == -ENOMEM);
		if (r < 0)
			break;
		violations_init(&violations, a);
		must(schema_check(traces_answer_schema.fields[0].schema, &message, a, &violations) != -EINVAL);
	}
	(void)!graph_make(s, 0, INT64_MAX, a, &graph);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store_limits limits = {
		.traces_max = TRACES_MAX, .spans_max = 16, .bytes_max = BYTES_MAX, .slow_ns = 1000, .kept_percent = 50
	};
	struct read_options options = { .text_max = TEXT_MAX, .take = span_take };
	struct store *s CLEANUP(store_free) = NULL;
	struct str body = { (const char *)data, size };
	struct store_stats stats;
	struct read_result result = { 0 };
	int r;

	must(store_new(&limits, &s) == 0);
	options.arg = s;
	r = size > 0 && data[0] == '{' ? read_json(body, &options, &result) : read_protobuf(body, &options, &result);
	store_stats_get(s, &stats);
	must(r == 0 || stats.spans == 0);
	must(stats.traces <= TRACES_MAX && stats.bytes <= BYTES_MAX);
	must((result.refused > 0) == (result.reason != NULL));
	answer_check(s);
	return 0;
}
