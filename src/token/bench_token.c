/* What a token costs: signing, checking, and checking one that was seen before; nanoseconds a turn on one core. */
#include "base/clock.h"
#include "token/test_support.h"

#include <stdio.h>

static void report(const char *what, int64_t start_ns, int turns)
{
	printf("%-28s %9.0f ns\n", what, (double)(clock_mono_ns() - start_ns) / turns);
}

static void bench_sign(const struct signer *s, int turns)
{
	const struct token_claims claims = { .iss = STR("https://cinesync.test"),
		                             .aud = STR("cinesync"),
		                             .sub = STR("0190b5a6-7c1e-7cc3-98c4-dc0c0c07398f"),
		                             .jti = STR("0190b5a6-7c1e-7cc3-98c4-dc0c0c07398e"),
		                             .sid = STR("0190b5a6-7c1e-7cc3-98c4-dc0c0c07398d"),
		                             .role = STR("user"),
		                             .client_id = STR("web"),
		                             .iat = 1000,
		                             .exp = 2000 };
	struct buf out CLEANUP(buf_done);
	int64_t start_ns = clock_mono_ns();

	buf_init(&out, TOKEN_SIZE_MAX);
	for (int i = 0; i < turns; i++) {
		int r;

		buf_reset(&out);
		r = token_sign(s->key, &claims, &out);
		assert(r == 0);
	}
	report("sign", start_ns, turns);
}

static void bench_verify(const char *what, const struct signer *s, size_t cache_max, int turns)
{
	struct token_verifier *v CLEANUP(token_verifier_free) = verifier_for(s, cache_max);
	struct arena *a CLEANUP(arena_free) = NULL;
	struct buf token CLEANUP(buf_done);
	int64_t start_ns;
	int r = arena_new(100000, &a);

	assert(r == 0);
	buf_init(&token, TOKEN_SIZE_MAX);
	sign_any(s, STR(GOOD_HEADER), STR(GOOD_CLAIMS), &token);
	start_ns = clock_mono_ns();
	for (int i = 0; i < turns; i++) {
		struct token_claims claims;
		enum token_error e;

		arena_reset(a);
		r = token_verify(v, buf_str(&token), GOOD_NOW, a, &claims, &e);
		assert(r == 0);
	}
	report(what, start_ns, turns);
}

int main(void)
{
	struct signer s;

	signer_new(&s);
	bench_sign(&s, 20000);
	bench_verify("verify", &s, 0, 10000);
	bench_verify("verify, from the cache", &s, 100, 1000000);
	signer_free(&s);
	return 0;
}
