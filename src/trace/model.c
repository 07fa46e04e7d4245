/* Copies in one block: a walk that counts what it takes, then the same walk that copies. Nothing here yields. */
#include "trace/model.h"

#include <stdlib.h>

/* data NULL: only counts. */
struct pack {
	char *data;
	size_t at;
};

static void *pack_take(struct pack *p, size_t size)
{
	void *place = p->data ? p->data + p->at : NULL;

	p->at += (size + 7) & ~(size_t)7;
	return place;
}

static struct str pack_str(struct pack *p, struct str s)
{
	char *to;

	if (!s.data)
		return STR_NULL;
	to = pack_take(p, s.len + 1);
	if (!to)
		return s;
	if (s.len > 0)
		memcpy(to, s.data, s.len);
	to[s.len] = '\0';
	return (struct str){ to, s.len };
}

static const struct trace_attribute *pack_attributes(struct pack *p, const struct trace_attribute *from, size_t n)
{
	struct trace_attribute *to = pack_take(p, n * sizeof(*to));

	for (size_t i = 0; i < n; i++) {
		struct str key = pack_str(p, from[i].key), text = pack_str(p, from[i].text);

		if (!to)
			continue;
		to[i] = from[i];
		to[i].key = key;
		to[i].text = text;
	}
	return to;
}

static const struct trace_event *pack_events(struct pack *p, const struct trace_event *from, size_t n)
{
	struct trace_event *to = pack_take(p, n * sizeof(*to));

	for (size_t i = 0; i < n; i++) {
		struct str name = pack_str(p, from[i].name);
		const struct trace_attribute *attributes = pack_attributes(p, from[i].attributes, from[i].n_attributes);

		if (to)
			to[i] = (struct trace_event){ from[i].at_ns, name, attributes, from[i].n_attributes };
	}
	return to;
}

static const struct trace_link *pack_links(struct pack *p, const struct trace_link *from, size_t n)
{
	struct trace_link *to = pack_take(p, n * sizeof(*to));

	if (to && n > 0)
		memcpy(to, from, n * sizeof(*to));
	return to;
}

static struct trace_span *pack_span(struct pack *p, const struct trace_span *from)
{
	struct trace_span *to = pack_take(p, sizeof(*to));
	struct trace_span s = *from;

	s.name = pack_str(p, from->name);
	s.scope = pack_str(p, from->scope);
	s.state = pack_str(p, from->state);
	s.status_text = pack_str(p, from->status_text);
	s.attributes = pack_attributes(p, from->attributes, from->n_attributes);
	s.events = pack_events(p, from->events, from->n_events);
	s.links = pack_links(p, from->links, from->n_links);
	if (to)
		*to = s;
	return to;
}

size_t trace_span_size(const struct trace_span *s)
{
	struct pack p = { NULL, 0 };

	pack_span(&p, s);
	return p.at;
}

struct trace_span *trace_span_copy(const struct trace_span *s, size_t *ret_size)
{
	size_t size = trace_span_size(s);
	struct pack p = { calloc(1, size), 0 };

	if (!p.data)
		return NULL;
	*ret_size = size;
	return pack_span(&p, s);
}

static struct trace_process *pack_process(struct pack *p, const struct trace_process *from)
{
	struct trace_process *to = pack_take(p, sizeof(*to));
	struct trace_process process = { pack_str(p, from->service),
		                         pack_attributes(p, from->attributes, from->n_attributes), from->n_attributes };

	if (to)
		*to = process;
	return to;
}

struct trace_process *trace_process_copy(const struct trace_process *from, size_t *ret_size)
{
	struct pack count = { NULL, 0 }, p = { NULL, 0 };

	pack_process(&count, from);
	p.data = calloc(1, count.at);
	if (!p.data)
		return NULL;
	*ret_size = count.at;
	return pack_process(&p, from);
}

const struct trace_attribute *trace_attribute_find(const struct trace_attribute *attributes, size_t n, struct str key)
{
	for (size_t i = 0; i < n; i++)
		if (str_equal(attributes[i].key, key))
			return &attributes[i];
	return NULL;
}

bool trace_span_is_root(const struct trace_span *s)
{
	static const uint8_t none[TRACE_SPAN_ID_LEN];

	return memcmp(s->parent_id, none, sizeof(none)) == 0;
}
