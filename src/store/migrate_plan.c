/* Puts the files of the program beside the rows of schema_migrations. Everything made here lives in the caller's arena.
 * Limit: the files compiled in, and STORE_ROWS_MAX rows. */
#include "store/migrate_plan.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#define VERSION_MAX 999999999

static void checksum_of(struct str text, char ret[MIGRATE_CHECKSUM_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	int ok = EVP_Digest(text.data, text.len, digest, &len, EVP_sha256(), NULL);

	assert(ok == 1 && len * 2 + 1 == MIGRATE_CHECKSUM_SIZE);
	for (unsigned i = 0; i < len; i++)
		(void)snprintf(ret + (size_t)i * 2, 3, "%02x", digest[i]);
}

static struct migration *plan_find(const struct migrate_plan *p, int64_t version)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->items[i].version == version)
			return &p->items[i];
	return NULL;
}

static struct migration *plan_add(struct migrate_plan *p, int64_t version, struct str name)
{
	struct migration *m = plan_find(p, version);

	if (m)
		return str_equal(m->name, name) ? m : NULL;
	m = &p->items[p->n++];
	*m = (struct migration){ .version = version, .name = name };
	return m;
}

/* "0001_users" */
static int stem_parse(struct str stem, int64_t *ret_version, struct str *ret_name)
{
	ptrdiff_t line = str_index(stem, '_', 0);
	struct str digits;

	if (line < 4 || (size_t)line + 1 == stem.len)
		return -EINVAL;
	digits = str_slice(stem, 0, (size_t)line);
	while (digits.len > 1 && digits.data[0] == '0')
		digits = str_slice(digits, 1, digits.len);
	*ret_name = str_slice(stem, (size_t)line + 1, stem.len);
	return str_to_int64(digits, 1, VERSION_MAX, ret_version);
}

static int plan_add_file(struct migrate_plan *p, const struct embedded_file *file)
{
	struct str name = str_from(file->name);
	bool is_up = str_ends(name, STR(".up.sql"));
	struct str stem = str_slice(name, 0, name.len - (is_up ? strlen(".up.sql") : strlen(".down.sql")));
	struct migration *m;
	struct str *script;
	int64_t version;
	int r;

	if (!is_up && !str_ends(name, STR(".down.sql")))
		return -EINVAL;
	r = stem_parse(stem, &version, &name);
	if (r < 0)
		return -EINVAL;
	m = plan_add(p, version, name);
	if (!m)
		return -EINVAL;
	script = is_up ? &m->up : &m->down;
	if (!str_is_null(*script))
		return -EINVAL;
	*script = file->data;
	if (is_up)
		checksum_of(m->up, m->checksum);
	return 0;
}

static int plan_add_files(struct migrate_plan *p, const struct migrations *m, struct store_words *words)
{
	for (size_t i = 0; i < m->n_files; i++) {
		if (plan_add_file(p, &m->files[i]) == 0)
			continue;
		store_words_set(words,
		                "the migration file \"%s\" is not named NNNN_words.up.sql or .down.sql, or is twice",
		                m->files[i].name);
		return -EINVAL;
	}
	for (size_t i = 0; i < p->n; i++) {
		if (!str_is_null(p->items[i].up))
			continue;
		store_words_set(words, "migration %lld has no up file", (long long)p->items[i].version);
		return -EINVAL;
	}
	return 0;
}

static void plan_add_row(struct migrate_plan *p, const struct store_rows *rows, size_t row)
{
	int64_t version = store_int(rows, row, 0);
	struct migration *m = plan_find(p, version);

	if (!m) {
		m = plan_add(p, version, store_text(rows, row, 1));
		m->state = MIGRATION_UNKNOWN;
	} else {
		bool is_same = str_equal(str_from(m->checksum), store_text(rows, row, 2));

		m->state = is_same ? MIGRATION_APPLIED : MIGRATION_ALTERED;
		m->is_foreign = !str_equal(m->name, store_text(rows, row, 1));
	}
	m->applied_at_ms = store_int(rows, row, 3);
}

static int by_version(const void *a, const void *b)
{
	int64_t left = ((const struct migration *)a)->version;
	int64_t right = ((const struct migration *)b)->version;

	return (left > right) - (left < right);
}

int migrate_plan_make(const struct migrations *m, const struct store_rows *rows, struct arena *a,
                      struct store_words *words, struct migrate_plan *ret)
{
	struct migrate_plan p = { 0 };
	int r;

	p.items = arena_array(a, m->n_files + rows->n, sizeof(*p.items));
	if (!p.items) {
		store_words_set(words, "out of memory");
		return -ENOMEM;
	}
	r = plan_add_files(&p, m, words);
	if (r < 0)
		return r;
	for (size_t i = 0; i < rows->n; i++)
		plan_add_row(&p, rows, i);
	qsort(p.items, p.n, sizeof(*p.items), by_version);
	*ret = p;
	return 0;
}

static int misfit(const struct migration *m, const char *what, struct store_words *words)
{
	store_words_set(words, "migration %04lld \"%.*s\" %s", (long long)m->version, STR_ARGS(m->name), what);
	return -EBADMSG;
}

int migrate_plan_check(const struct migrate_plan *p, struct store_words *words)
{
	const struct migration *pending = NULL;

	for (size_t i = 0; i < p->n; i++) {
		const struct migration *m = &p->items[i];

		if (m->state == MIGRATION_UNKNOWN)
			return misfit(m, "is in the database but not in this program: is the program too old?", words);
		if (m->is_foreign)
			return misfit(m, "has another name in the database: is that another service's?", words);
		if (m->state == MIGRATION_ALTERED)
			return misfit(m, "has another text than when it was applied", words);
		if (m->state == MIGRATION_APPLIED && pending)
			return misfit(pending, "is not applied, but a later one is: out of order", words);
		if (m->state == MIGRATION_PENDING && !pending)
			pending = m;
	}
	return 0;
}
