/* Limits: the time-out, TOKEN_JWKS_SIZE_MAX of an answer, ETAG_LEN_MAX of its ETag (a longer one is not asked with).
 * Redirects are not followed: whose keys these are the URL says. */
#include "gateway/keys_fetch.h"

#include "base/file.h"
#include "base/log.h"
#include "token/token.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	ETAG_LEN_MAX = 200,
	POLL_MS = 1000,
};

struct keys_fetch {
	struct keys_fetch_options options;
	CURLM *multi;
	CURL *easy;
	struct buf answer;
	struct buf kept; /* what the file has, by our hand */
	char etag[ETAG_LEN_MAX + 1];
	char error[CURL_ERROR_SIZE];
	char reason[CURL_ERROR_SIZE + 64];
};

static size_t on_answer(char *data, size_t size, size_t n, void *arg)
{
	struct keys_fetch *f = arg;

	buf_add(&f->answer, data, size * n);
	return buf_error(&f->answer) == 0 ? size * n : 0;
}

static void handle_set(struct keys_fetch *f)
{
	CURL *e = f->easy;

	curl_easy_setopt(e, CURLOPT_URL, f->options.url);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "cinesync-keys/" CINESYNC_VERSION);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)f->options.timeout_ms);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, f->error);
	if (f->options.ca_file)
		curl_easy_setopt(e, CURLOPT_CAINFO, f->options.ca_file);
}

int keys_fetch_new(const struct keys_fetch_options *options, struct keys_fetch **ret)
{
	struct keys_fetch *f CLEANUP(keys_fetch_free) = NULL;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	f = calloc(1, sizeof(*f));
	if (!f) {
		curl_global_cleanup();
		return -ENOMEM;
	}
	f->options = *options;
	buf_init(&f->answer, TOKEN_JWKS_SIZE_MAX);
	buf_init(&f->kept, TOKEN_JWKS_SIZE_MAX);
	f->multi = curl_multi_init();
	f->easy = curl_easy_init();
	if (!f->multi || !f->easy)
		return -ENOMEM;
	handle_set(f);
	*ret = STEAL(f);
	return 0;
}

void keys_fetch_free(struct keys_fetch **f)
{
	struct keys_fetch *old = STEAL(*f);

	if (!old)
		return;
	curl_easy_cleanup(old->easy);
	curl_multi_cleanup(old->multi);
	buf_done(&old->answer);
	buf_done(&old->kept);
	free(old);
	curl_global_cleanup();
}

static CURLcode outcome(CURLM *multi)
{
	CURLcode code = CURLE_ABORTED_BY_CALLBACK;
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(multi, &left)))
		if (message->msg == CURLMSG_DONE)
			code = message->data.result;
	return code;
}

/* As curl_easy_perform(), but broken off at once when it is to stop. */
static int perform(struct keys_fetch *f, CURLcode *ret_code)
{
	struct curl_waitfd stop = { .fd = f->options.stop_fd, .events = CURL_WAIT_POLLIN };
	int running = 1;
	int r = 0;

	if (curl_multi_add_handle(f->multi, f->easy) != CURLM_OK)
		return -ENOMEM;
	while (running > 0 && r == 0) {
		if (curl_multi_perform(f->multi, &running) != CURLM_OK)
			break;
		if (running > 0)
			(void)curl_multi_poll(f->multi, &stop, 1, POLL_MS, NULL);
		if (stop.revents != 0)
			r = -ECANCELED;
	}
	*ret_code = outcome(f->multi);
	curl_multi_remove_handle(f->multi, f->easy);
	return r;
}

static int ask(struct keys_fetch *f, CURLcode *ret_code)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json, application/jwk-set+json");
	struct curl_slist *longer = headers;
	char condition[ETAG_LEN_MAX + 32];
	int r = -ENOMEM;

	if (headers && f->etag[0] != '\0') {
		snprintf(condition, sizeof(condition), "If-None-Match: %s", f->etag);
		longer = curl_slist_append(headers, condition);
	}
	if (longer) {
		buf_reset(&f->answer);
		f->error[0] = '\0';
		curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, headers);
		r = perform(f, ret_code);
		curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, NULL);
	}
	curl_slist_free_all(headers);
	return r;
}

static void etag_keep(struct keys_fetch *f)
{
	struct curl_header *etag;

	f->etag[0] = '\0';
	if (curl_easy_header(f->easy, "ETag", 0, CURLH_HEADER, -1, &etag) == CURLHE_OK &&
	    strlen(etag->value) <= ETAG_LEN_MAX)
		snprintf(f->etag, sizeof(f->etag), "%s", etag->value);
}

/* What was answered is a key set, in the eyes of the one who will read it. */
static int answer_take(struct keys_fetch *f)
{
	struct token_keyset *set CLEANUP(token_keyset_free) = NULL;
	int r = token_keyset_parse(buf_str(&f->answer), &set);

	if (r < 0) {
		snprintf(f->reason, sizeof(f->reason), "the answer is no key set");
		return -EBADMSG;
	}
	if (str_equal(buf_str(&f->answer), buf_str(&f->kept))) {
		etag_keep(f);
		return 0;
	}
	r = file_publish(f->options.file, buf_str(&f->answer));
	if (r < 0) {
		snprintf(f->reason, sizeof(f->reason), "%s cannot be written (%s)", f->options.file, error_name(r));
		return r;
	}
	buf_reset(&f->kept);
	buf_add(&f->kept, f->answer.data, f->answer.len);
	etag_keep(f);
	return 1;
}

/* Somebody has removed it, or emptied the folder: then all is asked for anew. */
static void file_look(struct keys_fetch *f)
{
	if (access(f->options.file, F_OK) == 0)
		return;
	f->etag[0] = '\0';
	buf_reset(&f->kept);
}

int keys_fetch_round(struct keys_fetch *f, const char **ret_reason)
{
	CURLcode code = CURLE_OK;
	long status = 0;
	int r;

	*ret_reason = f->reason;
	file_look(f);
	r = ask(f, &code);
	if (r < 0) {
		snprintf(f->reason, sizeof(f->reason), "%s", error_name(r));
		return r;
	}
	if (code != CURLE_OK) {
		snprintf(f->reason, sizeof(f->reason), "%s", f->error[0] ? f->error : curl_easy_strerror(code));
		return buf_error(&f->answer) < 0 ? -EBADMSG : -EAGAIN;
	}
	curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 304 && f->etag[0] != '\0')
		return 0;
	if (status != 200) {
		snprintf(f->reason, sizeof(f->reason), "the answer is %ld", status);
		return -EBADMSG;
	}
	return answer_take(f);
}
