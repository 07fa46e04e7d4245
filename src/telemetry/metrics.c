/* The metric registry and its text form.
 *
 * Metrics and their cells live as long as the process; both hang on static lists, in the order they were made. One
 * mutex guards the lists (declaring, looking up, rendering); values are atomics, a double as the bits of a uint64.
 * Limits: METRIC_LABELS_MAX names, METRIC_LABEL_SETS_MAX cells a metric, METRIC_LABEL_VALUE_SIZE_MAX bytes a value:
 * label values may come from requests. */
#include "telemetry/metrics.h"

#include "base/map.h"
#include "base/utf8.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define METRIC_MAGIC 0x6d657472
#define CELL_MAGIC 0x63656c6c
#define KEY_SIZE_MAX (METRIC_LABELS_MAX * (METRIC_LABEL_VALUE_SIZE_MAX + 1))
#define LABELS_TEXT_SIZE_MAX (64 * 1024)

struct metric {
	unsigned magic;
	enum metric_type type;
	const char *name;
	const char *help;
	const char *const *labels;
	size_t n_labels;
	double *buckets;
	size_t n_buckets;
	bool is_asked;     /* declared by metric_callback(): its one cell has a function */
	struct map *cells; /* by label values */
	struct metric_cell *first;
	struct metric_cell *last;
	struct metric *next;
};

struct metric_cell {
	unsigned magic;
	const struct metric *metric;
	struct metric_cell *next;
	double (*callback)(void *arg); /* NULL: `value` is it. Under the registry's lock, as is its arg */
	void *callback_arg;
	char *labels;                 /* `method="GET",status="200"`, "" without labels */
	_Atomic uint64_t value;       /* a histogram's sum */
	_Atomic uint64_t in_bucket[]; /* n_buckets + 1, not cumulative; the last is everything above */
};

static const double seconds_default[] = {
	0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10
};

static pthread_mutex_t registry_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct metric *registry_first;
static struct metric *registry_last;

static void registry_lock(void)
{
	int r = pthread_mutex_lock(&registry_mutex);

	assert(r == 0);
}

static void registry_unlock(void)
{
	int r = pthread_mutex_unlock(&registry_mutex);

	assert(r == 0);
}

static void *alloc_or_abort(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		abort();
	return p;
}

static double bits_to_double(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
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
	registry_lock();
	m = registry_get(type, name, help, &is_new);
	assert(is_new || (m->n_labels == n_labels && !m->is_asked));
	if (is_new) {
		m->labels = labels;
		m->n_labels = n_labels;
		if (type == METRIC_HISTOGRAM)
			buckets_set(m, buckets, n_buckets);
	}
	registry_unlock();
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
	registry_lock();
	c = cell_get(m, values);
	registry_unlock();
	return c;
}

void metric_callback(const char *name, const char *help, enum metric_type type, double (*value)(void *arg), void *arg)
{
	struct metric *m;
	struct metric_cell *c;
	bool is_new;

	assert(type != METRIC_HISTOGRAM && value);
	registry_lock();
	m = registry_get(type, name, help, &is_new);
	assert(is_new || m->is_asked);
	m->is_asked = true;
	c = cell_get(m, NULL);
	c->callback = value;
	c->callback_arg = arg;
	registry_unlock();
}

void metric_cell_callback(struct metric_cell *c, double (*value)(void *arg), void *arg)
{
	assert(c && c->magic == CELL_MAGIC && c->metric->type != METRIC_HISTOGRAM && value);
	registry_lock();
	c->callback = value;
	c->callback_arg = arg;
	registry_unlock();
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
	registry_lock();
	if (c->callback && c->callback_arg == arg)
		cell_freeze(c);
	registry_unlock();
}

void metrics_freeze(void)
{
	registry_lock();
	for (struct metric *m = registry_first; m; m = m->next)
		for (struct metric_cell *c = m->first; c; c = c->next)
			if (c->callback)
				cell_freeze(c);
	registry_unlock();
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

void metric_observe(struct metric_cell *c, double value)
{
	const struct metric *m;
	size_t i = 0;

	assert(c && c->magic == CELL_MAGIC && c->metric->type == METRIC_HISTOGRAM);
	m = c->metric;
	if (isnan(value))
		return;
	while (i < m->n_buckets && value > m->buckets[i])
		i++;
	atomic_fetch_add_explicit(&c->in_bucket[i], 1, memory_order_relaxed);
	atomic_add_double(&c->value, value);
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

static void number_write(struct buf *out, double value)
{
	if (isnan(value))
		buf_adds(out, "NaN");
	else if (isinf(value))
		buf_adds(out, value > 0 ? "+Inf" : "-Inf");
	else
		buf_add_double(out, value);
}

static void help_write(struct buf *out, const struct metric *m)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };

	buf_addf(out, "# HELP %s ", m->name);
	for (const char *c = m->help; *c; c++) {
		if (*c == '\n')
			buf_adds(out, "\\n");
		else if (*c == '\\')
			buf_adds(out, "\\\\");
		else
			buf_addc(out, *c);
	}
	buf_addf(out, "\n# TYPE %s %s\n", m->name, types[m->type]);
}

static void sample_write(struct buf *out, const char *name, const char *suffix, const char *labels, double value)
{
	buf_addf(out, "%s%s", name, suffix);
	if (labels[0] != '\0')
		buf_addf(out, "{%s}", labels);
	buf_addc(out, ' ');
	number_write(out, value);
	buf_addc(out, '\n');
}

static void bucket_write(struct buf *out, const struct metric_cell *c, double bound, uint64_t count)
{
	buf_addf(out, "%s_bucket{%s%sle=\"", c->metric->name, c->labels, c->labels[0] != '\0' ? "," : "");
	number_write(out, bound);
	buf_addf(out, "\"} %llu\n", (unsigned long long)count);
}

static void histogram_write(struct buf *out, const struct metric_cell *c)
{
	const struct metric *m = c->metric;
	uint64_t count = 0;

	for (size_t i = 0; i <= m->n_buckets; i++) {
		count += atomic_load_explicit(&c->in_bucket[i], memory_order_relaxed);
		bucket_write(out, c, i < m->n_buckets ? m->buckets[i] : INFINITY, count);
	}
	sample_write(out, m->name, "_sum", c->labels,
	             bits_to_double(atomic_load_explicit(&c->value, memory_order_relaxed)));
	sample_write(out, m->name, "_count", c->labels, (double)count);
}

static void metric_write(struct buf *out, const struct metric *m)
{
	help_write(out, m);
	for (const struct metric_cell *c = m->first; c; c = c->next) {
		if (m->type == METRIC_HISTOGRAM)
			histogram_write(out, c);
		else
			sample_write(out, m->name, "", c->labels,
			             c->callback ? c->callback(c->callback_arg) : metric_get(c));
	}
}

void metrics_write(struct buf *out)
{
	registry_lock();
	for (const struct metric *m = registry_first; m; m = m->next)
		metric_write(out, m);
	registry_unlock();
}
