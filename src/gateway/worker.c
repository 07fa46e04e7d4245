/* What each worker has for itself: the keys it verifies with and the tokens it has verified, and the thread that sends
 * its spans. The key file is looked at every WORKER_POLL_MS, and at once when a token names a key that is not known,
 * though not more often than every WORKER_LOOK_MS: anybody can make up names of keys. A file that is gone, or no key
 * set, changes nothing: the keys at hand are used on. */
#include "gateway/module.h"

#include "base/clock.h"
#include "base/log.h"
#include "gateway/key_texts.h"
#include "telemetry/exporter.h"
#include "token/token.h"

enum {
	TOKENS_MAX = 10000, /* verified ones that are remembered */
	ARENA_SIZE = 65536, /* the claims of one */
	FLUSH_MS = 2000,    /* for the spans that wait when it ends */
};

static struct {
	const struct gateway_settings *settings;
	struct token_verifier *verifier; /* of the file's keys */
	struct key_texts *texts;         /* of the variable's */
	struct arena *arena;
	struct exporter *exporter;
	ngx_event_t timer;
	ngx_connection_t timer_owner; /* nginx names it when it logs a timer: it has to be one of these */
	int64_t looked_ms;
	int last_error; /* said once */
} worker;

struct arena *worker_arena(void)
{
	return worker.arena;
}

/* ---- keys ---- */

static struct token_policy policy_of(const struct gateway_settings *s)
{
	return (struct token_policy){
		.issuer = (const char *)s->issuer.data,
		.audience = (const char *)s->audience.data,
		.leeway_s = s->leeway_s,
		.cache_max = TOKENS_MAX,
	};
}

static int keys_take(struct token_keyset **set)
{
	const struct token_policy policy = policy_of(worker.settings);

	if (!worker.verifier)
		return token_verifier_new(set, &policy, &worker.verifier);
	token_verifier_set_keys(worker.verifier, set);
	return 0;
}

static void outcome_say(int r)
{
	if (MIN(r, 0) == worker.last_error || (r == -ENOENT && !worker.verifier && worker.last_error == 0))
		return; /* said already; or not there yet, which metrics say of each token */
	/* The macro has an if of its own. */
	if (r < 0) {
		ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0, "cinesync: the key file \"%V\" cannot be read (%s); %s",
		              &worker.settings->jwks, error_name(r),
		              worker.verifier ? "the keys at hand are used on" : "tokens are left to the services");
	} else {
		ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0, "cinesync: the key file \"%V\" can be read again",
		              &worker.settings->jwks);
	}
	worker.last_error = MIN(r, 0);
}

static bool look(void)
{
	struct token_keyset *set CLEANUP(token_keyset_free) = NULL;
	int r = keys_look(worker.settings->keys, &set);
	bool is_new = r == 1;

	worker.looked_ms = clock_mono_ms();
	if (is_new)
		r = keys_take(&set);
	outcome_say(r);
	return is_new && r == 0;
}

bool worker_keys_look(void)
{
	if (!worker.settings->keys || clock_mono_ms() - worker.looked_ms < WORKER_LOOK_MS)
		return false;
	return look();
}

/* Of what the variable holds for this request. */
static struct token_verifier *verifier_by_text(ngx_http_request_t *req)
{
	const ngx_http_variable_value_t *value =
	        ngx_http_get_indexed_variable(req, (ngx_uint_t)worker.settings->jwks_variable);
	struct token_verifier *found = NULL;
	bool is_new;
	int r;

	if (!value || value->not_found || value->len == 0)
		return NULL;
	r = key_texts_get(worker.texts, (struct str){ (const char *)value->data, value->len }, &found, &is_new);
	if (r == 0)
		return found;
	/* The macro has an if of its own. */
	if (is_new || r != -EINVAL) {
		ngx_log_error(NGX_LOG_WARN, req->connection->log, 0,
		              "cinesync: what \"%V\" holds is no key set (%s); tokens are left to the services",
		              &worker.settings->jwks, error_name(r));
	}
	return NULL;
}

/* nginx may be there before the file is: as long as there are no keys, each token looks for them. */
struct token_verifier *worker_verifier(ngx_http_request_t *req)
{
	if (worker.texts)
		return verifier_by_text(req);
	if (!worker.verifier && worker.settings->keys)
		(void)worker_keys_look();
	return worker.verifier;
}

static void timer_fired(ngx_event_t *timer)
{
	(void)look();
	ngx_add_timer(timer, WORKER_POLL_MS);
}

static ngx_int_t keys_begin(ngx_cycle_t *cycle)
{
	const struct token_policy policy = policy_of(worker.settings);

	if (!worker.settings->is_asked_auth)
		return NGX_OK;
	if (arena_new(ARENA_SIZE, &worker.arena) < 0)
		return NGX_ERROR;
	if (!worker.settings->keys)
		return key_texts_new(&policy, &worker.texts) < 0 ? NGX_ERROR : NGX_OK;
	(void)look();
	worker.timer.handler = timer_fired;
	worker.timer.log = cycle->log;
	worker.timer_owner.fd = (ngx_socket_t)-1;
	worker.timer.data = &worker.timer_owner;
	/* It holds up no worker that is to end. */
	worker.timer.cancelable = 1;
	ngx_add_timer(&worker.timer, WORKER_POLL_MS);
	return NGX_OK;
}

/* ---- its life ---- */

ngx_int_t worker_begin(ngx_cycle_t *cycle)
{
	int r;

	worker.settings = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_cinesync_module);
	/* The helpers that look after caches serve nobody. */
	if (!worker.settings || (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE))
		return NGX_OK;
	log_init("gateway", LOG_INFO, STDERR_FILENO);
	if (keys_begin(cycle) != NGX_OK)
		return NGX_ERROR;
	if (!worker.settings->has_telemetry)
		return NGX_OK;
	r = telemetry_start(&worker.settings->telemetry, "gateway", &worker.exporter);
	if (r < 0)
		ngx_log_error(NGX_LOG_ALERT, cycle->log, 0, "cinesync: spans cannot be exported (%s)", error_name(r));
	return NGX_OK;
}

/* Blocks while the last spans are sent. */
void worker_end(ngx_cycle_t *cycle)
{
	(void)cycle;
	exporter_stop(&worker.exporter, clock_deadline_in(FLUSH_MS));
	token_verifier_free(&worker.verifier);
	key_texts_free(&worker.texts);
	arena_free(&worker.arena);
}
