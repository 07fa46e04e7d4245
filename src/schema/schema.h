/* Typed messages: one field table gives strict parsing into a C struct with every violation listed, serialising, and
 * the OpenAPI 3.1 component.
 *
 *   struct favourite_create { int64_t movie_id; };
 *   static const struct schema_field favourite_create_fields[] = {
 *           { .name = "movie_id", .type = SCHEMA_INT, .flags = SCHEMA_REQUIRED, .min = 1, .max = INT32_MAX,
 *             .offset = offsetof(struct favourite_create, movie_id), .doc = "TMDB id of the film.", .example = "550" },
 *   };
 *   const struct schema favourite_create_schema = SCHEMA("FavoriteCreate", struct favourite_create,
 *           favourite_create_fields, "A film to add to the favourites.");
 *
 * How a type lies in the struct:
 *   BOOL bool | INT int64_t | NUMBER double | STRING and all string-like types struct str (null: .data == NULL) |
 *   OBJECT pointer to the sub-struct (NULL: null) | ARRAY struct schema_array.
 *   A BOOL, INT or NUMBER that is NULLABLE or optional without a default lies as struct schema_bool/_int/_number.
 * Strings, sub-structs and lists live in the arena given to the parser; the tables are constants and live for ever.
 * Everything is bounded: 32 levels, 64 fields, 100 violations, 65,536 code points, 1,000 items unless a field says
 * otherwise. Thread-safe as long as arenas and violations are not shared. */
#ifndef CINESYNC_SCHEMA_SCHEMA_H
#define CINESYNC_SCHEMA_SCHEMA_H

#include "base/arena.h"
#include "base/buf.h"

enum schema_type {
	SCHEMA_BOOL = 1,
	SCHEMA_INT,
	SCHEMA_NUMBER,
	SCHEMA_STRING,
	SCHEMA_EMAIL,    /* RFC 5321 mailbox as practice has it, IDN domains allowed: see schema/email.h */
	SCHEMA_UUID,     /* kept in lower case */
	SCHEMA_DATE,     /* YYYY-MM-DD */
	SCHEMA_DATETIME, /* RFC 3339 */
	SCHEMA_URI,      /* absolute http or https */
	SCHEMA_LANGUAGE, /* BCP 47 tag, well-formed (RFC 5646) */
	SCHEMA_REGION,   /* ISO 3166-1 alpha-2, upper case */
	SCHEMA_ENUM,     /* a string out of .values; lies as struct str */
	SCHEMA_OBJECT,   /* .schema */
	SCHEMA_ARRAY,    /* of .item (a scalar type) or of .schema objects */
	SCHEMA_ANY,      /* JSON kept as text: struct str with valid JSON (replies only: schema documents, details) */
};

enum {
	SCHEMA_REQUIRED = 1 << 0,
	SCHEMA_NULLABLE = 1 << 1,
	SCHEMA_SECRET = 1 << 2,        /* never echoed in a violation, writeOnly in the document */
	SCHEMA_NUL_OK = 1 << 3,        /* U+0000 allowed in the string */
	SCHEMA_TRIM = 1 << 4,          /* Unicode white space at both ends removed before checking */
	SCHEMA_MULTILINE = 1 << 5,     /* \n \r \t allowed; otherwise any control character is a violation */
	SCHEMA_OPTIONAL_TYPE = 1 << 6, /* lies as struct schema_bool/_int/_number though it has a default */
	SCHEMA_BY_NAME = 1 << 7, /* schema_parse_tolerant() only: the list of objects is sent as one object; the name
	                          * of each member is the item's first field, a string-like one */
};

struct schema_bool {
	bool is_set;
	bool value;
};
struct schema_int {
	bool is_set;
	int64_t value;
};
struct schema_number {
	bool is_set;
	double value;
};
struct schema_array {
	size_t n;
	void *items; /* n structs, or n of the scalar's type, back to back */
};

struct schema;

struct schema_field {
	const char *name;
	enum schema_type type;
	unsigned flags;
	int64_t min; /* INT, NUMBER: least value; strings: least length in code points; ARRAY: least items */
	int64_t max; /* likewise; min == max == 0: no range for numbers, 0..65,536 code points, 0..1,000 items */
	const char *pattern; /* POSIX extended regular expression for the whole string, also an ECMA one; outside ASCII
	                      * it sees bytes. Of a list: for each item */
	const char *const *values;   /* ENUM; NULL-terminated */
	const char *def;             /* as JSON text ("1", "\"en-US\"", "false"); used when absent */
	enum schema_type item;       /* ARRAY of scalars */
	const struct schema *schema; /* OBJECT, ARRAY of objects */
	size_t offset;
	const char *doc;
	const char *example; /* JSON text */
};

struct schema {
	const char *name; /* OpenAPI component name */
	const char *doc;
	const struct schema_field *fields; /* at most 64 */
	size_t n_fields;
	size_t size;           /* of the struct */
	size_t present_offset; /* of a uint64_t: bit i is set when field i was in the input; SIZE_MAX: not wanted */
	/* Rules over several fields, run when every field is right: 0, or -EINVAL with the field (or NULL) and the
	 * message. May be NULL. */
	int (*check)(const void *value, struct arena *a, const char **ret_field, const char **ret_message);
};

#define SCHEMA(name_, type_, fields_, doc_)                                                           \
	{                                                                                             \
		.name = (name_), .doc = (doc_), .fields = (fields_), .n_fields = ARRAY_SIZE(fields_), \
		.size = sizeof(type_), .present_offset = SIZE_MAX                                     \
	}

/* ---- violations ---- */

struct violation {
	struct str loc[8]; /* "body", "items", "3", "email" */
	bool loc_is_index[8];
	size_t n_loc;     /* what lies deeper than 8 is not shown */
	const char *type; /* FastAPI/Pydantic word: missing, string_too_short, extra_forbidden, json_invalid … */
	struct str msg;   /* as Pydantic words it; never repeats the value */
};

struct violations {
	struct arena *arena;
	struct violation *items;
	size_t n;       /* listed */
	size_t dropped; /* over the limit of 100 */
};

void violations_init(struct violations *v, struct arena *a);
/* Adds one with loc = [where, field]; field may be NULL. */
void violations_add(struct violations *v, const char *where, const char *field, const char *type, const char *fmt, ...)
        PRINTF_LIKE(5, 6);
/* The RFC 9457 extension member "errors": a JSON array [{"loc":[…],"msg":"…","type":"…"}]. */
void violations_write(const struct violations *v, struct buf *out);

/* ---- reading ---- */

/* JSON text to struct. Everything wrong with it is listed under loc ["body", …], one violation a value, in the order of
 * the table: types, lengths, ranges, missing fields, then unknown ones. Strict: nothing is coerced (1.0 and "1" are no
 * INT); null only where NULLABLE. Text that is no JSON, has a duplicate name, a number out of range or more than 32
 * levels gives one violation json_invalid under ["body", byte]; empty text gives `missing` under ["body"].
 * 0; -EINVAL: violations were added; -ENOMEM: the arena is full. *ret_value is zeroed, then filled with values and
 * defaults; on failure its content is unspecified. Never yields. */
int schema_parse(const struct schema *s, struct str json, struct arena *a, void *ret_value,
                 struct violations *v) MUST_CHECK;

struct schema_pair {
	struct str name;
	struct str value;
};

/* Decoded name=value pairs (query, path, form) to struct; where: "query", "path", "body". A scalar given twice, an
 * unknown name and bytes that are not UTF-8 are violations; ARRAY fields collect repeats and split at commas. An empty
 * value of an optional field counts as absent. Numbers in plain decimal, booleans as true, false, 1 or 0. The table has
 * no OBJECT, no ANY and no list of objects. Answers as schema_parse(). */
int schema_parse_pairs(const struct schema *s, const char *where, const struct schema_pair *pairs, size_t n,
                       struct arena *a, void *ret_value, struct violations *v) MUST_CHECK;

/* As schema_parse() for what others send us (TMDB, services): unknown fields are ignored. */
int schema_parse_lenient(const struct schema *s, struct str json, struct arena *a, void *ret_value,
                         struct violations *v) MUST_CHECK;

/* For what a capricious source sends (TMDB): nothing in a document that is JSON at all makes reading fail as a whole.
 * What does not fit its field counts as absent: null, its default, an empty list; "" in a nullable string-like field
 * counts as null; an integer may be written as a real and a real as an integer; unknown names are ignored; of two
 * members of one name the last counts; an item of a list (or a nullable sub-message) that lacks what it requires is
 * left out; a list over its maximum is cut. A STRING without a pattern is cut at its maximum too, between two
 * characters, and a control character that it may not have becomes a space. A field that is both REQUIRED and NULLABLE
 * may be absent. 0; -EBADMSG: it is no JSON object, or nested too deeply, or the message itself lacks what it requires;
 * -ENOMEM. Never yields. */
int schema_parse_tolerant(const struct schema *s, struct str json, struct arena *a, void *ret_value) MUST_CHECK;

/* ---- writing ---- */

/* The struct as one JSON object, which schema_parse() reads back to the same struct. What is absent is written as null
 * when the field is NULLABLE (or REQUIRED, which schema_check() calls a bug), as [] when it is a list that may not be
 * null, and is left out otherwise. A NaN or infinity becomes null. Errors stick to the buffer. Never yields. */
void schema_write(const struct schema *s, const void *value, struct buf *out);
/* Checks a reply against its own table, by the rules of schema_parse(); 0; -EINVAL with the violations under
 * ["response", …] (a bug: asserted in tests); -ENOMEM. Never yields. */
int schema_check(const struct schema *s, const void *value, struct arena *a, struct violations *v) MUST_CHECK;

/* ---- describing ---- */

/* The JSON Schema (draft 2020-12, as OpenAPI 3.1 uses it) of one message; sub-messages as $ref
 * "#/components/schemas/NAME". */
void schema_describe(const struct schema *s, struct buf *out);
/* The same of a message that may get more fields: as schema_parse_lenient() reads it. */
void schema_describe_open(const struct schema *s, struct buf *out);
/* The JSON Schema of one field, for parameters. */
void schema_describe_field(const struct schema_field *f, struct buf *out);
/* Calls visit() for s and every message below it, each once. Stops at the first negative answer and gives it; -ENOSPC:
 * more than 256 messages; else 0. */
int schema_visit(const struct schema *s, int (*visit)(const struct schema *s, void *arg), void *arg) MUST_CHECK;

#endif
