/* The process_* metrics that every Prometheus client has, read from /proc/self when they are asked for: a few system
 * calls, no blocking device. A value that cannot be read is NaN. */
#include "base/clock.h"
#include "telemetry/metrics.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PROC_FILE_SIZE_MAX 1024

static bool proc_read(const char *path, char ret[PROC_FILE_SIZE_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, ret, PROC_FILE_SIZE_MAX - 1);
	(void)close(fd);
	if (n <= 0)
		return false;
	ret[n] = '\0';
	return true;
}

static bool statm_read(unsigned long *ret_pages, unsigned long *ret_resident)
{
	char text[PROC_FILE_SIZE_MAX];
	char *rest;

	if (!proc_read("/proc/self/statm", text))
		return false;
	*ret_pages = strtoul(text, &rest, 10);
	*ret_resident = strtoul(rest, NULL, 10);
	return true;
}

static double virtual_memory_bytes(void *arg UNUSED)
{
	unsigned long pages, resident;

	return statm_read(&pages, &resident) ? (double)pages * (double)sysconf(_SC_PAGESIZE) : (double)NAN;
}

static double resident_memory_bytes(void *arg UNUSED)
{
	unsigned long pages, resident;

	return statm_read(&pages, &resident) ? (double)resident * (double)sysconf(_SC_PAGESIZE) : (double)NAN;
}

static double cpu_seconds(void *arg UNUSED)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) < 0)
		return (double)NAN;
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double open_fds_count(void)
{
	DIR *dir = opendir("/proc/self/fd");
	double n = 0;

	if (!dir)
		return (double)NAN;
	for (const struct dirent *e = readdir(dir); e; e = readdir(dir))
		n += e->d_name[0] != '.';
	(void)closedir(dir);
	return n - 1; /* the directory itself */
}

static double open_fds(void *arg UNUSED)
{
	struct stat st;

	/* Since Linux 6.2 the size is the number, which saves reading thousands of entries. */
	if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
		return (double)st.st_size;
	return open_fds_count();
}

static double max_fds(void *arg UNUSED)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return (double)NAN;
	return limit.rlim_cur == RLIM_INFINITY ? (double)INFINITY : (double)limit.rlim_cur;
}

/* Field 22 of proc(5)'s stat: clock ticks after boot. The second field may hold blanks and brackets: count from the
 * last bracket. */
static double start_ticks(void)
{
	char text[PROC_FILE_SIZE_MAX];
	char *at;

	if (!proc_read("/proc/self/stat", text))
		return (double)NAN;
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? (double)strtoull(at + 1, NULL, 10) : (double)NAN;
}

static double start_time(void *arg UNUSED)
{
	static double start;
	struct timespec boot;

	if (start > 0)
		return start;
	if (clock_gettime(CLOCK_BOOTTIME, &boot) < 0)
		return (double)NAN;
	start = (double)clock_real_ms() / 1e3 - (double)boot.tv_sec - (double)boot.tv_nsec / 1e9 +
	        start_ticks() / (double)sysconf(_SC_CLK_TCK);
	return start;
}

/* The file of this process' control group (version 2) in memory's controller; "" when there is none. */
static void memory_max_path(char *ret, size_t size)
{
	char text[PROC_FILE_SIZE_MAX];
	const char *group;

	*ret = '\0';
	if (!proc_read("/proc/self/cgroup", text))
		return;
	group = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	if (!group)
		return;
	group = strchr(group, '/');
	if (group)
		(void)snprintf(ret, size, "/sys/fs/cgroup%.*s/memory.max", (int)strcspn(group, "\n"), group);
}

/* What it may use: its control group's limit, or else the machine's memory. Those above its group are not asked. */
static double memory_limit(void *arg UNUSED)
{
	char path[PROC_FILE_SIZE_MAX + 64];
	char text[PROC_FILE_SIZE_MAX];
	double machine = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
	double group;

	memory_max_path(path, sizeof(path));
	if (!path[0] || !proc_read(path, text) || text[0] < '0' || text[0] > '9')
		return machine;
	group = (double)strtoull(text, NULL, 10);
	return group < machine ? group : machine;
}

void metrics_process_init(const char *service)
{
	static const char *const labels[] = { "service", "version", NULL };
	const char *const values[] = { service, CINESYNC_VERSION };
	struct metric *build =
	        metric_new(METRIC_GAUGE, "cinesync_build_info", "What is running; always 1.", labels, NULL, 0);

	metric_set(metric_cell(build, values), 1);
	metric_callback("process_cpu_seconds_total", "CPU time spent in user and kernel mode, in seconds.",
	                METRIC_COUNTER, cpu_seconds, NULL);
	metric_callback("process_resident_memory_bytes", "Resident memory, in bytes.", METRIC_GAUGE,
	                resident_memory_bytes, NULL);
	metric_callback("process_virtual_memory_bytes", "Virtual memory, in bytes.", METRIC_GAUGE, virtual_memory_bytes,
	                NULL);
	metric_callback("cinesync_process_memory_limit_bytes",
	                "Memory that the process may use: its control group's limit, or all of the machine's.",
	                METRIC_GAUGE, memory_limit, NULL);
	metric_callback("process_open_fds", "Open file descriptors.", METRIC_GAUGE, open_fds, NULL);
	metric_callback("process_max_fds", "Limit of open file descriptors.", METRIC_GAUGE, max_fds, NULL);
	metric_callback("process_start_time_seconds", "When the process started, in seconds since 1970.", METRIC_GAUGE,
	                start_time, NULL);
}
