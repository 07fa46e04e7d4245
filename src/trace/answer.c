/* What is kept becomes what is answered. Names and texts are pointed to where they lie in the store, so an answer has
 * to be written before the next span comes. Nothing here yields. */
#include "trace/messages.h"
#include "trace/query.h"

#include <errno.h>
#include <stdlib.h>

enum { TAGS_MADE_MAX = 6, PROCESSES_MAX = 256, JSON_SIZE_MAX = 16 << 20 };

/* What is under way: the first thing that fails is remembered, so that nothing else need be asked. */
struct making {
	struct arena *arena;
	struct buf json; /* used again for each value */
	int error;
	const struct trace_process *processes[PROCESSES_MAX];
	size_t n_processes;
};

static void *take(struct making *m, size_t n, size_t size)
{
	void *place = arena_array(m->arena, n, size);

	if (!place)
		m->error = -ENOMEM;
	return place;
}

/* What is in the buffer, kept. */
static struct str json_keep(struct making *m)
{
	struct str kept = buf_error(&m->json) < 0 ? STR_NULL : arena_str(m->arena, buf_str(&m->json));

	if (!kept.data)
		m->error = -ENOMEM;
	return kept;
}

static struct str hex(struct making *m, const uint8_t *id, size_t len)
{
	buf_reset(&m->json);
	buf_add_hex(&m->json, id, len);
	return json_keep(m);
}

/* ---- tags ---- */

static struct tag_message text_tag(struct making *m, struct str key, struct str text)
{
	buf_reset(&m->json);
	buf_add_json(&m->json, text);
	return (struct tag_message){ key, STR("string"), json_keep(m) };
}

static struct tag_message tag(struct making *m, const struct trace_attribute *a)
{
	switch (a->kind) {
	case TRACE_TEXT:
		break;
	case TRACE_BOOL:
		return (struct tag_message){ a->key, STR("bool"), a->value.boolean ? STR("true") : STR("false") };
	case TRACE_INT:
		buf_reset(&m->json);
		buf_add_int(&m->json, a->value.integer);
		return (struct tag_message){ a->key, STR("int64"), json_keep(m) };
	case TRACE_DOUBLE:
		buf_reset(&m->json);
		buf_add_double(&m->json, a->value.number);
		return (struct tag_message){ a->key, STR("float64"), json_keep(m) };
	}
	return text_tag(m, a->key, a->text);
}

/* What OpenTelemetry has as fields of a span, Jaeger has as tags. */
static size_t made_tags(struct making *m, const struct trace_span *s, struct tag_message *to)
{
	size_t n = 0;

	if (s->kind != TRACE_UNSPECIFIED)
		to[n++] = text_tag(m, STR("span.kind"), str_from(trace_kind_name(s->kind)));
	if (s->status == TRACE_STATUS_ERROR)
		to[n++] = (struct tag_message){ STR("error"), STR("bool"), STR("true") };
	if (s->status != TRACE_STATUS_UNSET)
		to[n++] = text_tag(m, STR("otel.status_code"),
		                   s->status == TRACE_STATUS_ERROR ? STR("ERROR") : STR("OK"));
	if (s->status_text.data)
		to[n++] = text_tag(m, STR("otel.status_description"), s->status_text);
	if (s->state.data)
		to[n++] = text_tag(m, STR("w3c.tracestate"), s->state);
	if (s->scope.data)
		to[n++] = text_tag(m, STR("otel.scope.name"), s->scope);
	return n;
}

static struct schema_array tags_make(struct making *m, const struct trace_span *s)
{
	struct tag_message *tags = take(m, s->n_attributes + TAGS_MADE_MAX, sizeof(*tags));
	size_t n = 0;

	for (; tags && n < s->n_attributes; n++)
		tags[n] = tag(m, &s->attributes[n]);
	if (tags)
		n += made_tags(m, s, tags + n);
	return (struct schema_array){ n, tags };
}

static struct schema_array logs_make(struct making *m, const struct trace_span *s)
{
	struct log_message *logs = take(m, s->n_events, sizeof(*logs));

	for (size_t i = 0; logs && i < s->n_events; i++) {
		const struct trace_event *event = &s->events[i];
		struct tag_message *fields = take(m, event->n_attributes + 1, sizeof(*fields));

		if (!fields)
			break;
		fields[0] = text_tag(m, STR("event"), event->name);
		for (size_t k = 0; k < event->n_attributes; k++)
			fields[k + 1] = tag(m, &event->attributes[k]);
		logs[i] = (struct log_message){ event->at_ns / 1000, { event->n_attributes + 1, fields } };
	}
	return (struct schema_array){ logs ? s->n_events : 0, logs };
}

/* ---- spans ---- */

static struct schema_array references_make(struct making *m, const struct trace_span *s, struct str trace_id)
{
	struct reference_message *to = take(m, s->n_links + 1, sizeof(*to));
	size_t n = 0;

	if (to && !trace_span_is_root(s))
		to[n++] = (struct reference_message){ STR("CHILD_OF"), trace_id,
			                              hex(m, s->parent_id, sizeof(s->parent_id)) };
	for (size_t i = 0; to && i < s->n_links; i++)
		to[n++] = (struct reference_message){ STR("FOLLOWS_FROM"), hex(m, s->links[i].trace_id, TRACE_ID_LEN),
			                              hex(m, s->links[i].span_id, TRACE_SPAN_ID_LEN) };
	return (struct schema_array){ n, to };
}

/* "p1" for the first process of the trace; those over the limit are called by the last one's name. */
static struct str process_id(struct making *m, const struct trace_process *process)
{
	size_t at = 0;

	while (at < m->n_processes && m->processes[at] != process)
		at++;
	if (at == m->n_processes && at < PROCESSES_MAX)
		m->processes[m->n_processes++] = process;
	buf_reset(&m->json);
	buf_addf(&m->json, "p%zu", MIN(at, (size_t)PROCESSES_MAX - 1) + 1);
	return json_keep(m);
}

static struct schema_array warning_make(struct making *m, uint64_t n, const char *what)
{
	struct str *text = n > 0 ? take(m, 1, sizeof(*text)) : NULL;

	if (!text)
		return (struct schema_array){ 0, NULL };
	*text = arena_printf(m->arena, "%llu %s", (unsigned long long)n, what);
	if (!text->data)
		m->error = -ENOMEM;
	return (struct schema_array){ 1, text };
}

static struct span_message span_make(struct making *m, const struct trace_span *s, struct str trace_id)
{
	return (struct span_message){
		.traceID = trace_id,
		.spanID = hex(m, s->span_id, sizeof(s->span_id)),
		.operationName = s->name,
		.references = references_make(m, s, trace_id),
		.startTime = s->start_ns / 1000,
		.duration = (s->end_ns - s->start_ns) / 1000,
		.tags = tags_make(m, s),
		.logs = logs_make(m, s),
		.processID = process_id(m, s->process),
		.warnings = warning_make(m, s->n_dropped, "attributes, events or links were left out"),
	};
}

static void tag_write(struct making *m, const struct tag_message *t, struct buf *out)
{
	(void)m;
	buf_adds(out, "{\"key\":");
	buf_add_json(out, t->key);
	buf_adds(out, ",\"type\":");
	buf_add_json(out, t->type);
	buf_adds(out, ",\"value\":");
	buf_add_str(out, t->value);
	buf_addc(out, '}');
}

static struct str processes_make(struct making *m)
{
	struct buf out CLEANUP(buf_done);
	struct str kept;

	buf_init(&out, JSON_SIZE_MAX);
	buf_addc(&out, '{');
	for (size_t i = 0; i < m->n_processes; i++) {
		const struct trace_process *p = m->processes[i];

		buf_addf(&out, "%s\"p%zu\":{\"serviceName\":", i > 0 ? "," : "", i + 1);
		buf_add_json(&out, p->service);
		buf_adds(&out, ",\"tags\":[");
		for (size_t k = 0; k < p->n_attributes && m->error == 0; k++) {
			struct tag_message t = tag(m, &p->attributes[k]);

			if (k > 0)
				buf_addc(&out, ',');
			tag_write(m, &t, &out);
		}
		buf_adds(&out, "]}");
	}
	buf_addc(&out, '}');
	kept = buf_error(&out) < 0 ? STR_NULL : arena_str(m->arena, buf_str(&out));
	if (!kept.data)
		m->error = -ENOMEM;
	return kept;
}

/* ---- the trace ---- */

static int by_start(const void *a, const void *b)
{
	const struct trace_span *left = *(const struct trace_span *const *)a;
	const struct trace_span *right = *(const struct trace_span *const *)b;

	if (left->start_ns != right->start_ns)
		return left->start_ns < right->start_ns ? -1 : 1;
	/* The longer one is the outer one. */
	if (left->end_ns != right->end_ns)
		return left->end_ns > right->end_ns ? -1 : 1;
	return memcmp(left->span_id, right->span_id, sizeof(left->span_id));
}

static void spans_make(struct making *m, const struct trace *t, struct trace_message *to)
{
	const struct trace_span **sorted = take(m, t->n, sizeof(*sorted));
	struct span_message *spans = take(m, t->n, sizeof(*spans));

	if (m->error < 0)
		return;
	memcpy(sorted, t->spans, t->n * sizeof(*sorted));
	qsort(sorted, t->n, sizeof(*sorted), by_start);
	for (size_t i = 0; i < t->n && m->error == 0; i++)
		spans[i] = span_make(m, sorted[i], to->traceID);
	to->spans = (struct schema_array){ t->n, spans };
}

int trace_message_make(const struct trace *t, struct arena *a, struct trace_message *ret)
{
	struct making m = { .arena = a };
	struct trace_message made = { 0 };

	buf_init(&m.json, JSON_SIZE_MAX);
	made.traceID = hex(&m, t->id, sizeof(t->id));
	spans_make(&m, t, &made);
	if (m.error == 0)
		made.processes = processes_make(&m);
	made.warnings = warning_make(&m, t->refused, "spans more were sent than are kept of one trace");
	buf_done(&m.json);
	if (m.error == 0)
		*ret = made;
	return m.error;
}

/* ---- the map ---- */

int map_message_make(const struct graph *g, double seconds, struct arena *a, struct map_message *ret)
{
	struct node_message *nodes = arena_array(a, g->n_nodes, sizeof(*nodes));
	struct edge_message *edges = arena_array(a, g->n_edges, sizeof(*edges));

	if (!nodes || !edges)
		return -ENOMEM;
	for (size_t i = 0; i < g->n_nodes; i++) {
		const struct graph_times *times = &g->nodes[i]->times;

		nodes[i] = (struct node_message){ g->nodes[i]->name,
			                          str_from(graph_kind_name(g->nodes[i]->kind)),
			                          (int64_t)times->n,
			                          (int64_t)times->errors,
			                          (double)times->n / seconds,
			                          graph_quantile_us(times, 0.5),
			                          graph_quantile_us(times, 0.95),
			                          graph_quantile_us(times, 0.99) };
	}
	for (size_t i = 0; i < g->n_edges; i++) {
		const struct graph_times *times = &g->edges[i]->times;

		edges[i] = (struct edge_message){
			g->edges[i]->from->name,        g->edges[i]->to->name,         (int64_t)times->n,
			(int64_t)times->errors,         (double)times->n / seconds,    graph_quantile_us(times, 0.5),
			graph_quantile_us(times, 0.95), graph_quantile_us(times, 0.99)
		};
	}
	ret->services = (struct schema_array){ g->n_nodes, nodes };
	ret->calls = (struct schema_array){ g->n_edges, edges };
	return 0;
}

int calls_message_make(const struct graph *g, struct arena *a, struct schema_array *ret)
{
	struct call_message *calls = arena_array(a, g->n_edges, sizeof(*calls));
	size_t n = 0;

	if (!calls)
		return -ENOMEM;
	/* Jaeger has services in it, and nothing else. */
	for (size_t i = 0; i < g->n_edges; i++)
		if (g->edges[i]->to->kind == GRAPH_SERVICE)
			calls[n++] = (struct call_message){ g->edges[i]->from->name, g->edges[i]->to->name,
				                            (int64_t)g->edges[i]->times.n };
	*ret = (struct schema_array){ n, calls };
	return 0;
}
