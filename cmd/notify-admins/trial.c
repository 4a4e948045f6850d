/* trial.c - notify-admins test, and the rehearsal: what would be said, and whether it arrives. */
#include "config.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "affected.h"
#include "hooks.h"
#include "http.h"
#include "letter.h"
#include "log.h"
#include "mail.h"
#include "mem.h"
#include "notice.h"
#include "notify.h"
#include "people.h"
#include "relay.h"
#include "str.h"
#include "trial_hooks.h"
#include "trial_voice.h"
#include "when.h"

void show_letter(const struct letter *letter, const char *name, const char *address)
{
	cleanup(cleanup_mem) char *shown = name ? str_escape(name) : NULL;

	printf("To: %s%s%s%s\nSubject: %s\n\n%s\n", shown ? shown : "", shown ? " <" : "", address,
	       shown ? ">" : "", letter->subject, letter->text);
}

void complain_of_template(const struct err *e)
{
	log_warning("%s: the built-in text is used", e->text);
}

/* ---- test ---- */

struct addressee {
	char *name, *address;
	char *lang; /* or NULL: not known */
};

static void addressee_done(struct addressee *addressee)
{
	free(addressee->name);
	free(addressee->address);
	free(addressee->lang);
}

static void find_lang(struct options *o, const struct admins *admins, struct addressee *found)
{
	cleanup(people_done) struct people people = {0};

	people_build(&people, admins, &o->conf);
	const struct person *person = people_find_address(&people, found->address);
	found->lang = person ? mem_string(person->voice_lang) : NULL;
}

static int search_list(struct options *o, const char *person, struct addressee *found, struct err *e)
{
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(admins_done) struct admins admins = {0};

	if (cli_store(&o->conf, STORE_READ, &store, e) < 0 || store_view_open(&view, store, e) < 0)
		return e->code;
	int result = admins_load(view, &admins, e);
	if (result < 0)
		return result;
	for (size_t i = 0; i < admins.count; i++) {
		const struct admin *admin = &admins.items[i];
		if (admin->email && (strcasecmp(admin->email, person) == 0 || str_equal(admin->admin, person))) {
			found->name = admin->admin && *admin->admin ? mem_string(admin->admin) : NULL;
			found->address = mem_string(admin->email);
			find_lang(o, &admins, found);
			return 0;
		}
	}
	return 0;
}

static int find_person(struct options *o, const char *person, struct addressee *found, struct err *e)
{
	int result = search_list(o, person, found, e);

	/* A plain address needs neither a list nor a store. */
	if (!found->address && strchr(person, '@')) {
		found->address = mem_string(person);
		find_lang(o, NULL, found);
		return mail_check_address(person, e);
	}
	if (result < 0)
		return result;
	cleanup(cleanup_mem) char *shown = str_escape(person);
	return found->address ? 0
			      : err_set(e, ERR_NOT_FOUND,
					"%s: nobody of that name with a mail address is in the list", shown);
}

static int deliver(struct smtp *smtp, const char *from, const char *to, const struct str *message, struct err *e)
{
	uint64_t tag;

	if (smtp_submit(smtp, 1, from, to, message->data, message->length, e) < 0)
		return e->code;
	*e = (struct err){0};
	while (!smtp_finished(smtp, &tag, e)) {
		struct pollfd event = {.fd = smtp_fd(smtp), .events = POLLIN};
		poll(&event, 1, -1);
	}
	return e->code;
}

static int send_letter(struct options *o, const struct addressee *to, const struct letter *letter, struct err *e)
{
	cleanup(cleanup_smtp) struct smtp *smtp = NULL;
	cleanup(str_done) struct str bytes = {0};
	cleanup(cleanup_mem) char *now = mem_format("%lld", (long long)when_now());
	const char *address = o->conf.notify.redirect ? o->conf.notify.redirect : to->address;

	if (relay_open(&smtp, &o->conf, e) < 0)
		return e->code;
	const char *const parts[] = {"test", now, to->address, NULL};
	cleanup(cleanup_mem) char *id = mail_message_id("vmroll.test", parts, o->conf.smtp.from);
	cleanup(cleanup_mem) char *name = to->name ? str_escape(to->name) : NULL;
	struct mail mail = {.from = o->conf.smtp.from,
			    .from_name = "vmroll",
			    .to = address,
			    .to_name = name,
			    .subject = letter->subject,
			    .date = when_now(),
			    .message_id = id,
			    .text = letter->text,
			    .html = letter->html};
	if (mail_compose(&mail, &bytes, e) < 0 || deliver(smtp, o->conf.smtp.from, address, &bytes, e) < 0)
		return err_wrap(e, "%s", address);
	if (!o->cli.quiet)
		printf("%s: the relay took it, Message-ID %s\n", address, id);
	return 0;
}

static int test_mail(struct options *o, const char *person, struct err *e)
{
	cleanup(letter_done) struct letter letter = {0};
	cleanup(addressee_done) struct addressee to = {0};

	if (find_person(o, person, &to, e) < 0)
		return e->code;
	const struct wording wording = {.folder = o->conf.notify.templates, .lang = to.lang};
	if (letter_test(&letter, person, when_now(), &wording, e) > 0)
		complain_of_template(e);
	if (o->dry_run) {
		show_letter(&letter, to.name, to.address);
		return 0;
	}
	return send_letter(o, &to, &letter, e);
}

/* ---- the ways ---- */

static int test_hook(struct options *o, const char *person, struct err *e)
{
	cleanup(str_done) struct str json = {0};

	if (trial_hook_write(&o->conf, o->channel, person, &json, e) < 0)
		return e->code;
	if (o->dry_run) {
		printf("%s\n", str_text(&json));
		return 0;
	}
	if (trial_hook_send(&o->conf, o->channel, &json, e) < 0)
		return e->code;
	if (!o->cli.quiet)
		printf("%s: took it\n", o->channel);
	return 0;
}

static bool is_mail(const char *channel)
{
	return strcmp(channel, "mail") == 0;
}

static bool is_voice(const char *channel)
{
	return strcmp(channel, "voice") == 0;
}

static const struct way {
	bool (*is)(const char *channel);
	int (*test)(struct options *o, const char *person, struct err *e);
} ways[] = {{is_mail, test_mail}, {is_voice, trial_voice}, {trial_is_hook, test_hook}};

int command_test(void *context)
{
	struct options *o = context;

	if (cli_operands(&o->cli, 1, 1, o->e) < 0)
		return o->e->code;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		if (ways[i].is(o->channel ? o->channel : "mail"))
			return ways[i].test(o, o->cli.operands[0], o->e);
	cleanup(cleanup_mem) char *shown = str_escape(o->channel);
	return err_set(o->e, ERR_USAGE, "--channel %s: expected mail, voice, webhook:NAME or command:NAME",
		       shown);
}
