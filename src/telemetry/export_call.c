/* The call is the thread's that makes it; only export_call_wake() is for others. libcurl keeps the connection, which
 * may be in a table of open files that only this thread has. Limits: the time-out, ANSWER_SIZE_MAX of an answer,
 * EXPORT_RETRY_MS of a Retry-After. */
#include "telemetry/export_call.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	ANSWER_SIZE_MAX = 65536,
	CONNECT_MS_MAX = 5000,
	POLL_MS = 100,
};

struct export_call {
	const struct otlp_encoding *encoding;
	CURLM *multi; /* NULL until the first call */
	CURL *easy;
	int wake_fd;
	struct curl_slist *headers;
	struct buf answer;
	char error[CURL_ERROR_SIZE];
};

static size_t on_answer(char *data, size_t size, size_t n, void *arg)
{
	struct export_call *c = arg;

	buf_add(&c->answer, data, size * n);
	return size * n; /* what is too long is not looked at */
}

static int header_add(struct export_call *c, const char *header)
{
	struct curl_slist *longer = curl_slist_append(c->headers, header);

	if (!longer)
		return -ENOMEM;
	c->headers = longer;
	return 0;
}

static int headers_set(struct export_call *c, const char *const *headers)
{
	char type[64], accept[64];
	int r;

	snprintf(type, sizeof(type), "Content-Type: %s", c->encoding->content_type);
	snprintf(accept, sizeof(accept), "Accept: %s", c->encoding->content_type);
	r = header_add(c, type);
	if (r == 0)
		r = header_add(c, accept);
	/* Else libcurl would ask for leave before each. */
	if (r == 0)
		r = header_add(c, "Expect:");
	for (; r == 0 && headers && *headers; headers++)
		r = header_add(c, *headers);
	return r;
}

static void handle_set(struct export_call *c, const struct exporter_options *o)
{
	CURL *e = c->easy;

	curl_easy_setopt(e, CURLOPT_URL, o->url);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_POST, 1L);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, c->headers);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "OTel-OTLP-Exporter-CineSync/" CINESYNC_VERSION);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)o->timeout_ms);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)MIN(o->timeout_ms, (int64_t)CONNECT_MS_MAX));
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->error);
	if (o->ca_file)
		curl_easy_setopt(e, CURLOPT_CAINFO, o->ca_file);
}

int export_call_new(const struct exporter_options *o, struct export_call **ret)
{
	struct export_call *c CLEANUP(export_call_free) = NULL;
	int r;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	c = calloc(1, sizeof(*c));
	if (!c) {
		curl_global_cleanup();
		return -ENOMEM;
	}
	c->encoding = o->encoding;
	buf_init(&c->answer, ANSWER_SIZE_MAX);
	c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->wake_fd < 0)
		return -errno;
	c->easy = curl_easy_init();
	if (!c->easy)
		return -ENOMEM;
	r = headers_set(c, o->headers);
	if (r < 0)
		return r;
	handle_set(c, o);
	*ret = STEAL(c);
	return 0;
}

void export_call_free(struct export_call **c)
{
	struct export_call *old = STEAL(*c);

	if (!old)
		return;
	assert(!old->multi);
	curl_easy_cleanup(old->easy);
	curl_slist_free_all(old->headers);
	if (old->wake_fd >= 0)
		close(old->wake_fd);
	buf_done(&old->answer);
	free(old);
	curl_global_cleanup();
}

void export_call_hang_up(struct export_call *c)
{
	(void)curl_multi_cleanup(STEAL(c->multi));
}

int export_call_wake_fd(const struct export_call *c)
{
	return c->wake_fd;
}

void export_call_wake(struct export_call *c)
{
	static const uint64_t one = 1;

	(void)!write(c->wake_fd, &one, sizeof(one));
}

static void poll_once(struct export_call *c)
{
	struct curl_waitfd wake = { .fd = c->wake_fd, .events = CURL_WAIT_POLLIN };
	uint64_t n;

	(void)curl_multi_poll(c->multi, &wake, 1, POLL_MS, NULL);
	if (wake.revents)
		(void)!read(c->wake_fd, &n, sizeof(n));
}

/* As curl_easy_perform(), but an end is heard of at once. */
static CURLcode perform(struct export_call *c, bool (*is_over)(void *arg), void *arg)
{
	CURLcode code = CURLE_ABORTED_BY_CALLBACK;
	int running = 1, left;
	CURLMsg *message;

	if (!c->multi)
		c->multi = curl_multi_init();
	if (!c->multi || curl_multi_add_handle(c->multi, c->easy) != CURLM_OK)
		return CURLE_FAILED_INIT;
	while (running > 0 && !is_over(arg)) {
		if (curl_multi_perform(c->multi, &running) != CURLM_OK)
			break;
		if (running > 0)
			poll_once(c);
	}
	while ((message = curl_multi_info_read(c->multi, &left)))
		if (message->msg == CURLMSG_DONE)
			code = message->data.result;
	curl_multi_remove_handle(c->multi, c->easy);
	return code;
}

/* Metrics have no labels that others make up. */
static const char *status_word(long status)
{
	static const struct {
		long status;
		const char *word;
	} words[] = { { 400, "400" }, { 401, "401" }, { 403, "403" }, { 404, "404" }, { 413, "413" }, { 415, "415" },
		      { 429, "429" }, { 500, "500" }, { 502, "502" }, { 503, "503" }, { 504, "504" } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].status == status)
			return words[i].word;
	return "_OTHER";
}

static bool status_passes(long status)
{
	return status == 429 || status == 502 || status == 503 || status == 504;
}

static void no_answer(const struct export_call *c, CURLcode code, struct export_result *ret)
{
	ret->outcome = EXPORT_AGAIN;
	ret->error = code == CURLE_OPERATION_TIMEDOUT         ? "timeout"
	             : code == CURLE_ABORTED_BY_CALLBACK      ? "stopped"
	             : code == CURLE_PEER_FAILED_VERIFICATION ? "certificate"
	                                                      : "connection";
	snprintf(ret->reason, sizeof(ret->reason), "%s", c->error[0] ? c->error : curl_easy_strerror(code));
}

/* A 200 may have taken some and refused others. */
static void taken(struct export_call *c, struct export_result *ret)
{
	struct buf reason CLEANUP(buf_done);

	buf_init(&reason, EXPORT_REASON_SIZE - 1);
	if (buf_error(&c->answer) == 0 && c->answer.len > 0)
		ret->rejected = c->encoding->rejected(buf_str(&c->answer), &reason);
	snprintf(ret->reason, sizeof(ret->reason), "%s", buf_str(&reason).data);
}

static void answered(struct export_call *c, struct export_result *ret)
{
	curl_off_t retry_after_s = 0;
	long status = 0;

	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
	if (status >= 200 && status < 300) {
		taken(c, ret);
		return;
	}
	ret->outcome = status_passes(status) ? EXPORT_AGAIN : EXPORT_REFUSED;
	ret->error = status_word(status);
	ret->retry_after_ms = (int64_t)MIN(retry_after_s, (curl_off_t)(EXPORT_RETRY_MS / 1000)) * 1000;
	snprintf(ret->reason, sizeof(ret->reason), "HTTP status %ld", status);
}

void export_call_make(struct export_call *c, struct str body, bool (*is_over)(void *arg), void *arg,
                      struct export_result *ret)
{
	CURLcode code;

	*ret = (struct export_result){ .outcome = EXPORT_TAKEN, .error = "" };
	buf_reset(&c->answer);
	c->error[0] = '\0';
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, body.data);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
	code = perform(c, is_over, arg);
	if (code == CURLE_OK)
		answered(c, ret);
	else
		no_answer(c, code, ret);
}
