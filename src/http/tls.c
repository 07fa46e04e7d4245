/* A peer is judged within its handshake, before a byte of a request is read: by an authority's signature, its dates,
 * its purpose, and its name. Who has no certificate, or another's, gets an alert and no connection. Sessions are not
 * resumed, so everybody is judged each time. TLS 1.2 and 1.3 alone. Nothing here yields; a handshake costs the loop ~1
 * ms, and the gateway keeps its connections. Owns what was read, the key wiped at its end. */
#include "http/internal.h"
#include "http/tls_inside.h"

#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { NAME_SIZE_MAX = 512, SANS_MAX = 100 };

struct http_tls {
	struct http_tls_options options;
	struct buf certificate;
	struct buf key;
	struct buf ca;
};

/* ---- the files ---- */

static int file_load(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = file_read(fd, out);
	close(fd);
	return r;
}

static int files_load(struct http_tls *t, enum http_tls_file *ret_which, const char **ret_reason)
{
	const struct http_tls_options *o = &t->options;
	const char *const paths[] = { o->certificate_file, o->key_file, o->ca_file };
	struct buf *const texts[] = { &t->certificate, &t->key, &t->ca };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		int r = file_load(paths[i], texts[i]);

		if (r < 0) {
			*ret_which = (enum http_tls_file)i;
			*ret_reason = "it cannot be read";
			return r;
		}
	}
	return 0;
}

static gnutls_datum_t datum(const struct buf *b)
{
	return (gnutls_datum_t){ (unsigned char *)b->data, (unsigned)b->len };
}

enum { KEY_ID_SIZE = 64 };

struct key_id {
	unsigned char bytes[KEY_ID_SIZE];
	size_t size;
};

/* NULL: ours is fit to be shown now. *ret_id: of its key. */
static const char *certificate_fault(const struct buf *text, struct key_id *ret_id)
{
	const gnutls_datum_t pem = datum(text);
	time_t now = time(NULL);
	const char *fault = NULL;
	gnutls_x509_crt_t *list;
	unsigned n;

	ret_id->size = sizeof(ret_id->bytes);
	if (gnutls_x509_crt_list_import2(&list, &n, &pem, GNUTLS_X509_FMT_PEM, 0) < 0)
		return "it holds no certificate in PEM";
	if (gnutls_x509_crt_get_expiration_time(list[0]) < now)
		fault = "its certificate has expired";
	else if (gnutls_x509_crt_get_activation_time(list[0]) > now)
		fault = "its certificate is not valid yet";
	else if (gnutls_x509_crt_get_key_id(list[0], GNUTLS_KEYID_USE_SHA256, ret_id->bytes, &ret_id->size) < 0)
		fault = "its certificate has a key of no known kind";
	for (unsigned i = 0; i < n; i++)
		gnutls_x509_crt_deinit(list[i]);
	gnutls_free(list);
	return fault;
}

static const char *key_fault(const struct buf *text, const struct key_id *wanted)
{
	const gnutls_datum_t pem = datum(text);
	struct key_id id = { .size = sizeof(id.bytes) };
	gnutls_x509_privkey_t key;
	int r;

	if (gnutls_x509_privkey_init(&key) < 0)
		return "there is no memory for it";
	r = gnutls_x509_privkey_import2(key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (r >= 0)
		r = gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, id.bytes, &id.size);
	gnutls_x509_privkey_deinit(key);
	if (r < 0)
		return "it holds no private key in PEM that needs no password";
	return id.size != wanted->size || memcmp(id.bytes, wanted->bytes, id.size) != 0
	               ? "its key is not the certificate's"
	               : NULL;
}

static const char *ca_fault(const struct buf *text)
{
	const gnutls_datum_t pem = datum(text);
	gnutls_certificate_credentials_t scratch;
	int n;

	if (gnutls_certificate_allocate_credentials(&scratch) < 0)
		return "there is no memory for it";
	n = gnutls_certificate_set_x509_trust_mem(scratch, &pem, GNUTLS_X509_FMT_PEM);
	gnutls_certificate_free_credentials(scratch);
	return n <= 0 ? "it holds no certificate in PEM" : NULL;
}

static int files_check(const struct http_tls *t, enum http_tls_file *ret_which, const char **ret_reason)
{
	struct key_id id;

	*ret_which = HTTP_TLS_CERTIFICATE;
	*ret_reason = certificate_fault(&t->certificate, &id);
	if (*ret_reason)
		return -EINVAL;
	*ret_which = HTTP_TLS_KEY;
	*ret_reason = key_fault(&t->key, &id);
	if (*ret_reason)
		return -EINVAL;
	*ret_which = HTTP_TLS_CA;
	*ret_reason = ca_fault(&t->ca);
	return *ret_reason ? -EINVAL : 0;
}

int http_tls_new(const struct http_tls_options *options, struct http_tls **ret, enum http_tls_file *ret_which,
                 const char **ret_reason)
{
	struct http_tls *t = fault_hit("alloc") ? NULL : calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	t->options = *options;
	buf_init(&t->certificate, HTTP_TLS_FILE_SIZE_MAX);
	buf_init(&t->key, HTTP_TLS_FILE_SIZE_MAX);
	buf_init(&t->ca, HTTP_TLS_FILE_SIZE_MAX);
	r = files_load(t, ret_which, ret_reason);
	if (r == 0)
		r = files_check(t, ret_which, ret_reason);
	if (r < 0)
		http_tls_free(&t);
	else
		*ret = t;
	return r;
}

void http_tls_free(struct http_tls **tp)
{
	struct http_tls *t = STEAL(*tp);

	if (!t)
		return;
	if (t->key.data)
		explicit_bzero(t->key.data, t->key.cap);
	buf_done(&t->certificate);
	buf_done(&t->key);
	buf_done(&t->ca);
	free(t);
}

void tls_options(const struct http_tls *t, struct MHD_OptionItem ret[TLS_OPTIONS])
{
	static char priorities[] = "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-SHA1:-AES-128-CBC:-AES-256-CBC";
	size_t n = 0;

	if (t) {
		ret[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0, t->certificate.data };
		ret[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0, t->key.data };
		ret[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_TRUST, 0, t->ca.data };
		ret[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0, priorities };
	}
	ret[n] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
}

/* ---- peers ---- */

#define CN_PREFIX "CN="

/* The kinds of names are never taken for one another: a DNS name may look like anything. */
static bool name_is_wanted(const struct http_tls *t, bool is_common_name, struct str name, bool is_case_blind)
{
	for (size_t i = 0; i < t->options.n_names; i++) {
		struct str wanted = t->options.names[i];

		if (str_equal(str_slice(wanted, 0, strlen(CN_PREFIX)), STR(CN_PREFIX)) != is_common_name)
			continue;
		if (is_common_name)
			wanted = str_slice(wanted, strlen(CN_PREFIX), wanted.len);
		if (is_case_blind ? str_equal_nocase(wanted, name) : str_equal(wanted, name))
			return true;
	}
	return false;
}

static bool san_is_wanted(const struct http_tls *t, gnutls_x509_crt_t certificate)
{
	for (unsigned i = 0; i < SANS_MAX; i++) {
		char text[NAME_SIZE_MAX];
		size_t size = sizeof(text);
		int type = gnutls_x509_crt_get_subject_alt_name(certificate, i, text, &size, NULL);

		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return false;
		/* One too long, or of another type, is none of ours. */
		if ((type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_URI) &&
		    name_is_wanted(t, false, (struct str){ text, size }, type == GNUTLS_SAN_DNSNAME))
			return true;
	}
	return false;
}

static bool common_name_is_wanted(const struct http_tls *t, gnutls_x509_crt_t certificate)
{
	char text[NAME_SIZE_MAX], second[NAME_SIZE_MAX];
	size_t size = sizeof(text), second_size = sizeof(second);

	if (gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, text, &size) < 0)
		return false;
	/* Of several, which one its authority meant nobody knows. */
	if (gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 1, 0, second, &second_size) !=
	    GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
		return false;
	return name_is_wanted(t, true, (struct str){ text, size }, false);
}

static bool is_named_right(const struct http_tls *t, gnutls_session_t session)
{
	unsigned n = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);
	gnutls_x509_crt_t certificate;
	bool is_right;

	if (!chain || n == 0 || gnutls_x509_crt_init(&certificate) < 0)
		return false;
	is_right = gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) >= 0 &&
	           (san_is_wanted(t, certificate) || common_name_is_wanted(t, certificate));
	gnutls_x509_crt_deinit(certificate);
	return is_right;
}

static bool is_signed_right(gnutls_session_t session)
{
	static unsigned char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
	gnutls_typed_vdata_st wanted = { GNUTLS_DT_KEY_PURPOSE_OID, purpose, 0 };
	unsigned status = GNUTLS_CERT_INVALID;

	return gnutls_certificate_verify_peers(session, &wanted, 1, &status) >= 0 && status == 0;
}

static int peer_verify(gnutls_session_t session)
{
	struct connection *c = gnutls_session_get_ptr(session);
	const char *fault = NULL;

	if (!is_signed_right(session))
		fault = "it comes from no authority of ours, is out of its time, or is for something else";
	else if (!is_named_right(c->server->options.trust->tls, session))
		fault = "its name is another";
	c->is_vouched = !fault;
	if (!fault)
		return 0;
	log_warning("a connection with a certificate that is not trusted was refused", LOG_STR("reason", fault));
	return GNUTLS_E_CERTIFICATE_ERROR;
}

bool tls_peer_expect(struct MHD_Connection *mhd, struct connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	gnutls_session_t session = info ? info->tls_session : NULL;

	if (!session)
		return false;
	/* libmicrohttpd uses it for keys that are agreed beforehand, of which there are none. */
	gnutls_session_set_ptr(session, c);
	gnutls_session_set_verify_function(session, peer_verify);
	gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
	return true;
}
