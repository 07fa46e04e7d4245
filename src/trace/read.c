/* What both encodings have in common: limits, texts, which span is one, and the answer. */
#include "trace/read_inside.h"

#include "base/utf8.h"

#include <errno.h>

enum {
	SCRATCH_SIZE_MAX = 256 << 10, /* a span with all that belongs to it */
	RESOURCE_SIZE_MAX = 64 << 10,
};

int reader_init(struct reader *r, const struct read_options *options)
{
	int e;

	*r = (struct reader){ .options = options };
	e = arena_new(SCRATCH_SIZE_MAX, &r->scratch);
	return e < 0 ? e : arena_new(RESOURCE_SIZE_MAX, &r->resource);
}

void reader_done(struct reader *r)
{
	arena_free(&r->scratch);
	arena_free(&r->resource);
}

void reader_resource_begin(struct reader *r)
{
	arena_reset(r->resource);
	r->process = (struct trace_process){ .service = STR("unknown_service") };
}

void reader_span_begin(struct reader *r)
{
	arena_reset(r->scratch);
}

/* ---- texts ---- */

/* Half a character makes all of them suspect: only the ASCII is kept. */
static char byte_clean(unsigned char c, unsigned char before, bool is_valid, bool is_name)
{
	bool is_c1 = before == 0xc2 && c < 0xa0;

	if (!is_valid && c >= 0x80)
		return '?';
	return is_name && (c < 0x20 || c == 0x7f || is_c1) ? ' ' : (char)c;
}

static struct str text_clean(struct arena *a, struct str text, bool is_name)
{
	bool is_valid = utf8_is_valid(text);
	unsigned char before = 0;
	struct str copy;

	if (is_valid && !(is_name && utf8_has_control(text)))
		return text;
	copy = arena_str(a, text);
	for (size_t i = 0; copy.data && i < copy.len; i++) {
		unsigned char c = (unsigned char)copy.data[i];
		char *at = (char *)(uintptr_t)copy.data + i;

		*at = byte_clean(c, before, is_valid, is_name);
		/* A C1 control is two bytes, of which neither stays. */
		if (is_valid && is_name && before == 0xc2 && *at == ' ')
			at[-1] = ' ';
		before = c;
	}
	return copy;
}

struct str reader_text(const struct reader *r, struct arena *a, struct str text)
{
	return text_clean(a, str_slice(text, 0, utf8_cut(text, r->options->text_max)), false);
}

struct str reader_name(struct arena *a, struct str text)
{
	return text_clean(a, str_slice(text, 0, utf8_cut(text, TRACE_NAME_MAX)), true);
}

int reader_value_text(const struct reader *r, struct arena *a, struct buf *json, struct trace_attribute *ret)
{
	struct str text;

	/* Longer than the buffer takes: its beginning is what there is. */
	if (buf_error(json) == -ENOMEM)
		return -ENOMEM;
	text = arena_str(a, reader_text(r, a, buf_str(json)));
	if (!text.data)
		return -ENOMEM;
	ret->kind = TRACE_TEXT;
	ret->text = text;
	return 0;
}

void reader_base64(struct str bytes, struct buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < bytes.len && buf_error(out) == 0; i += 3) {
		uint32_t n = 0;
		size_t left = MIN(bytes.len - i, (size_t)3);

		for (size_t k = 0; k < 3; k++)
			n = n << 8 | (k < left ? (uint8_t)bytes.data[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			buf_addc(out, k <= left ? digits[n >> (18 - 6 * k) & 63] : '=');
	}
}

/* ---- resources and spans ---- */

void reader_process_set(struct reader *r, struct trace_attribute *attributes, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (!str_equal(attributes[i].key, STR("service.name"))) {
			attributes[kept++] = attributes[i];
			continue;
		}
		if (attributes[i].kind == TRACE_TEXT && attributes[i].text.len > 0) {
			struct str name = reader_name(r->resource, attributes[i].text);

			if (name.data)
				r->process.service = name;
		}
	}
	r->process.attributes = attributes;
	r->process.n_attributes = kept;
}

static bool is_zero(const uint8_t *id, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (id[i] != 0)
			return false;
	return true;
}

static const char *span_fault(const struct trace_span *s)
{
	if (is_zero(s->trace_id, sizeof(s->trace_id)))
		return "a span has no trace id of 16 bytes";
	if (is_zero(s->span_id, sizeof(s->span_id)))
		return "a span has no id of 8 bytes";
	if (s->start_ns <= 0 || s->end_ns < 0)
		return "a span has no time";
	return NULL;
}

static void refuse(struct reader *r, const char *reason)
{
	r->result.refused++;
	if (!r->result.reason)
		r->result.reason = reason;
}

void reader_span_end(struct reader *r, int e, struct trace_span *s)
{
	const char *fault = e < 0 ? "a span is too large" : span_fault(s);

	if (fault) {
		refuse(r, fault);
		return;
	}
	/* Clocks are set while a span runs. */
	s->end_ns = MAX(s->end_ns, s->start_ns);
	s->process = &r->process;
	if (!s->name.data || s->name.len == 0)
		s->name = STR("(no name)");
	if (!r->is_trial && r->options->take(r->options->arg, s, &fault) < 0)
		refuse(r, fault ? fault : "a span could not be kept");
	else
		r->result.taken++;
}

/* ---- the answer: { partial_success = 1 { rejected_spans = 1; error_message = 2 } } ---- */

static void varint_add(struct buf *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		buf_addc(out, (char)(value | 0x80));
	buf_addc(out, (char)value);
}

void read_answer_protobuf(const struct read_result *result, struct buf *out)
{
	struct str reason = str_from(result->reason ? result->reason : "");
	struct buf partial CLEANUP(buf_done);

	buf_init(&partial, 1024);
	if (result->refused == 0)
		return;
	buf_addc(&partial, 1 << 3);
	varint_add(&partial, result->refused);
	buf_addc(&partial, 2 << 3 | 2);
	varint_add(&partial, reason.len);
	buf_add_str(&partial, reason);
	buf_addc(out, 1 << 3 | 2);
	varint_add(out, partial.len);
	buf_add_str(out, buf_str(&partial));
}

void read_answer_json(const struct read_result *result, struct buf *out)
{
	if (result->refused == 0) {
		buf_adds(out, "{}");
		return;
	}
	buf_addf(out, "{\"partialSuccess\":{\"rejectedSpans\":\"%zu\",\"errorMessage\":", result->refused);
	buf_add_json(out, str_from(result->reason ? result->reason : ""));
	buf_adds(out, "}}");
}
