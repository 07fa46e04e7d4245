/* GET /users/me/export. The document is built outside the request's arena, a page of rows at a time, up to
 * EXPORT_SIZE_MAX; secrets (hashes, keys, tokens) are in no section. Everything here yields. */
#include "user/account_export.h"

#include "base/clock.h"
#include "user/audit.h"
#include "user/limit.h"
#include "user/statements.h"

#include <errno.h>

enum { PAGE_ARENA_MAX = 8 << 20 };

#define FIRST_UUID "00000000-0000-0000-0000-000000000000"

const struct problem problem_export_too_large = { 413, "export-too-large", "The copy would be larger than is made here",
	                                          LOG_WARNING };

static const struct export_section sections[] = {
	{ .name = "account",
	  .sql = sql_export_account,
	  .is_one = true,
	  .columns = { "id", "email", "display_name", "language", "role", "is_active", "email_verified_at",
	               "created_at", "updated_at", "delete_at" } },
	{ .name = "sessions",
	  .sql = sql_export_sessions,
	  .is_paged = true,
	  .first_text = FIRST_UUID,
	  .columns = { "id", "user_agent", "ip_address", "created_at", "last_used_at", "expires_at", "ended_at",
	               "end_reason" } },
	{ .name = "second_factor",
	  .sql = sql_export_second_factor,
	  .is_one = true,
	  .columns = { "created_at", "enabled_at", "recovery_codes_left" } },
	{ .name = "one_time_links",
	  .sql = sql_export_links,
	  .columns = { "purpose", "email", "created_at", "expires_at", "used_at" } },
	{ .name = "activity",
	  .sql = sql_export_audit,
	  .is_paged = true,
	  .columns = { "occurred_at", "action", "result", "actor_id", "session_id", "ip_address", "user_agent",
	               "trace_id", "detail_json" } },
	{ .name = "library",
	  .sql = sql_export_library,
	  .is_paged = true,
	  .columns = { "collection", "movie_id", "movie_title", "movie_year", "item_id", "rating_halves", "watched_on",
	               "note", "is_pending", "added_at", "changed_at", "deleted_at" } },
	{ .name = "lists",
	  .sql = sql_export_lists,
	  .is_paged = true,
	  .columns = { "id", "name", "description", "shared_at", "items", "created_at", "updated_at", "deleted_at" } },
	{ .name = "imports",
	  .sql = sql_export_imports,
	  .columns = { "id", "format", "state", "is_dry_run", "replaces", "rows", "added", "changed", "unchanged",
	               "unmatched", "refused", "unreadable", "skipped", "created_at", "finished_at" } },
	{ .name = "import_rows",
	  .sql = sql_export_import_rows,
	  .is_paged = true,
	  .columns = { "import_id", "reason", "file", "line", "collection", "list", "movie_id", "imdb_id", "title",
	               "year", "rating_halves", "watched_on", "note", "added_at" } },
	{ .name = "requests",
	  .sql = sql_export_requests,
	  .is_paged = true,
	  .first_text = "",
	  .columns = { "idempotency_key", "status", "location", "created_at" } },
	{ .name = "events",
	  .sql = sql_export_events,
	  .is_paged = true,
	  .columns = { "event_id", "type", "created_at", "sent_at", "envelope_json" } },
};

/* ---- values ---- */

static bool ends_in(struct str name, const char *ending)
{
	size_t n = strlen(ending);

	return name.len > n && memcmp(name.data + name.len - n, ending, n) == 0;
}

static void number_write(const char *name, int64_t value, struct buf *out)
{
	char at[CLOCK_ISO8601_SIZE];

	if (ends_in(str_from(name), "_at")) {
		clock_format_iso8601(value, at);
		buf_addf(out, "\"%s\"", at);
	} else if (strncmp(name, "is_", 3) == 0) {
		buf_adds(out, value ? "true" : "false");
	} else {
		buf_add_int(out, value);
	}
}

static void value_write(const char *name, const struct store_value *v, struct buf *out)
{
	switch (v->type) {
	case STORE_NULL:
		buf_adds(out, "null");
		return;
	case STORE_BOOL:
		buf_adds(out, v->value.boolean ? "true" : "false");
		return;
	case STORE_INT:
		number_write(name, v->value.integer, out);
		return;
	case STORE_DOUBLE:
		buf_add_double(out, v->value.number);
		return;
	case STORE_TEXT:
	case STORE_BLOB:
		if (ends_in(str_from(name), "_json"))
			buf_add_str(out, v->value.text);
		else
			buf_add_json(out, v->value.text);
		return;
	}
}

static void row_write(const struct export_section *s, const struct store_rows *rows, size_t row, struct buf *out)
{
	buf_addc(out, '{');
	for (size_t i = 0; i < EXPORT_COLUMNS_MAX && s->columns[i]; i++) {
		struct str name = str_from(s->columns[i]);

		if (ends_in(name, "_json"))
			name.len -= strlen("_json");
		buf_addf(out, "%s\"%.*s\":", i ? "," : "", STR_ARGS(name));
		value_write(s->columns[i], &rows->values[row * rows->columns + i], out);
	}
	buf_addc(out, '}');
}

/* ---- sections ---- */

/* The last row's key, kept beyond its page. */
struct export_key {
	int64_t number;
	char text[300];
};

static struct store_value key_value(const struct export_section *s, const struct export_key *key)
{
	return s->first_text ? STORE_S(str_from(key->text)) : STORE_I(key->number);
}

static void key_take(const struct export_section *s, const struct store_rows *rows, struct export_key *ret)
{
	size_t last = rows->n - 1, column = rows->columns - 1;

	if (s->first_text)
		snprintf(ret->text, sizeof(ret->text), "%.*s", STR_ARGS(store_text(rows, last, column)));
	else
		ret->number = store_int(rows, last, column);
}

static int page_read(const struct export_section *s, struct str user_id, const struct export_key *key, struct arena *a,
                     struct store_rows *ret)
{
	const struct store_value args[] = { STORE_S(user_id), key_value(s, key), STORE_S(user_id) };
	size_t n = s->sql == sql_export_events ? 3 : s->is_paged ? 2 : 1;

	return store_read(user_state()->store, s->sql, args, n, a, ret);
}

static int section_write(const struct export_section *s, struct str user_id, struct buf *out)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	struct export_key key = { 0 };
	struct store_rows rows;
	bool is_first = true;
	int r = arena_new(PAGE_ARENA_MAX, &a);

	snprintf(key.text, sizeof(key.text), "%s", s->first_text ? s->first_text : "");
	do {
		arena_reset(a);
		r = r < 0 ? r : page_read(s, user_id, &key, a, &rows);
		if (r < 0)
			return r;
		for (size_t i = 0; i < rows.n && !(s->is_one && i > 0); i++) {
			if (!is_first)
				buf_addc(out, ',');
			row_write(s, &rows, i, out);
			is_first = false;
		}
		if (s->is_paged && rows.n > 0)
			key_take(s, &rows, &key);
	} while (s->is_paged && rows.n == EXPORT_PAGE_ROWS);
	if (s->is_one && is_first)
		buf_adds(out, "null");
	return buf_error(out);
}

static int document_write(struct str user_id, struct buf *out)
{
	char now[CLOCK_ISO8601_SIZE];
	int r = 0;

	clock_format_iso8601(clock_real_ms(), now);
	buf_addf(out, "{\"exported_at\":\"%s\"", now);
	for (size_t i = 0; i < ARRAY_SIZE(sections) && r == 0; i++) {
		buf_addf(out, ",\"%s\":%s", sections[i].name, sections[i].is_one ? "" : "[");
		r = section_write(&sections[i], user_id, out);
		if (!sections[i].is_one)
			buf_addc(out, ']');
	}
	buf_addc(out, '}');
	return r < 0 ? r : buf_error(out);
}

/* ---- the route ---- */

static int account_export(struct request *req)
{
	struct str user_id = request_user(req)->id;
	struct buf out CLEANUP(buf_done);
	struct reply *reply = NULL;
	int r = limit_take(req, LIMIT_EXPORT, user_id);

	buf_init(&out, (size_t)user_state()->config->export_size_max);
	if (r < 0)
		return r;
	r = document_write(user_id, &out);
	if (r == -ENOBUFS || r == -EMSGSIZE)
		return request_problem(req, &problem_export_too_large, "Ask the operator to raise EXPORT_SIZE_MAX.");
	if (r < 0)
		return user_store_failed(req, r, "write a copy of an account");
	audit_record(req, &(struct audit_event){ .action = "user.export",
	                                         .actor_id = user_id,
	                                         .user_id = user_id,
	                                         .session_id = request_user(req)->session_id });
	r = reply_new(200, "application/json", buf_str(&out), &reply);
	if (r < 0)
		return r;
	reply_set_cache_control(reply, "no-store");
	r = respond_header_static(req, "Content-Disposition", "attachment; filename=\"cinesync.json\"");
	if (r == 0)
		r = respond_shared(req, reply);
	reply_unref(&reply);
	return r;
}

const struct route account_export_routes[] = {
	{ .method = HTTP_GET,
	  .path = "/api/v1/users/me/export",
	  .handler = account_export,
	  .tag = "users",
	  .auth = HTTP_AUTH_USER,
	  .reply = { 200, NULL, "application/json", "Everything that is kept about me." },
	  .errors = { 401, 413, 429, 503 },
	  .summary = "A copy of everything",
	  .doc = "One JSON object with a member for each kind of data: account, sessions, second_factor, "
	         "one_time_links, "
	         "activity, library, lists, imports, import_rows, requests, events. Password, tokens and keys are kept "
	         "hashed or sealed, and "
	         "are not in it." },
	{ 0 },
};
