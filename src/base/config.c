/* Reads settings from the environment into the struct of a service, by its table. The struct owns the strings until
 * config_done(). Blocks while it reads secret files, so it belongs to the start of a program. Collects every fault
 * before it gives up, so that an operator mends them all in one go.
 * Limits: CONFIG_STRING_MAX bytes a string where the table says nothing. */
#include "base/config.h"

#include "base/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define CONFIG_STRING_MAX 4096
#define SHOWN_MAX 64 /* bytes of a bad value that its fault line shows */

static void *entry_at(const struct config_entry *entry, void *values)
{
	return (char *)values + entry->offset;
}

static bool entry_is_text(const struct config_entry *entry)
{
	return entry->type == CONFIG_STRING || entry->type == CONFIG_SECRET;
}

static size_t entry_len_max(const struct config_entry *entry)
{
	return entry->max > 0 ? (size_t)entry->max : CONFIG_STRING_MAX;
}

static void add_shown(struct buf *error, struct str value)
{
	bool whole = value.len <= SHOWN_MAX;

	buf_add_json(error, str_slice(value, 0, SHOWN_MAX));
	if (!whole)
		buf_adds(error, "...");
}

static void add_allowed(struct buf *error, const struct config_entry *entry)
{
	switch (entry->type) {
	case CONFIG_INT:
		buf_addf(error, "a whole number from %" PRId64 " to %" PRId64, entry->min, entry->max);
		if (entry->unit)
			buf_addf(error, " (%s)", entry->unit);
		break;
	case CONFIG_BOOL:
		buf_adds(error, "true or false (or yes/no, on/off, 1/0)");
		break;
	case CONFIG_ENUM:
		buf_adds(error, "one of");
		for (size_t i = 0; entry->values[i]; i++)
			buf_addf(error, "%s %s", i > 0 ? "," : "", entry->values[i]);
		break;
	case CONFIG_STRING:
	case CONFIG_SECRET:
		buf_addf(error, "%" PRId64 " to %zu bytes", entry->min, entry_len_max(entry));
		break;
	}
}

static int fault_value(const struct config_entry *entry, struct str value, struct buf *error)
{
	buf_addf(error, "%s: ", entry->name);
	if (entry_is_text(entry))
		buf_addf(error, "has %zu bytes", value.len);
	else
		add_shown(error, value);
	buf_adds(error, entry_is_text(entry) ? ", allowed are " : " is not ");
	add_allowed(error, entry);
	buf_addc(error, '\n');
	return -EINVAL;
}

static int set_bool(struct str value, bool *ret)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on", "0", "1" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (str_equal_nocase(value, str_from(words[i]))) {
			*ret = i % 2 == 1;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_enum(const struct config_entry *entry, struct str value, int *ret)
{
	for (int i = 0; entry->values[i]; i++) {
		if (str_equal_nocase(value, str_from(entry->values[i]))) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_text(const struct config_entry *entry, struct str value, char **ret)
{
	if ((int64_t)value.len < entry->min || value.len > entry_len_max(entry))
		return -EINVAL;
	*ret = fault_hit("alloc") ? NULL : strndup(value.data, value.len);
	return *ret ? 0 : -ENOMEM;
}

/* 0, -EINVAL: not what the table allows, -ENOMEM. */
static int entry_set(const struct config_entry *entry, struct str value, void *values)
{
	void *at = entry_at(entry, values);

	switch (entry->type) {
	case CONFIG_INT:
		return str_to_int64(value, entry->min, entry->max, at) < 0 ? -EINVAL : 0;
	case CONFIG_BOOL:
		return set_bool(value, at);
	case CONFIG_ENUM:
		return set_enum(entry, value, at);
	case CONFIG_STRING:
	case CONFIG_SECRET:
		return set_text(entry, value, at);
	}
	return -EINVAL;
}

static int text_check(const struct config_entry *entry, struct str value, void *values, struct buf *error)
{
	const char *wanted = entry->check ? entry->check(*(char **)entry_at(entry, values)) : NULL;

	if (!wanted)
		return 0;
	buf_addf(error, "%s: ", entry->name);
	if (entry->type == CONFIG_SECRET)
		buf_adds(error, "it");
	else
		add_shown(error, value);
	buf_addf(error, " is not %s\n", wanted);
	return -EINVAL;
}

static int entry_use(const struct config_entry *entry, struct str value, void *values, struct buf *error)
{
	int r = entry_set(entry, value, values);

	if (r == -EINVAL)
		return fault_value(entry, value, error);
	return r == 0 && entry_is_text(entry) ? text_check(entry, value, values, error) : r;
}

static void entry_clear(const struct config_entry *entry, void *values)
{
	void *at = entry_at(entry, values);

	switch (entry->type) {
	case CONFIG_INT:
		*(int64_t *)at = 0;
		break;
	case CONFIG_BOOL:
		*(bool *)at = false;
		break;
	case CONFIG_ENUM:
		*(int *)at = 0;
		break;
	case CONFIG_STRING:
	case CONFIG_SECRET:
		*(char **)at = NULL;
		break;
	}
}

/* Up to size bytes of the file. */
static int file_read(const char *path, char *to, size_t size, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	while (n != 0 && len < size && r == 0) {
		n = read(fd, to + len, size - len);
		if (n > 0)
			len += (size_t)n;
		else if (n < 0 && errno != EINTR)
			r = -errno;
	}
	close(fd);
	if (r == 0)
		*ret_len = len;
	return r;
}

static int fault_file(const struct config_entry *entry, const char *path, const char *why, struct buf *error)
{
	buf_addf(error, "%s_FILE: ", entry->name);
	add_shown(error, str_from(path));
	buf_addf(error, ": %s\n", why);
	return -EINVAL;
}

static int secret_from_bytes(const struct config_entry *entry, const char *path, struct str value, void *values,
                             struct buf *error)
{
	if (str_ends(value, STR("\n")))
		value.len--;
	if (value.len == 0)
		return fault_file(entry, path, "the file is empty", error);
	if (str_index(value, '\0', 0) >= 0)
		return fault_file(entry, path, "the file holds a NUL byte", error);
	return entry_use(entry, value, values, error);
}

static int secret_from_file(const struct config_entry *entry, const char *path, void *values, struct buf *error)
{
	/* The newline, and one byte more that tells a file too long. */
	size_t size = entry_len_max(entry) + 2;
	char *bytes = fault_hit("alloc") ? NULL : malloc(size);
	size_t len = 0;
	int r;

	if (!bytes)
		return -ENOMEM;
	r = file_read(path, bytes, size, &len);
	if (r < 0)
		r = fault_file(entry, path, strerrordesc_np(-r), error);
	else
		r = secret_from_bytes(entry, path, (struct str){ bytes, len }, values, error);
	explicit_bzero(bytes, size);
	free(bytes);
	return r;
}

/* The environment variable NAME or NAME_FILE; NULL when it is unset or empty. */
static const char *environment(const char *name, const char *suffix)
{
	char full[256];
	const char *value;
	int n = snprintf(full, sizeof(full), "%s%s", name, suffix);

	assert(n > 0 && (size_t)n < sizeof(full));
	value = getenv(full);
	return value && *value ? value : NULL;
}

static int entry_load(const struct config_entry *entry, void *values, struct buf *error)
{
	const char *value = environment(entry->name, "");
	const char *path = entry->type == CONFIG_SECRET ? environment(entry->name, "_FILE") : NULL;

	if (value && path) {
		buf_addf(error, "%s: set it or %s_FILE, not both\n", entry->name, entry->name);
		return -EINVAL;
	}
	if (path)
		return secret_from_file(entry, path, values, error);
	if (value)
		return entry_use(entry, str_from(value), values, error);
	if (entry->def) {
		int r = entry_set(entry, str_from(entry->def), values);

		assert(r != -EINVAL);
		return r;
	}
	return 0;
}

int config_load(const struct config_table *table, void *values, struct buf *ret_error)
{
	int first = 0;

	for (size_t i = 0; i < table->n_entries; i++)
		entry_clear(&table->entries[i], values);
	for (size_t i = 0; i < table->n_entries; i++) {
		int r = entry_load(&table->entries[i], values, ret_error);

		if (r == -ENOMEM)
			buf_addf(ret_error, "%s: out of memory\n", table->entries[i].name);
		if (r < 0 && first == 0)
			first = r;
	}
	if (first < 0)
		config_done(table, values);
	return first;
}

void config_done(const struct config_table *table, void *values)
{
	for (size_t i = 0; i < table->n_entries; i++) {
		const struct config_entry *entry = &table->entries[i];

		if (entry_is_text(entry)) {
			char *text = *(char **)entry_at(entry, values);

			if (text && entry->type == CONFIG_SECRET)
				explicit_bzero(text, strlen(text));
			free(text);
		}
		entry_clear(entry, values);
	}
}
