#include "service/events_command.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

enum { LINE_MAX_SIZE = 4096 };

static int usage(void)
{
	fprintf(stderr, "usage: events " EVENTS_USAGE "\n");
	return -EINVAL;
}

static int drop_parse(char **argv, struct events_command *ret)
{
	*ret = (struct events_command){ EVENTS_DROP, str_from(argv[2]), str_trim(str_from(argv[4])) };
	if (strcmp(argv[3], "--reason") != 0)
		return usage();
	if (ret->reason.len > 0 && ret->reason.len <= EVENTS_REASON_MAX && utf8_is_valid(ret->reason))
		return 0;
	fprintf(stderr, "events: the reason is 1 to %d bytes of text\n", EVENTS_REASON_MAX);
	return -EINVAL;
}

int events_command_parse(int argc, char **argv, struct events_command *ret)
{
	if (argc == 1 || (argc == 2 && strcmp(argv[1], "list") == 0)) {
		*ret = (struct events_command){ .what = EVENTS_LIST };
		return 0;
	}
	if (argc == 3 && strcmp(argv[1], "replay") == 0) {
		bool is_all = strcmp(argv[2], "--all") == 0;

		*ret = (struct events_command){ EVENTS_REPLAY, is_all ? STR_NULL : str_from(argv[2]), STR_NULL };
		return 0;
	}
	if (argc == 5 && strcmp(argv[1], "drop") == 0)
		return drop_parse(argv, ret);
	return usage();
}

void events_command_detail(const struct events_command *c, struct str event_type, struct buf *out)
{
	const struct passwd *user = getpwuid(getuid());

	buf_adds(out, "{\"by\":");
	buf_add_json(out, user ? str_from(user->pw_name) : STR("?"));
	buf_adds(out, ",\"event_id\":");
	buf_add_json(out, c->event_id);
	buf_adds(out, ",\"event_type\":");
	buf_add_json(out, event_type);
	buf_adds(out, ",\"reason\":");
	buf_add_json(out, c->reason);
	buf_addc(out, '}');
}

/* A terminal is not to be written to by whoever could publish a message. */
static void add_printable(struct buf *b, struct str s)
{
	if (!utf8_is_valid(s))
		s = STR("(not UTF-8)");
	for (size_t i = 0; i < s.len; i++)
		buf_addc(b, (unsigned char)s.data[i] < 0x20 || s.data[i] == 0x7f ? '?' : s.data[i]);
	if (s.len == 0)
		buf_addc(b, '-');
}

static void add_time(struct buf *b, int64_t at_s)
{
	char text[CLOCK_ISO8601_SIZE];

	clock_format_iso8601(at_s * 1000, text);
	buf_adds(b, at_s > 0 ? text : "-");
}

void events_print(const char *state, struct str event_id, struct str type, int64_t tries, int64_t at_s,
                  struct str reason)
{
	struct buf line CLEANUP(buf_done);

	buf_init(&line, LINE_MAX_SIZE);
	buf_addf(&line, "%-12s  ", state);
	add_printable(&line, event_id);
	buf_adds(&line, "  ");
	add_printable(&line, type);
	buf_adds(&line, "  ");
	add_time(&line, at_s);
	buf_addf(&line, "  tries: %lld", (long long)tries);
	if (!str_is_null(reason)) {
		buf_adds(&line, "\n              ");
		add_printable(&line, reason);
	}
	puts(buf_error(&line) == 0 ? buf_str(&line).data : "(an event whose texts are too long to print)");
}

int events_command_done(const struct events_command *c, int64_t n, const char *done)
{
	if (n == 0 && !str_is_null(c->event_id)) {
		fprintf(stderr, "events: there is no such event here\n");
		return EX_DATAERR;
	}
	printf("%lld event%s %s\n", (long long)n, n == 1 ? "" : "s", done);
	return EX_OK;
}
