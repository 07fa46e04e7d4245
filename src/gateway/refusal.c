/* See refusal.h: other words here than there would be a difference between a gateway that checks and one that does not.
 */
#include "gateway/refusal.h"

static const struct {
	int status;
	const char *code;
	const char *title;
	const char *detail; /* NULL: the reason */
} problems[] = {
	[REFUSAL_TOKEN_MISSING] = { 401, "unauthorized", "Authentication is required",
	                            "Send an access token as Authorization: Bearer." },
	[REFUSAL_TOKEN_BAD] = { 401, "unauthorized", "Authentication is required", NULL },
	[REFUSAL_NO_KEYS] = { 503, "unavailable", "A part that this needs is not available",
	                      "The keys that access tokens are checked with are not here yet." },
};

int refusal_status(enum refusal why)
{
	return problems[why].status;
}

void refusal_write(enum refusal why, const char *reason, struct str path, const char *trace_id, struct buf *out)
{
	const char *code = problems[why].code;

	buf_adds(out, "{\"type\":\"/docs#problem-");
	buf_adds(out, code);
	buf_adds(out, "\",\"title\":");
	buf_add_json(out, str_from(problems[why].title));
	buf_adds(out, ",\"status\":");
	buf_add_int(out, problems[why].status);
	buf_adds(out, ",\"detail\":");
	buf_add_json(out, str_from(problems[why].detail ? problems[why].detail : reason));
	buf_adds(out, ",\"instance\":");
	buf_add_json(out, path.len > 0 ? path : STR("/"));
	buf_adds(out, ",\"code\":\"");
	buf_adds(out, code);
	buf_adds(out, "\",\"trace_id\":");
	buf_add_json(out, str_from(trace_id));
	buf_addc(out, '}');
}

void refusal_challenge(enum refusal why, const char *reason, struct buf *out)
{
	if (problems[why].status != 401)
		return;
	buf_adds(out, "Bearer realm=\"cinesync\"");
	if (why == REFUSAL_TOKEN_BAD)
		buf_addf(out, ", error=\"invalid_token\", error_description=\"%s\"", reason);
}
