/* Forged tokens: whoever holds no key gets in by none of the ways that others were got in by, and a token that is
 * signed but not one of ours is refused for the right reason. */
#include "token/base64url.h"
#include "token/test_support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

static struct signer good, stranger;
static struct token_verifier *verifier;

static int setup(void **state UNUSED)
{
	signer_new(&good);
	signer_new(&stranger);
	verifier = verifier_for(&good, 100);
	return 0;
}

static int teardown(void **state UNUSED)
{
	struct token_cache_stats stats;

	token_cache_stats_get(verifier, &stats);
	token_verifier_free(&verifier);
	signer_free(&good);
	signer_free(&stranger);
	return stats.entries <= 16 ? 0 : -1; /* only what was accepted may be remembered */
}

static void check_at(const char *what, struct str token, int64_t now_s, enum token_error wanted)
{
	/* Twice: the second answer must not come from a cache that learnt something from the first. */
	for (int i = 0; i < 2; i++) {
		enum token_error e = verify_at(verifier, token, now_s);

		if (e != wanted)
			fail_msg("%s: %s, not %s", what, token_error_name(e), token_error_name(wanted));
	}
}

static void check(const char *what, struct str token, enum token_error wanted)
{
	check_at(what, token, GOOD_NOW, wanted);
}

#define H(fields) "{" fields "}"
#define KID "\"kid\":\"$KID\""
#define ES "\"alg\":\"ES256\""
#define AT "\"typ\":\"at+jwt\""

/* All with a good signature of the good key. */
static const struct {
	const char *header;
	enum token_error wanted;
} header_cases[] = {
	{ GOOD_HEADER, TOKEN_OK },
	{ H(ES "," KID ",\"typ\":\"AT+JWT\""), TOKEN_OK },
	{ H(ES "," KID ",\"typ\":\"application/at+jwt\""), TOKEN_OK },
	{ H(ES "," KID ",\"typ\":\"Application/At+Jwt\""), TOKEN_OK },
	{ H(ES "," KID "," AT ",\"cty\":\"anything\",\"x\":[{}]"), TOKEN_OK },
	{ H(ES "," KID), TOKEN_WRONG_TYPE },
	{ H(ES "," KID ",\"typ\":\"JWT\""), TOKEN_WRONG_TYPE },
	{ H(ES "," KID ",\"typ\":\"\""), TOKEN_WRONG_TYPE },
	{ H(ES "," KID ",\"typ\":null"), TOKEN_WRONG_TYPE },
	{ H(ES "," KID ",\"typ\":[\"at+jwt\"]"), TOKEN_WRONG_TYPE },
	{ H(ES "," KID ",\"typ\":\"at+jwt \""), TOKEN_WRONG_TYPE },
	{ H(ES "," KID ",\"typ\":\"text/at+jwt\""), TOKEN_WRONG_TYPE },
	{ H(ES "," KID ",\"typ\":\"dpop+jwt\""), TOKEN_WRONG_TYPE },
	{ H(KID "," AT), TOKEN_WRONG_ALGORITHM },
	{ H("\"alg\":\"none\"," KID "," AT), TOKEN_WRONG_ALGORITHM },
	{ H("\"alg\":\"nOnE\"," KID "," AT), TOKEN_WRONG_ALGORITHM },
	{ H("\"alg\":\"es256\"," KID "," AT), TOKEN_WRONG_ALGORITHM },
	{ H("\"alg\":\"ES256 \"," KID "," AT), TOKEN_WRONG_ALGORITHM },
	{ H("\"alg\":\"ES384\"," KID "," AT), TOKEN_WRONG_ALGORITHM },
	{ H("\"alg\":\"ES512\"," KID "," AT), TOKEN_WRONG_ALGORITHM },
	{ H("\"alg\":\"ES256K\"," KID "," AT), TOKEN_WRONG_ALGORITHM },
	{ H("\"alg\":\"RS256\"," KID "," AT), TOKEN_WRONG_ALGORITHM },
	{ H("\"alg\":\"PS256\"," KID "," AT), TOKEN_WRONG_ALGORITHM },
	{ H("\"alg\":\"EdDSA\"," KID "," AT), TOKEN_WRONG_ALGORITHM },
	{ H("\"alg\":\"HS256\"," KID "," AT), TOKEN_WRONG_ALGORITHM },
	{ H("\"alg\":\"\"," KID "," AT), TOKEN_WRONG_ALGORITHM },
	{ H("\"alg\":null," KID "," AT), TOKEN_WRONG_ALGORITHM },
	{ H("\"alg\":[\"ES256\"]," KID "," AT), TOKEN_WRONG_ALGORITHM },
	{ H("\"Alg\":\"ES256\"," KID "," AT), TOKEN_WRONG_ALGORITHM },
	{ H(ES "," AT), TOKEN_UNKNOWN_KEY },
	{ H(ES "," AT ",\"kid\":\"\""), TOKEN_UNKNOWN_KEY },
	{ H(ES "," AT ",\"kid\":\"other\""), TOKEN_UNKNOWN_KEY },
	{ H(ES "," AT ",\"kid\":\"../../../../etc/passwd\""), TOKEN_UNKNOWN_KEY },
	{ H(ES "," AT ",\"kid\":\"/dev/null\""), TOKEN_UNKNOWN_KEY },
	{ H(ES "," AT ",\"kid\":\"' OR 1=1 --\""), TOKEN_UNKNOWN_KEY },
	{ H(ES "," AT ",\"kid\":\"$KID \""), TOKEN_UNKNOWN_KEY },
	{ H(ES "," AT ",\"kid\":7"), TOKEN_MALFORMED },
	{ H(ES "," AT ",\"kid\":null"), TOKEN_MALFORMED },
	{ H(ES "," AT ",\"kid\":[\"$KID\"]"), TOKEN_MALFORMED },
	{ H(ES "," KID "," AT ",\"crit\":[]"), TOKEN_FORBIDDEN_HEADER },
	{ H(ES "," KID "," AT ",\"crit\":[\"b64\"],\"b64\":false"), TOKEN_FORBIDDEN_HEADER },
	{ H(ES "," KID "," AT ",\"crit\":null"), TOKEN_FORBIDDEN_HEADER },
	{ H(ES "," KID "," AT ",\"b64\":true"), TOKEN_FORBIDDEN_HEADER },
	{ H(ES "," KID "," AT ",\"zip\":\"DEF\""), TOKEN_FORBIDDEN_HEADER },
	{ H(ES "," KID "," AT ",\"jku\":\"https://evil.example/jwks\""), TOKEN_FORBIDDEN_HEADER },
	{ H(ES "," KID "," AT ",\"x5u\":\"https://evil.example/\""), TOKEN_FORBIDDEN_HEADER },
	{ H(ES "," KID "," AT ",\"x5c\":[\"MII\"]"), TOKEN_FORBIDDEN_HEADER },
	{ H(ES "," KID "," AT ",\"x5t\":\"x\""), TOKEN_FORBIDDEN_HEADER },
	{ H(ES "," KID "," AT ",\"x5t#S256\":\"x\""), TOKEN_FORBIDDEN_HEADER },
	{ H(ES "," KID "," AT ",\"jwk\":{\"kty\":\"EC\"}"), TOKEN_FORBIDDEN_HEADER },
	{ H(ES "," KID "," AT "," ES), TOKEN_MALFORMED },
	{ H("\"alg\":\"none\"," KID "," AT "," ES), TOKEN_MALFORMED },
	{ H(ES "," KID "," KID "," AT), TOKEN_MALFORMED },
	{ H(ES "," KID "," AT ",\"a\":{\"b\":1,\"b\":2}"), TOKEN_MALFORMED },
	{ GOOD_HEADER " {}", TOKEN_MALFORMED },
	{ GOOD_HEADER "x", TOKEN_MALFORMED },
	{ "[" GOOD_HEADER "]", TOKEN_MALFORMED },
	{ "\"ES256\"", TOKEN_MALFORMED },
	{ "null", TOKEN_MALFORMED },
	{ "", TOKEN_MALFORMED },
	{ "{", TOKEN_MALFORMED },
	{ "{}", TOKEN_WRONG_ALGORITHM },
	{ "{'alg':'ES256'}", TOKEN_MALFORMED },
	{ H(ES "," KID "," AT ",\"x\":\"\xff\""), TOKEN_MALFORMED },
	{ H(ES "," KID "," AT ",\"x\\u0000\":1"), TOKEN_MALFORMED },
	{ H(ES "," KID "," AT ",\"x\":[[[[[[[[[[[[1]]]]]]]]]]]]"), TOKEN_MALFORMED },
	{ "\xef\xbb\xbf" GOOD_HEADER, TOKEN_MALFORMED },
};

static void test_headers(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(header_cases); i++) {
		struct buf token CLEANUP(buf_done);

		buf_init(&token, 100000);
		sign_any(&good, str_from(header_cases[i].header), STR(GOOD_CLAIMS), &token);
		check(header_cases[i].header, buf_str(&token), header_cases[i].wanted);
	}
}

#define ISS "\"iss\":\"https://cinesync.test\""
#define AUD "\"aud\":\"cinesync\""
#define SUB "\"sub\":\"u1\""
#define CLI "\"client_id\":\"web\""
#define JTI "\"jti\":\"j1\""
#define IAT "\"iat\":1000"
#define EXP "\"exp\":2000"
#define TEXTS AUD "," SUB "," CLI "," JTI
#define ALL ISS "," TEXTS "," IAT "," EXP

/* All with a good header and a good signature. */
static const struct {
	const char *claims;
	enum token_error wanted;
} claim_cases[] = {
	{ H(ALL), TOKEN_OK },
	{ H(ALL ",\"nbf\":1500,\"role\":\"admin\",\"sid\":\"\",\"more\":{\"x\":[1,null]}"), TOKEN_OK },
	{ H(ISS ",\"aud\":[\"cinesync\"]," SUB "," CLI "," JTI "," IAT "," EXP), TOKEN_OK },
	{ H(ISS ",\"aud\":[\"other\",\"cinesync\",\"third\"]," SUB "," CLI "," JTI "," IAT "," EXP), TOKEN_OK },
	{ H(TEXTS "," IAT "," EXP), TOKEN_MISSING_CLAIM },
	{ H(ISS "," SUB "," CLI "," JTI "," IAT "," EXP), TOKEN_MISSING_CLAIM },
	{ H(ISS "," AUD "," CLI "," JTI "," IAT "," EXP), TOKEN_MISSING_CLAIM },
	{ H(ISS "," AUD "," SUB "," JTI "," IAT "," EXP), TOKEN_MISSING_CLAIM },
	{ H(ISS "," AUD "," SUB "," CLI "," IAT "," EXP), TOKEN_MISSING_CLAIM },
	{ H(ISS "," TEXTS "," EXP), TOKEN_MISSING_CLAIM },
	{ H(ISS "," TEXTS "," IAT), TOKEN_MISSING_CLAIM },
	{ "{}", TOKEN_MISSING_CLAIM },
	{ H("\"iss\":7," TEXTS "," IAT "," EXP), TOKEN_MALFORMED },
	{ H("\"iss\":null," TEXTS "," IAT "," EXP), TOKEN_MALFORMED },
	{ H("\"iss\":\"\"," TEXTS "," IAT "," EXP), TOKEN_MALFORMED },
	{ H("\"iss\":[\"https://cinesync.test\"]," TEXTS "," IAT "," EXP), TOKEN_MALFORMED },
	{ H(ISS ",\"aud\":7," SUB "," CLI "," JTI "," IAT "," EXP), TOKEN_MALFORMED },
	{ H(ISS ",\"aud\":null," SUB "," CLI "," JTI "," IAT "," EXP), TOKEN_MALFORMED },
	{ H(ISS ",\"aud\":{}," SUB "," CLI "," JTI "," IAT "," EXP), TOKEN_MALFORMED },
	{ H(ISS ",\"aud\":[]," SUB "," CLI "," JTI "," IAT "," EXP), TOKEN_MALFORMED },
	{ H(ISS ",\"aud\":[\"cinesync\",7]," SUB "," CLI "," JTI "," IAT "," EXP), TOKEN_MALFORMED },
	{ H(ISS ",\"aud\":[[\"cinesync\"]]," SUB "," CLI "," JTI "," IAT "," EXP), TOKEN_MALFORMED },
	{ H(ISS "," AUD ",\"sub\":7," CLI "," JTI "," IAT "," EXP), TOKEN_MALFORMED },
	{ H(ISS "," AUD ",\"sub\":\"\"," CLI "," JTI "," IAT "," EXP), TOKEN_MALFORMED },
	{ H(ISS "," AUD ",\"sub\":\"a\\u0000b\"," CLI "," JTI "," IAT "," EXP), TOKEN_MALFORMED },
	{ H(ISS "," AUD "," SUB ",\"client_id\":{}," JTI "," IAT "," EXP), TOKEN_MALFORMED },
	{ H(ISS "," AUD "," SUB "," CLI ",\"jti\":true," IAT "," EXP), TOKEN_MALFORMED },
	{ H(ALL ",\"role\":7"), TOKEN_MALFORMED },
	{ H(ALL ",\"role\":null"), TOKEN_MALFORMED },
	{ H(ALL ",\"role\":[\"admin\"]"), TOKEN_MALFORMED },
	{ H(ALL ",\"sid\":7"), TOKEN_MALFORMED },
	{ H(ISS "," TEXTS ",\"iat\":\"1000\"," EXP), TOKEN_MALFORMED },
	{ H(ISS "," TEXTS ",\"iat\":1000.0," EXP), TOKEN_MALFORMED },
	{ H(ISS "," TEXTS ",\"iat\":-1," EXP), TOKEN_MALFORMED },
	{ H(ISS "," TEXTS ",\"iat\":null," EXP), TOKEN_MALFORMED },
	{ H(ISS "," TEXTS "," IAT ",\"exp\":\"2000\""), TOKEN_MALFORMED },
	{ H(ISS "," TEXTS "," IAT ",\"exp\":2000.5"), TOKEN_MALFORMED },
	{ H(ISS "," TEXTS "," IAT ",\"exp\":1e300"), TOKEN_MALFORMED },
	{ H(ISS "," TEXTS "," IAT ",\"exp\":9223372036854775807"), TOKEN_MALFORMED },
	{ H(ISS "," TEXTS "," IAT ",\"exp\":92233720368547758080"), TOKEN_MALFORMED },
	{ H(ISS "," TEXTS "," IAT ",\"exp\":-5"), TOKEN_MALFORMED },
	{ H(ISS "," TEXTS "," IAT ",\"exp\":true"), TOKEN_MALFORMED },
	{ H(ISS "," TEXTS "," IAT ",\"exp\":null"), TOKEN_MALFORMED },
	{ H(ISS "," TEXTS "," IAT ",\"exp\":[2000]"), TOKEN_MALFORMED },
	{ H(ALL ",\"nbf\":\"1\""), TOKEN_MALFORMED },
	{ H(ALL ",\"nbf\":null"), TOKEN_MALFORMED },
	{ H(ALL ",\"nbf\":1511"), TOKEN_NOT_YET_VALID },
	{ H(ISS "," TEXTS ",\"iat\":1511," EXP), TOKEN_NOT_YET_VALID },
	{ H(ISS "," TEXTS "," IAT ",\"exp\":1490"), TOKEN_EXPIRED },
	{ H(ISS "," TEXTS "," IAT ",\"exp\":0"), TOKEN_EXPIRED },
	{ H("\"iss\":\"https://cinesync.test/\"," TEXTS "," IAT "," EXP), TOKEN_WRONG_ISSUER },
	{ H("\"iss\":\"https://CINESYNC.test\"," TEXTS "," IAT "," EXP), TOKEN_WRONG_ISSUER },
	{ H(ISS ",\"aud\":\"other\"," SUB "," CLI "," JTI "," IAT "," EXP), TOKEN_WRONG_AUDIENCE },
	{ H(ISS ",\"aud\":[\"other\",\"cinesync2\"]," SUB "," CLI "," JTI "," IAT "," EXP), TOKEN_WRONG_AUDIENCE },
	{ H(ALL "," EXP), TOKEN_MALFORMED },
	{ H(ALL ",\"sub\":\"admin\""), TOKEN_MALFORMED },
	{ H(ALL) "{}", TOKEN_MALFORMED },
	{ "[" H(ALL) "]", TOKEN_MALFORMED },
	{ "", TOKEN_MALFORMED },
	{ "null", TOKEN_MALFORMED },
	{ "hello", TOKEN_MALFORMED },
	{ H(ALL ",\"x\":\"\xc3\""), TOKEN_MALFORMED },
	{ H(ALL ",\"x\":[[[[[[[[[[[[[[]]]]]]]]]]]]]]"), TOKEN_MALFORMED },
};

static void test_claims(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(claim_cases); i++) {
		struct buf token CLEANUP(buf_done);

		buf_init(&token, 100000);
		sign_any(&good, STR(GOOD_HEADER), str_from(claim_cases[i].claims), &token);
		check(claim_cases[i].claims, buf_str(&token), claim_cases[i].wanted);
	}
}

static void with_signature(const char *what, const void *signature, size_t len, enum token_error wanted)
{
	struct buf token CLEANUP(buf_done);

	buf_init(&token, 100000);
	signing_input(&good, STR(GOOD_HEADER), STR(GOOD_CLAIMS), &token);
	buf_addc(&token, '.');
	base64url_write(&token, signature, len);
	check(what, buf_str(&token), wanted);
}

/* CVE-2022-21449 accepted r = s = 0; n is the order of P-256. */
static void test_signatures_that_fit_anything(void **state UNUSED)
{
	static const uint8_t n[32] = { 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
		                       0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
		                       0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
	uint8_t signature[96] = { 0 };

	with_signature("all zero", signature, 64, TOKEN_BAD_SIGNATURE);
	signature[31] = 1;
	with_signature("r = 1, s = 0", signature, 64, TOKEN_BAD_SIGNATURE);
	signature[63] = 1;
	with_signature("r = s = 1", signature, 64, TOKEN_BAD_SIGNATURE);
	memcpy(signature, n, 32);
	memcpy(signature + 32, n, 32);
	with_signature("r = s = n", signature, 64, TOKEN_BAD_SIGNATURE);
	memset(signature, 0xff, sizeof(signature));
	with_signature("all ones", signature, 64, TOKEN_BAD_SIGNATURE);
	with_signature("empty", signature, 0, TOKEN_BAD_SIGNATURE);
	with_signature("32 bytes", signature, 32, TOKEN_BAD_SIGNATURE);
	with_signature("63 bytes", signature, 63, TOKEN_BAD_SIGNATURE);
	with_signature("65 bytes", signature, 65, TOKEN_BAD_SIGNATURE);
	with_signature("96 bytes, as of ES384", signature, 96, TOKEN_BAD_SIGNATURE);
}

static void test_signatures_of_others_and_in_other_forms(void **state UNUSED)
{
	struct buf input CLEANUP(buf_done);
	uint8_t raw[64], swapped[64], der[80];
	size_t len;

	buf_init(&input, 10000);
	signing_input(&good, STR(GOOD_HEADER), STR(GOOD_CLAIMS), &input);
	signature_raw(&good, buf_str(&input), raw);
	with_signature("raw", raw, 64, TOKEN_OK);
	memcpy(swapped, raw + 32, 32);
	memcpy(swapped + 32, raw, 32);
	with_signature("s before r", swapped, 64, TOKEN_BAD_SIGNATURE);
	len = signature_der(&good, buf_str(&input), der);
	with_signature("DER", der, len, TOKEN_BAD_SIGNATURE);
	signature_raw(&stranger, buf_str(&input), raw);
	with_signature("a stranger's", raw, 64, TOKEN_BAD_SIGNATURE);
	signature_raw(&good, STR("other text"), raw);
	with_signature("of another text", raw, 64, TOKEN_BAD_SIGNATURE);
}

static void test_algorithm_none_without_signature(void **state UNUSED)
{
	static const char *const algorithms[] = { "none", "None", "NONE", "nOnE", "" };

	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		struct buf token CLEANUP(buf_done);
		char header[100];

		(void)snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"$KID\",\"typ\":\"at+jwt\"}",
		               algorithms[i]);
		buf_init(&token, 10000);
		signing_input(&good, str_from(header), STR(GOOD_CLAIMS), &token);
		check("none without a last part", buf_str(&token), TOKEN_MALFORMED);
		buf_addc(&token, '.');
		check("none with an empty signature", buf_str(&token), TOKEN_WRONG_ALGORITHM);
	}
}

/* The confusion of 2015: the public key, which everybody has, taken as an HMAC secret. */
static void test_hs256_with_the_public_key_as_secret(void **state UNUSED)
{
	const struct token_key *key = good.key;
	struct buf jwks CLEANUP(buf_done);
	struct buf token CLEANUP(buf_done);
	uint8_t mac[32];
	struct str input;

	buf_init(&jwks, 10000);
	buf_init(&token, 10000);
	assert_int_equal(token_jwks_write(&key, 1, &jwks), 0);
	signing_input(&good, STR("{\"alg\":\"HS256\",\"kid\":\"$KID\",\"typ\":\"at+jwt\"}"), STR(GOOD_CLAIMS), &token);
	input = buf_str(&token);
	assert_non_null(
	        HMAC(EVP_sha256(), jwks.data, (int)jwks.len, (const uint8_t *)input.data, input.len, mac, NULL));
	buf_addc(&token, '.');
	base64url_write(&token, mac, sizeof(mac));
	check("HS256", buf_str(&token), TOKEN_WRONG_ALGORITHM);
}

/* CVE-2018-0114: a library took the key from the header. */
static void test_own_key_in_the_header(void **state UNUSED)
{
	struct buf token CLEANUP(buf_done);
	struct buf header CLEANUP(buf_done);

	buf_init(&token, 10000);
	buf_init(&header, 10000);
	buf_addf(&header,
	         "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\",\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
	         "\"%s\","
	         "\"y\":\"%s\"}}",
	         token_key_id(good.key), stranger.key->x, stranger.key->y);
	sign_any(&stranger, buf_str(&header), STR(GOOD_CLAIMS), &token);
	check("own key", buf_str(&token), TOKEN_FORBIDDEN_HEADER);
	buf_reset(&token);
	sign_any(&stranger, STR(GOOD_HEADER), STR(GOOD_CLAIMS), &token);
	check("own kid", buf_str(&token), TOKEN_UNKNOWN_KEY);
}

static void good_token(struct buf *out)
{
	buf_init(out, 100000);
	sign_any(&good, STR(GOOD_HEADER), STR(GOOD_CLAIMS), out);
}

static void test_shapes(void **state UNUSED)
{
	static const struct {
		const char *before;
		const char *behind;
	} wraps[] = {
		{ ".", "" },   { "", "." },       { "..", "" },   { "", ".." },   { "", "=" }, { "", "==" },
		{ " ", "" },   { "", " " },       { "", "\n" },   { "\t", "" },   { "", "," }, { "\"", "\"" },
		{ "", "%20" }, { "Bearer ", "" }, { "", ".e30" }, { "e30.", "" },
	};
	struct buf token CLEANUP(buf_done);
	struct buf text CLEANUP(buf_done);

	good_token(&token);
	buf_init(&text, 10000);
	for (size_t i = 0; i < ARRAY_SIZE(wraps); i++) {
		buf_reset(&text);
		buf_addf(&text, "%s%s%s", wraps[i].before, token.data, wraps[i].behind);
		check(text.data, buf_str(&text), TOKEN_MALFORMED);
	}
	check("null", STR_NULL, TOKEN_MALFORMED);
	check("empty", STR(""), TOKEN_MALFORMED);
	check("dots", STR(".."), TOKEN_MALFORMED);
	check("one dot", STR("."), TOKEN_MALFORMED);
	check("NUL behind", (struct str){ token.data, token.len + 1 }, TOKEN_MALFORMED);
}

static void test_too_long(void **state UNUSED)
{
	static char text[TOKEN_SIZE_MAX + 1];

	memset(text, 'A', sizeof(text));
	check("8193 bytes", (struct str){ text, sizeof(text) }, TOKEN_TOO_LONG);
	check("8192 bytes", (struct str){ text, sizeof(text) - 1 }, TOKEN_MALFORMED);
	memset(text, '.', sizeof(text));
	check("dots", (struct str){ text, sizeof(text) - 1 }, TOKEN_MALFORMED);
}

/* A parser that recurses a level a bracket would leave its stack. */
static void test_deep_header(void **state UNUSED)
{
	struct buf token CLEANUP(buf_done);
	static char header[TOKEN_HEADER_SIZE_MAX / 4 * 3];

	memset(header, '[', sizeof(header));
	buf_init(&token, 100000);
	sign_any(&good, (struct str){ header, sizeof(header) }, STR(GOOD_CLAIMS), &token);
	check("deep", buf_str(&token), TOKEN_MALFORMED);
	memset(header, ' ', sizeof(header));
	buf_reset(&token);
	signing_input(&good, (struct str){ header, sizeof(header) }, STR(GOOD_HEADER), &token);
	check("blank", buf_str(&token), TOKEN_MALFORMED);
}

static void test_truncated_at_every_byte(void **state UNUSED)
{
	struct buf token CLEANUP(buf_done);

	good_token(&token);
	for (size_t len = 0; len < token.len; len++) {
		char *copy = malloc(len + 1); /* so that ASan sees a byte too far */

		assert_non_null(copy);
		memcpy(copy, token.data, len);
		assert_int_not_equal(verify_at(verifier, (struct str){ copy, len }, GOOD_NOW), TOKEN_OK);
		free(copy);
	}
}

/* Every bit of every byte, and the verifier has seen the good token before. */
static void test_bit_flips(void **state UNUSED)
{
	struct buf token CLEANUP(buf_done);

	good_token(&token);
	check("good", buf_str(&token), TOKEN_OK);
	for (size_t i = 0; i < token.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			token.data[i] = (char)(token.data[i] ^ (1 << bit));
			assert_int_not_equal(verify_at(verifier, buf_str(&token), GOOD_NOW), TOKEN_OK);
			token.data[i] = (char)(token.data[i] ^ (1 << bit));
		}
	}
	check("good again", buf_str(&token), TOKEN_OK);
}

/* The last character of each part has unused bits: another text of the same bytes is another token, and refused. */
static void test_other_texts_of_the_same_bytes(void **state UNUSED)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	struct buf token CLEANUP(buf_done);
	char last;

	good_token(&token);
	last = token.data[token.len - 1];
	for (size_t i = 0; i < 64; i++) {
		token.data[token.len - 1] = alphabet[i];
		assert_int_equal(verify_at(verifier, buf_str(&token), GOOD_NOW) == TOKEN_OK, alphabet[i] == last);
	}
}

static void test_times_and_leeway(void **state UNUSED)
{
	struct buf token CLEANUP(buf_done);

	good_token(&token); /* iat 1000, exp 2000, leeway 10 */
	check_at("before iat", buf_str(&token), 989, TOKEN_NOT_YET_VALID);
	check_at("iat less leeway", buf_str(&token), 990, TOKEN_OK);
	check_at("exp and leeway", buf_str(&token), 2009, TOKEN_OK);
	check_at("before iat, now from the cache", buf_str(&token), 989, TOKEN_NOT_YET_VALID);
	check_at("exp over", buf_str(&token), 2010, TOKEN_EXPIRED);
	check_at("the far future", buf_str(&token), TOKEN_TIME_MAX, TOKEN_EXPIRED);
	check_at("the beginning", buf_str(&token), 0, TOKEN_NOT_YET_VALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_signatures_that_fit_anything),
		cmocka_unit_test(test_signatures_of_others_and_in_other_forms),
		cmocka_unit_test(test_algorithm_none_without_signature),
		cmocka_unit_test(test_hs256_with_the_public_key_as_secret),
		cmocka_unit_test(test_own_key_in_the_header),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_deep_header),
		cmocka_unit_test(test_truncated_at_every_byte),
		cmocka_unit_test(test_bit_flips),
		cmocka_unit_test(test_other_texts_of_the_same_bytes),
		cmocka_unit_test(test_times_and_leeway),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
