/* The policy on new passwords. The estimator takes time that grows faster than the password, so it sees a bounded part,
 * on a pool thread. Nothing here keeps a password, and no message repeats a part of one. */
#include "user/password_policy.h"

#include "base/utf8.h"
#include "fiber/offload.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <zxcvbn.h>

enum { WORDS_MAX = 12, WORD_SIZE = 64 };

/* Bits of entropy below which a score ends: log2 of 10^3, 10^6, 10^8, 10^10 guesses. */
static const double bits_of[] = { 9.966, 19.932, 26.575, 33.219 };

/* ---- the estimate ---- */

static const char *advice_of(int type)
{
	switch (type & ~MULTIPLE_MATCH) {
	case DICTIONARY_MATCH:
		return "Common words and passwords are tried first: add more, less common words";
	case DICT_LEET_MATCH:
		return "Replacing letters by digits or signs helps little: add another word or two";
	case USER_MATCH:
	case USER_LEET_MATCH:
		return "Leave out your name, your address and the name of this site";
	case REPEATS_MATCH:
		return "Repeats like \"aaa\" or \"abcabc\" are easy to guess: avoid them";
	case SEQUENCE_MATCH:
		return "Sequences like \"abc\" or \"6543\" are easy to guess: avoid them";
	case SPATIAL_MATCH:
		return "Rows of keys are easy to guess: avoid them, or turn more often";
	case DATE_MATCH:
	case YEAR_MATCH:
		return "Dates and years are easy to guess: leave out those that have to do with you";
	default:
		return "Add another word or two: several uncommon words are better than signs and digits";
	}
}

/* The advice on the longest part that a pattern was found in. */
static const char *advice_on(const ZxcMatch_t *matches)
{
	const ZxcMatch_t *longest = NULL;

	for (const ZxcMatch_t *m = matches; m; m = m->Next) {
		if ((m->Type & ~MULTIPLE_MATCH) <= BRUTE_MATCH || (m->Type & ~MULTIPLE_MATCH) == LONG_PWD_MATCH)
			continue;
		if (!longest || m->Length > longest->Length)
			longest = m;
	}
	return advice_of(longest ? (int)longest->Type : BRUTE_MATCH);
}

void password_strength(struct str password, const char *const *words, struct password_strength *ret)
{
	const char *dictionary[WORDS_MAX + 1] = { NULL };
	char text[PASSWORD_POLICY_LOOKED_AT + 1] = { 0 };
	ZxcMatch_t *matches = NULL;
	double bits;

	for (size_t i = 0; i < WORDS_MAX && words[i]; i++)
		dictionary[i] = words[i];
	/* The estimator reads a C string: a NUL is a character like another. */
	for (size_t i = 0; i < MIN(password.len, sizeof(text) - 1); i++)
		text[i] = password.data[i] ? password.data[i] : '\x01';
	bits = ZxcvbnMatch(text, dictionary, &matches);
	ret->score = 0;
	for (size_t i = 0; i < ARRAY_SIZE(bits_of); i++)
		ret->score += bits >= bits_of[i];
	ret->advice = ret->score < 4 ? advice_on(matches) : NULL;
	ZxcvbnFreeInfo(matches);
	OPENSSL_cleanse(text, sizeof(text));
}

/* ---- the check ---- */

struct estimate {
	struct str password;
	const char *words[WORDS_MAX + 1];
	char room[WORDS_MAX][WORD_SIZE];
	size_t n;
	struct password_strength strength;
};

/* Words of letters and digits out of a text, in lower case as the estimator compares them. */
static void words_add(struct estimate *e, struct str text)
{
	size_t len = 0;

	for (size_t i = 0; i <= text.len && e->n < WORDS_MAX; i++) {
		char c = i < text.len ? text.data[i] : '\0';
		bool is_part = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & 0x80);

		if (is_part && len < WORD_SIZE - 1) {
			e->room[e->n][len++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
		} else if (!is_part && len >= 3) {
			e->room[e->n][len] = '\0';
			e->words[e->n] = e->room[e->n];
			e->n++;
			len = 0;
		} else if (!is_part) {
			len = 0;
		}
	}
}

static int work(void *arg)
{
	struct estimate *e = arg;

	password_strength(e->password, e->words, &e->strength);
	return 0;
}

static int refuse(struct request *req, const char *field, const char *type, const char *message)
{
	violations_add(request_violation_list(req), "body", field, type, "%s", message);
	return request_violations(req);
}

int password_policy_check(struct request *req, const char *field, struct str password, struct str email,
                          struct str display_name)
{
	const struct user_config *c = user_state()->config;
	struct estimate e = { .password = password };
	const struct offload job = { .work = work, .arg = &e };
	char message[80];
	int r;

	if (utf8_length(password) < (size_t)c->password_length_min) {
		snprintf(message, sizeof(message), "String should have at least %lld characters",
		         (long long)c->password_length_min);
		return refuse(req, field, "string_too_short", message);
	}
	if (c->password_score_min == 0)
		return 0;
	words_add(&e, STR("cinesync"));
	words_add(&e, email);
	if (!str_is_null(display_name))
		words_add(&e, display_name);
	r = offload_run(&job);
	if (r < 0)
		return r;
	if (e.strength.score >= c->password_score_min)
		return 0;
	return refuse(req, field, "password_too_weak", e.strength.advice);
}
