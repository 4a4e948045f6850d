/* ack_mail.c - notify-admins ack --mail: a reply to a message, as a mail server hands it over. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acknowledge.h"
#include "incident.h"
#include "ledger.h"
#include "log.h"
#include "mailhead.h"
#include "mem.h"
#include "notify.h"
#include "str.h"
#include "token.h"
#include "vec.h"

/* So many are looked at in one mail. */
enum { CANDIDATES_MAX = 16 };

/* Where the address that was replied to, or the subject, may stand. */
static const char *const fields[] = {"to", "cc", "delivered-to", "x-original-to", "envelope-to", "subject"};

struct candidate {
	char id[INCIDENT_ID_SIZE];
	char token[TOKEN_SIZE];
};
struct candidates {
	struct candidate *items;
	size_t count, capacity;
};

/* Who replied, to what. */
struct reply {
	char id[INCIDENT_ID_SIZE];
	char *person;
};

static void reply_done(struct reply *reply)
{
	free(reply->person);
}

/* ---- the mail ---- */

static int read_mail(const char *source, struct mailhead *head, struct err *e)
{
	bool is_stdin = strcmp(source, "-") == 0;
	cleanup(cleanup_fd) int file = is_stdin ? -1 : open(source, O_RDONLY | O_CLOEXEC);

	if (!is_stdin && file < 0)
		return err_set_errno(e, ERR_ENV, errno, "%s", source);
	return mailhead_read(head, is_stdin ? STDIN_FILENO : file, e);
}

static void take_candidates(const char *value, struct candidates *found)
{
	cleanup(cleanup_mem) char *text = mailhead_decode(value);
	struct candidate candidate;
	size_t place = 0;

	while (found->count < CANDIDATES_MAX &&
	       token_find(text, &place, candidate.id, sizeof candidate.id, candidate.token))
		vec_push(found, candidate);
}

static void find_candidates(const struct mailhead *head, struct candidates *found)
{
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		const char *value;
		size_t place = 0;
		while ((value = mailhead_next(head, fields[i], &place)))
			take_candidates(value, found);
	}
}

/* ---- whose it is ---- */

/* 1 with the person whose token it is, 0 if it is nobody's. */
static int find_person(struct store_view *view, const struct token_key *key,
		       const struct candidate *candidate, struct reply *reply, struct err *e)
{
	cleanup(incident_done) struct incident incident = {0};
	cleanup(ledger_done) struct ledger cells = {0};
	const char *person = NULL;

	int result = incident_get(view, candidate->id, &incident, e);
	if (result <= 0 || ledger_read(view, candidate->id, &cells, e) < 0)
		return result <= 0 ? result : e->code;
	/* All are tried, whoever it is: how long it takes tells nothing. */
	vec_foreach(&cells, cell)
		if (token_check(key, incident.id, incident.at, cell->person, candidate->token))
			person = cell->person;
	if (!person)
		return 0;
	memcpy(reply->id, incident.id, sizeof reply->id);
	reply->person = mem_string(person);
	return 1;
}

/* The same for all in the mail. Read only: not every mail is a reason to write. */
static int find_reply(const struct conf *conf, const struct candidates *candidates, struct reply *reply,
		      struct err *e)
{
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct token_key key;
	int result = 0;

	if (cli_store(conf, STORE_READ, &store, e) < 0)
		return e->code;
	result = token_key_read(conf->store, &key, e);
	if (result <= 0)
		return result;
	if (store_view_open(&view, store, e) < 0)
		return e->code;
	result = 0;
	for (size_t i = 0; i < candidates->count && result == 0; i++)
		result = find_person(view, &key, &candidates->items[i], reply, e);
	return result;
}

static int acknowledge_reply(const struct options *o, const struct reply *reply, struct err *e)
{
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(incidents_done) struct incidents found = {0};
	struct acknowledgement acknowledgement = {
		.by = reply->person, .person = reply->person, .note = o->note, .quiet = o->cli.quiet};

	if (cli_store(&o->conf, STORE_WRITE, &store, e) < 0 ||
	    acknowledge_find_id(store, reply->id, &found, e) < 0)
		return e->code;
	return acknowledge(store, &found, &acknowledgement, e);
}

/* ---- what comes of it ---- */

/* A mail server that is told of a failure sends it back to whoever wrote: what acknowledges nothing is dealt with. */
static int pass_over(const char *source, const char *why)
{
	log_notice("%s: acknowledges nothing: %s", strcmp(source, "-") == 0 ? "standard input" : source, why);
	return 0;
}

static int weigh(const struct options *o, const struct mailhead *head, struct err *e)
{
	cleanup(reply_done) struct reply reply = {0};
	struct candidates candidates = {0};
	const char *why = mailhead_automatic(head);

	if (why)
		return pass_over(o->mail, why);
	find_candidates(head, &candidates);
	size_t count = candidates.count;
	int result = count > 0 ? find_reply(&o->conf, &candidates, &reply, e) : 0;
	vec_done(&candidates);
	if (result < 0)
		return result;
	if (result == 0)
		return pass_over(o->mail,
				 count > 0 ? "its token is not that of anybody who was told of the incident"
					   : "there is no token in its subject or in an address");
	return acknowledge_reply(o, &reply, e);
}

int acknowledge_by_mail(struct options *o, struct err *e)
{
	cleanup(mailhead_done) struct mailhead head = {0};

	if (o->by || o->all)
		return err_set(e, ERR_USAGE,
			       "--mail says itself who acknowledges: neither --by nor --all goes with it");
	if (cli_operands(&o->cli, 0, 0, e) < 0)
		return e->code;
	int result = read_mail(o->mail, &head, e);
	if (result == ERR_USAGE || result == ERR_TOO_LARGE)
		return pass_over(o->mail, e->text);
	return result < 0 ? result : weigh(o, &head, e);
}
