/* conf_warnings.c - settings that are valid and surely not meant. */
#include "config.h"

#include <string.h>

#include "conf.h"
#include "mem.h"
#include "str.h"

struct warner {
	void (*warn)(void *context, const char *text);
	void *context;
};

static void say(const struct warner *warner, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(const struct warner *warner, const char *format, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	warner->warn(warner->context, text);
}

static void warn_of_mail(const struct conf *conf, const struct warner *warner)
{
	const struct conf_smtp *smtp = &conf->smtp;

	if (!smtp->url)
		say(warner, "smtp.url is not set: no mail can be sent");
	if (smtp->url && !smtp->from)
		say(warner, "smtp.from is not set: no mail can be sent");
	if (smtp->user && !smtp->password && smtp->password_command.count == 0)
		say(warner, "smtp.user is set without smtp.password or smtp.password_command");
	if (smtp->user && smtp->tls != CONF_TLS_REQUIRED && !(smtp->url && str_starts(smtp->url, "smtps:")))
		say(warner,
		    "smtp.user is set and smtp.tls is not \"required\": the password may travel in clear");
}

static bool has_voice(const struct conf_policy *policy)
{
	for (size_t i = 0; i < policy->step_count; i++)
		for (size_t j = 0; j < policy->steps[i].way_count; j++)
			if (policy->steps[i].ways[j].channel == CONF_VOICE)
				return true;
	return false;
}

static void warn_of_calls(const struct conf *conf, const struct warner *warner)
{
	const struct conf_sip *sip = &conf->sip;

	for (size_t i = 0; i < conf->policy_count && !sip->from; i++)
		if (conf->policies[i].line > 0 && has_voice(&conf->policies[i]))
			say(warner, "sip.from is not set: policy \"%s\" calls nobody", conf->policies[i].name);
	if (sip->from && !sip->exchange)
		say(warner,
		    "sip.exchange is not set: telephone numbers cannot be called, only sip: addresses");
	if (!sip->from && (sip->exchange || sip->registrar))
		say(warner, "sip.from is not set: nobody can be called");
	if (sip->user && !sip->password && sip->password_command.count == 0)
		say(warner, "sip.user is set without sip.password or sip.password_command");
}

static bool is_in_policy(const struct conf_policy *policy, enum conf_channel channel, const char *name)
{
	for (size_t i = 0; i < policy->step_count; i++)
		for (size_t j = 0; j < policy->steps[i].way_count; j++) {
			const struct conf_way *way = &policy->steps[i].ways[j];
			if (way->channel == channel && str_equal(way->name, name))
				return true;
		}
	return false;
}

static void warn_if_unused(const struct conf *conf, enum conf_channel channel, const char *name,
			   const struct warner *warner)
{
	const char *kind = channel == CONF_WEBHOOK ? "webhook" : "command";
	cleanup(cleanup_mem) char *receiver = mem_format("%s:%s", kind, name);

	for (size_t i = 0; i < conf->policy_count; i++)
		if (is_in_policy(&conf->policies[i], channel, name))
			return;
	for (size_t i = 0; i < conf->notify.copy.count; i++)
		if (str_equal(conf->notify.copy.items[i], receiver))
			return;
	say(warner, "%s \"%s\" is not used: no policy and not notify.copy names it", kind, name);
}

void conf_warnings(const struct conf *conf, void (*warn)(void *context, const char *text), void *context)
{
	const struct warner warner = {warn, context};

	if (conf->notify.fallback.count == 0)
		say(&warner, "notify.fallback is empty: nobody hears of a VM without an administrator");
	if (conf->notify.redirect)
		say(&warner, "notify.redirect is set: every mail goes to that one address");
	warn_of_mail(conf, &warner);
	warn_of_calls(conf, &warner);
	for (size_t i = 0; i < conf->webhook_count; i++)
		warn_if_unused(conf, CONF_WEBHOOK, conf->webhooks[i].name, &warner);
	for (size_t i = 0; i < conf->command_count; i++)
		warn_if_unused(conf, CONF_COMMAND, conf->commands[i].name, &warner);
	if (conf->snapshot.host_deadline_ms > conf->snapshot.deadline_ms)
		say(&warner, "snapshot.host_deadline is longer than snapshot.deadline, which ends it");
}
