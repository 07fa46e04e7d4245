/* The skeleton every service's main() calls: settings, logs, loop, fibers, server, health, metrics, documents, signals,
 * drain.
 *
 * A service is one struct: what it is called, its settings, its routes, how it starts and stops, what it depends on.
 * Exit codes: 0 drained; 64 usage; 69 a port is taken or a dependency it cannot start without is away; 78 bad settings.
 */
#ifndef CINESYNC_SERVICE_SERVICE_H
#define CINESYNC_SERVICE_SERVICE_H

#include "base/config.h"
#include "http/client.h"
#include "http/server.h"

struct service_run;

struct service_check {
	const char *name; /* "database", "movie-service" */
	bool required;    /* not ready without it; otherwise only degraded */
	/* Yields, within 1 s. 0, or an error with a reason in words. */
	int (*check)(void *state, struct buf *ret_reason);
	/* Whether there is such a dependency, as the process is set up; NULL: there is. Does not yield. */
	bool (*applies)(void *state);
};

struct service_command {
	const char *name; /* "migrate" */
	const char *usage;
	/* On a fiber. The exit code. argv[0] is the command's name. */
	int (*run)(const void *config, int argc, char **argv);
};

struct service {
	const char *name;    /* "movie": log field, metrics label, span resource */
	const char *title;   /* "CineSync movie service" */
	const char *summary; /* one line for --help */
	const char *listen;  /* default of LISTEN, "127.0.0.1:8081" */
	const struct config_table *config;
	size_t config_size;                     /* of the values struct */
	const struct route *const *routes;      /* NULL-terminated tables */
	const struct service_command *commands; /* ended by name NULL; may be NULL */
	const struct service_check *checks;     /* likewise */
	/* The AsyncAPI document of the events it sends; NULL: it sends none. */
	void (*events_document)(struct buf *out);
	/* On a fiber, before the port answers. *ret_state is given to stop(), checks, and service_state(). When it
	 * fails it has logged one alert that says why. */
	int (*start)(struct service_run *run, const void *config, void **ret_state);
	/* On a fiber, after the last request was answered. */
	void (*stop)(void *state);
	int (*authenticate)(struct request *req, struct str token, void *arg, struct http_user *ret,
	                    const char **ret_reason);
	/* See http_trust. NULL: there are no settings for a gateway that is believed. */
	int (*confirm)(struct request *req, const struct http_user *named, void *arg, struct http_user *ret,
	               const char **ret_reason);
	/* See http_server_options; may be NULL. */
	void (*forbidden)(struct request *req);
};

/* The whole of main(): parses options (--help, --version, --check-config, --print-settings, --print-openapi,
 * --print-asyncapi, a command), runs the service, gives the exit code. */
int service_main(int argc, char **argv, const struct service *service);

/* For a config_entry's check: a base URL of another service. */
const char *service_check_http_url(const char *value);

/* For start() and handlers. The client is made when it is first asked for: TLS costs a service that calls nobody 3 MB
 * and several milliseconds at start. NULL: out of memory (logged). */
struct http_client *service_client(void);
void *service_state(void);
struct uv_loop_s *service_loop(struct service_run *run);
/* What mode a part is in, printed at start and in /readyz: ("cache", "in-process"). Strings are copied. */
void service_mode_set(struct service_run *run, const char *part, const char *mode);

#endif
