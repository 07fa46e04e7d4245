/* The URL of a PostgreSQL database, in all of libpq's forms, with our defaults for what it does not say. The store owns
 * its target; after it is made nothing in it changes, so pool threads may read it.
 * Limit: SESSION_SIZE for the settings of the session. */
#include "store/postgres_target.h"

#include "base/fault.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

enum { SESSION_SIZE = 1024, APPLICATION_SIZE = 64 };

struct postgres_target {
	char *url;
	char application[APPLICATION_SIZE];
	char session[SESSION_SIZE]; /* "-c name=value …" for the server */
};

static void conninfo_free(PQconninfoOption **o)
{
	PQconninfoFree(*o);
}

/* "" when the URL does not say. */
static const char *value_of(const PQconninfoOption *options, const char *keyword)
{
	for (const PQconninfoOption *o = options; o->keyword; o++)
		if (strcmp(o->keyword, keyword) == 0)
			return o->val ? o->val : "";
	return "";
}

static const char expected[] = "a URL that libpq can read: postgres://USER:PASSWORD@HOST:PORT/DATABASE with special "
                               "characters of the password percent-encoded, or host=HOST dbname=DATABASE";

static int refuse(struct store_words *words)
{
	store_words_set(words, "the database URL is not %s", expected);
	return -EINVAL;
}

/* What libpq would complain of by repeating it, and what is the rest of a password with an "@" or ":" in it. */
static bool is_plain(const PQconninfoOption *options)
{
	const char *host = value_of(options, "host");
	const char *port = value_of(options, "port");

	return port[strspn(port, "0123456789,")] == '\0' && (*host == '/' || *host == '@' || !strchr(host, '@'));
}

/* Ours first: what the URL's own options say comes later and wins. */
static bool session_make(struct postgres_target *t, const struct store_options *options, const char *own)
{
	int n = snprintf(t->session, sizeof(t->session),
	                 "-c statement_timeout=%lld -c idle_in_transaction_session_timeout=%lld%s%s",
	                 (long long)options->statement_timeout_ms, (long long)options->statement_timeout_ms * 2 + 10000,
	                 *own ? " " : "", own);

	return n > 0 && (size_t)n < sizeof(t->session);
}

const char *postgres_target_check(const char *url)
{
	PQconninfoOption *parsed CLEANUP(conninfo_free) = PQconninfoParse(url, NULL);

	return parsed && is_plain(parsed) ? NULL : expected;
}

int postgres_target_new(const struct store_options *options, struct store_words *words, struct postgres_target **ret)
{
	struct postgres_target *t CLEANUP(postgres_target_free) = NULL;
	PQconninfoOption *parsed CLEANUP(conninfo_free) = PQconninfoParse(options->url, NULL);
	const char *application = options->application ? options->application : "cinesync";

	if (!parsed || !is_plain(parsed))
		return refuse(words);
	t = fault_hit("alloc") ? NULL : calloc(1, sizeof(*t));
	if (t)
		t->url = strdup(options->url);
	if (!t || !t->url) {
		store_words_set(words, "out of memory");
		return -ENOMEM;
	}
	(void)snprintf(t->application, sizeof(t->application), "%s", application);
	if (!session_make(t, options, value_of(parsed, "options")))
		return refuse(words);
	*ret = STEAL(t);
	return 0;
}

void postgres_target_free(struct postgres_target **t)
{
	struct postgres_target *target = STEAL(*t);

	if (!target)
		return;
	if (target->url)
		explicit_bzero(target->url, strlen(target->url));
	free(target->url);
	free(target);
}

/* Of what stands before dbname the URL may say otherwise; what stands behind it wins over the URL. */
PGconn *postgres_target_connect(const struct postgres_target *t)
{
	const char *const settings[][2] = {
		{ "fallback_application_name", t->application },
		{ "connect_timeout", "5" },
		{ "keepalives_idle", "30" },
		{ "keepalives_interval", "10" },
		{ "keepalives_count", "3" },
		{ "tcp_user_timeout", "15000" },
		{ "dbname", t->url },
		{ "client_encoding", "UTF8" },
		{ "options", t->session },
	};
	const char *keys[ARRAY_SIZE(settings) + 1] = { NULL };
	const char *values[ARRAY_SIZE(settings) + 1] = { NULL };

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		keys[i] = settings[i][0];
		values[i] = settings[i][1];
	}
	return PQconnectdbParams(keys, values, 1);
}
