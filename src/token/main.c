/* cinesync-token: signs and checks access tokens from the shell, and prints key sets.
 *
 * One command a run; everything is freed by the end of the process at the latest. Input is bounded: a token by
 * TOKEN_SIZE_MAX, a key set by TOKEN_JWKS_SIZE_MAX. A private key never reaches an output. */
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "token/token.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#define TTL_MAX_S 31536000
#define ARENA_SIZE_MAX (64 * 1024)

struct options {
	const char *key, *jwks, *iss, *aud, *sub, *role, *sid, *client_id, *jti, *ttl, *at, *leeway;
	bool create;
	const char *token; /* NULL: none given */
};

struct command {
	const char *name;
	const char *allowed; /* option letters */
	bool takes_token;
	int (*run)(const struct options *o);
};

static const char help[] =
        "Signs and checks the access tokens of CineSync (JWT, RFC 9068, ES256).\n"
        "\n"
        "usage: cinesync-token sign --key FILE --iss ISSUER --aud AUDIENCE --sub SUBJECT [--role ROLE] [--sid "
        "SESSION]\n"
        "                           [--client-id ID] [--jti ID] [--ttl SECONDS] [--at UNIX_TIME] [--create]\n"
        "       cinesync-token verify --jwks FILE [--iss ISSUER] [--aud AUDIENCE] [--leeway SECONDS] [--at UNIX_TIME] "
        "TOKEN\n"
        "       cinesync-token verify-jws --jwks FILE JWS\n"
        "       cinesync-token jwks --key FILE [--create]\n"
        "       cinesync-token --help\n"
        "\n"
        "sign        prints a token signed with the private JWK in FILE (mode 0600). Without --ttl it lives 600 "
        "seconds,\n"
        "            without --client-id it is cinesync-token's, without --jti it gets a new UUID.\n"
        "verify      prints the claims of a good token as JSON; says on standard error why another is refused.\n"
        "            Issuer and audience are checked when they are given.\n"
        "verify-jws  checks the ES256 signature of any compact JWS and prints its payload as it is.\n"
        "jwks        prints the public half of a key as a JWK set.\n"
        "\n"
        "--create makes the key file when there is none. TOKEN may be - for standard input; --at stands for the "
        "clock.\n"
        "Exit status: 0; 1 refused or failed; 64 bad usage.\n";

static int usage_error(const char *text, const char *what)
{
	(void)fprintf(stderr, "cinesync-token: %s%s (try --help)\n", text, what);
	return EX_USAGE;
}

static int failure(const char *what, int r)
{
	(void)fprintf(stderr, "cinesync-token: %s: %s (%s)\n", what, strerror(-r), error_name(r));
	return EXIT_FAILURE;
}

/* EXIT_FAILURE when standard output does not take it: a token cut short by a full disk is not a success. */
static int print_line(struct str s, bool newline)
{
	if (fwrite(s.data, 1, s.len, stdout) != s.len || (newline && putchar('\n') == EOF) || fflush(stdout) == EOF)
		return failure("standard output", -errno);
	return EXIT_SUCCESS;
}

/* false, with the complaint printed, when it is not a number in the range. */
static bool number_get(const char *text, const char *option, int64_t min, int64_t max, int64_t *ret)
{
	if (!text || str_to_int64(str_from(text), min, max, ret) == 0)
		return true;
	(void)fprintf(stderr, "cinesync-token: %s must be a number from %lld to %lld, not %s\n", option, (long long)min,
	              (long long)max, text);
	return false;
}

static int stream_read(FILE *f, struct buf *out)
{
	char part[4096];
	size_t n;

	while ((n = fread(part, 1, sizeof(part), f)) > 0) {
		buf_add(out, part, n);
		if (buf_error(out) < 0)
			return -EFBIG;
	}
	return ferror(f) ? -EIO : 0;
}

static int file_read(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "re");
	int r;

	if (!f)
		return -errno;
	r = stream_read(f, out);
	(void)fclose(f);
	return r;
}

static int keys_read(const char *path, struct token_keyset **ret)
{
	struct buf text CLEANUP(buf_done);
	int r;

	buf_init(&text, TOKEN_JWKS_SIZE_MAX);
	r = file_read(path, &text);
	return r < 0 ? r : token_keyset_parse(buf_str(&text), ret);
}

/* One blank or newline behind a token on standard input is not part of it. */
static int token_read(const char *argument, struct buf *out)
{
	int r = 0;

	if (strcmp(argument, "-") == 0)
		r = stream_read(stdin, out);
	else
		buf_adds(out, argument);
	while (out->len > 0 && strchr("\r\n \t", out->data[out->len - 1]))
		out->len--;
	return r;
}

static int key_get(const struct options *o, struct token_key **ret)
{
	int r = o->create ? token_key_load_or_create(o->key, ret) : token_key_load(o->key, ret);

	return r < 0 ? failure(o->key, r) : EXIT_SUCCESS;
}

static int run_sign(const struct options *o)
{
	struct token_key *key CLEANUP(token_key_free) = NULL;
	struct buf out CLEANUP(buf_done);
	char jti[UUID_SIZE];
	int64_t now_s = clock_real_ms() / 1000;
	int64_t ttl_s = 600;
	struct token_claims claims;
	int r;

	buf_init(&out, TOKEN_SIZE_MAX);
	if (!o->key || !o->iss || !o->aud || !o->sub)
		return usage_error("sign needs --key, --iss, --aud and --sub", "");
	if (!number_get(o->ttl, "--ttl", 1, TTL_MAX_S, &ttl_s) ||
	    !number_get(o->at, "--at", 0, TOKEN_TIME_MAX - TTL_MAX_S, &now_s))
		return EX_USAGE;
	if (key_get(o, &key) != EXIT_SUCCESS)
		return EXIT_FAILURE;
	uuid_v7(jti);
	claims = (struct token_claims){ .iss = str_from(o->iss),
		                        .aud = str_from(o->aud),
		                        .sub = str_from(o->sub),
		                        .jti = str_from(o->jti ? o->jti : jti),
		                        .sid = str_from(o->sid),
		                        .role = str_from(o->role),
		                        .client_id = str_from(o->client_id ? o->client_id : "cinesync-token"),
		                        .iat = now_s,
		                        .exp = now_s + ttl_s };
	r = token_sign(key, &claims, &out);
	return r < 0 ? failure("cannot sign", r) : print_line(buf_str(&out), true);
}

static int refused(enum token_error e)
{
	(void)fprintf(stderr, "cinesync-token: refused: %s\n", token_error_name(e));
	return EXIT_FAILURE;
}

static int payload_print(const struct options *o, struct str token, bool newline)
{
	struct token_keyset *keys CLEANUP(token_keyset_free) = NULL;
	struct buf payload CLEANUP(buf_done);
	enum token_error e;
	int r;

	buf_init(&payload, TOKEN_SIZE_MAX);
	r = keys_read(o->jwks, &keys);
	if (r < 0)
		return failure(o->jwks, r);
	r = token_verify_jws(keys, token, &payload, &e);
	if (r == -EACCES)
		return refused(e);
	return r < 0 ? failure("cannot verify", r) : print_line(buf_str(&payload), newline);
}

static int claims_verify(const struct options *o, struct str token, int64_t now_s, const struct token_policy *policy)
{
	struct token_keyset *keys CLEANUP(token_keyset_free) = NULL;
	struct token_verifier *v CLEANUP(token_verifier_free) = NULL;
	struct arena *a CLEANUP(arena_free) = NULL;
	struct token_claims claims;
	enum token_error e;
	int r;

	r = keys_read(o->jwks, &keys);
	if (r < 0)
		return failure(o->jwks, r);
	r = token_verifier_new(&keys, policy, &v);
	if (r == 0)
		r = arena_new(ARENA_SIZE_MAX, &a);
	if (r == 0)
		r = token_verify(v, token, now_s, a, &claims, &e);
	if (r == -EACCES)
		return refused(e);
	return r < 0 ? failure("cannot verify", r) : EXIT_SUCCESS;
}

static int run_verify(const struct options *o)
{
	struct token_policy policy = { .issuer = o->iss, .audience = o->aud };
	int64_t now_s = clock_real_ms() / 1000;
	struct buf token CLEANUP(buf_done);
	int r;

	buf_init(&token, 16 * TOKEN_SIZE_MAX);
	if (!o->jwks)
		return usage_error("verify needs --jwks", "");
	if (!number_get(o->leeway, "--leeway", 0, 300, &policy.leeway_s) ||
	    !number_get(o->at, "--at", 0, TOKEN_TIME_MAX, &now_s))
		return EX_USAGE;
	r = token_read(o->token, &token);
	if (r < 0)
		return failure("cannot read the token", r);
	r = claims_verify(o, buf_str(&token), now_s, &policy);
	/* The payload of a token just accepted: it shows claims that the struct does not know too. */
	return r == EXIT_SUCCESS ? payload_print(o, buf_str(&token), true) : r;
}

static int run_verify_jws(const struct options *o)
{
	struct buf jws CLEANUP(buf_done);
	int r;

	buf_init(&jws, 16 * TOKEN_SIZE_MAX);
	if (!o->jwks)
		return usage_error("verify-jws needs --jwks", "");
	r = token_read(o->token, &jws);
	return r < 0 ? failure("cannot read the JWS", r) : payload_print(o, buf_str(&jws), false);
}

static int run_jwks(const struct options *o)
{
	struct token_key *key CLEANUP(token_key_free) = NULL;
	struct buf out CLEANUP(buf_done);
	int r;

	buf_init(&out, TOKEN_JWKS_SIZE_MAX);
	if (!o->key)
		return usage_error("jwks needs --key", "");
	if (key_get(o, &key) != EXIT_SUCCESS)
		return EXIT_FAILURE;
	r = token_jwks_write((const struct token_key *const[]){ key }, 1, &out);
	return r < 0 ? failure("cannot write the key set", r) : print_line(buf_str(&out), true);
}

static const struct command commands[] = {
	{ "sign", "kiasrdcjtnC", false, run_sign },
	{ "verify", "wialn", true, run_verify },
	{ "verify-jws", "w", true, run_verify_jws },
	{ "jwks", "kC", false, run_jwks },
};

static const struct option long_options[] = {
	{ "key", required_argument, NULL, 'k' },
	{ "jwks", required_argument, NULL, 'w' },
	{ "iss", required_argument, NULL, 'i' },
	{ "aud", required_argument, NULL, 'a' },
	{ "sub", required_argument, NULL, 's' },
	{ "role", required_argument, NULL, 'r' },
	{ "sid", required_argument, NULL, 'd' },
	{ "client-id", required_argument, NULL, 'c' },
	{ "jti", required_argument, NULL, 'j' },
	{ "ttl", required_argument, NULL, 't' },
	{ "at", required_argument, NULL, 'n' },
	{ "leeway", required_argument, NULL, 'l' },
	{ "create", no_argument, NULL, 'C' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static const char **option_place(struct options *o, int letter)
{
	switch (letter) {
	case 'k':
		return &o->key;
	case 'w':
		return &o->jwks;
	case 'i':
		return &o->iss;
	case 'a':
		return &o->aud;
	case 's':
		return &o->sub;
	case 'r':
		return &o->role;
	case 'd':
		return &o->sid;
	case 'c':
		return &o->client_id;
	case 'j':
		return &o->jti;
	case 't':
		return &o->ttl;
	case 'n':
		return &o->at;
	default:
		return &o->leeway;
	}
}

static int run(const struct command *command, int argc, char **argv)
{
	struct options o = { 0 };
	int letter;

	while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (letter == 'h')
			return print_line(str_from(help), false);
		if (letter == '?')
			return EX_USAGE;
		if (!strchr(command->allowed, letter))
			return usage_error("an option is not one of ", command->name);
		if (letter == 'C')
			o.create = true;
		else
			*option_place(&o, letter) = optarg;
	}
	if (argc - optind != (command->takes_token ? 1 : 0))
		return usage_error(command->takes_token ? "give one token to " : "no more words go with ",
		                   command->name);
	o.token = command->takes_token ? argv[optind] : NULL;
	return command->run(&o);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return usage_error("give a command: sign, verify, verify-jws or jwks", "");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return print_line(str_from(help), false);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			return run(&commands[i], argc - 1, argv + 1);
	return usage_error("unknown command ", argv[1]);
}
