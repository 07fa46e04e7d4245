/* The map of the services: who calls whom, and how long it takes. */
#include "trace/test_support.h"

#include "trace/graph.h"

static const struct graph_node *node(const struct graph *g, const char *name)
{
	for (size_t i = 0; i < g->n_nodes; i++)
		if (str_equal(g->nodes[i]->name, str_from(name)))
			return g->nodes[i];
	return NULL;
}

static const struct graph_edge *edge(const struct graph *g, const char *from, const char *to)
{
	for (size_t i = 0; i < g->n_edges; i++)
		if (g->edges[i]->from == node(g, from) && g->edges[i]->to == node(g, to))
			return g->edges[i];
	return NULL;
}

static struct trace_span client_of(unsigned trace, unsigned id, unsigned parent, const char *service)
{
	struct trace_span s = span_of(trace, id, parent);

	s.kind = TRACE_CLIENT;
	s.process = process_of(service);
	return s;
}

static void test_a_call_through_all_of_it(void **state UNUSED)
{
	struct store *s CLEANUP(store_free) = store_make(100, (size_t)16 << 20);
	struct arena *a CLEANUP(arena_free) = NULL;
	struct trace_attribute database = text_attribute("db.system.name", "sqlite");
	struct trace_attribute host = text_attribute("server.address", "api.themoviedb.org");
	struct trace_span span = span_of(1, 1, 99); /* its parent is nowhere */
	struct graph *g;

	span.process = process_of("cinesync-user");
	store_take(s, &span);
	span = client_of(1, 2, 1, "cinesync-user");
	span.attributes = &database;
	span.n_attributes = 1;
	store_take(s, &span);
	span = client_of(1, 3, 1, "cinesync-user");
	span.attributes = &host; /* but it is answered by a service that sends spans */
	span.n_attributes = 1;
	store_take(s, &span);
	span = span_of(1, 4, 3);
	span.status = TRACE_STATUS_ERROR;
	store_take(s, &span);
	span = client_of(1, 5, 4, "cinesync-movie");
	span.attributes = &host;
	span.n_attributes = 1;
	store_take(s, &span);

	assert_int_equal(arena_new(4 << 20, &a), 0);
	assert_int_equal(graph_make(s, 0, INT64_MAX, a, &g), 0);
	assert_int_equal(g->n_nodes, 4);
	assert_int_equal(g->n_edges, 3);
	assert_true(node(g, "cinesync-user sqlite")->kind == GRAPH_DATABASE &&
	            node(g, "cinesync-user")->kind == GRAPH_SERVICE);
	assert_true(node(g, "api.themoviedb.org")->kind == GRAPH_EXTERNAL);
	assert_int_equal(node(g, "cinesync-user")->times.n, 1);
	assert_int_equal(edge(g, "cinesync-user", "cinesync-movie")->times.errors, 1);
	assert_non_null(edge(g, "cinesync-user", "cinesync-user sqlite"));
	assert_non_null(edge(g, "cinesync-movie", "api.themoviedb.org"));
	assert_null(edge(g, "cinesync-user", "api.themoviedb.org"));
	assert_true(g->first_ns == NOON);
}

static void test_only_of_the_period(void **state UNUSED)
{
	struct store *s CLEANUP(store_free) = store_make(100, (size_t)16 << 20);
	struct arena *a CLEANUP(arena_free) = NULL;
	struct trace_span span = span_of(1, 1, 0);
	struct graph *g;

	store_take(s, &span);
	assert_int_equal(arena_new(4 << 20, &a), 0);
	assert_int_equal(graph_make(s, NOON + 1, INT64_MAX, a, &g), 0);
	assert_int_equal(g->n_nodes, 0);
	assert_int_equal(graph_make(s, 0, NOON - 1, a, &g), 0);
	assert_int_equal(g->n_nodes, 0);
	assert_int_equal(graph_make(s, NOON, NOON, a, &g), 0);
	assert_int_equal(g->n_nodes, 1);
}

/* 1 to 1,000 ms, and what is off by 9 % at most. */
static void test_quantiles(void **state UNUSED)
{
	static const struct {
		double share;
		int64_t us;
	} rows[] = { { 0, 1000 }, { 0.5, 500000 }, { 0.95, 950000 }, { 0.99, 990000 }, { 1, 1000000 } };
	struct store *s CLEANUP(store_free) = store_make(2000, (size_t)16 << 20);
	struct arena *a CLEANUP(arena_free) = NULL;
	struct graph *g;

	for (unsigned i = 1; i <= 1000; i++) {
		struct trace_span span = span_of(i, 1, 0);

		span.end_ns = span.start_ns + i * MS;
		store_take(s, &span);
	}
	assert_int_equal(arena_new(4 << 20, &a), 0);
	assert_int_equal(graph_make(s, 0, INT64_MAX, a, &g), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t us = graph_quantile_us(&g->nodes[0]->times, rows[i].share);

		if (us * 100 < rows[i].us * 91 || us * 100 > rows[i].us * 109)
			fail_msg("%g: %lld", rows[i].share, (long long)us);
	}
}

static void test_every_duration_has_its_bucket(void **state UNUSED)
{
	struct store *s CLEANUP(store_free) = store_make(100, (size_t)16 << 20);
	static const int64_t ends[] = { 0, 1, 999, 1000, 7999, 8000, INT64_MAX - NOON };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct arena *a CLEANUP(arena_free) = NULL;
		struct trace_span span = span_of((unsigned)i, 1, 0);
		struct graph *g;

		span.end_ns = NOON + ends[i];
		store_take(s, &span);
		assert_int_equal(arena_new(4 << 20, &a), 0);
		assert_int_equal(graph_make(s, 0, INT64_MAX, a, &g), 0);
		assert_int_equal(g->nodes[0]->times.n, i + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_call_through_all_of_it),
		cmocka_unit_test(test_only_of_the_period),
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_every_duration_has_its_bucket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
