/* /internal: what other services of ours ask the user service. Never routed by the gateway. */
#include "user/user.h"

#include "user/messages_session.h"
#include "user/session.h"

#include <errno.h>

/* 410 and not 404, which a wrong path would be answered with as well: that must end nobody's session. */
static int internal_session(struct request *req)
{
	struct session_path path;
	struct str user_id, role;
	int r = request_parse(req, &path, NULL, NULL);

	if (r < 0)
		return r;
	r = session_check(user_state(), request_arena(req), path.session_id, &user_id, &role);
	if (r == -EACCES)
		return respond_empty(req, 410);
	return r < 0 ? user_store_failed(req, r, "check a session") : respond_empty(req, 204);
}

const struct route internal_routes[] = {
	{ .method = HTTP_GET,
	  .path = "/internal/sessions/{session_id}",
	  .handler = internal_session,
	  .path_params = &session_path_schema,
	  .reply = { 204, NULL, NULL, "The session goes on." },
	  .errors = { 410 },
	  .summary = "Whether a session has ended",
	  .internal = true },
	{ 0 },
};
