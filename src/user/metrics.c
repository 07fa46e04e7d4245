/* What Redis and the sessions that ended are counted by, read when /metrics is rendered. Accounts, mails and events
 * have theirs where they are counted. */
#include "telemetry/metrics.h"
#include "cache/redis.h"
#include "cache/revoked.h"
#include "user/user.h"

/* One number of one of the stats structs. */
struct reading {
	const char *name;
	const char *help;
	enum metric_type type;
	enum { READ_U64, READ_SIZE, READ_BOOL } kind;
	size_t offset;
	enum { OF_REDIS, OF_REVOKED } of;
	struct user_state *user;
};

#define REDIS(member_, kind_, type_, name_, help_)                                                       \
	{                                                                                                \
		.name = "cinesync_user_redis_" name_, .help = (help_), .type = (type_), .kind = (kind_), \
		.offset = offsetof(struct redis_stats, member_)                                          \
	}
#define REVOKED(member_, kind_, type_, name_, help_)                                                       \
	{                                                                                                  \
		.name = "cinesync_user_revoked_" name_, .help = (help_), .type = (type_), .kind = (kind_), \
		.offset = offsetof(struct revoked_stats, member_), .of = OF_REVOKED                        \
	}

static struct reading readings[] = {
	REDIS(is_up, READ_BOOL, METRIC_GAUGE, "up", "Whether Redis is in use."),
	REDIS(calls, READ_U64, METRIC_COUNTER, "calls_total", "Commands sent to Redis."),
	REDIS(failures, READ_U64, METRIC_COUNTER, "failures_total", "Commands to Redis without a good answer."),
	REDIS(skipped, READ_U64, METRIC_COUNTER, "skipped_total", "Commands not sent while Redis was away."),
	REDIS(connects, READ_U64, METRIC_COUNTER, "connects_total", "Connections to Redis made."),
	REDIS(pending, READ_SIZE, METRIC_GAUGE, "pending", "Commands not answered yet."),
	REVOKED(checks, READ_U64, METRIC_COUNTER, "checks_total", "Sessions looked at, whether they have ended."),
	REVOKED(asked, READ_U64, METRIC_COUNTER, "asked_total", "Sessions that Redis had to be asked about."),
	REVOKED(unsure, READ_U64, METRIC_COUNTER, "unsure_total", "Sessions that nobody gave an answer about."),
	REVOKED(lost, READ_U64, METRIC_COUNTER, "lost_total", "Ends of sessions that other services do not hear of."),
	REVOKED(ids, READ_SIZE, METRIC_GAUGE, "sessions", "Sessions remembered, ended or not."),
	REVOKED(unsent, READ_SIZE, METRIC_GAUGE, "unsent", "Ends of sessions that Redis has not been told yet."),
};

/* Without Redis nothing is counted of it. */
static double read_value(void *arg)
{
	const struct reading *r = arg;
	union {
		struct redis_stats redis;
		struct revoked_stats revoked;
	} stats;
	const void *at = (const char *)&stats + r->offset;

	memset(&stats, 0, sizeof(stats));
	if (r->of == OF_REVOKED)
		revoked_stats_get(r->user->revoked, &stats.revoked);
	else if (r->user->redis)
		redis_stats_get(r->user->redis, &stats.redis);
	if (r->kind == READ_BOOL)
		return *(const bool *)at;
	return r->kind == READ_SIZE ? (double)*(const size_t *)at : (double)*(const uint64_t *)at;
}

void user_metrics_begin(struct user_state *u)
{
	for (size_t i = 0; i < ARRAY_SIZE(readings); i++) {
		readings[i].user = u;
		metric_callback(readings[i].name, readings[i].help, readings[i].type, read_value, &readings[i]);
	}
}
