/* Key files: a private JWK each, kept as base/secret_file.h keeps secrets. All calls here block on the disk; they
 * belong to the start of a process. */
#include "base/secret_file.h"
#include "token/token_internal.h"

#include <errno.h>

static void wiped_done(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_done(b);
}

int token_key_load(const char *path, struct token_key **ret)
{
	struct buf text CLEANUP(wiped_done);
	int r;

	buf_init(&text, SECRET_FILE_SIZE_MAX);
	r = secret_file_read(path, &text);
	return r < 0 ? r : token_key_parse(buf_str(&text), ret);
}

static int key_create(const char *path)
{
	struct buf text CLEANUP(wiped_done);
	int r;

	buf_init(&text, SECRET_FILE_SIZE_MAX);
	r = token_key_generate(&text);
	return r < 0 ? r : secret_file_make(path, buf_str(&text));
}

int token_key_load_or_create(const char *path, struct token_key **ret)
{
	int r = token_key_load(path, ret);

	if (r != -ENOENT)
		return r;
	r = key_create(path);
	if (r < 0)
		return r;
	return token_key_load(path, ret);
}
