/* trial_voice.c - a trial call. */
#include "config.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "exchange.h"
#include "log.h"
#include "mem.h"
#include "people.h"
#include "spoken.h"
#include "trial_voice.h"

struct callee {
	char *phone, *lang;
	char *name; /* or NULL */
};

static void callee_done(struct callee *callee)
{
	mem_replace(&callee->phone, NULL);
	mem_replace(&callee->lang, NULL);
	mem_replace(&callee->name, NULL);
}

static bool is_telephone(const char *text)
{
	return text[strspn(text, "0123456789+*#")] == '\0' || strncasecmp(text, "sip:", 4) == 0;
}

static const struct person *find_person(const struct people *people, const char *wanted)
{
	const struct person *found = people_find_address(people, wanted);

	for (size_t i = 0; i < people->count && !found; i++)
		if (str_equal(people->items[i].phone, wanted) || str_equal(people->items[i].name, wanted))
			found = &people->items[i];
	return found;
}

static int check_person(const struct person *person, const char *wanted, struct err *e)
{
	cleanup(cleanup_mem) char *shown = str_escape(wanted);

	if (!person)
		return err_set(e, ERR_NOT_FOUND, "%s: nobody of that name is in the list or the settings", shown);
	if (!person->phone)
		return err_set(e, ERR_NOT_FOUND, "%s: no telephone is known", shown);
	if (person->mail_only)
		return err_set(e, ERR_USAGE, "%s: wants mail only", shown);
	return 0;
}

static int look_up(struct options *o, const struct admins *admins, const char *wanted, struct callee *callee,
		   struct err *e)
{
	cleanup(people_done) struct people people = {0};

	people_build(&people, admins, &o->conf);
	const struct person *person = find_person(&people, wanted);
	/* Whoever is in no list can still be called. */
	if (!person && is_telephone(wanted)) {
		callee->phone = mem_string(wanted);
		callee->lang = mem_string(o->conf.sip.voice_lang);
		return 0;
	}
	if (check_person(person, wanted, e) < 0)
		return e->code;
	callee->phone = mem_string(person->phone);
	callee->lang = mem_string(person->voice_lang);
	callee->name = mem_string(person->name);
	return 0;
}

static int load_list(struct options *o, struct admins *admins, struct err *e)
{
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (cli_store(&o->conf, STORE_READ, &store, e) < 0 || store_view_open(&view, store, e) < 0)
		return e->code;
	return admins_load(view, admins, e);
}

static int find_callee(struct options *o, const char *wanted, struct callee *callee, struct err *e)
{
	cleanup(admins_done) struct admins admins = {0};
	int listed = load_list(o, &admins, e);

	/* A telephone, or somebody of the settings, needs neither a list nor a store. */
	struct err absent = {0};
	int result = look_up(o, listed > 0 ? &admins : NULL, wanted, callee, &absent);
	if (result == ERR_NOT_FOUND && listed < 0)
		return listed;
	if (result < 0)
		*e = absent;
	return result;
}

static int check_settings(const struct conf *conf, struct err *e)
{
	if (conf->notify.redirect)
		return err_set(e, ERR_USAGE, "notify.redirect is set: nobody is called");
	return 0;
}

static void wait_for_end(struct caller *caller, struct delivery_outcome *outcome)
{
	struct err trouble;
	uint64_t tag;
	bool over = false;

	while (!over) {
		struct pollfd event = {.fd = caller_fd(caller), .events = POLLIN};
		poll(&event, 1, -1);
		over = caller_finished(caller, &tag, outcome);
		while (caller_trouble(caller, &trouble))
			log_warning("%s", trouble.text);
	}
}

static int report(const struct options *o, const struct callee *callee,
		  const struct delivery_outcome *outcome, struct err *e)
{
	if (outcome->call == CALL_KEY) {
		if (!o->cli.quiet)
			printf("%s: heard: key %c was pressed\n", callee->phone, outcome->key);
		return 0;
	}
	int code = outcome->call == CALL_UNREACHABLE ? ERR_NET
		   : outcome->call == CALL_REFUSED   ? ERR_PERMANENT
						     : ERR_NOT_FOUND;
	return err_set(e, code, "%s: %s%s%s%s", callee->phone, call_end_text(outcome->call),
		       outcome->err.text[0] ? " (" : "", outcome->err.text, outcome->err.text[0] ? ")" : "");
}

static int call(struct options *o, const struct callee *callee, const struct spoken *spoken, struct err *e)
{
	cleanup(cleanup_caller_free) struct caller *caller = NULL;
	struct delivery_outcome outcome = {0};
	struct call_order order = {
		.to = callee->phone, .lang = callee->lang, .message = spoken->message, .thanks = spoken->thanks};

	if (exchange_open(&caller, &o->conf, e) < 0 || caller_submit(caller, 1, &order, e) < 0)
		return e->code;
	wait_for_end(caller, &outcome);
	return report(o, callee, &outcome, e);
}

int trial_voice(struct options *o, const char *person, struct err *e)
{
	cleanup(callee_done) struct callee callee = {0};
	cleanup(spoken_done) struct spoken spoken = {0};

	if (check_settings(&o->conf, e) < 0 || find_callee(o, person, &callee, e) < 0)
		return e->code;
	const struct wording wording = {.folder = o->conf.notify.templates, .lang = callee.lang};
	int result = spoken_test(&spoken, callee.name, &wording, e);
	if (result < 0)
		return result;
	if (result > 0)
		log_warning("%s: the built-in text is used", e->text);
	*e = (struct err){0};
	if (!o->dry_run)
		return call(o, &callee, &spoken, e);
	printf("Call: %s (%s)\n\n%s\n", callee.phone, callee.lang, spoken.message);
	return 0;
}
