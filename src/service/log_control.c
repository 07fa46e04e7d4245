/* Levels are the process' own and gone with it: LOG_LEVEL is what it starts with. */
#include "service/log_control.h"

#include "base/log.h"
#include "schema/schema.h"

#include <errno.h>
#include <signal.h>

enum { TELL_EVERY_MS = 5000, MODULE_NAME_MAX = 31 };

#define AT(type, field) .offset = offsetof(struct type, field)

/* ---- messages ---- */

struct log_level_put {
	struct str module; /* null: all that have no level of their own */
	struct str level;
};

struct log_level_module {
	struct str module;
	struct str level;
	bool is_own;
};

struct log_levels {
	struct str level;
	bool debug;
	struct schema_array modules;
};

static const char *const levels[] = { "debug", "info", "warning", "error", "alert", NULL };
static const char *const levels_put[] = { "debug", "info", "warning", "error", "alert", "default", NULL };

static const struct schema_field log_level_put_fields[] = {
	{ .name = "module",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_NULLABLE,
	  .min = 1,
	  .max = MODULE_NAME_MAX,
	  AT(log_level_put, module),
	  .doc = "Folder of src/ that is meant; none: all that have no level of their own.",
	  .example = "\"store\"" },
	{ .name = "level",
	  .type = SCHEMA_ENUM,
	  .flags = SCHEMA_REQUIRED,
	  .values = levels_put,
	  AT(log_level_put, level),
	  .doc = "Least level that it writes; default: as all." },
};

static int log_level_put_check(const void *value, struct arena *a, const char **ret_field, const char **ret_message)
{
	const struct log_level_put *in = value;

	(void)a;
	if (!str_is_null(in->module) || !str_equal(in->level, STR("default")))
		return 0;
	*ret_field = "level";
	*ret_message = "Only a module can follow the others";
	return -EINVAL;
}

static const struct schema log_level_put_schema = {
	.name = "LogLevelPut",
	.doc = "How much a module is to tell.",
	.fields = log_level_put_fields,
	.n_fields = ARRAY_SIZE(log_level_put_fields),
	.size = sizeof(struct log_level_put),
	.present_offset = SIZE_MAX,
	.check = log_level_put_check,
};

static const struct schema_field log_level_module_fields[] = {
	{ .name = "module",
	  .type = SCHEMA_STRING,
	  .flags = SCHEMA_REQUIRED,
	  .max = MODULE_NAME_MAX,
	  AT(log_level_module, module),
	  .doc = "Folder of src/." },
	{ .name = "level",
	  .type = SCHEMA_ENUM,
	  .flags = SCHEMA_REQUIRED,
	  .values = levels,
	  AT(log_level_module, level),
	  .doc = "Least level that it writes now." },
	{ .name = "is_own",
	  .type = SCHEMA_BOOL,
	  .flags = SCHEMA_REQUIRED,
	  AT(log_level_module, is_own),
	  .doc = "Whether it was set for this module." },
};
static const struct schema log_level_module_schema =
        SCHEMA("LogLevelModule", struct log_level_module, log_level_module_fields, "How much one module tells.");

static const struct schema_field log_levels_fields[] = {
	{ .name = "level",
	  .type = SCHEMA_ENUM,
	  .flags = SCHEMA_REQUIRED,
	  .values = levels,
	  AT(log_levels, level),
	  .doc = "Of modules that have none of their own." },
	{ .name = "debug",
	  .type = SCHEMA_BOOL,
	  .flags = SCHEMA_REQUIRED,
	  AT(log_levels, debug),
	  .doc = "Whether SIGUSR1 has every module write everything." },
	{ .name = "modules",
	  .type = SCHEMA_ARRAY,
	  .flags = SCHEMA_REQUIRED,
	  .max = LOG_MODULES_MAX,
	  .schema = &log_level_module_schema,
	  AT(log_levels, modules),
	  .doc = "All of them, by name." },
};
static const struct schema log_levels_schema =
        SCHEMA("LogLevels", struct log_levels, log_levels_fields, "How much the process tells.");

/* ---- handlers ---- */

static int log_level_get(struct request *req)
{
	struct log_module modules[LOG_MODULES_MAX];
	struct log_level_module items[LOG_MODULES_MAX];
	struct log_levels out = { .level = str_from(log_level_name(log_get_level())), .debug = log_get_debug() };

	out.modules = (struct schema_array){ .n = log_modules(modules), .items = items };
	for (size_t i = 0; i < out.modules.n; i++)
		items[i] = (struct log_level_module){ .module = str_from(modules[i].name),
			                              .level = str_from(log_level_name(modules[i].level)),
			                              .is_own = modules[i].is_own };
	return respond(req, 200, &log_levels_schema, &out);
}

/* Past the last one: "default". */
static enum log_level level_number(struct str name)
{
	int level = 0;

	while (levels[level] && !str_equal(name, str_from(levels[level])))
		level++;
	return (enum log_level)level;
}

static int level_set(const struct log_level_put *in)
{
	enum log_level level = level_number(in->level);

	if (str_is_null(in->module)) {
		log_set_level(level);
		return 0;
	}
	return levels[level] ? log_set_module_level(in->module, level) : log_unset_module_level(in->module);
}

static int log_level_set(struct request *req)
{
	struct log_level_put in;
	int r = request_parse(req, NULL, NULL, &in);

	if (r == 0)
		r = level_set(&in);
	if (r < 0)
		return r; /* -ENOENT, 404: there is no such module */
	log_each(LOG_WARNING, "log level changed", LOG_STRN("module", str_is_null(in.module) ? STR("all") : in.module),
	         LOG_STRN("to", in.level));
	return log_level_get(req);
}

const struct route log_control_routes[] = {
	{ .method = HTTP_GET,
	  .path = "/internal/log-level",
	  .handler = log_level_get,
	  .reply = { 200, &log_levels_schema, NULL, "How much each module tells." },
	  .summary = "Levels of the logs",
	  .internal = true },
	{ .method = HTTP_PUT,
	  .path = "/internal/log-level",
	  .handler = log_level_set,
	  .body = &log_level_put_schema,
	  .reply = { 200, &log_levels_schema, NULL, "How much each module tells now." },
	  .errors = { 404 },
	  .summary = "Set the level of a module, or of all",
	  .internal = true },
	{ 0 },
};

/* ---- signal, timer ---- */

static void on_usr1(uv_signal_t *handle, int number)
{
	(void)handle;
	(void)number;
	log_set_debug(!log_get_debug());
	log_each(LOG_WARNING, "SIGUSR1", LOG_BOOL("debug", log_get_debug()));
}

static void on_tell(uv_timer_t *timer)
{
	(void)timer;
	log_repeats_tell(false);
}

void log_control_begin(uv_loop_t *loop, struct log_control *c)
{
	uv_signal_init(loop, &c->usr1);
	uv_signal_start(&c->usr1, on_usr1, SIGUSR1);
	uv_unref((uv_handle_t *)&c->usr1);
	uv_timer_init(loop, &c->tell);
	uv_timer_start(&c->tell, on_tell, TELL_EVERY_MS, TELL_EVERY_MS);
	uv_unref((uv_handle_t *)&c->tell);
}

void log_control_end(struct log_control *c)
{
	uv_close((uv_handle_t *)&c->usr1, NULL);
	uv_close((uv_handle_t *)&c->tell, NULL);
}
