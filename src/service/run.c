/* One process = one loop. The order is: loop and fibers, client, start() on a fiber, listen, serve; then on SIGTERM
 * /readyz turns 503, the delay, no new connections, accepted requests finish (or are cancelled at DRAIN_MS), stop() on
 * a fiber, everything is freed so that leak checkers see a clean end. A second signal cuts the waiting short. struct
 * service_run is the only global of the room: one service a process. */
#include "service/run.h"

#include "base/log.h"
#include "fiber/fiber.h"
#include "service/health.h"
#include "service/listeners.h"
#include "service/log_control.h"
#include "service/loop_metrics.h"
#include "telemetry/exporter.h"
#include "telemetry/metrics.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

enum {
	EXIT_UNAVAILABLE = 69,
	EXIT_SOFTWARE = 70,
	DRAIN_POLL_MS = 5,
	DRAIN_SILENT_MS = 2000, /* for a request after its connection, from a machine that is busy */
	ARRIVALS_TURNS_MAX = 1000,
	HEAP_STEP = 262144, /* what a heap grows by; untouched, it is no memory */
	HEAP_SPARE = 1048576,
	TABLES_MAX = 32,
	FLUSH_MS = 2000, /* for the last spans, of the drain time */
};

#define RUN_MAGIC UINT32_C(0x52554e31)

struct service_run {
	uint32_t magic;
	const struct service *service;
	const struct service_settings *settings;
	const void *config;
	struct exporter *exporter;
	struct uv_loop_s loop;
	uv_signal_t signals[2];
	struct loop_lag lag;
	struct log_control logs;
	struct http_client *client;
	struct listeners listeners;
	const struct route *tables[TABLES_MAX + 1];
	void *state;
	bool started;
	bool stopping;
	bool hurry;
	int exit_code;
	int64_t begin_ms;
	int64_t drain_until_ms;
	struct fiber *starter; /* joined before anything is taken down */
};

static struct service_run *the_run;

static struct service_run *run_get(void)
{
	assert(the_run && the_run->magic == RUN_MAGIC);
	return the_run;
}

struct http_client *service_client(void)
{
	struct service_run *run = run_get();
	struct http_client_options options = { 0 };
	int r;

	if (run->client)
		return run->client;
	r = http_client_new(&run->loop, &options, &run->client);
	if (r < 0)
		log_error("no HTTP client", LOG_ERR(r));
	return run->client;
}

void *service_state(void)
{
	return run_get()->state;
}

struct uv_loop_s *service_loop(struct service_run *run)
{
	assert(run->magic == RUN_MAGIC);
	return &run->loop;
}

void service_mode_set(struct service_run *run, const char *part, const char *mode)
{
	assert(run->magic == RUN_MAGIC);
	if (health_mode_set(part, mode) < 0)
		log_warning("too many parts to list in /readyz", LOG_STR("part", part));
}

/* ---- drain ---- */

/* Who has connected is answered, so a balancer that had chosen this replica a moment ago loses nothing; but nobody is
 * waited for who connects and says nothing. */
static bool is_busy(const struct service_run *run, int64_t silent_until_ms)
{
	return listeners_in_flight(&run->listeners) > 0 ||
	       (clock_mono_ms() < silent_until_ms && listeners_expect_requests(&run->listeners));
}

static void drain_wait(struct service_run *run, int64_t until_ms)
{
	int64_t silent_until_ms = clock_deadline_in(DRAIN_SILENT_MS);

	while (!run->hurry && clock_mono_ms() < until_ms && is_busy(run, silent_until_ms))
		(void)fiber_sleep_ms(DRAIN_POLL_MS);
}

/* Closing the socket resets who was not accepted yet. */
static void arrivals_accept(struct service_run *run)
{
	for (int i = 0; i < ARRIVALS_TURNS_MAX && listeners_have_arrivals(&run->listeners); i++)
		(void)fiber_yield();
}

static void drain_server(struct service_run *run)
{
	int64_t until_ms = clock_deadline_in(run->settings->drain_ms);
	int64_t delay_until_ms = clock_deadline_in(run->settings->drain_delay_ms);

	listeners_leave(&run->listeners);
	while (!run->hurry && clock_mono_ms() < delay_until_ms)
		(void)fiber_sleep_ms(DRAIN_POLL_MS);
	arrivals_accept(run);
	listeners_drain(&run->listeners);
	drain_wait(run, until_ms);
	if (listeners_in_flight(&run->listeners) == 0)
		return;
	log_warning("requests cancelled at the end of the drain time",
	            LOG_INT("requests", listeners_in_flight(&run->listeners)));
	listeners_cancel_all(&run->listeners);
	run->hurry = false;
	drain_wait(run, clock_deadline_in(1000));
}

/* The last fiber of the process. */
static void drain(void *arg)
{
	struct service_run *run = arg;

	(void)!fiber_join(run->starter);
	fiber_unref(&run->starter);
	if (run->listeners.n > 0)
		drain_server(run);
	metrics_freeze(); /* what they ask about goes now, and a connection may still ask for them */
	if (run->started && run->service->stop)
		run->service->stop(run->state);
	listeners_free(&run->listeners);
	http_client_free(&run->client);
	for (size_t i = 0; i < ARRAY_SIZE(run->signals); i++)
		uv_close((uv_handle_t *)&run->signals[i], NULL);
	loop_metrics_end(&run->lag);
	log_control_end(&run->logs);
	uv_stop(&run->loop);
}

static void stop_begin(struct service_run *run)
{
	int r;

	if (run->stopping) {
		run->hurry = true;
		return;
	}
	run->stopping = true;
	run->drain_until_ms = clock_deadline_in(run->settings->drain_ms);
	health_drain();
	r = fiber_spawn("drain", drain, run, NULL);
	if (r < 0) {
		log_alert("cannot drain; leaving at once", LOG_ERR(r));
		_exit(EXIT_SOFTWARE);
	}
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct service_run *run = handle->data;

	assert(run->magic == RUN_MAGIC);
	log_info("stopping", LOG_STR("signal", number == SIGTERM ? "SIGTERM" : "SIGINT"));
	stop_begin(run);
}

/* ---- start ---- */

static struct http_server_options server_options(const struct service_run *run)
{
	const struct service_settings *s = run->settings;

	return (struct http_server_options){
		.address = s->listen,
		.tables = run->tables,
		.authenticate = run->service->authenticate,
		.authenticate_arg = run->state,
		.forbidden = run->service->forbidden,
		.connections_max = (size_t)s->connections_max,
		.requests_max = (size_t)s->requests_max,
		.body_max = (size_t)s->body_size_max,
		.upload_max = (size_t)s->upload_size_max,
		.uploads_max = (size_t)s->uploads_max,
		.header_max = (size_t)s->header_size_max,
		.arena_max = (size_t)s->request_memory_max,
		.deadline_ms = s->request_deadline_ms,
		.head_timeout_ms = s->head_timeout_ms,
		.body_timeout_ms = s->body_timeout_ms,
		.idle_timeout_ms = s->idle_timeout_ms,
		.check_replies = s->check_replies,
		.access_log = s->log_access,
		.access_log_omit_percent = 100 - s->log_access_percent,
		.access_log_slow_ms = s->log_access_slow_ms,
	};
}

static int listen_begin(struct service_run *run)
{
	struct http_server_options options = server_options(run);
	struct str wrong;
	int r;

	/* The setting was checked when it was read. */
	r = address_list_parse(str_from(run->settings->trusted_proxies), &options.trusted_proxies, &wrong);
	assert(r == 0);
	r = listeners_begin(&run->loop, &options, &run->settings->trust, run->service->confirm, &run->listeners);
	if (r < 0)
		return r;
	if (run->listeners.n > 1)
		service_mode_set(run, "gateway", "believed about who asks");
	return 0;
}

static void start(void *arg)
{
	struct service_run *run = arg;
	int r = 0;

	if (run->service->start)
		r = run->service->start(run, run->config, &run->state);
	if (r >= 0) {
		run->started = true;
		health_init(run->service->checks, run->state);
		r = listen_begin(run);
	} else {
		log_info("cannot start", LOG_ERR(r)); /* start() has given the reason */
	}
	if (r < 0) {
		run->exit_code = EXIT_UNAVAILABLE;
		stop_begin(run);
		return;
	}
	health_modes_log();
	log_info("ready", LOG_STR("listen", run->settings->listen), LOG_INT("port", listeners_port(&run->listeners)),
	         LOG_INT("start_ms", clock_mono_ms() - run->begin_ms), LOG_STR("version", CINESYNC_VERSION));
}

static void tables_set(struct service_run *run)
{
	size_t n = 0;

	for (const struct route *const *t = run->service->routes; t && *t; t++) {
		assert(n < TABLES_MAX - 2);
		run->tables[n++] = *t;
	}
	run->tables[n++] = health_routes;
	run->tables[n] = log_control_routes;
}

/* ---- the loop ---- */

static size_t threads_wanted(const struct service_settings *s)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	return s->threads > 0 ? (size_t)s->threads : (size_t)MAX(processors, 1) + 4;
}

static int loop_begin(struct uv_loop_s *loop, const struct service_settings *s)
{
	struct fiber_limits limits = {
		.stack_size = (size_t)s->fiber_stack_size,
		.fibers_max = (size_t)s->fibers_max,
		.offload_threads = threads_wanted(s),
	};
	int r;

	signal(SIGPIPE, SIG_IGN);
	r = uv_loop_init(loop);
	if (r < 0)
		return r;
	return fiber_runtime_init(loop, &limits);
}

static int loop_end(struct uv_loop_s *loop)
{
	fiber_runtime_done();
	uv_run(loop, UV_RUN_DEFAULT);
	return uv_loop_close(loop);
}

static void signals_begin(struct service_run *run)
{
	static const int numbers[] = { SIGTERM, SIGINT };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		uv_signal_init(&run->loop, &run->signals[i]);
		run->signals[i].data = run;
		uv_signal_start(&run->signals[i], on_signal, numbers[i]);
		uv_unref((uv_handle_t *)&run->signals[i]);
	}
}

/* By default a thread's heap grows and shrinks by a few pages with every burst, at a system call each. */
static void heap_tune(void)
{
	(void)mallopt(M_TOP_PAD, HEAP_STEP);
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_SPARE);
}

/* Blocks, once nothing else is left to do. */
static void telemetry_stop(struct exporter **exporter, int64_t until_ms)
{
	exporter_stop(exporter, MIN(until_ms, clock_deadline_in(FLUSH_MS)));
}

int service_run(const struct service *service, const struct service_settings *settings, const void *config)
{
	struct service_run run = { .magic = RUN_MAGIC, .service = service, .settings = settings, .config = config };
	int r;

	run.begin_ms = clock_mono_ms();
	heap_tune();
	log_init(service->name, (enum log_level)settings->log_level, STDOUT_FILENO);
	log_set_repeats_max((unsigned)settings->log_repeats_max);
	metrics_process_init(service->name);
	the_run = &run;
	tables_set(&run);
	r = telemetry_start(&settings->telemetry, service->name, &run.exporter);
	service_mode_set(&run, "traces", run.exporter ? "exported by OTLP" : "not exported");
	if (r >= 0)
		r = loop_begin(&run.loop, settings);
	if (r >= 0) {
		signals_begin(&run);
		loop_metrics_begin(&run.loop, &run.lag);
		log_control_begin(&run.loop, &run.logs);
		r = fiber_spawn("start", start, &run, &run.starter);
	}
	if (r < 0) {
		log_alert("cannot start", LOG_ERR(r));
		return EXIT_UNAVAILABLE;
	}
	uv_run(&run.loop, UV_RUN_DEFAULT);
	r = loop_end(&run.loop);
	telemetry_stop(&run.exporter, run.drain_until_ms);
	log_repeats_tell(true);
	log_info("stopped", LOG_INT("exit_code", run.exit_code), LOG_BOOL("clean", r == 0));
	the_run = NULL;
	return run.exit_code;
}

/* ---- subcommands ---- */

struct command_run {
	const struct service_command *command;
	const void *config;
	struct uv_loop_s loop;
	int argc;
	char **argv;
	int exit_code;
};

static void command_fiber(void *arg)
{
	struct command_run *run = arg;

	run->exit_code = run->command->run(run->config, run->argc, run->argv);
	uv_stop(&run->loop);
}

int service_run_command(const struct service *service, const struct service_command *command,
                        const struct service_settings *settings, const void *config, int argc, char **argv)
{
	struct command_run run = { .command = command, .config = config, .argc = argc, .argv = argv };
	struct exporter *exporter = NULL;

	log_init(command->name, LOG_ERROR, STDERR_FILENO);
	if (telemetry_start(&settings->telemetry, service->name, &exporter) < 0 ||
	    loop_begin(&run.loop, settings) < 0 || fiber_spawn(command->name, command_fiber, &run, NULL) < 0) {
		fprintf(stderr, "%s: not enough memory to start\n", command->name);
		return EXIT_SOFTWARE;
	}
	uv_run(&run.loop, UV_RUN_DEFAULT);
	if (loop_end(&run.loop) < 0)
		run.exit_code = EXIT_SOFTWARE;
	telemetry_stop(&exporter, DEADLINE_NONE);
	return run.exit_code;
}
