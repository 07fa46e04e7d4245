/* Mails by SMTP. A lane has as many threads as there may be connections; each mail takes one of libcurl's handles, with
 * whatever connection it still has, and gives it back. The handles are the threads' under the mutex; all else of the
 * sink is the loop's. Limits: `connections` at once, one mail each; timeout_ms a mail; ANSWER_SIZE bytes kept of what
 * the server says. The password is in libcurl's memory and nowhere in a log: what is sent is looked at for its verb
 * only. */
#include "notification/smtp.h"

#include "base/clock.h"
#include "base/log.h"
#include "fiber/lane.h"
#include "telemetry/trace.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define SMTP_MAGIC UINT32_C(0x534d5450)

enum {
	ANSWER_SIZE = 400,
	ADDRESS_SIZE = 330,
	URL_SIZE = 600,
	CONNECT_MS_MAX = 10000,
	GOODBYE_MS = 1000, /* for the answer to QUIT, which libcurl's time does not count */
	IDLE_S = 30,       /* servers close what says nothing for minutes */
};

struct smtp_sink {
	struct mail_sink sink;
	uint32_t magic;
	char url[URL_SIZE]; /* with the name for EHLO */
	char from[264];     /* in angle brackets */
	char *user;
	char *password;
	char *ca_file;
	enum smtp_tls tls;
	int64_t timeout_ms;
	struct lane *lane;
	pthread_mutex_t mutex;
	size_t n_idle;
	CURL *idle[SMTP_CONNECTIONS_MAX];
};

/* One mail on its way; the fiber's, and while it is under way the thread's. */
struct smtp_mail {
	struct smtp_sink *s;
	struct str recipient;
	struct str message;
	size_t sent;              /* bytes of the message that libcurl has taken */
	atomic_bool given_up;     /* nobody waits for it any more */
	int64_t until_ms;         /* mono: libcurl comes back by then */
	bool is_about_mail;       /* MAIL has been sent: what comes now is about this mail */
	bool is_goodbye;          /* QUIT has */
	char answer[ANSWER_SIZE]; /* the server's last line */
	char error[CURL_ERROR_SIZE];
};

/* ---- on a thread ---- */

static CURL *handle_take(struct smtp_sink *s)
{
	CURL *easy = NULL;

	pthread_mutex_lock(&s->mutex);
	if (s->n_idle > 0)
		easy = s->idle[--s->n_idle];
	pthread_mutex_unlock(&s->mutex);
	return easy ? easy : curl_easy_init();
}

/* With its connection. libcurl says QUIT and would wait for two minutes for the answer of a server that hangs; so there
 * is nothing more to read, and after a failure nothing to say either. */
static void handle_free(CURL *easy, int how)
{
	curl_socket_t fd = CURL_SOCKET_BAD;

	if (curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD)
		(void)shutdown(fd, how);
	curl_easy_cleanup(easy);
}

/* The connection stays, and what the handle was told does not. After a failure nobody knows what the server will say
 * next, and to what: libcurl itself would use such a connection again (7.88), and take the answer to the mail before
 * for that to the next one. */
static void handle_give_back(struct smtp_sink *s, CURL *easy, int r)
{
	if (r < 0) {
		handle_free(easy, SHUT_RDWR);
		return;
	}
	curl_easy_reset(easy);
	pthread_mutex_lock(&s->mutex);
	assert(s->n_idle < SMTP_CONNECTIONS_MAX);
	s->idle[s->n_idle++] = easy;
	pthread_mutex_unlock(&s->mutex);
}

static size_t on_read(char *to, size_t size, size_t n, void *arg)
{
	struct smtp_mail *m = arg;
	struct str rest = str_slice(m->message, m->sent, m->message.len);
	size_t len = MIN(rest.len, size * n);

	if (len > 0)
		memcpy(to, rest.data, len);
	m->sent += len;
	return len;
}

/* Goes into the database and the log: printable ASCII alone, whatever it was. */
static void answer_set(struct smtp_mail *m, struct str text)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len && len < ANSWER_SIZE - 1; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c >= ' ' && c != 0x7f)
			m->answer[len++] = c < 0x7f ? (char)c : '?';
	}
	m->answer[len] = '\0';
}

/* The server's lines come here. What it says to our goodbye is of no interest. */
static size_t on_line(char *data, size_t size, size_t n, void *arg)
{
	struct smtp_mail *m = arg;
	if (!m->is_goodbye)
		answer_set(m, (struct str){ data, size * n });
	return size * n;
}

static int on_progress(void *arg, curl_off_t dl_total, curl_off_t dl, curl_off_t ul_total, curl_off_t ul)
{
	struct smtp_mail *m = arg;

	(void)dl_total;
	(void)dl;
	(void)ul_total;
	(void)ul;
	return atomic_load(&m->given_up) || clock_mono_ms() > m->until_ms ? 1 : 0;
}

static int on_debug(CURL *easy, curl_infotype what, char *data, size_t size, void *arg)
{
	struct smtp_mail *m = arg;

	(void)easy;
	if (what != CURLINFO_HEADER_OUT || size < 4)
		return 0;
	if (memcmp(data, "MAIL", 4) == 0)
		m->is_about_mail = true;
	else if (memcmp(data, "QUIT", 4) == 0)
		m->is_goodbye = true;
	return 0;
}

static void set_server(CURL *easy, const struct smtp_sink *s)
{
	static const long tls[] = { [SMTP_TLS_REQUIRED] = CURLUSESSL_ALL,
		                    [SMTP_TLS_OPPORTUNISTIC] = CURLUSESSL_TRY,
		                    [SMTP_TLS_OFF] = CURLUSESSL_NONE };

	curl_easy_setopt(easy, CURLOPT_URL, s->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* no environment's */
	curl_easy_setopt(easy, CURLOPT_USE_SSL, tls[s->tls]);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (s->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, s->ca_file);
	if (s->user) {
		curl_easy_setopt(easy, CURLOPT_USERNAME, s->user);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, s->password ? s->password : "");
	}
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)s->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)MIN(s->timeout_ms, (int64_t)CONNECT_MS_MAX));
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_S);
}

static void set_mail(CURL *easy, struct smtp_mail *m, const struct curl_slist *to)
{
	curl_easy_setopt(easy, CURLOPT_MAIL_FROM, m->s->from);
	curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, to);
	curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(easy, CURLOPT_READDATA, m);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_line);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, m);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(easy, CURLOPT_XFERINFODATA, m);
	curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L); /* for on_debug, which prints nothing */
	curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug);
	curl_easy_setopt(easy, CURLOPT_DEBUGDATA, m);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, m->error);
}

/* RFC 4954, section 6: these are about who we are, whatever they were the answer to. */
static bool is_about_us(int code)
{
	return code == 530 || code == 534 || code == 535 || code == 538;
}

/* Of the server's last line; 0: it said nothing. */
static int status_of(const struct smtp_mail *m)
{
	int64_t status;

	return str_to_int64(str_slice(str_from(m->answer), 0, 3), 200, 599, &status) < 0 ? 0 : (int)status;
}

static int result_of(const struct smtp_mail *m, CURLcode code)
{
	int status = status_of(m);

	if (code == CURLE_OK)
		return 0;
	if (status >= 500 && m->is_about_mail && !is_about_us(status))
		return -EREMOTEIO;
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_ABORTED_BY_CALLBACK:
		return -ECANCELED;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_LOGIN_DENIED:
		return -EACCES;
	default:
		return -EIO;
	}
}

/* The server's own words, where its last ones are a refusal; else libcurl's. */
static void answer_make(struct smtp_mail *m, CURLcode code)
{
	if (code != CURLE_OK && status_of(m) < 400)
		answer_set(m, str_from(m->error[0] ? m->error : curl_easy_strerror(code)));
}

/* Servers like to repeat whom they refuse. Nobody's address is in our log, nor in a row that has to forget it. */
static void answer_anonymise(struct smtp_mail *m)
{
	char address[ADDRESS_SIZE];
	char *found;

	snprintf(address, sizeof(address), "%.*s", STR_ARGS(m->recipient));
	while (address[0] && (found = strcasestr(m->answer, address))) {
		*found = '*';
		memmove(found + 1, found + strlen(address), strlen(found + strlen(address)) + 1);
	}
}

static int perform(CURL *easy, struct smtp_mail *m, const struct curl_slist *to)
{
	CURLcode code;
	int r;

	set_server(easy, m->s);
	set_mail(easy, m, to);
	m->until_ms = clock_deadline_in(m->s->timeout_ms + GOODBYE_MS);
	code = curl_easy_perform(easy);
	r = result_of(m, code);
	answer_make(m, code);
	answer_anonymise(m);
	return r;
}

static int smtp_work(void *arg)
{
	struct smtp_mail *m = arg;
	char address[ADDRESS_SIZE + 2];
	struct curl_slist *to;
	CURL *easy;
	int n = snprintf(address, sizeof(address), "<%.*s>", STR_ARGS(m->recipient));
	int r;

	if (n < 0 || (size_t)n >= sizeof(address))
		return -EREMOTEIO;
	to = curl_slist_append(NULL, address);
	easy = to ? handle_take(m->s) : NULL;
	if (!easy) {
		curl_slist_free_all(to);
		return -ENOMEM;
	}
	r = perform(easy, m, to);
	curl_slist_free_all(to);
	handle_give_back(m->s, easy, r);
	return r;
}

/* ---- on the loop ---- */

static void smtp_interrupt(void *arg)
{
	struct smtp_mail *m = arg;

	atomic_store(&m->given_up, true);
}

/* What would end the command it stands in, and begin another. */
static bool is_one_address(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.data[i] <= ' ' || s.data[i] == '<' || s.data[i] == '>' || s.data[i] == 0x7f)
			return false;
	return s.len > 0;
}

static int smtp_send(struct mail_sink *sink, struct str event_id, struct str recipient, struct str message,
                     struct buf *ret_answer)
{
	struct smtp_sink *s = CONTAINER_OF(sink, struct smtp_sink, sink);
	struct smtp_mail m = { .s = s, .recipient = recipient, .message = message };
	struct span span;
	int r;

	(void)event_id; /* the message names it; whether it came before is the server's to know */
	assert(s->magic == SMTP_MAGIC);
	if (!is_one_address(recipient)) {
		buf_addf(ret_answer, "the recipient's address cannot be written in an SMTP command");
		return -EREMOTEIO;
	}
	span_start(&span, "SMTP", SPAN_CLIENT, NULL);
	span_set_str(&span, "network.protocol.name", STR("smtp"));
	span_set_str(&span, "url.full", str_from(s->url));
	r = lane_run(s->lane, &(struct offload){ .work = smtp_work, .arg = &m, .interrupt = smtp_interrupt });
	if (r < 0)
		span_fail(&span, error_name(r));
	span_end(&span);
	buf_addf(ret_answer, "%s", m.answer[0] ? m.answer : error_name(r));
	return r;
}

static void smtp_free(struct mail_sink *sink)
{
	struct smtp_sink *s = CONTAINER_OF(sink, struct smtp_sink, sink);

	assert(s->magic == SMTP_MAGIC);
	lane_free(&s->lane);
	for (size_t i = 0; i < s->n_idle; i++)
		handle_free(s->idle[i], SHUT_RD);
	pthread_mutex_destroy(&s->mutex);
	if (s->password)
		explicit_bzero(s->password, strlen(s->password));
	free(s->password);
	free(s->user);
	free(s->ca_file);
	s->magic = 0;
	free(s);
	curl_global_cleanup();
}

const char *smtp_check_url(const char *value)
{
	static const char must[] = "smtp://HOST[:PORT] or smtps://HOST[:PORT]";
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL, *path = NULL, *user = NULL, *query = NULL;
	bool is_good;

	if (!u)
		return must;
	is_good = curl_url_set(u, CURLUPART_URL, value, 0) == CURLUE_OK &&
	          curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	          (strcmp(scheme, "smtp") == 0 || strcmp(scheme, "smtps") == 0) &&
	          curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK && host[0] &&
	          curl_url_get(u, CURLUPART_PATH, &path, 0) == CURLUE_OK && strcmp(path, "/") == 0 &&
	          curl_url_get(u, CURLUPART_USER, &user, 0) != CURLUE_OK &&
	          curl_url_get(u, CURLUPART_QUERY, &query, 0) != CURLUE_OK && !strchr(value, '#');
	curl_free(scheme);
	curl_free(host);
	curl_free(path);
	curl_free(user);
	curl_free(query);
	curl_url_cleanup(u);
	return is_good ? NULL : must;
}

static int copy(const char *from, char **ret)
{
	if (!from)
		return 0;
	*ret = strdup(from);
	return *ret ? 0 : -ENOMEM;
}

static int texts_set(struct smtp_sink *s, const struct smtp_options *o)
{
	const char *domain = strrchr(o->from, '@');
	size_t len = strlen(o->url);
	int r;

	assert(domain);
	len -= len > 0 && o->url[len - 1] == '/';
	if (snprintf(s->url, sizeof(s->url), "%.*s/%s", (int)len, o->url, domain + 1) >= (int)sizeof(s->url) ||
	    snprintf(s->from, sizeof(s->from), "<%s>", o->from) >= (int)sizeof(s->from))
		return -ENAMETOOLONG;
	r = copy(o->user, &s->user);
	if (r == 0)
		r = copy(o->password, &s->password);
	if (r == 0)
		r = copy(o->ca_file, &s->ca_file);
	return r;
}

int smtp_sink_new(const struct smtp_options *options, struct mail_sink **ret)
{
	const struct lane_options lane = { "smtp", options->connections, .waiting_max = SIZE_MAX };
	struct smtp_sink *s;
	int r;

	assert(options->connections >= 1 && options->connections <= SMTP_CONNECTIONS_MAX);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	s = calloc(1, sizeof(*s));
	if (!s) {
		curl_global_cleanup();
		return -ENOMEM;
	}
	s->magic = SMTP_MAGIC;
	s->sink = (struct mail_sink){
		.name = "smtp", .at_once = options->connections, .send = smtp_send, .free = smtp_free
	};
	s->tls = options->tls;
	s->timeout_ms = options->timeout_ms;
	pthread_mutex_init(&s->mutex, NULL);
	r = texts_set(s, options);
	if (r == 0)
		r = lane_new(&lane, &s->lane);
	if (r < 0)
		smtp_free(&s->sink);
	else
		*ret = &s->sink;
	return r;
}
