/* conf.c - vmroll.conf(5): the settings of all utilities, their defaults and units. */
#include "config.h"

#include <confuse.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "address.h"
#include "conf.h"
#include "conf_convert.h"
#include "conf_scan.h"
#include "mem.h"
#include "str.h"
#include "textfile.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

#define FIELD(member) .offset = offsetof(struct conf, member)
#define RANGE(low, high) .minimum = (low), .maximum = (high)

static const struct conf_setting settings[] = {
	{NULL, "store", "lmdb:" STATEDIR, conf_convert_store, FIELD(store)},
	{NULL, "hosts", SYSCONFDIR "/hosts", conf_convert_text, FIELD(hosts)},
	{NULL, "retention", "400d", conf_convert_duration, FIELD(retention_ms), RANGE(HOUR, 36500 * DAY)},
	{NULL, "parallel", "32", conf_convert_number, FIELD(parallel), RANGE(1, 1024)},

	{"ping", "interval", "1s", conf_convert_duration, FIELD(ping.interval_ms), RANGE(10, HOUR)},
	{"ping", "timeout", "1s", conf_convert_duration, FIELD(ping.timeout_ms), RANGE(1, HOUR)},
	{"ping", "window", "3/4", conf_convert_window, FIELD(ping.window_lost)},
	{"ping", "reference", NULL, conf_convert_hosts, FIELD(ping.reference), .is_list = true},
	{"ping", "isolation_share", "50%", conf_convert_percent, FIELD(ping.isolation_share), RANGE(1, 100)},
	{"ping", "isolation_max", "2m", conf_convert_duration, FIELD(ping.isolation_max_ms), RANGE(0, DAY)},

	{"snapshot", "host_deadline", "4s", conf_convert_duration, FIELD(snapshot.host_deadline_ms),
	 RANGE(100, HOUR)},
	{"snapshot", "deadline", "30s", conf_convert_duration, FIELD(snapshot.deadline_ms), RANGE(100, DAY)},
	{"snapshot", "reread", "15m", conf_convert_duration, FIELD(snapshot.reread_ms), RANGE(SECOND, 7 * DAY)},
	{"snapshot", "period", "15m", conf_convert_duration, FIELD(snapshot.period_ms), RANGE(SECOND, 7 * DAY)},

	{"notify", "admins", NULL, conf_convert_optional, FIELD(notify.admins)},
	{"notify", "fallback", NULL, conf_convert_emails, FIELD(notify.fallback), .is_list = true},
	{"notify", "group_wait", "5s", conf_convert_duration, FIELD(notify.group_wait_ms), RANGE(0, 10 * MINUTE)},
	{"notify", "settle", "5m", conf_convert_duration, FIELD(notify.settle_ms), RANGE(0, DAY)},
	{"notify", "redirect", NULL, conf_convert_optional_email, FIELD(notify.redirect)},
	{"notify", "on_incident", "vmsnap", conf_convert_commands, FIELD(notify.on_incident), .is_list = true},
	{"notify", "rate_person", "60", conf_convert_number, FIELD(notify.rate_person), RANGE(1, 1000000)},
	{"notify", "rate_total", "10000", conf_convert_number, FIELD(notify.rate_total), RANGE(1, 100000000)},

	{"smtp", "url", NULL, conf_convert_smtp_url, FIELD(smtp.url)},
	{"smtp", "from", NULL, conf_convert_optional_email, FIELD(smtp.from)},
	{"smtp", "tls", "required", conf_convert_tls, FIELD(smtp.tls)},
	{"smtp", "user", NULL, conf_convert_optional, FIELD(smtp.user)},
	{"smtp", "password", NULL, conf_convert_optional, FIELD(smtp.password), .is_secret = true},
	{"smtp", "password_command", NULL, conf_convert_argv, FIELD(smtp.password_command), .is_list = true},
	{"smtp", "ca_file", NULL, conf_convert_optional, FIELD(smtp.ca_file)},
};

static const char *const sections[] = {"ping", "snapshot", "notify", "smtp"};

enum {
	SETTING_COUNT = sizeof settings / sizeof settings[0],
	SECTION_COUNT = sizeof sections / sizeof sections[0]
};

/* Where each setting and section stands in the file; 0: it does not. */
struct found {
	const char *path;
	unsigned setting_lines[SETTING_COUNT];
	unsigned section_lines[SECTION_COUNT];
};

static unsigned *find_setting(struct found *found, const char *section, const char *name)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (str_equal(settings[i].section, section) && str_equal(settings[i].name, name))
			return &found->setting_lines[i];
	return NULL;
}

static unsigned *find_section(struct found *found, const char *name)
{
	for (size_t i = 0; i < SECTION_COUNT; i++)
		if (str_equal(sections[i], name))
			return &found->section_lines[i];
	return NULL;
}

static int note_name(void *context, const char *section, const char *name, bool is_section, unsigned line,
		     struct err *e)
{
	struct found *found = context;
	const char *kind = is_section ? "section" : "setting";
	unsigned *place = is_section ? find_section(found, name) : find_setting(found, section, name);
	const char *prefix = section ? section : "";
	const char *dot = section ? "." : "";

	if (!place)
		return err_set(e, ERR_USAGE, "%s:%u: unknown %s %s%s%s", found->path, line, kind, prefix, dot,
			       name);
	if (*place)
		return err_set(e, ERR_USAGE, "%s:%u: %s %s%s%s is on line %u already", found->path, line,
			       kind, prefix, dot, name, *place);
	*place = line;
	return 0;
}

/* libconfuse gives its error callback no context. */
static struct parse_failure {
	const char *path;
	struct err *e;
} failure;

static void take_error(cfg_t *cfg, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

static void take_error(cfg_t *cfg, const char *format, va_list arguments)
{
	char text[256];

	vsnprintf(text, sizeof text, format, arguments);
	err_set(failure.e, ERR_USAGE, "%s:%d: %s", failure.path, cfg->line, text);
}

/* The options of SECTION for libconfuse; OPTIONS has room for all settings, sections and the end. */
static size_t fill_options(const char *section, cfg_opt_t *options)
{
	size_t count = 0;

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (!str_equal(settings[i].section, section))
			continue;
		options[count++] = settings[i].is_list
					   ? (cfg_opt_t)CFG_STR_LIST(settings[i].name, NULL, CFGF_NODEFAULT)
					   : (cfg_opt_t)CFG_STR(settings[i].name, NULL, CFGF_NODEFAULT);
	}
	options[count] = (cfg_opt_t)CFG_END();
	return count;
}

MEM_DEFINE_CLEANUP(cfg_t, cfg_free)

/* Gives *PARSED, which the caller frees with cfg_free. */
static int parse(const char *path, const char *text, cfg_t **parsed, struct err *e)
{
	cfg_opt_t inner[SECTION_COUNT][SETTING_COUNT + 1];
	cfg_opt_t top[SETTING_COUNT + SECTION_COUNT + 1];
	size_t count = fill_options(NULL, top);

	for (size_t i = 0; i < SECTION_COUNT; i++) {
		fill_options(sections[i], inner[i]);
		top[count++] = (cfg_opt_t)CFG_SEC(sections[i], inner[i], CFGF_NONE);
	}
	top[count] = (cfg_opt_t)CFG_END();

	cleanup(cleanup_cfg_free) cfg_t *cfg = cfg_init(top, CFGF_NONE);
	cfg_set_error_function(cfg, take_error);
	err_set(e, ERR_USAGE, "%s: not a configuration", path);
	failure = (struct parse_failure){path, e};
	int result = *text ? cfg_parse_buf(cfg, text) : CFG_SUCCESS;
	failure = (struct parse_failure){0};
	if (result != CFG_SUCCESS)
		return ERR_USAGE;
	*parsed = cfg;
	cfg = NULL;
	return 0;
}

/* The items are borrowed from OPTION; the caller frees the array. */
static struct conf_list values_of(cfg_opt_t *option)
{
	struct conf_list values = {NULL, cfg_opt_size(option)};

	values.items = mem_zalloc(values.count + 1, sizeof *values.items);
	for (size_t i = 0; i < values.count; i++)
		values.items[i] = cfg_opt_getnstr(option, (unsigned)i);
	return values;
}

static struct conf_list standard_of(const struct conf_setting *setting)
{
	struct conf_list values = {mem_zalloc(1, sizeof *values.items), setting->standard ? 1 : 0};

	values.items[0] = (char *)setting->standard;
	return values;
}

static int convert_set(struct conf *conf, const struct conf_setting *setting, cfg_t *cfg, const char *path,
		       unsigned line, struct err *e)
{
	cfg_t *section = setting->section ? cfg_getsec(cfg, setting->section) : cfg;
	struct conf_list values = values_of(cfg_getopt(section, setting->name));
	cleanup(cleanup_mem) char **items = values.items;
	bool show = values.count == 1 && !setting->is_secret && !address_has_password(items[0]);
	int result = setting->convert(conf, setting, &values, e);

	if (result < 0)
		err_wrap(e, "%s:%u: %s%s%s%s%s%s", path, line, setting->section ? setting->section : "",
			 setting->section ? "." : "", setting->name, show ? " = \"" : "",
			 show ? items[0] : "", show ? "\"" : "");
	return result;
}

static int convert_standard(struct conf *conf, const struct conf_setting *setting, struct err *e)
{
	struct conf_list values = standard_of(setting);
	cleanup(cleanup_mem) char **items = values.items;

	if (values.count == 0 && !setting->is_list)
		return 0;
	int result = setting->convert(conf, setting, &values, e);
	return result < 0 ? err_wrap(e, "default of %s = \"%s\"", setting->name, items[0]) : 0;
}

static int convert_all(struct conf *conf, cfg_t *cfg, const struct found *found, struct err *e)
{
	int result = 0;

	for (size_t i = 0; i < SETTING_COUNT && result == 0; i++)
		result = found->setting_lines[i]
				 ? convert_set(conf, &settings[i], cfg, found->path, found->setting_lines[i], e)
				 : convert_standard(conf, &settings[i], e);
	return result;
}

static unsigned line_of(struct found *found, const char *section, const char *name)
{
	return *find_setting(found, section, name);
}

static int check_secret(const struct conf *conf, struct found *found, mode_t mode, struct err *e)
{
	bool in_url = conf->notify.admins && address_has_password(conf->notify.admins);
	unsigned line = conf->smtp.password ? line_of(found, "smtp", "password")
			: in_url            ? line_of(found, "notify", "admins")
					    : 0;

	if (line == 0 || (mode & (S_IRWXG | S_IRWXO)) == 0)
		return 0;
	return err_set(e, ERR_USAGE,
		       "%s:%u: holds a password, and others than its owner may use the file (mode %04o): "
		       "chmod 600, or use smtp.password_command",
		       found->path, line, (unsigned)mode & 07777);
}

static int check_together(const struct conf *conf, struct found *found, mode_t mode, struct err *e)
{
	if (conf->smtp.password && conf->smtp.password_command.count > 0)
		return err_set(e, ERR_USAGE, "%s:%u: smtp.password and smtp.password_command are both set",
			       found->path, line_of(found, "smtp", "password_command"));
	return check_secret(conf, found, mode, e);
}

static int read_file(struct conf *conf, const char *path, struct err *e)
{
	cleanup(str_done) struct str text = {0};
	cleanup(cleanup_cfg_free) cfg_t *cfg = NULL;
	struct found found = {.path = path};
	mode_t mode = 0;

	int result = textfile_read(path, &text, &mode, e);
	if (result == 0)
		result = textfile_check(path, str_text(&text), text.length, e);
	if (result == 0)
		result = conf_scan(path, str_text(&text), note_name, &found, e);
	if (result == 0)
		result = parse(path, str_text(&text), &cfg, e);
	if (result == 0)
		result = convert_all(conf, cfg, &found, e);
	if (result == 0)
		result = check_together(conf, &found, mode, e);
	conf->path = mem_string(path);
	return result;
}

static int read_standards(struct conf *conf, struct err *e)
{
	static const struct found nothing = {0};

	return convert_all(conf, NULL, &nothing, e);
}

int conf_read(struct conf *conf, const char *path, struct err *e)
{
	cleanup(conf_done) struct conf read_conf = {0};
	static const char standard_path[] = SYSCONFDIR "/vmroll.conf";
	bool absent = !path && access(standard_path, F_OK) < 0 && errno == ENOENT;

	int result = absent ? read_standards(&read_conf, e)
			    : read_file(&read_conf, path ? path : standard_path, e);
	if (result < 0)
		return result;
	*conf = read_conf;
	read_conf = (struct conf){0};
	return 0;
}

static void list_done(struct conf_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
}

void conf_done(struct conf *conf)
{
	free(conf->path);
	free(conf->store);
	free(conf->hosts);
	list_done(&conf->ping.reference);
	free(conf->notify.admins);
	list_done(&conf->notify.fallback);
	free(conf->notify.redirect);
	for (size_t i = 0; i < conf->notify.on_incident.count; i++)
		list_done(&conf->notify.on_incident.items[i]);
	free(conf->notify.on_incident.items);
	free(conf->smtp.url);
	free(conf->smtp.from);
	free(conf->smtp.user);
	free(conf->smtp.password);
	list_done(&conf->smtp.password_command);
	free(conf->smtp.ca_file);
	*conf = (struct conf){0};
}

void conf_warnings(const struct conf *conf, void (*warn)(void *context, const char *text), void *context)
{
	const struct conf_smtp *smtp = &conf->smtp;

	if (conf->notify.fallback.count == 0)
		warn(context, "notify.fallback is empty: nobody hears of a VM without an administrator");
	if (conf->notify.redirect)
		warn(context, "notify.redirect is set: every mail goes to that one address");
	if (!smtp->url)
		warn(context, "smtp.url is not set: no mail can be sent");
	if (smtp->url && !smtp->from)
		warn(context, "smtp.from is not set: no mail can be sent");
	if (smtp->user && !smtp->password && smtp->password_command.count == 0)
		warn(context, "smtp.user is set without smtp.password or smtp.password_command");
	if (smtp->user && smtp->tls != CONF_TLS_REQUIRED && !(smtp->url && str_starts(smtp->url, "smtps:")))
		warn(context,
		     "smtp.user is set and smtp.tls is not \"required\": the password may travel in clear");
	if (conf->snapshot.host_deadline_ms > conf->snapshot.deadline_ms)
		warn(context, "snapshot.host_deadline is longer than snapshot.deadline, which ends it");
}
