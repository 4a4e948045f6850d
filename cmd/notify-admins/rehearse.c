/* rehearse.c - the rehearsal: who would be told what if a host died, and whom that would escalate to when. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "affected.h"
#include "carrier.h"
#include "letter.h"
#include "log.h"
#include "mem.h"
#include "notice.h"
#include "notify.h"
#include "people.h"
#include "policy.h"
#include "spoken.h"
#include "str.h"
#include "vec.h"
#include "when.h"

struct rehearsal {
	struct incidents incidents;
	struct affected *affected;
	struct notice_case *cases;
	struct admins admins;
	struct people people;
	struct notices notices;
};

static void rehearsal_done(struct rehearsal *r)
{
	notices_done(&r->notices);
	for (size_t i = 0; r->affected && i < r->incidents.count; i++)
		affected_done(&r->affected[i]);
	free(r->affected);
	free(r->cases);
	incidents_done(&r->incidents);
	people_done(&r->people);
	admins_done(&r->admins);
}

static int imagine_death(struct rehearsal *r, struct store_view *view, const char *host, int64_t at,
			 struct err *e)
{
	struct incident incident = {.host = mem_string(host),
				    .at = at,
				    .opened = at,
				    .detail = mem_string("rehearsal: it did not happen"),
				    .acknowledged = WHEN_UNKNOWN,
				    .closed = WHEN_UNKNOWN,
				    .closing = WHEN_UNKNOWN,
				    .listed = WHEN_UNKNOWN,
				    .silenced_until = WHEN_UNKNOWN};

	int result = incident_check(view, &incident, e);
	if (result == INCIDENT_HISTORY)
		snprintf(incident.id, sizeof incident.id, "0000");
	vec_push(&r->incidents, incident);
	return result < 0 ? result : 0;
}

static int prepare(struct rehearsal *r, struct options *o, struct store_view *view, int64_t at, struct err *e)
{
	vec_foreach(&o->hosts, host)
		if (imagine_death(r, view, *host, at, e) < 0)
			return e->code;
	r->affected = mem_zalloc(r->incidents.count, sizeof *r->affected);
	r->cases = mem_zalloc(r->incidents.count, sizeof *r->cases);
	for (size_t i = 0; i < r->incidents.count; i++) {
		r->cases[i].incident = &r->incidents.items[i];
		if (affected_find(view, r->incidents.items[i].host, at, &r->affected[i], e) < 0)
			return e->code;
		r->cases[i].affected = &r->affected[i];
	}
	int have_admins = admins_load(view, &r->admins, e);
	if (have_admins < 0)
		return have_admins;
	const struct admins *admins = have_admins ? &r->admins : NULL;
	people_build(&r->people, admins, &o->conf);
	notices_build(&r->notices, r->cases, r->incidents.count, admins, &r->people, &o->conf);
	return 0;
}

/* ---- the messages ---- */

static struct wording wording_of(const struct options *o, const struct notice *notice)
{
	return (struct wording){.folder = o->conf.notify.templates, .lang = notice->contact->voice_lang};
}

static void rehearse_mail(const struct options *o, const struct rehearsal *r, const struct notice *notice,
			  struct err *e)
{
	const struct wording wording = wording_of(o, notice);
	cleanup(letter_done) struct letter letter = {0};

	if (letter_write(&letter, DELIVERY_FIRST, &r->notices, notice, &wording, e) > 0)
		complain_of_template(e);
	show_letter(&letter, notice->name, notice->address);
}

/* Whether a step of their own policy calls them. */
static bool is_called(const struct person *person, const struct conf *conf)
{
	const struct conf_policy *policy = person->policy;

	if (!person_has(person, conf, CONF_VOICE))
		return false;
	for (size_t i = 0; i < policy->step_count; i++)
		for (size_t j = 0; policy->steps[i].to.count == 0 && j < policy->steps[i].way_count; j++)
			if (policy->steps[i].ways[j].channel == CONF_VOICE)
				return true;
	return false;
}

static int rehearse_call(const struct options *o, const struct rehearsal *r, const struct notice *notice,
			 struct err *e)
{
	const struct person *person = notice->contact;
	const struct wording wording = wording_of(o, notice);
	cleanup(spoken_done) struct spoken spoken = {0};
	cleanup(str_done) struct str text = {0};

	int result = spoken_write(&spoken, DELIVERY_FIRST, &r->notices, notice, &wording, e);
	if (result < 0)
		return result;
	if (result > 0)
		complain_of_template(e);
	carrier_voice_describe(&text, notice->name, person->phone, person->voice_lang, &spoken,
			       spoken_asks(DELIVERY_FIRST));
	fputs(text.data, stdout);
	return 0;
}

static int rehearse_messages(const struct options *o, const struct rehearsal *r, struct err *e)
{
	vec_foreach(&r->notices, notice) {
		rehearse_mail(o, r, notice, e);
		if (!notice->copy && is_called(notice->contact, &o->conf) && rehearse_call(o, r, notice, e) < 0)
			return e->code;
	}
	return 0;
}

/* ---- the timetable ---- */

/* Where the line of a turn goes, and what it is of. */
struct timetable {
	const struct options *options;
	const struct rehearsal *rehearsal;
	const struct person *owner;
	int64_t zero; /* when the first notice is due */
};

static void show_way(const struct person *person, const struct conf_way *way, int64_t at, bool own)
{
	char clock[WHEN_TEXT_SIZE];
	int64_t end;
	bool quiet = way->channel == CONF_VOICE && person_is_quiet(person, at, &end);
	cleanup(cleanup_mem) char *name = own ? NULL : str_escape(person->name ? person->name : person->key);

	printf("  %s  %-8s %s%s%s%s\n", when_format(quiet ? end : at, WHEN_CLOCK, clock),
	       delivery_channel_name((enum delivery_channel)way->channel), person_address(person, way),
	       name ? "  " : "", name ? name : "", quiet ? "  (after their quiet hours)" : "");
}

/* How many ways of the turn reach somebody. */
static size_t show_turn(const struct timetable *table, const struct turn *turn, int64_t at)
{
	const struct conf *conf = &table->options->conf;
	const struct person *person;
	size_t place = 0, shown = 0;
	bool own = turn->what->to.count == 0;

	while ((person = policy_next_person(&table->rehearsal->people, conf, table->owner, turn, &place)))
		for (size_t i = 0; i < turn->what->way_count; i++) {
			const struct conf_way *way = &turn->what->ways[i];
			if (!person_has(person, conf, way->channel) || (!own && person == table->owner))
				continue;
			show_way(person, way, at, own);
			shown++;
		}
	return shown;
}

static void show_nobody(const struct turn *turn, int64_t at)
{
	char clock[WHEN_TEXT_SIZE];

	printf("  %s  nobody of", when_format(at, WHEN_CLOCK, clock));
	for (size_t i = 0; i < turn->what->to.count; i++)
		printf(" %s", turn->what->to.items[i]);
	printf(" can be reached\n");
}

static void show_timetable(const struct timetable *table)
{
	const struct conf_policy *policy = table->owner->policy;
	struct turn first, turn;
	char duration[WHEN_TEXT_SIZE];
	unsigned begun = UINT32_MAX;
	cleanup(cleanup_mem) char *name =
		str_escape(table->owner->name ? table->owner->name : table->owner->key);

	printf("Until somebody answers for %s (policy %s):\n", name, policy->name);
	if (policy_first_turn(table->owner, &table->options->conf, &first)) {
		begun = first.number;
		show_turn(table, &first, table->zero);
	}
	for (unsigned number = 0; number < policy->step_count && policy_turn(policy, number, &turn); number++) {
		int64_t at = table->zero + turn.after_ms;
		if (number != begun && show_turn(table, &turn, at) == 0 && turn.what->to.count > 0)
			show_nobody(&turn, at);
	}
	if (policy->repeat_ms > 0)
		printf("  and all of it again every %s, mails aside\n",
		       when_format_duration(policy->repeat_ms, duration));
	printf("\n");
}

static void show_timetables(const struct options *o, const struct rehearsal *r, int64_t at)
{
	vec_foreach(&r->notices, notice) {
		struct timetable table = {o, r, notice->contact, at + o->conf.notify.group_wait_ms};
		if (!notice->copy)
			show_timetable(&table);
	}
}

static int check_hosts(struct options *o, struct err *e)
{
	struct hosts hosts = {0};
	const struct host *host;
	int result = cli_hosts(&o->conf, &hosts, e);

	vec_foreach(&o->hosts, name)
		if (result == 0)
			result = hosts_require(&hosts, *name, &host, e);
	hosts_done(&hosts);
	return result;
}

int rehearse(struct options *o, struct err *e)
{
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(rehearsal_done) struct rehearsal r = {0};
	int64_t at = when_now();

	if (cli_operands(&o->cli, 0, 0, e) < 0 || check_hosts(o, e) < 0 ||
	    (o->at && cli_time("--at", o->at, &at, e) < 0) || cli_store(&o->conf, STORE_READ, &store, e) < 0 ||
	    store_view_open(&view, store, e) < 0 || prepare(&r, o, view, at, e) < 0)
		return e->code;
	if (rehearse_messages(o, &r, e) < 0)
		return e->code;
	show_timetables(o, &r, at);
	if (r.notices.untold > 0)
		return err_set(e, ERR_PARTIAL, "nobody to tell for %zu VM%s: no administrator can be reached and notify.fallback is empty",
			       r.notices.untold, r.notices.untold == 1 ? "" : "s");
	return 0;
}
