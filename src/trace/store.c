/* Two lists, ordinary and kept, each with the trace that changed last at its end, and a map by trace id. Processes are
 * the same for thousands of spans: there is one of each, counted by the spans that point to it. */
#include "trace/store.h"

#include "base/buf.h"
#include "base/map.h"

#include <errno.h>
#include <stdlib.h>

enum {
	SPANS_FIRST = 8,
	PROCESSES_MAX = 100000,
	PROCESS_KEY_MAX = 512 << 10,
	TRACE_SHARE = 8,           /* one trace takes an eighth of the bytes at most */
	TRACE_BYTES_MAX = 8 << 20, /* and no more than this, so that it can be answered in one piece */
	OVERHEAD = 256,            /* what a trace takes beside its spans: the struct, its places in map and list */
};

struct process {
	struct trace_process *of;
	size_t bytes;
	size_t refs;
	size_t key_len;
	char key[];
};

struct store {
	struct store_limits limits;
	struct map *traces;
	struct map *processes;
	struct list ordinary;
	struct list kept;
	size_t kept_bytes;
	struct store_stats stats;
};

int store_new(const struct store_limits *limits, struct store **ret)
{
	struct store *s = calloc(1, sizeof(*s));
	int r = s ? 0 : -ENOMEM;

	if (!s)
		return r;
	s->limits = *limits;
	list_init(&s->ordinary);
	list_init(&s->kept);
	/* One more than there may be, which is there until the oldest has gone. */
	r = map_new(limits->traces_max + 1, &s->traces);
	if (r == 0)
		r = map_new(PROCESSES_MAX, &s->processes);
	if (r < 0)
		store_free(&s);
	else
		*ret = s;
	return r;
}

static bool is_kept(const struct trace *t)
{
	return t->has_error || t->is_slow;
}

static struct str id_key(const uint8_t *id)
{
	return (struct str){ (const char *)id, TRACE_ID_LEN };
}

/* ---- processes ---- */

static void key_add(struct buf *key, struct str text)
{
	buf_addf(key, "%zu:", text.len);
	buf_add_str(key, text);
}

/* What is equal has the same key, and only that. */
static int process_key(const struct trace_process *p, struct buf *key)
{
	key_add(key, p->service);
	for (size_t i = 0; i < p->n_attributes; i++) {
		const struct trace_attribute *a = &p->attributes[i];

		key_add(key, a->key);
		buf_addc(key, (char)('0' + a->kind));
		if (a->kind == TRACE_TEXT)
			key_add(key, a->text);
		else if (a->kind == TRACE_BOOL)
			buf_addc(key, a->value.boolean ? '1' : '0');
		else
			buf_add(key, &a->value, sizeof(a->value));
	}
	return buf_error(key);
}

static int process_make(struct store *s, const struct trace_process *from, struct str key, struct process **ret)
{
	struct process *p = calloc(1, sizeof(*p) + key.len);
	int r;

	if (!p)
		return -ENOMEM;
	memcpy(p->key, key.data, key.len);
	p->key_len = key.len;
	p->of = trace_process_copy(from, &p->bytes);
	r = p->of ? map_put(s->processes, key, p, NULL) : -ENOMEM;
	if (r < 0) {
		free(p->of);
		free(p);
		return r;
	}
	p->of->owner = p;
	p->bytes += 2 * key.len + sizeof(*p);
	s->stats.bytes += p->bytes;
	s->stats.processes++;
	*ret = p;
	return 0;
}

static int process_ref(struct store *s, const struct trace_process *from, struct process **ret)
{
	struct buf key CLEANUP(buf_done);
	struct process *p;
	int r;

	buf_init(&key, PROCESS_KEY_MAX);
	r = process_key(from, &key);
	if (r < 0)
		return r;
	p = map_get(s->processes, buf_str(&key));
	if (!p)
		r = process_make(s, from, buf_str(&key), &p);
	if (r < 0)
		return r;
	p->refs++;
	*ret = p;
	return 0;
}

static void process_drop(struct store *s, struct process *p)
{
	map_remove(s->processes, (struct str){ p->key, p->key_len });
	s->stats.bytes -= p->bytes;
	s->stats.processes--;
	free(p->of);
	free(p);
}

static void process_unref(struct store *s, struct process *p)
{
	if (--p->refs == 0)
		process_drop(s, p);
}

/* ---- traces ---- */

static struct list *list_of(struct store *s, const struct trace *t)
{
	return is_kept(t) ? &s->kept : &s->ordinary;
}

static void trace_free(struct store *s, struct trace *t)
{
	for (size_t i = 0; i < t->n; i++) {
		process_unref(s, t->spans[i]->process->owner);
		free(t->spans[i]);
	}
	s->stats.spans -= t->n;
	s->stats.bytes -= t->bytes;
	s->stats.traces--;
	if (is_kept(t)) {
		s->stats.traces_kept--;
		s->kept_bytes -= t->bytes;
	}
	list_remove(&t->link);
	map_remove(s->traces, id_key(t->id));
	free(t->spans);
	free(t);
}

void store_free(struct store **store)
{
	struct store *s = *store;
	struct list *at, *next;

	if (!s)
		return;
	LIST_FOREACH_SAFE(at, next, &s->ordinary)
	trace_free(s, LIST_ENTRY(at, struct trace, link));
	LIST_FOREACH_SAFE(at, next, &s->kept)
	trace_free(s, LIST_ENTRY(at, struct trace, link));
	map_free(&s->traces);
	map_free(&s->processes);
	free(s);
	*store = NULL;
}

static int trace_make(struct store *s, const uint8_t *id, struct trace **ret)
{
	struct trace *t = calloc(1, sizeof(*t));
	int r = t ? map_put(s->traces, id_key(id), t, NULL) : -ENOMEM;

	if (r < 0) {
		free(t);
		return r;
	}
	memcpy(t->id, id, sizeof(t->id));
	t->bytes = sizeof(*t) + OVERHEAD;
	t->start_ns = INT64_MAX;
	list_push_back(&s->ordinary, &t->link);
	s->stats.traces++;
	s->stats.bytes += t->bytes;
	*ret = t;
	return 0;
}

static int trace_grow(struct store *s, struct trace *t)
{
	size_t capacity = t->capacity ? 2 * t->capacity : SPANS_FIRST;
	struct trace_span **spans;

	if (t->n < t->capacity)
		return 0;
	spans = realloc(t->spans, capacity * sizeof(struct trace_span *));
	if (!spans)
		return -ENOMEM;
	t->bytes += (capacity - t->capacity) * sizeof(struct trace_span *);
	s->stats.bytes += (capacity - t->capacity) * sizeof(struct trace_span *);
	if (is_kept(t))
		s->kept_bytes += (capacity - t->capacity) * sizeof(struct trace_span *);
	t->spans = spans;
	t->capacity = capacity;
	return 0;
}

/* It may have become one that is kept. What changed last stands last. */
static void trace_judge(struct store *s, struct trace *t, const struct trace_span *span)
{
	bool was_kept = is_kept(t);

	t->start_ns = MIN(t->start_ns, span->start_ns);
	t->end_ns = MAX(t->end_ns, span->end_ns);
	t->has_error = t->has_error || span->status == TRACE_STATUS_ERROR;
	t->is_slow = t->is_slow || span->end_ns - span->start_ns >= s->limits.slow_ns;
	if (is_kept(t) && !was_kept) {
		s->stats.traces_kept++;
		s->kept_bytes += t->bytes;
	}
	list_remove(&t->link);
	list_push_back(list_of(s, t), &t->link);
}

/* ---- making room ---- */

static bool is_over(const struct store *s)
{
	return s->stats.traces > s->limits.traces_max || s->stats.bytes > s->limits.bytes_max;
}

/* The kept ones first where they have more than their share; never the one that just came. */
static struct trace *victim(struct store *s, const struct trace *newest)
{
	bool too_many = s->stats.traces_kept * 100 > s->limits.traces_max * s->limits.kept_percent ||
	                s->kept_bytes > s->limits.bytes_max / 100 * s->limits.kept_percent;
	struct list *order[] = { too_many ? &s->kept : &s->ordinary, too_many ? &s->ordinary : &s->kept };

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		struct list *first = order[i]->next;

		if (first != order[i] && first == &newest->link)
			first = first->next;
		if (first != order[i])
			return LIST_ENTRY(first, struct trace, link);
	}
	return NULL;
}

static void room_make(struct store *s, const struct trace *newest)
{
	struct trace *t;

	while (is_over(s) && (t = victim(s, newest))) {
		s->stats.evicted++;
		s->stats.evicted_kept += is_kept(t);
		trace_free(s, t);
	}
}

/* ---- adding ---- */

static bool has_span(const struct trace *t, const struct trace_span *span)
{
	/* Repeats come in the order of what they repeat, and the last come last. */
	for (size_t i = t->n; i > 0; i--)
		if (memcmp(t->spans[i - 1]->span_id, span->span_id, sizeof(span->span_id)) == 0)
			return true;
	return false;
}

static int span_put(struct store *s, struct trace *t, const struct trace_span *span)
{
	struct process *process;
	struct trace_span *copy;
	size_t size;
	int r = trace_grow(s, t);

	if (r == 0)
		r = process_ref(s, span->process, &process);
	if (r < 0)
		return r;
	copy = trace_span_copy(span, &size);
	if (!copy) {
		process_unref(s, process);
		return -ENOMEM;
	}
	copy->process = process->of;
	t->spans[t->n++] = copy;
	t->bytes += size;
	s->stats.bytes += size;
	s->stats.spans++;
	if (is_kept(t))
		s->kept_bytes += size;
	return 0;
}

static const char *is_full(const struct store *s, const struct trace *t, const struct trace_span *span)
{
	if (t->n >= s->limits.spans_max)
		return "a trace has as many spans as are kept of one";
	if (t->bytes + trace_span_size(span) > MIN(s->limits.bytes_max / TRACE_SHARE, (size_t)TRACE_BYTES_MAX))
		return "a trace takes as much memory as one may";
	return NULL;
}

static int add(struct store *s, struct trace *t, const struct trace_span *span, const char **ret_reason)
{
	const char *reason;
	int r;

	if (has_span(t, span)) {
		s->stats.duplicates++;
		return 0;
	}
	reason = is_full(s, t, span);
	if (reason) {
		t->refused++;
		*ret_reason = reason;
		return -ENOSPC;
	}
	r = span_put(s, t, span);
	if (r < 0) {
		*ret_reason = "there is no memory left";
		return r;
	}
	trace_judge(s, t, span);
	room_make(s, t);
	return 0;
}

int store_add(struct store *s, const struct trace_span *span, const char **ret_reason)
{
	struct trace *t = map_get(s->traces, id_key(span->trace_id));
	int r = t ? 0 : trace_make(s, span->trace_id, &t);

	if (r < 0)
		*ret_reason = "there is no memory left";
	else
		r = add(s, t, span, ret_reason);
	if (t && t->n == 0)
		trace_free(s, t);
	s->stats.taken += r == 0;
	s->stats.refused += r < 0;
	return r;
}

/* ---- reading ---- */

const struct trace *store_find(const struct store *s, const uint8_t id[TRACE_ID_LEN])
{
	return map_get(s->traces, id_key(id));
}

const struct trace *store_next(const struct store *s, size_t *cursor)
{
	struct str key;
	void *t;

	return map_next(s->traces, cursor, &key, &t) ? t : NULL;
}

void store_stats_get(const struct store *s, struct store_stats *ret)
{
	*ret = s->stats;
}
