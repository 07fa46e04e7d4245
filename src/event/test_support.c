/* Shared by the tests of this room. */
#include "event/test_support.h"

#include "base/context.h"
#include "base/random.h"
#include "fiber/fiber.h"
#include "store/test_support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define PENDING "sent_ms IS NULL AND refused_ms IS NULL"

/* As outbox.h has it. */
#define COLUMNS(integer)                                                                                     \
	"event_id TEXT NOT NULL UNIQUE, subject TEXT NOT NULL, type TEXT NOT NULL, envelope TEXT NOT NULL, " \
	"attempts " integer " NOT NULL DEFAULT 0, next_attempt_ms " integer " NOT NULL, created_ms " integer \
	" NOT NULL, sent_ms " integer ", refused_ms " integer ", last_error TEXT, claimed_until_ms " integer
static const char sqlite_table[] =
        "CREATE TABLE outbox (sequence INTEGER PRIMARY KEY AUTOINCREMENT, " COLUMNS("INTEGER") ") STRICT";
static const char postgres_table[] =
        "CREATE TABLE outbox (sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, " COLUMNS("BIGINT") ")";
static const char index_pending[] = "CREATE INDEX outbox_pending ON outbox (sequence) WHERE sequence > 0 AND " PENDING;
static const char index_subject[] = "CREATE INDEX outbox_subject ON outbox (subject, sequence) WHERE " PENDING;
static const char index_sent[] = "CREATE INDEX outbox_sent ON outbox (sent_ms) WHERE sent_ms IS NOT NULL";

struct store *outbox_store_again(void)
{
	return test_store();
}

struct store *outbox_store(void)
{
	struct store *s = test_store();

	must(s, "DROP TABLE IF EXISTS outbox");
	must(s, is_sqlite(s) ? sqlite_table : postgres_table);
	must(s, index_pending);
	must(s, index_subject);
	must(s, index_sent);
	return s;
}

bool outbox_pending_becomes(struct store *s, int64_t wanted, int64_t limit_ms)
{
	int64_t limit = clock_deadline_in(limit_ms);

	while (must(s, "SELECT count(*) FROM outbox WHERE " PENDING) != wanted)
		if (clock_mono_ms() > limit || fiber_sleep_ms(2) < 0)
			return false;
	return true;
}

static void put_one(struct store_tx *tx, int subject, int64_t number)
{
	struct arena *a CLEANUP(arena_free) = test_arena();
	struct event e = {
		.id = arena_printf(a, "%d-%lld", subject, (long long)number),
		.source = STR("/test"),
		.type = STR("test.v1"),
		.subject = arena_printf(a, "subject %d", subject),
		.traceparent = STR("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
		.data = STR("{}"),
	};

	if (outbox_add(tx, &e, a) < 0)
		abort();
}

void outbox_put(struct store *s, int subject, int64_t first, int64_t n)
{
	struct store_tx *tx = NULL;

	if (store_begin(s, &tx) < 0)
		abort();
	for (int64_t i = 0; i < n; i++)
		put_one(tx, subject, first + i);
	if (store_commit(&tx) < 0)
		abort();
}

struct outbox *outbox_of(struct store *s, struct receiver *r, int64_t poll_ms)
{
	const struct outbox_options options = {
		.store = s, .transport = &r->base, .poll_ms = poll_ms, .backoff_min_ms = 1, .backoff_max_ms = 8
	};
	struct outbox *o = NULL;

	if (outbox_start(&options, &o) < 0)
		abort();
	return o;
}

bool receiver_wait(const struct receiver *r, size_t distinct, int64_t limit_ms)
{
	int64_t limit = clock_deadline_in(limit_ms);

	while (r->distinct < distinct && clock_mono_ms() < limit)
		if (fiber_sleep_ms(1) < 0)
			return false;
	return r->distinct >= distinct;
}

/* ---- the receiver ---- */

static void remember(struct receiver *r, int subject, int64_t number)
{
	if (number > r->last[subject] + 1)
		r->is_out_of_order = true;
	r->last[subject] = MAX(r->last[subject], number);
	if (r->seen[subject][number]++ == 0)
		r->distinct++;
}

static int answer(struct receiver *r, struct str id, int subject, int64_t number)
{
	if (r->refuses && str_equal(id, str_from(r->refuses)))
		return -EBADMSG;
	if ((r->failing_subject && subject == r->failing_subject) || random_below(100) < r->fail_percent)
		return -ECONNREFUSED;
	remember(r, subject, number);
	return random_below(100) < r->lose_answer_percent ? -ETIMEDOUT : 0;
}

static int receiver_deliver(struct event_transport *t, const struct event *e, struct str envelope)
{
	struct receiver *r = CONTAINER_OF(t, struct receiver, base);
	long long number;
	int subject;
	int result = 0;
	bool hangs;

	if (sscanf(e->id.data, "%d-%lld", &subject, &number) != 2 || !str_starts(envelope, STR("{")))
		abort();
	r->calls++;
	r->last_call_ms = clock_mono_ms();
	r->has_trace = context_current && strcmp(context_current->trace_id, "4bf92f3577b34da6a3ce929d0e0e4736") == 0;
	if (r->busy[subject])
		r->is_out_of_order = true;
	r->busy[subject] = true;
	r->at_once++;
	r->at_once_max = MAX(r->at_once_max, r->at_once);
	hangs = r->hangs || (r->hanging_subject && r->hanging_subject == subject);
	if (hangs || r->delay_ms)
		result = fiber_sleep_ms(hangs ? 3600000 : (int64_t)random_below((uint64_t)r->delay_ms + 1));
	r->busy[subject] = false;
	r->at_once--;
	if (result == 0)
		result = answer(r, e->id, subject, number);
	if (r->on_deliver)
		r->on_deliver();
	return result;
}

static bool receiver_is_up(const struct event_transport *t)
{
	return !CONTAINER_OF(t, const struct receiver, base)->is_down;
}

static const char *receiver_reason(int error)
{
	return error == -ECONNREFUSED ? "it does not like it" : NULL;
}

void receiver_init(struct receiver *r)
{
	*r = (struct receiver){ .base = { .name = "test",
		                          .destination = "test",
		                          .span_name = "publish test",
		                          .at_once = 8,
		                          .deliver = receiver_deliver,
		                          .is_up = receiver_is_up,
		                          .reason = receiver_reason } };
}
