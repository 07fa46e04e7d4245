/* cinesync-keys: keeps the gateway's file of public keys where the user service cannot write it, on another host or in
 * another container. One round after the other, until SIGTERM. It knows no secret and needs no rights but to write the
 * one file. */
#include "base/clock.h"
#include "base/config.h"
#include "base/file.h"
#include "base/log.h"
#include "gateway/keys_fetch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

enum { FIRST_MS = 500 }; /* between the rounds, until there are keys */

struct keys_config {
	char *file;
	char *url;
	char *ca_file;
	int64_t interval_ms;
	int64_t timeout_ms;
	int64_t old_s;
	int log_level;
};

static const char *const log_levels[] = { "debug", "info", "warning", "error", "alert", NULL };

/* No name and password in it: it is logged. */
static const char *url_check(const char *value)
{
	bool is_url = strncmp(value, "http://", 7) == 0 || strncmp(value, "https://", 8) == 0;

	return is_url && !strpbrk(value, "@ \t\r\n") ? NULL : "an http:// or https:// URL without a name in it";
}

static const char *file_check(const char *value)
{
	return value[0] == '/' && value[strlen(value) - 1] != '/' ? NULL : "a path that begins with /";
}

#define SETTING(type_, name_, field_, min_, max_, def_, doc_, ...)                                            \
	{                                                                                                     \
		.name = (name_), .type = (type_), .min = (min_), .max = (max_), .def = (def_), .doc = (doc_), \
		.offset = offsetof(struct keys_config, field_), __VA_ARGS__                                   \
	}

static const struct config_entry entries[] = {
	SETTING(CONFIG_STRING, "GATEWAY_JWKS_FILE", file, 2, 1024, NULL,
	        "The file of public keys that it keeps, and the gateway reads; its folder is made when missing.",
	        .check = file_check),
	SETTING(CONFIG_STRING, "KEYS_URL", url, 8, 1024, "http://127.0.0.1:8082/api/v1/auth/.well-known/jwks.json",
	        "Where the user service has the keys.", .check = url_check),
	SETTING(CONFIG_STRING, "KEYS_CA_FILE", ca_file, 1, 1024, NULL,
	        "https: certificates (PEM) that the server's is checked by; unset: the system's."),
	SETTING(CONFIG_INT, "KEYS_INTERVAL_MS", interval_ms, 100, 3600000, "5000",
	        "How often it asks; much less than SIGNING_KEY_OVERLAP_S of the user service.", .unit = "ms"),
	SETTING(CONFIG_INT, "KEYS_TIMEOUT_MS", timeout_ms, 10, 60000, "2000", "Time one answer may take.",
	        .unit = "ms"),
	SETTING(CONFIG_INT, "KEYS_OLD_S", old_s, 1, 604800, "300",
	        "After so long without an answer it says, again and again, that the keys are old; they stay in use.",
	        .unit = "s"),
	SETTING(CONFIG_ENUM, "LOG_LEVEL", log_level, 0, 0, "info", "The least that is logged.", .values = log_levels),
};

static const struct config_table table = {
	.title = "Settings of cinesync-keys",
	.entries = entries,
	.n_entries = ARRAY_SIZE(entries),
};

static const char help[] =
        "cinesync-keys: keeps the gateway's file of public keys, fetched from the user service\n"
        "\n"
        "usage: cinesync-keys [OPTION]\n"
        "\n"
        "  (none)               fetch again and again, until SIGTERM\n"
        "  --once               fetch once; exit 0, or 1 when that fails and the file stays as it was\n"
        "  --check-config       read the settings, say what is wrong with them, exit 0 or 78\n"
        "  --print-settings     the settings below as a Markdown table\n"
        "  --version            the version\n"
        "  --help               this\n"
        "\n"
        "Settings are environment variables.\n\n";

/* What was said last, so that nothing is said twice. */
struct news {
	char *reason; /* NULL: all is well */
	int64_t good_ms;
	int64_t old_said_ms;
};

static void fault_say(struct news *n, const struct keys_config *c, const char *reason)
{
	if (n->reason && strcmp(n->reason, reason) == 0)
		return;
	log_warning("keys not fetched; those at hand stay", LOG_STR("url", c->url), LOG_STR("reason", reason));
	free(n->reason);
	n->reason = strdup(reason);
}

static void age_say(struct news *n, const struct keys_config *c)
{
	int64_t now_ms = clock_mono_ms();

	if (now_ms - MAX(n->good_ms, n->old_said_ms) < c->old_s * 1000)
		return;
	n->old_said_ms = now_ms;
	log_error("the keys are old", LOG_STR("file", c->file), LOG_INT("seconds", (now_ms - n->good_ms) / 1000),
	          LOG_STR("reason", n->reason ? n->reason : "ENOMEM"));
}

static void good_say(struct news *n, const struct keys_config *c, bool is_new)
{
	if (is_new)
		log_info("keys fetched", LOG_STR("url", c->url), LOG_STR("file", c->file));
	else if (n->reason)
		log_info("keys can be fetched again", LOG_STR("url", c->url));
	free(n->reason);
	n->reason = NULL;
	n->good_ms = clock_mono_ms();
}

static int round_go(struct keys_fetch *f, struct news *n, const struct keys_config *c)
{
	const char *reason;
	int r = keys_fetch_round(f, &reason);

	if (r == -ECANCELED)
		return r;
	if (r >= 0) {
		good_say(n, c, r == 1);
		return r;
	}
	fault_say(n, c, reason);
	age_say(n, c);
	return r;
}

/* True: it is to stop. */
static bool wait_for(int stop_fd, int64_t ms)
{
	struct pollfd stop = { .fd = stop_fd, .events = POLLIN };
	int n;

	do {
		n = poll(&stop, 1, (int)ms);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

static int serve(struct keys_fetch *f, const struct keys_config *c, int stop_fd)
{
	struct news news = { .good_ms = clock_mono_ms() };
	bool has_keys = false;
	int r;

	do {
		r = round_go(f, &news, c);
		has_keys = has_keys || r >= 0;
	} while (r != -ECANCELED &&
	         !wait_for(stop_fd, has_keys ? c->interval_ms : MIN(c->interval_ms, (int64_t)FIRST_MS)));
	free(news.reason);
	log_info("stopped");
	return EXIT_SUCCESS;
}

static int once(struct keys_fetch *f, const struct keys_config *c)
{
	struct news news = { 0 };
	int r = round_go(f, &news, c);

	free(news.reason);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int folder_make(const char *file)
{
	char folder[1025];
	const char *slash = strrchr(file, '/');

	if (slash == file)
		return 0;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - file), file);
	return file_folder_make(folder);
}

static int stop_open(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	/* What the image of the gateway, which this runs in too, is stopped by. */
	sigaddset(&signals, SIGQUIT);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int run(const struct keys_config *c, bool is_once)
{
	struct keys_fetch *f CLEANUP(keys_fetch_free) = NULL;
	int stop_fd = stop_open();
	int r = folder_make(c->file);

	log_init("keys", (enum log_level)c->log_level, STDOUT_FILENO);
	if (r < 0) {
		log_alert("the folder of the keys cannot be made", LOG_STR("file", c->file), LOG_ERR(r));
		return EX_CANTCREAT;
	}
	if (stop_fd < 0 || keys_fetch_new(&(struct keys_fetch_options){ .url = c->url,
	                                                                .file = c->file,
	                                                                .ca_file = c->ca_file,
	                                                                .timeout_ms = c->timeout_ms,
	                                                                .stop_fd = stop_fd },
	                                  &f) < 0)
		return EX_OSERR;
	r = is_once ? once(f, c) : serve(f, c, stop_fd);
	close(stop_fd);
	return r;
}

static int configured(const char *option)
{
	struct keys_config c;
	struct buf faults CLEANUP(buf_done);
	int r;

	buf_init(&faults, 65536);
	r = config_load(&table, &c, &faults);
	if (r == 0 && !c.file) {
		buf_adds(&faults, "GATEWAY_JWKS_FILE is not set: it names the file to keep\n");
		r = -EINVAL;
	}
	if (r < 0)
		(void)fputs(buf_error(&faults) == 0 ? faults.data : "out of memory\n", stderr);
	else if (strcmp(option, "--check-config") != 0)
		r = run(&c, strcmp(option, "--once") == 0);
	config_done(&table, &c);
	return r < 0 ? EX_CONFIG : r;
}

int main(int argc, char **argv)
{
	const char *option = argc == 2 ? argv[1] : "";

	if (strcmp(option, "--help") == 0) {
		printf("%s", help);
		config_print_help(&table, stdout);
		return EXIT_SUCCESS;
	}
	if (strcmp(option, "--print-settings") == 0) {
		config_print_markdown(&table, stdout);
		return EXIT_SUCCESS;
	}
	if (strcmp(option, "--version") == 0)
		return printf("cinesync-keys " CINESYNC_VERSION "\n") > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	if (argc == 1 || strcmp(option, "--once") == 0 || strcmp(option, "--check-config") == 0)
		return configured(option);
	(void)fprintf(stderr, "cinesync-keys: unknown argument '%s'; see --help\n", argv[1]);
	return EX_USAGE;
}
