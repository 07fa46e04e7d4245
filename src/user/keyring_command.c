/* `cinesync-user keys list | rotate [--now] | retire KID`, for who has the database; running services follow within
 * seconds. */
#include "user/keyring_command.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 64, ARENA_MAX = 256 * 1024 };

static int failed(int r, const char *doing)
{
	const char *words = error_name(r);

	if (r == -EPERM)
		words = "SIGNING_KEY_FILE is the one key; unset it to have keys in the database";
	else if (r == -EEXIST)
		words = "a new key is published already and signs soon; --now makes another that signs at once";
	else if (r == -ENOSPC)
		words = "too many keys verify still; retire one, or wait until one has ended";
	else if (r == -ENOENT)
		words = "there is no such key that verifies";
	fprintf(stderr, "keys %s: %s\n", doing, words);
	return EXIT_FAILURE;
}

static const char *when(int64_t ms, char text[CLOCK_ISO8601_SIZE])
{
	if (ms == 0)
		return "-";
	clock_format_iso8601(ms, text);
	return text;
}

static int list(struct keyring *k)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct keyring_key *keys;
	size_t n;
	int r = arena_new(ARENA_MAX, &a);

	if (r == 0)
		r = keyring_list(k, a, &keys, &n);
	if (r < 0)
		return failed(r, "list");
	printf("%-43s  %-7s  %-24s  %-24s\n", "KID", "NOW", "SIGNS FROM", "VERIFIES UNTIL");
	for (size_t i = 0; i < n; i++) {
		char from[CLOCK_ISO8601_SIZE], until[CLOCK_ISO8601_SIZE];

		printf("%-43.*s  %-7s  %-24s  %-24s\n", STR_ARGS(keys[i].kid), keys[i].is_signing ? "signs" : "",
		       when(keys[i].time.activates_at_ms, from), when(keys[i].time.expires_at_ms, until));
	}
	return EXIT_SUCCESS;
}

static int rotate(struct keyring *k, enum keyring_why why)
{
	char kid[KEYRING_KID_SIZE];
	int r = keyring_rotate(k, NULL, why, kid);

	if (r < 0)
		return failed(r, "rotate");
	printf("%s\n", kid);
	return EXIT_SUCCESS;
}

int keyring_command(struct keyring *k, int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	int r;

	if (argc == 2 && strcmp(verb, "list") == 0)
		return list(k);
	if (argc == 2 && strcmp(verb, "rotate") == 0)
		return rotate(k, KEYRING_ASKED);
	if (argc == 3 && strcmp(verb, "rotate") == 0 && strcmp(argv[2], "--now") == 0)
		return rotate(k, KEYRING_AT_ONCE);
	if (argc == 3 && strcmp(verb, "retire") == 0) {
		r = keyring_retire(k, NULL, str_from(argv[2]));
		return r < 0 ? failed(r, "retire") : EXIT_SUCCESS;
	}
	fprintf(stderr, "usage: keys list | rotate [--now] | retire KID\n");
	return EXIT_USAGE;
}
