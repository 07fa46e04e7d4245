/* The command line every service shares, and its settings. */
#include "service/service.h"

#include "http/openapi.h"
#include "service/probe.h"
#include "service/run.h"
#include "service/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	EXIT_USAGE_ = 64, /* EX_USAGE of <sysexits.h> */
	EXIT_CONFIG = 78, /* EX_CONFIG */
	PROBE_WAIT_MAX_MS = 600000,
	DOCUMENT_SIZE_MAX = 16 << 20,
};

/* Everything read from the environment. */
struct loaded {
	const struct service *service;
	struct service_settings settings;
	void *config;
};

static void loaded_done(struct loaded *l)
{
	config_done(service_settings_table(l->service->listen), &l->settings);
	config_done(telemetry_settings_table(), &l->settings.telemetry);
	config_done(trust_settings_table(), &l->settings.trust);
	if (l->config && l->service->config)
		config_done(l->service->config, l->config);
	free(l->config);
}

static void report(const struct service *s, const struct buf *faults)
{
	const char *line = faults->data ? faults->data : "";

	while (*line) {
		size_t n = strcspn(line, "\n");

		fprintf(stderr, "cinesync-%s: %.*s\n", s->name, (int)n, line);
		line += n + (line[n] == '\n');
	}
}

static int trust_load(const struct service *s, struct trust_settings *ret, struct buf *faults)
{
	int r = s->confirm ? config_load(trust_settings_table(), ret, faults) : 0;

	return r < 0 ? r : trust_settings_check(ret, faults);
}

static int load(struct loaded *l)
{
	const struct service *s = l->service;
	struct buf faults CLEANUP(buf_done);
	int r, r2, r3 = 0, r4;

	buf_init(&faults, 65536);
	l->config = calloc(1, MAX(s->config_size, (size_t)1));
	if (!l->config)
		return -ENOMEM;
	r = config_load(service_settings_table(s->listen), &l->settings, &faults);
	r2 = config_load(telemetry_settings_table(), &l->settings.telemetry, &faults);
	if (s->config)
		r3 = config_load(s->config, l->config, &faults);
	r4 = trust_load(s, &l->settings.trust, &faults);
	report(s, &faults);
	return r < 0 ? r : r2 < 0 ? r2 : r3 < 0 ? r3 : r4;
}

static void help_print(const struct service *s)
{
	printf("%s: %s\n\nusage: cinesync-%s [OPTION | COMMAND]\n\n", s->title, s->summary, s->name);
	printf("  (none)               serve until SIGTERM\n"
	       "  --check-config       read the settings, say what is wrong with them, exit 0 or 78\n"
	       "  --health [URL...] [--wait MS] [--while PID...]\n"
	       "                       ask the running service (or each URL) whether it is ready, as long as\n"
	       "                       those processes live; exit 0 or 1\n"
	       "  --print-openapi      the OpenAPI 3.1 document of its routes\n"
	       "  --print-asyncapi     the AsyncAPI 3 document of the events it sends, if it sends any\n"
	       "  --print-settings     the settings below as Markdown tables\n"
	       "  --version            the version\n"
	       "  --help               this\n");
	for (const struct service_command *c = s->commands; c && c->name; c++)
		printf("  %-20s %s\n", c->name, c->usage);
	printf("\nSettings are environment variables; a secret NAME may come as NAME_FILE=path.\n\n");
	config_print_help(service_settings_table(s->listen), stdout);
	config_print_help(telemetry_settings_table(), stdout);
	if (s->confirm)
		config_print_help(trust_settings_table(), stdout);
	if (s->config)
		config_print_help(s->config, stdout);
}

static int settings_print(const struct service *s)
{
	config_print_markdown(service_settings_table(s->listen), stdout);
	config_print_markdown(telemetry_settings_table(), stdout);
	if (s->confirm)
		config_print_markdown(trust_settings_table(), stdout);
	if (s->config)
		config_print_markdown(s->config, stdout);
	return 0;
}

static int document_print(const struct buf *document)
{
	if (buf_error(document) < 0)
		return EXIT_FAILURE;
	return printf("%s\n", document->data) > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int openapi_print(const struct service *s)
{
	struct buf document CLEANUP(buf_done);

	buf_init(&document, DOCUMENT_SIZE_MAX);
	openapi_write(s->title, CINESYNC_VERSION, s->routes, &document);
	return document_print(&document);
}

static int asyncapi_print(const struct service *s)
{
	struct buf document CLEANUP(buf_done);

	buf_init(&document, DOCUMENT_SIZE_MAX);
	if (!s->events_document) {
		fprintf(stderr, "cinesync-%s: it sends no events\n", s->name);
		return EXIT_USAGE_;
	}
	s->events_document(&document);
	return document_print(&document);
}

static int usage(const struct service *s, const char *what)
{
	fprintf(stderr, "cinesync-%s: unknown argument '%s'; see --help\n", s->name, what);
	return EXIT_USAGE_;
}

/* Takes the option's value, or a URL. False: it is neither. */
static bool health_argument(struct probe *p, const char *name, const char *value)
{
	int64_t pid;

	if (strcmp(name, "--wait") == 0 && value)
		return str_to_int64(str_from(value), 0, PROBE_WAIT_MAX_MS, &p->wait_ms) >= 0;
	if (strcmp(name, "--while") == 0 && value && p->n_whiles < PROBE_ITEMS_MAX) {
		if (str_to_int64(str_from(value), 1, INT32_MAX, &pid) < 0)
			return false;
		p->whiles[p->n_whiles++] = (pid_t)pid;
		return true;
	}
	if (name[0] == '-' || p->n_urls == PROBE_ITEMS_MAX)
		return false;
	p->urls[p->n_urls++] = name;
	return true;
}

/* --health [URL...] [--wait MS] [--while PID...] */
static int health_main(const struct service *s, int argc, char **argv)
{
	const char *listen = getenv("LISTEN");
	struct probe p = { .n_urls = 0 };
	char own[192];

	for (int i = 0; i < argc; i++) {
		if (!health_argument(&p, argv[i], i + 1 < argc ? argv[i + 1] : NULL))
			return usage(s, argv[i]);
		if (argv[i][0] == '-')
			i++;
	}
	if (p.n_urls == 0) {
		if (probe_url(listen && *listen ? listen : s->listen, own, sizeof(own)) < 0)
			return usage(s, listen ? listen : s->listen);
		p.urls[p.n_urls++] = own;
	}
	return probe_run(&p);
}

static const struct service_command *command_find(const struct service *s, const char *name)
{
	for (const struct service_command *c = s->commands; c && c->name; c++) {
		if (strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

/* What needs the settings: serving, checking them, a subcommand. */
static int loaded_main(const struct service *s, int argc, char **argv)
{
	struct loaded l CLEANUP(loaded_done) = { .service = s };
	const struct service_command *command = argc > 1 ? command_find(s, argv[1]) : NULL;
	bool check = argc == 2 && strcmp(argv[1], "--check-config") == 0;

	if (argc > 1 && !command && !check)
		return usage(s, argv[1]);
	if (load(&l) < 0)
		return EXIT_CONFIG;
	if (check)
		return EXIT_SUCCESS;
	if (command)
		return service_run_command(s, command, &l.settings, l.config, argc - 1, argv + 1);
	return service_run(s, &l.settings, l.config);
}

int service_main(int argc, char **argv, const struct service *s)
{
	const char *option = argc > 1 ? argv[1] : "";

	if (strcmp(option, "--health") == 0)
		return health_main(s, argc - 2, argv + 2);
	if (argc != 2)
		return loaded_main(s, argc, argv);
	if (strcmp(option, "--help") == 0)
		return help_print(s), 0;
	if (strcmp(option, "--version") == 0)
		return printf("cinesync-%s " CINESYNC_VERSION "\n", s->name) > 0 ? 0 : 1;
	if (strcmp(option, "--print-settings") == 0)
		return settings_print(s);
	if (strcmp(option, "--print-openapi") == 0)
		return openapi_print(s);
	if (strcmp(option, "--print-asyncapi") == 0)
		return asyncapi_print(s);
	return loaded_main(s, argc, argv);
}
