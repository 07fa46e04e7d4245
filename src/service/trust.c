/* The settings of the listener for a gateway that is believed. Everything is refused at the start that would let others
 * than the gateway be believed: users the kernel cannot name, and groups and names that are none. */
#include "service/trust.h"

#include "base/log.h"
#include "http/tls.h"

#include "http/socket_file.h"
#include "service/settings.h"
#include "token/identity.h"

#include <errno.h>
#include <grp.h>
#include <unistd.h>

/* In a user namespace the kernel writes this for all who have no number there: it may be anybody. */
#define UID_OF_NOBODY 65534

enum { SOCKET_PATH_MAX = 107, TLS_NAME_MAX = 255 };

static const char *socket_check(const char *value)
{
	return value[0] == '/' && value[strlen(value) - 1] != '/' ? NULL : "an absolute path";
}

static int group_find(const char *value, gid_t *ret)
{
	const struct group *group;
	int64_t number;

	if (str_to_int64(str_from(value), 0, UINT32_MAX - 1, &number) == 0) {
		*ret = (gid_t)number;
		return 0;
	}
	group = getgrnam(value);
	if (!group)
		return -ENOENT;
	*ret = group->gr_gid;
	return 0;
}

static const char *group_check(const char *value)
{
	gid_t group;

	return group_find(value, &group) == 0 ? NULL : "a group of this machine, by name or number";
}

/* The next word of a list separated by blanks or commas; false: there is none. */
static bool word_take(const char **at, struct str *ret)
{
	const char *from = *at + strspn(*at, " ,");
	size_t len = strcspn(from, " ,");

	*at = from + len;
	*ret = (struct str){ from, len };
	return len > 0;
}

/* The number of them; -EINVAL. */
static int uids_read(const char *value, uid_t ret[TRUST_UIDS_MAX])
{
	struct str word;
	int n = 0;

	while (word_take(&value, &word)) {
		int64_t uid;

		if (n == TRUST_UIDS_MAX || str_to_int64(word, 0, UINT32_MAX - 1, &uid) < 0 || uid == UID_OF_NOBODY)
			return -EINVAL;
		ret[n++] = (uid_t)uid;
	}
	return n > 0 ? n : -EINVAL;
}

static const char *uids_check(const char *value)
{
	uid_t uids[TRUST_UIDS_MAX];

	return uids_read(value, uids) > 0 ? NULL
	                                  : "up to 16 users by number, as 33 1000, and not 65534, which may be anybody";
}

/* The number of them; -EINVAL. */
static int names_read(const char *value, struct str ret[HTTP_TLS_NAMES_MAX])
{
	struct str word;
	int n = 0;

	while (word_take(&value, &word)) {
		if (n == HTTP_TLS_NAMES_MAX || word.len > TLS_NAME_MAX || memchr(word.data, '*', word.len))
			return -EINVAL;
		ret[n++] = word;
	}
	return n > 0 ? n : -EINVAL;
}

static const char *names_check(const char *value)
{
	struct str names[HTTP_TLS_NAMES_MAX];

	return names_read(value, names) > 0 ? NULL : "up to 16 names, as gateway.example CN=gateway, without wildcards";
}

#define SETTING(name_, field_, max_, check_, doc_)                                                                 \
	{                                                                                                          \
		.name = (name_), .type = CONFIG_STRING, .min = 1, .max = (max_), .doc = (doc_), .check = (check_), \
		.offset = offsetof(struct trust_settings, field_)                                                  \
	}

static const struct config_entry entries[] = {
	SETTING("TRUSTED_SOCKET", socket, SOCKET_PATH_MAX, socket_check,
	        "A unix socket to serve on too, for a gateway on this machine that is believed about who asks: there "
	        "X-User-Id, X-User-Role and X-Session-Id stand for a token it has verified. In a folder that nobody "
	        "else may write into; unset: none, and every token is verified here."),
	SETTING("TRUSTED_SOCKET_GROUP", socket_group, 64, group_check,
	        "The group that may connect to it (mode 0660), by name or number; unset: its owner alone (0600)."),
	SETTING("TRUSTED_UIDS", uids, 200, uids_check,
	        "Who may connect to it, by number as the kernel says it: whoever runs as one of them may ask in "
	        "anybody's name. Unset: our own user, and root."),
	SETTING("TRUSTED_LISTEN", listen, 128, settings_check_listen,
	        "Address and port to serve on too, by TLS 1.2 or 1.3, for a gateway on another machine that is "
	        "believed "
	        "in the same way, and known by its certificate. Unset: none."),
	SETTING("TRUSTED_CERTIFICATE_FILE", certificate_file, 1024, NULL,
	        "TRUSTED_LISTEN: our certificate (PEM), with those between it and its authority; its name is what the "
	        "gateway asks for. Files are read once, at the start."),
	SETTING("TRUSTED_KEY_FILE", key_file, 1024, NULL, "TRUSTED_LISTEN: its private key (PEM, without a password)."),
	SETTING("TRUSTED_CA_FILE", ca_file, 1024, NULL,
	        "TRUSTED_LISTEN: the authorities (PEM) that the gateway's certificate may come from: best one for this "
	        "alone."),
	SETTING("TRUSTED_NAMES", names, 1024, names_check,
	        "TRUSTED_LISTEN: whose certificates are taken, up to 16: DNS names or URIs of its subjectAltName, "
	        "CN=x for the common name of its subject; no wildcards. Whoever holds the key of one may ask in "
	        "anybody's "
	        "name."),
};

static const struct config_table table = {
	.title = "Settings of the movie and the user service, to believe the gateway",
	.entries = entries,
	.n_entries = ARRAY_SIZE(entries),
};

const struct config_table *trust_settings_table(void)
{
	return &table;
}

/* All of them or none. */
static const struct {
	const char *name;
	size_t at;
} of_tls[] = {
	{ "TRUSTED_CERTIFICATE_FILE", offsetof(struct trust_settings, certificate_file) },
	{ "TRUSTED_KEY_FILE", offsetof(struct trust_settings, key_file) },
	{ "TRUSTED_CA_FILE", offsetof(struct trust_settings, ca_file) },
	{ "TRUSTED_NAMES", offsetof(struct trust_settings, names) },
};

int trust_settings_check(const struct trust_settings *s, struct buf *ret_error)
{
	int r = 0;

	if (!s->socket && (s->socket_group || s->uids)) {
		buf_adds(ret_error, "TRUSTED_SOCKET_GROUP and TRUSTED_UIDS mean nothing without TRUSTED_SOCKET\n");
		r = -EINVAL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(of_tls); i++) {
		const char *value = *(char *const *)((const char *)s + of_tls[i].at);

		if (!value == !s->listen)
			continue;
		buf_addf(ret_error, value ? "%s means nothing without TRUSTED_LISTEN\n" : "TRUSTED_LISTEN needs %s\n",
		         of_tls[i].name);
		r = -EINVAL;
	}
	return r;
}

static bool named_is_sound(const struct http_user *named)
{
	return identity_is_sound(named->id, named->role, named->session_id);
}

static void socket_init(const struct trust_settings *s, struct trust *t)
{
	int n = 0;

	t->socket = (struct http_trust){ .group = SOCKET_FILE_NO_GROUP, .uids = t->uids, .is_sound = named_is_sound };
	if (s->socket_group && group_find(s->socket_group, &t->socket.group) < 0)
		t->socket.group = SOCKET_FILE_NO_GROUP; /* it was there a moment ago */
	if (s->uids)
		n = uids_read(s->uids, t->uids);
	if (n <= 0) {
		t->uids[0] = geteuid();
		t->uids[1] = 0;
		n = 2;
	}
	t->socket.n_uids = (size_t)n;
	snprintf(t->address, sizeof(t->address), HTTP_UNIX_PREFIX "%s", s->socket);
}

static int tls_init(const struct trust_settings *s, struct trust *t)
{
	static const char *const settings[] = { "TRUSTED_CERTIFICATE_FILE", "TRUSTED_KEY_FILE", "TRUSTED_CA_FILE" };
	const char *const files[] = { s->certificate_file, s->key_file, s->ca_file };
	struct http_tls_options options = {
		.certificate_file = s->certificate_file,
		.key_file = s->key_file,
		.ca_file = s->ca_file,
	};
	enum http_tls_file which = HTTP_TLS_CERTIFICATE;
	const char *reason = "there is no memory for it";
	int r = names_read(s->names, options.names);

	assert(r > 0);
	options.n_names = (size_t)r;
	r = http_tls_new(&options, &t->files, &which, &reason);
	if (r < 0)
		log_alert("a file for TRUSTED_LISTEN is no good", LOG_STR("setting", settings[which]),
		          LOG_STR("file", files[which]), LOG_STR("reason", reason), LOG_ERR(r));
	t->tls = (struct http_trust){ .tls = t->files, .is_sound = named_is_sound };
	return r;
}

int trust_init(const struct trust_settings *s, struct trust *t)
{
	*t = (struct trust){ 0 };
	if (s->socket)
		socket_init(s, t);
	return s->listen ? tls_init(s, t) : 0;
}

void trust_done(struct trust *t)
{
	http_tls_free(&t->files);
}
