/* POST /v1/traces: spans in, by OTLP/HTTP. Nobody waits for anything here, so an export is all in or not at all, but
 * for the spans that are refused by themselves, which the answer counts. */
#include "base/log.h"
#include "trace/read.h"
#include "trace/trace.h"

#include <errno.h>

#define PROTOBUF "application/x-protobuf"
#define JSON "application/json"

static int span_take(void *arg, const struct trace_span *span, const char **ret_reason)
{
	struct trace_state *state = arg;

	return store_add(state->store, span, ret_reason);
}

static int answer(struct request *req, bool is_json, const struct read_result *result)
{
	struct buf out CLEANUP(buf_done);

	buf_init(&out, 4096);
	if (result->refused > 0)
		log_warning("spans refused", LOG_INT("spans", result->refused), LOG_STR("reason", result->reason));
	if (is_json)
		read_answer_json(result, &out);
	else
		read_answer_protobuf(result, &out);
	return buf_error(&out) < 0 ? buf_error(&out) : respond_text(req, 200, is_json ? JSON : PROTOBUF, buf_str(&out));
}

static int traces_take(struct request *req)
{
	struct trace_state *state = trace_state();
	struct read_options options = { .text_max = (size_t)state->config->text_max, .take = span_take, .arg = state };
	struct str encoding = request_header(req, "Content-Encoding");
	/* An empty body has no type there. An empty message is one; empty JSON is none. */
	bool is_json = str_equal(request_body_type(req), STR(JSON)) ||
	               (request_body_raw(req).len == 0 && str_starts(request_header(req, "Content-Type"), STR(JSON)));
	struct read_result result;
	int r;

	if (encoding.data && !str_equal_nocase(encoding, STR("identity")))
		return request_problem(req, &problem_unsupported_media_type,
		                       "Send it uncompressed: this collector is on the same machine.");
	if (is_json)
		r = read_json(request_body_raw(req), &options, &result);
	else
		r = read_protobuf(request_body_raw(req), &options, &result);
	if (r == -EBADMSG)
		return request_problem(req, &problem_malformed_request,
		                       "The body is no ExportTraceServiceRequest of OTLP in that media type.");
	if (r == -E2BIG)
		return request_problem(req, &problem_content_too_large,
		                       "The body has more values than are taken at once.");
	return r < 0 ? r : answer(req, is_json, &result);
}

static const char *const types[] = { PROTOBUF, JSON, NULL };

const struct route take_routes[] = {
	/* It begins no trace: whoever sends the spans of this would never be done. */
	{ .method = HTTP_POST,
	  .path = "/v1/traces",
	  .handler = traces_take,
	  .uploads = types,
	  .is_polled = true,
	  .reply = { 200, NULL, JSON, "An ExportTraceServiceResponse; `partialSuccess` counts the spans refused.",
	             PROTOBUF },
	  .errors = { 400, 413, 415, 503 },
	  .summary = "Take spans (OTLP/HTTP)",
	  .doc = "An ExportTraceServiceRequest of OpenTelemetry's protocol, in protobuf or in its JSON.",
	  .tag = "traces" },
	{ 0 },
};
