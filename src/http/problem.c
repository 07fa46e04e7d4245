/* The table of problems that any service may answer. Rooms below add problems of their own with the same struct; the
 * codes are a promise to clients and never change. Nothing here yields or allocates. */
#include "http/problem.h"

#include <errno.h>

const struct problem problem_malformed_request = { 400, "malformed-request", "The request is malformed", LOG_INFO };
const struct problem problem_unauthorized = { 401, "unauthorized", "Authentication is required", LOG_INFO };
const struct problem problem_forbidden = { 403, "forbidden", "This is not allowed", LOG_INFO };
const struct problem problem_not_found = { 404, "not-found", "There is nothing here", LOG_INFO };
const struct problem problem_method_not_allowed = { 405, "method-not-allowed", "This method is not allowed here",
	                                            LOG_INFO };
const struct problem problem_not_acceptable = { 406, "not-acceptable", "No acceptable form of it is available",
	                                        LOG_INFO };
const struct problem problem_request_timeout = { 408, "request-timeout", "The request took too long to arrive",
	                                         LOG_INFO };
const struct problem problem_conflict = { 409, "conflict", "It conflicts with what is there", LOG_INFO };
const struct problem problem_content_too_large = { 413, "content-too-large", "The request body is too large",
	                                           LOG_INFO };
const struct problem problem_uri_too_long = { 414, "uri-too-long", "The request target is too long", LOG_INFO };
const struct problem problem_unsupported_media_type = { 415, "unsupported-media-type",
	                                                "The media type of the body is not supported", LOG_INFO };
const struct problem problem_validation_failed = { 422, "validation-failed", "The input is not valid", LOG_INFO };
const struct problem problem_too_many_requests = { 429, "too-many-requests", "Too many requests", LOG_INFO };
const struct problem problem_header_fields_too_large = { 431, "header-fields-too-large",
	                                                 "The request headers are too large", LOG_INFO };
const struct problem problem_internal = { 500, "internal-error", "Something went wrong here", LOG_ERROR };
const struct problem problem_not_implemented = { 501, "not-implemented", "This is not supported", LOG_INFO };
const struct problem problem_bad_gateway = { 502, "bad-gateway", "A service behind this one gave a bad answer",
	                                     LOG_ERROR };
const struct problem problem_overloaded = { 503, "overloaded", "Too much is going on here", LOG_WARNING };
const struct problem problem_unavailable = { 503, "unavailable", "A part that this needs is not available",
	                                     LOG_WARNING };
const struct problem problem_deadline_exceeded = { 504, "deadline-exceeded", "It took longer than it may",
	                                           LOG_WARNING };

static const struct {
	int error; /* positive errno */
	const struct problem *problem;
} by_error[] = {
	{ ENOENT, &problem_not_found },         { EACCES, &problem_forbidden },
	{ EPERM, &problem_forbidden },          { EEXIST, &problem_conflict },
	{ EINVAL, &problem_internal }, /* what was wrong with the input is said by violations, never by a bare error */
	{ EMSGSIZE, &problem_bad_gateway },     { EPROTO, &problem_bad_gateway },
	{ EBUSY, &problem_overloaded },         { ENOMEM, &problem_overloaded },
	{ ENOBUFS, &problem_overloaded },       { EMFILE, &problem_overloaded },
	{ EAGAIN, &problem_unavailable },       { ECANCELED, &problem_unavailable },
	{ ECONNREFUSED, &problem_unavailable }, { ECONNRESET, &problem_unavailable },
	{ EHOSTUNREACH, &problem_unavailable }, { ENETUNREACH, &problem_unavailable },
	{ EPIPE, &problem_unavailable },        { ETIMEDOUT, &problem_deadline_exceeded },
};

const struct problem *problem_from_error(int r)
{
	for (size_t i = 0; i < ARRAY_SIZE(by_error); i++)
		if (by_error[i].error == -r)
			return by_error[i].problem;
	return &problem_internal;
}

const struct problem *const *problem_list(void)
{
	static const struct problem *const list[] = {
		&problem_malformed_request,
		&problem_unauthorized,
		&problem_forbidden,
		&problem_not_found,
		&problem_method_not_allowed,
		&problem_not_acceptable,
		&problem_request_timeout,
		&problem_conflict,
		&problem_content_too_large,
		&problem_uri_too_long,
		&problem_unsupported_media_type,
		&problem_validation_failed,
		&problem_too_many_requests,
		&problem_header_fields_too_large,
		&problem_internal,
		&problem_not_implemented,
		&problem_bad_gateway,
		&problem_overloaded,
		&problem_unavailable,
		&problem_deadline_exceeded,
		NULL,
	};

	return list;
}
