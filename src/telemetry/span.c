/* Spans: what one piece of work was called, when it ran and how it ended.
 *
 * The caller owns the struct, on its stack as a rule. It is some 2.5 KB and on the path of every request, so that
 * nothing is cleared ahead: counters tell which parts are in use. Nothing here allocates, locks or yields; what a sink
 * does with a finished span is its own affair. Limits: SPAN_ATTRIBUTES_MAX, SPAN_EVENTS_MAX, SPAN_VALUE_SIZE_MAX,
 * SPAN_TEXT_SIZE. */
#include "base/clock.h"
#include "telemetry/otlp.h"
#include "telemetry/trace_id.h"

#define CLOCKS_COMPARED_NS INT64_C(100000000) /* how long a change of the machine's clock may go unseen */

static struct {
	void (*finished)(const struct span *s, void *arg);
	void *arg;
} sink;

static void context_inherit(struct context *c, const struct context *parent)
{
	memcpy(c->trace_id, parent->trace_id, TRACE_ID_SIZE);
	trace_span_id_new(c->span_id);
	c->trace_flags = parent->trace_flags & (TRACE_FLAG_SAMPLED | TRACE_FLAG_RANDOM);
	memcpy(c->tracestate, parent->tracestate, strnlen(parent->tracestate, TRACESTATE_SIZE - 1) + 1);
	c->tracestate[TRACESTATE_SIZE - 1] = '\0';
}

/* Asking for both clocks each time would cost as much as all else here. */
static int64_t real_ns(int64_t mono_ns)
{
	static _Thread_local int64_t asked_ns = INT64_MIN / 2, difference_ns;

	if (mono_ns - asked_ns > CLOCKS_COMPARED_NS) {
		difference_ns = clock_real_ns() - mono_ns;
		asked_ns = mono_ns;
	}
	return mono_ns + difference_ns;
}

void span_start(struct span *s, const char *name, enum span_kind kind, const struct context *parent)
{
	bool is_given = parent;

	assert(s && name);
	if (!parent)
		parent = context_current;
	if (parent && parent->trace_id[0] != '\0' && parent->span_id[0] != '\0') {
		context_inherit(&s->context, parent);
		memcpy(s->parent_id, parent->span_id, SPAN_ID_SIZE);
	} else {
		trace_new(&s->context);
		s->parent_id[0] = '\0';
	}
	s->parent_is_remote = s->parent_id[0] != '\0' && is_given;
	s->is_recording = sink.finished && (s->context.trace_flags & TRACE_FLAG_SAMPLED);
	s->name = name;
	s->kind = kind;
	s->error = NULL;
	s->n_attributes = 0;
	s->n_dropped = 0;
	s->n_events = 0;
	s->n_events_dropped = 0;
	s->keys_seen = 0;
	s->preset = NULL;
	s->text_len = 0;
	s->end_mono_ns = 0;
	s->start_mono_ns = clock_mono_ns();
	s->start_real_ns = real_ns(s->start_mono_ns);
	s->context.span = s;
	s->outer = context_current;
	context_current = &s->context;
}

void span_began_at(struct span *s, int64_t mono_ns)
{
	int64_t sooner_ns = s->start_mono_ns - mono_ns;

	assert(s->end_mono_ns == 0);
	if (sooner_ns <= 0)
		return;
	s->start_mono_ns -= sooner_ns;
	s->start_real_ns -= sooner_ns;
}

void span_end_at(struct span *s, int64_t mono_ns)
{
	assert(s && s->end_mono_ns == 0);
	assert(context_current == &s->context);
	s->end_mono_ns = MAX(mono_ns, s->start_mono_ns);
	context_current = s->outer;
	if (sink.finished && s->is_recording)
		sink.finished(s, sink.arg);
}

void span_end(struct span *s)
{
	span_end_at(s, clock_mono_ns());
}

void span_unsample(struct span *s)
{
	assert(s && s->end_mono_ns == 0);
	s->is_recording = false;
	s->context.trace_flags &= (uint8_t)~TRACE_FLAG_SAMPLED;
}

void span_drop(struct span *s)
{
	assert(s && s->end_mono_ns == 0);
	assert(context_current == &s->context);
	s->end_mono_ns = s->start_mono_ns;
	context_current = s->outer;
}

static bool has_key(const struct span_attribute *a, struct span_key key)
{
	return a->key_len == key.len && memcmp(a->key, key.name, key.len) == 0;
}

static bool preset_has(const struct span_preset *p, struct span_key key)
{
	for (uint32_t i = 0; (p->keys_seen & UINT64_C(1) << key.bit) && i < p->n; i++)
		if (has_key(&p->attributes[i], key))
			return true;
	return false;
}

/* NULL: no place left, or no need. */
static struct span_attribute *attribute_get(struct span *s, struct span_key key)
{
	uint64_t bit = UINT64_C(1) << key.bit;

	assert(s && key.name && s->end_mono_ns == 0);
	if (!s->is_recording || (s->preset && preset_has(s->preset, key)))
		return NULL;
	for (uint32_t i = 0; (s->keys_seen & bit) && i < s->n_attributes; i++)
		if (has_key(&s->attributes[i], key))
			return &s->attributes[i];
	if (s->n_attributes == SPAN_ATTRIBUTES_MAX) {
		s->n_dropped++;
		return NULL;
	}
	s->keys_seen |= bit;
	s->attributes[s->n_attributes].key = key.name;
	s->attributes[s->n_attributes].key_len = key.len;
	return &s->attributes[s->n_attributes++];
}

/* The longest start of the text that fits and does not end within a UTF-8 sequence. */
static size_t text_fit(struct str text, size_t size_max)
{
	size_t len = text.len;

	if (len <= size_max)
		return len;
	len = size_max;
	while (len > 0 && ((unsigned char)text.data[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static void text_set(struct span *s, struct span_attribute *a, struct str value)
{
	size_t len = text_fit(value, MIN((size_t)SPAN_VALUE_SIZE_MAX, SPAN_TEXT_SIZE - s->text_len));

	a->kind = SPAN_ATTRIBUTE_STR;
	a->value.text = NULL;
	a->text_at = (uint16_t)s->text_len;
	a->text_len = (uint16_t)len;
	if (len > 0)
		memcpy(s->text + s->text_len, value.data, len);
	s->text_len += len;
}

void span_set_str_of(struct span *s, struct span_key key, struct str value)
{
	struct span_attribute *a = attribute_get(s, key);

	if (a)
		text_set(s, a, value);
}

static void text_refer(struct span_attribute *a, struct str value)
{
	a->kind = SPAN_ATTRIBUTE_STR;
	a->value.text = value.len > 0 ? value.data : "";
	a->text_len = (uint16_t)text_fit(value, SPAN_VALUE_SIZE_MAX);
}

void span_set_lasting_of(struct span *s, struct span_key key, struct str value)
{
	struct span_attribute *a = attribute_get(s, key);

	if (a)
		text_refer(a, value);
}

void span_set_int_of(struct span *s, struct span_key key, int64_t value)
{
	struct span_attribute *a = attribute_get(s, key);

	if (!a)
		return;
	a->kind = SPAN_ATTRIBUTE_INT;
	a->value.integer = value;
}

void span_set_double_of(struct span *s, struct span_key key, double value)
{
	struct span_attribute *a = attribute_get(s, key);

	if (!a)
		return;
	a->kind = SPAN_ATTRIBUTE_DOUBLE;
	a->value.number = value;
}

void span_set_bool_of(struct span *s, struct span_key key, bool value)
{
	struct span_attribute *a = attribute_get(s, key);

	if (!a)
		return;
	a->kind = SPAN_ATTRIBUTE_BOOL;
	a->value.boolean = value;
}

struct str span_attribute_text(const struct span *s, const struct span_attribute *a)
{
	assert(s && a && a->kind == SPAN_ATTRIBUTE_STR);
	return (struct str){ a->value.text ? a->value.text : s->text + a->text_at, a->text_len };
}

/* ---- presets ---- */

static struct span_attribute *preset_add(struct span_preset *p, const char *key)
{
	struct span_key k = span_key_of(key);

	assert(p->n < SPAN_PRESET_ATTRIBUTES_MAX && !preset_has(p, k));
	p->keys_seen |= UINT64_C(1) << k.bit;
	p->attributes[p->n] = (struct span_attribute){ .key = key, .key_len = k.len };
	return &p->attributes[p->n++];
}

static void preset_write(struct span_preset *p, const struct span_attribute *a)
{
	size_t n = otlp_protobuf_attribute(a, p->bytes + p->n_bytes, sizeof(p->bytes) - p->n_bytes);

	p->is_long |= n == 0;
	p->n_bytes = (uint16_t)(p->n_bytes + n);
}

void span_preset_str(struct span_preset *p, const char *key, struct str value)
{
	struct span_attribute *a = preset_add(p, key);

	text_refer(a, value);
	preset_write(p, a);
}

void span_preset_int(struct span_preset *p, const char *key, int64_t value)
{
	struct span_attribute *a = preset_add(p, key);

	a->kind = SPAN_ATTRIBUTE_INT;
	a->value.integer = value;
	preset_write(p, a);
}

static struct span_key key_of(const struct span_attribute *a)
{
	return (struct span_key){ a->key, a->key_len, span_key_of(a->key).bit };
}

void span_preset_use(struct span *s, const struct span_preset *p)
{
	uint32_t n = 0;

	assert(s && p && s->end_mono_ns == 0);
	if (!s->is_recording)
		return;
	s->preset = p;
	if ((s->keys_seen & p->keys_seen) == 0)
		return;
	for (uint32_t i = 0; i < s->n_attributes; i++)
		if (!preset_has(p, key_of(&s->attributes[i])))
			s->attributes[n++] = s->attributes[i];
	s->n_attributes = n;
}

void span_event(struct span *s, const char *name, const char *key, struct str value)
{
	struct span_event *e;

	assert(s && name && s->end_mono_ns == 0);
	if (!s->is_recording)
		return;
	if (s->n_events == SPAN_EVENTS_MAX) {
		s->n_events_dropped++;
		return;
	}
	e = &s->events[s->n_events++];
	e->name = name;
	e->mono_ns = clock_mono_ns();
	e->attribute.key = key;
	e->attribute.key_len = key ? (uint16_t)strlen(key) : 0;
	if (key)
		text_set(s, &e->attribute, value);
}

void span_event_here(const char *name, const char *key, struct str value)
{
	if (context_current && context_current->span)
		span_event(context_current->span, name, key, value);
}

void span_fail(struct span *s, const char *error)
{
	assert(s && error);
	s->error = error;
}

int64_t span_duration_us(const struct span *s)
{
	int64_t end_ns = s->end_mono_ns ? s->end_mono_ns : clock_mono_ns();

	return (end_ns - s->start_mono_ns) / 1000;
}

bool span_is_wanted(void)
{
	return sink.finished && context_current && (context_current->trace_flags & TRACE_FLAG_SAMPLED);
}

void span_sink_set(void (*finished)(const struct span *s, void *arg), void *arg)
{
	sink.finished = finished;
	sink.arg = arg;
}
