/* Fuzzing entry: every reader of this room that takes a stranger's bytes. Nothing may be accepted, as no input can hold
 * a signature of a key made a moment ago.
 *
 * Built by clang it is a libFuzzer program (README.md tells the command line); by another compiler it reads the
 * files named as arguments, once each, to go over a corpus. */
#include "token/token_internal.h"

#include "base/fuzz.h"

static struct token_verifier *verifier_make(void)
{
	const struct token_policy policy = { .issuer = "i", .audience = "a", .cache_max = 4 };
	struct token_verifier *v = NULL;
	struct token_keyset *keys = NULL;
	struct token_key *key = NULL;
	struct buf text;

	buf_init(&text, 4096);
	if (token_key_generate(&text) < 0 || token_key_parse(buf_str(&text), &key) < 0 ||
	    token_keyset_from_key(key, &keys) < 0 || token_verifier_new(&keys, &policy, &v) < 0)
		abort();
	token_key_free(&key);
	buf_done(&text);
	return v;
}

static void read_as_token(struct token_verifier *v, struct str input)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct token_claims claims;
	enum token_error e;

	if (arena_new(64 * 1024, &a) < 0 || token_verify(v, input, 1000, a, &claims, &e) == 0)
		abort();
}

/* The claims come behind a signature, where a fuzzer cannot get: it gets to them here. */
static void read_as_claims(struct str input)
{
	const struct token_policy policy = { 0 };
	json_t *json CLEANUP(json_done) = NULL;
	struct token_claims claims;
	enum token_error e;
	char block[2 * TOKEN_SIZE_MAX];

	if (input.len <= TOKEN_SIZE_MAX && claims_parse(input, &policy, &json, &claims, &e) == 0)
		claims_copy(&claims, block, &claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct token_verifier *v;
	struct str input = { (const char *)data, size };
	struct token_keyset *keys CLEANUP(token_keyset_free) = NULL;
	struct token_key *key CLEANUP(token_key_free) = NULL;

	if (!v)
		v = verifier_make();
	read_as_token(v, input);
	read_as_claims(input);
	(void)!token_keyset_parse(input, &keys);
	(void)!token_key_parse(input, &key);
	return 0;
}
