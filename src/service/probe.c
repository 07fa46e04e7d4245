/* A blocking GET in a loop with libcurl's easy interface; runs before any loop or fiber exists, in a process of its
 * own. */
#include "service/probe.h"

#include "base/buf.h"
#include "base/clock.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sysexits.h>
#include <unistd.h>

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

/* Descriptors that become readable when their processes end. */
struct watch {
	struct pollfd of[PROBE_ITEMS_MAX];
	nfds_t n;
};

static void watch_done(struct watch *w)
{
	for (nfds_t i = 0; i < w->n; i++)
		close(w->of[i].fd);
}

/* -ESRCH: one has ended already. */
static int watch_init(struct watch *w, const struct probe *p)
{
	for (size_t i = 0; i < p->n_whiles; i++) {
		int fd = pidfd_open(p->whiles[i], 0);

		if (fd < 0 && errno == ESRCH)
			return -ESRCH;
		if (fd >= 0)
			w->of[w->n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
	return 0;
}

/* Between two tries. False: there is no use in another. */
static bool pause_is_over(struct watch *w, int64_t deadline)
{
	return clock_mono_ms() < deadline && poll(w->of, w->n, PAUSE_MS) <= 0;
}

static int probe_url_until(CURL *easy, const char *url, struct watch *w, int64_t deadline, struct buf *body)
{
	bool is_ok;

	if (curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK)
		return EX_USAGE;
	while (!(is_ok = probe_once(easy, body)) && pause_is_over(w, deadline))
		;
	if (body->len > 0)
		printf("%s\n", body->data);
	else
		fprintf(stderr, "%s: no answer\n", url);
	return is_ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void easy_done(CURL **easy)
{
	curl_easy_cleanup(*easy);
}

int probe_run(const struct probe *p)
{
	int64_t deadline = clock_deadline_in(p->wait_ms);
	struct watch w CLEANUP(watch_done) = { .n = 0 };
	struct buf body CLEANUP(buf_done);
	CURL *easy CLEANUP(easy_done) = curl_easy_init();
	int r = EXIT_SUCCESS;

	buf_init(&body, BODY_SIZE_MAX);
	if (!easy || watch_init(&w, p) < 0)
		return EXIT_FAILURE;
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
	for (size_t i = 0; i < p->n_urls && r == EXIT_SUCCESS; i++)
		r = probe_url_until(easy, p->urls[i], &w, deadline, &body);
	return r;
}
