/* Delivery by a POST to the consumer, who answers 2xx once the event is on its disk. Owns nothing but a copy of the
 * URL; deliver() yields. Limits: ANSWER_MAX bytes of answer, the relay's deadline. */
#include "event/direct.h"

#include "base/fault.h"

#include <errno.h>
#include <stdlib.h>

#define ANSWER_MAX 16384
#define ARENA_MAX (4 * ANSWER_MAX)
#define TIMEOUT_MS 10000
#define AT_ONCE 8

struct direct {
	struct event_transport base;
	struct http_client *client;
	char *url;
};

/* RFC 9110: 408 Request Timeout, 425 Too Early (RFC 8470) and 429 Too Many Requests (RFC 6585) pass with time. */
static int status_result(int status)
{
	if (status >= 200 && status < 300)
		return 0;
	if (status == 408 || status == 425 || status == 429)
		return -EAGAIN;
	if (status >= 400 && status < 500)
		return -EBADMSG;
	return status >= 500 ? -EREMOTEIO : -EPROTO;
}

static int direct_deliver(struct event_transport *t, const struct event *e, struct str envelope)
{
	struct direct *d = CONTAINER_OF(t, struct direct, base);
	struct arena *a CLEANUP(arena_free) = NULL;
	const struct http_call call = {
		.method = "POST",
		.url = d->url,
		.span_name = "POST /internal/events",
		.body = envelope,
		.body_type = EVENT_MEDIA_TYPE,
		.timeout_ms = TIMEOUT_MS,
		.answer_max = ANSWER_MAX,
	};
	struct http_answer answer;
	int r;

	(void)e;
	r = arena_new(ARENA_MAX, &a);
	if (r < 0)
		return r;
	r = http_client_call(d->client, &call, a, &answer);
	return r < 0 ? r : status_result(answer.status);
}

static void direct_free(struct event_transport *t)
{
	struct direct *d = CONTAINER_OF(t, struct direct, base);

	free(d->url);
	free(d);
}

int direct_transport_new(struct http_client *client, const char *url, struct event_transport **ret)
{
	struct direct *d = fault_hit("alloc") ? NULL : calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->base = (struct event_transport){ .name = "direct",
		                            .destination = "notification",
		                            .span_name = "publish notification",
		                            .at_once = AT_ONCE,
		                            .deliver = direct_deliver,
		                            .free = direct_free };
	d->client = client;
	d->url = strdup(url);
	if (!d->url) {
		free(d);
		return -ENOMEM;
	}
	*ret = &d->base;
	return 0;
}
