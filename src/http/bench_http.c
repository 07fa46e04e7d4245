/* A server that answers one shared reply, to be held against other servers with a load generator:
 *   bench_http PORT [BYTES]      then e.g. wrk -t1 -c64 http://127.0.0.1:PORT/
 * Ends at SIGINT or SIGTERM. */
#include "http/server.h"

#include "fiber/fiber.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

static struct reply *shared;
static struct http_server *server;
static uv_signal_t signals[2];

static int page(struct request *req)
{
	return respond_shared(req, shared);
}

/* As a cache miss: the handler waits. */
static int slow_page(struct request *req)
{
	int r = fiber_sleep_ms(1);

	return r < 0 ? r : respond_shared(req, shared);
}

static const struct route routes[] = {
	{ HTTP_GET, "/", page, .cacheable = true },
	{ HTTP_GET, "/slow", slow_page, .cacheable = true },
	{ 0 },
};

static void on_signal(uv_signal_t *handle, int number)
{
	(void)handle;
	(void)number;
	http_server_free(&server);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		uv_close((uv_handle_t *)&signals[i], NULL);
	fiber_runtime_done();
}

static void signals_start(uv_loop_t *loop)
{
	static const int numbers[] = { SIGINT, SIGTERM };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		uv_signal_init(loop, &signals[i]);
		uv_signal_start(&signals[i], on_signal, numbers[i]);
	}
}

static int reply_make(size_t size)
{
	char *body = malloc(size);
	int r;

	if (!body)
		return -1;
	memset(body, 'x', size);
	r = reply_new(200, "application/json", (struct str){ body, size }, &shared);
	free(body);
	return r;
}

int main(int argc, char **argv)
{
	static const struct route *const tables[] = { routes, NULL };
	uv_loop_t loop;
	char address[64];

	snprintf(address, sizeof(address), "127.0.0.1:%s", argc > 1 ? argv[1] : "0");
	uv_loop_init(&loop);
	if (reply_make(argc > 2 ? strtoul(argv[2], NULL, 10) : 1024) < 0 || fiber_runtime_init(&loop, NULL) < 0 ||
	    http_server_new(&loop,
	                    &(struct http_server_options){ .address = address,
	                                                   .tables = tables,
	                                                   .connections_max = 20000,
	                                                   .requests_max = 1000,
	                                                   .body_max = 65536,
	                                                   .header_max = 8192,
	                                                   .arena_max = 1 << 20,
	                                                   .deadline_ms = 10000,
	                                                   .head_timeout_ms = 10000,
	                                                   .body_timeout_ms = 10000,
	                                                   .idle_timeout_ms = 60000 },
	                    &server) < 0) {
		fprintf(stderr, "cannot listen on %s\n", address);
		return 1;
	}
	signals_start(&loop);
	fprintf(stderr, "http://127.0.0.1:%d/\n", http_server_port(server));
	uv_run(&loop, UV_RUN_DEFAULT);
	reply_unref(&shared);
	return uv_loop_close(&loop) < 0;
}
