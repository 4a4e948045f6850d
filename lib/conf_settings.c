/* conf_settings.c - the table of all settings: where each stands, what holds without it, and which field it fills. */
#include "config.h"

#include "conf_settings.h"
#include "str.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

#define FIELD(member) .offset = offsetof(struct conf, member)
#define FIELD_OF(kind, member) .offset = offsetof(struct kind, member)
#define RANGE(low, high) .minimum = (low), .maximum = (high)

const struct conf_setting conf_settings[CONF_SETTING_COUNT] = {
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
	{"notify", "voice_minute", "1", conf_convert_number, FIELD(notify.voice_minute), RANGE(1, 1000)},
	{"notify", "voice_quarter", "3", conf_convert_number, FIELD(notify.voice_quarter), RANGE(1, 1000)},
	{"notify", "voice_hour", "7", conf_convert_number, FIELD(notify.voice_hour), RANGE(1, 1000)},
	{"notify", "voice_total", "500", conf_convert_number, FIELD(notify.voice_total), RANGE(1, 1000000)},
	{"notify", "policy", "default", conf_convert_name, FIELD(notify.policy)},
	{"notify", "copy", NULL, conf_convert_copy, FIELD(notify.copy), .is_list = true},
	{"notify", "templates", NULL, conf_convert_folder, FIELD(notify.templates)},
	{"notify", "reply", NULL, conf_convert_reply, FIELD(notify.reply)},

	{"smtp", "url", NULL, conf_convert_smtp_url, FIELD(smtp.url)},
	{"smtp", "from", NULL, conf_convert_optional_email, FIELD(smtp.from)},
	{"smtp", "tls", "required", conf_convert_tls, FIELD(smtp.tls)},
	{"smtp", "user", NULL, conf_convert_optional, FIELD(smtp.user)},
	{"smtp", "password", NULL, conf_convert_optional, FIELD(smtp.password), .is_secret = true},
	{"smtp", "password_command", NULL, conf_convert_argv, FIELD(smtp.password_command), .is_list = true},
	{"smtp", "ca_file", NULL, conf_convert_optional, FIELD(smtp.ca_file)},
	{"smtp", "vm", NULL, conf_convert_optional, FIELD(smtp.vm)},

	{"sip", "from", NULL, conf_convert_sip_from, FIELD(sip.from)},
	{"sip", "exchange", NULL, conf_convert_exchange, FIELD(sip.exchange)},
	{"sip", "registrar", NULL, conf_convert_registrar, FIELD(sip.registrar)},
	{"sip", "user", NULL, conf_convert_optional, FIELD(sip.user)},
	{"sip", "password", NULL, conf_convert_optional, FIELD(sip.password), .is_secret = true},
	{"sip", "password_command", NULL, conf_convert_argv, FIELD(sip.password_command), .is_list = true},
	{"sip", "ring_timeout", "30s", conf_convert_duration, FIELD(sip.ring_timeout_ms),
	 RANGE(SECOND, 10 * MINUTE)},
	{"sip", "voice_lang", "en-gb", conf_convert_lang, FIELD(sip.voice_lang)},
	{"sip", "calls", "100", conf_convert_number, FIELD(sip.calls), RANGE(1, 1000)},
	{"sip", "vm", NULL, conf_convert_optional, FIELD(sip.vm)},

	{"image", "repository", STATEDIR "/images", conf_convert_repository, FIELD(image.repository)},
	{"image", "reserve", "5%", conf_convert_percent, FIELD(image.reserve), RANGE(0, 90)},
	{"image", "keep", "1", conf_convert_number, FIELD(image.keep), RANGE(1, 100)},
	{"image", "stall", "60s", conf_convert_duration, FIELD(image.stall_ms), RANGE(SECOND, HOUR)},

	{"deploy", "pool", "default", conf_convert_text, FIELD(deploy.pool)},
	{"deploy", "policy", "first-fit", conf_convert_placement, FIELD(deploy.policy)},
	{"deploy", "jobs", "8", conf_convert_number, FIELD(deploy.jobs), RANGE(1, 256)},
	{"deploy", "over_commit", "100%", conf_convert_percent, FIELD(deploy.over_commit_percent),
	 RANGE(100, 10000)},

	{"policy", "repeat", "0", conf_convert_duration, FIELD_OF(conf_policy, repeat_ms), RANGE(0, 7 * DAY)},

	{"step", "after", "0", conf_convert_duration, FIELD_OF(conf_step, after_ms), RANGE(0, 7 * DAY)},
	{"step", "to", NULL, conf_convert_to, FIELD_OF(conf_step, to), .is_list = true},
	{"step", "channels", NULL, conf_convert_channels, FIELD_OF(conf_step, ways), .is_list = true},

	{"person", "name", NULL, conf_convert_optional, FIELD_OF(conf_person, name)},
	{"person", "email", NULL, conf_convert_optional_email, FIELD_OF(conf_person, email)},
	{"person", "phone", NULL, conf_convert_phone, FIELD_OF(conf_person, phone)},
	{"person", "voice_lang", NULL, conf_convert_lang, FIELD_OF(conf_person, voice_lang)},
	{"person", "policy", NULL, conf_convert_name, FIELD_OF(conf_person, policy)},
	{"person", "groups", NULL, conf_convert_names, FIELD_OF(conf_person, groups), .is_list = true},
	{"person", "quiet", "", conf_convert_quiet, FIELD_OF(conf_person, quiet_from)},
	{"person", "mail_only", "no", conf_convert_bool, FIELD_OF(conf_person, mail_only)},

	{"webhook", "url", NULL, conf_convert_http_url, FIELD_OF(conf_webhook, url), .is_secret = true},
	{"webhook", "format", "alertmanager", conf_convert_format, FIELD_OF(conf_webhook, format)},
	{"webhook", "headers_command", NULL, conf_convert_argv, FIELD_OF(conf_webhook, headers_command),
	 .is_list = true},
	{"webhook", "ca_file", NULL, conf_convert_optional, FIELD_OF(conf_webhook, ca_file)},

	{"command", "argv", NULL, conf_convert_argv, FIELD_OF(conf_command, argv), .is_list = true},
};

const struct conf_section conf_sections[CONF_SECTION_COUNT] = {
	{"ping", NULL, NULL, false},       {"snapshot", NULL, NULL, false}, {"notify", NULL, NULL, false},
	{"smtp", NULL, NULL, false},       {"sip", NULL, NULL, false},      {"image", NULL, NULL, false},
	{"deploy", NULL, NULL, false},     {"policy", NULL, "NAME", true},  {"step", "policy", NULL, true},
	{"person", NULL, "ADDRESS", true}, {"webhook", NULL, "NAME", true}, {"command", NULL, "NAME", true},
};

const struct conf_setting *conf_find_setting(const char *section, const char *name)
{
	for (size_t i = 0; i < CONF_SETTING_COUNT; i++)
		if (str_equal(conf_settings[i].section, section) && str_equal(conf_settings[i].name, name))
			return &conf_settings[i];
	return NULL;
}

const struct conf_section *conf_find_section(const char *inside, const char *name)
{
	for (size_t i = 0; i < CONF_SECTION_COUNT; i++)
		if (str_equal(conf_sections[i].inside, inside) && str_equal(conf_sections[i].name, name))
			return &conf_sections[i];
	return NULL;
}
