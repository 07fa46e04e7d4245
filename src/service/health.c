/* Health as the orchestrators ask for it. /livez: the loop turns. /readyz: should this replica get requests, and what
 * is each dependency's state: `required` checks decide, the others only degrade. /metrics: everything that is counted.
 * Checks run one after the other on the request's fiber, each within CHECK_MS; the handler yields. */
#include "service/health.h"

#include "base/clock.h"
#include "fiber/fiber.h"
#include "telemetry/metrics.h"

#include <errno.h>
#include <stdio.h>

enum {
	CHECK_MS = 1000,
	PARTS_MAX = 16,
	READY_SIZE_MAX = 16384,
	METRICS_SIZE_MAX = 4 << 20,
};

static struct {
	const struct service_check *checks;
	void *state;
	bool draining;
	size_t n_modes;
	struct {
		char part[32];
		char mode[128];
	} modes[PARTS_MAX];
} health;

void health_init(const struct service_check *checks, void *state)
{
	health.checks = checks;
	health.state = state;
}

void health_drain(void)
{
	health.draining = true;
}

static size_t mode_slot(const char *part)
{
	size_t i = 0;

	while (i < health.n_modes && strcmp(health.modes[i].part, part) != 0)
		i++;
	return i;
}

int health_mode_set(const char *part, const char *mode)
{
	size_t i = mode_slot(part);

	if (i == PARTS_MAX)
		return -ENOSPC;
	if (i == health.n_modes)
		health.n_modes++;
	snprintf(health.modes[i].part, sizeof(health.modes[i].part), "%s", part);
	snprintf(health.modes[i].mode, sizeof(health.modes[i].mode), "%s", mode);
	return 0;
}

void health_modes_log(void)
{
	for (size_t i = 0; i < health.n_modes; i++)
		log_info("mode", LOG_STR("part", health.modes[i].part), LOG_STR("mode", health.modes[i].mode));
}

/* Runs one check within its own second, inside the request's deadline. */
static int check_run(const struct service_check *check, struct buf *reason)
{
	int64_t outer = fiber_deadline();
	int r;

	fiber_deadline_set(MIN(outer, clock_deadline_in(CHECK_MS)));
	r = check->check(health.state, reason);
	fiber_deadline_set(outer);
	return r;
}

static void check_write(const struct service_check *check, int r, const struct buf *reason, struct buf *out)
{
	buf_add_json(out, str_from(check->name));
	buf_adds(out, ":{\"status\":");
	buf_adds(out, r >= 0 ? "\"ok\"" : "\"failed\"");
	buf_addf(out, ",\"required\":%s", check->required ? "true" : "false");
	if (r < 0) {
		buf_adds(out, ",\"reason\":");
		buf_add_json(out, reason->len > 0 ? buf_str(reason) : str_from(error_name(r)));
	}
	buf_addc(out, '}');
}

struct ready_state {
	bool ready;
	bool degraded;
};

static struct ready_state checks_write(struct buf *out)
{
	struct ready_state state = { .ready = true };
	struct buf reason CLEANUP(buf_done);
	size_t n_written = 0;
	int r;

	buf_init(&reason, 512);
	buf_adds(out, ",\"checks\":{");
	for (const struct service_check *c = health.checks; c && c->name; c++) {
		if (c->applies && !c->applies(health.state))
			continue;
		buf_reset(&reason);
		r = check_run(c, &reason);
		state.ready = state.ready && (r >= 0 || !c->required);
		state.degraded = state.degraded || r < 0;
		if (n_written++ > 0)
			buf_addc(out, ',');
		check_write(c, r, &reason, out);
	}
	buf_addc(out, '}');
	return state;
}

static void modes_write(struct buf *out)
{
	buf_adds(out, ",\"modes\":{");
	for (size_t i = 0; i < health.n_modes; i++) {
		if (i > 0)
			buf_addc(out, ',');
		buf_add_json(out, str_from(health.modes[i].part));
		buf_addc(out, ':');
		buf_add_json(out, str_from(health.modes[i].mode));
	}
	buf_addc(out, '}');
}

static const char *ready_word(struct ready_state state)
{
	if (health.draining)
		return "draining";
	if (!state.ready)
		return "not-ready";
	return state.degraded ? "degraded" : "ready";
}

static int readyz(struct request *req)
{
	struct buf rest CLEANUP(buf_done);
	struct buf body CLEANUP(buf_done);
	struct ready_state state;
	bool up;

	buf_init(&rest, READY_SIZE_MAX);
	buf_init(&body, READY_SIZE_MAX + 256);
	state = checks_write(&rest);
	modes_write(&rest);
	up = state.ready && !health.draining;
	buf_addf(&body, "{\"status\":\"%s\",\"version\":\"" CINESYNC_VERSION "\"", ready_word(state));
	buf_add_str(&body, buf_str(&rest));
	buf_addc(&body, '}');
	if (buf_error(&rest) < 0)
		return buf_error(&rest);
	if (buf_error(&body) < 0)
		return buf_error(&body);
	return respond_text(req, up ? 200 : 503, "application/json", buf_str(&body));
}

static int livez(struct request *req)
{
	return respond_text(req, 200, "application/json", STR("{\"status\":\"live\"}"));
}

/* Who names it can read it, however much else it would rather have. */
static bool accepts_openmetrics(struct str accept)
{
	static const char name[] = "application/openmetrics-text";

	return accept.len > 0 && memmem(accept.data, accept.len, name, sizeof(name) - 1);
}

static int metrics(struct request *req)
{
	bool is_open = accepts_openmetrics(request_header(req, "Accept"));
	struct buf body CLEANUP(buf_done);

	buf_init(&body, METRICS_SIZE_MAX);
	metrics_write(&body, is_open ? METRICS_OPENMETRICS : METRICS_TEXT);
	if (buf_error(&body) < 0)
		return buf_error(&body);
	return respond_text(req, 200, is_open ? METRICS_OPENMETRICS_TYPE : METRICS_TEXT_TYPE, buf_str(&body));
}

const struct route health_routes[] = {
	{ .method = HTTP_GET,
	  .path = "/livez",
	  .handler = livez,
	  .internal = true,
	  .is_polled = true,
	  .reply = { .status = 200 } },
	{ .method = HTTP_GET,
	  .path = "/readyz",
	  .handler = readyz,
	  .internal = true,
	  .is_polled = true,
	  .reply = { .status = 200 } },
	{ .method = HTTP_GET,
	  .path = "/metrics",
	  .handler = metrics,
	  .internal = true,
	  .is_polled = true,
	  .reply = { .status = 200 } },
	{ 0 },
};
