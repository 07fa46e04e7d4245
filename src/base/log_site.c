/* Which call sites may write: the level of their module, and so many lines a minute.
 *
 * A site finds its module once. Levels are atomics in a fixed table; `least` is the lowest of them, so that what nobody
 * wants costs one load. A site's minute begins with its first line; who finds it over begins the next one and says what
 * was left out. Two threads at that moment may let a line too many through, never lose a count.
 * Limits: LOG_MODULES_MAX modules, further ones count as the last. */
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

enum { NAME_SIZE = 32, FOLLOWS = -1, MINUTE_MS = 60000 };

/* By the linker; none when no call site is in the program. */
extern struct log_site *__start_log_sites[] __attribute__((weak, visibility("hidden")));
extern struct log_site *__stop_log_sites[] __attribute__((weak, visibility("hidden")));

static struct module {
	char name[NAME_SIZE];
	atomic_int level; /* FOLLOWS: the others' */
} modules[LOG_MODULES_MAX];
static atomic_int n_modules;
static pthread_mutex_t modules_lock = PTHREAD_MUTEX_INITIALIZER; /* of names and n_modules, when one is added */

static atomic_int common = LOG_INFO;
static atomic_int least = LOG_INFO;
static atomic_bool is_debug;
static atomic_uint repeats_max;

/* ---- modules ---- */

/* "store" of "../src/store/pool.c"; the program's own, "main", where there is no such folder. */
static struct str module_name(const char *file)
{
	struct str name = STR("main");

	for (const char *at = strstr(file, "src/"); at; at = strstr(at + 1, "src/")) {
		const char *from = at + strlen("src/");
		size_t len = strcspn(from, "/");

		if ((at == file || at[-1] == '/') && from[len] == '/' && len < NAME_SIZE)
			name = (struct str){ from, len };
	}
	return name;
}

static int module_find(struct str name)
{
	int n = atomic_load_explicit(&n_modules, memory_order_acquire);

	for (int i = 0; i < n; i++)
		if (str_equal(name, str_from(modules[i].name)))
			return i;
	return -ENOENT;
}

static int module_add(struct str name)
{
	int i;

	pthread_mutex_lock(&modules_lock);
	i = module_find(name);
	if (i < 0) {
		i = MIN(atomic_load(&n_modules), LOG_MODULES_MAX - 1);
		memcpy(modules[i].name, name.data, name.len);
		modules[i].name[name.len] = '\0';
		atomic_store(&modules[i].level, FOLLOWS);
		atomic_store_explicit(&n_modules, i + 1, memory_order_release);
	}
	pthread_mutex_unlock(&modules_lock);
	return i;
}

static int module_of(struct log_site *site)
{
	int number = atomic_load_explicit(&site->module, memory_order_relaxed);
	struct str name;

	if (number > 0)
		return number - 1;
	name = module_name(site->file);
	number = module_find(name);
	if (number < 0)
		number = module_add(name);
	atomic_store_explicit(&site->module, number + 1, memory_order_relaxed);
	return number;
}

static void modules_know(void)
{
	for (struct log_site **at = __start_log_sites; at != __stop_log_sites; at++)
		(void)module_of(*at);
}

/* ---- levels ---- */

static void least_find(void)
{
	int lowest = atomic_load(&common);

	for (int i = 0; i < atomic_load(&n_modules); i++) {
		int own = atomic_load(&modules[i].level);

		if (own != FOLLOWS)
			lowest = MIN(lowest, own);
	}
	atomic_store(&least, atomic_load(&is_debug) ? (int)LOG_DEBUG : lowest);
}

void log_set_level(enum log_level level)
{
	atomic_store(&common, (int)level);
	least_find();
}

enum log_level log_get_level(void)
{
	return (enum log_level)atomic_load(&common);
}

static int module_set(struct str name, int level)
{
	int i;

	modules_know();
	i = module_find(name);
	if (i < 0)
		return i;
	atomic_store(&modules[i].level, level);
	least_find();
	return 0;
}

int log_set_module_level(struct str module, enum log_level level)
{
	return module_set(module, (int)level);
}

int log_unset_module_level(struct str module)
{
	return module_set(module, FOLLOWS);
}

void log_set_debug(bool is_on)
{
	atomic_store(&is_debug, is_on);
	least_find();
}

bool log_get_debug(void)
{
	return atomic_load(&is_debug);
}

static enum log_level level_of(int module)
{
	int own = atomic_load_explicit(&modules[module].level, memory_order_relaxed);

	if (atomic_load_explicit(&is_debug, memory_order_relaxed))
		return LOG_DEBUG;
	return (enum log_level)(own != FOLLOWS ? own : atomic_load_explicit(&common, memory_order_relaxed));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct log_module *)a)->name, ((const struct log_module *)b)->name);
}

size_t log_modules(struct log_module ret[LOG_MODULES_MAX])
{
	size_t n;

	modules_know();
	n = (size_t)atomic_load_explicit(&n_modules, memory_order_acquire);
	for (size_t i = 0; i < n; i++)
		ret[i] = (struct log_module){ .name = modules[i].name,
			                      .is_own = atomic_load(&modules[i].level) != FOLLOWS,
			                      .level = level_of((int)i) };
	qsort(ret, n, sizeof(ret[0]), by_name);
	return n;
}

bool log_enabled(enum log_level level)
{
	return (int)level >= atomic_load_explicit(&least, memory_order_relaxed);
}

bool log_site_wants(struct log_site *site, enum log_level level)
{
	return level >= level_of(module_of(site));
}

/* ---- repeats ---- */

void log_set_repeats_max(unsigned lines)
{
	atomic_store(&repeats_max, lines);
}

static void left_out_tell(struct log_site *site)
{
	unsigned n = atomic_exchange(&site->left_out, 0);
	const char *message = atomic_load(&site->message);

	if (n > 0 && message)
		log_write((enum log_level)atomic_load(&site->level), "repeated log line left out",
		          LOG_FIELDS_(LOG_STR("repeated", message), LOG_INT("lines", n),
		                      LOG_STR("module", modules[module_of(site)].name)));
}

/* Whether the site's minute is over; it is for one of those who ask at once. */
static bool minute_ends(struct log_site *site, int64_t now_ms)
{
	int64_t began_ms = atomic_load_explicit(&site->minute_ms, memory_order_relaxed);

	return (began_ms == 0 || now_ms - began_ms >= MINUTE_MS) &&
	       atomic_compare_exchange_strong(&site->minute_ms, &began_ms, now_ms);
}

bool log_site_may_write(struct log_site *site, enum log_level level, const char *message)
{
	unsigned max = atomic_load_explicit(&repeats_max, memory_order_relaxed);

	if (!log_site_wants(site, level))
		return false;
	if (max == 0)
		return true;
	if (minute_ends(site, clock_mono_ms())) {
		atomic_store(&site->written, 0);
		left_out_tell(site);
	}
	if (atomic_fetch_add(&site->written, 1) < max)
		return true;
	atomic_store(&site->message, message);
	atomic_store(&site->level, (int)level);
	atomic_fetch_add(&site->left_out, 1);
	return false;
}

void log_repeats_tell(bool of_all)
{
	int64_t now_ms = clock_mono_ms();

	for (struct log_site **at = __start_log_sites; at != __stop_log_sites; at++) {
		if (atomic_load_explicit(&(*at)->left_out, memory_order_relaxed) == 0)
			continue;
		if (!of_all && !minute_ends(*at, now_ms))
			continue;
		atomic_store(&(*at)->written, 0);
		left_out_tell(*at);
	}
}
