/* For the files of tables in this room (messages.c, messages_parts.c, question_messages.c): how a row is written. */
#ifndef CINESYNC_MOVIE_MESSAGE_FIELDS_H
#define CINESYNC_MOVIE_MESSAGE_FIELDS_H

#include "movie/catalogue.h"

/* A row; what else it needs (.min, .max, .schema …) follows. */
#define FIELD(in, name_, type_, flags_, doc_, example_, ...)                                              \
	{                                                                                                 \
		.name = #name_, .type = (type_), .flags = (flags_), .offset = offsetof(struct in, name_), \
		.doc = (doc_), .example = (example_), __VA_ARGS__                                         \
	}

/* Flags of what every reply has, and of what it has but may not know. */
#define GIVEN SCHEMA_REQUIRED
#define OR_NULL (SCHEMA_REQUIRED | SCHEMA_NULLABLE)

#define TEXT_OR_NULL(in, name_, max_, doc_, example_) \
	FIELD(in, name_, SCHEMA_STRING, OR_NULL, doc_, example_, .max = (max_))
#define WORD(in, name_, max_, doc_, example_) \
	FIELD(in, name_, SCHEMA_STRING, GIVEN, doc_, example_, .min = 1, .max = (max_))
#define URL(in, name_, flags_, doc_, example_) FIELD(in, name_, SCHEMA_URI, flags_, doc_, example_, .max = 500)
#define COUNT_OR_NULL(in, name_, max_, doc_, example_) \
	FIELD(in, name_, SCHEMA_INT, OR_NULL, doc_, example_, .min = 0, .max = (max_))
#define ID(in, name_, flags_, doc_, example_) \
	FIELD(in, name_, SCHEMA_INT, flags_, doc_, example_, .min = 1, .max = INT32_MAX)
/* A list of messages; null where the flags allow it. */
#define LIST(in, name_, flags_, schema_, max_, doc_) \
	FIELD(in, name_, SCHEMA_ARRAY, flags_, doc_, NULL, .schema = &(schema_), .max = (max_))
#define STRINGS(in, name_, max_, doc_, example_) \
	FIELD(in, name_, SCHEMA_ARRAY, GIVEN, doc_, example_, .item = SCHEMA_STRING, .max = (max_))
#define PART_OR_NULL(in, name_, schema_, doc_) \
	FIELD(in, name_, SCHEMA_OBJECT, OR_NULL, doc_, NULL, .schema = &(schema_))
#define COUNTRY_OR_NULL(in, name_, doc_, example_) FIELD(in, name_, SCHEMA_REGION, OR_NULL, doc_, example_, )

#define MOVIE_ID(in)                                                                                             \
	ID(in, id, GIVEN, "TMDB's id of the film; films of the built-in catalogue have ids from 1000000001 on.", \
	   "1000001429")
#define SOURCE(in)                                                                                                \
	FIELD(in, source, SCHEMA_ENUM, GIVEN,                                                                     \
	      "Where the answer comes from: builtin, the built-in catalogue; tmdb; or local, films seen at TMDB " \
	      "before, "                                                                                          \
	      "while it is away.",                                                                                \
	      "\"builtin\"", .values = movie_sources)

/* The names of the sources. */
extern const char *const movie_sources[];

#endif
