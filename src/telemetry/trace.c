/* W3C Trace Context, level 2 (https://www.w3.org/TR/trace-context-2/): trace ids in, made and out.
 *
 * Everything read here comes from strangers. Nothing allocates or yields; a tracestate of any length costs one pass and
 * at most 32 entries on the stack. The only state is the sampler's. */
#include "telemetry/trace.h"

#include "base/random.h"
#include "telemetry/trace_id.h"

#include <endian.h>
#include <stdatomic.h>

#define TRACEPARENT_LEN (TRACEPARENT_SIZE - 1)
#define MEMBERS_MAX 32
#define KEY_SIZE_MAX 256
#define VALUE_SIZE_MAX 256
#define MEMBER_SIZE_LONG 128 /* entries over it go first when there are too many characters */
#define RANDOMNESS_BITS 56

/* A trace is sampled when the low 56 bits of its id are at or over this; 0: every trace. */
static _Atomic uint64_t sample_threshold;
static _Atomic bool sample_ignores_parents;

struct member {
	struct str key;
	struct str whole; /* key=value */
};

struct members {
	struct member list[MEMBERS_MAX];
	size_t n;
	size_t size; /* with the commas between them */
};

static bool hex_is_lower(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!((s.data[i] >= '0' && s.data[i] <= '9') || (s.data[i] >= 'a' && s.data[i] <= 'f')))
			return false;
	return true;
}

static unsigned hex_digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static bool id_is_valid(struct str id)
{
	return hex_is_lower(id) && strspn(id.data, "0") < id.len;
}

static bool version_is_valid(struct str s)
{
	struct str version = str_slice(s, 0, 2);

	if (!hex_is_lower(version) || str_equal(version, STR("ff")))
		return false;
	if (str_equal(version, STR("00")))
		return s.len == TRACEPARENT_LEN;
	return s.len == TRACEPARENT_LEN || s.data[TRACEPARENT_LEN] == '-';
}

static bool traceparent_parse(struct str s, struct context *ret)
{
	char copy[TRACEPARENT_SIZE]; /* NUL-terminated, which the header need not be */
	struct str trace_id = { copy + 3, TRACE_ID_SIZE - 1 };
	struct str span_id = { copy + 36, SPAN_ID_SIZE - 1 };
	struct str flags = { copy + 53, 2 };

	if (s.len < TRACEPARENT_LEN || !version_is_valid(s))
		return false;
	memcpy(copy, s.data, TRACEPARENT_LEN);
	copy[TRACEPARENT_LEN] = '\0';
	if (copy[2] != '-' || copy[35] != '-' || copy[52] != '-')
		return false;
	if (!id_is_valid(trace_id) || !id_is_valid(span_id) || !hex_is_lower(flags))
		return false;
	memcpy(ret->trace_id, trace_id.data, trace_id.len);
	ret->trace_id[trace_id.len] = '\0';
	memcpy(ret->span_id, span_id.data, span_id.len);
	ret->span_id[span_id.len] = '\0';
	ret->trace_flags = (uint8_t)(hex_digit(flags.data[1]) & (TRACE_FLAG_SAMPLED | TRACE_FLAG_RANDOM));
	return true;
}

static bool key_char_is_valid(char c, bool first)
{
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
		return true;
	return !first && c != '\0' && strchr("_-*/@", c);
}

static bool key_is_valid(struct str key)
{
	if (key.len == 0 || key.len > KEY_SIZE_MAX)
		return false;
	for (size_t i = 0; i < key.len; i++)
		if (!key_char_is_valid(key.data[i], i == 0))
			return false;
	return true;
}

static bool value_is_valid(struct str value)
{
	if (value.len == 0 || value.len > VALUE_SIZE_MAX)
		return false;
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] < 0x20 || value.data[i] > 0x7e || value.data[i] == '=' || value.data[i] == ',')
			return false;
	return true;
}

static bool members_has(const struct members *m, struct str key)
{
	for (size_t i = 0; i < m->n; i++)
		if (str_equal(m->list[i].key, key))
			return true;
	return false;
}

static bool members_add(struct members *m, struct str whole)
{
	ptrdiff_t equals = str_index(whole, '=', 0);
	struct str key = str_slice(whole, 0, equals < 0 ? 0 : (size_t)equals);

	if (equals < 0 || !key_is_valid(key) || !value_is_valid(str_slice(whole, (size_t)equals + 1, whole.len)))
		return false;
	if (m->n == MEMBERS_MAX || members_has(m, key))
		return false;
	m->size += whole.len + (m->n > 0);
	m->list[m->n++] = (struct member){ key, whole };
	return true;
}

static bool members_parse(struct str s, struct members *ret)
{
	size_t from = 0;

	ret->n = 0;
	ret->size = 0;
	while (from < s.len) {
		ptrdiff_t comma = str_index(s, ',', from);
		size_t to = comma < 0 ? s.len : (size_t)comma;
		struct str whole = str_trim(str_slice(s, from, to));

		/* Empty members are allowed: they come from joining empty headers. */
		if (whole.len > 0 && !members_add(ret, whole))
			return false;
		from = to + 1;
	}
	return true;
}

static void members_remove(struct members *m, size_t at)
{
	m->size -= m->list[at].whole.len + (m->n > 1);
	m->n--;
	memmove(&m->list[at], &m->list[at + 1], (m->n - at) * sizeof(m->list[0]));
}

static void members_shrink(struct members *m)
{
	for (size_t i = m->n; i-- > 0 && m->size >= TRACESTATE_SIZE;)
		if (m->list[i].whole.len > MEMBER_SIZE_LONG)
			members_remove(m, i);
	while (m->size >= TRACESTATE_SIZE)
		members_remove(m, m->n - 1);
}

static void tracestate_parse(struct str s, char ret[TRACESTATE_SIZE])
{
	struct members m;
	size_t at = 0;

	ret[0] = '\0';
	if (str_is_null(s) || !members_parse(s, &m))
		return;
	members_shrink(&m);
	for (size_t i = 0; i < m.n; i++) {
		if (i > 0)
			ret[at++] = ',';
		memcpy(ret + at, m.list[i].whole.data, m.list[i].whole.len);
		at += m.list[i].whole.len;
	}
	ret[at] = '\0';
}

static bool is_sampled(uint64_t randomness)
{
	return randomness >= atomic_load_explicit(&sample_threshold, memory_order_relaxed);
}

static void sample_anew(struct context *c)
{
	const char *low = c->trace_id + TRACE_ID_SIZE - 1 - RANDOMNESS_BITS / 4;
	uint64_t randomness = 0;

	for (size_t i = 0; i < RANDOMNESS_BITS / 4; i++)
		randomness = randomness << 4 | hex_digit(low[i]);
	c->trace_flags &= (uint8_t)~TRACE_FLAG_SAMPLED;
	if (is_sampled(randomness))
		c->trace_flags |= TRACE_FLAG_SAMPLED;
}

bool trace_parse(struct str traceparent, struct str tracestate, struct context *ret)
{
	assert(ret);
	if (str_is_null(traceparent) || !traceparent_parse(str_trim(traceparent), ret))
		return false;
	tracestate_parse(tracestate, ret->tracestate);
	ret->span = NULL;
	if (atomic_load_explicit(&sample_ignores_parents, memory_order_relaxed))
		sample_anew(ret);
	return true;
}

void trace_format(const struct context *c, char ret[TRACEPARENT_SIZE])
{
	unsigned flags = c->trace_flags & (TRACE_FLAG_SAMPLED | TRACE_FLAG_RANDOM);

	assert(c->trace_id[0] != '\0' && c->span_id[0] != '\0');
	memcpy(ret, "00-", 3);
	memcpy(ret + 3, c->trace_id, TRACE_ID_SIZE - 1);
	ret[35] = '-';
	memcpy(ret + 36, c->span_id, SPAN_ID_SIZE - 1);
	memcpy(ret + 52, "-0", 2);
	ret[54] = (char)('0' + flags);
	ret[55] = '\0';
}

void trace_sample_set(double ratio, bool is_parent_based)
{
	double never = (double)(1ULL << RANDOMNESS_BITS);

	/* Written so that a NaN samples everything. */
	if (!(ratio < 1.0))
		ratio = 1.0;
	if (ratio < 0.0)
		ratio = 0.0;
	atomic_store_explicit(&sample_threshold, (uint64_t)((1.0 - ratio) * never), memory_order_relaxed);
	atomic_store_explicit(&sample_ignores_parents, !is_parent_based, memory_order_relaxed);
}

/* Eight lower-case hexadecimal digits, all at once: each four bits get a byte, and a letter is 39 further on. */
static void hex_eight(uint32_t value, char *ret)
{
	uint64_t digits = value, letters;

	digits = (digits | digits << 16) & UINT64_C(0x0000ffff0000ffff);
	digits = (digits | digits << 8) & UINT64_C(0x00ff00ff00ff00ff);
	digits = (digits | digits << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	letters = (digits + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
	digits = htobe64(digits + UINT64_C(0x3030303030303030) + letters * ('a' - '0' - 10));
	memcpy(ret, &digits, sizeof(digits));
}

static void hex_write(uint64_t value, char *ret)
{
	hex_eight((uint32_t)(value >> 32), ret);
	hex_eight((uint32_t)value, ret + 8);
}

void trace_span_id_new(char ret[SPAN_ID_SIZE])
{
	uint64_t id;

	do
		id = random_quick();
	while (id == 0);
	hex_write(id, ret);
	ret[SPAN_ID_SIZE - 1] = '\0';
}

void trace_new(struct context *ret)
{
	uint64_t high = random_quick(), low;

	do
		low = random_quick();
	while (low == 0);
	hex_write(high, ret->trace_id);
	hex_write(low, ret->trace_id + 16);
	ret->trace_id[TRACE_ID_SIZE - 1] = '\0';
	trace_span_id_new(ret->span_id);
	ret->trace_flags = TRACE_FLAG_RANDOM;
	if (is_sampled(low & (((uint64_t)1 << RANDOMNESS_BITS) - 1)))
		ret->trace_flags |= TRACE_FLAG_SAMPLED;
	ret->tracestate[0] = '\0';
	ret->span = NULL;
}
