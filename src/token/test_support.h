/* For the tests of this room: a signer that signs anything, as a forger with a good key would. */
#ifndef CINESYNC_TOKEN_TEST_SUPPORT_H
#define CINESYNC_TOKEN_TEST_SUPPORT_H

#include "token/token_internal.h"

#include <openssl/evp.h>

#define GOOD_CLAIMS                                                                                     \
	"{\"iss\":\"https://cinesync.test\",\"aud\":\"cinesync\",\"sub\":\"u1\",\"client_id\":\"web\"," \
	"\"jti\":\"j1\",\"sid\":\"s1\",\"role\":\"user\",\"iat\":1000,\"exp\":2000}"
#define GOOD_HEADER "{\"alg\":\"ES256\",\"kid\":\"$KID\",\"typ\":\"at+jwt\"}"
#define GOOD_NOW 1500

struct signer {
	EVP_PKEY *pkey;
	struct token_key *key; /* the same */
};

void signer_new(struct signer *ret);
void signer_free(struct signer *s);
/* header.payload in base64url; "$KID" in the header becomes the signer's. */
void signing_input(const struct signer *s, struct str header, struct str payload, struct buf *out);
/* An ASN.1 signature of the text. */
size_t signature_der(const struct signer *s, struct str text, uint8_t ret[80]);
void signature_raw(const struct signer *s, struct str text, uint8_t ret[64]);
/* A whole compact JWS. */
void sign_any(const struct signer *s, struct str header, struct str payload, struct buf *out);
/* A verifier of the signer's key for GOOD_CLAIMS. */
struct token_verifier *verifier_for(const struct signer *s, size_t cache_max);
/* The reason; TOKEN_OK when accepted. Claims, when asked for, live as long as the arena. */
enum token_error verify_at(struct token_verifier *v, struct str token, int64_t now_s);

#endif
