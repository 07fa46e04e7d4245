/* From events to mails. Nothing here yields. */
#include "notification/notice.h"

#include "base/clock.h"
#include "token/seal.h"

#include <errno.h>
#include <stdio.h>

#define TYPE_PREFIX "com.cinesync.user."
#define TYPE_SUFFIX ".v1"
#define AT(field) .offset = offsetof(struct notice, field)

/* Additive: what else an event brings is ignored. */
static const struct schema_field fields[] = {
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
	{ .name = "language", .type = SCHEMA_LANGUAGE, .def = "\"en\"", AT(language), .doc = "Language to write in." },
	{ .name = "sealed_token",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE,
	  .max = 512,
	  AT(sealed_token),
	  .doc = "Token of a one-time link, sealed." },
	{ .name = "new_email",
	  .type = SCHEMA_EMAIL,
	  .flags = SCHEMA_NULLABLE,
	  .min = 3,
	  .max = 254,
	  AT(new_email),
	  .doc = "The other address." },
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
	  .pattern = "[a-z-]*",
	  AT(what),
	  .doc = "Which of the changes." },
	{ .name = "expires_at",
	  .type = SCHEMA_DATETIME,
	  .flags = SCHEMA_NULLABLE,
	  AT(expires_at),
	  .doc = "Until when." },
	{ .name = "occurred_at", .type = SCHEMA_DATETIME, .flags = SCHEMA_NULLABLE, AT(occurred_at), .doc = "When." },
};
static const struct schema notice_schema = SCHEMA("Notice", struct notice, fields, "What a person is to be told.");

/* What mails of a kind are about; the template is called like the type's own part. */
static const struct kind {
	const char *name;
	const char *fragment; /* of the link: what the page is to do with the token; NULL: none */
} kinds[] = {
	{ "created", NULL },
	{ "welcome", NULL },
	{ "welcome-verify", "verify-email" },
	{ "email-verification-requested", "verify-email" },
	{ "registration-repeated", NULL },
	{ "password-reset-requested", "reset-password" },
	{ "password-changed", NULL },
	{ "email-change-requested", "confirm-email" },
	{ "email-change-noticed", NULL },
	{ "email-changed", NULL },
	{ "new-device", NULL },
	{ "session-family-ended", NULL },
	{ "second-factor-changed", NULL },
	{ "deletion-requested", NULL },
	{ "deleted", NULL },
};

static const struct kind *kind_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (str_equal(name, str_from(kinds[i].name)))
			return &kinds[i];
	}
	return NULL;
}

/* "com.cinesync.user.NAME.v1"; null for every other type. */
static struct str name_of(struct str type)
{
	size_t prefix = strlen(TYPE_PREFIX), suffix = strlen(TYPE_SUFFIX);

	if (type.len <= prefix + suffix || !str_starts(type, STR(TYPE_PREFIX)) ||
	    memcmp(type.data + type.len - suffix, TYPE_SUFFIX, suffix) != 0)
		return STR_NULL;
	return str_slice(type, prefix, type.len - suffix);
}

static void template_name(struct str name, struct notice *n)
{
	if (str_equal(name, STR("created")))
		snprintf(n->template, sizeof(n->template), "%s",
		         str_is_null(n->sealed_token) ? "welcome" : "welcome-verify");
	else if (str_equal(name, STR("second-factor-changed")))
		snprintf(n->template, sizeof(n->template), "second-factor-%.*s", STR_ARGS(n->what));
	else
		snprintf(n->template, sizeof(n->template), "%.*s", STR_ARGS(name));
}

int notice_read(const struct event *e, struct arena *a, struct notice *ret, struct violations *v)
{
	struct str name = name_of(e->type);
	struct notice n;
	int r;

	if (str_is_null(name) || !kind_find(name) || str_starts(name, STR("welcome")))
		return -ENOENT;
	r = event_data(e, &notice_schema, a, &n, v);
	if (r < 0)
		return r;
	template_name(name, &n);
	n.is_farewell = str_equal(name, STR("deleted"));
	*ret = n;
	return 0;
}

/* RFC 3339 as people read it: "2026-11-26 16:40 UTC". */
static int time_words(struct str time, struct arena *a, struct str *ret)
{
	*ret = STR_NULL;
	if (time.len < 16)
		return 0;
	*ret = arena_printf(a, "%.10s %.5s UTC", time.data, time.data + 11);
	return str_is_null(*ret) ? -ENOMEM : 0;
}

/* The page takes the token from the fragment, which no server is ever sent. */
static int link_make(const struct notification_state *s, const char *fragment, const struct notice *n, struct arena *a,
                     struct str *ret)
{
	struct buf token CLEANUP(buf_done);
	int r;

	buf_init(&token, 512);
	r = seal_open_text(s->link_seal, n->sealed_token, n->user_id, &token);
	if (r == 0) {
		*ret = arena_printf(a, "%s/#%s=%.*s", s->config->public_url, fragment, STR_ARGS(buf_str(&token)));
		r = str_is_null(*ret) ? -ENOMEM : 0;
	}
	if (token.data)
		explicit_bzero(token.data, token.cap);
	return r;
}

int notice_values(const struct notification_state *s, struct str template, struct str data, struct arena *a,
                  struct template_values *ret)
{
	const struct kind *kind = kind_find(template);
	struct template_values v = { .url = str_from(s->config->public_url) };
	struct violations violations;
	struct notice n;
	int r;

	violations_init(&violations, a);
	r = schema_parse_lenient(&notice_schema, data, a, &n, &violations);
	if (r == 0 && kind && kind->fragment)
		r = link_make(s, kind->fragment, &n, a, &v.url);
	if (r == 0)
		r = time_words(n.occurred_at, a, &v.occurred_at);
	if (r == 0)
		r = time_words(n.expires_at, a, &v.expires_at);
	if (r < 0)
		return r == -EINVAL ? -EBADMSG : r;
	v.name = n.display_name;
	v.email = n.email;
	v.new_email = n.new_email;
	v.device = str_is_null(n.device) ? STR("?") : n.device;
	v.ip_address = str_is_null(n.ip_address) ? STR("?") : n.ip_address;
	*ret = v;
	return 0;
}
