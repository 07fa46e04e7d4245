/* The AsyncAPI 3.0 document (asyncapi.com/docs/reference/specification/v3.0.0) with AMQP bindings 0.3.0. */
#include "event/asyncapi.h"

#include "base/map.h"
#include "event/rabbit.h"

#include <errno.h>

#define SCHEMAS_MAX 256

static void string_add(struct buf *out, const char *text)
{
	buf_add_json(out, str_from(text));
}

static void comma_add(struct buf *out, bool is_first)
{
	if (!is_first)
		buf_addc(out, ',');
}

static void channel_add(const struct event_contract *c, struct buf *out)
{
	string_add(out, c->type);
	buf_adds(out, ":{\"address\":");
	string_add(out, c->type);
	buf_adds(out, ",\"summary\":");
	string_add(out, c->summary);
	buf_addf(out,
	         ",\"messages\":{\"event\":{\"$ref\":\"#/components/messages/%s\"}},\"bindings\":{\"amqp\":", c->type);
	buf_adds(out, "{\"is\":\"routingKey\",\"exchange\":{\"name\":\"" RABBIT_EXCHANGE
	              "\",\"type\":\"topic\",\"durable\":true,\"autoDelete\":false,\"vhost\":\"/\"},"
	              "\"bindingVersion\":\"0.3.0\"}}}");
}

static void operation_add(const struct event_contract *c, struct buf *out)
{
	string_add(out, c->type);
	buf_addf(out, ":{\"action\":\"send\",\"channel\":{\"$ref\":\"#/channels/%s\"},\"summary\":", c->type);
	string_add(out, c->summary);
	buf_adds(out, ",\"bindings\":{\"amqp\":{\"deliveryMode\":2,\"mandatory\":true,\"timestamp\":true,"
	              "\"bindingVersion\":\"0.3.0\"}}}");
}

static void message_add(const struct event_contract *c, struct buf *out)
{
	string_add(out, c->type);
	buf_adds(out, ":{\"name\":");
	string_add(out, c->type);
	buf_adds(out, ",\"summary\":");
	string_add(out, c->summary);
	buf_adds(out, ",\"contentType\":\"" EVENT_MEDIA_TYPE "\",\"headers\":{\"type\":\"object\",\"properties\":{"
	              "\"traceparent\":{\"type\":\"string\",\"description\":\"W3C Trace Context: the sending.\"},"
	              "\"tracestate\":{\"type\":\"string\"}}},\"payload\":{\"allOf\":["
	              "{\"$ref\":\"#/components/schemas/CloudEvent\"},"
	              "{\"type\":\"object\",\"required\":[\"type\",\"subject\",\"data\"],\"properties\":{\"type\":{"
	              "\"const\":");
	string_add(out, c->type);
	buf_addf(out, "},\"data\":{\"$ref\":\"#/components/schemas/%s\"}}}]}}", c->data->name);
}

struct schemas {
	struct map *seen;
	struct buf *out;
	bool has_any;
};

static int schema_add(const struct schema *s, void *arg)
{
	struct schemas *w = arg;
	struct str name = str_from(s->name);
	int r;

	if (map_get(w->seen, name))
		return 0;
	r = map_put(w->seen, name, w->out, NULL);
	if (r < 0)
		return r;
	comma_add(w->out, !w->has_any);
	w->has_any = true;
	string_add(w->out, s->name);
	buf_addc(w->out, ':');
	schema_describe_open(s, w->out);
	return 0;
}

static int schemas_add(const struct event_contract *contracts, struct buf *out)
{
	struct map *seen CLEANUP(map_free) = NULL;
	struct schemas w = { .out = out };
	int r = map_new(SCHEMAS_MAX, &seen);

	w.seen = seen;
	if (r == 0)
		r = schema_visit(&event_schema, schema_add, &w);
	for (const struct event_contract *c = contracts; r == 0 && c->type; c++)
		r = schema_visit(c->data, schema_add, &w);
	return r;
}

static void each_add(const struct event_contract *contracts,
                     void (*add)(const struct event_contract *c, struct buf *out), struct buf *out)
{
	for (const struct event_contract *c = contracts; c->type; c++) {
		comma_add(out, c == contracts);
		add(c, out);
	}
}

void asyncapi_write(const char *title, const char *version, const struct event_contract *contracts, struct buf *out)
{
	int r;

	buf_adds(out, "{\"asyncapi\":\"3.0.0\",\"info\":{\"title\":");
	string_add(out, title);
	buf_adds(out, ",\"version\":");
	string_add(out, version);
	buf_adds(out,
	         ",\"description\":\"Each event is delivered at least once, and in order for one subject; consumers "
	         "know it again by its id. Fields are only ever added within a version of a type: ignore those you do "
	         "not know.\"},\"defaultContentType\":\"" EVENT_MEDIA_TYPE "\",\"channels\":{");
	each_add(contracts, channel_add, out);
	buf_adds(out, "},\"operations\":{");
	each_add(contracts, operation_add, out);
	buf_adds(out, "},\"components\":{\"messages\":{");
	each_add(contracts, message_add, out);
	buf_adds(out, "},\"schemas\":{");
	r = schemas_add(contracts, out);
	if (r < 0 && out->error == 0)
		out->error = r;
	buf_adds(out, "}}}");
}
