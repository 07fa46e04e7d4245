/* A listener whose peers are believed about who asks: what their headers mean, and what they mean anywhere else. */
#include "http/test_support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

static int who(struct request *req)
{
	const struct http_user *user = request_user(req);
	struct arena *a = request_arena(req);

	if (!user->id.data)
		return respond_text(req, 200, "text/plain", STR("nobody"));
	return respond_text(req, 200, "text/plain",
	                    arena_printf(a, "%.*s/%.*s/%.*s", (int)user->id.len, user->id.data, (int)user->role.len,
	                                 user->role.data, (int)user->session_id.len,
	                                 user->session_id.data ? user->session_id.data : ""));
}

static int where(struct request *req)
{
	return respond_text(req, 200, "text/plain", request_client_address(req));
}

static const struct route routes[] = {
	{ HTTP_GET, "/none", who },
	{ HTTP_GET, "/user", who, .auth = HTTP_AUTH_USER },
	{ HTTP_GET, "/admin", who, .auth = HTTP_AUTH_ADMIN },
	{ HTTP_GET, "/optional", who, .auth = HTTP_AUTH_OPTIONAL },
	{ HTTP_GET, "/if-given", who, .auth = HTTP_AUTH_IF_GIVEN },
	{ HTTP_GET, "/where", where },
	{ 0 },
};

static int authenticate(struct request *req, struct str token, void *arg, struct http_user *ret,
                        const char **ret_reason)
{
	(void)req;
	(void)arg;
	*ret_reason = "bad-signature";
	if (!str_equal(token, STR("good")))
		return -EACCES;
	*ret = (struct http_user){ .id = STR("token"), .role = STR("user") };
	return 0;
}

/* The session decides what the role is. */
static int confirm(struct request *req, const struct http_user *named, void *arg, struct http_user *ret,
                   const char **ret_reason)
{
	(void)req;
	(void)arg;
	*ret_reason = "session-ended";
	if (str_equal(named->session_id, STR("ended")))
		return -EACCES;
	*ret = *named;
	if (str_equal(named->session_id, STR("demoted")))
		ret->role = STR("user");
	return 0;
}

static bool is_sound(const struct http_user *named)
{
	return named->id.len > 0 && named->session_id.len > 0 &&
	       (str_equal(named->role, STR("user")) || str_equal(named->role, STR("admin")));
}

static char folder[80];
static char address[110];
static uid_t uids[1];
static struct http_trust trust = {
	.group = (gid_t)-1, .uids = uids, .n_uids = 1, .is_sound = is_sound, .confirm = confirm
};
static struct site *trusting; /* on a unix socket */
static struct site *wary;     /* by TCP, without trust */

static int up(void **state)
{
	struct http_server_options options = site_options(routes);
	const char *base = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%.40s/trust-XXXXXX", base && strlen(base) <= 40 ? base : "/tmp");
	assert_non_null(mkdtemp(folder));
	snprintf(address, sizeof(address), HTTP_UNIX_PREFIX "%s/x.sock", folder);
	uids[0] = geteuid();
	options.authenticate = authenticate;
	wary = site_up(routes, &options);
	options.address = address;
	options.trust = &trust;
	trusting = site_up(routes, &options);
	return 0;
}

static int down(void **state)
{
	(void)state;
	site_down(&trusting);
	site_down(&wary);
	/* The socket's file and its lock are gone. */
	return rmdir(folder);
}

static int connect_unix(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = 5 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", address + strlen(HTTP_UNIX_PREFIX));
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void check_on(int fd, const char *path, const char *headers, int status, const char *text)
{
	char request[1024];
	char *got;

	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: t\r\n%s\r\n", path, headers);
	raw_sends(fd, request);
	got = raw_response(fd);
	if (response_status(got) != status || (text && !strstr(got, text)))
		fail_msg("%s with %s gave %s", path, headers, got);
	free(got);
	close(fd);
}

static void check(const char *path, const char *headers, int status, const char *text)
{
	check_on(connect_unix(), path, headers, status, text);
}

#define ID "X-User-Id: anna\r\n"
#define ROLE "X-User-Role: user\r\n"
#define SESSION "X-Session-Id: s1\r\n"

static void test_the_peers_word_stands_for_a_token(void **state)
{
	(void)state;
	check("/user", ID ROLE SESSION, 200, "anna/user/s1");
	check("/optional", ID ROLE SESSION, 200, "anna/user/s1");
	check("/if-given", "x-SESSION-id: s1\r\n" ROLE "x-user-ID:   anna  \r\n", 200, "anna/user/s1");
	check("/none", ID ROLE SESSION, 200, "nobody");
	check("/admin", ID ROLE SESSION, 403, NULL);
	check("/admin", ID SESSION "X-User-Role: admin\r\n", 200, "anna/admin/s1");
}

static void test_what_is_behind_the_token_is_still_asked(void **state)
{
	(void)state;
	check("/user", ID ROLE "X-Session-Id: ended\r\n", 401, "session-ended");
	check("/if-given", ID ROLE "X-Session-Id: ended\r\n", 401, "session-ended");
	check("/admin", ID "X-User-Role: admin\r\nX-Session-Id: demoted\r\n", 403, NULL);
}

static void test_without_headers_tokens_are_verified_as_ever(void **state)
{
	(void)state;
	check("/user", "", 401, NULL);
	check("/optional", "", 200, "nobody");
	check("/user", "Authorization: Bearer good\r\n", 200, "token/user/");
	check("/user", "Authorization: Bearer bad\r\n", 401, "bad-signature");
	check("/if-given", "Authorization: Bearer bad\r\n", 401, "bad-signature");
}

static void test_half_a_word_is_none(void **state)
{
	static const char *const wrong[] = {
		ID,
		ROLE,
		SESSION,
		ID ROLE,
		ID SESSION,
		ROLE SESSION,
		ID ROLE SESSION ID,
		ID ROLE SESSION "x-user-role: user\r\n",
		ID ROLE SESSION "X-SESSION-ID: s1\r\n",
		ID ID SESSION,
		"X-User-Id:\r\n" ROLE SESSION,
		ID "X-User-Role:\r\n" SESSION,
		ID ROLE "X-Session-Id: \r\n",
		ID SESSION "X-User-Role: root\r\n",
		ID SESSION "X-User-Role: Admin\r\n",
		ID SESSION "X-User-Role: user,admin\r\n",
		ID ROLE SESSION "Authorization: Bearer good\r\n",
		ID ROLE SESSION "Authorization: Bearer bad\r\n",
		ID ROLE SESSION "Authorization:\r\n",
		ID "Authorization: Bearer good\r\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		check("/user", wrong[i], 400, "malformed-request");
		check("/none", wrong[i], 400, "malformed-request");
		/* Elsewhere they mean nothing. */
		check_on(raw_connect(site_port(wary)), "/none", wrong[i], 200, "nobody");
	}
}

static void test_elsewhere_they_mean_nothing(void **state)
{
	(void)state;
	check_on(raw_connect(site_port(wary)), "/user", ID ROLE SESSION, 401, NULL);
	check_on(raw_connect(site_port(wary)), "/optional", ID ROLE SESSION, 200, "nobody");
	check_on(raw_connect(site_port(wary)), "/if-given", ID ROLE SESSION, 200, "nobody");
	check_on(raw_connect(site_port(wary)), "/user", ID ROLE SESSION "Authorization: Bearer good\r\n", 200,
	         "token/user/");
	check_on(raw_connect(site_port(wary)), "/user", ID ROLE SESSION "Authorization: Bearer bad\r\n", 401, NULL);
}

static void uid_set(struct http_server *s, void *arg)
{
	(void)s;
	uids[0] = *(uid_t *)arg;
}

static void test_another_user_is_not_served(void **state)
{
	uid_t another = geteuid() + 1, ours = geteuid();

	(void)state;
	site_do(trusting, uid_set, &another);
	for (size_t i = 0; i < 2; i++) {
		/* The request may be there before the connection is looked at, or come after it. */
		int fd = connect_unix();
		char *got;

		if (i == 1)
			assert_true(raw_is_closed(fd));
		raw_sends(fd, "GET /user HTTP/1.1\r\nHost: t\r\n" ID ROLE SESSION "\r\n");
		got = raw_response(fd);
		assert_string_equal(got, "");
		free(got);
		close(fd);
	}
	site_do(trusting, uid_set, &ours);
	check("/user", ID ROLE SESSION, 200, "anna/user/s1");
}

static void test_one_connection_many_people(void **state)
{
	static const char *const people[] = { "anna", "bert", "cleo" };
	int fd = connect_unix();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(people); i++) {
		char text[300], wanted[64];
		char *got;

		snprintf(text, sizeof(text), "GET /user HTTP/1.1\r\nHost: t\r\nX-User-Id: %s\r\n" ROLE SESSION "\r\n",
		         people[i]);
		snprintf(wanted, sizeof(wanted), "%s/user/s1", people[i]);
		raw_sends(fd, text);
		got = raw_response(fd);
		assert_string_equal(response_body(got), wanted);
		free(got);
		raw_sends(fd, "GET /optional HTTP/1.1\r\nHost: t\r\n\r\n");
		got = raw_response(fd);
		assert_string_equal(response_body(got), "nobody");
		free(got);
	}
	close(fd);
}

static void test_the_client_is_whom_the_peer_names(void **state)
{
	(void)state;
	check("/where", "X-Forwarded-For: 192.0.2.7\r\n", 200, "\r\n\r\n192.0.2.7");
	check("/where", "X-Forwarded-For: 198.51.100.1, 192.0.2.7\r\n", 200, "\r\n\r\n192.0.2.7");
	check("/where", "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 192.0.2.7\r\n", 200, "\r\n\r\n192.0.2.7");
	check("/where", "X-Forwarded-For: unknown\r\n", 200, NULL);
	check("/where", "", 200, NULL);
	check_on(raw_connect(site_port(wary)), "/where", "X-Forwarded-For: 192.0.2.7\r\n", 200, "\r\n\r\n127.0.0.1");
}

static void test_no_trust_without_a_way_to_know_the_peer(void **state)
{
	struct http_server_options options = site_options(routes);
	const struct route *tables[] = { routes, NULL };
	struct http_server *s = NULL;
	uv_loop_t loop;

	(void)state;
	options.tables = tables;
	options.trust = &trust;
	assert_int_equal(http_server_new(&loop, &options, &s), -EINVAL);
	options.trust = NULL;
	options.address = address;
	assert_int_equal(http_server_new(&loop, &options, &s), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_peers_word_stands_for_a_token),
		cmocka_unit_test(test_what_is_behind_the_token_is_still_asked),
		cmocka_unit_test(test_without_headers_tokens_are_verified_as_ever),
		cmocka_unit_test(test_half_a_word_is_none),
		cmocka_unit_test(test_elsewhere_they_mean_nothing),
		cmocka_unit_test(test_another_user_is_not_served),
		cmocka_unit_test(test_one_connection_many_people),
		cmocka_unit_test(test_the_client_is_whom_the_peer_names),
		cmocka_unit_test(test_no_trust_without_a_way_to_know_the_peer),
	};

	return cmocka_run_group_tests(tests, up, down);
}
