/* The variables are checked when they are read, so that what is wrong is said before anything starts; what was checked
 * once is taken apart without looking for errors again. */
#include "telemetry/settings.h"

#include "base/random.h"
#include "telemetry/exporter.h"
#include "telemetry/otlp.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	PAIRS_MAX = 64,
	PAIRS_SIZE_MAX = 8192,
	URL_LEN_MAX = 2048,
	RESOURCE_SIZE_MAX = 65536,
};

enum sampler {
	SAMPLER_ALWAYS_ON,
	SAMPLER_ALWAYS_OFF,
	SAMPLER_RATIO,
	SAMPLER_PARENT_ALWAYS_ON,
	SAMPLER_PARENT_ALWAYS_OFF,
	SAMPLER_PARENT_RATIO,
};

static const char *const samplers[] = { "always_on",
	                                "always_off",
	                                "traceidratio",
	                                "parentbased_always_on",
	                                "parentbased_always_off",
	                                "parentbased_traceidratio",
	                                NULL };

static const char *const protocols[] = { "http/protobuf", "http/json", NULL };
static const struct otlp_encoding *const encodings[] = { &otlp_protobuf, &otlp_json };

/* ---- lists: key1=value1,key2=value2, values percent-encoded ---- */

/* Takes the next pair off the list, undecoded. False: there is none, or (*ret_bad) it is none. */
static bool pair_next(struct str *list, struct str *ret_key, struct str *ret_value, bool *ret_bad)
{
	ptrdiff_t comma, equals;
	struct str pair;

	do {
		if (list->len == 0)
			return false;
		comma = str_index(*list, ',', 0);
		pair = str_trim(str_slice(*list, 0, comma < 0 ? list->len : (size_t)comma));
		*list = str_slice(*list, comma < 0 ? list->len : (size_t)comma + 1, list->len);
	} while (pair.len == 0);
	equals = str_index(pair, '=', 0);
	*ret_bad = equals <= 0;
	if (*ret_bad)
		return false;
	*ret_key = str_trim(str_slice(pair, 0, (size_t)equals));
	*ret_value = str_trim(str_slice(pair, (size_t)equals + 1, pair.len));
	return true;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Adds the value decoded. False: a % without two digits, or a control character. */
static bool value_decode(struct str value, struct buf *ret)
{
	for (size_t i = 0; i < value.len; i++) {
		int c = (unsigned char)value.data[i];

		if (c == '%') {
			int high = i + 2 < value.len ? hex_value(value.data[i + 1]) : -1;
			int low = i + 2 < value.len ? hex_value(value.data[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = high * 16 + low;
			i += 2;
		}
		if (c < 0x20 || c == 0x7f)
			return false;
		buf_addc(ret, (char)c);
	}
	return true;
}

/* A token of RFC 9110. */
static bool key_is_valid(struct str key)
{
	for (size_t i = 0; i < key.len; i++) {
		char c = key.data[i];
		bool is_letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!is_letter && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
			return false;
	}
	return key.len > 0;
}

static const char *pairs_check(const char *text)
{
	static const char wanted[] = "a list as name1=value1,name2=value2, at most 64, values percent-encoded";
	struct str list = str_from(text), key, value;
	struct buf scratch CLEANUP(buf_done);
	bool is_bad = false;
	size_t n = 0;

	buf_init(&scratch, PAIRS_SIZE_MAX);
	while (pair_next(&list, &key, &value, &is_bad)) {
		buf_reset(&scratch);
		if (++n > PAIRS_MAX || !key_is_valid(key) || !value_decode(value, &scratch))
			return wanted;
	}
	return is_bad ? wanted : NULL;
}

/* ---- the other texts ---- */

static const char *url_check(const char *value)
{
	static const char wanted[] = "an http:// or https:// URL";
	CURLU *url = curl_url();
	char *scheme = NULL;
	bool is_good;

	is_good = url && curl_url_set(url, CURLUPART_URL, value, 0) == CURLUE_OK &&
	          curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	          (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
	curl_free(scheme);
	curl_url_cleanup(url);
	return is_good ? NULL : wanted;
}

static const char *ratio_check(const char *value)
{
	char *end;
	double ratio = strtod(value, &end);

	return end != value && *end == '\0' && ratio >= 0 && ratio <= 1 ? NULL : "a number from 0 to 1, as 0.25";
}

#define TEXT(name_, field_, max_, check_, doc_)                                                                    \
	{                                                                                                          \
		.name = (name_), .type = CONFIG_STRING, .min = 1, .max = (max_), .doc = (doc_), .check = (check_), \
		.offset = offsetof(struct telemetry_settings, field_)                                              \
	}
#define INTEGER(name_, field_, min_, max_, def_, unit_, doc_)                                                      \
	{                                                                                                          \
		.name = (name_), .type = CONFIG_INT, .min = (min_), .max = (max_), .def = (def_), .unit = (unit_), \
		.doc = (doc_), .offset = offsetof(struct telemetry_settings, field_)                               \
	}

static const struct config_entry entries[] = {
	TEXT("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, URL_LEN_MAX, url_check,
	     "Collector that takes OTLP/HTTP, as http://127.0.0.1:4318; spans go to its /v1/traces. Unset: no spans "
	     "are sent, trace ids "
	     "are made, logged and passed on all the same."),
	TEXT("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", traces_endpoint, URL_LEN_MAX, url_check,
	     "The whole URL for spans, in the place of that."),
	{ .name = "OTEL_EXPORTER_OTLP_PROTOCOL",
	  .type = CONFIG_ENUM,
	  .def = "http/protobuf",
	  .values = protocols,
	  .doc = "How they are written.",
	  .offset = offsetof(struct telemetry_settings, protocol) },
	{ .name = "OTEL_EXPORTER_OTLP_HEADERS",
	  .type = CONFIG_SECRET,
	  .min = 1,
	  .max = PAIRS_SIZE_MAX,
	  .doc = "Headers of each export, as api-key=abc,tenant=7; values percent-encoded.",
	  .check = pairs_check,
	  .offset = offsetof(struct telemetry_settings, headers) },
	TEXT("OTEL_EXPORTER_OTLP_CERTIFICATE", ca_file, 4096, NULL,
	     "File of the authorities to believe about the collector (PEM). Unset: the system's."),
	INTEGER("OTEL_EXPORTER_OTLP_TIMEOUT", timeout_ms, 100, 60000, "10000", "ms", "Time one export may take."),
	INTEGER("OTEL_BSP_SCHEDULE_DELAY", delay_ms, 10, 60000, "5000", "ms",
	        "How long a span waits for others at most; it goes sooner when none came for 250 ms."),
	INTEGER("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", batch_max, 1, 10000, "512", "spans", "Spans an export."),
	INTEGER("OTEL_BSP_MAX_QUEUE_SIZE", queue_max, 2, 100000, "2048", "spans",
	        "Spans that wait at most, those on their way among them; further ones are dropped and counted."),
	TEXT("OTEL_SERVICE_NAME", service_name, 255, NULL,
	     "service.name of the spans. Unset: cinesync- and the service's name."),
	TEXT("OTEL_RESOURCE_ATTRIBUTES", resource_attributes, PAIRS_SIZE_MAX, pairs_check,
	     "More about where the spans come from, as deployment.environment.name=production; values "
	     "percent-encoded."),
	{ .name = "OTEL_TRACES_SAMPLER",
	  .type = CONFIG_ENUM,
	  .def = "parentbased_always_on",
	  .values = samplers,
	  .doc = "Which traces are recorded. parentbased: what the caller decided holds.",
	  .offset = offsetof(struct telemetry_settings, sampler) },
	TEXT("OTEL_TRACES_SAMPLER_ARG", sampler_ratio, 32, ratio_check,
	     "The share of new traces for traceidratio. Unset: 1."),
	{ .name = "OTEL_SDK_DISABLED",
	  .type = CONFIG_BOOL,
	  .def = "false",
	  .doc = "Send no spans whatever else is set.",
	  .offset = offsetof(struct telemetry_settings, is_disabled) },
};

static const struct config_table table = {
	.title = "Settings of the traces of every service",
	.entries = entries,
	.n_entries = ARRAY_SIZE(entries),
};

const struct config_table *telemetry_settings_table(void)
{
	return &table;
}

/* ---- start ---- */

static void sampler_set(const struct telemetry_settings *s)
{
	bool is_off = s->sampler == SAMPLER_ALWAYS_OFF || s->sampler == SAMPLER_PARENT_ALWAYS_OFF;
	bool is_ratio = s->sampler == SAMPLER_RATIO || s->sampler == SAMPLER_PARENT_RATIO;
	double ratio = is_off ? 0 : is_ratio && s->sampler_ratio ? strtod(s->sampler_ratio, NULL) : 1;

	trace_sample_set(ratio, s->sampler >= SAMPLER_PARENT_ALWAYS_ON);
}

/* service.name is OTEL_SERVICE_NAME's where that is set, whatever the list says. */
static bool is_named(const struct telemetry_settings *s, struct str key, bool *ret_has_name)
{
	bool is_name = str_equal(key, STR("service.name"));

	*ret_has_name = *ret_has_name || is_name;
	return is_name && s->service_name;
}

static void resource_write(const struct telemetry_settings *s, const struct otlp_encoding *e, const char *service,
                           struct buf *resource)
{
	struct str list = str_from(s->resource_attributes), key, value;
	struct buf decoded CLEANUP(buf_done);
	bool has_name = false, is_bad;
	char text[256];

	buf_init(&decoded, PAIRS_SIZE_MAX);
	while (pair_next(&list, &key, &value, &is_bad)) {
		buf_reset(&decoded);
		(void)value_decode(value, &decoded);
		if (!is_named(s, key, &has_name))
			e->resource_add(resource, key, buf_str(&decoded));
	}
	snprintf(text, sizeof(text), "cinesync-%s", service);
	if (s->service_name || !has_name)
		e->resource_add(resource, STR("service.name"), str_from(s->service_name ? s->service_name : text));
	e->resource_add(resource, STR("service.namespace"), str_from("cinesync"));
	e->resource_add(resource, STR("service.version"), str_from(CINESYNC_VERSION));
	uuid_v7(text);
	e->resource_add(resource, STR("service.instance.id"), str_from(text));
	if (gethostname(text, sizeof(text) - 1) == 0) {
		text[sizeof(text) - 1] = '\0';
		e->resource_add(resource, STR("host.name"), str_from(text));
	}
}

/* "Name: value" of each, in one memory with the list of them: free() will do. NULL: out of memory. */
static const char **headers_make(const char *list_text)
{
	struct str list = str_from(list_text), key, value;
	const char **headers = calloc(1, (PAIRS_MAX + 1) * sizeof(char *) + 2 * PAIRS_SIZE_MAX);
	struct buf line CLEANUP(buf_done);
	bool is_bad;
	size_t n = 0;
	char *to;

	if (!headers)
		return NULL;
	buf_init(&line, PAIRS_SIZE_MAX);
	to = (char *)(headers + PAIRS_MAX + 1);
	while (pair_next(&list, &key, &value, &is_bad)) {
		buf_reset(&line);
		buf_addf(&line, "%.*s: ", STR_ARGS(key));
		(void)value_decode(value, &line);
		memcpy(to, buf_str(&line).data, line.len + 1);
		headers[n++] = to;
		to += line.len + 1;
	}
	return headers;
}

static int exporter_begin(const struct telemetry_settings *s, const char *service, const char *url,
                          struct exporter **ret)
{
	const struct otlp_encoding *encoding = encodings[s->protocol];
	struct exporter_options options = { .encoding = encoding,
		                            .url = url,
		                            .ca_file = s->ca_file,
		                            .version = CINESYNC_VERSION,
		                            .timeout_ms = s->timeout_ms,
		                            .delay_ms = s->delay_ms,
		                            .batch_max = (size_t)s->batch_max,
		                            .queue_max = (size_t)s->queue_max };
	const char **headers = headers_make(s->headers);
	struct buf resource CLEANUP(buf_done);
	int r = headers ? 0 : -ENOMEM;

	buf_init(&resource, RESOURCE_SIZE_MAX);
	resource_write(s, encoding, service, &resource);
	if (r == 0)
		r = buf_error(&resource);
	options.headers = headers;
	options.resource = buf_str(&resource);
	if (r == 0)
		r = exporter_start(&options, ret);
	free(headers);
	return r;
}

int telemetry_start(const struct telemetry_settings *s, const char *service, struct exporter **ret)
{
	char url[URL_LEN_MAX + sizeof("/v1/traces")];
	size_t len;

	*ret = NULL;
	sampler_set(s);
	if (s->is_disabled || (!s->endpoint && !s->traces_endpoint))
		return 0;
	if (s->traces_endpoint)
		return exporter_begin(s, service, s->traces_endpoint, ret);
	len = strlen(s->endpoint);
	while (len > 0 && s->endpoint[len - 1] == '/')
		len--;
	snprintf(url, sizeof(url), "%.*s/v1/traces", (int)len, s->endpoint);
	return exporter_begin(s, service, url, ret);
}
