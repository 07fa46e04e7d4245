/* The key set is fetched by a fiber of its own, so that no request's deadline or cancellation cuts a fetch short that
 * others wait for. It exists only while it fetches. Owns the verifier, which exists once there have been keys. */
#include "service/bearer.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "cache/revoked.h"
#include "fiber/fiber.h"
#include "http/client.h"
#include "token/token.h"

#include <errno.h>
#include <stdlib.h>

enum {
	CACHE_MAX = 10000,
	LEEWAY_S = 5,
	CONNECT_MS = 500,
	ARENA_SIZE = 256 << 10,
	ANSWER_MAX = 16 << 10, /* about a session; not looked at */
	URL_MAX = 4096,
	ENDED_MS = 24 * 3600 * 1000, /* a session that has ended is so for good, longer than any token of it */
};

#define BEARER_MAGIC UINT32_C(0x42454152)

struct bearer {
	uint32_t magic;
	struct bearer_options options;
	struct token_verifier *verifier; /* NULL: no keys yet */
	struct buf jwks;                 /* what its keys were made of */
	struct fiber *fetcher;           /* NULL: none is under way */
	struct fiber_queue waiting;      /* for its end */
	int64_t next_ms;                 /* no fetch before */
	int64_t unknown_next_ms;         /* nor one because of an unknown key */
	int64_t stale_ms;                /* from then on the keys are to be fetched again */
	struct revoked *revoked;         /* NULL: nobody is asked about sessions */
	int64_t ask_next_ms;             /* the issuer is not asked about sessions before */
	struct bearer_stats stats;
};

static int64_t now_of(const struct bearer *b)
{
	return b->options.clock_ms ? b->options.clock_ms() : clock_mono_ms();
}

/* ---- sessions ---- */

/* Yields. The id came out of a token that was good, but not all issuers may make theirs of harmless letters. */
static int session_fetch(struct bearer *b, struct str id, int *ret_status)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct buf url CLEANUP(buf_done);
	struct http_client *client = b->options.client();
	struct http_call call = {
		.method = "GET",
		.span_name = "GET session",
		.connect_timeout_ms = BEARER_SESSION_MS,
		.timeout_ms = BEARER_SESSION_MS,
		.answer_max = ANSWER_MAX,
	};
	struct http_answer answer;
	int r = client ? arena_new(ARENA_SIZE, &a) : -ENOMEM;

	buf_init(&url, URL_MAX);
	buf_addf(&url, "%s/", b->options.sessions_url);
	buf_add_percent(&url, id);
	if (r == 0)
		r = buf_error(&url);
	if (r < 0)
		return r;
	call.url = url.data;
	r = http_client_call(client, &call, a, &answer);
	if (r == 0)
		*ret_status = answer.status;
	return r;
}

/* Yields. For revoked.h. After a failure the issuer is left alone for a while: who waits for it waits in vain. */
static int session_ask(void *arg, struct str id, int64_t *ret_left_ms)
{
	struct bearer *b = arg;
	int status = 0, r;

	if (now_of(b) < b->ask_next_ms)
		return -EAGAIN;
	r = session_fetch(b, id, &status);
	if (r == 0 && status / 100 == 2)
		return 0;
	if (r == 0 && status == 410) {
		*ret_left_ms = ENDED_MS;
		return 1;
	}
	if (r != -ECANCELED)
		b->ask_next_ms = now_of(b) + BEARER_RETRY_MS;
	return r < 0 ? r : -EAGAIN;
}

static int revoked_make(struct bearer *b)
{
	const struct revoked_options options = {
		.redis = b->options.redis,
		.ask = b->options.sessions_url ? session_ask : NULL,
		.ask_arg = b,
	};

	return options.redis || options.ask ? revoked_new(&options, &b->revoked) : 0;
}

/* ---- life ---- */

int bearer_new(const struct bearer_options *options, struct bearer **ret)
{
	struct bearer *b = fault_hit("alloc") ? NULL : calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->magic = BEARER_MAGIC;
	b->options = *options;
	if (b->options.cache_max == 0)
		b->options.cache_max = CACHE_MAX;
	buf_init(&b->jwks, TOKEN_JWKS_SIZE_MAX);
	fiber_queue_init(&b->waiting);
	b->next_ms = b->unknown_next_ms = b->ask_next_ms = INT64_MIN;
	r = revoked_make(b);
	if (r < 0) {
		free(b);
		return r;
	}
	*ret = b;
	return 0;
}

void bearer_free(struct bearer **bp)
{
	struct bearer *b = STEAL(*bp);
	struct fiber *fetcher;

	if (!b)
		return;
	assert(b->magic == BEARER_MAGIC);
	fetcher = b->fetcher ? fiber_ref(b->fetcher) : NULL; /* which drops that one itself */
	fiber_end(&fetcher);
	revoked_free(&b->revoked);
	token_verifier_free(&b->verifier);
	buf_done(&b->jwks);
	b->magic = 0;
	free(b);
}

const struct revoked *bearer_revoked(const struct bearer *b)
{
	assert(b->magic == BEARER_MAGIC);
	return b->revoked;
}

void bearer_stats_get(const struct bearer *b, struct bearer_stats *ret)
{
	assert(b->magic == BEARER_MAGIC);
	*ret = b->stats;
	ret->has_keys = b->verifier;
	ret->is_fetching = b->fetcher;
}

/* ---- the keys ---- */

static int verifier_make(struct bearer *b, struct token_keyset **keys)
{
	const struct token_policy policy = {
		.issuer = b->options.issuer,
		.audience = b->options.audience,
		.leeway_s = LEEWAY_S,
		.cache_max = b->options.cache_max,
	};

	return token_verifier_new(keys, &policy, &b->verifier);
}

/* Unchanged, the tokens verified already stay so. */
static int keys_take(struct bearer *b, struct str jwks)
{
	struct token_keyset *keys CLEANUP(token_keyset_free) = NULL;
	int r;

	if (b->verifier && str_equal(jwks, buf_str(&b->jwks)))
		return 0;
	r = token_keyset_parse(jwks, &keys);
	if (r < 0)
		return r;
	if (b->verifier)
		token_verifier_set_keys(b->verifier, &keys);
	else
		r = verifier_make(b, &keys);
	if (r < 0)
		return r;
	buf_reset(&b->jwks);
	buf_add_str(&b->jwks, jwks);
	/* What does not fit is merely parsed again. */
	if (buf_error(&b->jwks) < 0)
		buf_reset(&b->jwks);
	return 0;
}

/* Yields. */
static int fetch(struct bearer *b)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct http_client *client = b->options.client();
	const struct http_call call = {
		.method = "GET",
		.url = b->options.jwks_url,
		.span_name = "GET jwks.json",
		.connect_timeout_ms = CONNECT_MS,
		.timeout_ms = BEARER_FETCH_MS,
		.answer_max = TOKEN_JWKS_SIZE_MAX,
	};
	struct http_answer answer;
	int r = client ? arena_new(ARENA_SIZE, &a) : -ENOMEM;

	if (r == 0)
		r = http_client_call(client, &call, a, &answer);
	if (r < 0)
		return r;
	return answer.status == 200 ? keys_take(b, answer.body) : -EPROTO;
}

/* Said when it changes, not each time. */
static void outcome_log(struct bearer *b, int r, bool was_well)
{
	if (r < 0 && was_well)
		log_warning(b->verifier ? "the key set cannot be had; the keys at hand are used on"
		                        : "the key set cannot be had; access tokens cannot be checked",
		            LOG_STR("url", b->options.jwks_url), LOG_ERR(r));
	else if (r == 0 && !was_well)
		log_info("the key set can be had again");
}

static void fetch_run(void *arg)
{
	struct bearer *b = arg;
	struct fiber *self = b->fetcher;
	bool was_well = b->stats.fetches == 0 || b->stale_ms > b->next_ms;
	int64_t now_ms;
	int r;

	fiber_deadline_set(clock_deadline_in(BEARER_FETCH_MS));
	b->stats.fetches++;
	r = fetch(b);
	now_ms = now_of(b);
	b->stats.failures += r < 0;
	b->next_ms = now_ms + BEARER_RETRY_MS;
	b->unknown_next_ms = now_ms + (r < 0 ? BEARER_RETRY_MS : BEARER_UNKNOWN_MS);
	b->stale_ms = now_ms + (r < 0 ? 0 : BEARER_REFRESH_MS);
	if (r != -ECANCELED)
		outcome_log(b, r, was_well);
	b->fetcher = NULL;
	fiber_queue_wake_all(&b->waiting, 0);
	fiber_unref(&self);
}

/* Yields until the one fetch has ended, whoever began it, when it is to be waited for. */
static int fetch_want(struct bearer *b, bool waits)
{
	int r = 0;

	if (!b->fetcher)
		r = fiber_spawn("bearer", fetch_run, b, &b->fetcher);
	if (r < 0)
		return r;
	return waits ? fiber_queue_wait(&b->waiting) : 0;
}

/* Yields only when there are none. -EAGAIN: and none can be had. */
static int keys_want(struct bearer *b)
{
	int64_t now_ms = now_of(b);
	int r;

	if (b->verifier && now_ms >= b->stale_ms && now_ms >= b->next_ms)
		(void)!fetch_want(b, false);
	if (b->verifier)
		return 0;
	if (!b->fetcher && now_ms < b->next_ms)
		return -EAGAIN;
	r = fetch_want(b, true);
	if (r < 0)
		return r;
	return b->verifier ? 0 : -EAGAIN;
}

/* ---- tokens ---- */

static int verify(struct bearer *b, struct str token, struct arena *a, struct token_claims *ret,
                  enum token_error *ret_error)
{
	return token_verify(b->verifier, token, clock_real_ms() / 1000, a, ret, ret_error);
}

/* Yields. The key may be newer than the set at hand. */
static int verify_anew(struct bearer *b, struct str token, struct arena *a, struct token_claims *ret,
                       enum token_error *ret_error)
{
	int r;

	if (!b->fetcher && now_of(b) < b->unknown_next_ms)
		return -EACCES;
	r = fetch_want(b, true);
	if (r == -EAGAIN || r == -ENOMEM)
		return -EACCES;
	return r < 0 ? r : verify(b, token, a, ret, ret_error);
}

/* Yields at times. */
static int session_check(struct bearer *b, struct str sid, const char **ret_reason)
{
	if (!b->revoked || !sid.data || !revoked_check(b->revoked, sid))
		return 0;
	*ret_reason = "session-ended";
	return -EACCES;
}

/* Yields at times. */
static int check(struct bearer *b, struct str token, struct arena *a, struct token_claims *ret, const char **ret_reason)
{
	enum token_error error = TOKEN_OK;
	int r = keys_want(b);

	if (r < 0)
		return r;
	r = verify(b, token, a, ret, &error);
	if (r == -EACCES && error == TOKEN_UNKNOWN_KEY)
		r = verify_anew(b, token, a, ret, &error);
	if (r == -EACCES)
		*ret_reason = token_error_name(error);
	if (r < 0)
		return r;
	return session_check(b, ret->sid, ret_reason);
}

int bearer_authenticate(struct bearer *b, struct request *req, struct str token, struct http_user *ret,
                        const char **ret_reason)
{
	struct token_claims claims;
	int r;

	assert(b->magic == BEARER_MAGIC);
	r = check(b, token, request_arena(req), &claims, ret_reason);
	b->stats.accepted += r == 0;
	b->stats.refused += r == -EACCES;
	b->stats.unchecked += r == -EAGAIN;
	if (r == 0)
		*ret = (struct http_user){ .id = claims.sub, .session_id = claims.sid, .role = claims.role };
	return r;
}

int bearer_confirm(struct bearer *b, const struct http_user *named, const char **ret_reason)
{
	int r;

	assert(b->magic == BEARER_MAGIC);
	r = session_check(b, named->session_id, ret_reason);
	b->stats.accepted += r == 0;
	b->stats.refused += r == -EACCES;
	return r;
}
