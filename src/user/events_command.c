#include "user/events_command.h"

#include "event/outbox_desk.h"
#include "service/events_command.h"
#include "user/audit.h"

#include <errno.h>
#include <stdio.h>
#include <sysexits.h>

enum { LIST_MAX = 1000, DETAIL_MAX = 4096 };

static int list(struct store *s, struct arena *a)
{
	struct store_rows rows;
	int r = outbox_desk_list(s, LIST_MAX, a, &rows);

	for (size_t i = 0; r == 0 && i < rows.n; i++) {
		struct outbox_entry e = outbox_entry_at(&rows, i);

		events_print(e.is_refused ? "set aside" : "in outbox", e.event_id, e.type, e.attempts,
		             e.created_ms / 1000, e.last_error);
	}
	if (r == 0)
		printf("%zu event%s in the outbox%s\n", rows.n, rows.n == 1 ? "" : "s",
		       rows.n == LIST_MAX ? " at least" : "");
	return r;
}

/* What it was stays in the audit. */
static int drop(struct store *s, const struct events_command *c, struct arena *a, int64_t *ret_n)
{
	struct store_tx *tx CLEANUP(store_rollback) = NULL;
	struct buf detail CLEANUP(buf_done);
	struct audit_event event = { .action = "event.drop" };
	int r;

	buf_init(&detail, DETAIL_MAX);
	events_command_detail(c, STR_NULL, &detail);
	event.detail = buf_str(&detail);
	r = buf_error(&detail);
	if (r == 0)
		r = store_begin(s, &tx);
	if (r == 0)
		r = outbox_desk_drop(tx, c->event_id, a, ret_n);
	if (r == 0 && *ret_n > 0)
		r = audit_add(NULL, tx, a, &event);
	return r < 0 ? r : store_commit(&tx);
}

int events_command_run(struct store *s, int argc, char **argv)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct events_command c;
	int64_t n = 0;
	int r = events_command_parse(argc, argv, &c);

	if (r < 0)
		return EX_USAGE;
	r = arena_new(4 << 20, &a);
	if (r == 0 && c.what == EVENTS_LIST)
		r = list(s, a);
	else if (r == 0 && c.what == EVENTS_REPLAY)
		r = outbox_desk_replay(s, c.event_id, a, &n);
	else if (r == 0)
		r = drop(s, &c, a, &n);
	if (r < 0) {
		fprintf(stderr, "events: %s\n", store_error(s));
		return EX_UNAVAILABLE;
	}
	if (c.what == EVENTS_LIST)
		return EX_OK;
	return events_command_done(
	        &c, n, c.what == EVENTS_DROP ? "dropped from the outbox" : "will be sent from the outbox at once");
}
