/* What asks: Jaeger's query API, and the map. Answers are made in memory of their own, which may be more than a request
 * has, and written before anything else runs. */
#include "base/clock.h"
#include "trace/messages.h"
#include "trace/query.h"
#include "trace/trace.h"

#include <errno.h>

enum {
	ANSWER_MEMORY_MAX = 192 << 20,
	ANSWER_KEPT_MAX = 6 << 20, /* of the traces in one answer, as they are kept: it is about as much JSON */
	US_NS = 1000,
	MS_NS = 1000000,
};

#define HOUR_NS (3600 * INT64_C(1000000000))

/* Written here, and freed with the arena. */
static int answer(struct request *req, const struct schema *schema, struct schema_array data, size_t total,
                  int64_t limit)
{
	struct envelope envelope = { .data = data, .total = (int64_t)total, .limit = limit };

	return respond(req, 200, schema, &envelope);
}

static int services_list(struct request *req)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct schema_array names;
	int r = request_parse(req, NULL, NULL, NULL);

	if (r == 0)
		r = arena_new(ANSWER_MEMORY_MAX, &a);
	if (r == 0)
		r = names_of_services(trace_state()->store, a, &names);
	return r < 0 ? r : answer(req, &names_answer_schema, names, names.n, 0);
}

static int operations_list(struct request *req)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct schema_array names;
	struct service_path path;
	int r = request_parse(req, &path, NULL, NULL);

	if (r == 0)
		r = arena_new(ANSWER_MEMORY_MAX, &a);
	if (r == 0)
		r = names_of_operations(trace_state()->store, path.service, a, &names);
	return r < 0 ? r : answer(req, &names_answer_schema, names, names.n, 0);
}

/* ---- traces ---- */

/* 0, or a violation was added. Null: as it was. */
static void duration_read(struct request *req, const char *name, struct str text, int64_t *ret_ns)
{
	if (text.data && query_duration_parse(text, ret_ns) < 0)
		violations_add(request_violation_list(req), "query", name, "value_error",
		               "Value error, should be a duration, as 250ms or 1.5s");
}

static int query_read(struct request *req, const struct search_query *in, struct query *ret)
{
	int64_t lookback_ns = 0;
	int r;

	query_init(ret);
	ret->service = in->service;
	ret->operation = in->operation;
	ret->text = in->text;
	duration_read(req, "minDuration", in->minDuration, &ret->min_ns);
	duration_read(req, "maxDuration", in->maxDuration, &ret->max_ns);
	/* Jaeger's page says "custom" where start and end count. */
	if (in->lookback.data && !str_equal(in->lookback, STR("custom")))
		duration_read(req, "lookback", in->lookback, &lookback_ns);
	if (in->end.is_set)
		ret->end_ns = in->end.value * US_NS;
	if (in->start.is_set)
		ret->start_ns = in->start.value * US_NS;
	else if (lookback_ns > 0)
		ret->start_ns = MAX((in->end.is_set ? ret->end_ns : clock_real_ns()) - lookback_ns, INT64_C(0));
	r = in->tags.data ? query_tags_parse(in->tags, request_arena(req), &ret->tags, &ret->n_tags) : 0;
	if (r == -EINVAL)
		violations_add(request_violation_list(req), "query", "tags", "value_error",
		               "Value error, should be a JSON object of texts");
	if (r == -ENOMEM)
		return r;
	return request_violation_list(req)->n > 0 ? request_violations(req) : 0;
}

static int traces_make(const struct trace *const *found, size_t n, struct arena *a, struct schema_array *ret)
{
	struct trace_message *traces = arena_array(a, n, sizeof(*traces));
	size_t at, kept = 0;
	int r = traces ? 0 : -ENOMEM;

	for (at = 0; r == 0 && at < n; at++) {
		kept += found[at]->bytes;
		if (at > 0 && kept > ANSWER_KEPT_MAX)
			break;
		r = trace_message_make(found[at], a, &traces[at]);
	}
	*ret = (struct schema_array){ at, traces };
	return r;
}

static int traces_search(struct request *req)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	const struct trace **found = NULL;
	struct schema_array traces = { 0 };
	struct search_query in;
	struct query query;
	size_t n = 0;
	int r = request_parse(req, NULL, &in, NULL);

	if (r == 0)
		r = query_read(req, &in, &query);
	if (r == 0)
		r = arena_new(ANSWER_MEMORY_MAX, &a);
	if (r == 0)
		r = query_run(&query, trace_state()->store, a, &found, &n);
	if (r == 0)
		r = traces_make(found, MIN(n, (size_t)in.limit), a, &traces);
	return r < 0 ? r : answer(req, &traces_answer_schema, traces, n, in.limit);
}

static int trace_get(struct request *req)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	uint8_t id[TRACE_ID_LEN];
	struct schema_array traces = { 0 };
	const struct trace *t;
	struct trace_path path;
	int r = request_parse(req, &path, NULL, NULL);

	if (r < 0)
		return r;
	if (query_id_parse(path.trace_id, id) < 0)
		return -ENOENT;
	t = store_find(trace_state()->store, id);
	if (!t)
		return request_problem(
		        req, &problem_not_found,
		        "No span of this trace has come yet, or it is gone: only the last ones are kept.");
	r = arena_new(ANSWER_MEMORY_MAX, &a);
	if (r == 0)
		r = traces_make(&t, 1, a, &traces);
	return r < 0 ? r : answer(req, &traces_answer_schema, traces, 1, 0);
}

/* ---- the map ---- */

static int dependencies_get(struct request *req)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	int64_t end_ns, lookback_ns;
	struct schema_array calls;
	struct calls_query in;
	struct graph *graph;
	int r = request_parse(req, NULL, &in, NULL);

	if (r < 0)
		return r;
	end_ns = in.endTs.is_set ? in.endTs.value * MS_NS : clock_real_ns();
	lookback_ns = in.lookback.is_set ? in.lookback.value * MS_NS : 24 * HOUR_NS;
	r = arena_new(ANSWER_MEMORY_MAX, &a);
	if (r == 0)
		r = graph_make(trace_state()->store, end_ns - lookback_ns, end_ns, a, &graph);
	if (r == 0)
		r = calls_message_make(graph, a, &calls);
	return r < 0 ? r : answer(req, &calls_answer_schema, calls, calls.n, 0);
}

static int map_show(struct request *req)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	int64_t now_ns = clock_real_ns(), lookback_ns = HOUR_NS, since_ns;
	struct map_message message = { 0 };
	struct map_query in;
	struct graph *graph;
	int r = request_parse(req, NULL, &in, NULL);

	if (r < 0)
		return r;
	duration_read(req, "lookback", in.lookback, &lookback_ns);
	if (request_violation_list(req)->n > 0)
		return request_violations(req);
	since_ns = MAX(now_ns - lookback_ns, INT64_C(0));
	r = arena_new(ANSWER_MEMORY_MAX, &a);
	if (r == 0)
		r = graph_make(trace_state()->store, since_ns, now_ns, a, &graph);
	if (r < 0)
		return r;
	/* What went before the first that is kept nobody knows. */
	since_ns = MIN(MAX(since_ns, graph->first_ns), now_ns);
	r = map_message_make(graph, MAX((double)(now_ns - since_ns) / 1e9, 1.0), a, &message);
	message.start = since_ns / US_NS;
	message.end = now_ns / US_NS;
	return r < 0 ? r : respond(req, 200, &map_schema, &message);
}

#define TAG .method = HTTP_GET, .tag = "traces", .is_polled = true

const struct route query_routes[] = {
	{ TAG, .path = "/api/services", .handler = services_list,
	  .reply = { 200, &names_answer_schema, NULL, "The services' names." },
	  .summary = "Which services send spans" },
	{ TAG, .path = "/api/services/{service}/operations", .handler = operations_list,
	  .path_params = &service_path_schema,
	  .reply = { 200, &names_answer_schema, NULL, "The operations' names; none for an unknown service." },
	  .summary = "What a service's spans are called" },
	{ TAG, .path = "/api/traces", .handler = traces_search, .query = &search_query_schema,
	  .reply = { 200, &traces_answer_schema, NULL, "The traces; `total` is how many there are besides." },
	  .summary = "Search traces", .doc = "A trace is found when one of its spans is all that is asked for." },
	{ TAG, .path = "/api/traces/{trace_id}", .handler = trace_get, .path_params = &trace_path_schema,
	  .query = &period_query_schema, .reply = { 200, &traces_answer_schema, NULL, "The trace alone." },
	  .errors = { 404 }, .summary = "One trace" },
	{ TAG, .path = "/api/dependencies", .handler = dependencies_get, .query = &calls_query_schema,
	  .reply = { 200, &calls_answer_schema, NULL, "The calls." }, .summary = "Which service calls which" },
	{ TAG, .path = "/api/map", .handler = map_show, .query = &map_query_schema,
	  .reply = { 200, &map_schema, NULL, "The map." }, .summary = "Services, calls, rates, latencies and errors" },
	{ 0 },
};
