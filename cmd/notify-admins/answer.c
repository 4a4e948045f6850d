/* answer.c - notify-admins ack, close: what people say to an incident. */
#include "config.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "incident.h"
#include "log.h"
#include "mem.h"
#include "notify.h"
#include "str.h"
#include "when.h"

/* The person behind sudo(8) rather than root. */
static const char *who_am_i(void)
{
	const char *name = getenv("SUDO_USER");
	const struct passwd *entry = name && *name ? NULL : getpwuid(getuid());

	return name && *name ? name : entry ? entry->pw_name : "somebody";
}

static int check_text(const char *option, const char *text, struct err *e)
{
	if (text && (str_has_control(text) || strlen(text) > 500))
		return err_set(e, ERR_USAGE, "%s: control characters, not UTF-8, or longer than 500 bytes",
			       option);
	return 0;
}

/* The incident meant, and those told in the same messages. */
static int find_all(struct store *store, const char *text, struct incidents *found, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(incidents_done) struct incidents active = {0};
	struct incident meant;

	if (store_view_open(&view, store, e) < 0 || incident_find(view, text, &meant, e) < 0)
		return e->code;
	vec_push(found, meant);
	if (!meant.group)
		return 0;
	if (incident_active(view, &active, e) < 0)
		return e->code;
	vec_foreach(&active, incident)
		if (str_equal(incident->group, meant.group) && strcmp(incident->id, meant.id) != 0 &&
		    incident->closed == WHEN_UNKNOWN) {
			vec_push(found, *incident);
			*incident = (struct incident){0};
		}
	return 0;
}

static int acknowledge(struct store *store, const struct options *o, const struct incident *incident,
		       const char *by, struct err *e)
{
	int result = incident_acknowledge(store, incident->id, when_now(), by, o->note, true, e);

	if (result < 0)
		return result;
	if (result == 1 && !o->cli.quiet)
		printf("%s %s: acknowledged by %s\n", incident->id, incident->host, by);
	if (result == 0 && !o->cli.quiet) {
		cleanup(cleanup_mem) char *other =
			str_escape(incident->acknowledged_by ? incident->acknowledged_by : "somebody");
		printf("%s %s: %s has it already\n", incident->id, incident->host, other);
	}
	return 0;
}

int command_ack(void *context)
{
	struct options *o = context;
	struct err *e = o->e;
	const char *by = o->by ? o->by : who_am_i();
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(incidents_done) struct incidents found = {0};

	if (cli_operands(&o->cli, 1, 1, e) < 0 || check_text("--by", by, e) < 0 ||
	    check_text("--note", o->note, e) < 0 || cli_store(&o->conf, STORE_WRITE, &store, e) < 0 ||
	    find_all(store, o->cli.operands[0], &found, e) < 0)
		return e->code;
	vec_foreach(&found, incident)
		if (acknowledge(store, o, incident, by, e) < 0)
			return e->code;
	return 0;
}

int command_close(void *context)
{
	struct options *o = context;
	struct err *e = o->e;
	const char *by = o->by ? o->by : who_am_i();
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(incidents_done) struct incidents found = {0};

	if (cli_operands(&o->cli, 1, 1, e) < 0 || check_text("--by", by, e) < 0 ||
	    cli_store(&o->conf, STORE_WRITE, &store, e) < 0 || find_all(store, o->cli.operands[0], &found, e) < 0)
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
