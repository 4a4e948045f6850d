/* fuzz_conf.c - any bytes as vmroll.conf(5): settings within their ranges, or an error with its line. */
#include "config.h"

#include <string.h>

#include "conf.h"
#include "fuzz.h"
#include "str.h"

const char fuzz_name[] = "conf";

static void check_step(const struct conf *conf, const struct conf_step *step)
{
	fuzz_check(step->way_count >= 1 && step->after_ms >= 0);
	for (size_t i = 0; i < step->way_count; i++) {
		const struct conf_way *way = &step->ways[i];
		bool named = way->channel == CONF_WEBHOOK || way->channel == CONF_COMMAND;
		fuzz_check(named == (way->name != NULL));
		fuzz_check(way->channel != CONF_WEBHOOK || conf_find_webhook(conf, way->name));
		fuzz_check(way->channel != CONF_COMMAND || conf_find_command(conf, way->name));
	}
}

static void check_policy(const struct conf *conf, const struct conf_policy *policy)
{
	struct err e;

	fuzz_check(conf_check_name(policy->name, &e) == 0 && conf_find_policy(conf, policy->name) == policy);
	fuzz_check(policy->step_count >= 1 && policy->step_count <= CONF_STEPS_MAX);
	for (size_t i = 0; i < policy->step_count; i++) {
		check_step(conf, &policy->steps[i]);
		fuzz_check(i == 0 || policy->steps[i].after_ms >= policy->steps[i - 1].after_ms);
	}
	fuzz_check(policy->repeat_ms == 0 || policy->repeat_ms > policy->steps[policy->step_count - 1].after_ms);
}

static void check_person(const struct conf *conf, const struct conf_person *person)
{
	fuzz_check(*person->key && !str_has_control(person->key));
	fuzz_check(!person->policy || conf_find_policy(conf, person->policy));
	fuzz_check((person->quiet_from < 0) == (person->quiet_to < 0));
	fuzz_check(person->quiet_from < 24 * 60 && person->quiet_to < 24 * 60);
}

static void check_whom_to_tell(const struct conf *conf)
{
	fuzz_check(conf_find_policy(conf, "default") && conf_find_policy(conf, "both"));
	fuzz_check(conf_find_policy(conf, conf->notify.policy));
	for (size_t i = 0; i < conf->policy_count; i++)
		check_policy(conf, &conf->policies[i]);
	for (size_t i = 0; i < conf->person_count; i++)
		check_person(conf, &conf->persons[i]);
	for (size_t i = 0; i < conf->webhook_count; i++)
		fuzz_check(str_starts(conf->webhooks[i].url, "http"));
	for (size_t i = 0; i < conf->command_count; i++)
		fuzz_check(conf->commands[i].argv.items[0] &&
			   !conf->commands[i].argv.items[conf->commands[i].argv.count]);
}

static void ignore_warning(void *context, const char *text)
{
	(void)context;
	fuzz_check(*text);
}

static void check_settings(const struct conf *conf)
{
	fuzz_check(conf->store && conf->hosts);
	fuzz_check(conf->parallel >= 1 && conf->parallel <= 1024);
	fuzz_check(conf->ping.interval_ms >= 10 && conf->ping.timeout_ms >= 1);
	fuzz_check(conf->ping.window_lost >= 1 && conf->ping.window_lost <= conf->ping.window_size);
	fuzz_check(conf->ping.window_size <= 64);
	for (size_t i = 0; i < conf->notify.on_incident.count; i++)
		fuzz_check(conf->notify.on_incident.items[i].items[0]);
	for (size_t i = 0; i < conf->notify.fallback.count; i++)
		fuzz_check(!str_has_control(conf->notify.fallback.items[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, size);
	struct conf conf = {0};
	struct err e = {0};
	int result = conf_read(&conf, path, &e);

	if (result == 0) {
		check_settings(&conf);
		check_whom_to_tell(&conf);
		conf_warnings(&conf, ignore_warning, NULL);
		conf_done(&conf);
	} else {
		fuzz_check(result == ERR_USAGE);
		fuzz_check(str_starts(e.text, path) && strchr("123456789", e.text[strlen(path) + 1]));
		fuzz_check(!conf.store);
	}
	return 0;
}
