/* The path of a walk through a message. Owns nothing; a walk lives on the stack of schema_parse() and its kin. The
 * texts of a violation are copied into the arena, so that they outlive the input. */
#include "schema/walk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define VIOLATIONS_FIRST 4 /* room made for at first; a power of two */
#define NAME_SIZE_MAX 128  /* of a name somebody sent us, as shown back */

void violations_init(struct violations *v, struct arena *a)
{
	*v = (struct violations){ .arena = a };
}

/* Doubles the list when it is full. */
static bool violations_grow(struct violations *v)
{
	bool is_full = v->n == 0 || (v->n >= VIOLATIONS_FIRST && (v->n & (v->n - 1)) == 0);
	struct violation *items;

	if (!is_full)
		return true;
	items = arena_array(v->arena, v->n ? v->n * 2 : VIOLATIONS_FIRST, sizeof(*items));
	if (!items)
		return false;
	if (v->n)
		memcpy(items, v->items, v->n * sizeof(*items));
	v->items = items;
	return true;
}

/* Room for one more; NULL: the limit is reached or the arena is full, and the violation is only counted. */
static struct violation *violations_push(struct violations *v)
{
	if (v->n >= VIOLATIONS_MAX || !violations_grow(v)) {
		v->dropped++;
		return NULL;
	}
	return memset(&v->items[v->n++], 0, sizeof(v->items[0]));
}

/* Cut between two code points. */
static struct str name_shown(struct arena *a, struct str name)
{
	size_t len = MIN(name.len, (size_t)NAME_SIZE_MAX);

	while (len < name.len && len > 0 && ((unsigned char)name.data[len] & 0xc0) == 0x80)
		len--;
	return arena_str(a, str_slice(name, 0, len));
}

static void violation_locate(struct violation *to, struct arena *a, const struct walk_step *steps, size_t n)
{
	to->n_loc = MIN(n, ARRAY_SIZE(to->loc));
	for (size_t i = 0; i < to->n_loc; i++) {
		to->loc_is_index[i] = str_is_null(steps[i].name);
		if (to->loc_is_index[i])
			to->loc[i] = arena_printf(a, "%zu", steps[i].index);
		else
			to->loc[i] = name_shown(a, steps[i].name);
	}
}

PRINTF_LIKE(5, 0)
static void violations_add_at(struct violations *v, const struct walk_step *steps, size_t n, const char *type,
                              const char *fmt, va_list ap)
{
	struct violation *to = violations_push(v);
	char *text = NULL;
	int len;

	if (!to)
		return;
	violation_locate(to, v->arena, steps, n);
	to->type = type;
	len = vasprintf(&text, fmt, ap);
	if (len < 0)
		return;
	to->msg = arena_str(v->arena, (struct str){ text, (size_t)len });
	free(text);
}

void violations_add(struct violations *v, const char *where, const char *field, const char *type, const char *fmt, ...)
{
	struct walk_step steps[] = { { .name = str_from(where) }, { .name = str_from(field) } };
	va_list ap;

	va_start(ap, fmt);
	violations_add_at(v, steps, field ? 2 : 1, type, fmt, ap);
	va_end(ap);
}

static void violation_write(const struct violation *item, struct buf *out)
{
	buf_adds(out, "{\"loc\":[");
	for (size_t i = 0; i < item->n_loc; i++) {
		if (i > 0)
			buf_addc(out, ',');
		if (item->loc_is_index[i] && item->loc[i].data)
			buf_add_str(out, item->loc[i]);
		else
			buf_add_json(out, item->loc[i]);
	}
	buf_adds(out, "],\"msg\":");
	buf_add_json(out, item->msg.data ? item->msg : STR("Invalid"));
	buf_adds(out, ",\"type\":");
	buf_add_json(out, str_from(item->type));
	buf_addc(out, '}');
}

void violations_write(const struct violations *v, struct buf *out)
{
	buf_addc(out, '[');
	for (size_t i = 0; i < v->n; i++) {
		if (i > 0)
			buf_addc(out, ',');
		violation_write(&v->items[i], out);
	}
	buf_addc(out, ']');
}

void walk_init(struct walk *w, struct arena *a, struct violations *v, const char *where)
{
	*w = (struct walk){ .arena = a, .violations = v };
	walk_enter(w, str_from(where));
}

static void walk_push(struct walk *w, struct walk_step step)
{
	if (w->depth < ARRAY_SIZE(w->steps))
		w->steps[w->depth] = step;
	w->depth++;
}

void walk_enter(struct walk *w, struct str name)
{
	walk_push(w, (struct walk_step){ .name = name });
}

void walk_enter_index(struct walk *w, size_t index)
{
	walk_push(w, (struct walk_step){ .index = index });
}

void walk_leave(struct walk *w)
{
	assert(w->depth > 0);
	w->depth--;
}

int walk_fault(struct walk *w, const char *type, const char *fmt, ...)
{
	va_list ap;

	w->n_faults++;
	if (!w->violations)
		return -EINVAL;
	va_start(ap, fmt);
	violations_add_at(w->violations, w->steps, MIN(w->depth, ARRAY_SIZE(w->steps)), type, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

int walk_result(const struct walk *w, int r)
{
	return r == -EINVAL && w->violations->n == 0 ? -ENOMEM : r;
}
