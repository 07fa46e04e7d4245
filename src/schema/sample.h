/* For tests: a message with a field of every type and flag, random values of it, and the property that any input must
 * keep. Other rooms fill their own messages. */
#ifndef CINESYNC_SCHEMA_SAMPLE_H
#define CINESYNC_SCHEMA_SAMPLE_H

#include "schema/schema.h"

struct sample_inner {
	int64_t id;
	struct str label;
	struct schema_number score;
	struct sample_inner *next;
};

struct sample {
	uint64_t present;
	bool flag;
	struct schema_bool flag_optional;
	struct schema_bool flag_nullable;
	int64_t count;
	int64_t count_default;
	struct schema_int count_boxed_default;
	struct schema_int count_nullable;
	double ratio;
	struct schema_number ratio_optional;
	struct str text;
	struct str text_optional;
	struct str text_nullable;
	struct str text_default;
	struct str text_trimmed;
	struct str text_lines;
	struct str code;
	struct str secret;
	struct str email;
	struct str uuid;
	struct str date;
	struct str datetime;
	struct str uri;
	struct str language;
	struct str region;
	struct str colour;
	struct str colour_nullable;
	struct str any;
	struct sample_inner *inner;
	struct sample_inner *inner_nullable;
	struct schema_array flags;
	struct schema_array counts;
	struct schema_array ratios;
	struct schema_array texts_nullable;
	struct schema_array colours;
	struct schema_array inners;
};

extern const struct schema sample_schema;

/* splitmix64 (Steele, Lea, Flood, 2014). */
struct sample_random {
	uint64_t state;
};
uint64_t sample_next(struct sample_random *random);
/* In [0, bound); bound > 0. */
size_t sample_below(struct sample_random *random, size_t bound);

/* A random right value of sample_schema, in the arena. */
void sample_fill(struct sample_random *random, struct arena *a, struct sample *ret);
/* The same of another message without patterns, its strings and lists kept short. */
void sample_fill_message(struct sample_random *random, struct arena *a, const struct schema *s, void *ret);
/* Every field alike, whatever the pointers. */
bool sample_equal(const struct schema *s, const void *a, const void *b);

/* Parses the text, strictly, leniently and tolerantly. What is taken must pass schema_check(), and come back the same
 * from writing and parsing; what one of them takes, the more tolerant ones take. false: the property is broken;
 * *ret_taken says whether the strict parser took it. */
bool sample_holds(struct str text, struct arena *a, bool *ret_taken);

#endif
