/* Setting a libcurl handle up for a call, and reading its answer. Everything a peer could make large is bounded;
 * nothing of the environment (proxies, .netrc) has a say; redirects are not followed. */
#include "http/transfer.h"

#include "base/clock.h"
#include "fiber/fiber.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>

enum {
	CONNECT_MS = 1000,
	NAMES_KEPT_S = 2,
	ANSWER_MAX = 4 << 20,
	HEADER_LINE_MAX = 8192,
	UNHEARD_MS = 10000,
};

static size_t body_take(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	buf_add(&t->body, data, size * n);
	if (buf_error(&t->body) == 0)
		return size * n;
	t->too_large = buf_error(&t->body) == -ENOBUFS;
	return 0; /* ends the transfer with CURLE_WRITE_ERROR */
}

static bool is_one_line(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] == '\r' || s.data[i] == '\n' || s.data[i] == '\0')
			return false;
	}
	return true;
}

static int header_add(struct transfer *t, const char *name, struct str value)
{
	struct buf line CLEANUP(buf_done);
	struct curl_slist *longer;

	buf_init(&line, HEADER_LINE_MAX);
	if (!is_one_line(value) || !is_one_line(str_from(name)))
		return -EINVAL;
	buf_addf(&line, "%s: %.*s", name, STR_ARGS(value));
	if (buf_error(&line) < 0)
		return -EINVAL;
	longer = curl_slist_append(t->headers, line.data);
	if (!longer)
		return -ENOMEM;
	t->headers = longer;
	return 0;
}

static int trace_headers(struct transfer *t)
{
	char parent[TRACEPARENT_SIZE];
	int r;

	if (!context_current)
		return 0;
	trace_format(context_current, parent);
	r = header_add(t, "traceparent", str_from(parent));
	if (r == 0 && context_current->tracestate[0])
		r = header_add(t, "tracestate", str_from(context_current->tracestate));
	return r;
}

static int headers_make(struct transfer *t, const struct http_call *call, int64_t left_ms)
{
	char text[24];
	int r = header_add(t, "Expect", STR("")); /* none: bodies are small */

	for (size_t i = 0; i < call->n_headers && r == 0; i++)
		r = header_add(t, call->headers[i].name, call->headers[i].value);
	if (r == 0 && call->body_type)
		r = header_add(t, "Content-Type", str_from(call->body_type));
	if (r == 0 && !call->no_trace_headers)
		r = trace_headers(t);
	if (r < 0 || call->no_deadline_header)
		return r;
	snprintf(text, sizeof(text), "%lld", (long long)left_ms);
	return header_add(t, "X-Request-Deadline-Ms", str_from(text));
}

static void method_set(CURL *easy, const struct http_call *call)
{
	if (!str_is_null(call->body)) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
		curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, call->body.data);
	} else if (strcmp(call->method, "HEAD") == 0) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
}

static void limits_set(CURL *easy, const struct http_call *call, int64_t timeout_ms)
{
	int64_t connect_ms = call->connect_timeout_ms ? call->connect_timeout_ms : CONNECT_MS;

	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)MIN(connect_ms, timeout_ms));
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	/* Replicas come and go under one name, and each is to have its share. */
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, (long)NAMES_KEPT_S);
	curl_easy_setopt(easy, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
	/* A call given up while its name is looked up would else wait, on the loop, for the thread that does it. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}

/* A call that times out ends its HTTP/2 stream, not the connection. One to a peer that is gone without a word would
 * take in call after call: so the kernel ends it when nothing was acknowledged for a while. */
static int socket_made(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	unsigned ms = UNHEARD_MS;

	(void)arg;
	(void)purpose;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
	return CURL_SOCKOPT_OK;
}

/* Waiting for a connection to turn out to be HTTP/2 is right for TLS alone: in the clear it never is. */
static void connection_set(CURL *easy, const struct http_call *call, const char *ca_file)
{
	bool waits = call->multiplex && strncasecmp(call->url, "https:", 6) == 0;

	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT, waits ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, socket_made);
	if (ca_file) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
}

int transfer_begin(struct transfer *t, CURL *easy, const struct http_call *call, const char *user_agent,
                   const char *ca_file)
{
	int64_t timeout_ms = MIN(call->timeout_ms ? call->timeout_ms : HTTP_CALL_TIMEOUT_MS, fiber_time_left_ms());
	int r;

	*t = (struct transfer){ .easy = easy };
	buf_init(&t->body, call->answer_max ? call->answer_max : ANSWER_MAX);
	if (!easy)
		return -ENOMEM;
	r = headers_make(t, call, timeout_ms);
	if (r < 0)
		return r;
	if (curl_easy_setopt(easy, CURLOPT_URL, call->url) != CURLE_OK)
		return -ENOMEM;
	method_set(easy, call);
	limits_set(easy, call, timeout_ms);
	connection_set(easy, call, ca_file);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, user_agent);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_take);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
	return 0;
}

/* An answer that is no HTTP/1 at all, which libcurl calls an unsupported protocol, as it does a strange scheme. */
static bool was_sent(const struct transfer *t)
{
	long size = 0;

	curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &size);
	return size > 0;
}

int transfer_error(const struct transfer *t)
{
	switch (t->code) {
	case CURLE_OK:
		return 0;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2_STREAM:
		return -ECONNRESET;
	case CURLE_UNSUPPORTED_PROTOCOL:
		return was_sent(t) ? -EPROTO : -EINVAL;
	case CURLE_URL_MALFORMAT:
		return -EINVAL;
	case CURLE_WRITE_ERROR:
		return t->too_large ? -EMSGSIZE : -ENOMEM;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	default:
		return -EPROTO;
	}
}

static int header_read(struct transfer *t, const char *name, struct arena *a, struct str *ret)
{
	struct curl_header *h;

	if (curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
		return 0; /* the field stays null */
	return arena_copy(a, str_from(h->value), ret);
}

static int version_number(CURL *easy)
{
	long version = 0;

	curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
	switch (version) {
	case CURL_HTTP_VERSION_2_0:
		return 20;
	case CURL_HTTP_VERSION_1_0:
		return 10;
	default:
		return 11;
	}
}

static int headers_read(struct transfer *t, struct arena *a, struct http_answer *ret)
{
	const struct {
		const char *name;
		struct str *value;
	} wanted[] = {
		{ "Content-Type", &ret->content_type },
		{ "Retry-After", &ret->retry_after },
		{ "ETag", &ret->etag },
		{ "Cache-Control", &ret->cache_control },
		{ "Age", &ret->age },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(wanted) && r == 0; i++)
		r = header_read(t, wanted[i].name, a, wanted[i].value);
	return r;
}

int transfer_answer(struct transfer *t, struct arena *a, struct http_answer *ret)
{
	struct http_answer out = { 0 };
	long status = 0, connects = 0;
	int r = arena_copy(a, buf_str(&t->body), &out.body);

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connects);
	out.status = (int)status;
	out.reused = connects == 0;
	out.http_version = version_number(t->easy);
	if (r == 0)
		r = headers_read(t, a, &out);
	if (r == 0)
		*ret = out;
	return r;
}

void transfer_done(struct transfer *t)
{
	curl_slist_free_all(t->headers);
	buf_done(&t->body);
	t->headers = NULL;
}
