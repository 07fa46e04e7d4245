/* Events in by HTTP: POST /internal/events takes one CloudEvent. It is answered 204 only once what it asks for is
 * durable, so the sender may forget it. */
#include "notification/intake.h"

#include "base/log.h"

#include <errno.h>

int notification_store_failed(struct request *req, int r, const char *doing)
{
	if (r == -ENOMEM || r == -ETIMEDOUT || r == -ECANCELED)
		return r;
	log_error("database", LOG_STR("doing", doing), LOG_ERR(r),
	          LOG_STR("detail", store_error(notification_state()->store)));
	return request_problem_retry(req, &problem_unavailable, 2, "Ask again in a moment.");
}

static int event_take(struct request *req)
{
	struct intake in;
	int r = intake_parse(request_body_raw(req), request_arena(req), &in, request_violation_list(req));

	if (r == -EINVAL)
		return request_violations(req);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0)
		r = intake_store(&(struct intake *){ &in }, 1, request_arena(req));
	else
		r = 0;
	return r < 0 ? notification_store_failed(req, r, "store a delivery") : respond_empty(req, 204);
}

const struct route event_routes[] = {
	{ .method = HTTP_POST,
	  .path = "/internal/events",
	  .handler = event_take,
	  .internal = true,
	  .body = &event_schema,
	  .body_type = EVENT_MEDIA_TYPE,
	  .reply = { .status = 204 },
	  .errors = { 503 },
	  .summary = "Take an event" },
	{ 0 },
};
