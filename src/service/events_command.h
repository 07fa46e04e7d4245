/* The command line of `events`, which the services at both ends of the events have: what is asked for, and how it is
 * told of. Pure, but for the output. */
#ifndef CINESYNC_SERVICE_EVENTS_COMMAND_H
#define CINESYNC_SERVICE_EVENTS_COMMAND_H

#include "base/buf.h"

struct events_command {
	enum { EVENTS_LIST, EVENTS_REPLAY, EVENTS_DROP } what;
	struct str event_id; /* null: all */
	struct str reason;   /* EVENTS_DROP */
};

#define EVENTS_USAGE "list | replay ID | replay --all | drop ID --reason TEXT"
#define EVENTS_REASON_MAX 500 /* bytes */

/* argv[0] is "events". 0; -EINVAL, after the usage was printed. */
int events_command_parse(int argc, char **argv, struct events_command *ret) MUST_CHECK;
/* What the audit keeps of a drop: {"by":"root","event_id":…,"event_type":…,"reason":…}. */
void events_command_detail(const struct events_command *c, struct str event_type, struct buf *out);
/* Two lines for one event. What others chose (ids, types) is printed without control characters. reason: may be null.
 */
void events_print(const char *state, struct str event_id, struct str type, int64_t tries, int64_t at_s,
                  struct str reason);
/* "1 event will be tried again at once." The exit code: 0, or EX_DATAERR when there was none. */
int events_command_done(const struct events_command *c, int64_t n, const char *done);

#endif
