/* answer.c - notify-admins ack, close: what people say to an incident. */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "acknowledge.h"
#include "incident.h"
#include "mem.h"
#include "notify.h"
#include "speaker.h"
#include "when.h"

/* As a person stands in the ledger: mail addresses in lower case. */
static char *make_person(const char *name)
{
	char *person = mem_string(name);

	for (char *c = person; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return person;
}

static int acknowledge_by_hand(struct store *store, const struct options *o, struct err *e)
{
	cleanup(incidents_done) struct incidents found = {0};
	cleanup(cleanup_mem) char *person = make_person(o->by ? o->by : "");
	const char *by = o->by ? o->by : speaker_name();

	if (acknowledge_find(store, o->cli.operands[0], &found, e) < 0)
		return e->code;
	int told = acknowledge_knows(store, &found, person, e);
	if (told < 0)
		return told;
	struct acknowledgement acknowledgement = {.by = told ? person : by,
						  .person = told ? person : NULL,
						  .note = o->note,
						  .whole = !told || o->all,
						  .quiet = o->cli.quiet};
	return acknowledge(store, &found, &acknowledgement, e);
}

int command_ack(void *context)
{
	struct options *o = context;
	struct err *e = o->e;
	cleanup(cleanup_store) struct store *store = NULL;

	if (o->mail)
		return acknowledge_by_mail(o, e);
	if (cli_operands(&o->cli, 1, 1, e) < 0 || speaker_check("--by", o->by, e) < 0 ||
	    speaker_check("--note", o->note, e) < 0 || cli_store(&o->conf, STORE_WRITE, &store, e) < 0)
		return e->code;
	return acknowledge_by_hand(store, o, e);
}

int command_close(void *context)
{
	struct options *o = context;
	struct err *e = o->e;
	const char *by = o->by ? o->by : speaker_name();
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(incidents_done) struct incidents found = {0};

	if (cli_operands(&o->cli, 1, 1, e) < 0 || speaker_check("--by", by, e) < 0 ||
	    cli_store(&o->conf, STORE_WRITE, &store, e) < 0 ||
	    acknowledge_find(store, o->cli.operands[0], &found, e) < 0)
		return e->code;
	const struct incident *incident = &found.items[0];
	cleanup(cleanup_mem) char *why = mem_format("closed by %s", by);
	int result = incident_close(store, incident->id, when_now(), when_now(), why, false, e);
	if (result < 0)
		return result;
	if (!o->cli.quiet)
		printf("%s %s: %s\n", incident->id, incident->host, result ? why : "was closed already");
	return 0;
}
