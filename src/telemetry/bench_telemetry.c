/* What telemetry costs on the path of a request, in nanoseconds a turn on one core. */
#include "base/clock.h"
#include "telemetry/metrics.h"
#include "telemetry/otlp.h"

#include <stdio.h>

#define TURNS 2000000
#define BATCH 512

static double ns_each(int64_t start_ns)
{
	return (double)(clock_mono_ns() - start_ns) / TURNS;
}

static void bench_span(const char *what, const struct context *parent)
{
	int64_t start_ns = clock_mono_ns();
	struct span s;

	for (int i = 0; i < TURNS; i++) {
		span_start(&s, "GET /movies/{id}", SPAN_SERVER, parent);
		span_set_str(&s, "http.request.method", STR("GET"));
		span_set_int(&s, "http.response.status_code", 200);
		span_end(&s);
	}
	printf("%-40s %7.1f ns\n", what, ns_each(start_ns));
}

struct target {
	const struct otlp_encoding *encoding;
	struct buf body;
	struct otlp_request request;
};

static void span_write(const struct span *s, void *arg)
{
	struct target *t = arg;

	if (t->request.n == BATCH || !t->request.b) {
		buf_reset(&t->body);
		t->encoding->begin(&t->request, &t->body, STR(""), "1");
	}
	t->encoding->add(&t->request, s);
}

/* As the server makes one for each request. */
static void bench_written(const struct otlp_encoding *encoding)
{
	struct target t = { .encoding = encoding };
	int64_t start_ns = clock_mono_ns();
	struct span s;

	buf_init(&t.body, 4 << 20);
	span_sink_set(span_write, &t);
	for (int i = 0; i < TURNS; i++) {
		span_start(&s, "GET /api/v1/movies/search", SPAN_SERVER, NULL);
		span_set_str(&s, "http.request.method", STR("GET"));
		span_set_str(&s, "http.route", STR("/api/v1/movies/search"));
		span_set_int(&s, "http.response.status_code", 200);
		span_set_str(&s, "url.path", STR("/api/v1/movies/search"));
		span_set_str(&s, "url.scheme", STR("http"));
		span_set_str(&s, "client.address", STR("127.0.0.1"));
		span_set_int(&s, "server.port", 8081);
		span_set_str(&s, "server.address", STR("127.0.0.1"));
		span_end(&s);
	}
	printf("%-20s %-19s %7.1f ns, %zu bytes\n", "span of a request,", encoding->name, ns_each(start_ns),
	       t.body.len / t.request.n);
	span_sink_set(NULL, NULL);
	buf_done(&t.body);
}

static void bench_metrics(void)
{
	static const char *const labels[] = { "method", "route", "status", NULL };
	const char *const values[] = { "GET", "/movies/{id}", "200" };
	struct metric *counter = metric_new(METRIC_COUNTER, "bench_total", "Turns.", labels, NULL, 0);
	struct metric *histogram = metric_new(METRIC_HISTOGRAM, "bench_seconds", "Turns.", NULL, NULL, 0);
	struct metric_cell *c = metric_cell(histogram, NULL);
	int64_t start_ns = clock_mono_ns();

	for (int i = 0; i < TURNS; i++)
		metric_add(metric_cell(counter, values), 1);
	printf("%-40s %7.1f ns\n", "counter of three labels, looked up", ns_each(start_ns));
	start_ns = clock_mono_ns();
	for (int i = 0; i < TURNS; i++)
		metric_observe(c, 0.0123);
	printf("%-40s %7.1f ns\n", "histogram, cell kept", ns_each(start_ns));
}

int main(void)
{
	struct context parent;

	trace_new(&parent);
	bench_span("root span, two attributes", NULL);
	bench_span("child span, two attributes", &parent);
	bench_written(&otlp_protobuf);
	bench_written(&otlp_json);
	bench_metrics();
	return 0;
}
