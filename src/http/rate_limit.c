/* The RateLimit headers. The names are the program's own, so they need no escapes. Nothing here yields. */
#include "http/rate_limit.h"

#include <errno.h>

enum { NAME_MAX_ = 64, HEADER_SIZE_MAX = 1024 };

static int64_t seconds(int64_t ms)
{
	return (ms + 999) / 1000;
}

static void name_add(struct buf *b, const char *name)
{
	assert(strlen(name) <= NAME_MAX_ && !strpbrk(name, "\"\\"));
	buf_addc(b, '"');
	buf_adds(b, name);
	buf_addc(b, '"');
}

static int header_add(struct request *req, const char *name, const struct buf *b)
{
	int r = buf_error(b);

	return r < 0 ? r : respond_header(req, name, buf_str(b));
}

int respond_rate_limit(struct request *req, const struct rate_policy *policies, size_t n, size_t told,
                       int64_t remaining, int64_t reset_ms)
{
	struct buf b CLEANUP(buf_done);
	int r;

	assert(n >= 1 && n <= RATE_POLICIES_MAX && told < n);
	buf_init(&b, HEADER_SIZE_MAX);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_adds(&b, ", ");
		name_add(&b, policies[i].name);
		buf_addf(&b, ";q=%lld;w=%lld", (long long)policies[i].quota, (long long)seconds(policies[i].window_ms));
	}
	r = header_add(req, "RateLimit-Policy", &b);
	if (r < 0)
		return r;
	buf_reset(&b);
	name_add(&b, policies[told].name);
	buf_addf(&b, ";r=%lld;t=%lld", (long long)remaining, (long long)seconds(reset_ms));
	return header_add(req, "RateLimit", &b);
}
