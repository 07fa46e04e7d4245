/* What is kept of each request: its server span, its metrics, its line in the access log. The hot path is a span and
 * one look into a short array: metric cells are looked up once for each method and status of a route.
 * Limits: ROUTER_CELLS_MAX cells a route, what is over them is looked up each time. Nothing here yields. */
#include "http/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/status.h"
#include "telemetry/metrics.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	STATUS_CLIENT_GONE = 499,
	USER_AGENT_LEN_MAX = 100,
	DRAW_DIGITS = 8, /* of a trace id, its last ones, which are random */
};

static struct metric_cell *gauge(const char *name, const char *help)
{
	return metric_cell(metric_new(METRIC_GAUGE, name, help, NULL, NULL, 0), NULL);
}

void record_connections(int delta)
{
	static struct metric_cell *cell;

	if (!cell)
		cell = gauge("http_server_connections", "Open connections of clients.");
	metric_add(cell, delta);
}

void record_active(int delta)
{
	static struct metric_cell *cell;

	if (!cell)
		cell = gauge("http_server_active_requests", "Requests accepted and not yet answered completely.");
	metric_add(cell, delta);
}

static const char *method_of(const struct request *req)
{
	return req->is_options ? "OPTIONS" : req->is_head ? "HEAD" : router_method_name(req->method);
}

static int status_of(const struct request *req)
{
	return req->client_gone ? STATUS_CLIENT_GONE : req->answer.status;
}

static struct metric_cell *duration_cell(const char *method, const char *route, int status)
{
	static const char *const labels[] = { "method", "route", "status", NULL };
	char text[16];
	const char *values[] = { method, route, text };

	snprintf(text, sizeof(text), "%d", status);
	return metric_cell(metric_new(METRIC_HISTOGRAM, "http_server_request_duration_seconds",
	                              "From a request's line to its answer, by route.", labels, NULL, 0),
	                   values);
}

/* NULL: there is no route, or no place left. */
static struct router_cell *cell_of(const struct request *req, int status)
{
	struct router_entry *e = req->match.entry;
	struct router_cell *cell;

	for (size_t i = 0; e && i < e->n_cells; i++)
		if (e->cells[i].status == status && e->cells[i].is_head == req->is_head)
			return &e->cells[i];
	if (!e || e->n_cells == ROUTER_CELLS_MAX)
		return NULL;
	cell = &e->cells[e->n_cells++];
	*cell = (struct router_cell){ status, req->is_head,
		                      duration_cell(req->is_head ? "HEAD" : router_method_name(e->route->method),
		                                    e->route->path, status),
		                      NULL };
	return cell;
}

/* ---- the span ---- */

void record_span_start(struct request *req)
{
	struct context parent;
	bool has_parent =
	        req->head.n_traceparent == 1 && trace_parse(req->head.traceparent, req->head.tracestate, &parent);
	const char *name = req->match.entry ? req->match.entry->span_name : "HTTP";

	/* On the loop nothing is current, and a handler's fiber begins with what was. */
	context_current = NULL;
	span_start(&req->span, name, SPAN_SERVER, has_parent ? &parent : NULL);
	span_began_at(&req->span, req->start_ns);
	if (!has_parent && req->match.entry && req->match.entry->route->is_polled)
		span_unsample(&req->span);
	req->has_span = true;
}

/* The path, unless a part of it is a secret: then its template. */
static struct str path_of(const struct request *req)
{
	const struct route *route = req->match.entry ? req->match.entry->route : NULL;
	const struct schema *params = route ? route->path_params : NULL;

	for (size_t i = 0; params && i < params->n_fields; i++)
		if (params->fields[i].flags & SCHEMA_SECRET)
			return str_from(route->path);
	return req->target.path.data ? req->target.path : STR("");
}

/* Host: "example.org", "example.org:8080", "[::1]:8080". */
static void host_describe(struct span *span, struct str host)
{
	int64_t port = 0, power = 1;
	size_t at = host.len;

	for (; at > 0 && host.data[at - 1] >= '0' && host.data[at - 1] <= '9' && power <= 10000; power *= 10)
		port += power * (host.data[--at] - '0');
	if (at > 1 && host.data[at - 1] == ':' && port >= 1 && port <= 65535) {
		span_set_int(span, "server.port", port);
		host = str_slice(host, 0, at - 1);
	}
	span_set_lasting(span, "server.address", host);
}

/* What is the same for all requests of a route, method and status. */
static void preset_make(struct span_preset *p, const struct request *req, int status)
{
	*p = (struct span_preset){ 0 };
	span_preset_str(p, "http.request.method", str_from(method_of(req)));
	if (req->match.entry)
		span_preset_str(p, "http.route", str_from(req->match.entry->route->path));
	span_preset_int(p, "http.response.status_code", status);
	span_preset_str(p, "url.scheme", STR("http"));
}

/* The cell's, or if there is none the spare one. */
static const struct span_preset *preset_get(const struct request *req, int status, struct span_preset *spare)
{
	struct router_cell *cell = req->is_options ? NULL : cell_of(req, status);

	if (cell && cell->preset)
		return cell->preset;
	preset_make(spare, req, status);
	if (cell)
		cell->preset = malloc(sizeof(*cell->preset));
	if (cell && cell->preset)
		*cell->preset = *spare;
	return spare;
}

/* As https://opentelemetry.io/docs/specs/semconv/http/http-spans/ has it. No query: there may be a name in it, or a
 * link's key. All of it lasts until the request is released. */
static void span_describe(struct request *req)
{
	struct span *span = &req->span;

	span_set_lasting(span, "url.path", path_of(req));
	span_set_lasting(span, "client.address", request_client_address(req));
	if (req->head.host.data)
		host_describe(span, req->head.host);
	if (req->head.user_agent.data)
		span_set_lasting(span, "user_agent.original", str_slice(req->head.user_agent, 0, USER_AGENT_LEN_MAX));
}

static void recorded_span_end(struct request *req, int64_t end_ns)
{
	int status = status_of(req);
	struct span_preset spare;

	span_describe(req);
	span_preset_use(&req->span, preset_get(req, status, &spare));
	if (status >= 500)
		span_fail(&req->span, http_status_word(status));
	span_end_at(&req->span, end_ns);
}

void record_span_end(struct request *req)
{
	int64_t end_ns = clock_mono_ns();

	req->duration_us = (end_ns - req->start_ns) / 1000;
	if (req->span.is_recording)
		recorded_span_end(req, end_ns);
	else
		span_end_at(&req->span, end_ns);
}

/* ---- when all is sent ---- */

static struct metric_cell *duration_of(const struct request *req, int status)
{
	struct router_cell *cell = cell_of(req, status);

	if (cell)
		return cell->duration;
	/* No client makes up label values. */
	return duration_cell(method_of(req), req->match.entry ? req->match.entry->route->path : "none", status);
}

static void count(const struct request *req, int status)
{
	struct metric_cell *cell = duration_of(req, status);
	double seconds = (double)req->duration_us / 1e6;

	if (req->span.is_recording)
		metric_observe_traced(cell, seconds, req->span.context.trace_id,
		                      (req->span.start_real_ns / 1000 + req->duration_us) / 1000);
	else
		metric_observe(cell, seconds);
}

/* Failed and slow ones always; of the others a share, by the trace id, so that services with the same share keep the
 * same traces. */
static bool is_omitted(const struct request *req, int status)
{
	const struct http_server_options *o = &req->server->options;
	uint64_t draw;

	if (o->access_log_omit_percent == 0 || status >= 400 || req->duration_us >= o->access_log_slow_ms * 1000)
		return false;
	draw = strtoul(req->span.context.trace_id + TRACE_ID_SIZE - 1 - DRAW_DIGITS, NULL, 16);
	return draw * 100 >> (4 * DRAW_DIGITS) < (uint64_t)o->access_log_omit_percent;
}

static void access_log(struct request *req, int status)
{
	struct context *outer = context_current;

	context_current = &req->span.context;
	log_each(LOG_INFO, "request", LOG_STRN("method", str_slice(req->method_name, 0, HEAD_METHOD_LEN_MAX)),
	         LOG_STR("route", req->match.entry ? req->match.entry->route->path : ""),
	         LOG_STRN("path", path_of(req)), LOG_INT("status", status),
	         LOG_DOUBLE("duration_ms", (double)req->duration_us / 1000), LOG_INT("bytes", req->answer.len),
	         LOG_STRN("user_agent", str_slice(req->head.user_agent, 0, USER_AGENT_LEN_MAX)),
	         LOG_STRN("client", request_client_address(req)));
	context_current = outer;
}

void record_completed(struct request *req)
{
	int status = status_of(req);

	/* Without a span it never had an answer: the client broke off in the middle of its request. */
	if (!req->has_span)
		return;
	count(req, status);
	if (req->server->options.access_log && log_enabled(LOG_INFO) && !is_omitted(req, status))
		access_log(req, status);
}
