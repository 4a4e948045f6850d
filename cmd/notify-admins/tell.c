/* tell.c - one round of telling: what is one message, then each kind of it. */
#include "config.h"

#include <stdio.h>

#include "log.h"
#include "mem.h"
#include "telling.h"
#include "vec.h"
#include "when.h"

static void set_group(struct state *state, struct incident *incident, const char *group)
{
	struct record *record = record_new(RECORD_GROUP);

	mem_replace(&incident->group, group);
	incident_copy(&record->incident, incident);
	state_record(state, record);
}

/*
 * Over before anybody could be told. One that was over when we learnt of it was none if it lasted long enough, for its VMs
 * ran on no more; but an old log that is read again is no news.
 */
static bool was_hiccup(const struct incident *incident, int64_t wait)
{
	if (incident->opened < incident->closed)
		return incident->closing - incident->opened <= wait;
	return incident->closed - incident->at <= wait || incident->closing - incident->closed > STATE_NEWS_MS;
}

/* A silence covers the whole of what was over before it ended. */
static bool was_silenced(const struct incident *incident)
{
	return incident->closed != WHEN_UNKNOWN && incident->silenced_until != WHEN_UNKNOWN &&
	       incident->closed <= incident->silenced_until;
}

/* Of a host that is silenced nobody hears until that is over; then it is looked at as if it had died now. */
static bool awaits_group(struct state *state, const struct incident *incident, int64_t wait)
{
	return !incident->group && !state_is_silenced(state, incident) && !was_silenced(incident) &&
	       (incident->closed == WHEN_UNKNOWN || (incident->recovered && !was_hiccup(incident, wait)));
}

static struct incident *oldest_without_group(struct state *state, int64_t wait)
{
	struct incident *oldest = NULL;

	vec_foreach(&state->incidents, incident)
		if (awaits_group(state, incident, wait) && (!oldest || incident_is_older(incident, oldest)))
			oldest = incident;
	return oldest;
}

/* Hosts that die within group_wait are one message a person; what is wrong with us waits for nothing. */
static void assign_groups(struct state *state, int64_t now)
{
	int64_t wait = state->conf->notify.group_wait_ms;
	struct incident *oldest;

	vec_foreach(&state->incidents, incident)
		if (!incident->group && incident->kind != INCIDENT_HOST)
			set_group(state, incident, incident->id);
	while ((oldest = oldest_without_group(state, wait))) {
		if (!state_has_passed(now, oldest->opened, wait)) {
			state->soon = true;
			state_wake(state, oldest->opened + wait - now);
			return;
		}
		char group[INCIDENT_ID_SIZE];
		int64_t until = oldest->opened + wait;
		snprintf(group, sizeof group, "%s", oldest->id);
		vec_foreach(&state->incidents, incident)
			if (awaits_group(state, incident, wait) && incident->opened <= until)
				set_group(state, incident, group);
	}
}

/* For whoever looks at the incident, now or later. */
static void note_silences(struct state *state)
{
	vec_foreach(&state->incidents, incident) {
		const struct silence *silence =
			incident->closed == WHEN_UNKNOWN ? state_silence(state, incident) : NULL;
		if (!silence || incident->silenced_until == silence->until)
			continue;
		incident->silenced_until = silence->until;
		mem_replace(&incident->silence, silence->why);
		struct record *record = record_new(RECORD_SILENCE);
		incident_copy(&record->incident, incident);
		state_record(state, record);
		log_info("incident %s: %s is silenced: %s", incident->id, incident->host, silence->why);
	}
}

static bool is_first_of_group(struct state *state, const struct incident *wanted)
{
	vec_foreach(&state->incidents, incident)
		if (str_equal(incident->group, wanted->group))
			return incident == wanted;
	return false;
}

void tell(struct telling *telling)
{
	struct state *state = telling->state;

	note_silences(state);
	assign_groups(state, telling->now);
	tell_end(telling);
	vec_foreach(&state->incidents, incident) {
		if (!incident->group || !is_first_of_group(state, incident))
			continue;
		tell_first(telling, incident->group);
		tell_escalation(telling, incident->group);
		tell_failed(telling, incident->group);
		tell_follow_up(telling, incident->group);
	}
	tell_summary(telling);
	tell_again(telling);
}
