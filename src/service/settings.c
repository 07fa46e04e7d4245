/* The common settings table: every limit of the HTTP server, the fibers and the drain is here and nowhere else. */
#include "service/settings.h"

#include "schema/uri.h"
#include "service/service.h"

#include <arpa/inet.h>
#include <string.h>

static const char *const log_levels[] = { "debug", "info", "warning", "error", "alert", NULL };

/* "127.0.0.1:80" or "[::1]:80". Stricter than getaddrinfo(), which takes "1.2.3" for 1.2.0.3. */
const char *settings_check_listen(const char *value)
{
	static const char wanted[] = "a numeric address and a port, as 127.0.0.1:8081 or [::1]:8081";
	const char *colon = strrchr(value, ':');
	char host[INET6_ADDRSTRLEN + 2];
	struct in6_addr scratch;
	int64_t port;
	size_t n;

	if (!colon || (size_t)(colon - value) >= sizeof(host) || str_to_int64(str_from(colon + 1), 0, 65535, &port) < 0)
		return wanted;
	n = (size_t)(colon - value);
	memcpy(host, value, n);
	host[n] = '\0';
	if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		return inet_pton(AF_INET6, host + 1, &scratch) == 1 ? NULL : wanted;
	}
	return inet_pton(AF_INET, host, &scratch) == 1 ? NULL : wanted;
}

static const char *proxies_check(const char *value)
{
	struct address_list proxies;
	struct str wrong;

	if (address_list_parse(str_from(value), &proxies, &wrong) < 0)
		return "up to 64 addresses and networks, as 127.0.0.0/8 ::1/128 10.1.2.3, or none";
	return NULL;
}

const char *service_check_http_url(const char *value)
{
	const char *reason;

	return uri_check_http(str_from(value), &reason) == 0 ? NULL : "an http:// or https:// URL";
}

#define INT_SETTING(name_, field_, min_, max_, def_, unit_, doc_)                                                  \
	{                                                                                                          \
		.name = (name_), .type = CONFIG_INT, .min = (min_), .max = (max_), .def = (def_), .unit = (unit_), \
		.doc = (doc_), .offset = offsetof(struct service_settings, field_)                                 \
	}
#define BOOL_SETTING(name_, field_, def_, doc_)                                     \
	{                                                                           \
		.name = (name_), .type = CONFIG_BOOL, .def = (def_), .doc = (doc_), \
		.offset = offsetof(struct service_settings, field_)                 \
	}

static struct config_entry entries[] = {
	{ .name = "LISTEN",
	  .type = CONFIG_STRING,
	  .min = 3,
	  .max = 128,
	  .doc = "Address and port to serve on, numeric; port 0 takes any free one.",
	  .check = settings_check_listen,
	  .offset = offsetof(struct service_settings, listen) },
	{ .name = "LOG_LEVEL",
	  .type = CONFIG_ENUM,
	  .def = "info",
	  .values = log_levels,
	  .doc = "Least level of the JSON log lines on standard output.",
	  .offset = offsetof(struct service_settings, log_level) },
	BOOL_SETTING("LOG_ACCESS", log_access, "true", "One log line for every request answered."),
	INT_SETTING("LOG_ACCESS_PERCENT", log_access_percent, 0, 100, "100", "%",
	            "Of the requests that neither failed (400 and up) nor were slow, the share that gets its line; by "
	            "trace, so that all services keep the same ones."),
	INT_SETTING("LOG_ACCESS_SLOW_MS", log_access_slow_ms, 0, 300000, "1000", "ms",
	            "From which on a request is slow: it always gets its line."),
	INT_SETTING("LOG_REPEATS_MAX", log_repeats_max, 0, 1000000, "300", "lines a minute",
	            "Log lines that one place in the program may write, requests' excepted; then how many it left out. "
	            "0: all."),
	{ .name = "TRUSTED_PROXIES",
	  .type = CONFIG_STRING,
	  .min = 1,
	  .max = 4096,
	  .def = "127.0.0.0/8 ::1/128",
	  .doc = "Addresses and networks whose X-Forwarded-For is believed, at most 64: the gateway's, and those of "
	         "balancers before it. The client is the last address that none of them has; none: the peer always is.",
	  .check = proxies_check,
	  .offset = offsetof(struct service_settings, trusted_proxies) },
	BOOL_SETTING("CHECK_REPLIES", check_replies, "false",
	             "Abort on a reply that breaks its own schema: for tests, costs time."),
	INT_SETTING("DRAIN_MS", drain_ms, 0, 600000, "10000", "ms",
	            "After SIGTERM, how long accepted requests may take to finish before they are cancelled."),
	INT_SETTING("DRAIN_DELAY_MS", drain_delay_ms, 0, 60000, "0", "ms",
	            "After SIGTERM, how long new connections are still taken while /readyz says 503, so that balancers "
	            "notice."),
	INT_SETTING("REQUEST_DEADLINE_MS", request_deadline_ms, 100, 300000, "10000", "ms",
	            "Time a request may take when its X-Request-Deadline-Ms does not say less."),
	INT_SETTING("REQUESTS_MAX", requests_max, 1, 100000, "4096", "requests",
	            "Requests in flight; one more is answered 503 at once."),
	INT_SETTING("CONNECTIONS_MAX", connections_max, 1, 60000, "10000", "connections", "Open connections."),
	INT_SETTING("BODY_SIZE_MAX", body_size_max, 1024, 16777216, "65536", "bytes",
	            "Largest request body; over it 413."),
	INT_SETTING("UPLOAD_SIZE_MAX", upload_size_max, 1024, 16777216, "8388608", "bytes",
	            "Largest file, where one is taken; over it 413."),
	INT_SETTING("UPLOADS_MAX", uploads_max, 1, 1000, "16", "files",
	            "Files on their way or being read at once; one more is answered 503."),
	INT_SETTING(
	        "HEADER_SIZE_MAX", header_size_max, 4096, 65536, "6144", "bytes",
	        "Request line and headers together; over it 431 or 414. An idle connection takes half as much again."),
	INT_SETTING("REQUEST_MEMORY_MAX", request_memory_max, 65536, 268435456, "4194304", "bytes",
	            "Memory one request may allocate while it is handled; over it 503."),
	INT_SETTING("HEAD_TIMEOUT_MS", head_timeout_ms, 100, 300000, "10000", "ms",
	            "From the first byte of a request to the end of its headers."),
	INT_SETTING("BODY_TIMEOUT_MS", body_timeout_ms, 100, 300000, "15000", "ms",
	            "From the end of the headers to the end of the body."),
	INT_SETTING("IDLE_TIMEOUT_MS", idle_timeout_ms, 1000, 3600000, "75000", "ms",
	            "How long a connection without a request is kept."),
	INT_SETTING("FIBERS_MAX", fibers_max, 16, 200000, "20000", "fibers", "Fibers alive at once."),
	INT_SETTING("FIBER_STACK_SIZE", fiber_stack_size, 32768, 8388608, NULL, "bytes",
	            "Stack of a fiber; unset: 64 KiB, 256 KiB in a sanitizer build."),
	INT_SETTING("THREADS", threads, 0, 128, "0", "threads",
	            "Threads for blocking work (SQL files, name look-ups); 0: processors + 4."),
};

static struct config_table table = {
	.title = "Settings of every service",
	.entries = entries,
	.n_entries = ARRAY_SIZE(entries),
};

const struct config_table *service_settings_table(const char *listen)
{
	assert(strcmp(entries[0].name, "LISTEN") == 0);
	entries[0].def = listen;
	return &table;
}
