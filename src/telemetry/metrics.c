/* The metric registry.
 *
 * Metrics and their cells live as long as the process; both hang on static lists, in the order they were made. One
 * mutex guards the lists (declaring, looking up, rendering); values are atomics, a double as the bits of a uint64.
 * Limits: METRIC_LABELS_MAX names, METRIC_LABEL_SETS_MAX cells a metric, METRIC_LABEL_VALUE_SIZE_MAX bytes a value:
 * label values may come from requests. */
#include "telemetry/metrics_internal.h"

#include "base/map.h"
#include "base/utf8.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#define METRIC_MAGIC 0x6d657472
#define CELL_MAGIC 0x63656c6c
#define KEY_SIZE_MAX (METRIC_LABELS_MAX * (METRIC_LABEL_VALUE_SIZE_MAX + 1))
#define LABELS_TEXT_SIZE_MAX (64 * 1024)
#define EXEMPLAR_MS 1000 /* a bucket's is not replaced sooner */

static const double seconds_default[] = {
	0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10
};

static pthread_mutex_t registry_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct metric *registry_first;
static struct metric *registry_last;

void metrics_lock(void)
{
	int r = pthread_mutex_lock(&registry_mutex);

	assert(r == 0);
}

void metrics_unlock(void)
{
	int r = pthread_mutex_unlock(&registry_mutex);

	assert(r == 0);
}

const struct metric *metrics_first(void)
{
	return registry_first;
}

static void *alloc_or_abort(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		abort();
	return p;
}

static uint64_t double_to_bits(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static void atomic_add_double(_Atomic uint64_t *bits, double delta)
{
	uint64_t old = atomic_load_explicit(bits, memory_order_relaxed);

	while (!atomic_compare_exchange_weak_explicit(bits, &old, double_to_bits(bits_to_double(old) + delta),
	                                              memory_order_relaxed, memory_order_relaxed))
		;
}

static bool name_is_valid(const char *name, bool colon)
{
	for (const char *c = name; *c; c++) {
		bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_';

		if (!letter && !(colon && *c == ':') && !(c > name && *c >= '0' && *c <= '9'))
			return false;
	}
	return *name != '\0';
}

static size_t labels_check(const char *const *labels, enum metric_type type)
{
	size_t n = 0;

	for (; labels && labels[n]; n++) {
		assert(name_is_valid(labels[n], false) && strncmp(labels[n], "__", 2) != 0);
		assert(type != METRIC_HISTOGRAM || strcmp(labels[n], "le") != 0);
	}
	assert(n <= METRIC_LABELS_MAX);
	return n;
}

static void buckets_set(struct metric *m, const double *buckets, size_t n)
{
	if (!buckets) {
		buckets = seconds_default;
		n = ARRAY_SIZE(seconds_default);
	}
	m->buckets = alloc_or_abort((n + 1) * sizeof(double));
	m->n_buckets = n;
	for (size_t i = 0; i < n; i++) {
		assert(isfinite(buckets[i]) && (i == 0 || buckets[i - 1] < buckets[i]));
		m->buckets[i] = buckets[i];
	}
}

static struct metric *registry_find(const char *name)
{
	for (struct metric *m = registry_first; m; m = m->next)
		if (strcmp(m->name, name) == 0)
			return m;
	return NULL;
}

/* The metric of that name, made when it is new; the lock is held. */
static struct metric *registry_get(enum metric_type type, const char *name, const char *help, bool *ret_new)
{
	struct metric *m = registry_find(name);

	assert(!m || m->type == type);
	*ret_new = !m;
	if (m)
		return m;
	assert(name_is_valid(name, true) && help);
	m = alloc_or_abort(sizeof(*m));
	m->magic = METRIC_MAGIC;
	m->type = type;
	m->name = name;
	m->help = help;
	if (map_new(METRIC_LABEL_SETS_MAX + 1, &m->cells) < 0)
		abort();
	if (registry_last)
		registry_last->next = m;
	else
		registry_first = m;
	registry_last = m;
	return m;
}

struct metric *metric_new(enum metric_type type, const char *name, const char *help, const char *const *labels,
                          const double *buckets, size_t n_buckets)
{
	size_t n_labels = labels_check(labels, type);
	struct metric *m;
	bool is_new;

	assert(type == METRIC_HISTOGRAM || !buckets);
	metrics_lock();
	m = registry_get(type, name, help, &is_new);
	assert(is_new || (m->n_labels == n_labels && !m->is_asked));
	if (is_new) {
		m->labels = labels;
		m->n_labels = n_labels;
		if (type == METRIC_HISTOGRAM)
			buckets_set(m, buckets, n_buckets);
	}
	metrics_unlock();
	if (n_labels == 0)
		(void)metric_cell(m, NULL);
	return m;
}

static struct str label_value_cut(const char *value)
{
	struct str s = { value, strnlen(value, METRIC_LABEL_VALUE_SIZE_MAX + 1) };

	if (s.len <= METRIC_LABEL_VALUE_SIZE_MAX)
		return s;
	s.len = METRIC_LABEL_VALUE_SIZE_MAX;
	while (s.len > 0 && ((unsigned char)value[s.len] & 0xc0) == 0x80)
		s.len--;
	return s;
}

static struct str key_make(const struct metric *m, const char *const *values, char ret[KEY_SIZE_MAX])
{
	size_t at = 0;

	for (size_t i = 0; i < m->n_labels; i++) {
		struct str value = label_value_cut(values[i]);

		memcpy(ret + at, value.data, value.len);
		at += value.len;
		ret[at++] = '\0'; /* no value holds one, so that no two sets share a key */
	}
	return (struct str){ ret, at };
}

static void label_value_write(struct buf *b, struct str value)
{
	size_t pos = 0;

	while (pos < value.len) {
		size_t from = pos;
		uint32_t cp;

		if (utf8_next(value, &pos, &cp) < 0)
			buf_adds(b, "\xef\xbf\xbd");
		else if (cp == '\n')
			buf_adds(b, "\\n");
		else if (cp == '"' || cp == '\\')
			buf_addf(b, "\\%c", (char)cp);
		else
			buf_add_str(b, str_slice(value, from, pos));
	}
}

static char *labels_render(const struct metric *m, const char *const *values)
{
	struct buf b;
	char *text;
	size_t len;

	buf_init(&b, LABELS_TEXT_SIZE_MAX);
	buf_adds(&b, "");
	for (size_t i = 0; i < m->n_labels; i++) {
		buf_addf(&b, "%s%s=\"", i > 0 ? "," : "", m->labels[i]);
		label_value_write(&b, label_value_cut(values[i]));
		buf_addc(&b, '"');
	}
	if (b.len == 0) {
		buf_done(&b);
		return alloc_or_abort(1);
	}
	text = buf_steal(&b, &len);
	if (!text)
		abort();
	return text;
}

static struct metric_cell *cell_make(struct metric *m, struct str key, const char *const *values)
{
	struct metric_cell *c = alloc_or_abort(sizeof(*c) + (m->n_buckets + 1) * sizeof(c->in_bucket[0]));
	void *old;

	c->magic = CELL_MAGIC;
	c->metric = m;
	c->labels = labels_render(m, values);
	if (map_put(m->cells, key, c, &old) < 0)
		abort();
	if (m->last)
		m->last->next = c;
	else
		m->first = c;
	m->last = c;
	return c;
}

static struct metric_cell *cell_get(struct metric *m, const char *const *values)
{
	char key_data[KEY_SIZE_MAX];
	struct str key = key_make(m, values, key_data);
	struct metric_cell *c = map_get(m->cells, key);
	const char *other[METRIC_LABELS_MAX];

	if (c)
		return c;
	if (map_count(m->cells) < METRIC_LABEL_SETS_MAX)
		return cell_make(m, key, values);
	for (size_t i = 0; i < m->n_labels; i++)
		other[i] = "other";
	key = key_make(m, other, key_data);
	c = map_get(m->cells, key);
	return c ? c : cell_make(m, key, other);
}

struct metric_cell *metric_cell(struct metric *m, const char *const *values)
{
	struct metric_cell *c;

	assert(m && m->magic == METRIC_MAGIC && !m->is_asked);
	metrics_lock();
	c = cell_get(m, values);
	metrics_unlock();
	return c;
}

void metric_callback(const char *name, const char *help, enum metric_type type, double (*value)(void *arg), void *arg)
{
	struct metric *m;
	struct metric_cell *c;
	bool is_new;

	assert(type != METRIC_HISTOGRAM && value);
	metrics_lock();
	m = registry_get(type, name, help, &is_new);
	assert(is_new || m->is_asked);
	m->is_asked = true;
	c = cell_get(m, NULL);
	c->callback = value;
	c->callback_arg = arg;
	metrics_unlock();
}

void metric_cell_callback(struct metric_cell *c, double (*value)(void *arg), void *arg)
{
	assert(c && c->magic == CELL_MAGIC && c->metric->type != METRIC_HISTOGRAM && value);
	metrics_lock();
	c->callback = value;
	c->callback_arg = arg;
	metrics_unlock();
}

/* The lock is held. */
static void cell_freeze(struct metric_cell *c)
{
	double last = c->callback(c->callback_arg);

	atomic_store_explicit(&c->value, double_to_bits(last), memory_order_relaxed);
	c->callback = NULL;
}

void metric_cell_callback_end(struct metric_cell *c, void *arg)
{
	assert(c && c->magic == CELL_MAGIC);
	metrics_lock();
	if (c->callback && c->callback_arg == arg)
		cell_freeze(c);
	metrics_unlock();
}

void metrics_freeze(void)
{
	metrics_lock();
	for (struct metric *m = registry_first; m; m = m->next)
		for (struct metric_cell *c = m->first; c; c = c->next)
			if (c->callback)
				cell_freeze(c);
	metrics_unlock();
}

void metric_add(struct metric_cell *c, double delta)
{
	assert(c && c->magic == CELL_MAGIC && c->metric->type != METRIC_HISTOGRAM);
	assert(c->metric->type == METRIC_GAUGE || delta >= 0);
	atomic_add_double(&c->value, delta);
}

void metric_set(struct metric_cell *c, double value)
{
	assert(c && c->magic == CELL_MAGIC && c->metric->type == METRIC_GAUGE);
	atomic_store_explicit(&c->value, double_to_bits(value), memory_order_relaxed);
}

/* The bucket that it is in; SIZE_MAX: none. */
static size_t observe(struct metric_cell *c, double value)
{
	const struct metric *m;
	size_t i = 0;

	assert(c && c->magic == CELL_MAGIC && c->metric->type == METRIC_HISTOGRAM);
	m = c->metric;
	if (isnan(value))
		return SIZE_MAX;
	while (i < m->n_buckets && value > m->buckets[i])
		i++;
	atomic_fetch_add_explicit(&c->in_bucket[i], 1, memory_order_relaxed);
	atomic_add_double(&c->value, value);
	return i;
}

void metric_observe(struct metric_cell *c, double value)
{
	(void)observe(c, value);
}

/* NULL: out of memory. */
static struct exemplar *exemplars_get(struct metric_cell *c)
{
	struct exemplar *there = atomic_load_explicit(&c->exemplars, memory_order_acquire), *made;

	if (there)
		return there;
	made = calloc(c->metric->n_buckets + 1, sizeof(*made));
	if (!made || atomic_compare_exchange_strong(&c->exemplars, &there, made))
		return made;
	free(made);
	return there;
}

static void exemplar_set(struct exemplar *e, double value, const char *trace_id, int64_t real_ms)
{
	/* Unsigned: the machine's clock may have gone back. */
	if ((uint64_t)(real_ms - atomic_load_explicit(&e->real_ms, memory_order_relaxed)) < EXEMPLAR_MS ||
	    atomic_flag_test_and_set_explicit(&e->is_busy, memory_order_acquire))
		return;
	memcpy(e->trace_id, trace_id, TRACE_ID_SIZE);
	e->value = value;
	atomic_store_explicit(&e->real_ms, real_ms, memory_order_relaxed);
	atomic_flag_clear_explicit(&e->is_busy, memory_order_release);
}

void metric_observe_traced(struct metric_cell *c, double value, const char *trace_id, int64_t real_ms)
{
	size_t bucket = observe(c, value);
	struct exemplar *all;

	assert(strnlen(trace_id, TRACE_ID_SIZE) == TRACE_ID_SIZE - 1);
	if (bucket == SIZE_MAX)
		return;
	all = exemplars_get(c);
	if (all)
		exemplar_set(&all[bucket], value, trace_id, real_ms);
}

double metric_get(const struct metric_cell *c)
{
	uint64_t count = 0;

	assert(c && c->magic == CELL_MAGIC);
	if (c->metric->type != METRIC_HISTOGRAM)
		return bits_to_double(atomic_load_explicit(&c->value, memory_order_relaxed));
	for (size_t i = 0; i <= c->metric->n_buckets; i++)
		count += atomic_load_explicit(&c->in_bucket[i], memory_order_relaxed);
	return (double)count;
}
