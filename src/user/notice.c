/* Notices into the outbox. */
#include "user/notice.h"

#include "base/clock.h"
#include "token/seal.h"

#define AT(field) .offset = offsetof(struct notice_data, field)

struct notice_data {
	struct str user_id;
	struct str email;
	struct str display_name;
	struct str language;
	struct str sealed_token;
	struct str new_email;
	struct str device;
	struct str ip_address;
	struct str what;
	struct str expires_at;
	struct str occurred_at;
};

static const struct schema_field user_notice_fields[] = {
	{ .name = "user_id", .type = SCHEMA_UUID, .flags = SCHEMA_REQUIRED, AT(user_id), .doc = "Who." },
	{ .name = "email",
	  .type = SCHEMA_EMAIL,
	  .flags = SCHEMA_REQUIRED,
	  .min = 3,
	  .max = 254,
	  AT(email),
	  .doc = "Where to write to." },
	{ .name = "display_name",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE,
	  .min = 1,
	  .max = 80,
	  AT(display_name),
	  .doc = "How to address this person." },
	{ .name = "language",
	  .type = SCHEMA_LANGUAGE,
	  .flags = SCHEMA_REQUIRED,
	  AT(language),
	  .doc = "Language to write in." },
	{ .name = "sealed_token",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE,
	  .max = 512,
	  AT(sealed_token),
	  .doc = "Token of a one-time link, sealed with the key that LINK_KEY_FILE names for this user_id; "
	         "base64url." },
	{ .name = "new_email",
	  .type = SCHEMA_EMAIL,
	  .flags = SCHEMA_NULLABLE,
	  .min = 3,
	  .max = 254,
	  AT(new_email),
	  .doc = "The address that is to be, or has become, the account's." },
	{ .name = "device",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE,
	  .max = 120,
	  AT(device),
	  .doc = "What it was done with." },
	{ .name = "ip_address",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE,
	  .max = 64,
	  AT(ip_address),
	  .doc = "From where." },
	{ .name = "what",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE,
	  .max = 40,
	  AT(what),
	  .doc = "Which of the changes this type tells of." },
	{ .name = "expires_at",
	  .type = SCHEMA_DATETIME,
	  .flags = SCHEMA_NULLABLE,
	  AT(expires_at),
	  .doc = "When the link stops working, or the account goes." },
	{ .name = "occurred_at", .type = SCHEMA_DATETIME, .flags = SCHEMA_REQUIRED, AT(occurred_at), .doc = "When." },
};
const struct schema user_notice_schema =
        SCHEMA("UserNotice", struct notice_data, user_notice_fields, "Something a person is told about an account.");

static int token_seal(struct arena *a, const struct notice *n, struct str *ret)
{
	struct buf text CLEANUP(buf_done);
	int r;

	buf_init(&text, 512);
	r = seal_write_text(user_state()->link_seal, n->link_token, n->user_id, &text);
	return r < 0 ? r : arena_copy(a, buf_str(&text), ret);
}

static int data_of(struct arena *a, const struct notice *n, struct notice_data *ret)
{
	int r;

	*ret = (struct notice_data){
		.user_id = n->user_id,
		.email = n->email,
		.display_name = n->display_name,
		.language = n->language,
		.new_email = n->new_email,
		.device = n->device,
		.ip_address = n->ip_address,
		.what = n->what,
	};
	r = clock_text(a, clock_real_ms(), &ret->occurred_at);
	if (r == 0 && n->expires_at_ms > 0)
		r = clock_text(a, n->expires_at_ms, &ret->expires_at);
	if (r == 0 && !str_is_null(n->link_token))
		r = token_seal(a, n, &ret->sealed_token);
	return r;
}

int notice_add(struct store_tx *tx, struct arena *a, enum user_event type, const struct notice *n)
{
	struct notice_data data;
	struct event event;
	int r = data_of(a, n, &data);

	if (r == 0)
		r = user_event_make(a, type, n->user_id, &data, &event);
	return r < 0 ? r : outbox_add(tx, &event, a);
}
