/* Writing the audit trail. Everything but audit_log() yields. */
#include "user/audit.h"

#include "base/clock.h"
#include "base/context.h"
#include "fiber/fiber.h"
#include "user/limit.h"
#include "user/statements.h"

#include <errno.h>

enum { ARGS = 10, PRUNE_EVERY_MS = 3600 * 1000, PRUNE_BATCH = 1000 };

static const char *const results[] = { "success", "failure", "denied" };

/* The trace id of what runs now; null without one. */
static struct str trace_id(void)
{
	return context_current && context_current->trace_id[0] ? str_from(context_current->trace_id) : STR_NULL;
}

static void args_of(struct request *req, const struct audit_event *e, struct store_value args[ARGS])
{
	const struct store_value values[ARGS] = {
		STORE_I(clock_real_ms()),
		STORE_S(str_from(e->action)),
		STORE_S(str_from(results[e->result])),
		STORE_S(e->actor_id),
		STORE_S(e->user_id),
		STORE_S(e->session_id),
		STORE_S(req ? request_client_address(req) : STR_NULL),
		STORE_S(req ? user_agent_of(req) : STR_NULL),
		STORE_S(trace_id()),
		STORE_S(e->detail),
	};

	memcpy(args, values, sizeof(values));
}

int audit_add(struct request *req, struct store_tx *tx, struct arena *a, const struct audit_event *e)
{
	struct store_value args[ARGS];

	args_of(req, e, args);
	return store_tx_query(tx, sql_audit_insert, args, ARGS, a, NULL);
}

void audit_log(struct request *req, const struct audit_event *e)
{
	log_each(LOG_INFO, "security event", LOG_STR("action", e->action), LOG_STR("result", results[e->result]),
	         LOG_STRN("actor_id", e->actor_id), LOG_STRN("user_id", e->user_id),
	         LOG_STRN("session_id", e->session_id),
	         LOG_STRN("client_address", req ? request_client_address(req) : STR("-")));
}

void audit_record(struct request *req, const struct audit_event *e)
{
	struct store_value args[ARGS];
	int r;

	args_of(req, e, args);
	r = store_query(user_state()->store, sql_audit_insert, args, ARGS, request_arena(req), NULL);
	if (r < 0)
		log_error("a security event could not be kept", LOG_STR("action", e->action), LOG_ERR(r),
		          LOG_STR("detail", store_error(user_state()->store)));
	audit_log(req, e);
}

void audit_denied(struct request *req)
{
	const struct http_user *user = request_user(req);
	const struct route *route = request_route(req);
	struct audit_event e = {
		.action = "admin.request",
		.result = AUDIT_DENIED,
		.actor_id = user->id,
		.session_id = user->session_id,
		.detail = arena_printf(request_arena(req), "{\"path\":\"%s\"}", route->path),
	};

	if (limit_take(req, LIMIT_WRITE, user->id) < 0)
		audit_log(req, &e);
	else
		audit_record(req, &e);
}

/* Yields. In small steps, for nobody to wait long for the writer. */
static int prune(struct user_state *u)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	int64_t before_ms = clock_real_ms() - u->config->audit_retention_days * CLOCK_DAY_MS;
	struct store_rows rows = { .affected = PRUNE_BATCH };
	int r = arena_new(65536, &a);

	while (r == 0 && rows.affected == PRUNE_BATCH) {
		r = store_query(u->store, sql_audit_prune, STORE_ARGS(STORE_I(before_ms), STORE_I(PRUNE_BATCH)), a,
		                &rows);
		arena_reset(a);
	}
	return r;
}

static void pruner(void *arg)
{
	struct user_state *u = arg;
	int r;

	while (fiber_sleep_ms(PRUNE_EVERY_MS) == 0) {
		r = prune(u);
		if (r < 0 && r != -ECANCELED)
			log_warning("old security events could not be deleted", LOG_ERR(r),
			            LOG_STR("detail", store_error(u->store)));
	}
}

int audit_pruner_start(struct user_state *u, struct fiber **ret)
{
	return fiber_spawn("audit-pruner", pruner, u, ret);
}
