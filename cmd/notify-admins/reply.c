/* reply.c - where a reply to a mail acknowledges: an address, or a subject, that nobody can guess. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "reply.h"
#include "token.h"

void reply_done(struct reply *reply)
{
	free(reply->address);
	free(reply->token);
	*reply = (struct reply){0};
}

/* "7K3F-...": by the incident that the mail names. The caller frees it; NULL with *E. */
static char *make_token(struct state *state, const struct delivery *cell, struct err *e)
{
	const struct incident *incident = state_incident(state, cell->incident);
	const struct incident *lead = incident && incident->group ? state_incident(state, incident->group) : NULL;
	char token[TOKEN_SIZE];
	struct token_key key;

	if (lead)
		incident = lead;
	if (!incident) {
		err_set(e, ERR_NOT_FOUND, "incident %s: not in the store", cell->incident);
		return NULL;
	}
	if (token_key_get(state->conf->store, &key, e) < 0 ||
	    token_make(&key, incident->id, incident->at, cell->person, token, e) < 0)
		return NULL;
	return mem_format("%s-%s", incident->id, token);
}

/* PATTERN with TOKEN in place of %s, which it has at most once (conf.h). */
static char *fill(const char *pattern, const char *token)
{
	const char *place = strstr(pattern, "%s");

	if (!place)
		return mem_string(pattern);
	return mem_format("%.*s%s%s", (int)(place - pattern), pattern, token, place + strlen("%s"));
}

void reply_offer(struct reply *reply, struct state *state, const struct delivery *cell)
{
	const char *pattern = state->conf->notify.reply;
	struct err e = {0};

	*reply = (struct reply){0};
	if (!pattern || cell->kind == DELIVERY_RECOVERY)
		return;
	/* A dry run makes no key. */
	char *token = state->dry_run ? mem_format("%s-TOKEN", cell->incident) : make_token(state, cell, &e);
	if (!token) {
		if (state_say_once(state, e.text))
			log_warning("%s: no reply is offered", e.text);
		return;
	}
	reply->address = fill(pattern, token);
	if (strstr(pattern, "%s"))
		free(token);
	else
		reply->token = token;
}
