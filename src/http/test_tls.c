/* A listener whose peers are known by their certificates: who gets in, who does not, and what is said of bad files. The
 * certificates are made here, by an authority of the test's own. */
#include "http/test_support.h"

#include "http/tls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BODY_SIZE = 300000, DAY_S = 86400 };

struct identity {
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t certificate;
};

struct wish {
	const char *dns;
	const char *uri;
	const char *cn;
	const char *purpose; /* OID; NULL: a client's */
	int from_days;
	int to_days;
};

static char folder[80];
static char paths[8][120];
static struct identity authority, stranger, server, client;
static struct http_tls *tls;
static struct http_trust trust;
static struct site *site;

/* ---- certificates ---- */

static void issue(struct identity *ret, const struct identity *by, const struct wish *w)
{
	static unsigned char serial = 1;

	gnutls_x509_privkey_init(&ret->key);
	assert_true(gnutls_x509_privkey_generate(ret->key, GNUTLS_PK_ECDSA,
	                                         (unsigned)GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) >= 0);
	gnutls_x509_crt_init(&ret->certificate);
	gnutls_x509_crt_set_version(ret->certificate, 3);
	gnutls_x509_crt_set_serial(ret->certificate, &serial, 1);
	serial++;
	gnutls_x509_crt_set_key(ret->certificate, ret->key);
	gnutls_x509_crt_set_activation_time(ret->certificate, time(NULL) + (time_t)w->from_days * DAY_S - 60);
	gnutls_x509_crt_set_expiration_time(ret->certificate, time(NULL) + (time_t)w->to_days * DAY_S);
	if (w->cn)
		gnutls_x509_crt_set_dn_by_oid(ret->certificate, GNUTLS_OID_X520_COMMON_NAME, 0, w->cn,
		                              (unsigned)strlen(w->cn));
	if (w->dns)
		gnutls_x509_crt_set_subject_alt_name(ret->certificate, GNUTLS_SAN_DNSNAME, w->dns,
		                                     (unsigned)strlen(w->dns), GNUTLS_FSAN_SET);
	if (w->uri)
		gnutls_x509_crt_set_subject_alt_name(ret->certificate, GNUTLS_SAN_URI, w->uri, (unsigned)strlen(w->uri),
		                                     GNUTLS_FSAN_APPEND);
	gnutls_x509_crt_set_ca_status(ret->certificate, by ? 0 : 1);
	if (by)
		gnutls_x509_crt_set_key_purpose_oid(ret->certificate,
		                                    w->purpose ? w->purpose : GNUTLS_KP_TLS_WWW_CLIENT, 0);
	else
		gnutls_x509_crt_set_key_usage(ret->certificate, GNUTLS_KEY_KEY_CERT_SIGN);
	assert_true(gnutls_x509_crt_sign2(ret->certificate, by ? by->certificate : ret->certificate,
	                                  by ? by->key : ret->key, GNUTLS_DIG_SHA256, 0) >= 0);
}

static void identity_done(struct identity *i)
{
	gnutls_x509_crt_deinit(i->certificate);
	gnutls_x509_privkey_deinit(i->key);
}

static const char *put(size_t at, const char *name, const void *data, size_t size)
{
	FILE *to;

	snprintf(paths[at], sizeof(paths[at]), "%s/%s", folder, name);
	to = fopen(paths[at], "w");
	assert_non_null(to);
	assert_int_equal(fwrite(data, 1, size, to), size);
	fclose(to);
	return paths[at];
}

static const char *certificate_put(size_t at, const char *name, const struct identity *i)
{
	gnutls_datum_t pem;
	const char *path;

	assert_true(gnutls_x509_crt_export2(i->certificate, GNUTLS_X509_FMT_PEM, &pem) >= 0);
	path = put(at, name, pem.data, pem.size);
	gnutls_free(pem.data);
	return path;
}

static const char *key_put(size_t at, const char *name, const struct identity *i)
{
	gnutls_datum_t pem;
	const char *path;

	assert_true(gnutls_x509_privkey_export2_pkcs8(i->key, GNUTLS_X509_FMT_PEM, NULL, 0, &pem) >= 0);
	path = put(at, name, pem.data, pem.size);
	gnutls_free(pem.data);
	return path;
}

/* ---- the server ---- */

static int who(struct request *req)
{
	struct str id = request_user(req)->id;

	return respond_text(req, 200, "text/plain", id.data ? id : STR("nobody"));
}

static int size_of(struct request *req)
{
	return respond_text(req, 200, "text/plain",
	                    arena_printf(request_arena(req), "%zu bytes", request_body_raw(req).len));
}

static int large(struct request *req)
{
	char *text = arena_alloc(request_arena(req), BODY_SIZE);

	if (!text)
		return -ENOMEM;
	memset(text, 'y', BODY_SIZE);
	return respond_text(req, 200, "text/plain", (struct str){ text, BODY_SIZE });
}

static int where(struct request *req)
{
	return respond_text(req, 200, "text/plain", request_client_address(req));
}

static const struct route routes[] = {
	{ HTTP_GET, "/user", who, .auth = HTTP_AUTH_USER },
	{ HTTP_GET, "/large", large },
	{ HTTP_GET, "/where", where },
	{ HTTP_POST, "/size", size_of, .body_type = "text/plain" },
	{ 0 },
};

static int confirm(struct request *req, const struct http_user *named, void *arg, struct http_user *ret,
                   const char **ret_reason)
{
	(void)req;
	(void)arg;
	(void)ret_reason;
	*ret = *named;
	return 0;
}

static bool is_sound(const struct http_user *named)
{
	return named->id.len > 0;
}

static const struct wish as_server = { .dns = "user", .purpose = GNUTLS_KP_TLS_WWW_SERVER, .to_days = 1 };
static const struct wish as_gateway = { .dns = "gateway.example", .to_days = 1 };

static int up(void **state)
{
	struct http_server_options options = site_options(routes);
	struct http_tls_options files = { .names = { STR("gateway.example"), STR("spiffe://example/gateway"),
		                                     STR("CN=old gateway") },
		                          .n_names = 3 };
	const char *base = getenv("TMPDIR");
	enum http_tls_file which;
	const char *reason;

	(void)state;
	snprintf(folder, sizeof(folder), "%.40s/tls-XXXXXX", base && strlen(base) <= 40 ? base : "/tmp");
	assert_non_null(mkdtemp(folder));
	issue(&authority, NULL, &(struct wish){ .cn = "authority", .to_days = 1 });
	issue(&stranger, NULL, &(struct wish){ .cn = "authority", .to_days = 1 });
	issue(&server, &authority, &as_server);
	issue(&client, &authority, &as_gateway);
	files.certificate_file = certificate_put(0, "server.pem", &server);
	files.key_file = key_put(1, "server.key", &server);
	files.ca_file = certificate_put(2, "ca.pem", &authority);
	assert_int_equal(http_tls_new(&files, &tls, &which, &reason), 0);
	trust = (struct http_trust){ .tls = tls, .is_sound = is_sound, .confirm = confirm };
	options.trust = &trust;
	options.body_max = BODY_SIZE;
	site = site_up(routes, &options);
	return 0;
}

static int down(void **state)
{
	(void)state;
	site_down(&site);
	http_tls_free(&tls);
	identity_done(&authority);
	identity_done(&stranger);
	identity_done(&server);
	identity_done(&client);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		unlink(paths[i]);
	return rmdir(folder);
}

/* ---- the client ---- */

struct peer {
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
	int fd;
};

/* With what certificate; NULL: none. Whether the handshake ends well on this side. */
static bool peer_begin(struct peer *p, const struct identity *as, const char *priorities)
{
	struct identity copy = as ? *as : (struct identity){ 0 };
	int r;

	p->fd = raw_connect(site_port(site));
	gnutls_certificate_allocate_credentials(&p->credentials);
	if (as)
		assert_true(gnutls_certificate_set_x509_key(p->credentials, &copy.certificate, 1, copy.key) >= 0);
	/* Also one whose authority the server has not named. */
	gnutls_init(&p->session, GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT);
	assert_int_equal(gnutls_priority_set_direct(p->session, priorities, NULL), 0);
	gnutls_credentials_set(p->session, GNUTLS_CRD_CERTIFICATE, p->credentials);
	gnutls_transport_set_int(p->session, p->fd);
	do
		r = gnutls_handshake(p->session);
	while (r < 0 && !gnutls_error_is_fatal(r));
	return r >= 0;
}

static void peer_end(struct peer *p)
{
	gnutls_deinit(p->session);
	gnutls_certificate_free_credentials(p->credentials);
	close(p->fd);
}

static void peer_send(struct peer *p, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = gnutls_record_send(p->session, data, len);

		if (n <= 0)
			return;
		data += n;
		len -= (size_t)n;
	}
}

/* What comes until the other side closes. */
static char *peer_read(struct peer *p)
{
	char *text = calloc(1, BODY_SIZE * 2);
	size_t len = 0;
	ssize_t n;

	assert_non_null(text);
	while ((n = gnutls_record_recv(p->session, text + len, BODY_SIZE * 2 - 1 - len)) > 0)
		len += (size_t)n;
	return text;
}

#define NORMAL "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
#define HEAD "Host: t\r\nConnection: close\r\n"
#define ANNA "X-User-Id: anna\r\nX-User-Role: user\r\nX-Session-Id: s1\r\n"

static char *exchange(const struct identity *as, const char *priorities, const char *request)
{
	struct peer p;
	char *got = NULL;

	if (peer_begin(&p, as, priorities)) {
		peer_send(&p, request, strlen(request));
		got = peer_read(&p);
	}
	peer_end(&p);
	return got;
}

static void is_served(const struct identity *as, const char *priorities)
{
	char *got = exchange(as, priorities, "GET /user HTTP/1.1\r\n" HEAD ANNA "\r\n");

	if (!got || response_status(got) != 200 || strcmp(response_body(got), "anna") != 0)
		fail_msg("got: %s", got ? got : "no connection");
	free(got);
}

/* With TLS 1.3 the client learns of it only when it reads. */
static void is_refused(const struct identity *as, const char *priorities)
{
	char *got = exchange(as, priorities, "GET /user HTTP/1.1\r\n" HEAD ANNA "\r\n");

	if (got && *got)
		fail_msg("got: %s", got);
	free(got);
}

static void refused_if(const struct identity *by, const struct wish *w)
{
	struct identity as;

	issue(&as, by, w);
	is_refused(&as, NORMAL);
	is_refused(&as, "NORMAL:-VERS-ALL:+VERS-TLS1.2");
	identity_done(&as);
}

static void served_if(const struct wish *w)
{
	struct identity as;

	issue(&as, &authority, w);
	is_served(&as, NORMAL);
	identity_done(&as);
}

static void test_the_gateway_is_believed(void **state)
{
	(void)state;
	is_served(&client, NORMAL);
	is_served(&client, "NORMAL:-VERS-ALL:+VERS-TLS1.3");
	is_served(&client, "NORMAL:-VERS-ALL:+VERS-TLS1.2");
	served_if(&(struct wish){ .dns = "GATEWAY.example", .to_days = 1 });
	served_if(&(struct wish){ .dns = "x", .uri = "spiffe://example/gateway", .to_days = 1 });
	served_if(&(struct wish){ .cn = "old gateway", .to_days = 1 });
}

static void test_nobody_else_is_served(void **state)
{
	(void)state;
	is_refused(NULL, NORMAL);
	is_refused(NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.2");
	refused_if(&stranger, &as_gateway);
	refused_if(NULL, &as_gateway); /* by itself */
	refused_if(&authority, &(struct wish){ .dns = "movie", .to_days = 1 });
	refused_if(&authority, &(struct wish){ .dns = "x.gateway.example", .to_days = 1 });
	refused_if(&authority, &(struct wish){ .dns = "*.example", .to_days = 1 });
	refused_if(&authority, &(struct wish){ .dns = "gateway.example.org", .to_days = 1 });
	refused_if(&authority, &(struct wish){ .uri = "spiffe://EXAMPLE/gateway", .to_days = 1 });
	refused_if(&authority, &(struct wish){ .uri = "spiffe://example/gateway/x", .to_days = 1 });
	refused_if(&authority, &(struct wish){ .cn = "gateway.example", .to_days = 1 }); /* not asked for as a CN */
	refused_if(&authority, &(struct wish){ .dns = "CN=old gateway", .cn = "x", .to_days = 1 });
	refused_if(&authority, &(struct wish){ .to_days = 1 });
	refused_if(&authority, &(struct wish){ .dns = "gateway.example", .from_days = -3, .to_days = -1 });
	refused_if(&authority, &(struct wish){ .dns = "gateway.example", .from_days = 1, .to_days = 2 });
	refused_if(&authority,
	           &(struct wish){ .dns = "gateway.example", .purpose = GNUTLS_KP_TLS_WWW_SERVER, .to_days = 1 });
	is_served(&client, NORMAL);
}

static void test_old_versions_and_none(void **state)
{
	static const char plain[] = "GET /user HTTP/1.1\r\n" HEAD ANNA "\r\n";
	int fd = raw_connect(site_port(site));
	char *got;

	(void)state;
	is_refused(&client, "NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT");
	raw_sends(fd, plain);
	got = raw_response(fd);
	assert_int_equal(response_status(got), 0);
	free(got);
	close(fd);
}

static void test_large_bodies_both_ways(void **state)
{
	char *request = malloc(BODY_SIZE + 500);
	char *got;
	int n;

	(void)state;
	assert_non_null(request);
	n = snprintf(request, 500,
	             "POST /size HTTP/1.1\r\n" HEAD "Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n",
	             BODY_SIZE);
	memset(request + n, 'x', BODY_SIZE);
	request[n + BODY_SIZE] = '\0';
	got = exchange(&client, NORMAL, request);
	assert_non_null(got);
	assert_string_equal(response_body(got), "300000 bytes");
	free(got);
	got = exchange(&client, NORMAL, "GET /large HTTP/1.1\r\n" HEAD "\r\n");
	assert_non_null(got);
	assert_int_equal(strlen(response_body(got)), BODY_SIZE);
	free(got);
	free(request);
}

static void test_the_client_is_whom_the_peer_names(void **state)
{
	char *got = exchange(&client, NORMAL, "GET /where HTTP/1.1\r\n" HEAD "X-Forwarded-For: 192.0.2.7\r\n\r\n");

	(void)state;
	assert_string_equal(response_body(got), "192.0.2.7");
	free(got);
	got = exchange(&client, NORMAL, "GET /where HTTP/1.1\r\n" HEAD "\r\n");
	assert_string_equal(response_body(got), "127.0.0.1");
	free(got);
}

/* ---- files ---- */

static void faulty(const char *certificate, const char *key, const char *ca, enum http_tls_file which, const char *word)
{
	struct http_tls_options o = { .certificate_file = certificate, .key_file = key, .ca_file = ca, .n_names = 0 };
	struct http_tls *t = NULL;
	enum http_tls_file blamed = HTTP_TLS_CERTIFICATE;
	const char *reason = "";

	assert_true(http_tls_new(&o, &t, &blamed, &reason) < 0);
	assert_null(t);
	if (blamed != which || !strstr(reason, word))
		fail_msg("%s %s %s: %d is to blame: %s", certificate, key, ca, (int)blamed, reason);
}

static void test_each_bad_file_is_named(void **state)
{
	const char *certificate = paths[0], *key = paths[1], *ca = paths[2];
	const char *empty = put(3, "empty", "", 0),
	           *rubbish = put(4, "rubbish", "-----BEGIN CERTIFICATE-----\nxx\n", 31);
	const char *others = key_put(5, "others.key", &client);
	struct identity old;

	(void)state;
	issue(&old, &authority, &(struct wish){ .dns = "user", .from_days = -2, .to_days = -1 });
	certificate_put(6, "old.pem", &old);
	key_put(7, "old.key", &old);
	faulty("/no/such/file", key, ca, HTTP_TLS_CERTIFICATE, "cannot be read");
	faulty(certificate, "/no/such/file", ca, HTTP_TLS_KEY, "cannot be read");
	faulty(certificate, key, "/no/such/file", HTTP_TLS_CA, "cannot be read");
	faulty(folder, key, ca, HTTP_TLS_CERTIFICATE, "cannot be read");
	faulty(empty, key, ca, HTTP_TLS_CERTIFICATE, "no certificate");
	faulty(rubbish, key, ca, HTTP_TLS_CERTIFICATE, "no certificate");
	faulty(key, key, ca, HTTP_TLS_CERTIFICATE, "no certificate");
	faulty(certificate, empty, ca, HTTP_TLS_KEY, "no private key");
	faulty(certificate, certificate, ca, HTTP_TLS_KEY, "no private key");
	faulty(certificate, others, ca, HTTP_TLS_KEY, "not the certificate's");
	faulty(certificate, key, empty, HTTP_TLS_CA, "no certificate");
	faulty(certificate, key, rubbish, HTTP_TLS_CA, "no certificate");
	faulty(paths[6], paths[7], ca, HTTP_TLS_CERTIFICATE, "expired");
	identity_done(&old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_gateway_is_believed),
		cmocka_unit_test(test_nobody_else_is_served),
		cmocka_unit_test(test_old_versions_and_none),
		cmocka_unit_test(test_large_bodies_both_ways),
		cmocka_unit_test(test_the_client_is_whom_the_peer_names),
		cmocka_unit_test(test_each_bad_file_is_named),
	};

	return cmocka_run_group_tests(tests, up, down);
}
