/* Tokens checked by a key set that is fetched: an issuer that serves what the test says, a service that checks. */
#include "http/test_support.h"

#include "base/clock.h"
#include "fiber/fiber.h"
#include "http/client.h"
#include "service/bearer.h"
#include "token/token.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ISSUER "https://issuer.example"
#define AUDIENCE "films"

/* ---- the issuer ---- */

static struct {
	struct site *site;
	struct token_key *keys[2];
	char folder[32];
	atomic_int n_published; /* of the keys */
	atomic_int status;
	atomic_int slow_ms;
	atomic_int asked;
	atomic_int session_status;
	atomic_int sessions_asked;
} issuer;

static int jwks(struct request *req)
{
	const struct token_key *keys[] = { issuer.keys[0], issuer.keys[1] };
	struct buf b CLEANUP(buf_done);

	issuer.asked++;
	(void)fiber_sleep_ms(issuer.slow_ms);
	buf_init(&b, TOKEN_JWKS_SIZE_MAX);
	if (issuer.status == 200 && token_jwks_write(keys, (size_t)issuer.n_published, &b) < 0)
		return -ENOMEM;
	return respond_text(req, issuer.status, "application/json", buf_str(&b));
}

struct session_path {
	struct str id;
};
static const struct schema_field session_fields[] = {
	{ .name = "id", .type = SCHEMA_STRING, .flags = SCHEMA_REQUIRED, .offset = offsetof(struct session_path, id) },
};
static const struct schema session_schema = SCHEMA("SessionPath", struct session_path, session_fields, NULL);

static int session(struct request *req)
{
	struct session_path path;
	int r = request_parse(req, &path, NULL, NULL);

	issuer.sessions_asked++;
	if (r < 0)
		return r;
	assert_true(str_equal(path.id, STR("session /1")));
	return respond_empty(req, issuer.session_status);
}

static const struct route issuer_routes[] = {
	{ HTTP_GET, "/jwks", jwks },
	{ HTTP_GET, "/sessions/{id}", session, .path_params = &session_schema },
	{ 0 },
};

static void key_make(const char *name, struct token_key **ret)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", issuer.folder, name);
	assert_int_equal(token_key_load_or_create(path, ret), 0);
	unlink(path);
}

static int issuer_up(void **state)
{
	(void)state;
	snprintf(issuer.folder, sizeof(issuer.folder), "/tmp/cinesync-bearer-XXXXXX");
	if (!mkdtemp(issuer.folder))
		return -1;
	key_make("a", &issuer.keys[0]);
	key_make("b", &issuer.keys[1]);
	issuer.site = site_up(issuer_routes, NULL);
	return 0;
}

static int issuer_down(void **state)
{
	(void)state;
	site_down(&issuer.site);
	token_key_free(&issuer.keys[0]);
	token_key_free(&issuer.keys[1]);
	return rmdir(issuer.folder);
}

static void token_make(const struct token_key *key, const char *iss, const char *aud, int64_t exp_in_s, char ret[2048])
{
	int64_t now_s = clock_real_ms() / 1000;
	const struct token_claims claims = {
		.iss = str_from(iss),
		.aud = str_from(aud),
		.sub = STR("anna"),
		.jti = STR("1"),
		.sid = STR("session /1"),
		.role = STR("user"),
		.client_id = STR("test"),
		.iat = now_s - 1000,
		.exp = now_s + exp_in_s,
	};
	struct buf b CLEANUP(buf_done);

	buf_init(&b, 2047);
	assert_int_equal(token_sign(key, &claims, &b), 0);
	snprintf(ret, 2048, "%s", b.data);
}

/* ---- the service ---- */

static struct {
	struct site *site;
	struct http_client *client;
	struct bearer *bearer;
	char jwks_url[64];
	char sessions_url[64];
	_Atomic int64_t now_ms;
} service;

static int who(struct request *req)
{
	const struct http_user *user = request_user(req);

	return respond_text(req, 200, "text/plain", user->id.data ? user->id : STR("nobody"));
}

static const struct route service_routes[] = { { HTTP_GET, "/who", who, .auth = HTTP_AUTH_IF_GIVEN }, { 0 } };

static int authenticate(struct request *req, struct str token, void *arg, struct http_user *ret,
                        const char **ret_reason)
{
	(void)arg;
	return bearer_authenticate(service.bearer, req, token, ret, ret_reason);
}

static struct http_client *client(void)
{
	return service.client;
}

static int64_t clock_ms(void)
{
	return service.now_ms;
}

static void on_up(struct http_server *s, void *arg)
{
	const struct http_client_options client_options = { 0 };
	struct bearer_options options = { .jwks_url = service.jwks_url,
		                          .sessions_url = service.sessions_url,
		                          .issuer = ISSUER,
		                          .audience = AUDIENCE,
		                          .client = client,
		                          .clock_ms = clock_ms };

	(void)s;
	(void)arg;
	assert_int_equal(http_client_new(fiber_loop(), &client_options, &service.client), 0);
	assert_int_equal(bearer_new(&options, &service.bearer), 0);
}

static void end(void *arg)
{
	(void)arg;
	bearer_free(&service.bearer);
	http_client_free(&service.client);
}

static void on_down(struct http_server *s, void *arg)
{
	(void)s;
	(void)arg;
	assert_int_equal(fiber_start("end", end, NULL, NULL), 0);
}

static int service_up(void **state)
{
	struct http_server_options options = site_options(service_routes);

	(void)state;
	issuer.n_published = 1;
	issuer.status = 200;
	issuer.slow_ms = 0;
	issuer.asked = 0;
	issuer.session_status = 204;
	issuer.sessions_asked = 0;
	service.now_ms = 1000;
	snprintf(service.jwks_url, sizeof(service.jwks_url), "http://127.0.0.1:%d/jwks", site_port(issuer.site));
	snprintf(service.sessions_url, sizeof(service.sessions_url), "http://127.0.0.1:%d/sessions",
	         site_port(issuer.site));
	options.authenticate = authenticate;
	service.site = site_up(service_routes, &options);
	site_do(service.site, on_up, NULL);
	return 0;
}

static int service_down(void **state)
{
	(void)state;
	site_do(service.site, on_down, NULL);
	site_down(&service.site);
	return 0;
}

static void on_stats(struct http_server *s, void *arg)
{
	(void)s;
	bearer_stats_get(service.bearer, arg);
}

static struct bearer_stats stats_now(void)
{
	struct bearer_stats stats;

	site_do(service.site, on_stats, &stats);
	return stats;
}

/* ---- the client ---- */

static char *ask(const char *scheme, const char *token)
{
	char text[4096];

	snprintf(text, sizeof(text), "GET /who HTTP/1.1\r\nHost: t\r\n%s%s%s%s\r\n", scheme ? "Authorization: " : "",
	         scheme ? scheme : "", scheme ? token : "", scheme ? "\r\n" : "");
	return raw_exchange(site_port(service.site), text, strlen(text));
}

/* reason: of a 401; NULL: it is answered with that name. */
static void is_answered(const char *token, int status, const char *words)
{
	char *got = ask("Bearer ", token);
	char wanted[256];

	assert_int_equal(response_status(got), status);
	if (status == 200)
		assert_string_equal(response_body(got), words);
	if (status == 401) {
		snprintf(wanted, sizeof(wanted),
		         "Bearer realm=\"cinesync\", error=\"invalid_token\", error_description=\"%s\"", words);
		assert_string_equal(response_header(got, "WWW-Authenticate"), wanted);
	}
	free(got);
}

static void is_taken(const struct token_key *key, int status, const char *words)
{
	char token[2048];

	token_make(key, ISSUER, AUDIENCE, 600, token);
	is_answered(token, status, words);
}

/* ---- tests ---- */

static void test_without_a_token_nothing_is_fetched_or_refused(void **state)
{
	char *got = ask(NULL, NULL);

	(void)state;
	assert_int_equal(response_status(got), 200);
	assert_string_equal(response_body(got), "nobody");
	free(got);
	got = ask("Basic ", "YTpi");
	assert_int_equal(response_status(got), 200);
	assert_string_equal(response_body(got), "nobody");
	free(got);
	assert_int_equal(stats_now().fetches, 0);
}

static void test_a_token_is_checked(void **state)
{
	char token[2048], *at, *got;

	(void)state;
	is_taken(issuer.keys[0], 200, "anna");
	token_make(issuer.keys[0], ISSUER, AUDIENCE, -60, token);
	is_answered(token, 401, "expired");
	token_make(issuer.keys[0], "https://other.example", AUDIENCE, 600, token);
	is_answered(token, 401, "wrong-issuer");
	token_make(issuer.keys[0], ISSUER, "other", 600, token);
	is_answered(token, 401, "wrong-audience");
	token_make(issuer.keys[0], ISSUER, AUDIENCE, 600, token);
	/* Not the last character, whose lowest bits no byte has. */
	at = &token[strlen(token) - 10];
	*at = *at == 'A' ? 'B' : 'A';
	is_answered(token, 401, "bad-signature");
	is_answered("rubbish", 401, "malformed");
	got = ask("Bearer ", "");
	assert_int_equal(response_status(got), 401);
	free(got);
	assert_int_equal(issuer.asked, 1);
}

static void test_a_key_that_is_not_known_is_looked_for_but_not_often(void **state)
{
	(void)state;
	is_taken(issuer.keys[0], 200, "anna");
	for (int i = 0; i < 20; i++)
		is_taken(issuer.keys[1], 401, "unknown-key");
	assert_int_equal(issuer.asked, 1);
	service.now_ms += BEARER_UNKNOWN_MS;
	is_taken(issuer.keys[1], 401, "unknown-key");
	is_taken(issuer.keys[1], 401, "unknown-key");
	assert_int_equal(issuer.asked, 2);
	/* The issuer begins to use another one. */
	issuer.n_published = 2;
	service.now_ms += BEARER_UNKNOWN_MS;
	is_taken(issuer.keys[1], 200, "anna");
	is_taken(issuer.keys[0], 200, "anna");
	assert_int_equal(issuer.asked, 3);
}

static void test_a_key_withdrawn_is_done_with_in_time(void **state)
{
	(void)state;
	issuer.n_published = 2;
	is_taken(issuer.keys[1], 200, "anna");
	issuer.n_published = 1;
	service.now_ms += BEARER_REFRESH_MS - 1;
	is_taken(issuer.keys[1], 200, "anna");
	assert_int_equal(issuer.asked, 1);
	service.now_ms += 1;
	/* It is fetched beside this one. */
	is_taken(issuer.keys[0], 200, "anna");
	for (int i = 0; i < 5000 && stats_now().is_fetching; i++)
		usleep(1000);
	assert_int_equal(issuer.asked, 2);
	service.now_ms += BEARER_UNKNOWN_MS;
	is_taken(issuer.keys[1], 401, "unknown-key");
}

static void test_keys_at_hand_outlive_their_source(void **state)
{
	(void)state;
	is_taken(issuer.keys[0], 200, "anna");
	issuer.status = 503;
	for (int i = 0; i < 5; i++) {
		service.now_ms += BEARER_REFRESH_MS;
		is_taken(issuer.keys[0], 200, "anna");
	}
	is_taken(issuer.keys[1], 401, "unknown-key");
	assert_true(stats_now().failures > 0);
	assert_true(stats_now().has_keys);
}

static void test_without_any_keys_it_says_so_and_does_not_insist(void **state)
{
	(void)state;
	issuer.status = 503;
	for (int i = 0; i < 10; i++)
		is_taken(issuer.keys[0], 503, NULL);
	assert_int_equal(issuer.asked, 1);
	issuer.status = 200;
	service.now_ms += BEARER_RETRY_MS;
	is_taken(issuer.keys[0], 200, "anna");
	assert_int_equal(issuer.asked, 2);
}

static void test_an_answer_that_is_no_key_set_is_none(void **state)
{
	(void)state;
	issuer.n_published = 0; /* an empty one */
	is_taken(issuer.keys[0], 503, NULL);
	issuer.n_published = 1;
	service.now_ms += BEARER_RETRY_MS;
	is_taken(issuer.keys[0], 200, "anna");
	issuer.n_published = 0;
	service.now_ms += BEARER_REFRESH_MS;
	is_taken(issuer.keys[0], 200, "anna");
	for (int i = 0; i < 5000 && stats_now().is_fetching; i++)
		usleep(1000);
	assert_int_equal(issuer.asked, 3);
	is_taken(issuer.keys[0], 200, "anna");
}

static void *ask_in_thread(void *arg)
{
	(void)arg;
	is_taken(issuer.keys[0], 200, "anna");
	return NULL;
}

static void test_many_at_once_are_one_fetch(void **state)
{
	pthread_t threads[10];

	(void)state;
	issuer.slow_ms = 200;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_in_thread, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(issuer.asked, 1);
}

static void test_a_session_that_has_ended_is_refused(void **state)
{
	(void)state;
	issuer.session_status = 410;
	is_taken(issuer.keys[0], 401, "session-ended");
	issuer.session_status = 500;
	is_taken(issuer.keys[0], 401, "session-ended");
	assert_int_equal(issuer.sessions_asked, 1);
}

static void test_a_session_that_goes_on_is_not_asked_about_each_time(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		is_taken(issuer.keys[0], 200, "anna");
	assert_int_equal(issuer.sessions_asked, 1);
}

static void test_an_issuer_that_does_not_know_ends_no_session(void **state)
{
	static const int statuses[] = { 404, 422, 500, 503, 302 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		issuer.session_status = statuses[i];
		is_taken(issuer.keys[0], 200, "anna");
		/* Left alone for a while. */
		is_taken(issuer.keys[0], 200, "anna");
		assert_int_equal(issuer.sessions_asked, i + 1);
		service.now_ms += BEARER_RETRY_MS;
	}
	issuer.session_status = 410;
	is_taken(issuer.keys[0], 401, "session-ended");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, service_up, service_down)
	const struct CMUnitTest tests[] = {
		TEST(test_without_a_token_nothing_is_fetched_or_refused),
		TEST(test_a_token_is_checked),
		TEST(test_a_key_that_is_not_known_is_looked_for_but_not_often),
		TEST(test_a_key_withdrawn_is_done_with_in_time),
		TEST(test_keys_at_hand_outlive_their_source),
		TEST(test_without_any_keys_it_says_so_and_does_not_insist),
		TEST(test_an_answer_that_is_no_key_set_is_none),
		TEST(test_many_at_once_are_one_fetch),
		TEST(test_a_session_that_has_ended_is_refused),
		TEST(test_a_session_that_goes_on_is_not_asked_about_each_time),
		TEST(test_an_issuer_that_does_not_know_ends_no_session),
	};

	log_init("test", LOG_ALERT, 1);
	return cmocka_run_group_tests(tests, issuer_up, issuer_down);
}
