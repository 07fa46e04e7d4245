/* An open-addressed table: cells are never taken out, so that what was found once stays where it is. */
#include "gateway/counters.h"

#include "base/fault.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#define COUNTERS_MAGIC 0x6777636f
#define BUCKETS_MAX 14

/* Microseconds; as those of the services' histograms, up to the 10 s that a request may take. */
static const int64_t bounds_us[BUCKETS_MAX] = { 500,    1000,   2500,   5000,    10000,   25000,   50000,
	                                        100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000 };

struct histogram {
	atomic_ullong count;
	atomic_ullong sum_us;
	atomic_ullong buckets[BUCKETS_MAX];
};

struct counters_cell {
	atomic_bool is_whole;
	char route[ROUTE_LEN_MAX + 1];
	enum route_method method;
	unsigned status;
	struct histogram duration;
	struct histogram upstream;
};

struct counters {
	unsigned magic;
	struct counters_cell other; /* for what finds no place */
	atomic_ullong kinds[COUNTEDS][COUNTERS_KINDS_MAX];
	struct counters_cell cells[COUNTERS_CELLS_MAX];
};

size_t counters_size(void)
{
	return sizeof(struct counters);
}

static void cell_fill(struct counters_cell *cell, const struct counters_key *key)
{
	size_t len = MIN(strlen(key->route), (size_t)ROUTE_LEN_MAX);

	memcpy(cell->route, key->route, len);
	cell->route[len] = '\0';
	cell->method = key->method;
	cell->status = key->status;
	if (fault_hit("gateway.cell")) /* A process that ends right here, as after kill -9. */
		raise(SIGKILL);
	atomic_store_explicit(&cell->is_whole, true, memory_order_release);
}

void counters_init(struct counters *c)
{
	memset(c, 0, sizeof(*c));
	cell_fill(&c->other, &(struct counters_key){ .route = "other", .method = ROUTE_OTHER, .status = 0 });
	c->magic = COUNTERS_MAGIC;
}

static bool is_whole(struct counters_cell *cell)
{
	return atomic_load_explicit(&cell->is_whole, memory_order_acquire);
}

static bool is_same(const struct counters_cell *cell, const struct counters_key *key)
{
	return cell->status == key->status && cell->method == key->method &&
	       strncmp(cell->route, key->route, ROUTE_LEN_MAX) == 0;
}

/* FNV-1a. */
static size_t place_of(const struct counters_key *key)
{
	uint32_t hash = 2166136261u;

	for (const char *at = key->route; *at && at < key->route + ROUTE_LEN_MAX; at++)
		hash = (hash ^ (unsigned char)*at) * 16777619u;
	hash = (hash ^ key->method) * 16777619u;
	hash = (hash ^ key->status) * 16777619u;
	return hash % COUNTERS_CELLS_MAX;
}

/* That of the key, or the first free one; NULL: neither. */
static struct counters_cell *cell_at(struct counters *c, const struct counters_key *key)
{
	size_t place = place_of(key);

	assert(c->magic == COUNTERS_MAGIC);
	for (size_t i = 0; i < COUNTERS_CELLS_MAX; i++) {
		struct counters_cell *cell = &c->cells[(place + i) % COUNTERS_CELLS_MAX];

		if (!is_whole(cell) || is_same(cell, key))
			return cell;
	}
	return NULL;
}

struct counters_cell *counters_find(struct counters *c, const struct counters_key *key)
{
	struct counters_cell *cell = cell_at(c, key);

	if (!cell)
		return &c->other;
	return is_whole(cell) ? cell : NULL;
}

struct counters_cell *counters_make(struct counters *c, const struct counters_key *key)
{
	struct counters_cell *cell = cell_at(c, key);

	if (!cell)
		return &c->other;
	if (!is_whole(cell))
		cell_fill(cell, key);
	return cell;
}

static void add(atomic_ullong *to, uint64_t n)
{
	atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

static uint64_t value_of(atomic_ullong *of)
{
	return atomic_load_explicit(of, memory_order_relaxed);
}

/* Each bucket holds what is in it alone; they are summed up when they are shown. */
static void observe(struct histogram *h, int64_t us)
{
	us = MAX(us, (int64_t)0);
	for (size_t i = 0; i < BUCKETS_MAX; i++) {
		if (us > bounds_us[i])
			continue;
		add(&h->buckets[i], 1);
		break;
	}
	add(&h->sum_us, (uint64_t)us);
	add(&h->count, 1);
}

void counters_duration(struct counters_cell *cell, int64_t us)
{
	observe(&cell->duration, us);
}

void counters_upstream(struct counters_cell *cell, int64_t us)
{
	observe(&cell->upstream, us);
}

void counters_kind(struct counters *c, enum counted what, unsigned kind)
{
	assert(c->magic == COUNTERS_MAGIC && what < COUNTEDS && kind < COUNTERS_KINDS_MAX);
	add(&c->kinds[what][kind], 1);
}

/* ---- the text ---- */

/* Of label values: routes come from files, which may have anything in them. */
static void label_write(const char *value, struct buf *out)
{
	for (; *value; value++) {
		if (*value == '\n') {
			buf_adds(out, "\\n");
			continue;
		}
		if (*value == '"' || *value == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *value);
	}
}

static void labels_write(const struct counters_cell *cell, struct buf *out)
{
	buf_addf(out, "method=\"%s\",route=\"", route_method_name(cell->method));
	label_write(cell->route, out);
	buf_addf(out, "\",status=\"%u\"", cell->status);
}

static void bucket_write(const char *name, const struct counters_cell *cell, const char *bound, struct buf *out)
{
	buf_addf(out, "%s_bucket{", name);
	labels_write(cell, out);
	buf_addf(out, ",le=\"%s\"} ", bound);
}

/* The count is that of the last bucket, so that they agree whatever is added meanwhile. */
static void histogram_write(const char *name, const struct counters_cell *cell, struct histogram *h, struct buf *out)
{
	uint64_t count = value_of(&h->count), below = 0;
	char text[64];

	if (count == 0)
		return;
	for (size_t i = 0; i < BUCKETS_MAX; i++) {
		below += value_of(&h->buckets[i]);
		snprintf(text, sizeof(text), "%g", (double)bounds_us[i] / 1e6);
		bucket_write(name, cell, text, out);
		buf_addf(out, "%llu\n", (unsigned long long)below);
	}
	count = MAX(count, below);
	bucket_write(name, cell, "+Inf", out);
	buf_addf(out, "%llu\n%s_sum{", (unsigned long long)count, name);
	labels_write(cell, out);
	buf_addf(out, "} %.6f\n%s_count{", (double)value_of(&h->sum_us) / 1e6, name);
	labels_write(cell, out);
	buf_addf(out, "} %llu\n", (unsigned long long)count);
}

static void histograms_write(struct counters *c, const char *name, const char *help, size_t offset, struct buf *out)
{
	buf_addf(out, "# HELP %s %s\n# TYPE %s histogram\n", name, help, name);
	for (size_t i = 0; i <= COUNTERS_CELLS_MAX; i++) {
		struct counters_cell *cell = i < COUNTERS_CELLS_MAX ? &c->cells[i] : &c->other;

		if (is_whole(cell))
			histogram_write(name, cell, (struct histogram *)(void *)((char *)cell + offset), out);
	}
}

static void kinds_write(struct counters *c, enum counted what, const struct counters_names *names, struct buf *out)
{
	static const struct {
		const char *name;
		const char *label;
		const char *help;
	} metrics[COUNTEDS] = {
		[COUNTED_AUTH] = { "cinesync_gateway_auth_total", "result",
		                   "Access tokens checked at the gateway, by result." },
		[COUNTED_LIMIT] = { "cinesync_gateway_limited_total", "limit",
		                    "Requests that a limit of the gateway's refused, by limit." },
		[COUNTED_CACHE] = { "cinesync_gateway_cache_total", "state",
		                    "Requests that the gateway's cache was asked for, by what it had." },
	};
	const char *name = metrics[what].name;

	buf_addf(out, "# HELP %s %s\n# TYPE %s counter\n", name, metrics[what].help, name);
	for (size_t i = 0; i < COUNTERS_KINDS_MAX; i++)
		if (names->of[what][i])
			buf_addf(out, "%s{%s=\"%s\"} %llu\n", name, metrics[what].label, names->of[what][i],
			         (unsigned long long)value_of(&c->kinds[what][i]));
}

void counters_write(struct counters *c, const struct counters_names *names, struct buf *out)
{
	assert(c->magic == COUNTERS_MAGIC);
	histograms_write(c, "http_server_request_duration_seconds", "From a request's line to its answer, by route.",
	                 offsetof(struct counters_cell, duration), out);
	histograms_write(c, "cinesync_gateway_upstream_duration_seconds", "Of that, in the service behind the gateway.",
	                 offsetof(struct counters_cell, upstream), out);
	for (enum counted what = 0; what < COUNTEDS; what++)
		kinds_write(c, what, names, out);
}
