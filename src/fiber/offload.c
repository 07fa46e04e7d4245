#include "fiber/offload.h"

#include "fiber/lane.h"
#include "fiber/runtime.h"

int offload_run(const struct offload *job)
{
	struct runtime *rt = runtime_get();
	const struct lane_options options = { .name = "offload",
		                              .threads = rt->limits.offload_threads,
		                              .waiting_max = SIZE_MAX };
	int r = rt->offload ? 0 : lane_new(&options, &rt->offload);

	return r < 0 ? r : lane_run(rt->offload, job);
}

void offload_stats_get(struct lane_stats *ret)
{
	struct runtime *rt = runtime_get();

	if (rt->offload)
		lane_stats_get(rt->offload, ret);
	else
		*ret = (struct lane_stats){ .threads = rt->limits.offload_threads };
}
