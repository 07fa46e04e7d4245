/* Sessions as a list that people read. Yields. */
#include "user/session_list.h"

#include "base/clock.h"
#include "user/device.h"
#include "user/messages_session.h"
#include "user/statements.h"

#include <errno.h>

/* Columns of sql_sessions_of. */
enum { LIST_ID, LIST_AGENT, LIST_ADDRESS, LIST_CREATED, LIST_USED, LIST_EXPIRES };

static int session_from_row(struct request *req, const struct store_rows *rows, size_t row, struct session_reply *ret)
{
	struct arena *a = request_arena(req);
	char device[DEVICE_NAME_SIZE];
	int r;

	*ret = (struct session_reply){
		.id = store_text(rows, row, LIST_ID),
		.user_agent = store_text(rows, row, LIST_AGENT),
		.ip_address = store_text(rows, row, LIST_ADDRESS),
		.is_current = str_equal(store_text(rows, row, LIST_ID), request_user(req)->session_id),
	};
	device_name(ret->user_agent, device);
	r = arena_copy(a, str_from(device), &ret->device);
	if (r == 0)
		r = clock_text(a, store_int(rows, row, LIST_CREATED), &ret->created_at);
	if (r == 0)
		r = clock_text(a, store_int(rows, row, LIST_USED), &ret->last_used_at);
	return r < 0 ? r : clock_text(a, store_int(rows, row, LIST_EXPIRES), &ret->expires_at);
}

int session_list_respond(struct request *req, struct str user_id)
{
	struct sessions_reply out;
	struct session_reply *items;
	struct store_rows rows;
	int r = store_read(user_state()->store, sql_sessions_of, STORE_ARGS(STORE_S(user_id), STORE_I(clock_real_ms())),
	                   request_arena(req), &rows);

	if (r < 0)
		return user_store_failed(req, r, "list sessions");
	items = arena_array(request_arena(req), MAX(rows.n, (size_t)1), sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < rows.n && r == 0; i++)
		r = session_from_row(req, &rows, i, &items[i]);
	if (r < 0)
		return r;
	out.results = (struct schema_array){ rows.n, items };
	return respond(req, 200, &sessions_reply_schema, &out);
}
