/* Inside the schema room: where a reader or a checker stands in a message, and the violations it has found. */
#ifndef CINESYNC_SCHEMA_WALK_H
#define CINESYNC_SCHEMA_WALK_H

#include "schema/schema.h"

#define VIOLATIONS_MAX 100 /* listed; more are counted */
#define WALK_DEPTH_MAX 32  /* levels of a message; a location shows the first 8 */

struct walk_step {
	struct str name; /* null: a list item */
	size_t index;
};

struct walk {
	struct arena *arena;
	struct violations *violations; /* NULL: faults are counted, not told */
	bool lenient;                  /* unknown fields are ignored */
	size_t n_faults;               /* violations found in this walk */
	size_t depth;                  /* steps taken; those over ARRAY_SIZE(steps) are counted, not kept */
	struct walk_step steps[8];
};

/* Starts at [where]. */
void walk_init(struct walk *w, struct arena *a, struct violations *v, const char *where);
/* Every enter is matched by a leave. The name must live until then. */
void walk_enter(struct walk *w, struct str name);
void walk_enter_index(struct walk *w, size_t index);
void walk_leave(struct walk *w);
/* Notes a violation here. Gives -EINVAL, to be returned. */
int walk_fault(struct walk *w, const char *type, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* What the whole walk answers: r, but -ENOMEM when there was no room to say what is wrong. */
int walk_result(const struct walk *w, int r) MUST_CHECK;

#endif
