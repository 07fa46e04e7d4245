/* What the files of the notification service share. */
#ifndef CINESYNC_NOTIFICATION_NOTIFICATION_H
#define CINESYNC_NOTIFICATION_NOTIFICATION_H

#include "base/embed.h"
#include "http/server.h"
#include "service/database.h"
#include "store/store.h"

struct mail_sink;
struct mailer;
struct seal;

struct notification_config {
	char *data_dir;
	struct database_settings database;
	char *mail_from;
	char *mail_from_name;
	char *public_url;
	char *link_key_file;
};

struct notification_state {
	const struct notification_config *config;
	struct store *store;
	struct mail_sink *sink;
	struct mailer *mailer;
	struct seal *link_seal;
};

struct notification_state *notification_state(void);

extern const struct embedded_file notification_templates[];
extern const size_t notification_templates_n;

extern const struct route event_routes[];

/* Declares the counters of received events. */
void consumer_init(void);

#endif
