/* Every trace is looked at: there are two thousand, and whoever asks is a person. */
#include "trace/query.h"

#include "base/buf.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

void query_init(struct query *q)
{
	*q = (struct query){ .max_ns = INT64_MAX, .end_ns = INT64_MAX };
}

const char *trace_kind_name(enum trace_kind kind)
{
	static const char *const names[] = { "unspecified", "internal", "server", "client", "producer", "consumer" };

	return names[kind];
}

/* ---- tags ---- */

static bool value_is(const struct trace_attribute *a, struct str wanted)
{
	struct buf text CLEANUP(buf_done);

	buf_init(&text, 64);
	if (a->kind == TRACE_TEXT)
		return str_equal(a->text, wanted);
	if (a->kind == TRACE_BOOL)
		buf_adds(&text, a->value.boolean ? "true" : "false");
	else if (a->kind == TRACE_INT)
		buf_add_int(&text, a->value.integer);
	else
		buf_add_double(&text, a->value.number);
	return str_equal(buf_str(&text), wanted);
}

static bool attributes_have(const struct trace_attribute *attributes, size_t n, const struct query_tag *tag)
{
	for (size_t i = 0; i < n; i++)
		if (str_equal(attributes[i].key, tag->key) && value_is(&attributes[i], tag->value))
			return true;
	return false;
}

/* The tags that are none of the span's attributes, but shown as if they were. */
static bool made_tag_is(const struct trace_span *s, const struct query_tag *tag)
{
	bool is_error = s->status == TRACE_STATUS_ERROR;

	if (str_equal(tag->key, STR("error")))
		return str_equal(tag->value, is_error ? STR("true") : STR("false"));
	if (str_equal(tag->key, STR("span.kind")))
		return str_equal(tag->value, str_from(trace_kind_name(s->kind)));
	if (str_equal(tag->key, STR("otel.status_code")))
		return str_equal(tag->value, is_error ? STR("ERROR") : STR("OK")) && s->status != TRACE_STATUS_UNSET;
	return false;
}

static bool tag_is(const struct trace_span *s, const struct query_tag *tag)
{
	if (made_tag_is(s, tag) || attributes_have(s->attributes, s->n_attributes, tag) ||
	    attributes_have(s->process->attributes, s->process->n_attributes, tag))
		return true;
	for (size_t i = 0; i < s->n_events; i++)
		if (attributes_have(s->events[i].attributes, s->events[i].n_attributes, tag))
			return true;
	return false;
}

/* ---- spans ---- */

static bool span_matches(const struct query *q, const struct trace_span *s)
{
	int64_t took_ns = s->end_ns - s->start_ns;

	if (took_ns < q->min_ns || took_ns > q->max_ns || s->start_ns < q->start_ns || s->start_ns > q->end_ns)
		return false;
	if (q->service.data && !str_equal(s->process->service, q->service))
		return false;
	if (q->operation.data && !str_equal(s->name, q->operation))
		return false;
	for (size_t i = 0; i < q->n_tags; i++)
		if (!tag_is(s, &q->tags[i]))
			return false;
	return true;
}

/* What is kept has a NUL behind it; what stands behind one within is not looked at. */
static bool has_text(struct str text, struct str wanted)
{
	return text.data && strcasestr(text.data, wanted.data);
}

static bool attributes_have_text(const struct trace_attribute *attributes, size_t n, struct str wanted)
{
	for (size_t i = 0; i < n; i++)
		if (has_text(attributes[i].text, wanted))
			return true;
	return false;
}

static bool span_has_text(const struct trace_span *s, struct str wanted)
{
	if (has_text(s->name, wanted) || has_text(s->process->service, wanted) || has_text(s->status_text, wanted) ||
	    attributes_have_text(s->attributes, s->n_attributes, wanted))
		return true;
	for (size_t i = 0; i < s->n_events; i++)
		if (has_text(s->events[i].name, wanted) ||
		    attributes_have_text(s->events[i].attributes, s->events[i].n_attributes, wanted))
			return true;
	return false;
}

static bool trace_has_text(const struct trace *t, struct str wanted)
{
	char id[2 * TRACE_ID_LEN + 1];

	for (size_t i = 0; i < TRACE_ID_LEN; i++)
		snprintf(id + 2 * i, 3, "%02x", t->id[i]);
	if (wanted.len >= 4 && strncasecmp(id, wanted.data, wanted.len) == 0)
		return true;
	for (size_t i = 0; i < t->n; i++)
		if (span_has_text(t->spans[i], wanted))
			return true;
	return false;
}

bool query_matches(const struct query *q, const struct trace *t)
{
	bool is_found = false;

	if (t->end_ns < q->start_ns || t->start_ns > q->end_ns)
		return false;
	for (size_t i = 0; i < t->n && !is_found; i++)
		is_found = span_matches(q, t->spans[i]);
	return is_found && (!q->text.data || trace_has_text(t, q->text));
}

static int later_first(const void *a, const void *b)
{
	const struct trace *left = *(const struct trace *const *)a, *right = *(const struct trace *const *)b;

	if (left->start_ns != right->start_ns)
		return left->start_ns > right->start_ns ? -1 : 1;
	return memcmp(left->id, right->id, sizeof(left->id));
}

int query_run(const struct query *q, const struct store *s, struct arena *a, const struct trace ***ret, size_t *ret_n)
{
	const struct trace **found, *t;
	struct store_stats stats;
	size_t cursor = 0, n = 0;

	store_stats_get(s, &stats);
	found = arena_array(a, stats.traces, sizeof(*found));
	if (!found)
		return -ENOMEM;
	while ((t = store_next(s, &cursor)))
		if (query_matches(q, t))
			found[n++] = t;
	qsort(found, n, sizeof(*found), later_first);
	*ret = found;
	*ret_n = n;
	return 0;
}

/* ---- reading what is asked ---- */

static int tag_value(const json_t *value, struct arena *a, struct str *ret)
{
	struct buf text CLEANUP(buf_done);

	buf_init(&text, 4096);
	if (json_is_string(value))
		buf_add_str(&text, (struct str){ json_string_value(value), json_string_length(value) });
	else if (json_is_integer(value))
		buf_add_int(&text, json_integer_value(value));
	else if (json_is_real(value))
		buf_add_double(&text, json_real_value(value));
	else if (json_is_boolean(value))
		buf_adds(&text, json_is_true(value) ? "true" : "false");
	else
		return -EINVAL;
	return buf_error(&text) < 0 ? -EINVAL : arena_copy(a, buf_str(&text), ret);
}

int query_tags_parse(struct str text, struct arena *a, const struct query_tag **ret, size_t *ret_n)
{
	json_t *root = json_loadb(text.data, text.len, 0, NULL), *value;
	size_t n = json_object_size(root), at = 0;
	struct query_tag *tags = arena_array(a, n, sizeof(*tags));
	const char *key;
	int r = !json_is_object(root) ? -EINVAL : tags ? 0 : -ENOMEM;

	if (r == 0) {
		json_object_foreach(root, key, value)
		{
			r = arena_copy(a, str_from(key), &tags[at].key);
			if (r == 0)
				r = tag_value(value, a, &tags[at++].value);
			if (r < 0)
				break;
		}
	}
	json_decref(root);
	if (r == 0) {
		*ret = tags;
		*ret_n = n;
	}
	return r;
}

static int unit_take(struct str *text, int64_t *ret_ns)
{
	static const struct {
		struct str name;
		int64_t ns;
	} units[] = { { { "ns", 2 }, 1 },           { { "us", 2 }, 1000 },      { { "\xc2\xb5s", 3 }, 1000 },
		      { { "ms", 2 }, 1000000 },     { { "s", 1 }, 1000000000 }, { { "m", 1 }, 60000000000 },
		      { { "h", 1 }, 3600000000000 } };

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (!str_starts(*text, units[i].name))
			continue;
		*text = str_slice(*text, units[i].name.len, text->len);
		*ret_ns = units[i].ns;
		return 0;
	}
	return -EINVAL;
}

/* Digits, and perhaps a point and more digits. */
static int number_take(struct str *text, double *ret)
{
	double value = 0, scale = 1;
	bool has_point = false;
	size_t i, digits = 0;

	for (i = 0; i < text->len && i < 32; i++) {
		char c = text->data[i];

		if (c == '.' && !has_point) {
			has_point = true;
			continue;
		}
		if (c < '0' || c > '9')
			break;
		digits++;
		value = value * 10 + (c - '0');
		scale *= has_point ? 10 : 1;
	}
	*text = str_slice(*text, i, text->len);
	*ret = value / scale;
	return digits > 0 ? 0 : -EINVAL;
}

int query_duration_parse(struct str text, int64_t *ret_ns)
{
	double sum = 0, number;
	int64_t unit;

	if (text.len == 0)
		return -EINVAL;
	while (text.len > 0) {
		if (number_take(&text, &number) < 0 || unit_take(&text, &unit) < 0)
			return -EINVAL;
		sum += number * (double)unit;
	}
	if (sum > 9e18)
		return -ERANGE;
	*ret_ns = (int64_t)sum;
	return 0;
}

int query_id_parse(struct str hex, uint8_t ret[TRACE_ID_LEN])
{
	uint8_t id[TRACE_ID_LEN] = { 0 };

	if (hex.len == 0 || hex.len > 2 * sizeof(id))
		return -EINVAL;
	for (size_t i = 0; i < hex.len; i++) {
		size_t digit = 2 * sizeof(id) - hex.len + i;
		char c = hex.data[i], low = (char)(c | 0x20);
		int value = c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;

		if (value < 0)
			return -EINVAL;
		id[digit / 2] = (uint8_t)(id[digit / 2] | value << (digit % 2 ? 0 : 4));
	}
	memcpy(ret, id, sizeof(id));
	return 0;
}
