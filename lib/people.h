/*
 * people.h - who is who: the administrators' list and the settings, joined person by person.
 *
 * A person is a key: the mail address in lower case, else the telephone
 * (admins_person). The settings win where they say something, groups add up.
 * Whom only the settings name is a person as well: by a section of their own,
 * as `to` of a step, in notify.fallback or notify.copy.
 */
#ifndef VMROLL_PEOPLE_H
#define VMROLL_PEOPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admins.h"
#include "conf.h"

struct person {
	char *key;                        /* of receivers "webhook:NAME" or "command:NAME" */
	char *name;                       /* or NULL */
	char *email;                      /* or NULL, as it was written */
	char *phone;                      /* or NULL */
	char *voice_lang;                 /* never NULL */
	const struct conf_policy *policy; /* never NULL; borrowed from the settings; of who stands in notify.copy alone, a step of its own: at once, by the way it says */
	char *unknown_policy; /* NULL, or what the list names while the settings have no such policy (any more): `policy` is that of notify.policy then */
	struct conf_list groups;  /* each once */
	int quiet_from, quiet_to; /* minutes of the local day; both -1: none */
	bool mail_only;
};

struct people {
	struct person *items; /* by first mention: list, persons, fallback, policies, copy */
	size_t count, capacity;
	struct people_index *index; /* people.c's own */
};

/* Joins. ADMINS may be NULL (none was imported), and need not outlive *PEOPLE; CONF must. The caller calls people_done. */
void people_build(struct people *people, const struct admins *admins, const struct conf *conf);
void people_done(struct people *people);

/* The person of that key, or NULL. Borrowed. */
const struct person *people_find(const struct people *people, const char *key);
/* The person whose key or mail address ADDRESS is, in whatever case, or NULL: for what was typed. */
const struct person *people_find_address(const struct people *people, const char *address);
/* The members of GROUP one after the other, in the order of `items`: *PLACE starts at 0. NULL at the end. */
const struct person *people_next_of(const struct people *people, const char *group, size_t *place);

/*
 * Whether that way reaches the person as the settings are: mail wants a mail address and smtp.url; voice a telephone,
 * sip.from, for a number sip.exchange too, and not mail_only; webhook and command always do. While notify.redirect sends
 * everything to one mailbox, mail reaches everybody, and nothing else anybody.
 */
bool person_has(const struct person *person, const struct conf *conf, enum conf_channel channel);
/* Whether anything reaches them: mail, or a way of a step of their policy that is theirs. */
bool person_is_reachable(const struct person *person, const struct conf *conf);
/* The mail address, telephone, or name of the webhook or command; NULL if there is none. Borrowed from either. */
const char *person_address(const struct person *person, const struct conf_way *way);
/* Whether NOW lies in the person's quiet hours, by the clock on the wall; then *END (ms) is when they end. */
bool person_is_quiet(const struct person *person, int64_t now, int64_t *end);

#endif
