/* people_person.c - what holds for one person: which ways reach them, and when they want quiet. */
#include "config.h"

#include <time.h>

#include "people.h"
#include "str.h"
#include "when.h"

enum { MINUTE_MS = 60 * 1000, DAY_MINUTES = 24 * 60 };

static bool can_be_called(const struct person *person, const struct conf_sip *sip)
{
	if (!person->phone || person->mail_only || !sip->from)
		return false;
	return sip->exchange || str_starts(person->phone, "sip:");
}

static bool is_receiver(const struct person *person)
{
	return !person->email && !person->phone;
}

bool person_has(const struct person *person, const struct conf *conf, enum conf_channel channel)
{
	if (conf->notify.redirect)
		return channel == CONF_MAIL && conf->smtp.url && !is_receiver(person);
	switch (channel) {
	case CONF_MAIL:
		return person->email && conf->smtp.url;
	case CONF_VOICE:
		return can_be_called(person, &conf->sip);
	case CONF_WEBHOOK:
	case CONF_COMMAND:
		return true;
	}
	return false;
}

bool person_is_reachable(const struct person *person, const struct conf *conf)
{
	const struct conf_policy *policy = person->policy;

	if (person_has(person, conf, CONF_MAIL))
		return true;
	for (size_t i = 0; i < policy->step_count; i++)
		for (size_t j = 0; j < policy->steps[i].way_count; j++)
			if (policy->steps[i].to.count == 0 &&
			    person_has(person, conf, policy->steps[i].ways[j].channel))
				return true;
	return false;
}

const char *person_address(const struct person *person, const struct conf_way *way)
{
	switch (way->channel) {
	case CONF_MAIL:
		return person->email;
	case CONF_VOICE:
		return person->phone;
	case CONF_WEBHOOK:
	case CONF_COMMAND:
		return way->name;
	}
	return NULL;
}

/* ---- quiet hours ---- */

/* What the clock on the wall shows at INSTANT, which begins a minute: minutes of its day. */
static int minute_of_day(int64_t instant)
{
	time_t seconds = (time_t)(instant / 1000);
	struct tm tm;

	return localtime_r(&seconds, &tm) ? tm.tm_hour * 60 + tm.tm_min : 0;
}

static bool is_quiet_at(const struct person *person, int64_t instant)
{
	int minute = minute_of_day(instant);

	if (person->quiet_from < person->quiet_to)
		return minute >= person->quiet_from && minute < person->quiet_to;
	return minute >= person->quiet_from || minute < person->quiet_to;
}

/* As many minutes later as the wall clock lacks; where it is put forward on the way that is too late, where it is put back too early. */
static int64_t end_of_quiet(const struct person *person, int64_t quiet)
{
	int64_t end = quiet;

	do
		end += (int64_t)((person->quiet_to - minute_of_day(end) + DAY_MINUTES - 1) % DAY_MINUTES + 1) *
		       MINUTE_MS;
	while (is_quiet_at(person, end));
	while (end - MINUTE_MS > quiet && !is_quiet_at(person, end - MINUTE_MS))
		end -= MINUTE_MS;
	return end;
}

bool person_is_quiet(const struct person *person, int64_t now, int64_t *end)
{
	int64_t minute = now - now % MINUTE_MS;

	if (person->quiet_from < 0 || !is_quiet_at(person, minute))
		return false;
	*end = end_of_quiet(person, minute);
	return true;
}
