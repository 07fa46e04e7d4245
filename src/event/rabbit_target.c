/* Which server, and how a connection to it is opened: URL, TLS, log-in. Owns copies of the texts; the URL, which may
 * hold a password, is wiped at the end. */
#include "event/rabbit_target.h"

#include "base/fault.h"
#include "event/rabbit_c.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	CALL_MS = 5000,
	HEARTBEAT_S = 10, /* RabbitMQ's advice is 5 to 20 */
	FRAME_SIZE_MAX = 131072,
	URL_SIZE_MAX = 2048,
};

struct rabbit_target {
	char *url; /* taken apart by the library */
	size_t url_size;
	struct amqp_connection_info where;
	char *ca_file;
	char *name;
};

static bool is_amqp(const char *url)
{
	return strncmp(url, "amqp://", 7) == 0 || strncmp(url, "amqps://", 8) == 0;
}

/* url is taken apart. */
static int url_parse(char *url, struct amqp_connection_info *ret)
{
	amqp_default_connection_info(ret);
	if (!is_amqp(url) || amqp_parse_url(url, ret) != AMQP_STATUS_OK || !*ret->host || ret->port < 1 ||
	    ret->port > UINT16_MAX)
		return -EINVAL;
	return 0;
}

const char *rabbit_check_url(const char *url)
{
	struct amqp_connection_info where;
	char copy[URL_SIZE_MAX];
	int n = snprintf(copy, sizeof(copy), "%s", url);
	int r = n > 0 && (size_t)n < sizeof(copy) ? url_parse(copy, &where) : -EINVAL;

	explicit_bzero(copy, sizeof(copy));
	return r < 0 ? "amqp://[USER[:PASSWORD]@]HOST[:PORT][/VHOST] or amqps://…, percent-encoded" : NULL;
}

static amqp_socket_t *socket_new(const struct rabbit_target *t, amqp_connection_state_t c)
{
	amqp_socket_t *socket;

	if (!t->where.ssl)
		return amqp_tcp_socket_new(c);
	socket = amqp_ssl_socket_new(c);
	if (!socket)
		return NULL;
	amqp_ssl_socket_set_verify_peer(socket, 1);
	amqp_ssl_socket_set_verify_hostname(socket, 1);
	if (amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST) != AMQP_STATUS_OK ||
	    amqp_ssl_socket_set_cacert(socket, t->ca_file) != AMQP_STATUS_OK)
		return NULL; /* freed with the connection */
	return socket;
}

int rabbit_target_connect(const struct rabbit_target *t, struct rabbit_link *l, int *ret_fd)
{
	amqp_connection_state_t c = rabbit_connection(l);
	const struct timeval limit = { .tv_sec = CALL_MS / 1000 };
	amqp_socket_t *socket = socket_new(t, c);
	int r;

	if (!socket)
		return rabbit_fail(l, -EIO, "cannot prepare TLS with the certificates in %s", t->ca_file);
	amqp_set_handshake_timeout(c, &limit);
	amqp_set_rpc_timeout(c, &limit);
	r = rabbit_sent(l, amqp_socket_open_noblock(socket, t->where.host, t->where.port, &limit), "connect");
	if (r == 0)
		*ret_fd = amqp_socket_get_sockfd(socket);
	return r;
}

static amqp_table_entry_t entry_text(const char *key, const char *text)
{
	return (amqp_table_entry_t){ .key = amqp_cstring_bytes(key),
		                     .value = { .kind = AMQP_FIELD_KIND_UTF8,
		                                .value.bytes = amqp_cstring_bytes(text) } };
}

static amqp_table_entry_t entry_true(const char *key)
{
	return (amqp_table_entry_t){ .key = amqp_cstring_bytes(key),
		                     .value = { .kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1 } };
}

int rabbit_target_login(const struct rabbit_target *t, struct rabbit_link *l)
{
	amqp_table_entry_t can[] = { entry_true("connection.blocked"), entry_true("consumer_cancel_notify"),
		                     entry_true("publisher_confirms"), entry_true("basic.nack"),
		                     entry_true("authentication_failure_close") };
	amqp_table_entry_t entries[] = {
		entry_text("connection_name", t->name),
		{ .key = amqp_cstring_bytes("capabilities"),
		  .value = { .kind = AMQP_FIELD_KIND_TABLE, .value.table = { ARRAY_SIZE(can), can } } },
	};
	const amqp_table_t properties = { ARRAY_SIZE(entries), entries };

	return rabbit_replied(l,
	                      amqp_login_with_properties(rabbit_connection(l), t->where.vhost, 0, FRAME_SIZE_MAX,
	                                                 HEARTBEAT_S, &properties, AMQP_SASL_METHOD_PLAIN,
	                                                 t->where.user, t->where.password),
	                      "log in");
}

/* ---- its life ---- */

void rabbit_target_free(struct rabbit_target **t)
{
	struct rabbit_target *target = STEAL(*t);

	if (!target)
		return;
	if (target->url)
		explicit_bzero(target->url, target->url_size);
	free(target->url);
	free(target->ca_file);
	free(target->name);
	free(target);
}

int rabbit_target_new(const struct rabbit_options *options, struct rabbit_target **ret)
{
	struct rabbit_target *t CLEANUP(rabbit_target_free) = fault_hit("alloc") ? NULL : calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	t->url = strdup(options->url);
	t->name = strdup(options->name);
	t->ca_file = strdup(options->ca_file ? options->ca_file : "");
	if (!t->url || !t->name || !t->ca_file)
		return -ENOMEM;
	t->url_size = strlen(t->url);
	r = url_parse(t->url, &t->where);
	if (r == 0)
		*ret = STEAL(t);
	return r;
}
