/* One delivery: out of the table, through the template, into the sink, and what came of it back into the table.
 *
 * A mail is sent at least once. It is marked sent after the sink has taken it, and that is tried until it succeeds; so
 * the only way to a second mail is the end of this process in between, and its Message-ID is the same then. Retries:
 * 1 s, 2 s, 4 s … at most 10 min, with jitter, for MAIL_RETRY_H; a mail that the server refuses for good, or that
 * nobody took in that time, has failed, and last_answer says why. Nobody gets more than LIMIT_RECIPIENT_MAILS an hour;
 * what is over that waits. One line is logged for each mail and for the first failure of one. */
#include "base/clock.h"
#include "base/random.h"
#include "notification/mailer_inside.h"
#include "notification/message.h"
#include "notification/notice.h"
#include "notification/sink.h"
#include "notification/statements.h"
#include "notification/template.h"
#include "telemetry/metrics.h"
#include "telemetry/trace.h"

#include <errno.h>

enum {
	BACKOFF_MIN_MS = 1000,
	BACKOFF_MAX_MS = 600000,
	RECORD_AGAIN_MS = 500,
	HOUR_MS = 3600000,
	ARENA_SIZE_MAX = 1 << 20,
	MESSAGE_SIZE_MAX = 1 << 20,
	ANSWER_SIZE_MAX = 2048,
	SEND_SLACK_MS = 10000, /* for what is before and after the talk with the server */
};

struct delivery {
	struct str event_id;
	struct str template;
	struct str language;
	struct str recipient;
	struct str display_name;
	struct str traceparent;
	struct str data; /* null: a welcome from before the data was kept */
	int64_t attempts;
	int64_t created_at_ms;
};

/* Columns of sql_delivery_get. */
enum {
	COLUMN_TEMPLATE,
	COLUMN_LANGUAGE,
	COLUMN_RECIPIENT,
	COLUMN_NAME,
	COLUMN_TRACEPARENT,
	COLUMN_ATTEMPTS,
	COLUMN_CREATED,
	COLUMN_DATA,
};

/* 1; 0: it is not pending. */
static int delivery_read(struct mailer *m, struct arena *a, struct str event_id, struct delivery *ret)
{
	struct store_rows rows;
	int r = store_read(m->state->store, sql_delivery_get, STORE_ARGS(STORE_S(event_id)), a, &rows);

	if (r < 0 || rows.n == 0)
		return r;
	*ret = (struct delivery){
		.event_id = event_id,
		.template = store_text(&rows, 0, COLUMN_TEMPLATE),
		.language = store_text(&rows, 0, COLUMN_LANGUAGE),
		.recipient = store_text(&rows, 0, COLUMN_RECIPIENT),
		.display_name = store_text(&rows, 0, COLUMN_NAME),
		.traceparent = store_text(&rows, 0, COLUMN_TRACEPARENT),
		.attempts = store_int(&rows, 0, COLUMN_ATTEMPTS),
		.created_at_ms = store_int(&rows, 0, COLUMN_CREATED),
		.data = store_text(&rows, 0, COLUMN_DATA),
	};
	return 1;
}

/* ---- the mail ---- */

static int values_of(const struct notification_state *s, const struct delivery *d, struct arena *a,
                     struct template_values *ret)
{
	if (!str_is_null(d->data))
		return notice_values(s, d->template, d->data, a, ret);
	*ret = (struct template_values){ .name = d->display_name,
		                         .email = d->recipient,
		                         .url = str_from(s->config->public_url) };
	return 0;
}

/* a holds the link. */
static int message_make(const struct notification_state *s, const struct delivery *d, struct arena *a, struct buf *out)
{
	struct template_mail mail CLEANUP(template_mail_done) = { 0 };
	struct template_values values;
	struct message m = {
		.from_name = str_from(s->config->mail_from_name),
		.from = str_from(s->config->mail_from),
		.to_name = d->display_name,
		.to = d->recipient,
		.event_id = d->event_id,
		.language = d->language,
		.date_ms = d->created_at_ms,
	};
	int r = values_of(s, d, a, &values);

	if (r == 0)
		r = template_render(s->templates.files, s->templates.n, d->template.data, d->language, &values, &mail);
	if (r < 0)
		return r;
	m.subject = buf_str(&mail.subject);
	m.text = buf_str(&mail.text);
	m.html = buf_str(&mail.html);
	r = message_write(&m, out);
	explicit_bzero(mail.text.data, mail.text.len);
	explicit_bzero(mail.html.data, mail.html.len);
	return r;
}

static void wiped_free(struct arena **a)
{
	if (*a)
		arena_wipe(*a);
	arena_free(a);
}

/* Yields. Renders and hands over one mail. */
static int send(struct mailer *m, const struct delivery *d, struct buf *answer)
{
	struct arena *a CLEANUP(wiped_free) = NULL;
	struct buf text CLEANUP(buf_done);
	struct mail_sink *sink = m->state->sink;
	int r = arena_new(ARENA_SIZE_MAX, &a);

	buf_init(&text, MESSAGE_SIZE_MAX);
	if (r == 0)
		r = message_make(m->state, d, a, &text);
	if (r < 0) {
		buf_addf(answer, "cannot make the mail: %s", error_name(r));
		return r == -ENOMEM ? r : -EREMOTEIO;
	}
	fiber_deadline_set(clock_deadline_in(m->state->config->smtp_timeout_ms + SEND_SLACK_MS));
	r = sink->send(sink, d->event_id, d->recipient, buf_str(&text), answer);
	fiber_deadline_set(DEADLINE_NONE);
	explicit_bzero(text.data, text.len);
	return r;
}

/* ---- what came of it ---- */

static int64_t backoff_ms(int64_t attempts)
{
	int64_t ceiling = BACKOFF_MIN_MS;

	for (int64_t i = 0; i < attempts && ceiling < BACKOFF_MAX_MS; i++)
		ceiling *= 2;
	ceiling = MIN(ceiling, (int64_t)BACKOFF_MAX_MS);
	return ceiling / 2 + (int64_t)random_below((uint64_t)ceiling / 2 + 1);
}

static int record(struct mailer *m, struct arena *a, const struct delivery *d, int sent, struct str answer)
{
	struct store *s = m->state->store;
	struct store_value event = STORE_S(d->event_id);
	int64_t now_ms = clock_real_ms();

	if (sent == 0)
		return store_query(s, sql_delivery_sent, STORE_ARGS(event, STORE_I(now_ms), STORE_S(answer)), a, NULL);
	if (sent == -EREMOTEIO)
		return store_query(s, sql_delivery_failed, STORE_ARGS(event, STORE_S(answer)), a, NULL);
	return store_query(s, sql_delivery_postpone,
	                   STORE_ARGS(event, STORE_I(now_ms + backoff_ms(d->attempts)), STORE_S(answer)), a, NULL);
}

/* Yields until it is in the table, for a mail that is out must not be sent again. 0; < 0: the mailer stops. */
static int record_surely(struct mailer *m, const struct delivery *d, int sent, struct str answer)
{
	int r;

	for (;;) {
		struct arena *a CLEANUP(arena_free) = NULL;

		fiber_shield();
		r = arena_new(ARENA_SIZE_MAX, &a);
		if (r == 0)
			r = record(m, a, d, sent, answer);
		fiber_unshield();
		if (r == 0 || m->stopping)
			return r;
		mailer_store_failed(m, r);
		(void)fiber_sleep_ms(RECORD_AGAIN_MS);
	}
}

static void report(struct mailer *m, const struct delivery *d, int sent, struct str answer)
{
	struct log_field event = LOG_STRN("event_id", d->event_id);
	struct log_field template = LOG_STRN("template", d->template);

	if (sent == 0) {
		metric_add(m->sent, 1);
		log_info("mail sent", event, template, LOG_STRN("answer", answer));
	} else if (sent == -EREMOTEIO) {
		metric_add(m->refused, 1);
		log_error("mail failed for good", event, template, LOG_STRN("answer", answer));
	} else {
		metric_add(m->retried, 1);
		if (d->attempts == 0)
			log_warning("mail not sent yet; trying again", event, template, LOG_STRN("answer", answer));
	}
}

/* ---- one attempt ---- */

/* Yields. 0; 1: this person has had enough for now, and it is put off; < 0. */
static int limit_check(struct mailer *m, struct arena *a, const struct delivery *d)
{
	int64_t now_ms = clock_real_ms();
	struct store_rows rows;
	int r = store_read(m->state->store, sql_deliveries_lately,
	                   STORE_ARGS(STORE_S(d->recipient), STORE_I(now_ms - HOUR_MS)), a, &rows);

	if (r < 0 || store_int(&rows, 0, 0) < m->state->config->limit_recipient_mails)
		return r;
	log_warning("a recipient has had many mails; this one waits", LOG_STRN("event_id", d->event_id),
	            LOG_STRN("template", d->template));
	r = store_query(m->state->store, sql_delivery_wait,
	                STORE_ARGS(STORE_S(d->event_id), STORE_I(store_int(&rows, 0, 1) + HOUR_MS),
	                           STORE_S(STR("waits: the recipient has had many mails in an hour"))),
	                a, NULL);
	return r < 0 ? r : 1;
}

/* Its time is over. */
static bool is_too_late(const struct mailer *m, const struct delivery *d)
{
	return clock_real_ms() - d->created_at_ms > m->state->config->mail_retry_h * HOUR_MS;
}

static void attempt(struct mailer *m, const struct delivery *d)
{
	struct buf answer CLEANUP(buf_done);
	struct context parent;
	struct span span;
	bool traced = trace_parse(d->traceparent, STR_NULL, &parent);
	int sent;

	buf_init(&answer, ANSWER_SIZE_MAX);
	span_start(&span, "send mail", SPAN_INTERNAL, traced ? &parent : NULL);
	span_set_str(&span, "cinesync.mail.template", d->template);
	span_set_str(&span, "cloudevents.event_id", d->event_id);
	if (d->attempts > 0)
		span_set_int(&span, "cinesync.mail.attempts", d->attempts);
	sent = send(m, d, &answer);
	if (sent < 0)
		span_fail(&span, error_name(sent));
	if (sent < 0 && sent != -EREMOTEIO && is_too_late(m, d)) {
		buf_addf(&answer, " (given up after %lld h)", (long long)m->state->config->mail_retry_h);
		sent = -EREMOTEIO;
	}
	/* Broken off by the stop: nobody knows, and it is tried again. */
	if (!(sent < 0 && m->stopping) && record_surely(m, d, sent, buf_str(&answer)) == 0)
		report(m, d, sent, buf_str(&answer));
	span_end(&span);
}

void delivery_attempt(struct mailer *m, struct str event_id)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct delivery d;
	int r = arena_new(ARENA_SIZE_MAX, &a);

	if (r == 0)
		r = delivery_read(m, a, event_id, &d);
	if (r == 1) {
		r = limit_check(m, a, &d);
		if (r == 0)
			attempt(m, &d);
	}
	if (r < 0)
		mailer_store_failed(m, r);
	else
		mailer_store_works(m);
}
