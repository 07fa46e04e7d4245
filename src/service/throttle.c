/* From a limiter's verdict to headers and a problem. Yields only in limiter_take(). */
#include "service/throttle.h"

#include "http/address.h"
#include "http/rate_limit.h"

_Static_assert(RATE_POLICIES_MAX >= LIMITER_KEYS_MAX, "all of a decision's policies are told");

enum { MS = 1000 };

int throttle_tell(struct request *req, const struct limiter_key *keys, size_t n, const struct limiter_verdict *v)
{
	struct rate_policy policies[RATE_POLICIES_MAX];
	size_t n_policies = 0, told = 0;

	if (v->rate_by == LIMITER_NONE)
		return 0;
	for (size_t i = 0; i < n; i++) {
		const struct limiter_policy *p = keys[i].policy;

		if (p->kind != LIMITER_RATE)
			continue;
		if (i == v->rate_by)
			told = n_policies;
		policies[n_policies++] = (struct rate_policy){ p->name, p->quota, p->window_ms };
	}
	/* The draft wants the two to name one time where both stand. */
	return respond_rate_limit(req, policies, n_policies, told, v->rate_remaining,
	                          v->is_allowed ? v->rate_reset_ms : v->retry_after_ms);
}

int throttle_take(struct request *req, struct limiter *l, const struct limiter_key *keys, size_t n, const char *detail)
{
	struct limiter_verdict v;
	int r = limiter_take(l, keys, n, &v);

	if (r == 0)
		r = throttle_tell(req, keys, n, &v);
	if (r < 0 || v.is_allowed)
		return r;
	return request_problem_retry(req, &problem_too_many_requests, (v.retry_after_ms + MS - 1) / MS, "%s", detail);
}

struct str throttle_address_id(struct request *req)
{
	struct address address;
	char text[ADDRESS_TEXT_SIZE];
	struct str id;

	if (address_parse(request_client_address(req), &address) < 0)
		return STR("unknown");
	address_mask(&address, address.is_v6 ? 64 : 32);
	address_format(&address, text);
	id = arena_str(request_arena(req), str_from(text));
	return id.data ? id : STR("unknown");
}
