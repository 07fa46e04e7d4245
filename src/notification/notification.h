/* What the files of the notification service share. */
#ifndef CINESYNC_NOTIFICATION_NOTIFICATION_H
#define CINESYNC_NOTIFICATION_NOTIFICATION_H

#include "base/embed.h"
#include "http/server.h"
#include "notification/template_folder.h"
#include "service/database.h"
#include "store/store.h"

struct mail_sink;
struct mailer;
struct rabbit_consumer;
struct seal;

struct notification_config {
	char *data_dir;
	struct database_settings database;
	char *mail_from;
	char *mail_from_name;
	char *public_url;
	char *template_dir;
	char *link_key_file;
	char *smtp_url;
	char *smtp_user;
	char *smtp_password;
	int smtp_tls;
	char *smtp_ca_file;
	int64_t smtp_timeout_ms;
	int64_t smtp_connections;
	int64_t mail_retry_h;
	int64_t limit_recipient_mails;
	char *amqp_url;
	char *amqp_ca_file;
	int amqp_queue_type;
	int64_t amqp_prefetch;
	int64_t amqp_delivery_limit;
	char *amqp_retry_delays_ms;
};

enum { AMQP_QUEUES_QUORUM, AMQP_QUEUES_CLASSIC };

struct notification_state {
	const struct notification_config *config;
	struct store *store;
	struct arena *arena; /* of the templates */
	struct template_set templates;
	struct mail_sink *sink;
	struct mailer *mailer;
	struct rabbit_consumer *consumer; /* NULL: no RabbitMQ */
	struct seal *link_seal;
};

struct notification_state *notification_state(void);

extern const struct embedded_file notification_templates[];
extern const size_t notification_templates_n;

extern const struct route event_routes[], delivery_routes[];

/* What a handler returns when the database failed it: the fiber's own error, or 503. */
int notification_store_failed(struct request *req, int r, const char *doing);

#endif
