/* A blocking GET in a loop with libcurl's easy interface; runs before any loop or fiber exists, in a process of its
 * own. */
#include "service/probe.h"

#include "base/buf.h"
#include "base/clock.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	BODY_SIZE_MAX = 65536,
	TRY_MS = 2000,
	PAUSE_MS = 5,
};

int probe_url(const char *listen, char *ret, size_t size)
{
	const char *colon = strrchr(listen, ':');
	const char *host = "127.0.0.1";
	char given[128];
	int n;

	if (!colon || (size_t)(colon - listen) >= sizeof(given))
		return -EINVAL;
	snprintf(given, sizeof(given), "%.*s", (int)(colon - listen), listen);
	if (strcmp(given, "[::]") == 0)
		host = "[::1]";
	else if (strcmp(given, "0.0.0.0") != 0)
		host = given;
	n = snprintf(ret, size, "http://%s:%s/readyz", host, colon + 1);
	return n > 0 && (size_t)n < size ? 0 : -EINVAL;
}

static size_t take(char *data, size_t size, size_t n, void *arg)
{
	buf_add(arg, data, size * n);
	return size * n;
}

static bool probe_once(CURL *easy, struct buf *body)
{
	long status = 0;

	buf_reset(body);
	if (curl_easy_perform(easy) != CURLE_OK)
		return false;
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	return status == 200;
}

static void pause_ms(int64_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

int probe_run(const char *url, int64_t wait_ms)
{
	int64_t deadline = clock_deadline_in(wait_ms);
	struct buf body CLEANUP(buf_done);
	CURL *easy = curl_easy_init();
	bool ok = false;

	buf_init(&body, BODY_SIZE_MAX);
	if (!easy || curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK)
		return 64;
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	/* The gateway's own certificate is for its name in the world, or made: it is asked whether it is well, and is
	 * told no secret. */
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)TRY_MS);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body);
	while (!(ok = probe_once(easy, &body)) && clock_mono_ms() < deadline)
		pause_ms(PAUSE_MS);
	if (body.len > 0)
		printf("%s\n", body.data);
	else
		fprintf(stderr, "%s: no answer\n", url);
	curl_easy_cleanup(easy);
	return ok ? 0 : 1;
}
