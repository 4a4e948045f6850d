/* listing.c - notify-admins admins, incidents, log: what the store holds. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "incident.h"
#include "ledger.h"
#include "mem.h"
#include "notify.h"
#include "when.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* What every listing opens. */
struct source {
	struct store *store;
	struct store_view *view;
	struct rows *rows;
};

static void close_source(struct source *source)
{
	rows_free(source->rows);
	store_view_close(source->view);
	store_close(source->store);
}

static int open_source(struct source *source, const struct options *o, struct err *e)
{
	if (cli_store(&o->conf, STORE_READ, &source->store, e) < 0 ||
	    store_view_open(&source->view, source->store, e) < 0)
		return e->code;
	source->rows = cli_rows(&o->cli, e);
	return source->rows ? 0 : e->code;
}

/* ---- admins ---- */

enum {
	ADMINS_VM,
	ADMINS_ADMIN,
	ADMINS_EMAIL,
	ADMINS_PHONE,
	ADMINS_PROCESS,
	ADMINS_VOICE_LANG,
	ADMINS_POLICY,
	ADMINS_GROUP,
	ADMINS_SOURCE,
	ADMINS_IMPORTED
};

static const struct column admins_columns[] = {
	[ADMINS_VM] = {"VM", "vm", "name, NAME@HOST or UUID of the VM", ROWS_TEXT, false, false},
	[ADMINS_ADMIN] = {"ADMIN", "admin", "name of the person", ROWS_TEXT, false, false},
	[ADMINS_EMAIL] = {"EMAIL", "email", "mail address", ROWS_TEXT, false, false},
	[ADMINS_PHONE] = {"PHONE", "phone", "telephone", ROWS_TEXT, false, false},
	[ADMINS_PROCESS] = {"PROCESS", "process", "what the VM runs continuously", ROWS_TEXT, false, false},
	[ADMINS_VOICE_LANG] = {"VOICE_LANG", "voice_lang", "language of calls to the person", ROWS_TEXT, true,
			       false},
	[ADMINS_POLICY] = {"POLICY", "policy", "escalation policy of the person", ROWS_TEXT, true, false},
	[ADMINS_GROUP] = {"GROUP", "group", "groups that the person is in", ROWS_LIST, true, false},
	[ADMINS_SOURCE] = {"SOURCE", "source", "where the list came from", ROWS_TEXT, true, false},
	[ADMINS_IMPORTED] = {"IMPORTED", "imported", "when it was imported", ROWS_TIME, true, false},
};
const struct cli_listing admins_listing = {admins_columns, COUNT(admins_columns)};

static const char *or_null(const char *text)
{
	return text && *text ? text : NULL;
}

static int print_admins(struct rows *rows, const struct admins *admins, struct err *e)
{
	for (size_t i = 0; i < admins->count; i++) {
		const struct admin *admin = &admins->items[i];
		rows_text(rows, ADMINS_VM, admin->vm);
		rows_text(rows, ADMINS_ADMIN, or_null(admin->admin));
		rows_text(rows, ADMINS_EMAIL, admin->email);
		rows_text(rows, ADMINS_PHONE, admin->phone);
		rows_text(rows, ADMINS_PROCESS, or_null(admin->process));
		rows_text(rows, ADMINS_VOICE_LANG, admin->voice_lang);
		rows_text(rows, ADMINS_POLICY, admin->policy);
		for (size_t j = 0; j < admin->groups.count; j++)
			rows_list_add(rows, ADMINS_GROUP, admin->groups.items[j]);
		rows_text(rows, ADMINS_SOURCE, admins->source);
		rows_time(rows, ADMINS_IMPORTED, admins->imported);
		if (rows_end(rows, e) < 0)
			return e->code;
	}
	return rows_finish(rows, e);
}

/* For people only: elsewhere it stands in keys and columns. */
static void print_age(const struct options *o, const struct admins *admins)
{
	char when[WHEN_TEXT_SIZE];
	char age[WHEN_TEXT_SIZE];
	cleanup(cleanup_mem) char *source = str_escape(admins->source ? admins->source : "-");

	if (o->cli.format == ROWS_TABLE && !o->cli.no_headings)
		printf("from %s, imported %s (%s ago)\n", source,
		       when_format(admins->imported, WHEN_LOCAL, when),
		       when_format_duration(when_now() - admins->imported, age));
}

int command_admins(void *context)
{
	struct options *o = context;
	cleanup(close_source) struct source source = {0};
	cleanup(admins_done) struct admins admins = {0};

	if (cli_operands(&o->cli, 0, 0, o->e) < 0 || open_source(&source, o, o->e) < 0)
		return o->e->code;
	int result = admins_load(source.view, &admins, o->e);
	if (result == 0)
		return err_set(o->e, ERR_NOT_FOUND, "no list of administrators was imported yet");
	if (result < 0 || print_admins(source.rows, &admins, o->e) < 0)
		return o->e->code;
	print_age(o, &admins);
	return 0;
}

/* ---- incidents ---- */

enum {
	INCIDENTS_ID,
	INCIDENTS_HOST,
	INCIDENTS_KIND,
	INCIDENTS_STATE,
	INCIDENTS_SINCE,
	INCIDENTS_ENDED,
	INCIDENTS_ACKNOWLEDGED,
	INCIDENTS_BY,
	INCIDENTS_NOTE,
	INCIDENTS_DETAIL,
	INCIDENTS_GROUP,
	INCIDENTS_WHOLE,
	INCIDENTS_SILENCE,
	INCIDENTS_SILENCED_UNTIL
};

static const struct column incidents_columns[] = {
	[INCIDENTS_ID] = {"INCIDENT", "incident", "its id", ROWS_TEXT, false, false},
	[INCIDENTS_HOST] = {"HOST", "host", "host, - for trouble of our own", ROWS_TEXT, false, false},
	[INCIDENTS_KIND] = {"KIND", "kind", "down, isolated, heartbeat or list", ROWS_TEXT, false, false},
	[INCIDENTS_STATE] = {"STATE", "state", "open, acknowledged, or why it was closed", ROWS_TEXT, false, false},
	[INCIDENTS_SINCE] = {"SINCE", "since", "when it happened", ROWS_TIME, false, false},
	[INCIDENTS_ENDED] = {"ENDED", "ended", "when it ended", ROWS_TIME, false, false},
	[INCIDENTS_ACKNOWLEDGED] = {"ACKNOWLEDGED", "acknowledged", "when it was acknowledged", ROWS_TIME,
				    true, false},
	[INCIDENTS_BY] = {"BY", "acknowledged_by", "who acknowledged it", ROWS_TEXT, false, false},
	[INCIDENTS_NOTE] = {"NOTE", "note", "what they noted", ROWS_TEXT, true, false},
	[INCIDENTS_DETAIL] = {"DETAIL", "detail", "how it is known", ROWS_TEXT, true, false},
	[INCIDENTS_GROUP] = {"GROUP", "group", "incident whose messages tell this one too", ROWS_TEXT, true, false},
	[INCIDENTS_WHOLE] = {"WHOLE", "whole", "acknowledged for everybody", ROWS_BOOL, true, false},
	[INCIDENTS_SILENCE] = {"SILENCE", "silence", "why its host was silenced", ROWS_TEXT, true, false},
	[INCIDENTS_SILENCED_UNTIL] = {"SILENCED_UNTIL", "silenced_until", "until when", ROWS_TIME, true, false},
};
const struct cli_listing incidents_listing = {incidents_columns, COUNT(incidents_columns)};

static const char *state_of(const struct incident *incident)
{
	if (incident->closed != WHEN_UNKNOWN)
		return incident->closed_why ? incident->closed_why : "closed";
	return incident->acknowledged != WHEN_UNKNOWN ? "acknowledged" : "open";
}

static int print_incident(struct rows *rows, const struct incident *incident, struct err *e)
{
	rows_text(rows, INCIDENTS_ID, incident->id);
	rows_text(rows, INCIDENTS_HOST, incident->host);
	rows_text(rows, INCIDENTS_KIND, incident_kind_name(incident->kind));
	rows_text(rows, INCIDENTS_STATE, state_of(incident));
	rows_time(rows, INCIDENTS_SINCE, incident->at);
	rows_time(rows, INCIDENTS_ENDED, incident->closed);
	rows_time(rows, INCIDENTS_ACKNOWLEDGED, incident->acknowledged);
	rows_text(rows, INCIDENTS_BY, incident->acknowledged_by);
	rows_text(rows, INCIDENTS_NOTE, incident->note);
	rows_text(rows, INCIDENTS_DETAIL, incident->detail);
	rows_text(rows, INCIDENTS_GROUP, incident->group);
	rows_bool(rows, INCIDENTS_WHOLE, incident->whole);
	rows_text(rows, INCIDENTS_SILENCE, incident->silence);
	rows_time(rows, INCIDENTS_SILENCED_UNTIL, incident->silenced_until);
	return rows_end(rows, e);
}

int command_incidents(void *context)
{
	struct options *o = context;
	cleanup(close_source) struct source source = {0};
	cleanup(incidents_done) struct incidents incidents = {0};

	if (cli_operands(&o->cli, 0, 0, o->e) < 0 || open_source(&source, o, o->e) < 0 ||
	    incident_all(source.view, &incidents, o->e) < 0)
		return o->e->code;
	vec_foreach(&incidents, incident)
		if ((o->all || incident->closed == WHEN_UNKNOWN) &&
		    print_incident(source.rows, incident, o->e) < 0)
			return o->e->code;
	return rows_finish(source.rows, o->e);
}

/* ---- log ---- */

enum {
	LOG_INCIDENT,
	LOG_HOST,
	LOG_PERSON,
	LOG_CHANNEL,
	LOG_KIND,
	LOG_STATE,
	LOG_ATTEMPTS,
	LOG_NEXT,
	LOG_SENT,
	LOG_ERROR,
	LOG_MESSAGE_ID,
	LOG_STEP,
	LOG_ACKNOWLEDGED_BY,
	LOG_OUTCOME,
	LOG_ADDRESS
};

static const struct column log_columns[] = {
	[LOG_INCIDENT] = {"INCIDENT", "incident", "id of the incident", ROWS_TEXT, false, false},
	[LOG_HOST] = {"HOST", "host", "its host", ROWS_TEXT, false, false},
	[LOG_PERSON] = {"PERSON", "person", "who is told", ROWS_TEXT, false, false},
	[LOG_CHANNEL] = {"CHANNEL", "channel", "how: mail, voice, webhook or command", ROWS_TEXT, false, false},
	[LOG_KIND] = {"KIND", "kind", "first, follow-up, recovery, undelivered, escalation or summary",
		      ROWS_TEXT, false, false},
	[LOG_STATE] = {"STATE",
		       "state", "pending, sending, sent, failed, expired, heard, busy, no_answer, declined, no_key, acknowledged",
		       ROWS_TEXT, false, false},
	[LOG_ATTEMPTS] = {"ATTEMPTS", "attempts", "how often it was tried", ROWS_NUMBER, false, false},
	[LOG_NEXT] = {"NEXT", "next", "when it is tried again", ROWS_TIME, false, false},
	[LOG_SENT] = {"SENT", "sent", "when the relay took it, or it was heard", ROWS_TIME, true, false},
	[LOG_ERROR] = {"ERROR", "error", "what went wrong last", ROWS_TEXT, true, false},
	[LOG_MESSAGE_ID] = {"MESSAGE-ID", "message_id", "Message-ID of the mail", ROWS_TEXT, true, false},
	[LOG_STEP] = {"STEP", "step", "step of the policy", ROWS_NUMBER, false, false},
	[LOG_ACKNOWLEDGED_BY] = {"ACKNOWLEDGED_BY", "acknowledged_by", "who answered", ROWS_TEXT, false, false},
	[LOG_OUTCOME] = {"OUTCOME", "outcome", "how the newest call ended", ROWS_TEXT, true, false},
	[LOG_ADDRESS] = {"ADDRESS", "address", "where it goes", ROWS_TEXT, true, false},
};
const struct cli_listing log_listing = {log_columns, COUNT(log_columns)};

static int print_cell(struct rows *rows, const struct incident *incident, const struct delivery *cell,
		      struct err *e)
{
	bool is_waiting = delivery_is_open(cell) && cell->state != DELIVERY_SENDING;

	rows_text(rows, LOG_INCIDENT, cell->incident);
	rows_text(rows, LOG_HOST, incident->host);
	rows_text(rows, LOG_PERSON, cell->person);
	rows_text(rows, LOG_CHANNEL, delivery_channel_name(cell->channel));
	rows_text(rows, LOG_KIND, delivery_kind_name(cell->kind));
	rows_text(rows, LOG_STATE, delivery_state_name(cell->state));
	rows_number(rows, LOG_ATTEMPTS, cell->attempts);
	rows_time(rows, LOG_NEXT, is_waiting ? cell->next : WHEN_UNKNOWN);
	rows_time(rows, LOG_SENT, cell->sent);
	rows_text(rows, LOG_ERROR, cell->error);
	rows_text(rows, LOG_MESSAGE_ID, cell->message_id);
	rows_number(rows, LOG_STEP, cell->step > 0 ? cell->step : ROWS_UNKNOWN);
	rows_text(rows, LOG_ACKNOWLEDGED_BY, cell->acknowledged_by);
	rows_text(rows, LOG_OUTCOME, call_end_name(cell->outcome));
	rows_text(rows, LOG_ADDRESS, cell->address);
	return rows_end(rows, e);
}

static int print_log(struct source *source, const struct incident *incident, struct err *e)
{
	cleanup(ledger_done) struct ledger cells = {0};

	if (ledger_read(source->view, incident->id, &cells, e) < 0)
		return e->code;
	vec_foreach(&cells, cell)
		if (print_cell(source->rows, incident, cell, e) < 0)
			return e->code;
	return 0;
}

static int choose_incidents(const struct options *o, struct store_view *view, struct incidents *chosen,
			    struct err *e)
{
	struct incident one;

	if (!o->incident)
		return incident_all(view, chosen, e);
	if (incident_find(view, o->incident, &one, e) < 0)
		return e->code;
	vec_push(chosen, one);
	return 0;
}

int command_log(void *context)
{
	struct options *o = context;
	cleanup(close_source) struct source source = {0};
	cleanup(incidents_done) struct incidents incidents = {0};

	if (cli_operands(&o->cli, 0, 0, o->e) < 0 || open_source(&source, o, o->e) < 0 ||
	    choose_incidents(o, source.view, &incidents, o->e) < 0)
		return o->e->code;
	vec_foreach(&incidents, incident)
		if (print_log(&source, incident, o->e) < 0)
			return o->e->code;
	return rows_finish(source.rows, o->e);
}
