/* Deliveries out of the table, into the sink. A delivery is marked sent only after the sink has taken it, so the only
 * way to a second mail is a crash in between; with .eml files even that writes the same file again. Retries: 1 s, 2 s,
 * 4 s … at most 10 min, with full jitter, for as long as it takes. One line is logged for each mail and for the first
 * failure of one. */
#include "notification/mailer.h"

#include "base/clock.h"
#include "base/random.h"
#include "fiber/fiber.h"
#include "notification/message.h"
#include "notification/notice.h"
#include "notification/sink.h"
#include "notification/statements.h"
#include "telemetry/metrics.h"
#include "telemetry/trace.h"

#include <errno.h>
#include <stdlib.h>

enum {
	BATCH = 32,
	POLL_MAX_MS = 5000,
	BACKOFF_MIN_MS = 1000,
	BACKOFF_MAX_MS = 600000,
	ARENA_SIZE_MAX = 8 << 20,
	MAIL_ARENA_MAX = 1 << 20,
	MESSAGE_SIZE_MAX = 1 << 20,
	SEND_MS = 60000,
};

#define MAILER_MAGIC UINT32_C(0x4d41494c)

struct mailer {
	uint32_t magic;
	struct notification_state *state;
	struct fiber *fiber;
	struct fiber_queue kicked;
	bool kick; /* something new since the last look */
	bool stopping;
	struct metric_cell *sent;
	struct metric_cell *retried;
	struct metric_cell *refused;
};

/* Columns of sql_deliveries_due. */
enum {
	DUE_EVENT,
	DUE_TEMPLATE,
	DUE_LANGUAGE,
	DUE_RECIPIENT,
	DUE_NAME,
	DUE_TRACEPARENT,
	DUE_ATTEMPTS,
	DUE_CREATED,
	DUE_DATA
};

static int64_t backoff_ms(int64_t attempts)
{
	int64_t ceiling = BACKOFF_MIN_MS;

	for (int64_t i = 0; i < attempts && ceiling < BACKOFF_MAX_MS; i++)
		ceiling *= 2;
	ceiling = MIN(ceiling, (int64_t)BACKOFF_MAX_MS);
	return ceiling / 2 + (int64_t)random_below((uint64_t)ceiling / 2 + 1);
}

/* a: of this mail alone; holds the link. */
static int message_make(const struct notification_state *s, const struct store_rows *due, size_t row, struct arena *a,
                        struct buf *out)
{
	struct template_mail mail CLEANUP(template_mail_done) = { 0 };
	struct template_values values;
	struct str template = store_text(due, row, DUE_TEMPLATE);
	struct message m = {
		.from_name = str_from(s->config->mail_from_name),
		.from = str_from(s->config->mail_from),
		.to_name = store_text(due, row, DUE_NAME),
		.to = store_text(due, row, DUE_RECIPIENT),
		.event_id = store_text(due, row, DUE_EVENT),
		.language = store_text(due, row, DUE_LANGUAGE),
		.date_ms = store_int(due, row, DUE_CREATED),
	};
	int r = notice_values(s, template, store_text(due, row, DUE_DATA), a, &values);

	/* Rows from before the data was kept are welcomes. */
	if (store_is_null(due, row, DUE_DATA)) {
		values = (struct template_values){ .name = m.to_name,
			                           .email = m.to,
			                           .url = str_from(s->config->public_url) };
		r = 0;
	}
	if (r == 0)
		r = template_render(notification_templates, notification_templates_n, template.data, m.language,
		                    &values, &mail);
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
static int send(struct mailer *m, const struct store_rows *due, size_t row, struct buf *answer)
{
	struct arena *a CLEANUP(wiped_free) = NULL;
	struct buf text CLEANUP(buf_done);
	struct mail_sink *sink = m->state->sink;
	int r = arena_new(MAIL_ARENA_MAX, &a);

	buf_init(&text, MESSAGE_SIZE_MAX);
	if (r == 0)
		r = message_make(m->state, due, row, a, &text);
	if (r < 0) {
		buf_addf(answer, "cannot make the mail: %s", error_name(r));
		return r == -ENOMEM ? r : -EREMOTEIO;
	}
	fiber_deadline_set(clock_deadline_in(SEND_MS));
	r = sink->send(sink, store_text(due, row, DUE_EVENT), store_text(due, row, DUE_RECIPIENT), buf_str(&text),
	               answer);
	fiber_deadline_set(DEADLINE_NONE);
	explicit_bzero(text.data, text.len);
	return r;
}

/* Yields. What came of it goes into the table. */
static int record(struct mailer *m, struct arena *a, const struct store_rows *due, size_t row, int sent,
                  struct str answer)
{
	struct store_value event = STORE_S(store_text(due, row, DUE_EVENT));
	int64_t now_ms = clock_real_ms();
	struct store_rows rows;

	if (sent == 0)
		return store_query(m->state->store, sql_delivery_sent,
		                   STORE_ARGS(event, STORE_I(now_ms), STORE_S(answer)), a, &rows);
	if (sent == -EREMOTEIO)
		return store_query(m->state->store, sql_delivery_failed, STORE_ARGS(event, STORE_S(answer)), a, &rows);
	now_ms += backoff_ms(store_int(due, row, DUE_ATTEMPTS));
	return store_query(m->state->store, sql_delivery_postpone, STORE_ARGS(event, STORE_I(now_ms), STORE_S(answer)),
	                   a, &rows);
}

static void report(struct mailer *m, const struct store_rows *due, size_t row, int sent, struct str answer)
{
	struct log_field event = LOG_STRN("event_id", store_text(due, row, DUE_EVENT));
	struct log_field template = LOG_STRN("template", store_text(due, row, DUE_TEMPLATE));

	if (sent == 0) {
		metric_add(m->sent, 1);
		log_info("mail sent", event, template, LOG_STRN("answer", answer));
	} else if (sent == -EREMOTEIO) {
		metric_add(m->refused, 1);
		log_error("mail refused for good", event, template, LOG_STRN("answer", answer));
	} else {
		metric_add(m->retried, 1);
		if (store_int(due, row, DUE_ATTEMPTS) == 0)
			log_warning("mail not sent yet; trying again", event, template, LOG_STRN("answer", answer));
	}
}

/* Yields. One delivery, in the trace of the request that caused it. */
static int deliver(struct mailer *m, struct arena *a, const struct store_rows *due, size_t row)
{
	struct buf answer CLEANUP(buf_done);
	struct context parent;
	struct span span;
	bool traced = trace_parse(store_text(due, row, DUE_TRACEPARENT), STR_NULL, &parent);
	int sent, r;

	buf_init(&answer, 2048);
	span_start(&span, "send mail", SPAN_CLIENT, traced ? &parent : NULL);
	sent = send(m, due, row, &answer);
	if (sent < 0)
		span_fail(&span, error_name(sent));
	r = record(m, a, due, row, sent, buf_str(&answer));
	if (r == 0)
		report(m, due, row, sent, buf_str(&answer));
	span_end(&span);
	return r;
}

/* Yields. Everything that is due now. The number of deliveries taken, or an error of the store. */
static int deliver_due(struct mailer *m)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct store_rows due;
	int r = arena_new(ARENA_SIZE_MAX, &a);

	if (r < 0)
		return r;
	r = store_read(m->state->store, sql_deliveries_due, STORE_ARGS(STORE_I(clock_real_ms()), STORE_I(BATCH)), a,
	               &due);
	if (r < 0)
		return r;
	for (size_t i = 0; i < due.n && r == 0 && !m->stopping; i++)
		r = deliver(m, a, &due, i);
	return r < 0 ? r : (int)due.n;
}

/* Yields. How long until the next one is due. */
static int64_t pause_ms(struct mailer *m)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct store_rows rows;
	int64_t next_ms;

	if (arena_new(4096, &a) < 0 || store_read(m->state->store, sql_deliveries_next, STORE_NO_ARGS, a, &rows) < 0)
		return BACKOFF_MIN_MS;
	if (rows.n == 0 || store_is_null(&rows, 0, 0))
		return POLL_MAX_MS;
	next_ms = store_int(&rows, 0, 0) - clock_real_ms();
	return MIN(MAX(next_ms, (int64_t)1), (int64_t)POLL_MAX_MS);
}

/* Yields until kicked or the pause is over. */
static void wait(struct mailer *m)
{
	int64_t ms = pause_ms(m);

	if (m->kick || m->stopping)
		return;
	fiber_deadline_set(clock_deadline_in(ms));
	(void)!fiber_queue_wait(&m->kicked);
	fiber_deadline_set(DEADLINE_NONE);
}

static void mailer_main(void *arg)
{
	struct mailer *m = arg;
	bool failing = false;
	int r;

	while (!m->stopping) {
		m->kick = false;
		r = deliver_due(m);
		if (r < 0 && !failing)
			log_error("deliveries cannot be read or recorded; trying again", LOG_ERR(r),
			          LOG_STR("detail", store_error(m->state->store)));
		failing = r < 0;
		if (r < 0)
			(void)fiber_sleep_ms(BACKOFF_MIN_MS);
		else if (r < BATCH)
			wait(m);
	}
}

static void metrics_declare(struct mailer *m)
{
	static const char *const labels[] = { "result", NULL };
	struct metric *mails =
	        metric_new(METRIC_COUNTER, "cinesync_mails_total", "Mails by what came of them.", labels, NULL, 0);

	m->sent = metric_cell(mails, (const char *const[]){ "sent" });
	m->retried = metric_cell(mails, (const char *const[]){ "retried" });
	m->refused = metric_cell(mails, (const char *const[]){ "refused" });
}

int mailer_start(struct notification_state *state, struct mailer **ret)
{
	struct mailer *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->magic = MAILER_MAGIC;
	m->state = state;
	fiber_queue_init(&m->kicked);
	metrics_declare(m);
	r = fiber_spawn("mailer", mailer_main, m, &m->fiber);
	if (r < 0) {
		free(m);
		return r;
	}
	*ret = m;
	return 0;
}

void mailer_kick(struct mailer *m)
{
	assert(m->magic == MAILER_MAGIC);
	m->kick = true;
	(void)fiber_queue_wake_one(&m->kicked, 0);
}

void mailer_stop(struct mailer **mp)
{
	struct mailer *m = *mp;

	if (!m)
		return;
	assert(m->magic == MAILER_MAGIC);
	m->stopping = true;
	mailer_kick(m);
	fiber_shield();
	(void)!fiber_join(m->fiber);
	fiber_unshield();
	fiber_unref(&m->fiber);
	m->magic = 0;
	free(m);
	*mp = NULL;
}
