/* A few texts, looked through one after another: comparing them costs less than the signature they are for. */
#include "gateway/key_texts.h"

#include <errno.h>
#include <stdlib.h>

#define KEY_TEXTS_MAGIC 0x6b746578

struct entry {
	char *text; /* NULL: none yet */
	size_t len;
	struct token_verifier *verifier; /* NULL: the text is no key set */
	uint64_t asked;
};

struct key_texts {
	unsigned magic;
	struct token_policy policy;
	uint64_t asked; /* how often */
	struct entry entries[KEY_TEXTS_MAX];
};

int key_texts_new(const struct token_policy *policy, struct key_texts **ret)
{
	struct key_texts *t = calloc(1, sizeof(*t));

	assert(policy && ret);
	if (!t)
		return -ENOMEM;
	t->magic = KEY_TEXTS_MAGIC;
	t->policy = *policy;
	*ret = t;
	return 0;
}

static void entry_empty(struct entry *e)
{
	token_verifier_free(&e->verifier);
	free(e->text);
	*e = (struct entry){ 0 };
}

void key_texts_free(struct key_texts **t)
{
	if (!t || !*t)
		return;
	assert((*t)->magic == KEY_TEXTS_MAGIC);
	for (size_t i = 0; i < KEY_TEXTS_MAX; i++)
		entry_empty(&(*t)->entries[i]);
	(*t)->magic = 0;
	free(*t);
	*t = NULL;
}

/* The text's; else the one to be overwritten. */
static struct entry *entry_find(struct key_texts *t, struct str text, bool *ret_is_found)
{
	struct entry *oldest = &t->entries[0];

	*ret_is_found = true;
	for (size_t i = 0; i < KEY_TEXTS_MAX; i++) {
		struct entry *e = &t->entries[i];

		if (e->text && e->len == text.len && memcmp(e->text, text.data, text.len) == 0)
			return e;
		if (e->asked < oldest->asked)
			oldest = e;
	}
	*ret_is_found = false;
	return oldest;
}

static int verifier_make(const struct key_texts *t, struct str text, struct token_verifier **ret)
{
	struct token_keyset *set = NULL;
	int r = token_keyset_parse(text, &set);

	return r < 0 ? r : token_verifier_new(&set, &t->policy, ret);
}

static int entry_fill(const struct key_texts *t, struct entry *e, struct str text)
{
	int r;

	entry_empty(e);
	e->text = malloc(text.len);
	if (!e->text)
		return -ENOMEM;
	memcpy(e->text, text.data, text.len);
	e->len = text.len;
	r = verifier_make(t, text, &e->verifier);
	if (r < 0 && r != -EINVAL)
		entry_empty(e);
	return r;
}

int key_texts_get(struct key_texts *t, struct str text, struct token_verifier **ret, bool *ret_is_new)
{
	struct entry *e;
	bool is_found;
	int r = 0;

	assert(t && t->magic == KEY_TEXTS_MAGIC && ret && ret_is_new);
	*ret_is_new = false;
	if (text.len == 0)
		return -EINVAL;
	if (text.len > TOKEN_JWKS_SIZE_MAX)
		return -EFBIG;
	e = entry_find(t, text, &is_found);
	if (!is_found)
		r = entry_fill(t, e, text);
	if (r < 0 && r != -EINVAL)
		return r;
	*ret_is_new = !is_found;
	e->asked = ++t->asked;
	*ret = e->verifier;
	return e->verifier ? 0 : -EINVAL;
}
