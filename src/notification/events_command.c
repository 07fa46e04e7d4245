#include "notification/events_command.h"

#include "base/clock.h"
#include "notification/consumer.h"
#include "notification/statements.h"
#include "service/events_command.h"

#include <errno.h>
#include <stdio.h>
#include <sysexits.h>

enum { DETAIL_MAX = 4096, TYPE_SIZE = 256 };

struct errand {
	struct events_command command;
	int64_t n;            /* letters that it was about */
	char type[TYPE_SIZE]; /* of the last of them */
};

static struct rabbit_desk desk_of(const struct notification_config *c, struct errand *e)
{
	struct rabbit_desk d = { .link = { .url = c->amqp_url, .ca_file = c->amqp_ca_file, .name = "cinesync-events" },
		                 .arg = e };

	consumer_queues(c, &d.queues);
	return d;
}

/* What has no id is called "-", as the list shows it. */
static bool is_meant(const struct errand *e, const struct rabbit_delivery *d)
{
	struct str id = str_is_null(d->message_id) || d->message_id.len == 0 ? STR("-") : d->message_id;

	return str_is_null(e->command.event_id) || str_equal(e->command.event_id, id);
}

/* ---- called on the link's thread ---- */

static void queue_print(const char *name, int64_t ready, int64_t consumers, void *arg)
{
	(void)arg;
	if (ready < 0)
		printf("queue %s: there is none; the service declares it when it runs\n", name);
	else
		printf("queue %s: %lld waiting, consumers: %lld\n", name, (long long)ready, (long long)consumers);
}

static enum rabbit_fate letter_print(const struct rabbit_letter *l, void *arg)
{
	const struct rabbit_delivery *d = &l->delivery;
	struct errand *e = arg;

	events_print("dead letter", d->message_id, d->type, d->tries, l->sent_at_s, str_from(d->reason));
	e->n++;
	return RABBIT_KEEP;
}

/* First what would be dropped is looked for, then the audit is written, then it is dropped. */
static enum rabbit_fate letter_find(const struct rabbit_letter *l, void *arg)
{
	struct errand *e = arg;

	if (is_meant(e, &l->delivery)) {
		e->n++;
		(void)snprintf(e->type, sizeof(e->type), "%.*s", STR_ARGS(l->delivery.type));
	}
	return RABBIT_KEEP;
}

static enum rabbit_fate letter_drop(const struct rabbit_letter *l, void *arg)
{
	return is_meant(arg, &l->delivery) ? RABBIT_DROP : RABBIT_KEEP;
}

static enum rabbit_fate letter_replay(const struct rabbit_letter *l, void *arg)
{
	struct errand *e = arg;

	if (!is_meant(e, &l->delivery))
		return RABBIT_KEEP;
	e->n++;
	return RABBIT_REPLAY;
}

/* ---- the commands ---- */

static int run(const struct rabbit_desk *d, struct arena *a)
{
	struct str why = STR("out of memory");
	int r = rabbit_desk_run(d, a, &why);

	if (r < 0)
		fprintf(stderr, "events: RabbitMQ: %.*s\n", STR_ARGS(why));
	return r;
}

static int list(const struct notification_config *c, struct errand *e, struct arena *a)
{
	struct rabbit_desk d = desk_of(c, e);
	int r;

	d.queue = queue_print;
	d.letter = letter_print;
	r = run(&d, a);
	if (r == 0)
		printf("%lld dead letter%s\n", (long long)e->n, e->n == 1 ? "" : "s");
	return r;
}

static int replay(const struct notification_config *c, struct errand *e, struct arena *a)
{
	struct rabbit_desk d = desk_of(c, e);

	d.letter = letter_replay;
	return run(&d, a);
}

static int audit(struct store *store, const struct errand *e, struct arena *a)
{
	struct buf detail CLEANUP(buf_done);
	int r;

	buf_init(&detail, DETAIL_MAX);
	events_command_detail(&e->command, str_from(e->type), &detail);
	r = buf_error(&detail);
	if (r == 0)
		r = store_query(
		        store, sql_audit_insert,
		        STORE_ARGS(STORE_I(clock_real_ms()), STORE_S(STR("event.drop")), STORE_S(buf_str(&detail))), a,
		        NULL);
	if (r < 0)
		fprintf(stderr, "events: nothing was dropped, for it could not be kept in the audit: %s\n",
		        store_error(store));
	return r;
}

static int drop(const struct notification_config *c, const struct service_database *database, struct errand *e,
                struct arena *a)
{
	struct store *store CLEANUP(store_close) = NULL;
	struct rabbit_desk d = desk_of(c, e);
	int r;

	d.letter = letter_find;
	r = run(&d, a);
	if (r < 0 || e->n == 0)
		return r;
	if (service_database_command(database, &store) != 0)
		return -EIO;
	r = audit(store, e, a);
	if (r < 0)
		return r;
	d.letter = letter_drop;
	return run(&d, a);
}

int events_command_run(const struct notification_config *c, const struct service_database *d, int argc, char **argv)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct errand e = { 0 };
	int r = events_command_parse(argc, argv, &e.command);

	if (r < 0)
		return EX_USAGE;
	r = arena_new(65536, &a);
	if (r == 0 && e.command.what == EVENTS_LIST)
		r = list(c, &e, a);
	else if (r == 0 && e.command.what == EVENTS_REPLAY)
		r = replay(c, &e, a);
	else if (r == 0)
		r = drop(c, d, &e, a);
	if (r < 0)
		return EX_UNAVAILABLE;
	if (e.command.what == EVENTS_LIST)
		return EX_OK;
	return events_command_done(&e.command, e.n,
	                           e.command.what == EVENTS_DROP ? "dropped from the dead letters"
	                                                         : "went back from the dead letters to the queue");
}
